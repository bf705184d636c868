"""What tests over the whole zoo share: what a network takes, and the scales worth their time."""

from torch import Tensor, rand

from superfine.models import ModelSpec
from superfine.schema import build_empty

# Networks with more weights than this, and those that use their weights many times, are heavy:
# tests that run them do so at one scale and on the smallest pictures.
_MOST_LIGHT = 1_000_000
_RECURSIVE = ("drcn", "drrn", "mslapsrn")


def heavy(spec: ModelSpec) -> bool:
    """Whether a second of one core is soon spent on running `spec`."""
    return min(spec.parameters.values()) > _MOST_LIGHT or spec.name.startswith(_RECURSIVE)


def has_lighter_sibling(spec: ModelSpec) -> bool:
    """Whether `spec` has over 10 million weights, in the same layers as a lighter network."""
    return max(spec.parameters.values()) > 10**7


def scales_to_run(spec: ModelSpec) -> tuple[int, ...]:
    """The scales tests run `spec` at: those up to 4, or its smallest above 1 where it is heavy."""
    if spec.side is not None:
        return ()  # an input of one size only, and far too large: its own tests build it small
    enlarging = [scale for scale in spec.scales if scale > 1]
    if heavy(spec) or min(enlarging) > 4:
        return (min(enlarging),)
    return tuple(scale for scale in spec.scales if scale <= 4)


def has_branches(spec: ModelSpec) -> bool:
    """Whether `spec` holds layers that only one of its scales uses."""
    return spec.name.startswith("mdsr")


def used_parameters(spec: ModelSpec, scale: int) -> int:
    """How many trainable values `spec` uses at `scale`: all, but for the layers of other scales."""
    if not has_branches(spec):
        return spec.parameters[scale]
    others = [f".x{other}." for other in spec.scales if other != scale]
    named = build_empty(spec, scale).named_parameters()
    return sum(p.numel() for name, p in named if not any(other in name for other in others))


def picture_channels(spec: ModelSpec) -> int:
    """Length of the channel axis of `lr` and `sr`."""
    return 3 if spec.channels == "rgb" else 1


def inputs(
    spec: ModelSpec, scale: int, size: tuple[int, int], *, batch: int = 1
) -> tuple[Tensor, ...]:
    """Random arguments of `network(...)`: an LR picture of `size`, and a guide if it takes one."""
    height, width = size
    lr = rand(batch, picture_channels(spec), height, width)
    if not spec.guide_channels:
        return (lr,)
    return lr, rand(batch, spec.guide_channels, height * scale, width * scale)
