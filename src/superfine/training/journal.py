"""What a run writes down while it goes on, and who is told; only the first process has one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from superfine.checkpoints import save
from superfine.data.batch import Batch, SourceFile
from superfine.models import ModelSpec
from superfine.training import checkpoint
from superfine.training.adversarial import AdversarialLearner
from superfine.training.checkpoint import Plain
from superfine.training.learner import TOTAL, Learner
from superfine.training.memory import memory_mb
from superfine.training.recipe.text import resolved
from superfine.training.recipe.types import Recipe
from superfine.training.run_folder import RunFolder
from superfine.training.stages import Stages, report
from superfine.training.validation import Scores
from superfine.training.watching.watcher import Beginning, Record, Watcher
from superfine.training.weights import make_card, weight_file


class Journal:
    """The log, the weights and the checkpoints of a run, and its watchers."""

    def __init__(
        self,
        recipe: Recipe,
        spec: ModelSpec,
        *,
        folder: RunFolder,
        learner: Learner | AdversarialLearner,
        files: Sequence[SourceFile],
        watchers: Sequence[Watcher],
    ) -> None:
        """Begins nothing yet.

        Args:
            recipe: What is trained.
            spec: Its network.
            folder: Where to write.
            learner: What learns; only looked at.
            files: What the samples are made of.
            watchers: Who is told.
        """
        self._recipe = recipe
        self._spec = spec
        self._folder = folder
        self._learner = learner
        self._files = files
        self.watchers = tuple(watchers)

    def begin(
        self, *, scored: bool, processes: int, changes: Sequence[str], example: Batch
    ) -> None:
        """Brings the folder to where the learner stands, and tells the watchers.

        Args:
            scored: Whether the score at this step is in the log.
            processes: How many take part.
            changes: What of the recipe is another than before.
            example: A batch that the network can be called with.
        """
        folder, step = self._folder, self._learner.progress.step
        aside = folder.set_aside(step, scored=scored)
        past = folder.cut_log(step, scored=scored)
        folder.write_recipe(resolved(self._recipe))
        folder.write_data(self._files)
        folder.add_launch(
            step=step, device=str(self._learner.device), processes=processes, changes=changes
        )
        if step:
            self.say(f"Going on from step {step} of {self._recipe.steps}.")
        for line in changes:
            self.say(f"Changed: {line}")
        if aside is not None:
            self.say(f"What came after step {step} was moved to {aside}.")
        self._tell(past, example)
        self._clock = self._logged_at = time.monotonic()
        self._logged_step = step

    def _tell(self, past: Sequence[Record], example: Batch) -> None:
        arguments = [x[:1] for x in (example.lr, example.guide) if x is not None]
        beginning = Beginning(
            name=self._folder.root.name,
            recipe=resolved(self._recipe),
            step=self._learner.progress.step,
            steps=self._recipe.steps,
            batch=self._recipe.batch,
            past=past,
            network=self._learner.averaged.single(),
            example=tuple(x.to(self._learner.device) for x in arguments),
        )
        for watcher in self.watchers:
            watcher.begin(beginning)

    def step(self) -> None:
        """A step was done."""
        for watcher in self.watchers:
            watcher.step(self._learner.progress.step)

    def losses(self, means: Mapping[str, float]) -> None:
        """Adds a line with the mean losses since the last one."""
        now, step = time.monotonic(), self._learner.progress.step
        samples = (step - self._logged_step) * self._recipe.batch
        machine: dict[str, Plain] = {
            "seconds": round(now - self._clock, 2),
            "samples_per_second": round(samples / max(now - self._logged_at, 1e-9), 1),
            "memory_mb": memory_mb(self._learner.device),
        }
        self._logged_at, self._logged_step = now, step
        terms: dict[str, Plain] = {name: mean for name, mean in means.items() if name != TOTAL}
        self._add(
            {
                "kind": "train",
                "step": step,
                "loss": means[TOTAL],
                "terms": terms,
                "learning_rate": self._learner.last_rate,
                "machine": machine,
            }
        )

    def scores(self, scores: Scores, stages: Stages, *, better: bool) -> None:
        """Saves the averaged weights with `scores` on their card, and adds a line."""
        step = self._learner.progress.step
        network = self._learner.averaged.for_use()
        card = make_card(self._recipe, self._spec, self._files, scores, step)
        save(network, card, self.weights(best=False), overwrite=True)
        if better:
            save(network, card, self.weights(best=True), overwrite=True)
        plain: Plain = {
            name: {scale: dict(metrics) for scale, metrics in at_scale.items()}
            for name, at_scale in scores.items()
        }
        record: dict[str, Plain] = {
            "kind": "score",
            "step": step,
            "protocol": self._recipe.validate_on.protocol,
            "scores": plain,
            "best": better,
            "machine": {"seconds": round(time.monotonic() - self._clock, 2)},
        }
        if stages:
            record["stages"] = {
                name: {scale: dict(errors) for scale, errors in at_scale.items()}
                for name, at_scale in stages.items()
            }
        self._add(record)
        if stages:
            self._folder.write_stages(report(self._folder.records()))

    def sheets(self, sheets: Iterable[tuple[str, UInt8[Tensor, "3 h w"]]]) -> None:
        """Shows `sheets`, by name, to the watchers; draws none when there are no watchers."""
        if not self.watchers:
            return
        for name, sheet in sheets:
            for watcher in self.watchers:
                watcher.picture(self._learner.progress.step, name, sheet)

    def weights(self, *, best: bool) -> Path:
        """The weight file."""
        return self._folder.root / weight_file(self._recipe, best=best)

    def save(self) -> None:
        """Writes a checkpoint and removes those that are not kept."""
        folder = self._folder.checkpoints
        checkpoint.write(self._learner.checkpoint(), folder)
        checkpoint.clear_up(folder, keep=self._recipe.keep, best=self._learner.progress.best_step)

    def _add(self, record: Record) -> None:
        self._folder.add(record)
        for watcher in self.watchers:
            watcher.record(record)

    def say(self, text: str) -> None:
        """A message for people."""
        for watcher in self.watchers:
            watcher.say(text)

    def end(self) -> None:
        """The run has ended, well or not."""
        for watcher in self.watchers:
            watcher.end()
