"""The one thing people type: what to train, on what, for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from superfine.errors import SuperfineError, UsageError, unknown_name
from superfine.losses import LossName


class RecipeError(SuperfineError):
    """A recipe that cannot be trained as written."""

    code = "E_RECIPE"


class Recipe(BaseModel):
    """Everything that decides a training run; two runs of one recipe give the same weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: str = Field(description="A name of the zoo.")
    scale: int = Field(ge=1, description="HR pixels per LR pixel.")
    train: tuple[Path, ...] = Field(min_length=1, description="Folders of HR pictures.")
    validate_on: Path = Field(description="Folder of HR pictures scored while training.")
    protocol: str = Field(default="y-matlab", description="How LR is made and results scored.")
    shrink: tuple[float, ...] = Field(
        default=(1.0,), description="Each HR picture is also used shrunk by these factors."
    )
    patch: int = Field(default=32, ge=4, description="LR pixels on a side of a training patch.")
    batch: int = Field(default=16, ge=1, description="Patches in a step.")
    steps: int = Field(ge=1, description="Optimiser steps.")
    learning_rate: float = Field(gt=0, description="Adam's, at its highest.")
    warm_up: int = Field(default=500, ge=0, description="Steps to climb to the learning rate.")
    final_learning_rate: float = Field(default=0.0, ge=0, description="Where the cosine ends.")
    tail_rate: float = Field(
        default=1.0,
        gt=0,
        description="Factor on the learning rate of the last layer; the papers train it slower.",
    )
    loss: LossName = "mse"
    averaging: float = Field(
        default=0.999, ge=0, lt=1, description="Weight of the past in the averaged weights."
    )
    validate_every: int = Field(default=5000, ge=1, description="Steps between scores.")
    seed: int = Field(default=0, ge=0)
    start_from: Path | None = Field(
        default=None,
        description="Weights to start from; tensors of another shape (another scale) are left new.",
    )


def load_recipe(path: Path) -> Recipe:
    """The recipe in a YAML file; folders in it are relative to the working folder.

    Raises:
        RecipeError: With the offending key, and the nearest known one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist.", hint="Give a recipe, a YAML file.") from None
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not YAML: {str(error).splitlines()[0]}.") from None
    if not isinstance(values, dict):
        raise RecipeError(f"{path} holds no keys.", hint="See recipes/fsrcnn-x2.yaml.")
    return parse_recipe(values)


def parse_recipe(values: dict[str, Any]) -> Recipe:
    """The recipe of plain values.

    Raises:
        RecipeError: With the offending key, and the nearest known one.
    """
    for key in values:
        if key not in Recipe.model_fields:
            error = unknown_name("recipe key", key, Recipe.model_fields, listing="recipes/")
            raise RecipeError(error.message, hint=error.hint)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{where}: {first['msg']}; got {first.get('input')!r}.") from None
