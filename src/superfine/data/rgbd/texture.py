"""What surfaces look like: patterns that are evaluated where a ray lands, at any sharpness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Pattern = Literal[
    "plain", "cloud", "gradient", "stripes", "checks", "bricks", "wood", "speckle", "print"
]
Values = NDArray[np.floating]

TABLE = 256  # side of the table of random numbers, a power of two
_OCTAVES = 5


@dataclass(frozen=True, eq=False)
class Skin:
    """The look of one surface.

    Attributes:
        pattern: How its two colours are spread.
        colours: Two rows of RGB, reflectances on [0, 1].
        wavelength: Size of the pattern, in metres.
        turn: Its angle, in radians.
        offset: Where it begins.
        grain: Strength of the fine noise upon it, 0 for none.
        gloss: Strength of highlights.
        relief: How much light and shade show its form; 0 looks the same from every side.
    """

    pattern: Pattern
    colours: Float[np.ndarray, "2 3"]
    wavelength: float
    turn: float
    offset: Float[np.ndarray, "2"]
    grain: float
    gloss: float
    relief: float


def colour_of(
    skin: Skin,
    u: Float[np.ndarray, " n"],
    v: Float[np.ndarray, " n"],
    footprint: Float[np.ndarray, " n"],
    table: Float[np.ndarray, "t t"],
) -> Float[np.ndarray, "n 3"]:
    """Reflectance of a skin at points of its surface.

    Args:
        u: Along the surface, in metres.
        v: Across it.
        footprint: How much of it one ray stands for, in metres; what is finer fades away.
        table: Random numbers on [0, 1).
    """
    cos, sin = np.cos(skin.turn), np.sin(skin.turn)
    a = (float(cos / skin.wavelength) * u - float(sin / skin.wavelength) * v) + float(
        skin.offset[0]
    )
    b = (float(sin / skin.wavelength) * u + float(cos / skin.wavelength) * v) + float(
        skin.offset[1]
    )
    blur = footprint * float(1 / skin.wavelength)
    share = np.clip(_PATTERNS[skin.pattern](a, b, blur, table), 0, 1)[:, None]
    first, second = skin.colours.astype(np.float32)
    colour = first + share * (second - first)
    if skin.grain:
        # Grain has a size of its own, 2 cm and finer.
        size = np.float32(skin.wavelength / 0.02)
        noise = _cloud(a * size, b * size, blur * size, table)
        colour = colour * (1 + np.float32(2 * skin.grain) * (noise - 0.5))[:, None]
    seen: Float[np.ndarray, "n 3"] = np.clip(colour, 0, 1)
    return seen


def _noise(a: Values, b: Values, table: Values) -> Values:
    """Smooth noise on [0, 1] with knots at whole numbers."""
    i, j = np.floor(a), np.floor(b)
    x, y = a - i, b - j
    x, y = x * x * (3 - 2 * x), y * y * (3 - 2 * y)
    row, column = i.astype(np.int32) & (TABLE - 1), j.astype(np.int32) & (TABLE - 1)
    below, right = (row + 1) & (TABLE - 1), (column + 1) & (TABLE - 1)
    top = table[row, column] * (1 - y) + table[row, right] * y
    bottom = table[below, column] * (1 - y) + table[below, right] * y
    noise: Values = top + x * (bottom - top)
    return noise


def _cloud(a: Values, b: Values, blur: Values, table: Values) -> Values:
    """Noise of several sizes; those finer than what a ray stands for are left out."""
    total = np.zeros_like(a)
    weight, size = 0.5, 1.0
    for octave in range(_OCTAVES):
        shown = np.clip(1.5 - 3 * blur * size, 0, 1)
        if not shown.any():
            break
        total += weight * shown * (_noise(a * size + 17 * octave, b * size, table) - 0.5)
        weight, size = weight / 1.7, size * 2.03
    return total + 0.5


def _contrasted(a: Values, b: Values, blur: Values, table: Values) -> Values:
    return (_cloud(a, b, blur, table) - 0.5) * 2.5 + 0.5


def _plain(a: Values, b: Values, blur: Values, table: Values) -> Values:
    return np.zeros_like(a)


def _gradient(a: Values, b: Values, blur: Values, table: Values) -> Values:
    return 0.5 + 0.5 * np.sin(a)


def _band(a: Values, blur: Values) -> Values:
    """1 in every second half wavelength, with edges as soft as a ray is wide."""
    apart = np.abs(a - np.floor(a) - 0.5) - 0.25
    band: Values = np.clip(0.5 - apart / np.maximum(blur, 1e-3), 0, 1)
    return band


def _stripes(a: Values, b: Values, blur: Values, table: Values) -> Values:
    return _band(a, blur)


def _checks(a: Values, b: Values, blur: Values, table: Values) -> Values:
    one, other = _band(a, blur), _band(b, blur)
    return one + other - 2 * one * other


def _bricks(a: Values, b: Values, blur: Values, table: Values) -> Values:
    """Rows of stones of several shades with joints between them."""
    row = np.floor(2 * b)
    place = a + 0.5 * (row % 2)
    stone = _cell(np.floor(place), row, table)
    edge = np.minimum(_to_border(place), 0.5 * _to_border(2 * b))
    wall: Values = np.clip((edge - 0.03) / np.maximum(blur, 1e-3), 0, 1) * (0.4 + 0.6 * stone)
    return wall


def _wood(a: Values, b: Values, blur: Values, table: Values) -> Values:
    """Long rings, and boards side by side."""
    board = _cell(np.floor(a), np.zeros_like(a), table)
    rings = 6 * _noise(3 * a, 0.3 * b + 19 * board, table)
    fine = np.abs(2 * (rings - np.floor(rings)) - 1)
    shown = np.clip(1.5 - 30 * blur, 0, 1)
    joint = np.clip((_to_border(a) - 0.01) / np.maximum(blur, 1e-3), 0, 1)
    plank: Values = joint * (0.3 + 0.4 * board + 0.3 * (0.5 + shown * (fine - 0.5)))
    return plank


def _speckle(a: Values, b: Values, blur: Values, table: Values) -> Values:
    """Two layers of leaves, each leaf turned, shaded and placed at random in its cell."""
    share = np.zeros_like(a)
    for layer in range(2):
        x, y = a * (1 + layer) + 0.37 * layer, b * (1 + layer) + 0.61 * layer
        i, j = np.floor(x), np.floor(y)
        angle = 2 * np.pi * _cell(i, j, table)
        shade = _cell(i + 89, j + 31, table)
        x, y = x - i - 0.35 - 0.3 * _cell(i + 7, j, table), y - j - 0.35 - 0.3 * shade
        along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        apart = np.sqrt(along**2 + (2.2 * across) ** 2) - 0.33
        cover = np.clip(0.5 - apart / np.maximum(blur * (1 + layer), 1e-3), 0, 1)
        share = share * (1 - cover) + cover * (0.35 + 0.65 * shade)
    return share


def _print(a: Values, b: Values, blur: Values, table: Values) -> Values:
    """Areas with areas in them, and lines like text on some."""
    large = _cell(np.floor(a), np.floor(b), table)
    small = _cell(np.floor(4 * a) + 50, np.floor(3 * b) + 91, table)
    text = _band(10 * b, 10 * blur) * (_cell(np.floor(25 * a), np.floor(10 * b), table) > 0.3)
    shown = np.clip(1.5 - 40 * blur, 0, 1)
    return np.where(large > 0.6, small, np.where(large > 0.4, 0.5 + shown * (text - 0.5), large))


def _cell(i: Values, j: Values, table: Values) -> Values:
    """A random number for each pair of whole numbers."""
    row, column = i.astype(np.int32), j.astype(np.int32)
    cells: Values = table[(row + 29 * column) & (TABLE - 1), (column + 71 * row) & (TABLE - 1)]
    return cells


def _to_border(a: Values) -> Values:
    """How far the next whole number is."""
    apart: Values = 0.5 - np.abs(a - np.floor(a) - 0.5)
    return apart


_PATTERNS: dict[Pattern, Callable[[Values, Values, Values, Values], Values]] = {
    "plain": _plain,
    "cloud": _contrasted,
    "gradient": _gradient,
    "stripes": _stripes,
    "checks": _checks,
    "bricks": _bricks,
    "wood": _wood,
    "speckle": _speckle,
    "print": _print,
}
