"""A run followed in Weights & Biases, for those who ask for it.

Account, entity and server are the user's own settings of that service; nothing is known here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

from jaxtyping import UInt8
from torch import Tensor

from superfine.errors import UsageError
from superfine.io.atomic import write_bytes_atomic
from superfine.training.watching.values import named_values, step_of, writable
from superfine.training.watching.watcher import Beginning, Record
from superfine.yaml_text import parse_yaml

# Keeps the name of the run in the service, so that a run that goes on is drawn as one.
ID_FILE = "wandb-id"


class WandbWatcher:
    """Sends the log, the samples and the recipe; when the service fails, the run goes on.

    The steps between the last checkpoint and a kill are sent again when the run goes on: with the
    same values, because they are computed again.
    """

    def __init__(self, project: str, folder: Path, *, say: Callable[[str], None]) -> None:
        """Looks for the package of the service; connects to nothing yet.

        Args:
            project: Of the service; made there if missing.
            folder: Of the run; the package keeps its own files there too.
            say: Told when the service fails.

        Raises:
            UsageError: When the package is not installed.
        """
        self._wandb = _package()
        self._project = project
        self._folder = folder
        self._say = say
        self._working = False

    def begin(self, beginning: Beginning) -> None:
        """Starts or continues the run in the service.

        Raises:
            UsageError: When the service refuses, for example because nobody is logged in.
        """
        wandb = self._wandb
        try:
            self._run = wandb.init(
                project=self._project,
                name=writable(beginning.name),
                id=self._id(beginning.step),
                resume="allow",
                dir=str(self._folder),
                config=parse_yaml(beginning.recipe.encode(), name="the recipe"),
                # Standard output belongs to the command and is not sent.
                settings=wandb.Settings(console="off"),
            )
            # The service counts calls; what is drawn is drawn against optimiser steps.
            self._run.define_metric("step")
            self._run.define_metric("*", step_metric="step")
        except wandb.Error as error:
            raise UsageError(
                f"Weights & Biases did not begin: {_reason(error)}",
                hint="Run `wandb login`, set WANDB_MODE=offline, or leave out --wandb.",
            ) from error
        self._working = True

    def _id(self, step: int) -> str:
        path = self._folder / ID_FILE
        if step and path.is_file():
            return path.read_text(encoding="utf-8").strip()
        name = secrets.token_hex(8)
        write_bytes_atomic(path, name.encode(), overwrite=True)
        return name

    def _send(self, action: Callable[[], None]) -> None:
        if not self._working:
            return
        try:
            action()
        except Exception as error:  # nothing that happens to a service is worth a training run
            self._working = False
            self._say(f"Weights & Biases gets nothing from here on: {_reason(error)}")

    def step(self, step: int) -> None:
        """Sends nothing."""

    def record(self, record: Record) -> None:
        """Sends the numbers of a line of the log."""
        values = {"step": step_of(record), **named_values(record)}
        self._send(lambda: self._run.log(values))

    def picture(self, step: int, name: str, sheet: UInt8[Tensor, "3 h w"]) -> None:
        """Sends a sheet."""
        key, pixels = f"samples/{writable(name)}", sheet.permute(1, 2, 0).cpu().numpy()
        self._send(lambda: self._run.log({"step": step, key: self._wandb.Image(pixels)}))

    def say(self, text: str) -> None:
        """Sends nothing."""

    def end(self) -> None:
        """Waits until everything is sent."""
        if self._working:
            self._send(self._run.finish)
        self._working = False


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _package() -> ModuleType:
    try:
        found = import_module("wandb")
        found.init  # noqa: B018 - a folder that the service left behind is imported, but is empty
    except (ImportError, AttributeError):
        raise UsageError(
            "Weights & Biases is not installed.",
            hint="Install it with `pip install wandb`, or leave out --wandb.",
        ) from None
    return found
