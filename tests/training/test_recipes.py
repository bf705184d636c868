"""The shipped recipes: each can be trained, says what to expect, and the queue of runs is true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch

from superfine.cli import main
from superfine.data.patch_file import PatchFile
from superfine.models import find
from superfine.schema import build_empty
from superfine.training.optimiser import make_optimiser
from superfine.training.recipe.checks import contradictions
from superfine.training.recipe.text import find_recipe, headline, load_recipe, shipped_recipes
from superfine.training.recipe.types import DepthData, PatchData, PictureData
from superfine.training.weights import weight_file
from tests.conftest import ROOT
from tests.data.drawing import draw_scenes

RECIPES = shipped_recipes()
QUEUE = ROOT / "recipes" / "QUEUE.md"

# The networks whose papers are promised.
PROMISED = {
    "srcnn-915", "srcnn-955", "fsrcnn", "espcn", "vdsr", "drcn", "drrn", "lapsrn", "mslapsrn-d5r8",
    "rdn-b", "rcan", "wdsr-a", "edsr-baseline", "mdsr", "glean-32-256", "svlrm", "dsdmsr",
    "dsdmsr-vdsr",
}  # fmt: skip


def header(name: str) -> list[str]:
    """The comment lines a recipe begins with."""
    lines = RECIPES[name].read_text(encoding="utf-8").splitlines()
    end = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return [line.removeprefix("# ") for line in lines[:end]]


def queued() -> list[list[str]]:
    """The words of every command of the queue."""
    lines = (line.strip() for line in QUEUE.read_text(encoding="utf-8").splitlines())
    return [shlex.split(line) for line in lines if line.startswith("superfine train")]


def test_every_promised_network_has_a_recipe():
    assert {load_recipe(path).network for path in RECIPES.values()} >= PROMISED


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipe_fits_its_network(name):
    recipe = load_recipe(RECIPES[name])
    spec = find(recipe.network)
    assert set(recipe.scale) <= set(spec.scales)
    network = build_empty(spec, recipe.scale[0])
    groups = make_optimiser(recipe.optimiser, network).param_groups
    trained = sum(p.numel() for group in groups for p in group["params"])
    assert trained == sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert {group["rate"] for group in groups} == {1.0, *recipe.optimiser.layers.values()}


@pytest.mark.parametrize("name", RECIPES)
def test_the_data_lie_under_one_folder_and_are_not_the_validation_sets(name):
    recipe = load_recipe(RECIPES[name])
    data = recipe.data
    assert isinstance(data, PictureData | DepthData | PatchData)
    paths = [data.file] if isinstance(data, PatchData) else [*data.folders]
    assert not any(path.is_absolute() for path in (*paths, *recipe.validate_on.sets))
    assert not set(paths) & set(recipe.validate_on.sets)


@pytest.mark.parametrize("name", RECIPES)
def test_the_header_says_score_time_machine_and_command(name):
    first, *rest = header(name)
    text = " ".join([first, *rest])
    assert re.search(r"\bx\d", first)
    assert re.search(r"not yet run|(on )?Set5 (\d\d\.\d\d dB )?under y-matlab", first)
    assert re.search(r"\b(minutes?|hours?|days?)\b", text)
    assert re.search(r"\b(one|two) cores?\b|\bH200\b|\bGPU\b", text)
    assert f"superfine train recipe:{name} --data FOLDER" in text
    assert headline(RECIPES[name]) == first


@pytest.mark.parametrize("name", [n for n, path in RECIPES.items() if load_recipe(path).start_from])
def test_what_a_recipe_starts_from_is_what_another_one_leaves(name):
    start = load_recipe(RECIPES[name]).start_from
    left = {
        Path("runs") / other / weight_file(load_recipe(path), best=False)
        for other, path in RECIPES.items()
    }
    assert start in left


def test_the_holopix_file_is_made_by_the_call_in_the_header(tmp_path, monkeypatch):
    pytest.importorskip("h5py")
    draw_scenes(tmp_path / "Holopix50k" / "train" / "left", 1, width=200, height=130)
    monkeypatch.chdir(tmp_path)
    calls = set()
    for name in ("srcnn-holopix-mse", "srcnn-holopix-psnr", "srcnn-holopix-weighted"):
        found = re.search(r"superfine (data prepare .*?--single-y)", " ".join(header(name)))
        assert found
        calls.add(found[1])
    (call,) = calls
    assert main(shlex.split(call)) == 0
    recipe = load_recipe(RECIPES["srcnn-holopix-mse"])
    made = PatchFile(tmp_path / recipe.data.file, seed=0, views=recipe.views)
    (scale,) = recipe.scale
    batch = made.batch(torch.arange(2).numpy().astype("uint64"), scale)
    assert batch.lr.shape == (2, 1, recipe.patch, recipe.patch)
    assert batch.hr[scale].shape == (2, 1, 120, 120)


def test_the_three_holopix_recipes_differ_in_their_loss_alone():
    same = [
        load_recipe(RECIPES[f"srcnn-holopix-{name}"]).model_dump(exclude={"loss"})
        for name in ("mse", "psnr", "weighted")
    ]
    assert same[0] == same[1] == same[2]


@pytest.mark.parametrize("command", queued(), ids=lambda words: words[2])
def test_the_queue_names_runs_that_can_be_trained(command):
    assert command[:2] == ["superfine", "train"]
    overrides = [word for word in command[3:] if "=" in word]
    recipe = load_recipe(find_recipe(command[2]), overrides)
    assert contradictions(recipe) == ()


def test_the_queue_says_minutes_target_and_state_of_every_run():
    lines = re.findall(r"^\d+\. (.*)$", QUEUE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == len(queued()) > 20
    for line in lines:
        assert re.search(r": \d+ minutes, target \d\d\.\d.*, .*(open|running|done)$", line), line


def test_every_run_that_starts_from_another_comes_after_it():
    left: set[Path] = set()
    for command in queued():
        overrides = [word for word in command[3:] if "=" in word]
        recipe = load_recipe(find_recipe(command[2]), overrides)
        if recipe.start_from is not None:
            assert recipe.start_from in left
        run = command[2].removeprefix("recipe:")
        left.add(Path("runs") / run / weight_file(recipe, best=False))
