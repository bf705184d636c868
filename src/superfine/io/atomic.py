"""Files that appear whole or not at all: a sibling temporary file, checked, then renamed.

The temporary file lies in the target's own folder, because a rename is atomic only inside one
file system. A reader sees the old file or the new one, at any kill or power cut.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

from superfine.errors import DiskFullError, OutputError

_LONGEST_NAME = 255  # bytes, on every file system in common use
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
_OURS = re.compile(r"^\..*\.(?P<pid>\d+)\.(?P<host>[0-9a-f]{8})[0-9a-f]{8}\.tmp$", re.DOTALL)


def _host() -> str:
    # A pid means nothing on another machine that shares the folder, so the name tells which one.
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def temporary_beside(path: Path) -> Path:
    """A fresh hidden name beside `path`, at most 255 bytes: `.<name>.<pid>.<rand>.tmp`."""
    tail = f".{os.getpid()}.{_host()}{secrets.token_hex(4)}.tmp"
    stem = os.fsencode(path.name)[: _LONGEST_NAME - len(tail) - 1]
    # Cutting inside a UTF-8 sequence would leave bytes that some file systems refuse.
    name = stem.decode(errors="ignore")
    return path.with_name(f".{name}{tail}")


def remove_stale(folder: Path) -> int:
    """Removes temporary files of dead processes of this machine in `folder`; returns how many."""
    removed = 0
    for entry in list(folder.iterdir()):
        match = _OURS.match(entry.name)
        if match and match["host"] == _host() and not _alive(int(match["pid"])):
            with contextlib.suppress(OSError):
                entry.unlink()
                removed += 1
    return removed


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def atomic_path(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it becomes `path` when the block ends well.

    The temporary file exists and is empty when the block starts. When the block raises anything,
    KeyboardInterrupt included, it is removed and an older file at `path` stays as it was.

    Args:
        overwrite: Whether a file that is already at `path` may be replaced.

    Raises:
        OutputError: E_EXISTS when the file is there already, E_OUTPUT when it cannot be written.
        DiskFullError: The disk, the quota or the largest size of a file is used up.
    """
    require_writable(path, overwrite=overwrite)
    temporary = temporary_beside(path)
    try:
        with output_errors(path):
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
            yield temporary
        put_in_place(temporary, path, overwrite=overwrite)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def put_in_place(written: Path, path: Path, *, overwrite: bool) -> None:
    """Makes `written`, a finished file of the same folder, the file `path`, and syncs both.

    Without `overwrite`, `written` may be left beside it as a second name of the same file.

    Raises:
        OutputError: As `atomic_path`.
    """
    with output_errors(path):
        _sync(written)
        _move(written, path, overwrite=overwrite)
        sync_folder(path.parent)


def write_bytes_atomic(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Writes `data` as the whole content of `path`, or leaves no trace.

    Raises:
        OutputError: As `atomic_path`.
    """
    with atomic_path(path, overwrite=overwrite) as temporary, temporary.open("r+b") as file:
        file.write(data)


@contextlib.contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turns what the operating system says about writing near `path` into errors of ours."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise disk_full(path.parent) from error
        reason = error.strerror or type(error).__name__
        raise OutputError(
            f"The output cannot be written: {reason}.",
            hint="Choose another folder with --output, or check its permissions.",
        ) from error


def disk_full(folder: Path) -> DiskFullError:
    """The error for a disk, quota or file size limit that is used up, with the bytes left."""
    try:
        free = f"{shutil.disk_usage(folder).free:,} bytes are free there"
    except OSError:
        free = "the free space is unknown"
    return DiskFullError(
        f"There is no room for the output: {free}.",
        hint="Free some space or choose another folder; nothing was left behind.",
    )


def require_writable(path: Path, *, overwrite: bool) -> None:
    """Checks, before any work is done, that an output may be created at `path`.

    Raises:
        OutputError: E_EXISTS, or E_OUTPUT when it is a folder or its folder is missing.
    """
    if path.is_dir() and not path.is_symlink():
        raise OutputError("The output is a folder, not a file.", hint="Add a file name to it.")
    if not overwrite and os.path.lexists(path):
        raise _exists(path)
    if not path.parent.is_dir():
        raise OutputError("The folder of the output does not exist.", hint="Create it first.")


def _exists(path: Path) -> OutputError:
    return OutputError(
        f"The output {path.name} exists already.",
        hint="Give --overwrite to replace it, or another name.",
        code="E_EXISTS",
    )


def _move(temporary: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        os.replace(temporary, path)  # noqa: PTH105 - one call to watch, also for the fault tests
        return
    try:
        os.link(temporary, path)  # fails when the name is taken, unlike a rename
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _move_without_links(temporary, path)


def _move_without_links(temporary: Path, path: Path) -> None:
    # FAT and some network shares have no hard links: an empty file reserves the name first.
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        raise _exists(path) from None
    try:
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of `data`; a disk that fills up takes a part first, and then says so."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def sync_folder(folder: Path) -> None:
    """Returns when a rename in `folder` is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network and virtual file systems cannot sync a folder; the rename still holds.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)
