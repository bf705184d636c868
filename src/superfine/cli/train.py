"""`superfine train`: a recipe in, weights out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superfine.cli.console import put
from superfine.cli.options import Debug
from superfine.cli.progress import ProgressStyle
from superfine.cli.stop import GentleStop

if TYPE_CHECKING:
    from superfine.training.watching.watcher import Watcher


def train(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="A YAML file, or recipe:NAME for a shipped one."),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="Changes to the recipe, such as optimiser.learning_rate=1e-4.",
            show_default=False,
        ),
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Folder of the run. Usual: runs/ and the recipe's name.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="FOLDER",
            envvar="SUPERFINE_DATA",
            help="Where the relative folders of the recipe lie.",
        ),
    ] = Path(),
    resume: Annotated[
        str,
        typer.Option(
            "--resume",
            metavar="auto|never|PATH",
            help="Go on from the newest checkpoint of OUT, never, or from this checkpoint.",
        ),
    ] = "auto",
    device: Annotated[str, typer.Option("-d", "--device", help="auto, cpu, cuda:0, ...")] = "auto",
    workers: Annotated[
        int,
        typer.Option(
            "-j", "--workers", min=0, help="Processes that prepare samples; changes no result."
        ),
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan, its memory and its time; train not.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The plan as JSON.")] = False,
    progress: Annotated[
        ProgressStyle, typer.Option("--progress", help="How progress is shown.")
    ] = "auto",
    tensorboard: Annotated[
        bool,
        typer.Option(help="Write for TensorBoard, where it is installed."),
    ] = True,
    wandb: Annotated[
        str | None,
        typer.Option(
            "--wandb",
            metavar="PROJECT",
            help="Send the log to this project of Weights & Biases.",
            show_default=False,
        ),
    ] = None,
    debug: Debug = False,
) -> int:
    """Trains the network of a recipe, or goes on where it was stopped, and measures it."""
    from superfine.training.processes import place
    from superfine.training.recipe.text import find_recipe, load_recipe, with_data_root

    path = find_recipe(recipe)
    asked = with_data_root(load_recipe(path, overrides or ()), data)
    out = output or Path("runs") / path.stem
    here = place()
    if dry_run:
        from superfine.cli.recipe import show_plan
        from superfine.training.recipe.plan import plan

        made = plan(asked, device=_device(device, here.local, here.world))
        put((json.dumps(made.to_json()) if as_json else show_plan(made)).encode())
        return 0

    from superfine.training.loop import train as run

    watchers = _watchers(progress, out, tensorboard=tensorboard, wandb=wandb) if here.first else []
    with GentleStop() as stop:
        outcome = run(
            asked,
            out,
            device=_device(device, here.local, here.world),
            resume=resume,
            workers=workers,
            watchers=watchers,
            stop=stop.asked,
        )
    if not outcome.finished:
        return stop.exit_code
    if here.first:
        put(str(outcome.weights).encode(errors="surrogateescape"))
    return 0


def _device(asked: str, local: int, world: int) -> str:
    from superfine.inference import pick_device

    picked = pick_device(asked)
    return f"cuda:{local}" if world > 1 and picked.type == "cuda" else str(picked)


def _watchers(
    style: ProgressStyle, out: Path, *, tensorboard: bool, wandb: str | None
) -> list[Watcher]:
    from superfine.cli.training_meter import training_meter
    from superfine.training.watching.pictures import PictureWatcher
    from superfine.training.watching.tensorboard import TensorBoardWatcher, tensorboard_installed

    meter = training_meter(style)
    watchers: list[Watcher] = [meter, PictureWatcher(out)]
    if tensorboard and tensorboard_installed():
        watchers.append(TensorBoardWatcher(out / "tensorboard", say=meter.say))
    if wandb is not None:
        from superfine.training.watching.wandb_watcher import WandbWatcher

        watchers.append(WandbWatcher(wandb, out, say=meter.say))
    return watchers
