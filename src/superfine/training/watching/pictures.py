"""The pictures of a run: its curves and its samples, drawn into the folder."""

from __future__ import annotations

import time
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from superfine.io.atomic import write_bytes_atomic
from superfine.io.writer import write
from superfine.training.run_folder import CURVES, LOG, SAMPLES, RunFolder
from superfine.training.watching.curves import draw_curves
from superfine.training.watching.watcher import Beginning, Record
from superfine.types import Image

# Drawing takes about a second.
_SECONDS_BETWEEN = 60.0


class PictureWatcher:
    """Draws the curves now and then and at the end, and keeps the sheets of every score."""

    def __init__(self, folder: Path) -> None:
        """Names the folder of the run."""
        self._folder = folder
        self._drawn_at = time.monotonic()

    def begin(self, beginning: Beginning) -> None:
        """Draws nothing."""

    def step(self, step: int) -> None:
        """Draws nothing."""

    def record(self, record: Record) -> None:
        """Draws the curves after a score, if the last time is long enough ago."""
        if record["kind"] == "score" and time.monotonic() - self._drawn_at > _SECONDS_BETWEEN:
            self._draw()

    def _draw(self) -> None:
        self._drawn_at = time.monotonic()
        curves = draw_curves(self._folder / LOG, resumed_at=RunFolder(self._folder).resumed_at())
        if curves is not None:
            write_bytes_atomic(self._folder / CURVES, curves, overwrite=True)

    def picture(self, step: int, name: str, sheet: UInt8[Tensor, "3 h w"]) -> None:
        """Writes `sheet` as a PNG."""
        folder = self._folder / SAMPLES
        folder.mkdir(exist_ok=True)
        path = folder / f"step-{step:08d}-{name.replace('/', '-')}.png"
        write(Image(pixels=sheet), path, overwrite=True)

    def say(self, text: str) -> None:
        """Writes nothing."""

    def end(self) -> None:
        """Draws the curves."""
        if (self._folder / LOG).is_file():
            self._draw()
