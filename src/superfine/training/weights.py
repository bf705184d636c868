"""What a run leaves: the names of its weight files and what their cards say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from superfine.card import Card
from superfine.data.batch import SourceFile
from superfine.models import ModelSpec
from superfine.training.recipe.types import Recipe
from superfine.training.validation import Scores


def weight_file(recipe: Recipe, *, best: bool) -> str:
    """NETWORK-xS.safetensors, with each scale of a network that serves several."""
    scales = "".join(f"-x{scale}" for scale in recipe.scale)
    return f"{recipe.network}{scales}{'-best' if best else ''}.safetensors"


def make_card(
    recipe: Recipe, spec: ModelSpec, files: Sequence[SourceFile], scores: Scores, step: int
) -> Card:
    """The card of weights that `recipe` gave after `step` steps."""
    several = len(recipe.scale) > 1
    flat: dict[str, Mapping[str, float]] = {
        f"{name} {scale}" if several else name: metrics
        for name, at_scale in scores.items()
        for scale, metrics in at_scale.items()
    }
    terms = [f"{term.weight:g} {term.kind}" for term in recipe.loss]
    if recipe.adversarial is not None:
        terms.append(f"{recipe.adversarial.weight:g} {recipe.adversarial.kind} adversarial")
    losses = " + ".join(terms)
    serves = f"for scales {', '.join(map(str, recipe.scale))}, " if several else ""
    exact = f" and fp32 for the last {recipe.exact_end:.0%}" if recipe.exact_end else ""
    return Card(
        architecture=spec.name,
        scale=recipe.scale[0],
        channels=spec.channels,
        training_data=_sets(files),
        training=f"{serves}{step} steps, batch {recipe.batch} of {recipe.patch}x{recipe.patch} LR "
        f"patches, {losses}, {recipe.optimiser.kind} {recipe.optimiser.learning_rate:g}, "
        f"{recipe.precision}{exact}, seed {recipe.seed}",
        protocol=recipe.validate_on.protocol,
        scores=flat,
        # Weights with a user's generator inside are not ours to license.
        licence="Apache-2.0" if recipe.bank is None else "",
    )


def _sets(files: Sequence[SourceFile]) -> tuple[str, ...]:
    """Each folder by its name, with the number of its files; never where it lies."""
    folders: dict[str, int] = {}
    for file in files:
        name = Path(file.path).parent.name
        folders[name] = folders.get(name, 0) + 1
    return tuple(f"{name} ({count} files)" for name, count in folders.items())
