"""Weights that other people publish: which we know of, and which are on this machine.

Nothing here is downloaded unless somebody asks for exactly that (`superfine models get NAME`), and
nothing is believed that has not the sha256 written down in `public.py`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from superfine.elsewhere.public import PUBLIC, PublicWeights
from superfine.errors import OutputError, UnknownNameError, UsageError, find_named

if TYPE_CHECKING:
    from superfine.io.fetch import OnFault, OnProgress, Patience, Wanted

__all__ = ["PUBLIC", "PublicWeights", "cache_folder", "find", "get", "named", "on_this_machine"]

_LISTING = "superfine models get --list"


def named(name: str) -> bool:
    """Whether public weights are called `name`."""
    return any(entry.name == name for entry in PUBLIC)


def find(name: str) -> PublicWeights:
    """The public weights called `name`.

    Raises:
        UnknownNameError: With the nearest name there is.
    """
    return find_named("public weight file", name, PUBLIC, listing=_LISTING)


def cache_folder() -> Path:
    """Where `get` puts files: the folder `models` of the user's cache of superfine.

    That cache is `SUPERFINE_CACHE`, else `superfine` in `XDG_CACHE_HOME`, else in `~/.cache`.

    Raises:
        UsageError: When the user has no home.
    """
    chosen = os.environ.get("SUPERFINE_CACHE", "")
    if chosen:
        return Path(chosen).expanduser() / "models"
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG base directory specification: a relative path is to be ignored.
    if caches.is_absolute():
        return caches / "superfine" / "models"
    try:
        return Path.home() / ".cache" / "superfine" / "models"
    except RuntimeError:
        raise UsageError(
            "There is no home folder to keep weights in.", hint="Set SUPERFINE_CACHE to a folder."
        ) from None


def on_this_machine(name: str) -> Path:
    """The file of the public weights called `name`, fetched earlier.

    Raises:
        UnknownNameError: When it is not here; with the command that fetches it.
    """
    entry = find(name)
    path = cache_folder() / entry.file
    if not path.is_file():
        raise UnknownNameError(
            f"The weights {name} are not on this machine, and nothing is downloaded unasked.",
            hint=f"Fetch them: superfine models get {name}",
        )
    return path


def get(
    entry: PublicWeights,
    folder: Path,
    *,
    source: Path | None = None,
    patience: Patience | None = None,
    on_progress: OnProgress | None = None,
    on_fault: OnFault | None = None,
) -> Path:
    """Brings the file of `entry` into `folder`, and says where it lies.

    A file that is there already is looked over and left.

    Args:
        source: The file on this machine, under any name, or a folder that holds it under its own;
            None downloads it.
        patience: How long to wait for the server.
        on_progress: As for `io.fetch.fetch`.
        on_fault: As for `io.fetch.fetch`.

    Raises:
        NetworkError: The download failed; what came is kept, and the next call goes on.
        WrongContentError: The file is not the one that was published.
        UsageError: `source` cannot be read, or has no such file.
        OutputError: Another file of that name lies in `folder`, or it cannot be written.
    """
    from superfine.io.fetch import Wanted, copy_verified, fetch

    target, wanted = folder / entry.file, Wanted(entry.url, entry.sha256, entry.size)
    if os.path.lexists(target):
        _require_same(entry.name, wanted, target)
    elif source is None:
        fetch(wanted, target, patience=patience, on_progress=on_progress, on_fault=on_fault)
    else:
        copy_verified(wanted, _file_of(entry, source), target)
    return target


def _require_same(name: str, wanted: Wanted, target: Path) -> None:
    from superfine.io.fetch import is_wanted

    if not is_wanted(wanted, target):
        raise OutputError(
            f"{target} is there already, and is not the file of {name}.",
            hint="Remove it and run the command again, or give another folder with --to.",
            code="E_EXISTS",
        )


def _file_of(entry: PublicWeights, source: Path) -> Path:
    if not source.is_dir():
        return source
    path = source / entry.file
    if not path.is_file():
        raise UsageError(
            f"The folder {source} holds no file {entry.file}.",
            hint="Give the file itself if it has another name there.",
        )
    return path
