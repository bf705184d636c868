"""`superfine models convert`: anybody's weight file in, one that describes itself out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superfine.cli.console import put, say, shown
from superfine.cli.options import Debug


def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights in anybody's layout.")],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Usual: beside FILE, ending in .safetensors.",
            show_default=False,
        ),
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option("-s", "--scale", help="Where neither FILE nor its name tells it."),
    ] = None,
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="Of the weights, for the card.")
    ] = "unknown",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
    debug: Debug = False,
) -> None:
    """Writes the weights as a file of ours; FILE is never changed, and nothing in it is run."""
    from superfine.conversion import convert as converted

    made = converted(file, output, scale=scale, licence=licence, overwrite=overwrite)
    model = made.model
    say(f"{shown(file)}: {model.spec.name} x{model.scale} ({model.spec.channels}).")
    for finding in model.findings:
        say(shown(finding))
    put(str(made.path).encode(errors="surrogateescape"))
