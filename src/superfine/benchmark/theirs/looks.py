"""What of a result gives away how it was made, as a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from superfine.benchmark.comparison import luma_of
from superfine.benchmark.output import Output
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.resizes import NO_ANTIALIAS, to_codes
from superfine.data.check.resize import RESIZES
from superfine.data.check.shift import Shift, shift_of
from superfine.ops.resize import imresize

_SMALLEST = 24  # LR pixels on a side
_COARSER = 4  # times smaller than LR
BLOCK = 8  # pixels on a side of what JPEG packs


@dataclass(frozen=True)
class Step:
    """How far a result went from the right LR picture to that of another resize.

    Attributes:
        share: 0 for the right one, 1 for the other.
        error: Root-mean-square codes to the other, of the shrunk result.
        right: The same to the right one.
    """

    share: float
    error: float
    right: float


@dataclass(frozen=True)
class Look:
    """What is kept of one result.

    Attributes:
        picture: Its name.
        scale: HR pixels per LR pixel.
        large: Whether it is large enough for anything fine to be told.
        largest: Its largest code.
        alike: Correlation with the truth, both shrunk.
        gain: Of coarse luma against that of the truth, ...
        added: ... and codes added.
        darker: Mean of the truth less that of the result, in codes.
        shift: Against the truth; None where it cannot be told.
        steps: To other resizes, by name.
        flipped: Squared error with red and blue exchanged, relative; None without colours.
        grey: Whether three equal planes stand for a colour picture.
        truth: Whether it is the truth itself.
        blocks: Edges of 8x8 blocks relative to those of the truth; 1 where the truth has none.
    """

    picture: str
    scale: int
    large: bool
    largest: float
    alike: float
    gain: float
    added: float
    darker: float
    shift: Shift | None
    steps: Mapping[str, Step]
    flipped: float | None
    grey: bool
    truth: bool
    blocks: float


def look_at(output: Output, protocol: Protocol) -> Look:
    """What a result looks like beside its truth, under the LR pictures of `protocol`."""
    scale, hr = output.scale, output.hr.double()
    sr = to_codes(output.sr).double()
    y, truth = _luma(sr), _luma(hr)
    small, small_truth = (imresize(plane, scale=1 / scale) for plane in (y, truth))
    # Blur takes from the gain of fine detail: brightness is told from what is coarse.
    coarse, coarse_truth = (imresize(plane, scale=1 / _COARSER) for plane in (small, small_truth))
    gain, added = _line(coarse_truth, coarse)
    return Look(
        picture=output.picture,
        scale=scale,
        large=min(small.shape) >= _SMALLEST,
        largest=float(sr.max()),
        alike=_correlation(small_truth, small),
        gain=gain,
        added=added,
        darker=float((small_truth - small).mean()),
        shift=shift_of(small, truth, scale=scale),
        steps=_steps(output, protocol, small),
        flipped=_flipped(sr, hr),
        grey=sr.shape[0] == 3 and bool((sr == sr[:1]).all()) and not bool((hr == hr[:1]).all()),
        truth=sr.shape == hr.shape and bool((sr == hr).all()),
        blocks=_edges(y) / max(_edges(truth), 1.0),
    )


def _luma(codes: Float[Tensor, "c h w"]) -> Float[Tensor, "h w"]:
    return luma_of(codes, "studio")[0] if codes.shape[0] == 3 else codes[0]


def _line(x: Float[Tensor, "m n"], y: Float[Tensor, "m n"]) -> tuple[float, float]:
    """Gain and offset of the line through `y` against `x`."""
    u, v = x - x.mean(), y - y.mean()
    variance = float((u * u).mean())
    gain = float((u * v).mean()) / variance if variance else 1.0
    return gain, float(y.mean()) - gain * float(x.mean())


def _correlation(x: Float[Tensor, "m n"], y: Float[Tensor, "m n"]) -> float:
    """1 where one of them is flat."""
    u, v = x - x.mean(), y - y.mean()
    spread = float(u.norm() * v.norm())
    return float((u * v).sum()) / spread if spread else 1.0


def _steps(output: Output, protocol: Protocol, small: Float[Tensor, "m n"]) -> Mapping[str, Step]:
    right = _luma(protocol.colour_resize.shrink(output.hr, output.scale) * 255)
    made = {
        name: resize(output.hr, output.scale).double()
        for name, resize in RESIZES.items()
        if not protocol.colour_resize.name.startswith(name.split()[0].lower())
    }
    made["bicubic without antialiasing"] = NO_ANTIALIAS.shrink(output.hr, output.scale) * 255
    steps = {}
    for name, lr in made.items():
        other = _luma(lr)
        step = other - right
        length = float((step * step).sum())
        if length > 0:
            share = float(((small - right) * step).sum()) / length
            steps[name] = Step(share, _rms(small - other), _rms(small - right))
    return steps


def _rms(x: Float[Tensor, "m n"]) -> float:
    return float(x.square().mean().sqrt())


def _flipped(sr: Float[Tensor, "c h w"], hr: Float[Tensor, "d h w"]) -> float | None:
    if sr.shape[0] != 3 or hr.shape[0] != 3:
        return None
    error = float((sr - hr).square().mean())
    return float((sr.flip(0) - hr).square().mean()) / error if error else None


def _edges(y: Float[Tensor, "h w"]) -> float:
    """How much stronger steps are at multiples of 8 than half-way between; JPEG pictures have more.

    Half-way, since upsampling networks leave patterns of 2 and 4 pixels too.
    """
    strength = 0.0
    for plane in (y, y.T):
        steps = (plane[:, 1:] - plane[:, :-1]).abs()
        # Steps that stand out from those beside them: an edge of the scene is broader.
        sharp = (steps[:, 1:-1] - (steps[:, :-2] + steps[:, 2:]) / 2).mean(dim=0)
        level = float(steps.mean()) + 1e-9
        # The step from column 8k - 1 to 8k is number 8k - 1 of `steps`, 8k - 2 of `sharp`.
        at, between = sharp[BLOCK - 2 :: BLOCK], sharp[BLOCK // 2 - 2 :: BLOCK]
        strength += float(at.mean() - between.mean()) / level / 2
    return 1 + strength
