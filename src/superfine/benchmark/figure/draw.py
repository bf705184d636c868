"""A figure as the bytes of a PDF, SVG or PNG file; the same figure gives the same bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from jaxtyping import UInt8
from torch import Tensor

from superfine.benchmark.figure.boxes import Box, enlarged
from superfine.benchmark.figure.captions import (
    FONTS,
    SIZE,
    Line,
    Run,
    line_width,
    plain,
    run_width,
    score_lines,
    shortened,
    wrapped,
)
from superfine.benchmark.figure.columns import Codes, Column
from superfine.benchmark.figure.layout import (
    ABOVE_TEXT,
    FRAME,
    LINE,
    POINTS,
    Layout,
    Place,
    Wish,
    arranged,
)
from superfine.benchmark.resizes import to_codes
from superfine.errors import UsageError
from superfine.ops.resize import imresize

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["pdf", "svg", "png"]
FORMATS: tuple[Format, ...] = ("pdf", "svg", "png")

_MOST_LINES = 2  # of a name
_ASCENT = 0.7  # of the size of a letter
_INK = "#000000"
# Red first, as the field draws it; then of Okabe and Ito, Color Universal Design, 2008.
_BOX_COLOURS = ("#e8112d", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9")

_SETTINGS: dict[Any, object] = {
    "font.family": FONTS,
    "pdf.fonttype": 42,  # TrueType, as conferences ask for
    "pdf.compression": 6,
    "svg.hashsalt": "superfine",
    "image.composite_image": False,
    "text.parse_math": False,
}
# What would differ from one run to the next.
_NO_DATES: dict[Format, dict[str, str | None]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}


@dataclass(frozen=True, eq=False)
class Sheet:
    """All that a figure shows.

    Attributes:
        title: Name of the picture, and what else stands on its first line.
        subtitle: The second line below the picture.
        overview: The whole picture.
        boxes: Of one size, what is cut from every column.
        columns: From left to right.
    """

    title: str
    subtitle: str
    overview: Codes
    boxes: tuple[Box, ...]
    columns: tuple[Column, ...]


def require_matplotlib() -> None:
    """Checks that there is something to draw with.

    Raises:
        UsageError: When matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise UsageError(
            "Figures are drawn by matplotlib, which is not installed.",
            hint="pip install 'superfine[report]'",
        ) from None


def drawn(sheet: Sheet, kind: Format, *, inches: float, columns: int | None) -> bytes:
    """The figure as a file.

    Every pixel of a crop is a square of pixels of the figure, without interpolation; text is text
    in PDF, with its fonts inside, outlines in SVG and pixels in PNG.

    Args:
        sheet: What is shown.
        kind: The format.
        inches: Width of the figure.
        columns: Crops side by side; None chooses.

    Raises:
        UsageError: When there is no room for what is written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(), warnings.catch_warnings():
        # In names; a letter no font has is drawn as a box.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        mpl.rcdefaults()  # whatever the user has set up for other plots
        mpl.rcParams.update(_SETTINGS)
        layout, captions = laid_out(sheet, inches, columns)
        size = (layout.width / layout.dots, layout.height / layout.dots)
        figure = Figure(figsize=size, dpi=layout.dots)
        _draw_overview(figure, layout, sheet)
        for index, (box, places) in enumerate(zip(sheet.boxes, layout.cells, strict=True)):
            for column, place in zip(sheet.columns, places, strict=True):
                crop = box.cut(column.picture)
                if len(sheet.boxes) > 1:
                    _draw_frame(figure, layout, place, index, filled=True)
                _draw_picture(figure, layout, place, enlarged(crop, layout.enlarged))
            if layout.captioned[index]:
                for lines, place in zip(captions, places, strict=True):
                    _draw_lines(figure, layout, place, lines)
        stream = io.BytesIO()
        figure.savefig(stream, format=kind, dpi=layout.dots, metadata=_NO_DATES[kind])
    return stream.getvalue()


def laid_out(sheet: Sheet, inches: float, columns: int | None) -> tuple[Layout, list[list[Line]]]:
    """The layout, and the lines below each column; names that are too wide get a second line."""
    scores = score_lines(sheet.columns)
    for lines in range(1, _MOST_LINES + 1):
        wish = Wish(
            inches=inches,
            picture=(sheet.overview.shape[-1], sheet.overview.shape[-2]),
            box=(sheet.boxes[0].width, sheet.boxes[0].height),
            boxes=len(sheet.boxes),
            count=len(sheet.columns),
            lines=lines + 1,
            narrowest=max(map(line_width, scores)) / POINTS,
        )
        layout = arranged(wish, columns=columns)
        room = layout.cells[0][0].width / layout.dots * POINTS
        names = [wrapped(plain(column.name), room, lines) for column in sheet.columns]
        if all(names):
            break
    captions = []
    for column, name, score in zip(sheet.columns, names, scores, strict=True):
        shown = name or shortened(plain(column.name), room, _MOST_LINES)
        captions.append([*((Run(line),) for line in shown), score])
    return layout, captions


def _draw_overview(figure: Figure, layout: Layout, sheet: Sheet) -> None:
    place = layout.overview
    whole = imresize(sheet.overview.double() / 255, size=(place.height, place.width))
    _draw_picture(figure, layout, place, enlarged(to_codes(whole), 1))
    across = place.width / sheet.overview.shape[-1]
    down = place.height / sheet.overview.shape[-2]
    for index, box in enumerate(sheet.boxes):
        marked = Place(
            place.left + round(box.left * across),
            place.top + round(box.top * down),
            round(box.width * across),
            round(box.height * down),
        )
        _draw_frame(figure, layout, marked, index)
    room = place.width / layout.dots * POINTS
    texts = (plain(sheet.title), plain(sheet.subtitle))
    lines = [wrapped(text, room, 1) or shortened(text, room, 1) for text in texts]
    _draw_lines(figure, layout, place, [(Run(line[0]),) for line in lines])


def _draw_picture(
    figure: Figure, layout: Layout, place: Place, picture: UInt8[Tensor, "3 h w"]
) -> None:
    """Pixel by pixel: `picture` has the size of `place`."""
    below = layout.height - place.top - place.height
    axes = figure.add_axes(
        (
            place.left / layout.width,
            below / layout.height,
            place.width / layout.width,
            place.height / layout.height,
        )
    )
    axes.set_axis_off()
    rows = picture.permute(1, 2, 0).contiguous().numpy()
    axes.imshow(rows, interpolation="none", aspect="auto")


def _draw_frame(
    figure: Figure, layout: Layout, place: Place, index: int, *, filled: bool = False
) -> None:
    """A line just outside of `place`, or a sheet under it that looks out as far."""
    from matplotlib.patches import Rectangle

    line = round(layout.pixels(FRAME))
    out = line if filled else line / 2
    left, below = place.left - out, layout.height - place.top - place.height - out
    colour = _BOX_COLOURS[index % len(_BOX_COLOURS)]
    figure.add_artist(
        Rectangle(
            (left / layout.width, below / layout.height),
            (place.width + 2 * out) / layout.width,
            (place.height + 2 * out) / layout.height,
            facecolor=colour if filled else "none",
            edgecolor="none" if filled else colour,
            linewidth=0 if filled else FRAME,
            joinstyle="miter",
            transform=figure.transFigure,
            zorder=-1 if filled else 1,
        )
    )


def _draw_lines(figure: Figure, layout: Layout, place: Place, lines: Sequence[Line]) -> None:
    """Lines of text below `place`, each in its middle."""
    middle = place.left + place.width / 2
    for number, line in enumerate(lines):
        baseline = (
            place.top + place.height + layout.pixels(ABOVE_TEXT + number * LINE + _ASCENT * SIZE)
        )
        at = middle - layout.pixels(line_width(line)) / 2
        for run in line:
            _draw_run(figure, layout, run, left=at, baseline=baseline)
            at += layout.pixels(run_width(run))


def _draw_run(figure: Figure, layout: Layout, run: Run, *, left: float, baseline: float) -> None:
    from matplotlib.lines import Line2D

    x, y = left / layout.width, 1 - baseline / layout.height
    figure.text(
        x,
        y,
        run.text,
        fontsize=SIZE,
        color=_INK,
        fontweight="bold" if run.emphasis == "best" else "normal",
        verticalalignment="baseline",
        parse_math=False,
    )
    if run.emphasis == "second":
        under = y - layout.pixels(1.3) / layout.height
        ends = [x, x + layout.pixels(run_width(run)) / layout.width]
        figure.add_artist(
            Line2D(ends, [under, under], color=_INK, linewidth=0.5, transform=figure.transFigure)
        )
