"""The folder of a run: what was asked, what was read, what happened, and the weights.

`log.jsonl` is the truth; everything drawn is drawn from it. A run that goes on first cuts the log
to its checkpoint, so that the log of a run that was killed equals that of one that was not.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from superfine import __version__
from superfine.data.batch import SourceFile
from superfine.errors import UsageError
from superfine.io.atomic import output_errors, remove_stale, write_bytes_atomic
from superfine.io.lines import append_line
from superfine.io.lock import LOCK, locked
from superfine.training import checkpoint
from superfine.training.watching.watcher import Record

RECIPE = "recipe.yaml"
DATA = "data.json"
LOG = "log.jsonl"
LAUNCHES = "launches.jsonl"
CHECKPOINTS = "checkpoints"
SAMPLES = "samples"
CURVES = "curves.png"
STAGES = "stages.csv"


class RunFolder:
    """A folder that one training run at a time works in."""

    def __init__(self, root: Path) -> None:
        """Names the folder; nothing is touched yet."""
        self.root = root
        self.checkpoints = root / CHECKPOINTS

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Makes and locks the folder.

        Raises:
            OutputError: E_BUSY when another run works there, E_OUTPUT when it cannot be written.
        """
        with output_errors(self.root):
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            lock = locked(self.root / LOCK)
            remove_stale(self.root)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                (self.root / LOCK).unlink(missing_ok=True)
            os.close(lock)

    @property
    def begun(self) -> bool:
        """Whether a run was started here before."""
        return (self.root / RECIPE).exists()

    def write_recipe(self, text: str) -> None:
        """Keeps the resolved recipe."""
        self._write(RECIPE, text)

    def write_data(self, files: Sequence[SourceFile]) -> None:
        """Keeps which files the samples are made of, by their hashes."""
        self._write(DATA, json.dumps([asdict(file) for file in files], indent=1))

    def write_stages(self, table: str) -> None:
        """Keeps the table of a cascade's stages, which is made from the log."""
        self._write(STAGES, table)

    def recorded_data(self) -> list[SourceFile]:
        """What `write_data` kept."""
        return [SourceFile(**values) for values in json.loads((self.root / DATA).read_bytes())]

    def _write(self, name: str, text: str) -> None:
        write_bytes_atomic(self.root / name, text.encode(), overwrite=True)

    def add_launch(self, *, step: int, device: str, processes: int, changes: Sequence[str]) -> None:
        """Notes that the command was started, with what, and from which step."""
        self._append(
            LAUNCHES,
            {
                "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                "from_step": step,
                "command": sys.argv,
                "superfine": __version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
                "machine": platform.platform(),
                "device": device,
                "processes": processes,
                "threads": torch.get_num_threads(),
                "changes": list(changes),
            },
        )

    def resumed_at(self) -> list[int]:
        """The steps from which the run went on."""
        steps = [launch["from_step"] for launch in self._lines(LAUNCHES)]
        return sorted({step for step in steps if step})

    def add(self, record: Record) -> None:
        """Adds a line to the log."""
        self._append(LOG, dict(record))

    def _append(self, name: str, values: dict[str, object]) -> None:
        # Not synced: what a power cut takes from the log, the run goes back to and writes again.
        line = json.dumps(values, allow_nan=False).encode()
        append_line(self.root / name, line, sync=False)

    def records(self) -> list[Record]:
        """The whole lines of the log."""
        return list(self._lines(LOG))

    def _lines(self, name: str) -> list[dict[str, Any]]:
        path = self.root / name
        if not path.is_file():
            return []
        found = []
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):  # a kill tore the last one
                found.append(json.loads(line))
        return found

    def cut_log(self, step: int, *, scored: bool) -> list[Record]:
        """Takes away what was logged after the checkpoint at `step`; returns what stays."""

        def before(record: Record) -> bool:
            at = int(str(record["step"]))
            return at < step or (at == step and (scored or record["kind"] == "train"))

        kept = [record for record in self.records() if before(record)]
        text = "".join(json.dumps(dict(record), allow_nan=False) + "\n" for record in kept)
        self._write(LOG, text)
        return kept

    def set_aside(self, step: int, *, scored: bool) -> Path | None:
        """Moves checkpoints newer than the one at `step` away; returns where they went."""
        newer = [
            path
            for path in checkpoint.found_in(self.checkpoints)
            if checkpoint.age(path) > (step, scored)
        ]
        if not newer:
            return None
        number = 1 + sum(1 for _ in self.root.glob("abandoned-*"))
        aside = self.root / f"abandoned-{number}"
        aside.mkdir()
        if (self.root / LOG).is_file():
            shutil.copyfile(self.root / LOG, aside / LOG)
        for path in newer:
            path.rename(aside / path.name)
        return aside


def data_changes(before: Sequence[SourceFile], now: Sequence[SourceFile]) -> list[str]:
    """What of the training files is another than it was, in words; names without their folders."""
    old = [(Path(f.path).name, f.sha256) for f in before]
    new = [(Path(f.path).name, f.sha256) for f in now]
    if old == new:
        return []
    gone = [f"{name} is gone or changed" for name, digest in old if (name, digest) not in new]
    added = [f"{name} is new or changed" for name, digest in new if (name, digest) not in old]
    return gone + added or ["the files come in another order"]


def refuse_changed_data(before: Sequence[SourceFile], now: Sequence[SourceFile]) -> None:
    """Raises UsageError when the training files are not the same as at the start."""
    changes = data_changes(before, now)
    if changes:
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        raise UsageError(
            f"The training data is not what the run began with: {', '.join(changes[:3])}{more}.",
            hint="Bring the files back, or start another run with --resume never and another -o.",
        )
