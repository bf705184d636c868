"""Going on where a run stopped: which checkpoint, and what may have changed meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from superfine.errors import UsageError
from superfine.training import checkpoint
from superfine.training.checkpoint import Checkpoint
from superfine.training.recipe.types import Recipe

# The learning rate and the length may change while a run is interrupted, and what only decides
# how much is written down.
_CHANGEABLE = (
    "steps",
    "optimiser.learning_rate",
    "schedule",
    "log_every",
    "checkpoint_every",
    "keep",
)
# Where the files lie may change too: what they hold is compared by hash.
_PLACES = ("data.folders", "data.hr", "data.lr", "data.file", "validate.sets")


def changes(before: Recipe, now: Recipe) -> list[str]:
    """What `now` says differently, as lines `key: old -> new`.

    Raises:
        UsageError: When anything else than the learning rate or the length is different.
    """
    old, new = (_flat(r.model_dump(mode="json", by_alias=True)) for r in (before, now))
    different = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    told = {key: f"{key}: {old.get(key)} -> {new.get(key)}" for key in different}
    refused = [line for key, line in told.items() if not _under(key, _CHANGEABLE + _PLACES)]
    if refused:
        raise UsageError(
            f"The run began with another recipe: {'; '.join(refused)}.",
            hint="Only the learning rate and the length may change on the way. "
            "Give another -o to start a new run.",
        )
    return [line for key, line in told.items() if _under(key, _CHANGEABLE)]


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def _under(key: str, names: tuple[str, ...]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in names)


def find_checkpoint(resume: str, folder: Path) -> Checkpoint | None:
    """The checkpoint that `--resume` means; None when the run starts from the beginning.

    Args:
        resume: "auto" takes the newest whole one in `folder`, "never" none; everything else is
            the path of a checkpoint.
        folder: The checkpoints of the run.

    Raises:
        ModelFileError: When the path given is no whole checkpoint.
    """
    if resume == "never":
        return None
    return checkpoint.newest(folder) if resume == "auto" else checkpoint.read(Path(resume))
