"""Ctrl-C, SIGTERM and kill -9 at any moment: nothing torn, and the same command continues."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from superfine.jobs.manifest import MANIFEST
from superfine.jobs.prepare import prepare
from superfine.jobs.request import Request
from superfine.jobs.run import run

from .conftest import Run, draw, draw_many, names_in, tree_hash

PICTURES = 40
KILLS = 6

# Importing torch takes seconds; a process that has done so and forks gives real processes at once.
FORKING = """
import json, os, sys
import superfine.jobs.run
from superfine.cli import main

for line in sys.stdin:
    arguments, log = json.loads(line)
    child = os.fork()
    if child == 0:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(main(arguments))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Command:
    """One run of the command in a process of its own."""

    pid: int
    server: subprocess.Popen[str]
    log: Path

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def ended(self) -> tuple[int, str]:
        """Exit code, negative for a signal, and what it said."""
        assert self.server.stdout is not None
        return int(self.server.stdout.readline()), self.log.read_text()


Start = Callable[..., Command]


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", FORKING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    with process:
        yield process
        process.kill()


@pytest.fixture
def start(server: subprocess.Popen[str], tmp_path: Path) -> Start:
    """Starts `superfine upscale` by bicubic."""

    def begin(*arguments: str | Path) -> Command:
        assert server.stdin is not None
        assert server.stdout is not None
        log = tmp_path / "said.log"
        words = ["upscale", "-m", "bicubic", *map(os.fspath, arguments)]
        server.stdin.write(json.dumps([words, str(log)]) + "\n")
        server.stdin.flush()
        return Command(int(server.stdout.readline()), server, log)

    return begin


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.001)


def lines_in(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@dataclass(frozen=True)
class Reference:
    """A folder of pictures, and the hash of its results when nobody disturbs the job."""

    pictures: Path
    hash: str


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("reference")
    draw_many(folder / "in", PICTURES)
    request = Request([str(folder / "in")], output=str(folder / "out"), model="bicubic")
    summary = run(prepare(request), on_result=lambda _: None, on_progress=lambda _: None)
    assert summary.ok == PICTURES
    return Reference(folder / "in", tree_hash(folder / "out"))


@pytest.mark.slow
def test_interrupt_stops_within_a_second_and_the_same_command_continues(
    upscale: Run, start: Start, tmp_path: Path, reference: Reference
) -> None:
    out = tmp_path / "out"
    command = start(reference.pictures, "-o", out)
    wait_until(lambda: lines_in(out / MANIFEST) >= 3)
    asked = time.monotonic()
    command.send(signal.SIGINT)
    code, said = command.ended()
    assert time.monotonic() - asked < 1
    assert code == 130
    done = len(list(out.glob("*.png")))
    # The last may have got its name without having been counted yet.
    assert any(f"{n} of {PICTURES} done; run the same command" in said for n in (done, done - 1))
    assert "Traceback" not in said
    assert not [name for name in names_in(out) if name.startswith(".")]

    outcome = upscale(reference.pictures, "-o", out)
    assert outcome.code == 0
    assert f"{PICTURES - done} done, {done} done before" in outcome.err
    assert tree_hash(out) == reference.hash


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_kill_at_random_moments_then_the_same_command_completes(
    upscale: Run, start: Start, tmp_path: Path, reference: Reference, seed: int
) -> None:
    moments = random.Random(seed)
    out = tmp_path / "out"
    for _ in range(KILLS):
        before = lines_in(out / MANIFEST)
        command = start(reference.pictures, "-o", out)
        # One more line, and then anywhere in the work of the pictures after it.
        wait_until(lambda before=before: lines_in(out / MANIFEST) > before)  # type: ignore[misc]
        time.sleep(moments.uniform(0, 0.05))
        command.send(signal.SIGKILL)
        assert command.ended()[0] == -signal.SIGKILL
        for path in out.glob("*.png"):
            with Image.open(path) as picture:
                picture.load()  # whole under its final name
    assert len(list(out.glob("*.png"))) < PICTURES
    outcome = upscale(reference.pictures, "-o", out)
    assert outcome.code == 0, outcome.err
    assert tree_hash(out) == reference.hash
    assert not [name for name in names_in(out) if name.startswith(".")]


@pytest.mark.slow
def test_terminate_in_one_large_picture_leaves_nothing(start: Start, tmp_path: Path) -> None:
    photo = draw(tmp_path / "in" / "photo.png", width=2000, height=1500)
    command = start(photo, "-s", "8", "--self-ensemble", "--progress", "json")
    wait_until(lambda: command.log.exists() and b"share" in command.log.read_bytes())
    time.sleep(0.5)
    asked = time.monotonic()
    command.send(signal.SIGTERM)
    code, said = command.ended()
    assert time.monotonic() - asked < 1.5  # the machine may be busy
    assert code == 143
    assert "Stopped. Nothing was written." in said
    # What the sudden end may leave is hidden, and the next run in this folder takes it away.
    assert {name for name in names_in(tmp_path / "in") if name[0] != "."} == {"photo.png"}


@pytest.mark.slow
def test_two_runs_do_not_share_a_folder(
    upscale: Run, start: Start, tmp_path: Path, reference: Reference
) -> None:
    out = tmp_path / "out"
    command = start(reference.pictures, "-o", out)
    wait_until(lambda: lines_in(out / MANIFEST) >= 1)
    second = upscale(reference.pictures, "-o", out)
    assert second.code == 2
    assert f"process {command.pid} on " in second.err
    assert "E_BUSY" in second.err
    assert command.ended()[0] == 0
    assert tree_hash(out) == reference.hash


STUBBORN = """
import hashlib, os, time
from superfine.cli.stop import StopSignals

with StopSignals(lambda: os.write(2, b"farewell")):
    print("ready", flush=True)
    while True:
        try:
            {work}
        except KeyboardInterrupt:
            pass
"""


def finish(process: subprocess.Popen[bytes]) -> str:
    return process.communicate(timeout=60)[1].decode()


def stubborn(work: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN.format(work=work)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_process_that_does_not_listen_leaves_within_a_second() -> None:
    process = stubborn("time.sleep(60)")
    time.sleep(0.1)
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert finish(process) == "farewell"
    assert time.monotonic() - asked < 1.5
    assert process.returncode == 143


def test_a_step_that_python_cannot_interrupt_is_left_too() -> None:
    # As the encoding of a huge picture: Python sees no signal until it is over.
    process = stubborn("hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert finish(process) == "farewell"
    assert process.returncode == 130


def test_the_second_interrupt_leaves_at_once() -> None:
    process = stubborn("time.sleep(60)")
    time.sleep(0.1)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert finish(process) == ""
    assert time.monotonic() - asked < 0.7
    assert process.returncode == 130
