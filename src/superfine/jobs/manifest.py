"""The folder of a job: its lock, its manifest of finished files, and its list of failures.

A line is in the manifest, on the disk, before its result gets its final name. So after a kill at
any moment a result is known by its hash, or has no name yet and is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from superfine.errors import OutputError
from superfine.io.atomic import (
    atomic_path,
    output_errors,
    remove_stale,
    require_writable,
    write_bytes_atomic,
)
from superfine.io.gate import PictureFile
from superfine.io.lines import append_line
from superfine.io.lock import LOCK, locked

MANIFEST = "superfine-manifest.jsonl"
FAILURES = "failures.jsonl"
_STAGING = ".superfine-unfinished"
_PIECE = 1 << 20
_TYPES = {
    "input": str, "size": int, "mtime_ns": int, "sha256": str, "options": str, "output": str,
    "output_sha256": str, "seconds": float,
}  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """Which bytes a file held: its size, its time of change and its SHA-256."""

    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """One line of the manifest: what a finished result was made from, and what it is.

    Attributes:
        input: The picture, relative to its folder.
        size: Of the input, in bytes.
        mtime_ns: When the input was last changed, in nanoseconds.
        sha256: Of the input.
        options: Stands for the model and every option that changes the result.
        output: The result, relative to the folder of the manifest.
        output_sha256: Of the result.
        seconds: What it took.
    """

    input: str
    size: int
    mtime_ns: int
    sha256: str
    options: str
    output: str
    output_sha256: str
    seconds: float


def sha256_of(path: Path) -> str:
    """SHA-256 of a regular file, in hexadecimal.

    Raises:
        PictureError: When it cannot be read, is empty, or changes meanwhile.
    """
    digest = hashlib.sha256()
    with PictureFile(path) as file:
        for offset in range(0, file.size, _PIECE):
            digest.update(file.at(offset, _PIECE))
        file.require_unchanged()
    return digest.hexdigest()


def identify(path: Path, *, known: Entry | None) -> Identity:
    """What `path` holds now; its bytes are not read when size and time are those of `known`.

    Raises:
        PictureError: When it cannot be read.
    """
    with PictureFile(path):  # says what is wrong with a pipe, a folder or an empty file
        found = path.stat()
    if known and (found.st_size, found.st_mtime_ns) == (known.size, known.mtime_ns):
        return Identity(known.size, known.mtime_ns, known.sha256)
    return Identity(found.st_size, found.st_mtime_ns, sha256_of(path))


def read_entries(path: Path) -> dict[str, Entry]:
    """The last line for each result; a torn or foreign line is passed over."""
    entries: dict[str, Entry] = {}
    if not path.is_file():
        return entries
    with path.open("rb") as file:
        for line in file:
            try:
                values = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if not isinstance(values, dict):
                continue
            kept = {name: values.get(name) for name in _TYPES}
            if all(type(kept[name]) is kind for name, kind in _TYPES.items()):
                entry = Entry(**kept)  # type: ignore[arg-type]  # each was checked
                entries[entry.output] = entry
    return entries


class JobFolder:
    """A folder of results that one process at a time works in."""

    def __init__(self, root: Path, folders: Iterable[Path]) -> None:
        """Names the folder; nothing is touched yet.

        Args:
            folders: Every folder that results will go to: `root` and folders below it.
        """
        self.root = root
        self._folders = frozenset(folders)
        self._staging = root / _STAGING
        self._lock: int | None = None
        self._entries: dict[str, Entry] = {}
        self._failures: list[Mapping[str, str]] = []

    def __enter__(self) -> JobFolder:
        """Makes and locks the folder, and removes what a killed run left unfinished.

        Raises:
            OutputError: E_BUSY when another run works there, E_OUTPUT when it cannot be written.
        """
        with output_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = locked(self.root / LOCK)
            try:
                self._clear_up()
                self._staging.mkdir()
                self._entries = read_entries(self.root / MANIFEST)
            except BaseException:
                self._unlock()
                raise
        return self

    def _clear_up(self) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)
        for folder in self._folders:
            if folder.is_dir():
                remove_stale(folder)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Writes the failures, clears up and unlocks."""
        shutil.rmtree(self._staging, ignore_errors=True)
        with contextlib.suppress(OutputError, OSError):  # a full disk must not hide the reason
            self._write_failures()
        self._unlock()

    def _unlock(self) -> None:
        with contextlib.suppress(OSError):
            (self.root / LOCK).unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)

    def known(self, output: Path) -> Entry | None:
        """The line about `output`, if there is one."""
        return self._entries.get(self._name(output))

    def holds(self, entry: Entry) -> bool:
        """Whether the result of `entry` is still there, byte for byte."""
        path = self.root / entry.output
        return path.is_file() and path.stat().st_size > 0 and sha256_of(path) == entry.output_sha256

    def staged(self, output: Path) -> Path:
        """Where to write what will become `output`; nothing is there, nor beside it."""
        for left in self._staging.iterdir():
            left.unlink()
        return self._staging / f"result{output.suffix}"

    def prepare(self, output: Path, *, overwrite: bool) -> None:
        """Makes the folder of `output`, and refuses at once what could not be renamed later.

        Raises:
            OutputError: As `require_writable`.
        """
        with output_errors(output):
            output.parent.mkdir(parents=True, exist_ok=True)
        require_writable(output, overwrite=overwrite)

    def finish(
        self, staged: Path, output: Path, *, label: str, source: Identity, options: str,
        seconds: float, overwrite: bool, beside: Iterable[Path] = (),
    ) -> None:  # fmt: skip
        """Records the result in `staged`, then gives it its final name.

        The files `beside` it get theirs first. One that is there already with the same bytes is
        what a killed run left.

        Raises:
            OutputError: As `atomic_path`.
        """
        for path in beside:
            final = output.with_name(output.stem + path.name.removeprefix(staged.stem))
            if not (final.is_file() and sha256_of(final) == sha256_of(path)):
                with atomic_path(final, overwrite=overwrite) as temporary:
                    path.replace(temporary)
        entry = Entry(
            label, source.size, source.mtime_ns, source.sha256, options,
            self._name(output), sha256_of(staged), round(seconds, 3),
        )  # fmt: skip
        with atomic_path(output, overwrite=overwrite) as temporary:
            staged.replace(temporary)
            self._append(entry)

    def fail(self, failure: Mapping[str, str]) -> None:
        """Remembers a failure for the list that is written at the end."""
        self._failures.append(failure)

    def _name(self, output: Path) -> str:
        return output.relative_to(self.root).as_posix()

    def _append(self, entry: Entry) -> None:
        line = json.dumps({"v": 1, **asdict(entry)}).encode()
        append_line(self.root / MANIFEST, line, sync=True)
        self._entries[entry.output] = entry

    def _write_failures(self) -> None:
        path = self.root / FAILURES
        if not self._failures:
            path.unlink(missing_ok=True)
            return
        lines = (json.dumps({"v": 1, **failure}) + "\n" for failure in self._failures)
        write_bytes_atomic(path, "".join(lines).encode(), overwrite=True)
