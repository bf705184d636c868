"""The loop: draw, predict, compare, step, and now and then measure and save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from superfine.errors import OutputError, PeerLostError, TrainingError, UsageError
from superfine.models import find
from superfine.training.adversarial import make_learner
from superfine.training.feed import batches, make_schedule
from superfine.training.journal import Journal
from superfine.training.processes import Processes, refers_to_peer
from superfine.training.recipe.checks import check
from superfine.training.recipe.text import load_recipe
from superfine.training.recipe.types import Plateau, Recipe
from superfine.training.resume import changes, find_checkpoint
from superfine.training.run_folder import RECIPE, RunFolder, refuse_changed_data
from superfine.training.sources import make_source
from superfine.training.tally import NotFiniteError
from superfine.training.validation import StopAskedError, Validation, headline
from superfine.training.watching.watcher import Watcher
from superfine.training.weights import weight_file


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        weights: The averaged weights, as they were last scored.
        step: Steps done.
        finished: False when somebody asked it to stop before its end.
    """

    weights: Path
    step: int
    finished: bool


def train(
    recipe: Recipe,
    out: Path,
    *,
    device: str = "cpu",
    resume: str = "auto",
    workers: int = 0,
    watchers: Sequence[Watcher] = (),
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Trains what `recipe` says in the folder `out`, or goes on with what was begun there.

    A run that is stopped or killed anywhere and started again ends with the same log and the same
    weights, bit for bit, on the same machine with the same number of threads. The averaged weights
    are saved at every score: the last as NETWORK-xS.safetensors, which no score has chosen, and
    the best of the first validation set as NETWORK-xS-best.safetensors.

    Args:
        recipe: What to train.
        out: The folder of the run; made if missing.
        device: Where to train, in torch's words.
        resume: "auto" goes on from the newest checkpoint in `out` if there is one, "never" refuses
            a folder that was used, everything else is the path of a checkpoint.
        workers: Processes that prepare samples ahead; changes no result.
        watchers: Who looks on; asked only in the first of several processes.
        stop: Asked after every step; when it says yes, a checkpoint is written and the run ends.

    Raises:
        RecipeError: When the recipe contradicts itself, its network or its data.
        UsageError: When the recipe or the data differ from what the run began with.
        TrainingError: When a loss becomes NaN or infinite.
        PeerLostError: When another process of the run has gone.
        OutputError: When the folder cannot be written or another run works there.
    """
    check(recipe)
    processes = Processes(torch.device(device))

    def whole() -> Outcome:
        run = _Run(recipe, RunFolder(out), torch.device(device), processes, watchers)
        if not processes.place.first:
            return run.go(resume, workers, stop)
        with run.folder.opened():
            return run.go(resume, workers, stop)

    try:
        # In a function of its own: nothing of the run may be left when the processes part.
        return whole()
    except BaseException as error:
        processes.let_go(error)
        if processes.place.world == 1 or not refers_to_peer(error):
            raise
        raise PeerLostError(
            f"Process {processes.place.rank} of {processes.place.world} has lost another one.",
            hint="Look at what that one said last; the same command goes on from the newest "
            "checkpoint.",
        ) from error
    finally:
        processes.close()


class _Run:
    """One process's part of a run."""

    def __init__(
        self,
        recipe: Recipe,
        folder: RunFolder,
        device: torch.device,
        processes: Processes,
        watchers: Sequence[Watcher],
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.processes = processes
        spec = find(recipe.network)
        self.schedule = make_schedule(recipe, processes.place)
        self.source = make_source(recipe, spec)
        self.validation = Validation(recipe, spec)
        self.learner = make_learner(recipe, spec, device, processes.place)
        self.journal: Journal | None = None
        if processes.place.first:
            self.journal = Journal(
                recipe,
                spec,
                folder=folder,
                learner=self.learner,
                files=self.source.files,
                watchers=watchers,
            )

    def go(self, resume: str, workers: int, stop: Callable[[], bool]) -> Outcome:
        """From where the run stands to its end, or to where somebody stops it."""
        finished = False
        try:
            self._begin(resume)
            self._learn(workers, stop)
            finished = True
        except StopAskedError:
            if self.journal:
                self.journal.save()
        except NotFiniteError as error:
            raise self._diverged(error) from None
        finally:
            if self.journal:
                self.journal.end()
        step = self.learner.progress.step
        if self.journal and finished:
            self.journal.say(f"Finished after {step} steps.")
        elif self.journal:
            self.journal.say(
                f"Stopped after step {step} of {self.recipe.steps}; the same command goes on."
            )
        return Outcome(self.folder.root / weight_file(self.recipe, best=False), step, finished)

    def _begin(self, resume: str) -> None:
        """Goes back to the checkpoint that `resume` means, if there is one."""
        changed = self._changes(resume)
        found = find_checkpoint(resume, self.folder.checkpoints)
        if found is not None:
            self.learner.resume(found)
        step = self.learner.progress.step
        if step > self.recipe.steps:
            raise UsageError(
                f"The checkpoint is at step {step}, the recipe ends at {self.recipe.steps}.",
                hint="Give the recipe more steps.",
            )
        # Until here every process has only read; from here on the first one writes.
        if len(set(self.processes.gather(step))) > 1:
            raise UsageError(
                "The processes see different checkpoints.",
                hint="Put the run's folder where all machines see it.",
            )
        if self.journal:
            self.journal.begin(
                scored=found is not None and found.scored,
                processes=self.processes.place.world,
                changes=changed,
                example=self.source.batch(self.schedule.index(0)[:1], self.recipe.scale[0]),
            )

    def _changes(self, resume: str) -> list[str]:
        """What of the recipe is another than when the run began; refuses what may not be."""
        root = self.folder.root if resume in ("auto", "never") else Path(resume).parent.parent
        begun = RunFolder(root)
        if not begun.begun:
            return []
        if resume == "never":
            raise OutputError(
                f"{root} holds a training run.",
                hint="Give another -o, or let it go on with --resume auto.",
                code="E_EXISTS",
            )
        refuse_changed_data(begun.recorded_data(), self.source.files)
        return changes(load_recipe(root / RECIPE), self.recipe)

    def _learn(self, workers: int, stop: Callable[[], bool]) -> None:
        """Steps until the end.

        Raises:
            StopAskedError: When `stop` says yes.
            NotFiniteError: When a loss is no number.
        """
        learner, progress = self.learner, self.learner.progress
        feed = batches(
            self.source,
            self.schedule,
            start=progress.step,
            steps=self.recipe.steps,
            workers=workers,
            pin=learner.device.type == "cuda",
        )
        while True:
            if progress.score_due:
                self._score(stop)
            if stop():
                raise StopAskedError
            if progress.step >= self.recipe.steps:
                return
            learner.step(next(feed), self.schedule.scale(progress.step))
            self._after_step()

    def _after_step(self) -> None:
        """Logs, saves, and notes that a score is due, when it is time."""
        progress, recipe = self.learner.progress, self.recipe
        done, ended = progress.step, progress.step == recipe.steps
        logged = done % recipe.log_every == 0 or ended
        # Asking a GPU for a number makes it wait, a CPU has it already.
        if logged or self.learner.device.type == "cpu":
            progress.tally.settle()
        if logged:
            means = progress.tally.means(self.processes)
            progress.tally.clear()
            if self.journal:
                self.journal.losses(means)
        progress.score_due = done % recipe.validate_on.every == 0 or ended
        if self.journal:
            if done % recipe.checkpoint_every == 0:
                self.journal.save()
            self.journal.step()

    def _score(self, stop: Callable[[], bool]) -> None:
        """Scores the averaged weights and saves them."""
        progress, learner = self.learner.progress, self.learner
        scores = self.validation.scores(learner.averaged, self.processes, stop=stop)
        stages = self.validation.stages(learner.averaged, self.processes, stop=stop)
        value = headline(scores)
        better = progress.best is None or value > progress.best
        if better:
            progress.best, progress.best_step = value, progress.step
        if isinstance(self.recipe.schedule, Plateau):
            progress.plateau.see(value, self.recipe.schedule)
        progress.score_due = False
        if self.journal:
            self.journal.scores(scores, stages, better=better)
            self.journal.sheets(self.validation.sheets(learner.averaged))
            self.journal.save()
        learner.network.train()  # without averaging, it was the one that was scored

    def _diverged(self, error: NotFiniteError) -> TrainingError:
        index, scale = self.schedule.index(error.step), self.schedule.scale(error.step)
        shown = ", ".join(self.source.name(int(i), scale) for i in index[:3])
        more = ", ..." if len(index) > 3 else ""
        return TrainingError(
            f"The loss is no number at step {error.step + 1}: {' and '.join(error.terms)}. "
            f"The samples were {index[0]} to {index[-1]}: {shown}{more}.",
            hint="Use a smaller learning rate, clip the gradient, or look at these pictures; "
            "the checkpoints before are as they were.",
        )
