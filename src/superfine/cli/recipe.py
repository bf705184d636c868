"""`superfine recipe`: what can be trained, and whether a recipe is sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superfine.cli.console import put, put_table, say, shown
from superfine.cli.options import Debug, Json
from superfine.errors import EXIT_INPUT, EXIT_OK

if TYPE_CHECKING:
    from superfine.training.recipe.plan import Plan

app = typer.Typer(help="Shows and checks recipes for training.", no_args_is_help=True)


@app.command("list")
def show_list(
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Lists the shipped recipes."""
    from superfine.training.recipe.text import headline, load_recipe, shipped_recipes

    rows: list[tuple[str, ...]] = [("name", "network", "scale", "about")]
    for name, path in shipped_recipes().items():
        recipe = load_recipe(path)
        about = headline(path)
        if as_json:
            scales = list(recipe.scale)
            values = {"name": name, "network": recipe.network, "scale": scales, "about": about}
            put(json.dumps({"v": 1, **values}).encode())
        rows.append((name, recipe.network, _scales(recipe.scale), about))
    if not as_json:
        put_table(rows)


@app.command("show")
def show(
    recipe: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Such as fsrcnn-x2.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes to it.", show_default=False),
    ] = None,
    debug: Debug = False,
) -> None:
    """Shows a whole recipe, every default written out."""
    from superfine.training.recipe.text import find_recipe, load_recipe, resolved

    found = load_recipe(find_recipe(recipe), overrides or ())
    put(resolved(found).rstrip("\n").encode(errors="surrogateescape"))


@app.command("validate")
def validate(
    recipes: Annotated[list[str], typer.Argument(metavar="NAME|FILE...", help="What to check.")],
    debug: Debug = False,
) -> None:
    """Checks recipes and says everything that is wrong with them; looks at no data."""
    sound = [_sound(name) for name in recipes]  # every one is looked at
    raise typer.Exit(EXIT_OK if all(sound) else EXIT_INPUT)


def _sound(name: str) -> bool:
    """Whether a recipe is; says what is not."""
    from superfine.errors import SuperfineError
    from superfine.training.recipe.checks import contradictions
    from superfine.training.recipe.text import RecipeError, find_recipe, load_recipe

    path = Path(name)
    try:
        path = find_recipe(name)
        faults = [f"{path}: {fault}" for fault in contradictions(load_recipe(path))]
    except RecipeError as error:
        faults = list(error.faults)
    except SuperfineError as error:
        faults = [error.message]
    for fault in faults:
        say(shown(fault))
    if not faults:
        put(f"{path}: sound".encode(errors="surrogateescape"))
    return not faults


@app.command("schema")
def show_schema(debug: Debug = False) -> None:
    """Shows the JSON Schema of recipes, from which editors complete and check them."""
    from superfine.training.recipe.text import recipe_schema

    put(json.dumps(recipe_schema(), indent=2).encode())


def show_plan(plan: Plan) -> str:
    """A plan for people: a line for each figure, without a line break at the end."""
    recipe, memory = plan.recipe, plan.memory
    hr = ", ".join(f"{side}x{side}" for side in plan.hr_patch.values())
    samples = ", ".join(f"{count:,}" for count in plan.samples.values())
    parts = {
        "weights, gradients, optimiser, average": memory.lasting - memory.pictures,
        "activations": memory.activations,
        "batch": memory.batch,
        "pictures": memory.pictures,
    }
    shares = ", ".join(f"{name} {_bytes(size)}" for name, size in parts.items() if size)
    where = f"{plan.device}, {plan.threads} threads" if plan.device == "cpu" else plan.device
    rows = [
        ("network", f"{recipe.network} {_scales(recipe.scale)}, {plan.parameters:,} parameters"),
        ("patches", f"{recipe.batch} a step, {recipe.patch}x{recipe.patch} LR, {hr} HR"),
        ("data", f"{plan.pictures:,} pictures or patches, {samples} different samples"),
        ("length", f"{recipe.steps:,} steps; each sample comes {plan.epochs:.3g} times on average"),
        ("work", f"{plan.macs_per_step / 1e9:,.3g} GMAC a step"),
        ("memory", f"about {_bytes(memory.total)}: {shares}"),
    ]
    if plan.seconds_per_step is not None and plan.seconds is not None:
        step = f"{1000 * plan.seconds_per_step:,.3g} ms a step"
        rows.append(
            ("time", f"about {_duration(plan.seconds)} on this machine ({where}; {step}), unscored")
        )
    rows += [("note", note) for note in plan.notes]
    return "\n".join(f"{name.ljust(8)}  {text}" for name, text in rows)


def _scales(scales: tuple[int, ...]) -> str:
    return "/".join(f"x{scale}" for scale in scales)


def _bytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.1f} days"
