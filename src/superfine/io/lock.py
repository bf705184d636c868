"""One process at a time in a folder: the system's own lock, with a name on it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from superfine.errors import OutputError
from superfine.io.atomic import output_errors

LOCK = ".superfine.lock"
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


def locked(path: Path) -> int:
    """A descriptor that holds the lock `path`.

    The system's lock goes with its process, so that one left by a kill is free. The text says
    who holds it, also to machines whose locks the file system does not share.

    Raises:
        OutputError: E_BUSY.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            free = _try_lock(descriptor)
            pid, _, host = os.pread(descriptor, 512, 0).decode(errors="replace").partition(" ")
            if not free or host not in ("", socket.gethostname()):
                raise _busy(path, pid, host)
            # The holder before us may have removed the file between our open and our lock.
            if path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}".encode(), 0)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextlib.contextmanager
def alone(target: Path) -> Iterator[None]:
    """Makes the folder of `target`, and holds the lock for bringing it while inside.

    Raises:
        OutputError: E_BUSY when another process brings it, or the folder cannot be made.
    """
    path = target.with_name(f".{target.name}.lock")
    with output_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = locked(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(lock)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _busy(path: Path, pid: str, host: str) -> OutputError:
    return OutputError(
        f"Another run works in {path.parent} (process {pid or 'unknown'} on {host or 'unknown'}).",
        hint=f"Wait for it. If it is dead, remove {path}.",
        code="E_BUSY",
    )
