"""Where data sets lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from superfine.data.catalogue.sets import DataSet
from superfine.data.listing import SUFFIXES
from superfine.elsewhere import cache_folder
from superfine.errors import UsageError

_VARIABLE = "SUPERFINE_DATA"


def data_roots(given: Path | None) -> tuple[Path, ...]:
    """The folders data sets are looked for in: `given`, else those of this machine.

    Those are `SUPERFINE_DATA` where it is set, and the folder `data` of the user's cache, which is
    where `get` puts them.

    Raises:
        UsageError: When there is neither a variable nor a home folder.
    """
    if given is not None:
        return (given,)
    cached = cache_folder().with_name("data")
    chosen = os.environ.get(_VARIABLE, "")
    return (Path(chosen).expanduser(), cached) if chosen else (cached,)


def locate(data_set: DataSet, roots: Sequence[Path]) -> Path:
    """The folder with the pictures of `data_set`, below one of `roots`.

    Names of folders are compared without regard to case. One with as many pictures as the set has
    goes before one with fewer or more; among equals, the first of `data_set.folders`.

    Raises:
        UsageError: When none holds a picture; with where it was looked for.
    """
    found: list[Path] = []
    for folder in (f for root in roots for name in data_set.folders for f in _below(root, name)):
        count = sum(path.suffix.lower() in SUFFIXES for path in folder.iterdir())
        if count == data_set.pictures:
            return folder
        if count:
            found.append(folder)
    if found:
        return found[0]
    raise UsageError(
        f"The pictures of {data_set.title} are not here: looked in "
        f"{', '.join(map(str, roots))} for {data_set.folders[0]} and the like.",
        hint=f"Bring them: superfine data get {data_set.name} --from URL|FOLDER|ARCHIVE",
    )


def _below(root: Path, name: str) -> Iterator[Path]:
    """The folders below `root` that are called `name`, in whatever case."""
    folders = [root] if root.is_dir() else []
    for part in name.split("/"):
        folders = [inner for folder in folders for inner in _called(folder, part)]
    yield from folders


def _called(folder: Path, name: str) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [entry for entry in entries if entry.name.lower() == name.lower() and entry.is_dir()]
