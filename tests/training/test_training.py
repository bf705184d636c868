"""Training: patches that can be counted on, recipes that refuse typos, a loop that learns."""

import itertools
import json

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from superfine.benchmark.measure import measure
from superfine.benchmark.protocol import find_protocol
from superfine.checkpoints import load
from superfine.data.folders import pictures_in, read_all
from superfine.errors import PictureError, UsageError
from superfine.models import bicubic
from superfine.ops.resize import imresize
from superfine.training.loop import learning_rate, train
from superfine.training.patches import PatchSampler, make_pairs
from superfine.training.recipe import RecipeError, load_recipe, parse_recipe

PROTOCOL = find_protocol("y-matlab")


@pytest.fixture
def photos(tmp_path):
    """A folder of three small pictures with edges and texture."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        y, x = np.mgrid[:72, :84]
        waves = 0.5 + 0.25 * np.sin(x / (2 + i)) * np.cos(y / 3) + 0.25 * (x > 3 * y)
        noise = rng.normal(0, 0.002, (72, 84, 3))
        codes = (255 * np.clip(waves[..., None] * [1, 0.8, 0.6] + noise, 0, 1)).astype(np.uint8)
        PillowImage.fromarray(codes).save(folder / f"{i}.png")
    return folder


def sampler(photos, *, scale=2, patch=12, seed=7) -> PatchSampler:
    pairs = make_pairs(
        read_all([photos]), scale=scale, protocol=PROTOCOL, shrink=(1.0, 0.7), patch=patch
    )
    return PatchSampler(pairs, scale=scale, patch=patch, seed=seed)


def test_a_patch_is_a_pure_function_of_seed_and_index(photos):
    first, second = sampler(photos), sampler(photos)
    for index in (0, 1, 63, 10**9):
        for a, b in zip(first.sample(index), second.sample(index), strict=True):
            assert torch.equal(a, b)
    assert not torch.equal(first.sample(0)[0], first.sample(1)[0])
    assert not torch.equal(first.sample(0)[0], sampler(photos, seed=8).sample(0)[0])


def test_lr_and_hr_patches_show_the_same_place(photos):
    """Enlarging the LR patch by bicubic lands on the HR patch, in every view; a shift would not."""
    patches = sampler(photos, scale=3, patch=10)
    for index in range(40):
        lr, hr = patches.sample(index)
        error = (imresize(lr, scale=3) - hr)[..., 6:-6, 6:-6]
        shifted = (imresize(lr, scale=3).roll(3, -1) - hr)[..., 6:-6, 6:-6]
        assert error.square().mean() < 0.3 * shifted.square().mean() + 1e-3


def test_a_batch_is_the_next_samples_in_order(photos):
    patches = sampler(photos)
    lr, hr = patches.batch(5, 4)
    assert lr.shape == (4, 1, 12, 12)
    assert hr.shape == (4, 1, 24, 24)
    assert torch.equal(lr[2], patches.sample(22)[0])


def test_pictures_too_small_for_a_patch_are_an_error_when_none_is_left(photos):
    with pytest.raises(UsageError, match="patch of 200x200"):
        sampler(photos, patch=100)


def recipe_values(photos, **more):
    return {
        "network": "fsrcnn-small",
        "scale": 2,
        "train": [str(photos)],
        "validate_on": str(photos),
        "patch": 12,
        "batch": 4,
        "steps": 60,
        "learning_rate": 2e-3,
        "tail_rate": 0.1,
        "warm_up": 10,
        "averaging": 0.9,
        "validate_every": 30,
        **more,
    }


def test_training_beats_bicubic_and_leaves_an_honest_card(photos, tmp_path):
    recipe = parse_recipe(recipe_values(photos, steps=600, validate_every=300))
    lines: list[str] = []
    weights = train(recipe, tmp_path / "run", say=lines.append)
    model = load(weights)
    pictures = read_all([photos])
    score = measure(model.network, model.spec, pictures, scale=2, protocol=PROTOCOL)
    baseline = measure(bicubic.Bicubic(2), bicubic.SPEC, pictures, scale=2, protocol=PROTOCOL)
    assert score.psnr > baseline.psnr
    assert model.card.scores["photos"]["psnr"] == pytest.approx(score.psnr, abs=1e-3)
    assert model.card.protocol == "y-matlab"
    assert model.card.training_data == ("photos (3 pictures)",)
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [300, 600]
    assert log[1]["loss"] < log[0]["loss"]
    assert len(lines) == 2


def test_the_same_recipe_gives_the_same_weights(photos, tmp_path):
    recipe = parse_recipe(recipe_values(photos))
    first, second = (train(recipe, tmp_path / run) for run in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_a_run_can_start_from_another_scale(photos, tmp_path):
    start = train(parse_recipe(recipe_values(photos)), tmp_path / "x2")
    recipe = parse_recipe(
        recipe_values(photos, scale=3, steps=1, learning_rate=1e-12, start_from=str(start))
    )
    body = load(train(recipe, tmp_path / "x3")).network.state_dict()
    for name, tensor in load(start).network.state_dict().items():
        assert torch.allclose(body[name], tensor, atol=1e-6), name


def test_weights_are_not_overwritten(photos, tmp_path):
    recipe = parse_recipe(recipe_values(photos))
    weights = train(recipe, tmp_path)
    before = weights.read_bytes()
    with pytest.raises(UsageError, match="exists"):
        train(recipe, tmp_path)
    assert weights.read_bytes() == before


def test_the_learning_rate_climbs_and_falls():
    recipe = parse_recipe(recipe_values("x", steps=1000, warm_up=100, learning_rate=1.0))
    rates = [learning_rate(recipe, step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) in (99, 100)
    assert rates[-1] < 1e-4
    assert all(a >= b for a, b in itertools.pairwise(rates[100:]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steeps": 5}, "Did you mean 'steps'"),
        ({"scale": "two"}, "scale: "),
        ({"learning_rate": -1}, "learning_rate: .*greater than 0"),
        ({"loss": "l3"}, "loss: "),
        ({"train": []}, "train: "),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_line(change, message):
    with pytest.raises(RecipeError, match=message) as caught:
        parse_recipe(recipe_values("x", **change))
    assert "\n" not in caught.value.message


def test_an_unknown_scale_or_network_is_refused_before_anything_is_written(photos, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(UsageError, match="no scale 7"):
        train(parse_recipe(recipe_values(photos, scale=7)), out)
    assert not out.exists()


def test_a_recipe_file_that_is_none(tmp_path):
    (tmp_path / "a.yaml").write_text("- just\n- a list\n")
    (tmp_path / "b.yaml").write_text("a: [unclosed\n")
    with pytest.raises(RecipeError, match="holds no keys"):
        load_recipe(tmp_path / "a.yaml")
    with pytest.raises(RecipeError, match="not YAML"):
        load_recipe(tmp_path / "b.yaml")
    with pytest.raises(UsageError, match="does not exist"):
        load_recipe(tmp_path / "c.yaml")


def test_every_recipe_of_the_project_is_sound():
    from tests.conftest import ROOT

    recipes = sorted((ROOT / "recipes").glob("*.yaml"))
    assert len(recipes) >= 3
    for path in recipes:
        recipe = load_recipe(path)
        assert f"{recipe.network}-x{recipe.scale}" == path.stem


def test_folders_without_pictures_and_deep_pictures_are_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no picture"):
        pictures_in(tmp_path)
    with pytest.raises(UsageError, match="not a folder"):
        pictures_in(tmp_path / "missing")
    PillowImage.fromarray(np.zeros((8, 8), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(PictureError, match="16 bits"):
        read_all([tmp_path])
