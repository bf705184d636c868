"""Bringing a data set: out of a folder, an archive, or an archive on the web.

The pictures gather in a hidden folder beside the place they are meant for, which gets its name in
one step when all are there and looked over. Stopped or killed, the same call goes on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from superfine.data.catalogue.choose import Chosen, OnLook, choose
from superfine.data.catalogue.sets import DataSet
from superfine.data.catalogue.sources import read_from
from superfine.data.catalogue.verify import Verified, verify
from superfine.data.listing import pictures_in
from superfine.errors import OutputError, SuperfineError, UsageError, WrongContentError
from superfine.io.atomic import (
    output_errors,
    put_in_place,
    remove_stale,
    sync_folder,
    write_bytes_atomic,
)
from superfine.io.fetch import Wanted, fetch
from superfine.io.lock import alone
from superfine.io.pictures import probe

if TYPE_CHECKING:
    from superfine.io.fetch import OnFault, OnProgress, Patience

_URLS = ("https://", "http://")


@dataclass(frozen=True)
class Watch:
    """Who is told how far it is.

    Attributes:
        on_bytes: As `on_progress` of `io.fetch.fetch`.
        on_fault: As for `io.fetch.fetch`.
        on_look: Called with the pictures looked at, and all there are to look at.
    """

    on_bytes: OnProgress | None = None
    on_fault: OnFault | None = None
    on_look: OnLook | None = None


def get(
    data_set: DataSet,
    root: Path,
    *,
    source: str | None = None,
    patience: Patience | None = None,
    watch: Watch = Watch(),
) -> tuple[Path, Verified]:
    """Brings the pictures of `data_set` below `root`, and says where they lie and what they are.

    A set that is there already is looked over and left. Pictures that are there and equal are
    kept; none is ever replaced.

    Args:
        source: An address, or a folder, zip or tar file of this machine. None downloads the file
            of the authors, where one with a known sha256 is.
        patience: How long to wait for the server.
        watch: Who is told how far it is.

    Raises:
        NetworkError: The download failed; what came is kept, and the next call goes on.
        WrongContentError: `source` is damaged, or is not that set.
        UsageError: `source` cannot be read, or none is known.
        LimitError: `source` holds more than a data set does.
        OutputError: Other pictures lie there, or they cannot be written.
    """
    folder = root / data_set.folders[0]
    here = _here(data_set, folder, watch)
    if here is not None and here.sound:
        return folder, here
    with alone(folder), _archive(data_set, source, folder, patience, watch) as archive:
        chosen = choose(data_set, archive, on_look=watch.on_look)
        _require_room(folder, chosen)
        staged = _staged(archive, folder, chosen)
        _put_in_place(staged, folder)
    return folder, verify(data_set, folder, on_progress=watch.on_look)


def _here(data_set: DataSet, folder: Path, watch: Watch) -> Verified | None:
    try:
        return verify(data_set, folder, on_progress=watch.on_look)
    except UsageError:  # no such folder, or no picture in it
        return None


@contextlib.contextmanager
def _archive(
    data_set: DataSet,
    source: str | None,
    folder: Path,
    patience: Patience | None,
    watch: Watch,
) -> Iterator[Path]:
    """The file or folder to take pictures from; a download is removed in the end."""
    wanted = _wanted(data_set, source)
    if wanted is None:
        assert source is not None
        yield Path(source)
        return
    mark = sha256(wanted.url.encode()).hexdigest()[:8]
    path = folder.with_name(f".{folder.name}.{mark}.archive")
    if not path.is_file():  # else it came whole, and what came after was stopped
        fetch(
            wanted,
            path,
            patience=patience,
            on_progress=watch.on_bytes,
            on_fault=watch.on_fault,
        )
    try:
        yield path
    except WrongContentError as error:
        path.unlink(missing_ok=True)
        message = error.message.replace(str(path), wanted.url)
        raise WrongContentError(message, hint=error.hint) from error
    path.unlink(missing_ok=True)


def _wanted(data_set: DataSet, source: str | None) -> Wanted | None:
    """What to download; None where `source` is on this machine."""
    if source is not None:
        return Wanted(source, None) if source.lower().startswith(_URLS) else None
    if data_set.archive is None:
        raise UsageError(
            f"No address of {data_set.title} with a known sha256 is known here.",
            hint=f"Fetch it and say --from: {data_set.origin}",
        )
    return Wanted(data_set.archive.url, data_set.archive.sha256, data_set.archive.size)


def _require_room(folder: Path, chosen: Chosen) -> None:
    """Refuses a folder that holds pictures of other names."""
    try:
        there = {path.name for path in pictures_in(folder)}
    except UsageError:
        return
    others = sorted(there - set(chosen.names.values()))
    if others:
        raise _exists(folder, others[0])


def _exists(folder: Path, name: str) -> OutputError:
    return OutputError(
        f"{folder} holds another {name} already.",
        hint="Nothing is replaced: remove that folder, or give another one with --to.",
        code="E_EXISTS",
    )


def _staged(source: Path, folder: Path, chosen: Chosen) -> Path:
    """A hidden folder with all pictures; those of an earlier call that are equal are kept."""
    staged = folder.with_name(f".{folder.name}.getting")
    with output_errors(staged):
        staged.mkdir(exist_ok=True)
        remove_stale(staged)
        for file in staged.iterdir():
            if file.name not in chosen.names.values():
                file.unlink()
    for path, data in read_from(source, chosen.names):
        name = chosen.names[path]
        _require_picture(source, path, data)
        if not _is(folder / name, data, folder) and not _holds(staged / name, data):
            write_bytes_atomic(staged / name, data, overwrite=True)
    return staged


def _require_picture(source: Path, path: PurePosixPath, data: bytes) -> None:
    try:
        probe(data)
    except SuperfineError as error:
        raise WrongContentError(
            f"{source} is damaged: {path}: {error.message}", hint="Fetch it again."
        ) from error


def _is(path: Path, data: bytes, folder: Path) -> bool:
    """Whether `path` is there; raises when it is another file."""
    if not os.path.lexists(path):
        return False
    if not _holds(path, data):
        raise _exists(folder, path.name)
    return True


def _holds(path: Path, data: bytes) -> bool:
    with contextlib.suppress(OSError):
        return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
    return False


def _put_in_place(staged: Path, folder: Path) -> None:
    with output_errors(folder):
        if not folder.exists():
            staged.rename(folder)
            sync_folder(folder.parent)
            return
    for path in sorted(staged.iterdir()):
        put_in_place(path, folder / path.name, overwrite=False)
    shutil.rmtree(staged)
