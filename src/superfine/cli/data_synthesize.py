"""`superfine data synthesize`: training data that is made up."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from superfine.cli.console import put, say
from superfine.cli.data_lines import Lines
from superfine.cli.options import Debug
from superfine.errors import UsageError

app = typer.Typer(help="Makes training data up, from a seed.", no_args_is_help=True)


@app.command()
def rgbd(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to fill.")],
    *,
    count: Annotated[int, typer.Option("-n", "--count", help="How many scenes.")] = 100,
    size: Annotated[
        str, typer.Option(metavar="WIDTHxHEIGHT", help="Of each, in pixels.")
    ] = "320x240",
    seed: Annotated[int, typer.Option(help="Another seed makes other scenes.")] = 0,
    sensor: Annotated[
        bool,
        typer.Option("--sensor", help="Depth as a depth camera reports it: noise and holes."),
    ] = False,
    disparity: Annotated[
        bool, typer.Option("--disparity", help="Maps of disparity, as stereo sets have, not depth.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Makes up scenes: a picture and exact depth of each, in the layout training reads.

    Stopped or killed, the same command goes on where it was, and ends with the same bytes.
    """
    from superfine.data.rgbd.folder import synthesize

    lines = Lines()
    try:
        found = synthesize(
            out,
            count=count,
            size=_size(size),
            seed=seed,
            with_sensor=sensor,
            disparity=disparity,
            on_progress=lambda done, total: lines("Making", done, total),
        )
    except KeyboardInterrupt:
        say("Stopped; run the same command to go on.")
        raise
    put(os.fsencode(out))
    kept = f"; {found.kept:,} were there" if found.kept else ""
    say(f"superfine: {found.made:,} scenes made{kept}.")


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text)
    if found is None:
        raise UsageError(
            f"{text!r} is no size.", hint="Give width and height in pixels, such as 320x240."
        )
    return int(found[1]), int(found[2])
