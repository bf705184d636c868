"""`superfine upscale`: pictures in, larger pictures out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from superfine.budget.amounts import bytes_of, seconds_of
from superfine.card import shipped_cards
from superfine.cli.job import run_job
from superfine.cli.options import (
    Debug,
    DryRun,
    JsonOfFiles,
    MaxMegapixels,
    Overwrite,
    Progress,
    Quiet,
    Recursive,
    Verbose,
)
from superfine.errors import UsageError
from superfine.jobs.request import DEFAULT_MODEL, Request, Size
from superfine.purposes import PURPOSES

if TYPE_CHECKING:
    from superfine.jobs.job import Job


def _model_names(incomplete: str) -> list[str]:
    """Shipped networks that begin so, for the shell's completion."""
    names = {"bicubic", *PURPOSES, *(card.architecture for _, card in shipped_cards())}
    return sorted(name for name in names if name.startswith(incomplete))


def upscale(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="IN", help="Pictures or folders; - reads standard input."),
    ],
    *,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="File, folder/ or - for standard output. Usual: photo.x4.fsrcnn.png beside "
            "the input, IN-x4-fsrcnn/ for a folder.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "-m",
            "--model",
            metavar="MODEL|FILE",
            help="A name from `superfine models list`, or a weight file. Usual: "
            f"{DEFAULT_MODEL}, or what a budget allows.",
            show_default=False,
            autocompletion=_model_names,
        ),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            "-s",
            "--scale",
            help="How many times larger; any ratio. Usual: the model's largest, 4 for fsrcnn.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Or: 800x600, 800x, x600.", show_default=False),
    ] = None,
    tile: Annotated[
        str,
        typer.Option("-t", "--tile", metavar="auto|N", help="Input pixels on a side of a tile."),
    ] = "auto",
    self_ensemble: Annotated[
        bool,
        typer.Option("--self-ensemble", help="Average over eight views: better, 8 times slower."),
    ] = False,
    device: Annotated[
        str, typer.Option("-d", "--device", help="auto, cpu, cuda, cuda:1.")
    ] = "auto",
    ext: Annotated[
        str | None,
        typer.Option(
            metavar="png|jpg|webp|tif|auto|...",
            help="Format of the results; auto keeps the input's. Usual: png, which loses nothing.",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    recursive: Recursive = False,
    best_effort: Annotated[
        bool, typer.Option("--best-effort", help="Take what damaged pictures still hold.")
    ] = False,
    max_megapixels: MaxMegapixels = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Of one picture, as 2s or 1.5min: takes the best model that keeps it.",
            show_default=False,
        ),
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(
            "--max-memory",
            metavar="SIZE",
            help="Of the process, as 2G or 800M: takes the best model that fits, or makes the "
            "tiles of yours fit.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: JsonOfFiles = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Enlarges pictures; inputs are never changed, existing files never replaced unasked.

    A folder job that was stopped continues when the same command is run again.
    """
    request = Request(
        inputs=inputs,
        output=output,
        model=model,
        scale=scale,
        size=None if size is None else parsed_size(size),
        ext=ext,
        recursive=recursive,
        overwrite=overwrite,
        best_effort=best_effort,
        tile=None if tile == "auto" else _parsed_tile(tile),
        self_ensemble=self_ensemble,
        device=device,
        max_megapixels=max_megapixels,
        budget=None if budget is None else seconds_of(budget),
        max_memory=None if max_memory is None else bytes_of(max_memory),
    )
    code = run_job(
        lambda _: _prepared(request),
        dry_run=dry_run,
        as_json=as_json,
        progress=progress,
        quiet=quiet,
        verbose=verbose,
        debug=debug,
    )
    raise typer.Exit(code)


def _prepared(request: Request) -> Job:
    from superfine.jobs.prepare import prepare

    return prepare(request)


def parsed_size(text: str) -> Size:
    """The size that `text` says, as 800x600, 800x or x600.

    Raises:
        UsageError: When it says none.
    """
    found = re.fullmatch(r"(\d{0,7})[x×X](\d{0,7})", text, re.ASCII)
    if found is None:
        raise UsageError(f"{text!r} is no size.", hint="Give --size 800x600, 800x or x600.")
    width, height = (int(side) if side else None for side in found.groups())
    return Size(width, height)


def _parsed_tile(text: str) -> int:
    if not text.isdecimal():
        raise UsageError(f"{text!r} is no tile size.", hint="Give --tile auto or --tile 128.")
    return int(text)
