"""Small pictures and recipes for tests of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from superfine.training.recipe.text import parse_recipe
from superfine.training.recipe.types import Recipe
from superfine.training.watching.watcher import Beginning, Record


def make_photos(folder: Path, *, count: int = 3, height: int = 72, width: int = 84) -> Path:
    """A folder of small pictures with edges and texture."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(count):
        y, x = np.mgrid[:height, :width]
        waves = 0.5 + 0.25 * np.sin(x / (2 + i)) * np.cos(y / 3) + 0.25 * (x > 3 * y)
        noise = rng.normal(0, 0.002, (height, width, 3))
        codes = (255 * np.clip(waves[..., None] * [1, 0.8, 0.6] + noise, 0, 1)).astype(np.uint8)
        PillowImage.fromarray(codes).save(folder / f"{i}.png")
    return folder


def make_depth(folder: Path, *, count: int = 2, side: int = 96) -> Path:
    """A folder of depth maps and their photos: slanted planes with a step, seen by the photo."""
    for kind in ("depth", "guide"):
        (folder / kind).mkdir(parents=True)
    for i in range(count):
        y, x = np.mgrid[:side, :side]
        step = x > side // 2 + 9 * np.sin(y / (7 + i))
        depth = (1000 + 8 * x + 5 * y + 2500 * step).astype(np.uint16)
        photo = np.where(step, 200, 60)[..., None] + (x % 5)[..., None] * [1, 2, 3]
        PillowImage.fromarray(depth).save(folder / "depth" / f"{i}.png")
        PillowImage.fromarray(photo.astype(np.uint8)).save(folder / "guide" / f"{i}.png")
    return folder


def make_recipe(photos: Path, **changes: Any) -> Recipe:
    """A recipe of a few quick steps on `photos`."""
    values: dict[str, Any] = {
        "network": "fsrcnn-small",
        "scale": 2,
        "data": {"kind": "pictures", "folders": [str(photos)], "shrink": [1.0, 0.7]},
        "validate": {"sets": [str(photos)], "every": 30},
        "patch": 12,
        "batch": 4,
        "steps": 60,
        "optimiser": {"kind": "adam", "learning_rate": 2e-3, "layers": {"enlarge": 0.1}},
        "schedule": {"kind": "cosine", "warm_up": 2},
        "averaging": 0.9,
        "log_every": 10,
        "checkpoint_every": 20,
    }
    return parse_recipe({**values, **changes})


class Listener:
    """A watcher that remembers what it was told."""

    def __init__(self) -> None:
        self.beginning: Beginning | None = None
        self.records: list[Record] = []
        self.said: list[str] = []
        self.sheets: list[tuple[int, str]] = []
        self.steps = 0
        self.ended = False

    def begin(self, beginning: Beginning) -> None:
        self.beginning = beginning

    def step(self, step: int) -> None:
        self.steps += 1

    def record(self, record: Record) -> None:
        self.records.append(record)

    def picture(self, step: int, name: str, sheet: object) -> None:
        self.sheets.append((step, name))

    def say(self, text: str) -> None:
        self.said.append(text)

    def end(self) -> None:
        self.ended = True


class StopAfter:
    """Says stop once `steps` steps are done."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0
