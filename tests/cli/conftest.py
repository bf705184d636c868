"""Running the command inside the test process, and tiny pictures to run it on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from superfine.cli import main
from superfine.jobs.manifest import FAILURES, MANIFEST


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def paths(self) -> list[Path]:
        return [Path(line) for line in self.out.splitlines()]


Run = Callable[..., Outcome]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `superfine` with the given arguments in this process."""

    def command(*arguments: str | Path) -> Outcome:
        capfd.readouterr()
        code = main([os.fspath(a) for a in arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return command


@pytest.fixture
def upscale(run: Run) -> Run:
    """Runs `superfine upscale` by bicubic, which needs no weights."""

    def command(*arguments: str | Path) -> Outcome:
        return run("upscale", "-m", "bicubic", *arguments)

    return command


def draw(path: Path, *, width: int = 8, height: int = 6, seed: int = 0) -> Path:
    """Writes a small colour picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codes = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(codes).save(path, format="JPEG" if path.suffix == ".jpg" else "PNG")
    return path


def draw_many(folder: Path, count: int) -> Path:
    """Writes `count` different pictures into `folder`."""
    for index in range(count):
        draw(folder / f"{index:04d}.png", seed=index)
    return folder


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def tree_hash(folder: Path) -> str:
    """SHA-256 over names and contents of everything but the job's own records."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in (MANIFEST, FAILURES):
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def names_in(folder: Path) -> set[str]:
    """Every file below `folder`, hidden ones included."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}
