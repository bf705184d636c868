"""What stands in a scene: single things and clusters of them, each placed and dressed at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from superfine.data.rgbd.dice import Dice
from superfine.data.rgbd.shapes import Edge, Kind, Outline, Shape
from superfine.data.rgbd.texture import Pattern, Skin

Layout = Literal["room", "table", "sheets"]

_PATTERNS: tuple[Pattern, ...] = (
    "plain", "plain", "plain", "cloud", "cloud", "gradient", "stripes", "checks", "bricks", "wood",
    "speckle", "print", "print",
)  # fmt: skip
_EDGES: tuple[Edge, ...] = ("rectangle", "disc", "blob", "blob", "ring", "bars", "grid")
_KINDS: tuple[Kind, ...] = ("box", "box", "box", "ball", "ball", "rod", "rod", "board", "board")


@dataclass(frozen=True)
class Stage:
    """Where things may be put.

    Attributes:
        layout: Kind of the scene.
        near: Depth of the nearest, in metres.
        far: Of the farthest.
        width: Of what the camera sees at a depth of one metre, in metres.
        floor: How far below the eye the floor is; None where there is none.
        size: About how large a thing is, in metres.
    """

    layout: Layout
    near: float
    far: float
    width: float
    floor: float | None
    size: float


def things_on(dice: Dice, stage: Stage, walls: list[Shape], aspect: float) -> list[Shape]:
    """What stands and floats before `walls`, some of it in the colours of the first of them."""
    things: list[Shape] = []
    for _ in range(dice.whole(5, 28)):
        place = _place(dice, stage, aspect)
        size = stage.size * dice.log_uniform(0.25, 1.8) * (0.4 + 0.6 * place[2] / stage.far)
        things.append(_thing(dice, stage, place, size))
    for _ in range(dice.whole(0, 2)):
        make = dice.pick(_CLUSTERS)
        place = _place(dice, stage, aspect)
        things += make(dice, stage, place, stage.size * dice.uniform(0.6, 1.6))
    return [_camouflaged(thing, walls[0]) if dice.chance(0.12) else thing for thing in things]


def _camouflaged(thing: Shape, wall: Shape) -> Shape:
    """The same thing in the colours of the wall behind it: depth has an edge, colour hardly."""
    return replace(thing, skin=replace(wall.skin, relief=0.15, gloss=0.0))


def _place(dice: Dice, stage: Stage, aspect: float) -> Float[np.ndarray, "3"]:
    """A point that is seen, more often far than near."""
    z = stage.near + (stage.far - stage.near) * dice.uniform(0, 1) ** 0.7
    x = dice.uniform(-0.55, 0.55) * stage.width * z
    y = dice.uniform(-0.55, 0.55) * stage.width * aspect * z
    return np.array([x, y if stage.floor is None else min(y, 0.9 * stage.floor), z])


def _thing(dice: Dice, stage: Stage, place: Float[np.ndarray, "3"], size: float) -> Shape:
    kind = dice.pick(_KINDS if stage.layout != "sheets" else (*_KINDS, "board", "board", "board"))
    half = size * np.array([dice.log_uniform(0.4, 1.6) for _ in range(3)])
    if kind == "rod":
        thickness = size * dice.log_uniform(0.02, 0.5)
        half = np.array([thickness, thickness, size * dice.uniform(0.6, 3)])
    axes = _upright(dice) if stage.floor is not None and dice.chance(0.6) else _any_way(dice)
    if kind == "board":
        half[2] = 1e-6
        if stage.layout == "sheets" and dice.chance(0.6):
            axes = _towards_eye(dice)
    if stage.floor is not None and dice.chance(0.6):
        # On the floor: its lowest point touches it.
        place = np.array([place[0], stage.floor - float(np.abs(axes[:, 1]) @ half), place[2]])
    return Shape(kind, place, axes, half, skin_of(dice, size=size), outline_of(dice))


def _fence(dice: Dice, stage: Stage, place: Float[np.ndarray, "3"], size: float) -> list[Shape]:
    """Thin rods side by side."""
    axes, skin = _any_way(dice) if dice.chance(0.3) else _upright(dice), skin_of(dice, size=size)
    thickness, gap = size * dice.log_uniform(0.015, 0.06), size * dice.uniform(0.12, 0.4)
    half = np.array([thickness, thickness, size * dice.uniform(0.8, 2.5)])
    count = dice.whole(4, 14)
    return [
        Shape("rod", place + (i - count / 2) * gap * axes[0], axes, half, skin)
        for i in range(count)
    ]


def _shelf(dice: Dice, stage: Stage, place: Float[np.ndarray, "3"], size: float) -> list[Shape]:
    """Boxes in a row, each of another height, like books."""
    axes = _upright(dice)
    # Books stand along their third direction, which points down.
    things, along = [], 0.0
    for _ in range(dice.whole(5, 16)):
        half = size * np.array(
            [dice.uniform(0.05, 0.16), dice.uniform(0.25, 0.5), dice.uniform(0.35, 0.7)]
        )
        along += half[0]
        centre = place + along * axes[0] + (size - half[2]) * axes[2]
        things.append(Shape("box", centre, axes, half, skin_of(dice, size=size)))
        along += half[0] + size * dice.uniform(0, 0.03)
    return things


def _leaves(dice: Dice, stage: Stage, place: Float[np.ndarray, "3"], size: float) -> list[Shape]:
    """Small boards that face anywhere, in shades of one colour."""
    skin = skin_of(dice, size=size)
    leaf = size * dice.uniform(0.12, 0.35)
    return [
        Shape(
            "board",
            place + dice.vector(-1, 1) * size * np.array([1.0, 1.0, 0.6]),
            _any_way(dice),
            np.array([leaf * dice.uniform(0.7, 1.3), leaf * dice.uniform(0.25, 0.6), 1e-6]),
            replace(skin, colours=np.clip(skin.colours * dice.uniform(0.6, 1.4), 0, 1)),
            Outline("disc"),
        )
        for _ in range(dice.whole(12, 40))
    ]


_CLUSTERS: tuple[Callable[[Dice, Stage, Float[np.ndarray, "3"], float], list[Shape]], ...] = (
    _fence,
    _shelf,
    _leaves,
)


def skin_of(dice: Dice, *, size: float) -> Skin:
    """The look of something about `size` metres large."""
    first = _colour(dice)
    return Skin(
        pattern=dice.pick(_PATTERNS),
        colours=np.stack([first, _colour(dice) if dice.chance(0.7) else first * 0.75]),
        wavelength=size * dice.log_uniform(0.1, 1.2),
        turn=dice.uniform(0, np.pi) if dice.chance(0.4) else 0.0,
        offset=dice.vector(0, 200, 2),
        grain=dice.uniform(0.05, 0.35) if dice.chance(0.6) else 0.0,
        gloss=dice.uniform(0.2, 0.9) if dice.chance(0.25) else 0.0,
        relief=dice.uniform(0.5, 1.0),
    )


def _colour(dice: Dice) -> Float[np.ndarray, "3"]:
    """A reflectance: many dull ones, some bright."""
    grey = dice.uniform(0.05, 0.9)
    return np.clip(grey + dice.uniform(0, 0.5) * dice.vector(-1, 1), 0.02, 0.95)


def outline_of(dice: Dice) -> Outline:
    """The edge of a board."""
    waves = tuple(dice.uniform(-0.25, 0.25) / (i + 1) for i in range(5))
    return Outline(
        edge=dice.pick(_EDGES),
        waves=tuple(abs(wave) for wave in waves),
        phases=tuple(dice.uniform(0, 2 * np.pi) for _ in waves),
        count=dice.whole(2, 10),
        solid=dice.uniform(0.15, 0.7),
    )


def _upright(dice: Dice) -> Float[np.ndarray, "3 3"]:
    """Turned about the vertical; the third direction is down."""
    yaw = dice.uniform(0, 2 * np.pi)
    aside = np.array([np.cos(yaw), 0, np.sin(yaw)])
    down = np.array([0.0, 1.0, 0.0])
    return np.stack([aside, np.cross(down, aside), down])


def _any_way(dice: Dice) -> Float[np.ndarray, "3 3"]:
    facing = dice.vector(-1, 1) + np.array([0, 0, 1e-3])
    return _rolled(dice, facing / np.linalg.norm(facing))


def _towards_eye(dice: Dice) -> Float[np.ndarray, "3 3"]:
    facing = np.array([*dice.vector(-0.4, 0.4, 2), 1.0])
    return _rolled(dice, facing / np.linalg.norm(facing))


def _rolled(dice: Dice, facing: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    frame, angle = frame_along(facing), dice.uniform(0, 2 * np.pi)
    first = np.cos(angle) * frame[0] + np.sin(angle) * frame[1]
    return np.stack([first, np.cross(facing, first), facing])


def frame_along(facing: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Three directions at right angles, the last of them `facing`."""
    # Whichever axis lies farthest from it.
    other = np.eye(3)[int(np.argmin(np.abs(facing)))]
    first = np.cross(other, facing)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(facing, first), facing])
