"""The list of data sets, and where they lie."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from superfine.data.catalogue import CATALOGUE, data_roots, find_data_set, locate
from superfine.data.catalogue.contents import contents_of
from superfine.errors import UnknownNameError, UsageError
from tests.conftest import ROOT

from . import toys

# Counts as the field knows them, written down once more.
PICTURES = {
    "set5": 5,
    "set14": 14,
    "bsd100": 100,
    "bsd200": 200,
    "urban100": 100,
    "manga109": 109,
    "div2k-valid": 100,
    "div2k-train": 800,
    "sunhays80": 80,
    "holopix50k": 41_742,
    "t91": 91,
    "bsds200": 200,
    "bsds300": 300,
    "bsds500": 500,
    "general100": 100,
}
DOCUMENT = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")


def test_every_set_of_the_field_is_there() -> None:
    assert {entry.name: entry.pictures for entry in CATALOGUE} == PICTURES


def test_no_two_sets_share_a_name_or_a_first_folder() -> None:
    names = [n for e in CATALOGUE for n in {e.name, e.title.lower(), *e.aliases}]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and " " not in name for name in names)
    folders = [entry.folders[0].lower() for entry in CATALOGUE]
    assert len(set(folders)) == len(folders)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Set5", "set5"),
        ("B100", "bsd100"),
        ("BSDS100", "bsd100"),
        ("BSD200", "bsd200"),
        ("BSDS200", "bsds200"),
        ("DIV2K", "div2k-valid"),
        ("General-100", "general100"),
    ],
)
def test_a_set_answers_to_its_names(typed: str, name: str) -> None:
    assert find_data_set(typed).name == name


def test_a_mistyped_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'urban100'") as caught:
        find_data_set("urbn100")
    assert "superfine data list" in caught.value.hint


def test_known_pictures_are_no_more_than_there_are_and_have_names_of_their_own() -> None:
    complete = set()
    for entry in CATALOGUE:
        known = contents_of(entry)
        assert len({p.name for p in known}) == len(known) <= (entry.pictures or 0)
        if len(known) == entry.pictures:
            complete.add(entry.name)
    assert complete == {"set5", "set14", "bsd100", "bsd200", "t91", "bsds200", "bsds300", "bsds500"}
    assert len(contents_of(find_data_set("urban100"))) == 8


def test_of_equal_portraits_there_is_one_pair() -> None:
    """T91 holds one picture twice; all others can be told apart."""
    known = [p for name in ("bsds500", "t91", "set5", "set14") for p in _contents(name)]
    hashes = [p.sha256 for p in known]
    twice = {p.name for p in known if hashes.count(p.sha256) > 1}
    assert twice == {"t36", "t65"}


def _contents(name: str) -> tuple[toys.Portrait, ...]:
    return contents_of(find_data_set(name))


def test_the_woman_of_set5_is_among_the_training_pictures() -> None:
    """As `about` says of bsds200; no other picture of Set5 or Set14 is."""
    training = (*_contents("bsds200"), *_contents("t91"))
    found = {
        (test.name, train.name)
        for test in (*_contents("set5"), *_contents("set14"))
        for train in training
        if test.alike(train)
    }
    assert found == {("woman", "302003")}


def test_downloads_are_of_their_authors_and_have_a_witness() -> None:
    for entry in CATALOGUE:
        if entry.archive is not None:
            assert entry.archive.url.startswith("https://")
            assert re.fullmatch("[0-9a-f]{64}", entry.archive.sha256)
            assert entry.archive.witness


def test_the_roots_are_the_variable_and_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERFINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SUPERFINE_DATA", raising=False)
    assert data_roots(None) == (tmp_path / "cache" / "data",)
    monkeypatch.setenv("SUPERFINE_DATA", str(tmp_path / "sets"))
    assert data_roots(None) == (tmp_path / "sets", tmp_path / "cache" / "data")
    assert data_roots(tmp_path) == (tmp_path,)


@pytest.mark.parametrize("place", ["Toy4", "toy4", "testsets/TOY4"])
def test_a_set_is_found_in_any_usual_folder(tmp_path: Path, place: str) -> None:
    folder = toys.written(tmp_path / place, toys.files())
    assert locate(toys.TOY, (tmp_path / "nowhere", tmp_path)) == folder


def test_a_whole_set_goes_before_a_part_and_a_part_before_nothing(tmp_path: Path) -> None:
    (tmp_path / "a" / "Toy4").mkdir(parents=True)
    part = toys.written(tmp_path / "b" / "Toy4", {"ant.png": b"x"})
    roots = (tmp_path / "a", tmp_path / "b", tmp_path / "c")
    assert locate(toys.TOY, roots) == part
    whole = toys.written(tmp_path / "c" / "testsets" / "Toy4", toys.files())
    assert locate(toys.TOY, roots) == whole


def test_the_layouts_of_other_projects_are_known() -> None:
    for name, folder in (
        ("set5", "testsets/Set5"),
        ("set5", "benchmark/Set5/HR"),
        ("set14", "Set14/GTmod12"),
        ("bsd100", "benchmark/B100/HR"),
        ("bsd100", "BSDS300/images/test"),
        ("bsds200", "BSR/BSDS500/data/images/train"),
        ("div2k-train", "DIV2K/DIV2K_train_HR"),
        ("holopix50k", "Holopix50k/train/left"),
    ):
        assert folder in find_data_set(name).folders


def test_a_set_that_is_not_here_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        locate(toys.TOY, (tmp_path, tmp_path / "other"))
    assert str(tmp_path) in caught.value.message
    assert str(tmp_path / "other") in caught.value.message
    assert "superfine data get toy4 --from" in caught.value.hint


def test_the_document_says_what_the_catalogue_says() -> None:
    rows = {
        cells[0].strip("`"): cells[1:]
        for line in DOCUMENT.splitlines()
        if line.startswith("| `") and len(cells := line.strip("| ").split(" | ")) == 7
    }
    assert set(rows) == set(PICTURES)
    for entry in CATALOGUE:
        known = len(contents_of(entry))
        expected = (
            entry.title,
            f"{entry.pictures:,}",
            "all" if known == entry.pictures else f"{known or 'none'}",
            entry.task,
            entry.licence,
            entry.paper,
        )
        assert tuple(rows[entry.name]) == expected


def test_the_document_lists_every_address_and_peculiarity() -> None:
    for entry in CATALOGUE:
        assert entry.origin.partition(" ")[0] in DOCUMENT, entry.name
        assert f"- **{entry.title}**: {entry.about}" in DOCUMENT
        if entry.archive is not None:
            assert entry.archive.sha256 in DOCUMENT
