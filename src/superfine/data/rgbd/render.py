"""Scenes seen: depth at the middle of each pixel, and colour averaged over it.

Each pixel has five rays: one through its middle, which alone gives the depth, so that no depth
lies between two surfaces; and four around it on a turned square, which with it give the colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from superfine.data.rgbd.compose import FARTHEST, World
from superfine.data.rgbd.shapes import Shape, nearest
from superfine.data.rgbd.texture import colour_of

# (column, row) from the middle of the pixel.
_RAYS = ((0.0, 0.0), (0.125, 0.375), (0.375, -0.125), (-0.125, -0.375), (-0.375, 0.125))

_SHADOW_SIDE = 288
_SHADOW_REACH = 1.6  # half the width of what the lamp sees, at a distance of one
_SHINE = 40.0  # how narrow highlights are
_BAND = 2**14  # rays lit at a time: what one needs stays near the processor


@dataclass(frozen=True, eq=False)
class View:
    """What a camera without faults sees.

    Attributes:
        depth: In metres, at the middles of the pixels.
        light: Linear RGB, averaged over the pixels.
        facing: Cosine of the angle between the ray and the surface it meets, 0 to 1.
        glare: Strength of the highlight on it.
    """

    depth: Float[np.ndarray, "h w"]
    light: Float[np.ndarray, "h w 3"]
    facing: Float[np.ndarray, "h w"]
    glare: Float[np.ndarray, "h w"]


@dataclass(frozen=True, eq=False)
class _Hits:
    """Where rays landed, those of one shape side by side; float32.

    Attributes:
        order: Number of the ray of each.
        point: In metres.
        normal: Direction away from the surface, towards the eye.
        colour: Reflectance.
        gloss: Of the skin.
        relief: Of the skin.
    """

    order: Int[np.ndarray, " n"]
    point: Float[np.ndarray, "3 n"]
    normal: Float[np.ndarray, "3 n"]
    colour: Float[np.ndarray, "n 3"]
    gloss: Float[np.ndarray, " n"]
    relief: Float[np.ndarray, " n"]


def focal(world: World, width: int) -> float:
    """Focal length in pixels of a picture `width` pixels wide."""
    return width / world.width


def look(world: World, width: int, height: int, table: Float[np.ndarray, "t t"]) -> View:
    """The picture of `world`; `table` is the randomness of all textures."""
    length = focal(world, width)
    offset = np.array(_RAYS)
    x = ((np.arange(width) - (width - 1) / 2) + offset[:, :1])[:, None, :] / length
    y = ((np.arange(height) - (height - 1) / 2) + offset[:, 1:])[:, :, None] / length
    depth, which = nearest(world.shapes, x, y)
    # Behind everything hangs a grey sheet, so that there is a depth everywhere.
    depth = np.minimum(depth, FARTHEST)
    point = np.stack([part.ravel() for part in (x * depth, y * depth, depth)])
    hits = _land(world, point, which.ravel(), pixel=1 / length, table=table)
    seen = np.empty((depth.size, 5), np.float32)
    seen[hits.order] = _lit(world, hits)
    seen = seen.reshape(len(_RAYS), height, width, 5)
    return View(
        depth=depth[0],
        light=seen[..., :3].mean(axis=0),
        facing=seen[0, :, :, 3],
        glare=seen[0, :, :, 4],
    )


def _land(
    world: World,
    point: Float[np.ndarray, "3 n"],
    owner: Int[np.ndarray, " n"],
    *,
    pixel: float,
    table: Float[np.ndarray, "t t"],
) -> _Hits:
    """What is where rays landed: `point` in metres, on the shape of number `owner`."""
    order = np.argsort(owner, kind="stable")
    borders = np.searchsorted(owner[order], np.arange(len(world.shapes) + 1))
    point = point[:, order]
    count = len(order)
    # Who met nothing sees the grey sheet.
    hits = _Hits(
        order=order,
        point=point.astype(np.float32),
        normal=np.repeat(np.array([[0], [0], [-1]], np.float32), count, axis=1),
        colour=np.full((count, 3), 0.5, np.float32),
        gloss=np.zeros(count, np.float32),
        relief=np.ones(count, np.float32),
    )
    for number, shape in enumerate(world.shapes):
        mine = slice(borders[number], borders[number + 1])
        if mine.start == mine.stop:
            continue
        here = hits.point[:, mine]
        normal, u, v = _surface(shape, point[:, mine])
        slant = -_dot(normal, here) / np.sqrt(_dot(here, here))
        # How long the piece of surface is that one pixel shows, between its two sides.
        footprint = np.float32(pixel) * here[2] / np.sqrt(np.clip(np.abs(slant), 0.02, 1))
        hits.normal[:, mine] = normal * np.sign(slant)
        hits.colour[mine] = colour_of(shape.skin, u, v, footprint, table)
        hits.gloss[mine] = shape.skin.gloss
        hits.relief[mine] = shape.skin.relief
    return hits


def _surface(
    shape: Shape, point: Float[np.ndarray, "3 n"]
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    """Direction away from `shape` at points upon it, and where on its surface, in metres."""
    into, eye = shape.frame()
    # Rounded only here, where a small thing far away is as large as a near one.
    place = (into @ point + eye[:, None]).astype(np.float32)
    into, half = into.astype(np.float32), shape.half.astype(np.float32)
    along = place * half[:, None]
    if shape.kind in ("plane", "board"):
        return shape.axes[2].astype(np.float32)[:, None], along[0], along[1]
    own = np.zeros_like(place)
    if shape.kind == "box":
        side = np.abs(place).argmax(axis=0)
        np.put_along_axis(own, side[None], np.sign(np.take_along_axis(place, side[None], 0)), 0)
        u = np.where(side == 0, along[1], along[0]) + np.float32(0.37) * side
        v = np.where(side == 2, along[1], along[2])
    else:
        end = (shape.kind == "rod") & (np.abs(place[2]) > 1 - 1e-6)
        own[:2] = np.where(end, 0, place[:2])
        own[2] = np.where(end, np.sign(place[2]), place[2] if shape.kind == "ball" else 0)
        u, v = np.arctan2(place[1], place[0]) * half[0], along[2]
    facing = into.T @ own
    return facing / np.sqrt((facing * facing).sum(axis=0)), u, v


def _lit(world: World, hits: _Hits) -> Float[np.ndarray, "n 5"]:
    """Light that comes back, in RGB; cosine between ray and surface; strength of the highlight."""
    shadows = _Shadows.of(world)
    parts = range(0, len(hits.order), _BAND)
    return np.concatenate([_lit_part(world, hits, slice(i, i + _BAND), shadows) for i in parts])


def _lit_part(
    world: World, hits: _Hits, part: slice, shadows: _Shadows
) -> Float[np.ndarray, "n 5"]:
    """Light comes from everywhere, from the lamp, and mirrored by gloss (Blinn, SIGGRAPH 1977)."""
    point, normal, relief = hits.point[:, part], hits.normal[:, part], hits.relief[part]
    to_lamp = world.lamp.astype(np.float32)[:, None] - point
    apart = np.sqrt(_dot(to_lamp, to_lamp))
    to_lamp /= apart
    to_eye = point / -np.sqrt(_dot(point, point))
    facing_lamp = np.maximum(_dot(normal, to_lamp), 0)
    reached = shadows.light_at(point) / (1 + (apart / np.float32(world.reach)) ** 2)
    # A little more from above, so that faces in the dark differ.
    around = np.float32(world.ambient) * (1 - np.float32(0.25) * normal[1])
    strength = around + np.float32(2 * (1 - world.ambient)) * reached * facing_lamp
    strength = relief * strength + (1 - relief) * np.float32(0.8)
    glare = np.zeros_like(strength)
    shiny = np.flatnonzero((hits.gloss[part] > 0) & (facing_lamp > 0))
    half_way = to_lamp[:, shiny] + to_eye[:, shiny]
    half_way /= np.sqrt(_dot(half_way, half_way)) + np.float32(1e-6)
    mirrored = np.maximum(_dot(normal[:, shiny], half_way), 0) ** np.float32(_SHINE)
    glare[shiny] = hits.gloss[part][shiny] * mirrored * reached[shiny]
    seen = np.empty((len(strength), 5), np.float32)
    seen[:, :3] = hits.colour[part] * strength[:, None] * world.tint.astype(np.float32)
    seen[:, :3] += glare[:, None]
    seen[:, 3], seen[:, 4] = np.abs(_dot(normal, to_eye)), glare
    return seen


def _dot(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    product: NDArray[np.floating] = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return product


@dataclass(frozen=True, eq=False)
class _Shadows:
    """How far the lamp sees in each direction: a depth map that it makes.

    Source: Williams, "Casting curved shadows on curved surfaces", SIGGRAPH 1978; softened over
    four samples.

    Attributes:
        turn: Rows are the directions of the lamp.
        lamp: Where it is.
        limit: How deep it sees along the last of them.
        slack: By how much deeper a surface still counts as seen, in metres.
    """

    turn: Float[np.ndarray, "3 3"]
    lamp: Float[np.ndarray, "3"]
    limit: Float[np.ndarray, "n n"]
    slack: float

    @staticmethod
    def of(world: World) -> _Shadows:
        """Those of everything but walls, which are what shadows fall on."""
        ahead = np.array([0, 0, 0.7 * world.reach]) - world.lamp
        ahead /= np.linalg.norm(ahead)
        aside = np.cross([0.0, 1.0, 0.0], ahead)
        aside /= np.linalg.norm(aside)
        turn = np.stack([aside, np.cross(ahead, aside), ahead])
        casting = [s.seen_from(world.lamp, turn) for s in world.shapes if s.kind != "plane"]
        grid = np.linspace(-_SHADOW_REACH, _SHADOW_REACH, _SHADOW_SIDE)
        depth, _ = nearest(casting, grid[None, None], grid[None, :, None])
        return _Shadows(
            turn=turn.astype(np.float32),
            lamp=world.lamp.astype(np.float32),
            limit=depth[0].astype(np.float32),
            slack=0.004 * world.reach,
        )

    def light_at(self, point: Float[np.ndarray, "3 n"]) -> Float[np.ndarray, " n"]:
        """How much of each point the lamp sees, 0 to 1."""
        there = self.turn @ (point - self.lamp[:, None])
        depth = np.maximum(there[2], 1e-3)
        step = np.float32((_SHADOW_SIDE - 1) / (2 * _SHADOW_REACH))
        column = np.clip((there[0] / depth + _SHADOW_REACH) * step, 0, _SHADOW_SIDE - 1.001)
        row = np.clip((there[1] / depth + _SHADOW_REACH) * step, 0, _SHADOW_SIDE - 1.001)
        i, j = row.astype(np.int32), column.astype(np.int32)
        enough = depth * np.float32(0.985) - np.float32(self.slack)
        seen = [[self.limit[i + a, j + b] > enough for b in (0, 1)] for a in (0, 1)]
        x, y = column - j, row - i
        top = seen[0][0] * (1 - x) + seen[0][1] * x
        bottom = seen[1][0] * (1 - x) + seen[1][1] * x
        light: Float[np.ndarray, " n"] = top + y * (bottom - top)
        return light
