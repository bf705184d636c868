"""docs/results.md is what its generator makes of the tables, and leaves no cell out."""

import csv
import re
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from superfine.benchmark.standing import Measured, Shelf
from tests.conftest import ROOT
from tests.test_bench import loaded


@pytest.fixture
def script(monkeypatch):
    """`bench/results.py`, and `bench/seed_tables.py` beside it."""
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    module = loaded("results")
    yield module
    del sys.modules["results"], sys.modules["seed_tables"]


@pytest.fixture
def tables(script):
    return sys.modules["seed_tables"]


def test_the_page_is_what_make_results_writes(script):
    assert script.page(script.shelf()) == script.PAGE.read_text(encoding="utf-8")


def test_no_cell_of_the_seeds_is_left_out(script, tables):
    """Counted in the raw table: their own sources, and those of their columns."""
    with (ROOT / "results" / "papers.csv").open(encoding="utf-8", newline="") as file:
        sources = Counter(row["source"] for row in csv.DictReader(file))
    seeds = {s for s in sources if s.startswith(("seed ", "authors: sunny2109/SVLRM"))}
    assert seeds | {"paper: Pan et al., CVPR 2019"} == set(tables.COLUMNS)
    found = [cell.figure.source for s in tables.sections(script.shelf()) for cell in s.cells]
    assert Counter(found) == {source: sources[source] for source in tables.COLUMNS}


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    below = page.split(f"## {heading}\n")[1]
    lines = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_summary_counts_what_the_tables_show(script, tables):
    page = script.page(script.shelf())
    *networks, every = rows(page, "In short")
    assert int(every[2].strip("*")) == sum(int(row[2]) for row in networks)
    for title, _, cells, beaten, met, below, short, doubtful, none in networks:
        shown = rows(page, title)
        verdicts = Counter(row[-1].split(":")[0] for row in shown)
        assert len(shown) == int(cells) == int(beaten) + int(met) + int(short) + int(none)
        assert [verdicts[v] for v in ("beaten", "met", "short", "not measured")] == [
            int(text) for text in (beaten, met, short, none)
        ]
        assert sum(r[-1] == "met" and r[-2].startswith("-") for r in shown) == int(below)
        assert sum(r[-1] == "short" and r[4].endswith("?") for r in shown) == int(doubtful)


def test_every_network_of_the_targets_has_its_row(script):
    shown = rows(script.page(script.shelf()), "Set5 targets")
    assert len(shown) == 40
    assert ["FSRCNN", "x3", "33.18", "33.05"] in [row[:4] for row in shown]
    assert ["LapSRN", "x8", "26.15", "–"] in [row[:4] for row in shown]
    assert ["SRCNN 9-5-5", "x2", "36.66", "36.65"] in [row[:4] for row in shown]


def test_recipes_that_are_waited_for_are_queued(script):
    page = script.page(script.shelf())
    queue = (ROOT / "recipes" / "QUEUE.md").read_text(encoding="utf-8")
    for line in page.split("Networks without weights.")[1].split("\n\n")[1].splitlines():
        named = re.findall(r"`recipe:([\w-]+)`", line)
        assert named, line
        for name in named:
            queued = re.search(rf"recipe:{name}\b(?!-)", queue) is not None
            assert queued != ("not in the queue" in line), line


def test_recipes_that_are_named_exist(script):
    for name in set(re.findall(r"`recipe:([\w-]+)`", script.page(script.shelf()))):
        assert (ROOT / "recipes" / f"{name}.yaml").is_file(), name


def row(value: str, scale: int = 2) -> Measured:
    return Measured(
        date="2026-01-01T00:00:00Z",
        model="bicubic",
        weights="",
        data_set="set5",
        pictures=5,
        scale=scale,
        protocol="seed-zoo",
        metric="psnr",
        value=Decimal(value),
    )


def test_a_short_network_without_a_reason_is_refused(script, tables, monkeypatch):
    bicubic = tables.NETWORKS[0]
    monkeypatch.setattr(tables, "NETWORKS", (bicubic,))
    absent = frozenset(tables.ABSENT)
    assert "33.640" in script.page(Shelf((row("33.640409"),), (), absent))
    with pytest.raises(ValueError, match="Bicubic has short cells"):
        script.page(Shelf((row("33.5"),), (), absent))
    monkeypatch.setattr(tables, "NETWORKS", (replace(bicubic, short="Rain."),))
    assert "- **Bicubic**, 1 cell: Rain." in script.page(Shelf((row("33.5"),), (), absent))


def test_the_note_of_a_doubtful_figure_is_reason_enough(script, tables, monkeypatch):
    monkeypatch.setattr(tables, "NETWORKS", (tables.NETWORKS[0],))
    urban = replace(row("20", scale=3), data_set="urban100", pictures=100)
    page = script.page(Shelf((urban,), (), frozenset(tables.ABSENT)))
    assert "| 24.64? | seed-zoo | 20.000 | -4.640 | short |" in page
    assert "- ? Urban100 x3 psnr, Urban100 x3 ssim: of unknown origin" in page


def test_a_network_without_weights_must_say_what_it_waits_for(script, tables, monkeypatch):
    srcnn = next(n for n in tables.NETWORKS if n.title == "SRCNN 9-5-5")
    monkeypatch.setattr(tables, "NETWORKS", (replace(srcnn, waits_for=""),))
    with pytest.raises(ValueError, match="SRCNN 9-5-5 has cells without weights"):
        script.page(Shelf((), (), frozenset(tables.ABSENT)))
