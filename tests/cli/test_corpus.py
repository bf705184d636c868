"""Every awkward picture through the command: its written outcome, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from superfine.errors import EXIT_INPUT, EXIT_OK
from tests.corpus.pictures import PICTURES, AwkwardPicture

from .conftest import Run, names_in

# The command takes a folder for a folder of pictures, whatever its name.
SINGLE = [picture for picture in PICTURES if picture.name != "36 folder"]


def _named(picture: AwkwardPicture) -> str:
    return picture.name


@pytest.mark.timeout(60)
@pytest.mark.parametrize("awkward", SINGLE, ids=_named)
def test_awkward_picture_through_the_command(
    upscale: Run, tmp_path: Path, awkward: AwkwardPicture
) -> None:
    path = awkward.make(tmp_path)
    before = names_in(tmp_path)
    # A fraction keeps the largest of them quick; how a picture is read and written is the same.
    outcome = upscale(path, "-s", "0.5", "-o", tmp_path / "out.png")
    assert "Traceback" not in outcome.err
    if awkward.outcome == "ok":
        assert outcome.code == EXIT_OK, outcome.err
        assert names_in(tmp_path) == before | {"out.png"}
    else:
        assert outcome.code == EXIT_INPUT
        assert f"({awkward.outcome}). Nothing was written." in outcome.err
        assert names_in(tmp_path) == before


def test_whole_corpus_as_one_folder(upscale: Run, tmp_path: Path) -> None:
    """One job over all of it: the good come out, the bad are listed, nothing stops."""
    small = [p for p in PICTURES if p.name[:2] in {"01", "03", "04", "08", "12", "15", "19", "36"}]
    good = 0
    for number, awkward in enumerate(small):
        folder = tmp_path / "in" / f"{number:02d}"
        folder.mkdir(parents=True)
        awkward.make(folder)
        good += awkward.outcome == "ok"
    outcome = upscale(tmp_path / "in", "--recursive")
    assert outcome.code == 3
    assert len(outcome.paths) == good
    assert "Traceback" not in outcome.err
