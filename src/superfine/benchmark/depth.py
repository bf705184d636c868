"""Measuring depth networks: how LR depth is made and errors are counted, as named values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from superfine.data.depth import DepthScene, scenes_in, started, stretched
from superfine.errors import UsageError, find_named
from superfine.metrics import mae, rmse
from superfine.models import ModelSpec
from superfine.ops.codes import to_unit
from superfine.ops.depth_lr import BICUBIC, DIRECT_LAST, DepthOperator
from superfine.ops.holes import fill_nearest


@dataclass(frozen=True)
class DepthScore:
    """What a protocol measured on one map, in the unit of the protocol; lower is better."""

    rmse: float
    mae: float


@dataclass(frozen=True, eq=False)
class DepthPair:
    """A LR map as a network is fed with it, and the truth as it is compared.

    Attributes:
        lr: On [0, 1], stretched by what `low` and `high` say.
        guide: The photo on [0, 1], grey or in colour, as large as the truth; None without one.
        truth: In the unit of the protocol.
        valid: Where the truth counts.
        low: What 0 in `lr` is, in the unit of `truth`.
        high: What 1 in `lr` is, in the unit of `truth`.
    """

    lr: Float[Tensor, "1 m n"]
    guide: Float[Tensor, "c h w"] | None
    truth: Float[Tensor, "1 h w"]
    valid: Bool[Tensor, "1 h w"]
    low: float
    high: float

    def inputs(self, spec: ModelSpec, device: torch.device) -> tuple[Tensor, ...]:
        """What a network of `spec` is called with: the map, and its guide if it takes one."""
        lr = self.lr[None].to(device)
        if not spec.guide_channels:
            return (lr,)
        assert self.guide is not None
        return lr, self.guide[None].to(device)

    @property
    def truth_as_lr(self) -> Float[Tensor, "1 h w"]:
        """The truth stretched as `lr` is; about [0, 1]."""
        return (self.truth - self.low) / max(self.high - self.low, 1e-12)


@dataclass(frozen=True, eq=False)
class DepthOutput:
    """A result beside its truth.

    Attributes:
        picture: Name of the map, without its ending.
        pair: What it was made of, and the truth.
        sr: The result, stretched as `pair.lr` is.
    """

    picture: str
    pair: DepthPair
    sr: Float[Tensor, "1 h w"]

    @property
    def scale(self) -> int:
        """HR pixels per LR pixel."""
        return self.pair.truth.shape[-1] // self.pair.lr.shape[-1]


@dataclass(frozen=True)
class DepthProtocol:
    """One way to make LR depth and to count errors.

    Attributes:
        name: What tables and logs say.
        operator: How LR depth is made.
        unit: What errors are counted in. "code": the codes of the file, which are grey levels in
            8-bit sets and often millimetres in 16-bit ones; holes are filled before shrinking and
            do not count; the network sees the map stretched by the range of the LR map, which is
            all a user has. "cm": the same of maps in metres, in centimetres. "stretched": 8-bit
            grey levels of the map stretched to 0..255; every pixel counts, holes too; the result is
            rounded to 8 bits.
        shave: HR pixels left out on each side.
        about: One line for people.
    """

    name: str
    operator: DepthOperator
    unit: Literal["code", "cm", "stretched"]
    shave: int
    about: str

    def pair(self, scene: DepthScene, scale: int, *, starts: bool = False) -> DepthPair:
        """The LR map of `scene` and its truth, cut to multiples of `scale`.

        Args:
            scene: With a photo in colours where `starts`.
            scale: HR pixels per LR pixel.
            starts: Whether the guide gets one channel more: the LR map by guided diffusion.

        Raises:
            PictureError: When the map is smaller than that, or nothing but holes.
        """
        scene = scene.cropped(scale)
        guide = None if scene.guide is None else to_unit(scene.guide)
        if self.unit == "stretched":
            codes = stretched(scene.values, *torch.aminmax(scene.values))
            truth = torch.floor(codes * 255 + 0.5)
            lr = self.operator.shrink(truth, scale) / 255
            if starts and guide is not None:
                guide = started(lr, guide, self.operator)
            return DepthPair(lr, guide, truth, torch.ones_like(scene.valid), 0.0, 255.0)
        filled = fill_nearest(scene.values, scene.valid)
        lr = self.operator.shrink(filled, scale)
        low, high = torch.aminmax(lr)
        lr = stretched(lr, low, high)
        if starts and guide is not None:
            guide = started(lr, guide, self.operator)
        return DepthPair(lr, guide, filled, scene.valid, float(low), float(high))

    def score(self, sr: Float[Tensor, "1 h w"], pair: DepthPair) -> DepthScore:
        """The errors of `sr`, a result on [0, 1] as the network gave it."""
        compared = self.compared(sr, pair)
        return DepthScore(rmse=float(rmse(*compared)), mae=float(mae(*compared)))

    def compared(
        self, sr: Float[Tensor, "1 h w"], pair: DepthPair
    ) -> tuple[Float[Tensor, "1 m n"], Float[Tensor, "1 m n"], Bool[Tensor, "1 m n"]]:
        """`sr` in the unit of the protocol, its truth, and which pixels count: what is compared."""
        depth = pair.low + sr.double() * (pair.high - pair.low)
        if self.unit == "stretched":
            depth = torch.floor(depth + 0.5).clamp(0, 255)
        truth, valid = pair.truth.double(), pair.valid
        if self.shave:
            inner = (..., *(slice(self.shave, -self.shave),) * 2)
            depth, truth, valid = depth[inner], truth[inner], valid[inner]
        return depth, truth, valid


DEPTH_PROTOCOLS: tuple[DepthProtocol, ...] = (
    DepthProtocol(
        name="registered-bicubic",
        operator=BICUBIC,
        unit="code",
        shave=0,
        about="The tables since 2021: LR by antialiased bicubic, in place; errors in the codes of "
        "the file over its valid pixels, nothing rounded, nothing shaved.",
    ),
    DepthProtocol(
        name="direct-last",
        operator=DIRECT_LAST,
        unit="code",
        shave=0,
        about="The tables of 2016 to 2019 (DJF, DKN, SVLRM's paper): LR is the last sample of each "
        "cell, (scale - 1) / 2 pixels out of place; errors in the codes of the file over its valid "
        "pixels, nothing rounded, nothing shaved.",
    ),
    DepthProtocol(
        name="nyu-dkn",
        operator=BICUBIC,
        unit="cm",
        shave=6,
        about="The tables of NYU v2 since 2021, after DKN's code: LR by antialiased bicubic, in "
        "place; errors in centimetres, 6 pixels shaved, nothing rounded. For sets in metres.",
    ),
    DepthProtocol(
        name="seed-svlrm",
        operator=DIRECT_LAST,
        unit="stretched",
        shave=0,
        about="The public SVLRM code: the last sample of each cell, (scale - 1) / 2 pixels out of "
        "place; errors in 8-bit grey levels of the stretched map, result rounded to 8 bits.",
    ),
)


def find_depth_protocol(name: str) -> DepthProtocol:
    """The depth protocol called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return find_named("depth protocol", name, DEPTH_PROTOCOLS, listing="docs/protocols.md")


def validation_pairs(
    folder: Path, spec: ModelSpec, scale: int, protocol: DepthProtocol
) -> list[DepthPair]:
    """The maps of `folder`, in the layout of `data/depth.py`, ready to be measured.

    Raises:
        UsageError: When the layout is another one, a photo is missing, or the protocol counts
            centimetres.
        PictureError: When a map is no 8- or 16-bit grey PNG, too small, or nothing but holes.
        SizeMismatchError: When a photo is not as large as its map.
    """
    if protocol.unit == "cm":
        raise UsageError(
            f"{protocol.name} counts centimetres, and PNG files do not say what a metre is.",
            hint="Validate with registered-bicubic; superfine benchmark has nyu-dkn.",
        )
    scenes = scenes_in(folder, guide_channels=spec.photo_channels)
    return [protocol.pair(scene, scale, starts=spec.refines) for scene in scenes]


@torch.no_grad()
def measure_depth_each(
    network: nn.Module,
    spec: ModelSpec,
    pairs: Sequence[DepthPair],
    *,
    scale: int,
    protocol: DepthProtocol,
) -> list[DepthScore]:
    """The score of each map, whole and in float32; the network is left in the mode it came in.

    Raises:
        ValueError: When the pairs were made for another scale.
    """
    if any(pair.lr.shape[-1] * scale != pair.truth.shape[-1] for pair in pairs):
        raise ValueError(f"the pairs were not made for scale {scale}")
    parameter = next(network.parameters(), torch.empty(0))
    training = network.training
    network.eval()
    try:
        return [
            protocol.score(network(*pair.inputs(spec, parameter.device))[0].cpu(), pair)
            for pair in pairs
        ]
    finally:
        network.train(training)


def measure_depth(
    network: nn.Module,
    spec: ModelSpec,
    pairs: Sequence[DepthPair],
    *,
    scale: int,
    protocol: DepthProtocol,
) -> DepthScore:
    """The mean score over `pairs`; the function behind every depth table and training log."""
    return mean_depth_score(
        measure_depth_each(network, spec, pairs, scale=scale, protocol=protocol)
    )


def mean_depth_score(scores: Sequence[DepthScore]) -> DepthScore:
    """The mean of the maps' scores, as every table prints it; not the RMSE of all pixels."""
    count = len(scores)
    return DepthScore(
        rmse=sum(s.rmse for s in scores) / count, mae=sum(s.mae for s in scores) / count
    )
