"""What stands where: three kinds of scenes, filled at random.

A scene is laid out level, with the eye at the origin, and then seen by a camera that is turned.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from superfine.data.rgbd.dice import Dice
from superfine.data.rgbd.shapes import Shape
from superfine.data.rgbd.things import (
    Layout,
    Stage,
    frame_along,
    outline_of,
    skin_of,
    things_on,
)

FARTHEST = 12.0  # metres; nothing is behind it


@dataclass(frozen=True, eq=False)
class World:
    """One scene before it is looked at.

    Attributes:
        layout: Its kind.
        shapes: In the frame of the camera.
        reach: About how deep it is, in metres.
        width: Of what the camera sees at a depth of one metre, in metres.
        lamp: Where the light is that throws shadows.
        ambient: How much light comes from everywhere, of 1.
        tint: RGB of the light.
        hidden: How many things look like what is behind them.
        posters: How many pictures hang flat on walls.
    """

    layout: Layout
    shapes: tuple[Shape, ...]
    reach: float
    width: float
    lamp: Float[np.ndarray, "3"]
    ambient: float
    tint: Float[np.ndarray, "3"]
    hidden: int
    posters: int


def compose(dice: Dice, *, aspect: float) -> World:
    """A scene; `aspect` is the height of a picture over its width."""
    layout: Layout = dice.pick(("room", "room", "table", "sheets"))
    width = 2 * math.tan(math.radians(dice.uniform(40, 75)) / 2)
    build = {"room": _room, "table": _table, "sheets": _sheets}[layout]
    stage, walls, turn = build(dice, width)
    posters = list(_posters(dice, walls))
    things = things_on(dice, stage, walls, aspect)
    # Laid out level, seen by a turned camera.
    eye = np.zeros(3)
    shapes = tuple(shape.seen_from(eye, turn) for shape in (*walls, *posters, *things))
    lamp = np.array([dice.uniform(-1, 1), dice.uniform(-1.2, -0.2), dice.uniform(-0.3, 0.7)])
    hidden = sum(any(thing.skin.colours is wall.skin.colours for wall in walls) for thing in things)
    return World(
        layout=layout,
        shapes=shapes,
        reach=stage.far,
        width=width,
        lamp=turn @ (lamp * stage.far * 0.8),
        ambient=dice.uniform(0.25, 0.7),
        tint=dice.vector(0.75, 1.0),
        hidden=hidden,
        posters=len(posters),
    )


def _room(dice: Dice, width: float) -> tuple[Stage, list[Shape], Float[np.ndarray, "3 3"]]:
    far = dice.log_uniform(2.0, 7.5)
    floor = dice.uniform(0.8, 1.7)
    yaw = np.radians(dice.uniform(-40, 40))
    ahead, aside = np.array([np.sin(yaw), 0, np.cos(yaw)]), np.array([np.cos(yaw), 0, -np.sin(yaw)])
    down = np.array([0.0, 1.0, 0.0])
    side = far * width * dice.uniform(0.35, 0.9)
    walls = [
        _wall(dice, ahead * far, ahead),
        _wall(dice, down * floor, down),
        _wall(dice, -down * dice.uniform(0.5, 1.8), down),
        _wall(dice, aside * side, aside),
        _wall(dice, -aside * far * width * dice.uniform(0.35, 0.9), aside),
    ]
    stage = Stage("room", 0.22 * far, 0.95 * far, width, floor, 0.12 * far)
    return stage, walls, _turned(dice, pitch=(-8, 22), roll=4)


def _table(dice: Dice, width: float) -> tuple[Stage, list[Shape], Float[np.ndarray, "3 3"]]:
    far = dice.log_uniform(0.8, 2.8)
    floor = far * dice.uniform(0.2, 0.45)
    yaw = np.radians(dice.uniform(-35, 35))
    ahead, down = np.array([np.sin(yaw), 0, np.cos(yaw)]), np.array([0.0, 1.0, 0.0])
    walls = [_wall(dice, ahead * far, ahead), _wall(dice, down * floor, down)]
    stage = Stage("table", 0.35 * far, 0.95 * far, width, floor, 0.09 * far)
    return stage, walls, _turned(dice, pitch=(0, 22), roll=6)


def _sheets(dice: Dice, width: float) -> tuple[Stage, list[Shape], Float[np.ndarray, "3 3"]]:
    far = dice.log_uniform(0.9, 6.0)
    slant = dice.vector(-0.5, 0.5, 2)
    facing = np.array([slant[0], slant[1], 1.0])
    walls = [_wall(dice, np.array([0, 0, far]), facing / np.linalg.norm(facing))]
    stage = Stage("sheets", 0.3 * far, 0.92 * far, width, None, 0.16 * far)
    return stage, walls, np.eye(3)


def _turned(dice: Dice, *, pitch: tuple[float, float], roll: float) -> Float[np.ndarray, "3 3"]:
    """A camera that looks down by an angle between those of `pitch`, and leans a little."""
    down, lean = np.radians(dice.uniform(*pitch)), np.radians(dice.uniform(-roll, roll))
    looking = np.array(
        [[1, 0, 0], [0, np.cos(down), -np.sin(down)], [0, np.sin(down), np.cos(down)]]
    )
    leaning = np.array(
        [[np.cos(lean), -np.sin(lean), 0], [np.sin(lean), np.cos(lean), 0], [0, 0, 1]]
    )
    turn: Float[np.ndarray, "3 3"] = leaning @ looking
    return turn


def _wall(dice: Dice, point: Float[np.ndarray, "3"], facing: Float[np.ndarray, "3"]) -> Shape:
    return Shape("plane", point, frame_along(facing), np.ones(3), skin_of(dice, size=1.0))


def _posters(dice: Dice, walls: list[Shape]) -> Iterator[Shape]:
    """Pictures on walls: edges of colour where depth has none."""
    for _ in range(dice.whole(0, 3)):
        wall = dice.pick(walls)
        along, across = dice.uniform(-1, 1), dice.uniform(-1, 1)
        reach = abs(float(wall.centre @ wall.axes[2]))
        facing = wall.axes[2] * np.sign(wall.centre @ wall.axes[2])
        # A micrometre before the wall, so that the picture is what a ray meets first.
        centre = wall.centre + reach * 0.5 * (along * wall.axes[0] + across * wall.axes[1])
        half = np.array([*dice.vector(0.08, 0.3, 2) * reach, 1e-6])
        skin = replace(skin_of(dice, size=0.3), pattern=dice.pick(("print", "cloud", "checks")))
        yield Shape("board", centre - 1e-6 * facing, wall.axes, half, skin, outline_of(dice))
