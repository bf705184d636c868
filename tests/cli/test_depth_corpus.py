"""Every awkward depth file through the command: its written outcome, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from superfine.errors import EXIT_INPUT, EXIT_OK
from tests.corpus.depth import DEPTHS_OF_ALL_KINDS, AwkwardDepth

from .conftest import Run, names_in

# What is read with options of Python alone, or is a folder, which the command takes for a folder
# of maps whatever its name.
SINGLE = [d for d in DEPTHS_OF_ALL_KINDS if not d.options and d.name != "a folder"]
# Nothing was measured in these: the reader gives a map of holes, the command says so.
ALL_HOLES = {"all NaN", "all zero", "all 65535"}


def _named(depth: AwkwardDepth) -> str:
    return depth.name


@pytest.mark.timeout(60)
@pytest.mark.parametrize("awkward", SINGLE, ids=_named)
def test_awkward_depth_through_the_command(run: Run, tmp_path: Path, awkward: AwkwardDepth) -> None:
    path = awkward.make(tmp_path)
    before = names_in(tmp_path)
    outcome = run("depth", path, "-s", "2", "-m", "bicubic", "-o", tmp_path / "out.npy")
    expected = "E_ALL_INVALID" if awkward.name in ALL_HOLES else awkward.outcome
    assert "Traceback" not in outcome.err
    if expected == "ok":
        assert outcome.code == EXIT_OK, outcome.err
        assert names_in(tmp_path) == before | {"out.npy", "out.npy.json"}
    else:
        assert outcome.code == EXIT_INPUT, outcome.err
        assert f"({expected}). Nothing was written." in outcome.err
        assert names_in(tmp_path) == before


def test_the_whole_corpus_as_one_folder(run: Run, tmp_path: Path) -> None:
    """One job over all of it: the good come out, the bad are listed, nothing stops."""
    good = 0
    for number, awkward in enumerate(SINGLE):
        folder = tmp_path / "in" / f"{number:02d}"
        folder.mkdir(parents=True)
        path = awkward.make(folder)
        good += awkward.outcome == "ok" and awkward.name not in ALL_HOLES and path.is_file()
    outcome = run("depth", tmp_path / "in", "--recursive", "-m", "nearest", "-s", "2")
    assert outcome.code == 3
    assert len(outcome.paths) == good, outcome.err
    assert "Traceback" not in outcome.err
