"""The ways to enlarge a depth map that need no weights, one contract for all.

A method sees a map without unit: its holes filled with the nearest value, stretched to [0, 1] by
its own range. It knows how the map was sampled and which of its samples are real, and answers on
the size of the guide, or the size asked for where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from superfine.errors import find_named
from superfine.ops.depth_lr import DepthOperator
from superfine.ops.guided_diffusion import guided_diffusion
from superfine.ops.guided_filter import guided_filter
from superfine.ops.joint_bilateral import joint_bilateral
from superfine.ops.place import sample_at


@dataclass(frozen=True, eq=False)
class Task:
    """A map to enlarge.

    Attributes:
        lr: On [0, 1], without holes.
        valid: False where `lr` was filled.
        guide: The photo on [0, 1], grey or in colours, of the size wanted; None without one.
        size: Rows and columns wanted.
        operator: How `lr` was made, or sampled.
    """

    lr: Float[Tensor, "1 m n"]
    valid: Bool[Tensor, "1 m n"]
    guide: Float[Tensor, "c h w"] | None
    size: tuple[int, int]
    operator: DepthOperator


@dataclass(frozen=True)
class DepthMethod:
    """One way to enlarge a map.

    Attributes:
        name: What users type.
        guided: Whether it needs a photo.
        enlarge: Does it; values about [0, 1].
        about: One line for people.
        projected: Whether its result is made to shrink to what it came from. Not for samples that
            are given as they are.
    """

    name: str
    guided: bool
    enlarge: Callable[[Task], Float[Tensor, "1 h w"]]
    about: str
    projected: bool = True


def _nearest(task: Task) -> Float[Tensor, "1 h w"]:
    at = task.operator.places_on_lr(task.size, (task.lr.shape[-2], task.lr.shape[-1]))
    return sample_at(task.lr, *at, "nearest")


def _bicubic(task: Task) -> Float[Tensor, "1 h w"]:
    return task.operator.enlarge(task.lr, task.size)


def _joint_bilateral(task: Task) -> Float[Tensor, "1 h w"]:
    assert task.guide is not None
    return joint_bilateral(task.lr, task.guide, task.operator, lr_valid=task.valid)


def _guided_filter(task: Task) -> Float[Tensor, "1 h w"]:
    assert task.guide is not None
    ratio = max(wanted / given for wanted, given in zip(task.size, task.lr.shape[-2:], strict=True))
    enlarged = task.operator.enlarge(task.lr, task.size)
    # Half the scale: a window is as wide as a cell of LR.
    return guided_filter(enlarged, task.guide, radius=max(1, round(ratio / 2)))


def _guided_diffusion(task: Task) -> Float[Tensor, "1 h w"]:
    assert task.guide is not None
    return guided_diffusion(task.lr, task.guide, task.operator, lr_valid=task.valid)


NEAREST = DepthMethod(
    "nearest", False, _nearest, "the nearest sample: steps, but no depth that nobody measured",
    projected=False,
)  # fmt: skip
BICUBIC = DepthMethod(
    "bicubic", False, _bicubic, "smooth; edges float between foreground and background"
)
JOINT_BILATERAL = DepthMethod(
    "joint-bilateral", True, _joint_bilateral, "means of near samples of like colour"
)
GUIDED_FILTER = DepthMethod(
    "guided-filter", True, _guided_filter, "linear in the photo, window by window; the fastest"
)
GUIDED_DIFFUSION = DepthMethod(
    "guided-diffusion", True, _guided_diffusion,
    "the smoothest map between the photo's edges that agrees with the sensor",
)  # fmt: skip

METHODS: tuple[DepthMethod, ...] = (
    NEAREST,
    BICUBIC,
    JOINT_BILATERAL,
    GUIDED_FILTER,
    GUIDED_DIFFUSION,
)


METHOD_NAMES = tuple(method.name for method in METHODS)


def find_method(name: str) -> DepthMethod:
    """The method called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return find_named("depth method", name, METHODS, listing="docs/depth.md")
