"""What only a real process shows: pipes, start-up time, and what is imported."""

from __future__ import annotations

import io
import os
import pty
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from .conftest import Run, draw

PROGRAM = (sys.executable, "-m", "superfine")


def call(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *map(os.fspath, arguments)], input=given, capture_output=True, check=False
    )


@pytest.mark.slow
def test_a_picture_through_pipes(tmp_path: Path) -> None:
    data = draw(tmp_path / "a.jpg").read_bytes()
    done = call("upscale", "-", "-o", "-", "--ext", "png", "-m", "bicubic", "-v", given=data)
    assert done.returncode == 0, done.stderr
    with Image.open(io.BytesIO(done.stdout)) as picture:
        assert (picture.format, picture.size) == ("PNG", (32, 24))
    assert b"-: 32" in done.stderr


@pytest.mark.slow
def test_a_bad_picture_through_pipes_gives_not_one_byte() -> None:
    done = call("upscale", "-", "-m", "bicubic", given=b"no picture")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"E_FORMAT" in done.stderr


@pytest.mark.slow
def test_a_reader_that_goes_away_gives_no_traceback(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw(tmp_path / "in" / name)
    process = subprocess.Popen(
        [*PROGRAM, "upscale", "-m", "bicubic", tmp_path / "in"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert b"Traceback" not in said


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["upscale", "--help"]])
def test_help_answers_at_once(arguments: list[str]) -> None:
    """Counted in time of the processor, which is what it takes on a machine with nothing to do."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = call(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    assert b"superfine" in done.stdout
    assert (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime) <= 0.6


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["upscale", "--help"],
        ["models", "list"],
        ["data", "list"],
        ["upscale", "a", "-q", "-v"],
    ],
)
def test_nothing_heavy_is_imported_to_answer(arguments: list[str]) -> None:
    script = (
        "import sys; from superfine.cli import main; main(sys.argv[1:]); "
        "print(sorted({'torch', 'numpy', 'pyvips', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, check=False
    )
    assert done.stdout.splitlines()[-1] == b"[]", done.stderr


def test_shell_completion_knows_the_models() -> None:
    words = "superfine upscale -m bicu"
    environment = {
        **os.environ,
        "_SUPERFINE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": "3",
    }
    done = subprocess.run(PROGRAM, env=environment, capture_output=True, check=False)
    assert done.stdout.split() == [b"bicubic"]


def test_every_command_has_a_help(run: Run) -> None:
    for arguments in (["--help"], ["models", "--help"], ["doctor", "--help"], ["train", "-h"]):
        assert run(*arguments).code == 0


def test_version(run: Run) -> None:
    outcome = run("--version")
    assert outcome.code == 0
    assert outcome.out.startswith("superfine 0.")


def on_a_terminal(*arguments: str | Path, **variables: str) -> str:
    """What the command shows on a terminal, control sequences included."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *map(os.fspath, arguments)],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **variables},
    )
    os.close(theirs)
    seen = b""
    with open(ours, "rb", buffering=0) as screen:  # noqa: PTH123 - a descriptor, not a path
        try:
            while piece := screen.read(4096):
                seen += piece
        except OSError:  # how Linux says that the other side of a terminal has gone
            pass
    assert process.wait() == 0, seen
    return seen.decode()


@pytest.mark.slow
def test_a_bar_moves_on_a_terminal_only_where_it_can(tmp_path: Path) -> None:
    photo = draw(tmp_path / "a.png")
    moving = on_a_terminal("upscale", "-m", "bicubic", photo)
    assert "Loading" in moving
    assert "\x1b[?25h" in moving  # the cursor is back
    assert "a.x4.bicubic.png" in moving
    plain = on_a_terminal("upscale", "-m", "bicubic", "-s", "2", photo, TERM="dumb")
    assert "\x1b" not in plain


@pytest.mark.parametrize(("given", "kept"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_says_otherwise(given: str | None, kept: str) -> None:
    """Set before torch, whose OpenMP reads it once, is imported."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if given is not None:
        environment["OMP_WAIT_POLICY"] = given
    code = (
        "import os, sys\nfrom superfine.cli import main\nmain(['--version'])\n"
        "assert 'torch' not in sys.modules\nprint(os.environ['OMP_WAIT_POLICY'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == kept


@pytest.mark.slow
def test_the_limit_holds_for_pipes_too(tmp_path: Path) -> None:
    data = draw(tmp_path / "photo.png", width=120, height=100).read_bytes()
    words = ("upscale", "-", "-o", "-", "-m", "bicubic", "-s", "2", "--max-megapixels")
    refused = call(*words, "0.01", given=data)
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"E_LIMIT" in refused.stderr
    taken = call(*words, "0.012", given=data)
    assert taken.returncode == 0, taken.stderr
