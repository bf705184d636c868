"""`superfine data convert`: depth sets of others in the layout that training reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from superfine.cli.console import put, say
from superfine.cli.data_lines import Lines
from superfine.cli.options import Debug


def convert(
    name: Annotated[str, typer.Argument(metavar="SET", help="Such as 7-scenes.")],
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Where the set lies.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to fill.")],
    *,
    debug: Debug = False,
) -> None:
    """Writes a depth set as depth/NAME.png and guide/NAME.png, which training reads.

    Stopped or killed, the same command goes on where it was.
    """
    from superfine.data.depth_sets.convert import convert as write

    lines = Lines()
    try:
        found = write(name, source, out, on_progress=lambda done: lines.so_far("Writing", done))
    except KeyboardInterrupt:
        say("Stopped; run the same command to go on.")
        raise
    put(os.fsencode(out))
    counts = (
        (found.kept, "were there"),
        (found.alone, "have no photo"),
        (found.empty, "passed over: nothing was measured in them"),
    )
    rest = "".join(f"; {count:,} {what}" for count, what in counts if count)
    say(f"superfine: {found.made:,} maps written{rest}.")
