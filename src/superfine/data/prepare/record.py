"""How far a preparation has come, on disk, so that it goes on after a kill at any moment."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from superfine.io.atomic import output_errors, write_bytes_atomic
from superfine.io.lock import locked

_RECORD = "progress.jsonl"
_LOCK = "lock"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_WORK_PER_SYNC = 10  # seconds of work for each second of waiting for the disk


def working_folder(target: Path) -> Path:
    """The hidden folder beside `target` in which it grows; on the same file system."""
    return target.with_name(f".{target.name}.preparing")


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Holds `folder` against other processes; makes it, and removes it when nothing is recorded.

    Raises:
        OutputError: E_BUSY, or E_OUTPUT when it cannot be made.
    """
    with output_errors(folder):
        folder.mkdir(exist_ok=True)
        descriptor = locked(folder / _LOCK)
    try:
        yield
    finally:
        if not (folder / _RECORD).exists():
            remove_working_folder(folder)
        os.close(descriptor)


def remove_working_folder(folder: Path) -> None:
    """Takes away what this file has put into `folder`, and `folder` if nothing else is in it."""
    for name in (_RECORD, _LOCK):
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):  # somebody else's file in it
        folder.rmdir()


class Record:
    """One line for the plan, then one for each finished picture.

    A kill takes away nothing that was handed to the system, so that every line of a record counts.
    A power cut may: after it, only lines count that were written when all was known to be on disk.
    That is not after every picture, because patches that lie scattered over a large file cost as
    many pages, and the whole file would be written again for each.

    Attributes:
        done: Pictures finished.
        checksum: Of all they gave.
    """

    def __init__(self, folder: Path, done: int, checksum: int, length: int) -> None:
        """Use `begun` or `found`."""
        self.done = done
        self.checksum = checksum
        self._path = folder / _RECORD
        self._file = self._path.open("r+b", buffering=0)
        self._file.truncate(length)
        self._file.seek(length)
        self._synced_at = time.monotonic()
        self._sync_seconds = 0.0

    @staticmethod
    def begun(folder: Path, plan: str) -> Record:
        """A new record in `folder`; `plan` tells it from records of other work."""
        first = _line({"v": 1, "plan": plan})
        write_bytes_atomic(folder / _RECORD, first, overwrite=True)
        return Record(folder, 0, 0, len(first))

    @staticmethod
    def found(folder: Path, plan: str) -> Record | None:
        """The record in `folder`, as far as it counts; None when it is of another plan."""
        path = folder / _RECORD
        text = path.read_bytes() if path.exists() else b""
        first, *others = text.splitlines(keepends=True) or [b""]
        if first != _line({"v": 1, "plan": plan}):
            return None
        done, checksum, length, at, boot = 0, 0, len(first), len(first), _boot()
        for line in others:
            if not line.endswith(b"\n"):
                break  # the kill came while it was written
            values, at = json.loads(line), at + len(line)
            if values["synced"] or (boot and values["boot"] == boot):
                done, checksum, length = values["done"], values["checksum"], at
        return Record(folder, done, checksum, length)

    def add(self, checksum: int, sync: Callable[[], None]) -> None:
        """Notes that one more picture is finished.

        Args:
            sync: Returns when all its patches are on disk. Called often enough to lose little to a
                power cut, and as seldom as costs little time.
        """
        self.done += 1
        self.checksum = checksum
        begun = time.monotonic()
        synced = begun - self._synced_at >= _WORK_PER_SYNC * self._sync_seconds
        if synced:
            sync()
        values = {"done": self.done, "checksum": checksum, "synced": synced, "boot": _boot()}
        self._file.write(_line(values))
        if synced:
            os.fsync(self._file.fileno())
            self._synced_at = time.monotonic()
            self._sync_seconds = self._synced_at - begun

    def discard(self) -> None:
        """Forgets everything, so that the next run starts from nothing."""
        self._path.unlink()

    def close(self) -> None:
        """Gives the descriptor back."""
        self._file.close()


def _boot() -> str:
    """What tells this start of the system from every other; empty where there is no such thing."""
    return _BOOT.read_text() if _BOOT.exists() else ""


def _line(values: dict[str, object]) -> bytes:
    return json.dumps(values).encode() + b"\n"
