"""Every awkward picture ends in the outcome written beside it, and in time."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from superfine.errors import SuperfineError
from superfine.io import probe, read
from tests.corpus.pictures import PICTURES, AwkwardPicture


def _named(picture: AwkwardPicture) -> str:
    return picture.name


def test_the_corpus_has_a_picture_for_every_number() -> None:
    numbers = {picture.name[:2] for picture in PICTURES}
    assert {f"{number:02d}" for number in range(1, 37)} <= numbers


@pytest.mark.timeout(10)
@pytest.mark.parametrize("awkward", PICTURES, ids=_named)
def test_awkward_picture_ends_as_written(awkward: AwkwardPicture, tmp_path: Path) -> None:
    path = awkward.make(tmp_path)
    if awkward.outcome == "ok":
        image = read(path)
        assert awkward.check(image), image.notes
        return
    with pytest.raises(SuperfineError) as caught:
        read(path)
    error = caught.value
    assert error.code == awkward.outcome
    assert error.hint
    assert path.name not in error.message


@pytest.mark.timeout(10)
@pytest.mark.parametrize("awkward", PICTURES, ids=_named)
def test_probe_agrees_with_read(awkward: AwkwardPicture, tmp_path: Path) -> None:
    path = awkward.make(tmp_path)
    if awkward.outcome != "ok":
        with pytest.raises(SuperfineError):
            read(path)
        return
    info, image = probe(path), read(path)
    assert {info.width, info.height} == {image.width, image.height}
    assert info.format == image.metadata.source_format


def test_a_bomb_is_refused_without_memory(tmp_path: Path) -> None:
    bomb = next(picture for picture in PICTURES if picture.name.startswith("10 "))
    path = bomb.make(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SuperfineError):
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB
