"""The weights that come with the package: whole cards, true scores, and recipes that made them."""

import csv
import json

import pytest

from superfine.benchmark.suite import run_benchmark
from superfine.card import SHIPPED, header_from_bytes, shipped_cards
from superfine.training.loop import train
from superfine.training.recipe.text import (
    load_recipe,
    parse_recipe,
    resolved,
    shipped_recipes,
    with_data_root,
)
from superfine.training.recipe.types import Recipe
from superfine.yaml_text import parse_yaml
from tests.conftest import ROOT

EVERY = [pytest.param(path, card, id=path.stem) for path, card in shipped_cards()]
# Of each network the largest scale, whose results are made soonest.
ONE_OF_EACH = [
    pytest.param(path, card, id=path.stem)
    for path, card in {card.architecture: (path, card) for path, card in shipped_cards()}.values()
]
# As they are called in the table of measured figures, and on cards.
TESTS = {"set5": "Set5", "set14": "Set14", "bsd100": "B100", "urban100": "Urban100"}


# A recipe of the laptop, cut short: SOAP, bf16 with an exact end, every kind of patch.
BRIEF = ["steps=8", "schedule.warm_up=2", "validate.every=8", "log_every=4"]


def recipe_on(card) -> Recipe:
    return parse_recipe(parse_yaml(card.recipe.encode(), name="card"))


@pytest.mark.parametrize(("path", "card"), EVERY)
def test_a_card_answers_what_people_ask(path, card):
    assert card.licence == "Apache-2.0"
    assert {name.partition(" (")[0] for name in card.training_data} == set(card.terms)
    assert all(card.terms.values())
    assert set(card.apart_from) == set(TESTS.values())
    assert card.limits
    assert card.protocol == "y-matlab"
    assert {name.partition(" ")[0] for name in card.scores} == set(TESTS.values())
    assert card.history[-1][0] == recipe_on(card).steps
    assert len(card.history) > 1


@pytest.mark.parametrize(("path", "card"), EVERY)
def test_the_recipe_on_a_card_is_shipped(path, card):
    assert resolved(recipe_on(card)) in {
        resolved(load_recipe(found)) for found in shipped_recipes().values()
    }


def test_shipped_weights_are_small():
    for path in SHIPPED.glob("*.safetensors"):
        header = header_from_bytes(path.read_bytes())
        kinds = {entry["dtype"] for name, entry in header.items() if name != "__metadata__"}
        assert kinds == {"F16"}, path.name
    total = sum(path.stat().st_size for path in (ROOT / "src").rglob("*") if path.is_file())
    assert total < 60e6


@pytest.mark.data
@pytest.mark.parametrize(("path", "card"), ONE_OF_EACH)
def test_the_benchmark_gives_what_the_card_says(path, card, data_root):
    found = run_benchmark([path.stem], ["set5"], scales=[card.scale], root=data_root)
    (cell,) = found.cells
    assert cell.mean("psnr") == pytest.approx(card.scores["Set5"]["psnr"], abs=0.01)
    assert cell.mean("ssim") == pytest.approx(card.scores["Set5"]["ssim"], abs=1e-4)


@pytest.mark.parametrize(("path", "card"), EVERY)
def test_every_score_on_a_card_stands_in_the_table_of_measured_figures(path, card):
    with (ROOT / "results" / "measured.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["weights_sha256"] == card.sha256]
    measured = {
        (TESTS[row["set"]], row["metric"]): float(row["value"])
        for row in rows
        if row["protocol"] == "y-matlab" and row["set"] in TESTS and row["self_ensemble"] == "no"
    }
    for name, values in card.scores.items():
        for metric, value in values.items():
            in_table = measured[name.partition(" ")[0], metric]
            assert in_table == pytest.approx(value, abs=0.01 if metric == "psnr" else 1e-4)


@pytest.mark.data
def test_two_runs_of_a_shipped_recipe_give_the_same_bytes(data_root, tmp_path):
    recipe = with_data_root(load_recipe(shipped_recipes()["fsrcnn-x4"], BRIEF), data_root)
    first, second = (train(recipe, tmp_path / name).weights for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    (last,) = (tmp_path / "one" / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1:]
    assert json.loads(last)["step"] == 8
