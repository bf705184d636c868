"""Scene i of an endless set of made-up rooms: a picture, its exact depth, and a sensor's view."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from superfine.data.rgbd import sensor
from superfine.data.rgbd.compose import World, compose
from superfine.data.rgbd.dice import Dice, even_field, normal_field
from superfine.data.rgbd.render import View, focal, look
from superfine.data.rgbd.texture import TABLE
from superfine.errors import UsageError
from superfine.types import DepthMap, Intrinsics

# Changes whenever the same (seed, index) would give another scene.
GENERATOR = 1

_TABLE, _GRAIN = 1, (10, 11)  # purposes of random numbers, apart from those of the sensor
_LARGEST_INDEX = 2**40
_LARGEST_SIDE = 4096
_SMALLEST_SIDE = 16


@dataclass(frozen=True, eq=False)
class Scene:
    """One made-up scene.

    Attributes:
        depth: The truth in metres, without holes: sampled in the middle of each pixel, so that
            silhouettes are sharp. Its intrinsics are those of the camera.
        guide: (3, h, w), the picture: 8-bit RGB, antialiased, of the same view.
        facing: (1, h, w), cosine of the angle between each ray and the surface it meets.
        glare: (1, h, w), strength of highlights.
        facts: What is in it, for a JSON file.
        seed: Of the set.
        index: In the set.
    """

    depth: DepthMap
    guide: UInt8[Tensor, "3 h w"]
    facing: Float[Tensor, "1 h w"]
    glare: Float[Tensor, "1 h w"]
    facts: dict[str, object]
    seed: int
    index: int

    def sensed(self) -> DepthMap:
        """The same scene as a depth camera reports it: noise, steps of disparity, and holes."""
        camera = self.depth.intrinsics
        assert camera is not None
        values, valid = sensor.sensed(
            self.depth.values[0].double().numpy(),
            self.facing[0].double().numpy(),
            self.glare[0].double().numpy(),
            focal=camera.fx,
            seed=self.seed,
            index=self.index,
        )
        return DepthMap(
            values=torch.from_numpy(values.astype(np.float32))[None],
            valid=torch.from_numpy(valid)[None],
            unit="metre",
            intrinsics=camera,
        )


def scene(seed: int, index: int, size: tuple[int, int]) -> Scene:
    """Scene `index` of the endless set `seed`: the same every time, in any order and process.

    Rooms, tables and heaps of slanted sheets, from 0.2 to 12 metres away: planes, boxes,
    ellipsoids, rods, boards with wavy outlines, holes and bars, rows of books, fences, leaves; in
    nine kinds of texture, lit by a lamp that throws shadows. Some edges of depth have none in
    colour (things in the colours of the wall behind them), and many of colour none in depth
    (textures, posters, shadows).

    Args:
        seed: Of the set, below 2**63.
        index: Below 2**40.
        size: Width and height, 16 to 4096 pixels each. Another size shows the same things, but
            the height over the width decides what is in view.

    Raises:
        UsageError: A number out of range.
    """
    width, height = size
    if min(size) < _SMALLEST_SIDE or max(size) > _LARGEST_SIDE:
        raise UsageError(
            f"A scene of {width}x{height} pixels cannot be made.",
            hint=f"Sides go from {_SMALLEST_SIDE} to {_LARGEST_SIDE} pixels.",
        )
    if not (0 <= seed < 2**63 and 0 <= index < _LARGEST_INDEX):
        raise UsageError(
            f"There is no scene {index} of seed {seed}.",
            hint="Seeds go up to 2**63 - 1 and scenes up to 2**40 - 1.",
        )
    dice = Dice(seed, index)
    world = compose(dice, aspect=height / width)
    table = even_field(seed, index, _TABLE, (TABLE, TABLE)).astype(np.float32)
    view = look(world, width, height, table)
    length = focal(world, width)
    camera = Intrinsics(length, length, (width - 1) / 2, (height - 1) / 2)
    depth = view.depth.astype(np.float32)
    return Scene(
        depth=DepthMap(
            values=torch.from_numpy(depth)[None],
            valid=torch.ones(1, height, width, dtype=torch.bool),
            unit="metre",
            intrinsics=camera,
        ),
        guide=torch.from_numpy(_photographed(view, dice, seed, index))
        .permute(2, 0, 1)
        .contiguous(),
        facing=torch.from_numpy(view.facing.astype(np.float32))[None],
        glare=torch.from_numpy(view.glare.astype(np.float32))[None],
        facts=_facts(world, view, camera, seed, index),
        seed=seed,
        index=index,
    )


def _photographed(view: View, dice: Dice, seed: int, index: int) -> NDArray[np.uint8]:
    """8-bit sRGB-like codes: exposed, with the noise of a camera, gamma 1 / 2.2."""
    bright = float(np.quantile(view.light, 0.95)) + 1e-3
    exposed = view.light * (dice.uniform(0.6, 1.1) / bright)
    sigma = dice.uniform(0, 0.02)
    fields = [normal_field(seed, index, purpose, view.depth.shape) for purpose in _GRAIN]
    noise = np.concatenate(fields)[:3].transpose(1, 2, 0)
    exposed = exposed + sigma * np.sqrt(np.maximum(exposed, 0) + 0.01) * noise
    codes: NDArray[np.uint8] = np.rint(255 * np.clip(exposed, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    return codes


def _facts(
    world: World, view: View, camera: Intrinsics, seed: int, index: int
) -> dict[str, object]:
    return {
        "seed": seed,
        "index": index,
        "layout": world.layout,
        "shapes": dict(sorted(Counter(shape.kind for shape in world.shapes).items())),
        "hidden_in_colour": world.hidden,
        "posters": world.posters,
        "nearest_m": round(float(view.depth.min()), 4),
        "farthest_m": round(float(view.depth.max()), 4),
        "intrinsics": {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy},
    }
