"""The numbers in a line of the log, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from superfine.training.checkpoint import Plain
    from superfine.training.watching.watcher import Record

# What stands under these keys is known well enough by its own names.
_SHORTER = {"terms": "loss", "scores": ""}


@dataclass(frozen=True)
class ScoreValue:
    """One number of a score: of which set, at which scale ("x2"), by which metric ("psnr")."""

    set_name: str
    scale: str
    metric: str
    value: float


def step_of(record: Record) -> int:
    """Steps done when `record` was written."""
    return int(str(record["step"]))


def writable(name: str) -> str:
    """`name` as text that can be written anywhere: a file's name may hold bytes that are none."""
    return name.encode(errors="replace").decode()


def named_values(record: Record) -> dict[str, float]:
    """Every number of `record` but its step: `loss`, `loss/mse`, `Set5/x2/psnr`, ..."""
    found: dict[str, float] = {}
    for key, value in record.items():
        if key != "step":
            found |= _flat(_SHORTER.get(key, key), value)
    return found


def score_values(record: Record) -> list[ScoreValue]:
    """The scores in `record`, in its order; none in a line about training."""
    found = []
    for name, value in _flat("", record.get("scores")).items():
        set_name, scale, metric = name.rsplit("/", 2)  # the name of a set may have a slash in it
        found.append(ScoreValue(set_name, scale, metric, value))
    return found


def _flat(name: str, value: Plain) -> dict[str, float]:
    if isinstance(value, Mapping):
        start = f"{name}/" if name else ""
        return {
            k: v
            for key, inner in value.items()
            for k, v in _flat(start + writable(key), inner).items()
        }
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {name: float(value)}
    return {}
