"""From text to a recipe and back: YAML files, `key=value` overrides, and the shipped recipes."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import yaml
from pydantic import BaseModel, ValidationError

from superfine.errors import SuperfineError, UsageError, unknown_name
from superfine.training.recipe.faults import Origins, dotted, faults_of, mistaken, prefixed
from superfine.training.recipe.types import DepthData, PairData, Perceptual, PictureData, Recipe
from superfine.yaml_text import LARGEST_TEXT, Place, Value, parse_value, read_yaml, resolve

SHIPPED = "recipe:"  # before the name of a shipped recipe
_SEE = "See: superfine recipe schema, and docs/recipes.md."
_TOLD = 3  # faults in the one line of an error


class RecipeError(SuperfineError):
    """A recipe that cannot be trained as written.

    Attributes:
        faults: Everything that is wrong with it, a line each.
    """

    code = "E_RECIPE"

    def __init__(self, *faults: str, hint: str = _SEE) -> None:
        """Takes at least one fault; `message` holds the first few."""
        told = "; ".join(fault.rstrip(".") for fault in faults[:_TOLD])
        rest = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
        end = "" if f"{told}{rest}".endswith("?") else "."
        super().__init__(f"{told}{rest}{end}", hint=hint)
        self.faults = faults


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file; its folders stay as they are written.

    Args:
        path: The file.
        overrides: `key=value` each, as typed; keys inside sections are dotted, items of a list
            counted from 0: "optimiser.learning_rate=1e-4", "loss.0.weight=2", "scale=[2, 3]".

    Raises:
        UsageError: When there is no such file.
        YamlError: When it is not YAML.
        RecipeError: When it is not a recipe; every fault with its line.
    """
    text = read_yaml(_content(path), name=str(path))
    origins: dict[Place, str] = {(): str(path)}
    origins |= {place: f"{path} line {line}" for place, line in text.lines.items()}
    values = text.values
    for override in overrides:
        values, place = _overridden(values, override)
        origins = {p: said for p, said in origins.items() if p[: len(place)] != place}
        # What leads there may be new too, and wrong.
        origins |= {place[:n]: override for n in range(1, len(place)) if place[:n] not in origins}
        origins[place] = override
    return parse_recipe(values, origins=origins)


def parse_recipe(
    values: Mapping[str, object], *, origins: Origins = MappingProxyType({})
) -> Recipe:
    """The recipe of plain values.

    Args:
        values: As YAML gives them.
        origins: Where each was written, for messages.

    Raises:
        RecipeError: With every fault.
    """
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(*faults_of(error, origins)) from None
    wrong = mistaken(values, recipe.model_dump(by_alias=True))
    if faults := [prefixed(origins, place, text) for place, text in wrong]:
        raise RecipeError(*faults)
    return recipe


def resolved(recipe: Recipe) -> str:
    """The whole recipe as YAML, defaults written out; it loads back to an equal recipe."""
    values = recipe.model_dump(mode="json", by_alias=True)
    return yaml.dump(
        values,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=100,
    )


def recipe_schema() -> dict[str, object]:
    """JSON Schema of a recipe as it is written, for editors and programs."""
    schema = Recipe.model_json_schema(by_alias=True)
    scale = schema["properties"]["scale"]
    # One scale may stand without brackets, which the types see only after they took it.
    several = {key: scale.pop(key) for key in ("type", "items", "minItems")}
    scale["anyOf"] = [{"type": "integer", "minimum": 1}, several]
    for section in schema["$defs"].values():
        if "kind" in section["properties"]:  # its default is for Python only
            section["required"] = sorted({"kind", *section.get("required", ())})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def headline(path: Path) -> str:
    """What the first comment of a recipe says, one line."""
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline()
    return first.lstrip("\ufeff# ").strip() if "#" in first[:2] else ""


def with_data_root(recipe: Recipe, root: Path) -> Recipe:
    """The recipe with every relative path of what it learns from under `root`.

    That is its data, its validation sets, and the weights of perceptual losses and of a bank, which
    never change. The paths become absolute. Weights to start from stay relative to the working
    folder.
    """
    base = root.absolute()
    data = recipe.data
    if isinstance(data, PictureData | DepthData):
        change = {"folders": tuple(base / folder for folder in data.folders)}
        placed: BaseModel = data.model_copy(update=change)
    elif isinstance(data, PairData):
        placed = data.model_copy(update={"hr": base / data.hr, "lr": base / data.lr})
    else:
        placed = data.model_copy(update={"file": base / data.file})
    sets = tuple(base / folder for folder in recipe.validate_on.sets)
    scored = recipe.validate_on.model_copy(update={"sets": sets})
    losses = tuple(
        term.model_copy(update={"file": base / term.file}) if isinstance(term, Perceptual) else term
        for term in recipe.loss
    )
    bank = None if recipe.bank is None else base / recipe.bank
    return recipe.model_copy(
        update={"data": placed, "validate_on": scored, "loss": losses, "bank": bank}
    )


def shipped_recipes() -> Mapping[str, Path]:
    """Name -> file of every recipe that comes with the package."""
    package = Path(__file__).parents[2]
    installed = package / "recipes"
    # In a checkout they stand beside src.
    folder = installed if installed.is_dir() else package.parent.parent / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_recipe(name: str) -> Path:
    """The file of a recipe: a path, or the name of a shipped one, "recipe:" before it or not.

    Raises:
        UsageError: When there is no such file.
        UnknownNameError: With the nearest shipped recipe.
    """
    shipped = shipped_recipes()
    bare = name.removeprefix(SHIPPED)
    if bare == name:
        path = Path(name)
        if path.exists():
            return path
        if path.suffix or os.sep in name:
            near = f"recipe:{path.stem} is shipped." if path.stem in shipped else ""
            raise UsageError(f"{name} does not exist.", hint=near or "See: superfine recipe list")
    if bare not in shipped:
        raise unknown_name("recipe", bare, shipped, listing="superfine recipe list")
    return shipped[bare]


def _content(path: Path) -> bytes:
    """The bytes of a file, one more than are read at most."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for a writer
            raise UsageError(f"{path} is not a file.", hint="Give a recipe, a YAML file.")
        with path.open("rb") as file:
            return file.read(LARGEST_TEXT + 1)
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist.", hint="Give a recipe, a YAML file.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def _overridden(values: dict[str, Value], override: str) -> tuple[dict[str, Value], Place]:
    """`values` with one of them replaced, and which."""
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        example = "Write key=value, such as steps=1000."
        raise RecipeError(f"{override!r} is no override.", hint=example)
    parts = key.strip().split(".")
    if "layers" in parts:  # the names of layers have dots of their own
        above = parts.index("layers") + 1
        parts = [*parts[:above], *([".".join(parts[above:])] if parts[above:] else [])]
    value = parse_value(text.strip(), name=override)
    changed, place = _set(_with_default(values, parts[0]), parts, value, override)
    assert isinstance(changed, dict)
    return changed, place


def _with_default(values: dict[str, Value], key: str) -> dict[str, Value]:
    """`values` with the section `key` written out if it is there only by default."""
    field = Recipe.model_fields.get(key)
    if key in values or field is None:
        return values
    written = _written_out(field.default)
    return values if written is None else {**values, key: written}


def _written_out(default: object) -> Value:
    """A default section, or a list of them, as somebody would have written it; else None."""
    if isinstance(default, tuple):
        return [_written_out(part) for part in default]
    if isinstance(default, BaseModel):
        return default.model_dump(include={"kind"}) | default.model_dump(exclude_unset=True)
    return None


def _set(
    values: Value, parts: Sequence[str], value: Value, override: str, above: Place = ()
) -> tuple[Value, Place]:
    """`values` with the one that `parts` lead to replaced; nothing is changed in place."""
    if not parts:
        return value, above
    first, *rest = parts
    if isinstance(values, list):
        if not first.isdecimal() or int(first) >= len(values):
            has = f"{dotted(above)} has items 0 to {len(values) - 1}" if values else "no items"
            raise RecipeError(f"{override}: {first!r} is no item of {dotted(above)}; {has}.")
        index = int(first)
        changed, place = _set(values[index], rest, value, override, (*above, index))
        return [*values[:index], changed, *values[index + 1 :]], place
    keys = values if isinstance(values, dict) else {}
    changed, place = _set(keys.get(first), rest, value, override, (*above, first))
    return {**keys, first: changed}, place


class _Dumper(yaml.SafeDumper):
    """Writes what our reader reads back: no aliases, and quotes where text looks like a number."""

    def ignore_aliases(self, data: object) -> bool:
        """Always: what comes twice is written twice."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    quotes = "'" if resolve(text) != text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=quotes)


_Dumper.add_representer(str, _represent_text)
