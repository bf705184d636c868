"""`superfine figure`: crops of a picture as models restore them, ready for a paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from superfine.cli.console import put, say, shown
from superfine.cli.options import Debug
from superfine.errors import UsageError

if TYPE_CHECKING:  # they import torch, which --help does without
    from superfine.benchmark.figure.boxes import Box
    from superfine.benchmark.figure.make import Made


def figure(
    picture: Annotated[
        Path, typer.Argument(metavar="PICTURE", help="The truth; its LR picture is made of it.")
    ],
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL|NAME=FILE]...",
            help="What `superfine upscale -m` takes, or results as pictures; NAME= names any. "
            "Usual: fsrcnn.",
        ),
    ] = None,
    *,
    scale: Annotated[
        int, typer.Option("-s", "--scale", min=2, max=16, help="HR pixels per LR pixel.")
    ] = 4,
    box: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,W[,H]",
            help="What is shown enlarged, a row each; may be repeated. Usual: where the models "
            "differ most.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="Ends in .pdf, .svg or .png.")
    ] = Path("figure.pdf"),
    table: Annotated[
        Path | None,
        typer.Option(metavar="FILE.tex", help="The scores as a LaTeX table.", show_default=False),
    ] = None,
    protocol: Annotated[
        str, typer.Option(metavar="NAME", help="How LR is made and results are scored.")
    ] = "y-matlab",
    columns: Annotated[
        int | None,
        typer.Option(min=1, help="Crops side by side. Usual: as fits best.", show_default=False),
    ] = None,
    width: Annotated[float, typer.Option(metavar="INCHES", help="3.5 is one column.")] = 7.16,
    lr: Annotated[
        Literal["nearest", "bicubic"],
        typer.Option(help="Begin with the pixels of the LR picture, or with bicubic."),
    ] = "nearest",
    self_ensemble: Annotated[
        bool, typer.Option("--self-ensemble", help="Models average over eight views.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Draws the picture with a box, and the box as each model restores it, with PSNR and SSIM."""
    boxes = tuple(map(_parsed_box, box or ()))
    from superfine.benchmark.figure.make import Request, make_figure

    request = Request(
        picture=picture,
        models=tuple(models or ("fsrcnn",)),
        scale=scale,
        output=output,
        table=table,
        boxes=boxes,
        protocol=protocol,
        columns=columns,
        inches=width,
        lr=lr,
        self_ensemble=self_ensemble,
        overwrite=overwrite,
    )
    made = make_figure(request, on_model=lambda name: say(f"{shown(name)} ..."))
    for note in made.notes:
        say(f"Note: {shown(note)}")
    if not boxes:
        say(f"superfine: the models differ most at --box {made.boxes[0]}")
    _say_scores(made)
    for path in made.paths:
        put(str(path).encode(errors="surrogateescape"))


def _parsed_box(text: str) -> Box:
    from superfine.benchmark.figure.boxes import Box

    found = re.fullmatch(r"(\d{1,6}),(\d{1,6}),(\d{1,6})(?:,(\d{1,6}))?", text, re.ASCII)
    if found is None:
        raise UsageError(f"{text!r} is no box.", hint="Give --box X,Y,W or --box X,Y,W,H.")
    left, top, width = (int(found[i]) for i in (1, 2, 3))
    return Box(left, top, width, int(found[4] or width))


def _say_scores(made: Made) -> None:
    from superfine.benchmark.figure.columns import printed

    for column in made.columns:
        if column.scores:
            scores = ", ".join(printed(metric, v) for metric, v in column.scores.items())
            say(f"superfine: {shown(column.name)}: {scores}")
