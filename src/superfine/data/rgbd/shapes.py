"""Solids and sheets that rays meet in closed form, and the nearest of them along each ray.

Convention: the eye is at the origin, x to the right, y down, z ahead, in metres. The ray of a
pixel is (x, y, 1), so that how far one goes along it is the depth z. Each shape has a frame of
its own in which it is a unit shape; a ray keeps its parameter when it is moved there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from superfine.data.rgbd.texture import Skin

Kind = Literal["plane", "board", "box", "ball", "rod"]
Edge = Literal["rectangle", "disc", "blob", "ring", "bars", "grid"]

# Metres: what is nearer is not seen. It also keeps what is bounded on the screen off the eye.
NEAREST = 0.2
Values: TypeAlias = NDArray[np.floating]
Triple: TypeAlias = tuple[Values, Values, Values]


@dataclass(frozen=True, eq=False)
class Outline:
    """What of a board is there, in its own unit square.

    Attributes:
        edge: Its kind.
        waves: Heights of the waves around a blob, from the third on.
        phases: Where they begin.
        count: Bars in a row.
        solid: How much of a ring or of the distance between bars is there, 0 to 1.
    """

    edge: Edge = "rectangle"
    waves: tuple[float, ...] = ()
    phases: tuple[float, ...] = ()
    count: int = 1
    solid: float = 0.5

    def holds(self, u: Values, v: Values) -> NDArray[np.bool_]:
        """Whether points of the plane belong to the board."""
        inside: NDArray[np.bool_] = (np.abs(u) <= 1) & (np.abs(v) <= 1)
        if self.edge == "bars":
            inside &= self._bar(u)
        elif self.edge == "grid":
            inside &= self._bar(u) | self._bar(v)
        elif self.edge in ("disc", "ring"):
            square = u * u + v * v
            inside = square <= 1
            if self.edge == "ring":
                inside &= square >= (1 - self.solid) ** 2
        elif self.edge == "blob":
            inside &= u * u + v * v <= self._radius(np.arctan2(v, u)) ** 2
        return inside

    def _radius(self, angle: Values) -> Values:
        """Of a blob, at most 1."""
        waves = enumerate(zip(self.waves, self.phases, strict=True), start=3)
        radius = 1 + sum((a * np.cos(k * angle + p) for k, (a, p) in waves), np.zeros_like(angle))
        return radius / (1 + sum(self.waves))

    def _bar(self, x: Values) -> NDArray[np.bool_]:
        place = (x + 1) * 0.5 * (self.count - 1 + self.solid)
        solid: NDArray[np.bool_] = place - np.floor(place) <= self.solid
        return solid


@dataclass(frozen=True, eq=False)
class Shape:
    """One thing in a scene.

    Attributes:
        kind: An endless plane, a flat board, a box, an ellipsoid, or a round rod with flat ends.
        centre: Where it is, in metres.
        axes: Rows are its own directions, of length 1: a plane and a board face along the third,
            a rod goes along it.
        half: Half its size along them, in metres; of no meaning to a plane.
        skin: What it looks like.
        outline: The edge of a board.
    """

    kind: Kind
    centre: Float[np.ndarray, "3"]
    axes: Float[np.ndarray, "3 3"]
    half: Float[np.ndarray, "3"]
    skin: Skin
    outline: Outline = field(default_factory=Outline)

    def seen_from(self, eye: Float[np.ndarray, "3"], turn: Float[np.ndarray, "3 3"]) -> Shape:
        """The same shape in the frame of an eye elsewhere; rows of `turn` are its directions."""
        return replace(self, centre=turn @ (self.centre - eye), axes=self.axes @ turn.T)

    def frame(self) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
        """What takes directions into its own frame, and where the eye is there."""
        into = self.axes / self.half[:, None]
        return into, -into @ self.centre


def nearest(
    shapes: Sequence[Shape], x: Float[np.ndarray, "s 1 w"], y: Float[np.ndarray, "s h 1"]
) -> tuple[Float[np.ndarray, "s h w"], Int[np.ndarray, "s h w"]]:
    """How deep each ray (x, y, 1) goes, and the number of the shape it meets.

    A ray that meets nothing goes to infinity, and its number is -1.
    """
    depth = np.full((x.shape[0], y.shape[1], x.shape[2]), np.inf)
    which = np.full(depth.shape, -1, np.int16)
    for number, shape in enumerate(shapes):
        rows, columns = window(shape, x, y)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        reached = _reach(shape, x[:, :, columns], y[:, rows])
        place = (slice(None), rows, columns)
        nearer = reached < depth[place]
        depth[place][nearer] = reached[nearer]
        which[place][nearer] = number
    return depth, which


def window(
    shape: Shape, x: Float[np.ndarray, "s 1 w"], y: Float[np.ndarray, "s h 1"]
) -> tuple[slice, slice]:
    """Rows and columns outside of which no ray can meet `shape`."""
    everything = slice(0, y.shape[1]), slice(0, x.shape[2])
    if shape.kind == "plane":
        return everything
    signs = np.array(list(product((-1, 1), repeat=3)))
    corners = shape.centre + (signs * shape.half) @ shape.axes
    if corners[:, 2].max() < NEAREST:
        return slice(0, 0), slice(0, 0)
    if corners[:, 2].min() < NEAREST:
        return everything
    seen = corners[:, :2] / corners[:, 2:]
    return _between(y[0, :, 0], *seen[:, 1]), _between(x[0, 0], *seen[:, 0])


def _between(grid: Float[np.ndarray, " n"], *values: float) -> slice:
    # The rays of one pixel lie less than a pixel apart.
    first = int(np.searchsorted(grid, min(values))) - 1
    last = int(np.searchsorted(grid, max(values))) + 1
    return slice(max(first, 0), min(last, len(grid)))


def _reach(
    shape: Shape, x: Float[np.ndarray, "s 1 w"], y: Float[np.ndarray, "s h 1"]
) -> Float[np.ndarray, "s h w"]:
    into, eye = shape.frame()
    if shape.kind == "plane":
        return _ahead(-eye[2] / (into[2, 0] * x + into[2, 1] * y + into[2, 2]))
    ray = tuple(into[i, 0] * x + into[i, 1] * y + into[i, 2] for i in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        if shape.kind == "board":
            return _reach_board(eye, (ray[0], ray[1], ray[2]), shape.outline)
        meet = {"box": _reach_box, "ball": _reach_ball, "rod": _reach_rod}[shape.kind]
        return meet(eye, (ray[0], ray[1], ray[2]))


def _ahead(t: Values, met: Bool[np.ndarray, "*n"] | bool = True) -> Values:
    """`t` where it is met far enough from the eye, else infinity; NaN is nowhere."""
    return np.where((t >= NEAREST) & met, t, np.inf)


def _reach_board(eye: Float[np.ndarray, "3"], ray: Triple, outline: Outline) -> Values:
    t = -eye[2] / ray[2]
    return _ahead(t, outline.holds(eye[0] + t * ray[0], eye[1] + t * ray[1]))


def _reach_box(eye: Float[np.ndarray, "3"], ray: Triple) -> Values:
    first = np.full(np.broadcast_shapes(*(d.shape for d in ray)), -np.inf)
    last = -first
    for o, d in zip(eye, ray, strict=True):
        inverse = 1 / d
        a, b = (-1 - o) * inverse, (1 - o) * inverse
        first, last = np.maximum(first, np.minimum(a, b)), np.minimum(last, np.maximum(a, b))
    return _ahead(first, first <= last)


def _reach_ball(eye: Float[np.ndarray, "3"], ray: Triple) -> Values:
    a = ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2
    b = eye[0] * ray[0] + eye[1] * ray[1] + eye[2] * ray[2]
    return _ahead((-b - np.sqrt(b * b - a * (eye @ eye - 1))) / a)


def _reach_rod(eye: Float[np.ndarray, "3"], ray: Triple) -> Values:
    a = ray[0] ** 2 + ray[1] ** 2
    b = eye[0] * ray[0] + eye[1] * ray[1]
    c = eye[0] ** 2 + eye[1] ** 2 - 1
    side = (-b - np.sqrt(b * b - a * c)) / a
    reached = _ahead(side, np.abs(eye[2] + side * ray[2]) <= 1)
    # Of the two ends, the one towards the eye.
    end = (np.sign(eye[2]) - eye[2]) / ray[2]
    return np.minimum(reached, _ahead(end, a * end * end + 2 * b * end + c <= 0))
