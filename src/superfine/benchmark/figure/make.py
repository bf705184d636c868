"""`superfine figure`: from what was asked for to the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from superfine.benchmark.figure.boxes import Box, most_telling, require_usable
from superfine.benchmark.figure.columns import (
    Codes,
    Column,
    Wanted,
    lr_column,
    model_column,
    model_task,
    picture_column,
    truth_column,
    wanted,
)
from superfine.benchmark.figure.draw import FORMATS, Format, Sheet, drawn, require_matplotlib
from superfine.benchmark.figure.latex import latex_table
from superfine.benchmark.protocol import Protocol, find_protocol
from superfine.benchmark.run import Task
from superfine.data.folders import read_uint8
from superfine.errors import OutputError, SizeMismatchError, UsageError
from superfine.io.atomic import require_writable, write_bytes_atomic
from superfine.metrics.ssim import WINDOW
from superfine.models import bicubic

_NARROWEST, _WIDEST = 2.0, 20.0  # inches


@dataclass(frozen=True)
class Request:
    """A figure in the words of the command line.

    Attributes:
        picture: The truth, 8 bits.
        models: Models and results to compare, each as `wanted` reads it.
        scale: HR pixels per LR pixel.
        output: Ends in .pdf, .svg or .png.
        table: Where to write the scores as LaTeX; None for nowhere.
        boxes: What is shown enlarged; none chooses one.
        protocol: How LR is made and results are scored.
        columns: Crops side by side; None chooses.
        inches: Width of the figure.
        lr: Whether the pixels of the LR picture are shown first, or its bicubic enlargement is.
        self_ensemble: Whether results are means over the eight views.
        overwrite: Replace files that exist.
    """

    picture: Path
    models: tuple[str, ...]
    scale: int
    output: Path
    table: Path | None = None
    boxes: tuple[Box, ...] = ()
    protocol: str = "y-matlab"
    columns: int | None = None
    inches: float = 7.16
    lr: Literal["nearest", "bicubic"] = "nearest"
    self_ensemble: bool = False
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class Made:
    """What came of it.

    Attributes:
        paths: The files written.
        columns: With their scores, from left to right.
        boxes: What was shown enlarged.
        notes: What foreign weight files were found to be, in sentences.
    """

    paths: tuple[Path, ...]
    columns: tuple[Column, ...]
    boxes: tuple[Box, ...]
    notes: tuple[str, ...]


def make_figure(request: Request, *, on_model: Callable[[str], None]) -> Made:
    """Runs the models, scores and draws.

    Args:
        request: What is wanted.
        on_model: Called with the name of each model before it runs.

    Raises:
        UsageError: Boxes, columns or a format that cannot be used; matplotlib is missing.
        OutputError: A file that exists, or cannot be written.
        SuperfineError: A picture or model that cannot be used.
    """
    kind = _format(request)
    require_matplotlib()
    asked = list(_asked(request))
    _require_apart(request, asked)
    for path in _outputs(request):
        require_writable(path, overwrite=request.overwrite)
    protocol = find_protocol(request.protocol)
    picture = read_uint8(request.picture)
    size = (picture.shape[-2], picture.shape[-1])
    hr = protocol.crop(picture, request.scale)
    _require_scorable(hr, request.scale, protocol)
    require_usable(request.boxes, width=hr.shape[-1], height=hr.shape[-2])
    # Everything is looked up before the first network runs.
    entries = [_looked_up(one, hr, size, request, protocol) for one in asked]
    results = []
    for entry in entries:
        if isinstance(entry, Task):
            on_model(entry.label)
        results.append(model_column(entry) if isinstance(entry, Task) else entry)
    boxes = request.boxes or (_chosen(results, hr, request.scale),)
    first = [lr_column(hr, scale=request.scale, protocol=protocol)]
    columns = (*(first if request.lr == "nearest" else ()), *results, truth_column(hr))
    name = request.picture.stem
    sheet = Sheet(f"{name} (×{request.scale})", f"protocol {protocol.name}", hr, boxes, columns)
    figure = drawn(sheet, kind, inches=request.inches, columns=request.columns)
    write_bytes_atomic(request.output, figure, overwrite=request.overwrite)
    if request.table is not None:
        text = latex_table(columns, title=name, scale=request.scale, protocol=protocol.name)
        write_bytes_atomic(request.table, text.encode(), overwrite=request.overwrite)
    notes = [
        f"{entry.label}: {finding}"
        for entry in entries
        if isinstance(entry, Task)
        for finding in entry.model.findings
    ]
    return Made(tuple(_outputs(request)), columns, boxes, tuple(notes))


def _format(request: Request) -> Format:
    if not _NARROWEST <= request.inches <= _WIDEST:
        raise UsageError(
            f"A width of {request.inches:g} inches is out of range.",
            hint="Give --width 7.16 for two columns of text, or 3.5 for one.",
        )
    for kind in FORMATS:
        if request.output.suffix.lower() == f".{kind}":
            return kind
    raise OutputError(
        f"{request.output.name} ends in no format of figures.", hint="Write .pdf, .svg or .png."
    )


def _outputs(request: Request) -> Iterator[Path]:
    yield request.output
    if request.table is not None:
        yield request.table


def _require_apart(request: Request, asked: Sequence[Wanted]) -> None:
    """No output is an input or the other output."""
    taken = {request.picture.resolve(), *(Path(one.source).resolve() for one in asked)}
    for path in _outputs(request):
        if path.resolve() in taken:
            raise OutputError(
                f"{path.name} is an input, or named twice.",
                hint="Give the output another name.",
                code="E_COLLISION",
            )
        taken.add(path.resolve())


def _require_scorable(hr: Codes, scale: int, protocol: Protocol) -> None:
    least = WINDOW + 2 * protocol.comparison.edge(scale)
    if min(hr.shape[-2:]) < least:
        raise SizeMismatchError(
            f"The picture is {hr.shape[-1]}x{hr.shape[-2]} after cropping, and {protocol.name} at "
            f"scale {scale} scores none smaller than {least}x{least}.",
            hint="Give a larger one.",
        )


def _asked(request: Request) -> Iterator[Wanted]:
    """What gets scores, bicubic always and first."""
    yield Wanted("Bicubic", bicubic.SPEC.name)
    for text in request.models:
        if text != bicubic.SPEC.name:
            yield wanted(text)


def _looked_up(
    asked: Wanted, hr: Codes, size: tuple[int, int], request: Request, protocol: Protocol
) -> Column | Task:
    if asked.is_picture:
        return picture_column(asked, hr, size=size, scale=request.scale, protocol=protocol)
    return model_task(
        asked,
        request.picture,
        scale=request.scale,
        protocol=protocol,
        self_ensemble=request.self_ensemble,
    )


def _chosen(results: list[Column], hr: Codes, scale: int) -> Box:
    """Where the models differ most; bicubic counts only where there are too few of them."""
    models = results[1:] if len(results) > 2 else results
    return most_telling([column.picture for column in models], hr, scale=scale)
