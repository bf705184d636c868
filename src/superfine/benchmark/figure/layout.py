"""Where everything of a figure stands, in whole pixels, so that crops are shown pixel by pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

from superfine.errors import UsageError

POINTS = 72  # in an inch
# Points, but for those of the picture.
LINE = 9.0
ABOVE_TEXT = 2.0
FRAME = 1.2
_GAP = 5.0
_FEWEST_DOTS = 300  # an inch, as journals ask for
_ROOMY = 1.1  # times the narrowest crop that will do
# Of the width of the figure, for a whole picture beside the crops; one above them is at most so
# high.
_NARROWEST_OVERVIEW, _WIDEST_OVERVIEW = 0.1, 0.5
_HIGHEST = 3.7  # inches, when the number of columns is free
_LINES_OF_OVERVIEW = 2


@dataclass(frozen=True)
class Place:
    """A rectangle in pixels from the upper left corner of the figure."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """A figure before anything is drawn.

    Attributes:
        dots: Pixels an inch.
        width: Of the figure in pixels.
        height: Of the figure in pixels.
        enlarged: Pixels of the figure that a pixel of a crop is wide and high.
        overview: Where the whole picture stands.
        cells: For each box, where the crop of each column stands.
        captioned: For each box, whether names and scores stand below its crops.
    """

    dots: float
    width: int
    height: int
    enlarged: int
    overview: Place
    cells: tuple[tuple[Place, ...], ...]
    captioned: tuple[bool, ...]

    def pixels(self, points: float) -> float:
        """Points as pixels."""
        return points * self.dots / POINTS


@dataclass(frozen=True)
class Wish:
    """What is to be laid out.

    Attributes:
        inches: Width of the figure.
        picture: Width and height of the whole picture in its own pixels.
        box: Width and height of each box.
        boxes: How many there are.
        count: Columns of each box: pictures that are compared.
        lines: Of text below each crop.
        narrowest: Inches that the widest score needs.
    """

    inches: float
    picture: tuple[int, int]
    box: tuple[int, int]
    boxes: int
    count: int
    lines: int
    narrowest: float


@dataclass(frozen=True)
class _Grid:
    """A number of columns tried, all lengths in inches."""

    columns: int
    rows: int  # of one box
    cell: float  # width
    overview: float  # width
    height: float  # from the top of the first crop to the bottom of the last
    above: bool = False  # where the whole picture stands, or else at the left

    def worth(self, count: int) -> float:
        """Large crops are good, holes in the grid are not."""
        return self.cell * count / (self.columns * self.rows)


def arranged(wish: Wish, *, columns: int | None) -> Layout:
    """The whole picture at the left, as high as the grid of crops at its right, or above it.

    With no number of columns given, crops become as large as they can while the whole picture
    takes at most half of the width; of several boxes each gets one row, where that is roomy. Where
    crops beside it would be too narrow or too many, the whole picture stands above them.

    Raises:
        UsageError: When crops would be too narrow for what is written below them.
    """
    if columns is not None:
        tried = min(columns, wish.count)
        grid = _beside(wish, tried) or _below(wish, tried)
    else:
        grid = _best_beside(wish) or _best_below(wish)
    if grid.cell < wish.narrowest:
        raise UsageError(
            f"{grid.columns} columns in {wish.inches:g} inches leave too little for each crop.",
            hint="Give fewer --columns, fewer models or more --width.",
        )
    return _placed(wish, grid)


def _best_beside(wish: Wish) -> _Grid | None:
    tried = (_beside(wish, columns) for columns in range(1, wish.count + 1))
    legible = [g for g in tried if g and g.cell >= wish.narrowest and g.height <= _HIGHEST]
    if not legible:
        return None
    one_row = legible[-1]
    if wish.boxes > 1 and one_row.rows == 1 and one_row.cell >= _ROOMY * wish.narrowest:
        return one_row
    return max(legible, key=lambda g: (g.worth(wish.count), g.columns))


def _best_below(wish: Wish) -> _Grid:
    """The fewest rows in which crops are legible, all about as long."""
    for rows in range(1, wish.count + 1):
        grid = _below(wish, math.ceil(wish.count / rows))
        if grid.cell >= wish.narrowest:
            break
    return grid


def _beside(wish: Wish, columns: int) -> _Grid | None:
    """The whole picture as high as the crops; nothing where that leaves it too wide or narrow."""
    rows = math.ceil(wish.count / columns)
    shape = wish.picture[0] / wish.picture[1]
    total, rest, gap = rows * wish.boxes, _rest(wish, rows), _GAP / POINTS
    tall = wish.box[1] / wish.box[0]
    inner = wish.inches - 2 * FRAME / POINTS
    # overview = shape (total tall cell + rest), and everything side by side is the width.
    cell = (inner - columns * gap - shape * rest) / (columns + total * tall * shape)
    overview = inner - columns * (cell + gap)
    if not _NARROWEST_OVERVIEW <= overview / inner <= _WIDEST_OVERVIEW:
        return None
    return _Grid(columns, rows, cell, overview, total * tall * cell + rest)


def _below(wish: Wish, columns: int) -> _Grid:
    rows = math.ceil(wish.count / columns)
    shape = wish.picture[0] / wish.picture[1]
    inner = wish.inches - 2 * FRAME / POINTS
    cell = (inner + _GAP / POINTS) / columns - _GAP / POINTS
    overview = min(inner, _WIDEST_OVERVIEW * inner * shape)
    height = rows * wish.boxes * cell * wish.box[1] / wish.box[0] + _rest(wish, rows)
    return _Grid(columns, rows, cell, overview, height, above=True)


def _rest(wish: Wish, rows: int) -> float:
    """What stands between the first crop and the last, from top to bottom, in inches."""
    captions = sum(rows for has in _captioned(wish, rows) if has) - 1  # but for the last row's
    return (rows * wish.boxes - 1) * _GAP / POINTS + captions * _caption(wish.lines)


def _caption(lines: int) -> float:
    return (ABOVE_TEXT + lines * LINE) / POINTS


def _captioned(wish: Wish, rows: int) -> tuple[bool, ...]:
    """Where a box has one row, the columns of all boxes share the captions below the last."""
    return tuple(rows > 1 or box == wish.boxes - 1 for box in range(wish.boxes))


def _placed(wish: Wish, grid: _Grid) -> Layout:
    enlarged = math.ceil(_FEWEST_DOTS * grid.cell / wish.box[0])
    width, height = wish.box[0] * enlarged, wish.box[1] * enlarged
    dots = width / grid.cell
    gap, edge = round(_GAP / POINTS * dots), math.ceil(FRAME / POINTS * dots)
    caption, under = (round(_caption(n) * dots) for n in (wish.lines, _LINES_OF_OVERVIEW))
    total = round(wish.inches * dots)
    left = total - edge - grid.columns * (width + gap) + gap
    wide = round(grid.overview * dots) if grid.above else left - gap - edge
    high = round(wide * wish.picture[1] / wish.picture[0])
    top = edge + high + under + gap if grid.above else edge
    cells, bottom = [], top
    captioned = _captioned(wish, grid.rows)
    for has in captioned:
        places = []
        for index in range(wish.count):
            row, column = divmod(index, grid.columns)
            down = top + row * (height + gap + caption * has)
            places.append(Place(left + column * (width + gap), down, width, height))
        cells.append(tuple(places))
        bottom = places[-1].top + height
        top = bottom + gap + caption * has
    if grid.above:
        overview = Place((total - wide) // 2, edge, wide, high)
    else:
        # Level to the pixel, though whole pixels may stretch it by a few thousandths.
        overview = Place(edge, edge, wide, bottom - edge)
    return Layout(dots, total, bottom + caption, enlarged, overview, tuple(cells), captioned)
