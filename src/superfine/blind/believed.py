"""The kernel a picture is believed to be made with: estimated, in words, or from a file."""

from __future__ import annotations

import math
from pathlib import Path

from superfine.errors import UsageError
from superfine.io.kernels import find_convention, read_kernel
from superfine.ops.kernel_shapes import anisotropic
from superfine.types import Kernel

ESTIMATE = "estimate"
_GAUSS = "gauss:"
# Standard deviations in HR pixels that anybody's lens has.
_LARGEST = 20.0


def given_kernel(text: str, *, scale: int, convention: str) -> Kernel | None:
    """What `--kernel` says: None for "estimate", a Gaussian, or what a file holds.

    Args:
        text: "estimate", "gauss:SX[,SY,ANGLE]" with standard deviations in pixels of the result
            and degrees from the rows downwards, or a path.
        scale: HR pixels per LR pixel.
        convention: Of the file; a name of `KERNEL_CONVENTIONS`.

    Raises:
        UsageError: Words that are none of these.
        SuperfineError: Whatever reading the file raises.
    """
    if text == ESTIMATE:
        return None
    if text.startswith(_GAUSS):
        return _gaussian(text, scale)
    path = Path(text)
    if not path.exists():
        raise UsageError(
            f"--kernel {text!r}: no such file, and neither estimate nor gauss:SX,SY,ANGLE.",
            hint="--kernel gauss:1.5, --kernel gauss:2,1,30 or --kernel kernel.mat",
        )
    return read_kernel(path, scale=scale, convention=find_convention(convention))


def _gaussian(text: str, scale: int) -> Kernel:
    parts = text.removeprefix(_GAUSS).split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    sigmas = numbers[:2]
    if len(numbers) not in (1, 2, 3) or not all(0 < s <= _LARGEST for s in sigmas):
        raise UsageError(
            f"--kernel {text!r}: one or two standard deviations up to {_LARGEST:g} pixels and an "
            "angle in degrees were expected.",
            hint="--kernel gauss:1.5 or --kernel gauss:2,1,30",
        )
    angle = numbers[2] if len(numbers) == 3 else 0.0
    if not math.isfinite(angle):
        raise UsageError(f"--kernel {text!r}: {angle} is no angle.", hint="Give degrees.")
    return anisotropic(sigmas[0], sigmas[-1], math.radians(angle), scale=scale)
