"""The folder of a job: what it remembers, whom it keeps out, what it clears away."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from superfine.errors import OutputError
from superfine.jobs.manifest import (
    MANIFEST,
    Entry,
    Identity,
    JobFolder,
    identify,
    read_entries,
    sha256_of,
)

ENTRY = Entry("a.jpg", 3, 5, "aa", "options", "a.png", "bb", 0.5)


def finish(
    folder: JobFolder,
    name: str,
    content: bytes,
    *,
    overwrite: bool = False,
    beside: dict[str, bytes] | None = None,
) -> None:
    output = folder.root / name
    staged = folder.staged(output)
    staged.write_bytes(content)
    others = []
    for ending, other in (beside or {}).items():
        others.append(staged.with_name(staged.stem + ending))
        others[-1].write_bytes(other)
    folder.finish(
        staged,
        output,
        label=name,
        source=Identity(1, 2, "cc"),
        options="options",
        seconds=0.25,
        overwrite=overwrite,
        beside=others,
    )


def test_a_finished_file_is_remembered_by_its_hash(tmp_path: Path) -> None:
    with JobFolder(tmp_path, [tmp_path]) as folder:
        finish(folder, "a.png", b"result")
    with JobFolder(tmp_path, [tmp_path]) as folder:
        entry = folder.known(tmp_path / "a.png")
        assert entry is not None
        assert entry.output_sha256 == sha256_of(tmp_path / "a.png")
        assert folder.holds(entry)
        (tmp_path / "a.png").write_bytes(b"changed")
        assert not folder.holds(entry)
        (tmp_path / "a.png").unlink()
        assert not folder.holds(entry)


def test_files_beside_a_result_are_named_after_it(tmp_path: Path) -> None:
    with JobFolder(tmp_path, [tmp_path]) as folder:
        finish(folder, "a.png", b"result", beside={".png.json": b"{}", ".ply": b"ply"})
        finish(folder, "b.png", b"other")
    contents = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    del contents[MANIFEST]
    assert contents == {
        "a.png": b"result", "a.png.json": b"{}", "a.ply": b"ply", "b.png": b"other",
    }  # fmt: skip


def test_files_beside_a_result_that_a_killed_run_left_are_taken_and_others_are_not_replaced(
    tmp_path: Path,
) -> None:
    """They get their names first, so a kill leaves them without the result."""
    (tmp_path / "a.png.json").write_bytes(b"{}")
    (tmp_path / "b.png.json").write_bytes(b"somebody's own")
    with JobFolder(tmp_path, [tmp_path]) as folder:
        finish(folder, "a.png", b"result", beside={".png.json": b"{}"})
        with pytest.raises(OutputError):
            finish(folder, "b.png", b"result", beside={".png.json": b"{}"})
        assert not (tmp_path / "b.png").exists()
        assert (tmp_path / "b.png.json").read_bytes() == b"somebody's own"
        finish(folder, "b.png", b"result", beside={".png.json": b"{}"}, overwrite=True)
    assert (tmp_path / "b.png.json").read_bytes() == b"{}"


def test_a_line_is_on_the_disk_before_the_result_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with JobFolder(tmp_path, [tmp_path]) as folder:
        monkeypatch.setattr("superfine.io.atomic._move", killed)
        with pytest.raises(KeyboardInterrupt):
            finish(folder, "a.png", b"result")
    assert not (tmp_path / "a.png").exists()
    assert set(read_entries(tmp_path / MANIFEST)) == {"a.png"}


def test_a_torn_last_line_is_passed_over_and_the_next_is_whole(tmp_path: Path) -> None:
    with JobFolder(tmp_path, [tmp_path]) as folder:
        finish(folder, "a.png", b"one")
        finish(folder, "b.png", b"two")
    manifest = tmp_path / MANIFEST
    manifest.write_bytes(manifest.read_bytes()[:-9])
    assert set(read_entries(manifest)) == {"a.png"}
    with JobFolder(tmp_path, [tmp_path]) as folder:
        finish(folder, "c.png", b"three")
    assert set(read_entries(manifest)) == {"a.png", "c.png"}


@pytest.mark.parametrize(
    "line",
    [b"null", b"[1]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"input": 1}', b'{"size": "x"}', b""],
)
def test_foreign_lines_are_passed_over(tmp_path: Path, line: bytes) -> None:
    manifest = tmp_path / MANIFEST
    good = json.dumps({"v": 1, **ENTRY.__dict__}).encode()
    manifest.write_bytes(line + b"\n" + good + b"\n")
    assert read_entries(manifest) == {"a.png": ENTRY}


def test_the_last_line_about_a_result_counts(tmp_path: Path) -> None:
    with JobFolder(tmp_path, [tmp_path]) as folder:
        finish(folder, "a.png", b"one")
        finish(folder, "a.png", b"two", overwrite=True)
        entry = folder.known(tmp_path / "a.png")
        assert entry is not None
        assert folder.holds(entry)
    assert read_entries(tmp_path / MANIFEST)["a.png"] == entry


def test_an_input_is_known_by_size_and_time_or_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"abc")
    now = identify(path, known=None)
    known = Entry("a.jpg", now.size, now.mtime_ns, "trusted", "o", "a.png", "x", 0.0)
    assert identify(path, known=known).sha256 == "trusted"
    os.utime(path, ns=(1, 1))
    assert identify(path, known=known).sha256 == now.sha256
    path.write_bytes(b"abcd")
    assert identify(path, known=known).sha256 != now.sha256


def test_one_process_at_a_time_and_the_lock_of_a_dead_one_is_taken_over(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from superfine.jobs.manifest import JobFolder\n"
        "folder = JobFolder(Path(sys.argv[1]), []).__enter__()\n"
        "print('locked', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(OutputError, match=f"process {process.pid} on") as caught:
            JobFolder(tmp_path, []).__enter__()
        assert caught.value.code == "E_BUSY"
        process.kill()
    assert (tmp_path / ".superfine.lock").exists()
    with JobFolder(tmp_path, []):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_another_machine_is_respected(tmp_path: Path) -> None:
    (tmp_path / ".superfine.lock").write_text(f"1 not-{socket.gethostname()}")
    with pytest.raises(OutputError, match="on not-") as caught:
        JobFolder(tmp_path, []).__enter__()
    assert "remove" in caught.value.hint


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    from superfine.io.atomic import temporary_beside

    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    below = tmp_path / "sub"
    below.mkdir()
    left = temporary_beside(below / "a.png")
    left = left.with_name(left.name.replace(f".{os.getpid()}.", f".{dead.pid}."))
    left.write_bytes(b"half")
    (tmp_path / ".superfine-unfinished").mkdir()
    (tmp_path / ".superfine-unfinished" / "result.png").write_bytes(b"half")
    with JobFolder(tmp_path, [tmp_path, below]):
        pass
    assert list(tmp_path.rglob("*")) == [below]


def test_failures_are_written_at_the_end_and_go_with_the_next_good_run(tmp_path: Path) -> None:
    with JobFolder(tmp_path, [tmp_path]) as folder:
        folder.fail({"input": "a.jpg", "code": "E_EMPTY"})
    written = (tmp_path / "failures.jsonl").read_text()
    assert json.loads(written) == {"v": 1, "input": "a.jpg", "code": "E_EMPTY"}
    with JobFolder(tmp_path, [tmp_path]):
        pass
    assert not (tmp_path / "failures.jsonl").exists()
