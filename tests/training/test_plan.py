"""The dry run: what is impossible is said before anything is written, the rest in figures."""

import json
import shutil

import h5py
import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch.autograd.graph import saved_tensors_hooks

from superfine.models import ZOO, find
from superfine.training.recipe.checks import check, contradictions
from superfine.training.recipe.cost import forward_cost, inputs, output_scales
from superfine.training.recipe.plan import plan
from superfine.training.recipe.text import (
    RecipeError,
    load_recipe,
    parse_recipe,
    shipped_recipes,
    with_data_root,
)
from tests.zoo import used_parameters


def draw(path, *, size=(24, 30), grey=False, deep=False):
    """A picture of noise, `size` rows and columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    shape = size if grey or deep else (*size, 3)
    codes = rng.integers(0, 256, shape).astype(np.uint16 if deep else np.uint8)
    PillowImage.fromarray(codes).save(path)


@pytest.fixture
def recipe(tmp_path):
    """A recipe that can be trained; keyword arguments replace keys of it."""
    draw(tmp_path / "train" / "a.png")
    draw(tmp_path / "train" / "b.png", size=(26, 24))
    draw(tmp_path / "set" / "a.png")

    def made(**changes):
        values = {
            "network": "espcn",
            "scale": 2,
            "data": {"kind": "pictures", "folders": ["train"]},
            "validate": {"sets": ["set"]},
            "patch": 8,
            "batch": 4,
            "steps": 100,
            "optimiser": {"kind": "adam", "learning_rate": 1e-3},
            "schedule": {"kind": "constant"},
            **changes,
        }
        return with_data_root(parse_recipe(values), tmp_path)

    return made


CONTRADICTIONS = {
    "network": (
        {"network": "fsrcn"},
        "network: No network is called 'fsrcn'. Did you mean 'fsrcnn'",
    ),
    "nothing to train": ({"network": "bicubic"}, "network: bicubic has no weights to train"),
    "scale": ({"scale": 7}, "scale: espcn has no scale 7; it has 1, 2, 3, 4"),
    "scales": ({"scale": [2, 3]}, "scale: espcn learns one scale at a time, 2 are asked for"),
    "protocol": (
        {"data": {"kind": "pictures", "folders": ["train"], "protocol": "y-matlb"}},
        "data.protocol: No protocol is called 'y-matlb'. Did you mean 'y-matlab'",
    ),
    "scoring": (
        {"validate": {"sets": ["set"], "protocol": "registered-bicubic"}},
        "validate.protocol: No protocol is called 'registered-bicubic'",
    ),
    "accumulate": ({"batch": 10, "accumulate": 4}, "accumulate: a batch of 10 .*in 4 equal"),
    "exact end": ({"exact_end": 0.2}, "exact_end: with precision fp32 all steps are exact"),
    "form": ({"wide": False}, "wide: espcn has no wider form"),
    "warm-up": (
        {"schedule": {"kind": "cosine", "warm_up": 101}},
        "schedule.warm_up: 101 steps, but there are only 100",
    ),
    "milestone": (
        {"schedule": {"kind": "multistep", "at": [50, 100]}},
        "schedule.at: step 100 never comes",
    ),
    "adversary": (
        {
            "adversarial": {"kind": "vanilla", "weight": 1, "learning_rate": 1, "start": 100},
            "patch": 16,
        },
        "adversarial.start: step 100 never comes",
    ),
    "layers": (
        {"optimiser": {"kind": "adam", "learning_rate": 1, "layers": {"tail": 0.1}}},
        "optimiser.layers: nothing in espcn begins with 'tail'",
    ),
    "recursions": (
        {"supervision": {"kind": "recursive", "decay": 5}},
        "supervision.kind: espcn has no recursions",
    ),
    "window": (
        {"patch": 5, "loss": [{"kind": "mse"}, {"kind": "ms-ssim"}]},
        "loss.1: ms-ssim needs 11 pixels on a side, .*has 10",
    ),
    "maps for pictures": (
        {"network": "vdsr", "data": {"kind": "depth", "folders": ["d"]}},
        "data.kind: vdsr is trained on pictures",
    ),
}


@pytest.mark.parametrize(("change", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_is_named_in_one_line(recipe, change, message):
    said = contradictions(recipe(**change))
    assert len(said) == 1
    head, _, tail = message.partition(".*")
    assert said[0].startswith(head)
    assert tail in said[0]
    assert "\n" not in said[0]
    with pytest.raises(RecipeError):
        plan(recipe(**change))


def test_every_contradiction_is_told(recipe):
    wrong = recipe(scale=7, accumulate=3, schedule={"kind": "cosine", "warm_up": 200})
    assert len(contradictions(wrong)) == 3


def test_recursions_are_known_by_the_outputs_of_the_network(recipe):
    supervised = {"supervision": {"kind": "recursive", "decay": 5}}
    assert not contradictions(recipe(network="drcn", patch=6, **supervised))
    assert contradictions(recipe(network="lapsrn", scale=4, **supervised))


def test_one_model_for_several_scales_is_fine_where_the_weights_serve_them(recipe):
    assert not contradictions(recipe(network="vdsr", scale=[2, 3, 4]))


def test_the_kind_of_the_data_must_be_the_kind_of_the_network(recipe):
    pairs = {"kind": "pairs", "hr": "a", "lr": "b"}
    scored = {"sets": ["set"], "protocol": "registered-bicubic"}
    said = contradictions(recipe(network="svlrm", scale=8, validate=scored))
    assert said[0].startswith("data.kind: svlrm is trained on depth maps, not on pictures")
    said = contradictions(recipe(network="svlrm", scale=8, data=pairs, validate=scored))
    assert said == ("data.kind: svlrm needs photos beside its depth maps; use depth",)
    maps = {"kind": "depth", "folders": ["d"], "operators": ["bicubic", "mean"]}
    said = contradictions(recipe(network="svlrm", scale=8, data=maps, validate=scored))
    assert said[0].startswith("data.operators: no 'mean'; there are bicubic, block-mean")
    said = contradictions(recipe(network="lapsrn", scale=4, data=pairs))
    assert said[0].startswith("data.kind: lapsrn is compared at scales 2, 4, pairs hold one")


def test_a_network_of_one_input_size_wants_its_patch(recipe):
    said = contradictions(recipe(network="glean-16-256", scale=16, bank="generator.pth"))
    assert said == ("patch: glean-16-256 takes 16 LR pixels on a side, not 8",)


def faults(recipe):
    with pytest.raises(RecipeError) as caught:
        check(recipe)
    assert all("\n" not in fault for fault in caught.value.faults)
    return "\n".join(caught.value.faults)


def test_folders_that_are_missing_or_empty(recipe, tmp_path):
    (tmp_path / "empty").mkdir()
    data = {"kind": "pictures", "folders": ["train", "nowhere", "empty"]}
    said = faults(recipe(data=data, validate={"sets": ["set", "other"]}))
    assert f"data.folders: {tmp_path}/nowhere is not a folder" in said
    assert f"data.folders: {tmp_path}/empty holds no picture" in said
    assert f"validate.sets: {tmp_path}/other is not a folder" in said
    assert said.count("\n") == 2


def test_pictures_that_are_left_out(recipe, tmp_path):
    """They need not be sound; a name that leaves out nothing is a slip, and said so."""
    (tmp_path / "train" / "c.png").write_bytes(b"no picture")
    data = {"kind": "pictures", "folders": ["train"]}
    check(recipe(data=data | {"leave_out": ["c.png"]}))
    said = faults(recipe(data=data | {"leave_out": ["c.png", "x.png"]}))
    assert said == "data.leave_out: no file of data.folders is called 'x.png'"


def test_pictures_that_cannot_be_used(recipe, tmp_path):
    (tmp_path / "train" / "c.png").write_bytes(b"no picture")
    draw(tmp_path / "train" / "d.png", deep=True)
    said = faults(recipe())
    assert f"data: {tmp_path}/train/c.png: " in said
    assert f"data: {tmp_path}/train/d.png has 16 bits per sample, expected 8" in said


def test_patches_larger_than_every_picture(recipe):
    assert "no training picture holds a patch of 32x32 pixels" in faults(recipe(patch=16))


def test_pictures_smaller_than_a_patch_are_told(recipe, tmp_path):
    """Their LR pictures are 12x15 and 13x12; the third is 20x20."""
    draw(tmp_path / "train" / "c.png", size=(40, 40))
    assert not check(recipe(patch=12)).notes
    found = check(recipe(patch=13))
    assert found.notes == ("2 of 3 training pictures are smaller than a patch, and left out.",)
    assert found.samples == {2: 8 * 8}


def test_samples_are_the_places_of_a_patch(recipe):
    """24x30 and 26x24 at x2 are 12x15 and 13x12; a patch of 8 has 5·8 and 6·5 places."""
    found = check(recipe())
    assert found.samples == {2: 40 + 30}
    assert found.pictures == 2


def test_shrunk_pictures_count_too(recipe):
    """Half of 24x30 is 12x15, at x2 6x7: a patch of 6 has 2 places; of 26x24, 6x6: 1 place."""
    data = {"kind": "pictures", "folders": ["train"], "shrink": [0.5]}
    assert check(recipe(patch=6, batch=3, data=data)).samples == {2: 3}
    assert "batch: 4 patches are asked for, there are only 3" in faults(recipe(patch=6, data=data))


def test_a_folder_may_have_factors_of_its_own(recipe, tmp_path):
    """Half size as above for one folder; the other whole, once and once more."""
    shutil.copytree(tmp_path / "train", tmp_path / "more")
    data = {"kind": "pictures", "folders": ["train", "more"]}
    whole = check(recipe(patch=6, batch=3, data=data | {"folders": ["more"]})).samples[2]
    both = data | {"shrink_in": {"train": [0.5], "more": [1.0, 1.0]}}
    assert check(recipe(patch=6, batch=3, data=both)).samples == {2: 3 + 2 * whole}
    said = faults(recipe(data=data | {"shrink_in": {"mroe": [0.5]}}))
    assert said == "data.shrink_in: no folder of data.folders is called 'mroe'"


def test_pictures_of_another_size_than_the_only_one_are_told(recipe, tmp_path):
    (tmp_path / "generator.pth").touch()
    draw(tmp_path / "set" / "b.png", size=(270, 256))
    said = faults(recipe(network="glean-16-256", scale=16, patch=16, bank="generator.pth"))
    assert f"validate.sets: {tmp_path}/set/a.png is 30x24, expected 256x256" in said
    assert "b.png" not in said


def test_files_that_are_missing(recipe, tmp_path):
    loss = [{"kind": "perceptual", "file": "vgg.pth", "layer": 3}]
    said = faults(recipe(loss=loss, start_from="x.safetensors"))
    assert f"loss.0.file: {tmp_path}/vgg.pth is not a file" in said
    assert "start_from: x.safetensors is not a file" in said


def test_pairs_that_do_not_fit(recipe, tmp_path):
    data = {"kind": "pairs", "hr": "hr", "lr": "lr"}
    for name, side in {"a": 24, "b": 24, "c": 26}.items():
        draw(tmp_path / "hr" / f"{name}.png", size=(side, side))
    for name in "acd":
        draw(tmp_path / "lr" / f"{name}x2.png", size=(12, 12))
    said = faults(recipe(data=data))
    assert f"{tmp_path}/hr/b.png has no partner" in said
    assert f"{tmp_path}/lr/dx2.png has no partner" in said
    assert f"{tmp_path}/hr/c.png is 26x26, not 2 times {tmp_path}/lr/cx2.png" in said
    assert said.count("\n") == 2
    for name in ("hr/b.png", "hr/c.png", "lr/dx2.png", "lr/cx2.png"):
        (tmp_path / name).unlink()
    assert check(recipe(data=data)).samples == {2: 25}


def h5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, shape in arrays.items():
            file[name] = np.zeros(shape, np.uint8)


def test_patch_files_that_do_not_fit(recipe, tmp_path):
    data = {"kind": "h5", "file": "p.h5"}
    path = tmp_path / "p.h5"
    assert "data.file: " in faults(recipe(data=data))
    h5(path, lr=(6, 8, 8))
    assert "`lr` has no `hr`" in faults(recipe(data=data))
    h5(path, lr=(6, 8, 8), hr=(6, 24, 24))
    assert "holds patches of scale 3; scale 2 was asked for" in faults(recipe(data=data))
    h5(path, lr=(6, 9, 9), hr=(6, 18, 18))
    assert f"patch: 8, but the LR patches of {path} are 9x9" in faults(recipe(data=data))
    h5(path, lr=(6, 8, 8, 3), hr=(6, 16, 16, 3))
    assert "holds 3 channels, espcn takes 1" in faults(recipe(data=data))
    h5(path, lr=(6, 8, 8), hr=(6, 32, 32))
    assert "has no hr_x2, which lapsrn is compared with" in faults(
        recipe(data=data, network="lapsrn", scale=4)
    )
    h5(path, lr=(6, 8, 8), hr=(6, 16, 16))
    assert "batch: 7 patches are asked for, there are only 6" in faults(recipe(data=data, batch=7))
    assert check(recipe(data=data)).samples == {2: 6}
    h5(path, lr=(6, 8, 8), hr_x2=(6, 16, 16), hr_x4=(6, 32, 32))
    assert check(recipe(data=data, network="lapsrn", scale=4)).samples == {4: 6}


def test_depth_folders_that_do_not_fit(recipe, tmp_path):
    more = {
        "network": "svlrm",
        "scale": 4,
        "data": {"kind": "depth", "folders": ["d"]},
        "validate": {"sets": ["d"], "protocol": "registered-bicubic"},
    }
    draw(tmp_path / "d" / "depth" / "a.png", size=(40, 48), deep=True)
    draw(tmp_path / "d" / "depth" / "b.png", size=(40, 48), grey=True)
    said = faults(recipe(**more))
    assert f"data.folders: {tmp_path}/d/guide is not a folder" in said
    assert f"validate.sets: {tmp_path}/d/guide is not a folder" in said
    draw(tmp_path / "d" / "guide" / "a.png", size=(40, 40))
    said = faults(recipe(**more))
    assert "depth/a.png is 48x40, its photo 40x40" in said
    assert "depth/b.png has no photo of its name" in said
    draw(tmp_path / "d" / "guide" / "a.png", size=(40, 48))
    draw(tmp_path / "d" / "guide" / "b.jpg", size=(40, 48))
    assert check(recipe(**more)).samples == {4: 2 * 3 * 5}
    draw(tmp_path / "d" / "depth" / "b.png", size=(40, 48))
    assert "depth/b.png is no grey PNG" in faults(recipe(**more))


def espcn_macs(side):
    """Its picture is mirrored by 4 pixels, and each layer takes its radius off."""
    return (side + 4) ** 2 * 25 * 64 + (side + 2) ** 2 * 9 * 64 * 32 + side**2 * 9 * 32 * 4


# Multiplications at x2 for LR of 10x10, added up by hand from the papers' layers.
MACS = {
    "espcn": espcn_macs(10),
    "vdsr-nobias": 664_704 * 400,  # every weight at every HR pixel
    "edsr-baseline": (27 * 64 + 33 * 9 * 64 * 64 + 9 * 64 * 256 + 4 * 27 * 64) * 100,
}


@pytest.mark.parametrize("name", MACS)
def test_multiplications_are_those_of_the_layers(name):
    assert forward_cost(find(name), 2, 10).macs == MACS[name]


@pytest.mark.parametrize("name", ["fsrcnn", "vdsr", "lapsrn", "svlrm", "edsr-baseline"])
def test_what_is_kept_for_the_backward_pass_is_what_a_real_pass_keeps(name):
    spec = find(name)
    scale = 4
    network = spec.build(scale).train()
    own = {p.untyped_storage().data_ptr() for p in (*network.parameters(), *network.buffers())}
    kept = {}

    def keep(x):
        kept[x.untyped_storage().data_ptr()] = x
        return x

    with saved_tensors_hooks(keep, lambda x: x):
        network(*inputs(spec, scale, 9, device="cpu"))
    size = sum(x.untyped_storage().nbytes() for at, x in kept.items() if at not in own)
    assert forward_cost(spec, scale, 9).saved_bytes == pytest.approx(size, rel=0.05)


SMALLEST = {}  # module -> the network in it with the fewest parameters
for spec in sorted(ZOO, key=lambda s: -min(s.parameters.values(), default=0)):
    if spec.side is None and any(spec.parameters.values()):
        SMALLEST[getattr(spec.build, "func", spec.build).__module__] = spec


@pytest.mark.parametrize("spec", SMALLEST.values(), ids=lambda s: s.name)
def test_every_kind_of_network_can_be_costed(spec):
    """Each weight of the scale is used for each of the 36 LR pixels at least once."""
    scale = max(spec.scales)
    assert forward_cost(spec, scale, 6).macs > 36 * used_parameters(spec, scale) * 0.9
    assert output_scales(spec, scale)[-1] == scale


def test_a_plan_adds_up_and_writes_nothing(recipe, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    state = torch.random.get_rng_state()
    made = plan(recipe(optimiser={"kind": "sgd", "learning_rate": 1}))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert sorted(tmp_path.rglob("*")) == before
    assert made.parameters == 21_284  # of the paper's layers
    assert made.macs_per_step == 3 * 4 * espcn_macs(8)
    assert made.epochs == pytest.approx(100 * 4 / 70)
    assert made.hr_patch == {2: 16}
    four = 4 * 21_284
    memory = made.memory
    assert (memory.weights, memory.gradients, memory.optimiser, memory.averaged) == (four,) * 4
    assert memory.batch == 4 * 4 * (64 + 256)
    assert memory.pictures == (12 * 15 + 13 * 12) * (4 + 4)
    assert made.seconds == pytest.approx(100 * made.seconds_per_step)
    assert 0 < made.seconds_per_step < 5
    assert json.loads(json.dumps(made.to_json()))["memory_bytes"]["total"] == memory.total


def test_pieces_of_a_batch_and_short_numbers_need_less(recipe):
    whole = plan(recipe(batch=8)).memory
    pieces = plan(recipe(batch=8, accumulate=4)).memory
    assert pieces.activations == whole.activations // 4
    short = plan(recipe(batch=8, precision="bf16")).memory
    ended = plan(recipe(batch=8, precision="bf16", exact_end=0.1)).memory
    assert ended == plan(recipe(batch=8)).memory
    assert short.activations == whole.activations // 2
    assert plan(recipe(averaging=0)).memory.averaged == 0
    assert whole.optimiser == 2 * whole.weights  # Adam's two moments


def test_scales_take_turns(recipe):
    made = plan(recipe(network="vdsr", scale=[2, 4], patch=5, batch=2))
    assert made.macs_per_step == pytest.approx(3 * 2 * 25 * 665_921 * (4 + 16) / 2, rel=0.01)
    assert set(made.samples) == {2, 4}
    assert made.epochs == pytest.approx((50 * 2 / made.samples[2] + 50 * 2 / made.samples[4]) / 2)


def test_a_network_too_large_to_try_is_told(recipe, tmp_path):
    draw(tmp_path / "train" / "a.png", size=(260, 270))
    draw(tmp_path / "set" / "a.png", size=(256, 256))
    (tmp_path / "generator.pth").touch()
    bank = str(tmp_path / "generator.pth")
    made = plan(recipe(network="glean-16-256", scale=16, patch=16, batch=1, bank=bank))
    assert made.seconds is None
    assert "no time is told" in made.notes[-1]
    assert made.to_json()["seconds"] is None


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_is_free_of_contradictions(name):
    assert contradictions(load_recipe(shipped_recipes()[name])) == ()


@pytest.mark.data
@pytest.mark.parametrize("name", ["fsrcnn-x2", "fsrcnn-x3", "fsrcnn-x4"])
def test_the_recipes_of_the_shipped_weights_find_their_data(name, data_root):
    found = check(with_data_root(load_recipe(shipped_recipes()[name]), data_root))
    assert found.pictures == 4 * 91  # T91 at four sizes
    assert min(found.samples.values()) > 100_000
