"""The pictures or depth maps in a folder, found by their names and never opened."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from superfine.jobs.manifest import FAILURES, MANIFEST


@dataclass(frozen=True)
class Passed:
    """Something in a folder that is called like an input but is not opened, and why."""

    path: Path
    reason: str


@dataclass
class Walk:
    """What a walk through folders has found so far."""

    suffixes: frozenset[str]  # of the files that are taken
    recursive: bool
    own: set[Path]  # resolved folders of results: never read again
    passed: list[Passed] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    folders_left: int = 0

    def files(self, folder: Path) -> Iterator[Path]:
        """Files in `folder` to take by their names, sorted; links to folders are not followed."""
        folders: list[Path] = []
        for entry in self._entries(folder):
            path = Path(entry.path)
            if entry.name.startswith(".") or entry.name in (MANIFEST, FAILURES):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif path.suffix.lower() not in self.suffixes:
                self.ignored[path.suffix.lower()] += not entry.is_dir()
            elif reason := _why_not(path):
                self.passed.append(Passed(path, reason))
            else:
                yield path
        for inner in folders:
            if inner.resolve() in self.own or (inner / MANIFEST).exists():
                continue
            if self.recursive:
                yield from self.files(inner)
            else:
                self.folders_left += 1

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            self.passed.append(Passed(folder, f"the folder cannot be listed: {error.strerror}"))
            return []

    def notes(self) -> tuple[str, ...]:
        """What was left out without a line of its own."""
        notes = []
        if self.folders_left:
            notes.append(f"{_count(self.folders_left, 'folder')} inside left out; --recursive.")
        if count := sum(self.ignored.values()):
            endings = ", ".join(sorted(ending or "no ending" for ending in self.ignored))
            notes.append(f"{_count(count, 'file')} left out by name ({endings}).")
        return tuple(notes)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _why_not(path: Path) -> str:
    """Why `path` is not opened; empty for a regular file. Looks only, so that no pipe can block."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"cannot be reached: {error.strerror}"
    if stat.S_ISREG(mode):
        return ""
    if stat.S_ISDIR(mode):
        return "a link to a folder; give the folder itself"
    return "a pipe, a socket or a device, not a file"
