"""What patches are asked for: every flag of `superfine data prepare`, checked together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from superfine.errors import UsageError
from superfine.ops.resize import Method

UPSAMPLINGS: tuple[Method, ...] = ("bicubic", "bilinear", "nearest", "lanczos3")
FLIPS = (0, 1, 2, 3)


@dataclass(frozen=True)
class PrepareOptions:
    """How a folder of pictures becomes patches. Lengths are HR pixels.

    Attributes:
        folder: HR pictures.
        number: Only the first so many, by name; None takes all.
        width: Columns of a patch.
        height: Rows of a patch.
        stride: Between patches, in both directions.
        upscale_factors: LR is made so many times smaller; each factor has patches of its own.
        scales: Each picture is used at each of these sizes, 1 being its own.
        rotations: Degrees, counter-clockwise; multiples of 90 move pixels without changing them.
        flips: 0 none, 1 left-right, 2 top-bottom, 3 both; each before every rotation.
        upsampling: Kernels of MATLAB's resize that make LR; each has patches of its own.
        same_size: LR is enlarged again to the size of HR, by the kernel that shrank it.
        single_y: BT.601 luma instead of colour.
        padding: HR patches lose so many pixels on each side, for networks without padding.
        blur: Standard deviation of a Gaussian over HR before it is shrunk; 0 for none.
        kernel_size: Taps of that Gaussian on a side, odd; None reaches to three deviations.
        levels: Also the truth at every power of two between LR and HR.
        seed: Order of the patches in an HDF5 file; PNG files are numbered in the pictures' order.
    """

    folder: Path
    number: int | None = None
    width: int = 48
    height: int = 48
    stride: int = 48
    upscale_factors: tuple[int, ...] = (2,)
    scales: tuple[float, ...] = (1.0,)
    rotations: tuple[float, ...] = (0.0,)
    flips: tuple[int, ...] = (0,)
    upsampling: tuple[Method, ...] = ("bicubic",)
    same_size: bool = False
    single_y: bool = False
    padding: int = 0
    blur: float = 0.0
    kernel_size: int | None = None
    levels: bool = False
    seed: int = 1234

    def __post_init__(self) -> None:
        """Refuses what contradicts itself.

        Raises:
            UsageError: In the words of the command line.
        """
        self._require_ranges()
        self._require_divisible()
        if 2 * self.padding >= min(self.width, self.height):
            raise UsageError(
                f"--padding {self.padding} leaves nothing of a patch of "
                f"{self.width}×{self.height}.",
                hint="It is taken off every side.",
            )
        if self.kernel_size is not None and not self.blur:
            raise UsageError(
                "--kernel-size without --blur does nothing.", hint="Give --blur SIGMA."
            )
        if self.levels:
            self._require_levels()

    def _require_ranges(self) -> None:
        whole = {
            "number": self.number, "width": self.width, "height": self.height,
            "stride": self.stride, "kernel-size": self.kernel_size,
        }  # fmt: skip
        for name, value in whole.items():
            if value is not None and value < 1:
                raise UsageError(f"--{name} is {value}; it must be at least 1.")
        if self.padding < 0 or not 0 <= self.blur < math.inf:
            raise UsageError("--padding and --blur must not be negative.")
        if self.kernel_size is not None and self.kernel_size % 2 == 0:
            raise UsageError(
                f"--kernel-size {self.kernel_size} has no middle.", hint="Give an odd number."
            )
        factors, scales = self.upscale_factors, self.scales
        _require_each("upscale-factor", factors, lambda x: 1 <= x <= 255, "1 to 255")
        _require_each("scales", scales, lambda x: 0 < x <= 1, "more than 0, at most 1")
        _require_each("rotations", self.rotations, math.isfinite, "degrees")
        _require_each("flips", self.flips, lambda x: x in FLIPS, "0, 1, 2 or 3")
        if not self.upsampling or len(set(self.upsampling)) < len(self.upsampling):
            raise UsageError("--upsampling needs different kernels.")
        if not 0 <= self.seed < 1 << 63:
            raise UsageError(f"--seed is {self.seed}; it must be from 0 to 2^63 - 1.")

    def _require_divisible(self) -> None:
        if self.same_size:
            return
        for factor in self.upscale_factors:
            for name in ("width", "height", "stride"):
                value = getattr(self, name)
                if value % factor:
                    below = value // factor * factor
                    near = f"{below} or {below + factor}" if below else f"{factor}"
                    raise UsageError(
                        f"--{name} {value} is not a multiple of the upscale factor {factor}: "
                        "LR patches would not lie on whole pixels.",
                        hint=f"Use {near}, or --same-size.",
                    )

    def _require_levels(self) -> None:
        factors = self.upscale_factors
        if len(factors) > 1 or factors[0] not in (2, 4, 8):
            raise UsageError("--levels needs one upscale factor: 2, 4 or 8.")
        if self.same_size or self.padding:
            raise UsageError("--levels goes with neither --same-size nor --padding.")


def _require_each(
    name: str, values: Sequence[float], allowed: Callable[[float], bool], expected: str
) -> None:
    if not values or len(set(values)) < len(values):
        raise UsageError(f"--{name} needs one value or several different ones.")
    for value in values:
        if not allowed(value):
            raise UsageError(f"--{name} has {value:g}; expected {expected}.")
