"""What a recipe will do, before it does anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch

from superfine.metrics.ms_ssim import scales_that_fit
from superfine.models import find, parameter_count
from superfine.schema import build_empty
from superfine.training.recipe.checks import check
from superfine.training.recipe.cost import Memory, forward_cost, memory
from superfine.training.recipe.trial import seconds_per_step
from superfine.training.recipe.types import Recipe


@dataclass(frozen=True)
class Plan:
    """A training run before it begins.

    Attributes:
        recipe: What was asked for, with every default.
        parameters: Values that are trained.
        hr_patch: Scale -> HR pixels on a side of what a patch becomes.
        pictures: Pictures, depth maps or prepared patches to learn from.
        samples: Scale -> different patches in an epoch, views left out.
        epochs: How often each of them is seen; below 1 most are never seen.
        macs_per_step: Multiplications with additions of convolutions and matrix products in a
            step, the backward pass counted as two forward passes; the mean over the scales.
        memory: About what it takes.
        seconds_per_step: About what a step takes on `device`; None where it could not be tried.
        device: In torch's words.
        threads: Of this process, on a CPU.
        notes: What the figures leave out.
    """

    recipe: Recipe
    parameters: int
    hr_patch: Mapping[int, int]
    pictures: int
    samples: Mapping[int, int]
    epochs: float
    macs_per_step: int
    memory: Memory
    seconds_per_step: float | None
    device: str
    threads: int
    notes: tuple[str, ...]

    @property
    def seconds(self) -> float | None:
        """About what all steps take, scores left out."""
        return None if self.seconds_per_step is None else self.seconds_per_step * self.recipe.steps

    def to_json(self) -> dict[str, object]:
        """Plain values, as `superfine train --dry-run --json` prints them."""
        return {
            "v": 1,
            "network": self.recipe.network,
            "scale": list(self.recipe.scale),
            "parameters": self.parameters,
            "lr_patch": self.recipe.patch,
            "hr_patch": {str(scale): side for scale, side in self.hr_patch.items()},
            "pictures": self.pictures,
            "samples": {str(scale): count for scale, count in self.samples.items()},
            "epochs": self.epochs,
            "steps": self.recipe.steps,
            "macs_per_step": self.macs_per_step,
            "memory_bytes": {**asdict(self.memory), "total": self.memory.total},
            "seconds_per_step": self.seconds_per_step,
            "seconds": self.seconds,
            "device": self.device,
            "threads": self.threads,
            "notes": list(self.notes),
            "recipe": self.recipe.model_dump(mode="json", by_alias=True),
        }


def plan(recipe: Recipe, *, device: str = "cpu") -> Plan:
    """The plan of `recipe` on this machine; a few steps on noise are timed, nothing is written.

    Args:
        recipe: With the paths of its data as they are.
        device: Where it would be trained.

    Raises:
        RecipeError: With everything that is wrong with the recipe or its data.
    """
    found = check(recipe)
    spec = find(recipe.network)
    costs = {scale: forward_cost(spec, scale, recipe.patch) for scale in recipe.scale}
    seconds = seconds_per_step(recipe, spec, torch.device(device))
    # The scales take turns.
    seen = {scale: recipe.steps * recipe.batch / len(recipe.scale) for scale in recipe.scale}
    return Plan(
        recipe=recipe,
        parameters=parameter_count(build_empty(spec, recipe.scale[0])),
        hr_patch={scale: scale * recipe.patch for scale in recipe.scale},
        pictures=found.pictures,
        samples=found.samples,
        epochs=sum(seen[s] / found.samples[s] for s in recipe.scale) / len(recipe.scale),
        macs_per_step=3 * recipe.batch * sum(c.macs for c in costs.values()) // len(costs),
        memory=memory(recipe, spec, costs, found.decoded_bytes),
        seconds_per_step=seconds,
        device=device,
        threads=torch.get_num_threads(),
        notes=(*found.notes, *_left_out(recipe, seconds)),
    )


def _left_out(recipe: Recipe, seconds: float | None) -> list[str]:
    """What the figures do not hold."""
    notes = []
    if seconds is None:
        notes.append("One patch is too much to try on this machine: no time is told.")
    side = recipe.patch * min(recipe.scale)
    if any(term.kind == "ms-ssim" for term in recipe.loss) and scales_that_fit(side) < 5:
        notes.append(
            f"ms-ssim uses {scales_that_fit(side)} of its 5 scales on patches of {side} pixels."
        )
    if any(term.kind == "perceptual" for term in recipe.loss):
        notes.append("Work and memory leave out the network of the perceptual term.")
    if recipe.adversarial is not None:
        notes.append("Work, memory and time leave out the discriminator.")
    if recipe.compile:
        notes.append("The time is told without torch.compile.")
    return notes
