"""No weight file runs anything, takes memory for a lie, or ends in a traceback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from superfine.checkpoints import load
from superfine.errors import ModelFileError
from tests.corpus.checkpoints import BROKEN, CASES, FINE, UNSAFE, Case

ROOT = Path(__file__).parent.parent
EXIT_CODES = {UNSAFE: 5, BROKEN: 5, FINE: 0}

# What Python's objects and the activations of a small picture may take beside the file.
TRIFLES = 48 << 20


def _file_name(case: Case) -> str:
    return re.sub(r"\W+", "-", case.name) + ".bin"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of each file, all opened by one guarded process."""
    folder = tmp_path_factory.mktemp("hostile")
    for case in CASES:
        (folder / _file_name(case)).write_bytes(case.make())
    warm = next(case for case in CASES if case.outcome == FINE)
    unknown = next(case for case in CASES if "fit no network" in case.word)
    paths = [folder / _file_name(case) for case in (warm, unknown, *CASES)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.corpus.guard", *map(str, paths)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not list(ROOT.glob("canary"))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: line for line in lines}


def test_the_names_of_the_cases_are_distinct():
    assert len({_file_name(case) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile_file_ends_as_it_must(case, outcomes):
    found = outcomes[_file_name(case)]
    assert found["ran"] == []
    assert found["outcome"] == case.outcome, found["text"]
    assert case.word in found["text"]
    assert found["exit"] == EXIT_CODES[case.outcome]
    assert str(found["text"]).isprintable()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_file_takes_more_than_twice_its_size(case, outcomes):
    """The most memory in use beside what was in use before, as the kernel counted it."""
    found = outcomes[_file_name(case)]
    assert found["took"] <= 2 * found["size"] + TRIFLES, found


def test_the_guard_measures_memory(outcomes):
    """Otherwise the test above would prove nothing."""
    read_at_once = next(case for case in CASES if case.name == "header of 99 MB")
    assert 90_000_000 < outcomes[_file_name(read_at_once)]["took"] < 110_000_000


def test_the_guard_catches_what_a_pickle_runs(tmp_path):
    """Otherwise the tests above would prove nothing."""
    code = (
        "import pickle, sys, tests.corpus.guard as guard\n"
        "sys.addaudithook(guard._watch)\n"
        "guard.watching = True\n"
        "try: pickle.loads(sys.stdin.buffer.read())\n"
        "except PermissionError as error: print(error)\n"
    )
    shell = next(case for case in CASES if case.name == "bare pickle of a command")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, input=shell.make(), capture_output=True, check=True
    )
    assert done.stdout.strip() == b"pickle.find_class"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "named pipe"])
def test_what_is_not_a_file_is_refused_without_waiting(tmp_path, make):
    path = tmp_path / "net.pth"
    make(path)
    with pytest.raises(ModelFileError, match="not a file"):
        load(path)
