"""A file is there whole or not at all, whatever fails, at every step at which it can fail."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from superfine.errors import DiskFullError, OutputError
from superfine.io import write
from superfine.io.atomic import (
    atomic_path,
    remove_stale,
    temporary_beside,
    write_bytes_atomic,
)
from superfine.io.outputs import OUTPUTS
from superfine.types import Image

_CALLS = ("open", "fsync", "replace", "link", "close", "write")


def _picture() -> Image:
    return Image(torch.arange(3 * 20 * 30).remainder(251).to(torch.uint8).view(3, 20, 30))


class _FailingCalls:
    """Replaces functions of `os`; the Nth call of any of them raises."""

    def __init__(self, patch: pytest.MonkeyPatch, failing: int, error: BaseException) -> None:
        self.count, self.failing, self.error = 0, failing, error
        for name in _CALLS:
            patch.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **options: object) -> object:
            self.count += 1
            if self.count == self.failing:
                if call.__name__ == "close":
                    call(*args, **options)
                raise self.error
            return call(*args, **options)

        return wrapped


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(errno.EIO, os.strerror(errno.EIO)),
        KeyboardInterrupt(),
    ],
    ids=["disk full", "bad disk", "interrupt"],
)
def test_any_failing_call_leaves_the_old_file_or_the_new(
    tmp_path: Path, error: BaseException, overwrite: bool
) -> None:
    path = tmp_path / "out.png"
    failing, failures = 1, 0
    while True:
        path.unlink(missing_ok=True)
        if overwrite:
            path.write_bytes(b"old")
        with pytest.MonkeyPatch.context() as patch:
            calls = _FailingCalls(patch, failing, error)
            try:
                write_bytes_atomic(path, b"new" * 1000, overwrite=overwrite)
            except (OutputError, KeyboardInterrupt):
                failures += 1
        content = path.read_bytes() if path.exists() else b"old"
        assert content in (b"old", b"new" * 1000)
        assert [entry for entry in tmp_path.iterdir() if entry != path] == []
        if calls.count < failing:
            break
        failing += 1
    assert failures >= 5


def _write_half_and_fail(path: Path) -> None:
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError


def _write_while_another_does(path: Path) -> None:
    with atomic_path(path, overwrite=False) as temporary:
        temporary.write_bytes(b"mine")
        path.write_bytes(b"theirs")


def test_an_exception_in_the_block_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        _write_half_and_fail(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")
    with pytest.raises(OutputError) as caught:
        write_bytes_atomic(path, b"new", overwrite=False)
    assert caught.value.code == "E_EXISTS"
    assert path.read_bytes() == b"old"


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    with pytest.raises(OutputError) as caught:
        _write_while_another_does(path)
    assert caught.value.code == "E_EXISTS"
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("taken", [False, True])
def test_without_hard_links_a_taken_name_is_still_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    def no_links(*args: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "out.bin"
    if taken:
        with pytest.raises(OutputError):
            _write_while_another_does(path)
        assert path.read_bytes() == b"theirs"
    else:
        write_bytes_atomic(path, b"mine", overwrite=False)
        assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a" * 251 + ".png", "é" * 125 + ".png", "é" * 125 + ".bin"])
def test_the_longest_names_work(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert len(os.fsencode(temporary_beside(path).name)) <= 255
    write_bytes_atomic(path, b"x", overwrite=False)
    assert path.read_bytes() == b"x"


def test_stale_files_of_dead_processes_are_removed_and_no_others(tmp_path: Path) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    ours = temporary_beside(tmp_path / "a.png")
    stale = ours.with_name(ours.name.replace(f".{os.getpid()}.", f".{int(dead.stdout)}."))
    theirs = stale.with_name(".a.png.notes.tmp")
    for path in (ours, stale, theirs):
        path.touch()
    assert remove_stale(tmp_path) == 1
    assert sorted(tmp_path.iterdir()) == sorted([ours, theirs])


def test_a_folder_or_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_bytes_atomic(tmp_path, b"", overwrite=True)
    with pytest.raises(OutputError):
        write_bytes_atomic(tmp_path / "none" / "a.png", b"", overwrite=True)


_LIMITED = """
import resource, sys
from pathlib import Path
import torch
from superfine.errors import DiskFullError
from superfine.io import PictureWriter
import superfine.io.rows

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
rows = torch.randint(0, 255, (3, 100, 200)).to(torch.uint8)
for in_memory in (0, 2**26):
    superfine.io.rows.LARGEST_IN_MEMORY = in_memory
    for suffix in (".png", ".tif", ".bmp", ".ppm", ".webp"):
        path = Path(sys.argv[1]) / f"out{suffix}"
        try:
            with PictureWriter(path, width=200, height=100, channels=3, alpha=False,
                               dtype=torch.uint8, quality=100) as writer:
                writer.rows(rows)
        except DiskFullError as error:
            assert "bytes are free" in error.message, error.message
            print(in_memory, suffix)
"""


def test_no_room_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    """The kernel refuses to let a file grow beyond 20,000 bytes; the pictures need 60,000."""
    command = [sys.executable, "-W", "error", "-c", _LIMITED, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert len(ended.stdout.splitlines()) == 10, ended.stdout + ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_does_not_read_back_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.png"
    write(_picture(), path)
    before = path.read_bytes()

    def torn(image: object, file: BinaryIO, quality: int) -> None:
        file.write(before[:-40])

    broken = tuple(
        replace(output, save=torn) if output.name == "png" else output for output in OUTPUTS
    )
    monkeypatch.setattr("superfine.io.outputs.OUTPUTS", broken)
    with pytest.raises(OutputError) as caught:
        write(_picture(), path, overwrite=True)
    assert caught.value.code == "E_VERIFY"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_disk_full_says_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match="bytes are free"):
        write_bytes_atomic(tmp_path / "a.bin", b"x", overwrite=False)
