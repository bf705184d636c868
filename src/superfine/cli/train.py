"""`superfine train`: a recipe in, weights out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superfine.cli.console import put, say


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A YAML file, as in recipes/.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Folder for the weights and the log. Usual: runs/ and the recipe's name.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[str, typer.Option("-d", "--device", help="auto, cpu, cuda:0, ...")] = "auto",
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Trains the network of a recipe and measures it on the way."""
    from superfine.inference import pick_device
    from superfine.training.loop import train as run
    from superfine.training.recipe import load_recipe

    out = output or Path("runs") / recipe.stem
    weights = run(load_recipe(recipe), out, device=str(pick_device(device)), say=say)
    put(str(weights).encode(errors="surrogateescape"))
