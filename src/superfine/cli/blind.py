"""`superfine blind`: pictures whose blur nobody knows in, sharper and larger ones out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from superfine.budget.amounts import seconds_of
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
from superfine.jobs.blind_request import BlindRequest

if TYPE_CHECKING:
    from superfine.jobs.job import Job


def blind(
    inputs: Annotated[list[str], typer.Argument(metavar="IN", help="Pictures or folders.")],
    *,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="OUT",
            help="File or folder/. Usual: photo.x2.blind-fsrcnn.png beside the input, "
            "IN-x2-blind-fsrcnn/ for a folder.",
            show_default=False,
        ),
    ] = None,
    scale: Annotated[
        int, typer.Option("-s", "--scale", help="How many times larger: 2, 3 or 4.")
    ] = 2,
    method: Annotated[
        str,
        typer.Option(
            "-m", "--method", metavar="METHOD",
            help="auto, correction, kernelgan or darsr: how the blur is undone.",
        ),
    ] = "auto",
    model: Annotated[
        str,
        typer.Option(metavar="MODEL|FILE", help="The network that enlarges; a weight file too."),
    ] = "fsrcnn",
    kernel: Annotated[
        str,
        typer.Option(
            metavar="estimate|FILE|gauss:SX[,SY,ANGLE]",
            help="The blur: standard deviations in pixels of the result, degrees from the rows.",
        ),
    ] = "estimate",
    kernel_from: Annotated[
        str,
        typer.Option(
            "--kernel-from", metavar="PROGRAM",
            help="What wrote the kernel's file: aligned (only its shape counts), kernelgan, fkp, "
            "dan, correction-filter, usrnet.",
        ),
    ] = "aligned",
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="That a method may learn for each picture, as 20s or 1.5min.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", help="Of a method that learns.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of a method that draws numbers.")] = 0,
    only_result: Annotated[
        bool, typer.Option("--only-result", help="Write nothing beside the result.")
    ] = False,
    ext: Annotated[
        str | None,
        typer.Option(
            metavar="png|jpg|webp|tif|auto|...",
            help="Format of the results; auto keeps the input's. Usual: png.",
            show_default=False,
        ),
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option("-t", "--tile", metavar="N", help="Input pixels on a side of a tile.",
                     show_default=False),
    ] = None,
    device: Annotated[
        str, typer.Option("-d", "--device", help="auto, cpu, cuda, cuda:1.")
    ] = "auto",
    overwrite: Overwrite = False,
    recursive: Recursive = False,
    max_megapixels: MaxMegapixels = None,
    dry_run: DryRun = False,
    as_json: JsonOfFiles = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Enlarges pictures whose blur nobody knows: it is found, undone if that helps, and shown.

    Beside each result lie the picture enlarged without correction, the corrected picture, the
    kernel as NPY, MAT and PNG, a report, and the losses of a method that learns.
    """
    request = BlindRequest(
        inputs=inputs,
        output=output,
        scale=scale,
        method=method,
        model=model,
        kernel=kernel,
        convention=kernel_from,
        budget=None if budget is None else seconds_of(budget),
        steps=steps,
        seed=seed,
        only_result=only_result,
        ext=ext,
        recursive=recursive,
        overwrite=overwrite,
        tile=tile,
        device=device,
        max_megapixels=max_megapixels,
    )
    code = run_job(
        lambda asked_to_stop: _prepared(request, asked_to_stop),
        dry_run=dry_run,
        as_json=as_json,
        progress=progress,
        quiet=quiet,
        verbose=verbose,
        debug=debug,
        patient=True,
    )
    raise typer.Exit(code)


def _prepared(request: BlindRequest, asked_to_stop: Callable[[], bool]) -> Job:
    from superfine.jobs.blind_prepare import prepare_blind

    return prepare_blind(request, should_stop=asked_to_stop)
