"""Shipping weights: whole cards, and nothing that a newcomer could not make again."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch

from superfine.benchmark.suite import run_benchmark
from superfine.card import read_card
from superfine.checkpoints import load
from superfine.errors import UsageError
from superfine.training.loop import train
from superfine.training.recipe.text import load_recipe, with_data_root
from tests.conftest import ROOT
from tests.training.desk import StopAfter, make_photos

TEXT = """# FSRCNN-small x2 on T91, for tests.
network: fsrcnn-small
scale: 2
data: {kind: pictures, folders: [train/T91], leave_out: [2.png]}
validate: {sets: [testsets/Set5], every: 4}
patch: 12
batch: 2
steps: 6
optimiser: {kind: soap, learning_rate: 1e-3}
schedule: {kind: constant}
log_every: 3
"""


@pytest.fixture
def ship(tmp_path, monkeypatch):
    """The script, for which one recipe is shipped."""
    spec = importlib.util.spec_from_file_location("ship", ROOT / "bench" / "ship.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ship", module)
    spec.loader.exec_module(module)
    recipe = tmp_path / "fsrcnn-small-x2.yaml"
    recipe.write_text(TEXT)
    monkeypatch.setattr(module, "shipped_recipes", lambda: {recipe.stem: recipe})
    return module


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    make_photos(root / "train" / "T91")
    for count, name in enumerate(("Set5", "Set14", "B100", "Urban100"), start=1):
        make_photos(root / "testsets" / name, count=count, height=48, width=60)
    return root


def run_of(data: Path, folder: Path, recipe: Path, *changes: str, **options) -> Path:
    train(with_data_root(load_recipe(recipe, changes), data), folder, **options)
    return folder


@pytest.fixture
def run(ship, data, tmp_path):
    return run_of(data, tmp_path / "run", tmp_path / "fsrcnn-small-x2.yaml")


def test_the_card_is_whole(ship, data, run, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (path,) = ship.ship_all([run], data, out)
    card = read_card(path)
    assert path == out / "fsrcnn-small-x2.safetensors"
    assert card.recipe == TEXT
    assert card.training_data == ("T91 (2 files)",)
    assert card.terms == {"T91": "licence not stated"}
    assert card.apart_from == ("Set5", "Set14", "B100", "Urban100")
    assert [step for step, _ in card.history] == [4, 6]
    assert "6 steps, batch 2 of 12x12 LR patches, 1 mse, soap 0.001" in card.training
    assert re.search(r"\d minutes with \d threads? of cpu, torch 2", card.training)
    assert "noise" in card.limits
    assert set(card.scores) == {
        "Set5 (1 of 5 pictures)",
        "Set14 (2 of 14 pictures)",
        "B100 (3 of 100 pictures)",
        "Urban100 (4 of 100 pictures)",
    }
    trained = load(run / path.name).network.state_dict()
    shipped = load(path)
    for name, tensor in shipped.network.state_dict().items():
        assert torch.equal(tensor, trained[name].half().float())
    (cell,) = run_benchmark([path], ["set14"], scales=[2], root=data).cells
    assert card.scores["Set14 (2 of 14 pictures)"]["psnr"] == pytest.approx(
        cell.mean("psnr"), abs=1e-5
    )
    ship.ship_all([run], data, out)  # again, over itself


def test_what_nobody_could_make_again_is_refused(ship, data, run, tmp_path):
    recipe = tmp_path / "fsrcnn-small-x2.yaml"
    other = run_of(data, tmp_path / "other", recipe, "seed=1")
    with pytest.raises(UsageError, match="follows no recipe"):
        ship.ship_all([run, other], data, tmp_path)
    part = tmp_path / "part"
    run_of(data, part, recipe, stop=StopAfter(3))
    with pytest.raises(UsageError, match="stopped at step 3 of 6"):
        ship.ship_all([part], data, tmp_path)
    shutil.copy(data / "train/T91/0.png", data / "train/T91/1.png")
    with pytest.raises(UsageError, match=r"not what the run began with: 1\.png"):
        ship.ship_all([run], data, tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_test_picture_among_the_training_pictures_is_refused(ship, data, tmp_path):
    recipe = tmp_path / "fsrcnn-small-x2.yaml"
    shutil.copy(data / "train/T91/2.png", data / "testsets/Set14/seen.png")
    left_out = run_of(data, tmp_path / "left-out", recipe)
    assert ship.leaks(data / "train/T91", [ship.find_set("set14", root=data)], ["2.png"]) == []
    shutil.copy(data / "train/T91/1.png", data / "testsets/Set5/seen.png")
    with pytest.raises(UsageError, match=r"1\.png"):
        ship.ship_all([left_out], data, tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))
