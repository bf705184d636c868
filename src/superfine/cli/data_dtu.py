"""`superfine data dtu`: the depth maps of DTU as DSDMSR is trained on them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from superfine.cli.console import put, say, shown
from superfine.cli.data_lines import Lines
from superfine.cli.options import Debug


def dtu(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="DTU's folder Depths_raw.")],
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="Folder to fill.")],
    *,
    seed_form: Annotated[
        bool,
        typer.Option("--seed-form", help="8 bits, stretched map by map, aliased, without holes."),
    ] = False,
    resize: Annotated[
        Literal["area", "nearest"],
        typer.Option(help="area: the mean of what was measured; nearest: no mixed depths."),
    ] = "area",
    split: Annotated[
        Literal["scene", "image"],
        typer.Option(help="Hold out a fifth of the scans, or of the maps."),
    ] = "scene",
    debug: Debug = False,
) -> None:
    """Makes maps of 80x64 to 1280x1024 pixels, and lists of them for training and validation.

    Stopped or killed, the same command goes on where it was.
    """
    from superfine.data.dtu import PyramidOptions, make_pyramids

    lines = Lines()
    options = PyramidOptions(seed_form=seed_form, resize=resize, split=split)
    try:
        made = make_pyramids(
            source, dest, options, on_progress=lambda done, total: lines("Making", done, total)
        )
    except KeyboardInterrupt:
        say("Stopped; run the same command to go on.")
        raise
    for path in made.lists:
        put(os.fsencode(path))
    for note in made.notes:
        say(f"superfine: {shown(note)}")
    kept = f"; {made.kept:,} were there" if made.kept else ""
    say(
        f"superfine: {made.maps:,} maps at five sizes, {made.training:,} for training and "
        f"{made.validating:,} for validation, by {split}{kept}."
    )
