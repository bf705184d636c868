"""Networks whose one file of weights serves several scales: what they compute, how they learn."""

import subprocess

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from superfine.benchmark.measure import measure_each
from superfine.benchmark.protocol import find_protocol
from superfine.card import Card
from superfine.checkpoints import load, save
from superfine.data.batch import Batch
from superfine.data.folders import read_all
from superfine.models import find
from superfine.ops.resize import imresize
from superfine.training.learner import Learner
from superfine.training.loop import train
from superfine.training.processes import Place
from superfine.training.recipe.checks import contradictions
from superfine.training.recipe.text import load_recipe
from tests.models.test_cascades import smooth
from tests.test_checkpoints import randomised
from tests.training.desk import make_photos, make_recipe
from tests.training.kills import log_of
from tests.training.test_processes import ENVIRONMENT, together
from tests.zoo import inputs

State = dict[str, Tensor]


@pytest.fixture
def photos(tmp_path):
    return make_photos(tmp_path / "photos", count=2)


def conv(state: State, name: str, x: Tensor) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[-1] // 2)


def mdsr(state: State, lr: Tensor, scale: int) -> Tensor:
    """Section 3.3 of the paper, written out layer after layer."""

    def block(x: Tensor, name: str) -> Tensor:
        return x + conv(state, f"{name}.body.2", conv(state, f"{name}.body.0", x).relu())

    mean = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)
    x = conv(state, "head", lr - mean)
    x = block(block(x, f"enter.x{scale}.0"), f"enter.x{scale}.1")
    features = x
    for number in range(16):
        features = block(features, f"body.{number}")
    x = x + conv(state, "body.16", features)
    for number, factor in {2: [(0, 2)], 3: [(0, 3)], 4: [(0, 2), (2, 2)]}[scale]:
        x = F.pixel_shuffle(conv(state, f"enlarge.x{scale}.{number}", x), factor)
    return conv(state, "tail", x) + mean


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_mdsr_computes_the_papers_layers(scale):
    network, lr = randomised(find("mdsr-baseline").build(scale)), torch.rand(1, 3, 5, 4)
    with torch.no_grad():
        assert (network(lr) - mdsr(network.state_dict(), lr, scale)).abs().max() < 1e-5


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_scale_of_mdsr_moves_its_own_layers_and_the_shared_ones(scale):
    network = find("mdsr-baseline").build(scale)
    network(torch.rand(1, 3, 4, 4)).sum().backward()
    for name, parameter in network.named_parameters():
        of_others = name.startswith(("enter", "enlarge")) and f".x{scale}." not in name
        assert (parameter.grad is None) == of_others, name


def mslapsrn(state: State, lr: Tensor, scale: int, recursions: int) -> list[Tensor]:
    """The paper's levels: LR upwards, one block, one enlargement and one detail for all."""
    features, picture, pictures = conv(state, "first", lr), lr, []
    while picture.shape[-1] < scale * lr.shape[-1]:
        source = features
        for _ in range(recursions):
            for number in range(5):
                features = conv(state, f"body.{number}", F.leaky_relu(features, 0.2))
            features = features + source
        # MatConvNet's [0 1 0 1]: nothing cut before, one row and column behind.
        features = F.conv_transpose2d(
            F.leaky_relu(features, 0.2), state["enlarge.weight"], state["enlarge.bias"], stride=2
        )[..., :-1, :-1]
        picture = F.conv_transpose2d(picture, state["picture.weight"], stride=2, padding=1)
        picture = picture + conv(state, "detail", features)
        pictures.append(picture)
    return pictures


@pytest.mark.parametrize(("recursions", "scale"), [(2, 8), (5, 2), (8, 4)])
def test_mslapsrn_computes_the_papers_levels(recursions, scale):
    network = randomised(find(f"mslapsrn-d5r{recursions}").build(scale))
    lr = torch.rand(1, 1, 4, 3)
    with torch.no_grad():
        expected = mslapsrn(network.state_dict(), lr, scale, recursions)
        levels = network.train()(lr)
        assert [level.shape[-1] // 3 for level in levels] == [2, 4, 8][: len(expected)]
        for level, picture in zip(levels, expected, strict=True):
            assert (level - picture).abs().max() < 1e-5
        assert torch.equal(network.eval()(lr), levels[-1])


def test_mslapsrn_starts_near_bilinear():
    torch.manual_seed(0)
    lr = smooth(9, 10)
    with torch.no_grad():
        sr = find("mslapsrn-d5r8").build(4).eval()(lr)
    twice = imresize(imresize(lr, scale=2, method="bilinear"), scale=2, method="bilinear")
    assert (sr - twice)[..., 8:-8, 8:-8].abs().max() < 0.1


@pytest.mark.parametrize("name", ["mdsr-baseline", "mslapsrn-d5r2", "drrn-b2u3"])
def test_one_file_serves_every_scale(name, tmp_path):
    spec = find(name)
    stored, *others = (s for s in spec.scales if s > 1)
    network = randomised(spec.build(stored))
    path = tmp_path / "one.safetensors"
    save(network, Card(spec.name, stored, spec.channels), path)
    for scale in (stored, *others):
        model = load(path, scale=scale)
        assert (model.spec, model.scale) == (spec, scale)
        same = spec.build(scale).eval()
        same.load_state_dict(network.state_dict())
        (lr,) = inputs(spec, scale, (3, 5))
        with torch.no_grad():
            assert torch.equal(model.network(lr), same(lr))
    assert load(path).scale == stored


def test_mslapsrn_asked_for_x3_is_its_x4(tmp_path):
    spec = find("mslapsrn-d5r2")
    save(spec.build(2), Card(spec.name, 2, "y"), tmp_path / "one.safetensors")
    assert load(tmp_path / "one.safetensors", scale=3).scale == 4


def mdsr_recipe(photos, **changes):
    values = {"network": "mdsr-baseline", "scale": [2, 3, 4], "patch": 6, "steps": 3, "batch": 2,
              "averaging": 0, "optimiser": {"kind": "adam", "learning_rate": 1e-4}}  # fmt: skip
    return make_recipe(photos, **{**values, **changes})


def test_all_branches_of_mdsr_learn_and_go_into_one_file(photos, tmp_path):
    recipe = mdsr_recipe(photos)
    spec = find(recipe.network)
    before = Learner(recipe, spec, torch.device("cpu"), Place()).network.single().state_dict()
    before = {name: tensor.clone() for name, tensor in before.items()}
    outcome = train(recipe, tmp_path / "run")
    assert outcome.weights.name == "mdsr-baseline-x2-x3-x4.safetensors"
    after = load(outcome.weights)
    for name, tensor in after.network.state_dict().items():
        assert not torch.equal(tensor, before[name]), name
    for scale in (2, 3, 4):
        model = load(outcome.weights, scale=scale)
        scores = measure_each(
            model.network, spec, read_all([photos]), scale=scale, protocol=find_protocol("y-matlab")
        )
        mean = sum(score.psnr for score in scores) / len(scores)
        assert after.card.scores[f"photos x{scale}"]["psnr"] == pytest.approx(mean, abs=1e-3)


def test_the_layers_of_a_scale_rest_while_it_has_no_turn(photos):
    """Also from the second turn on, when Adam remembers where they were going."""
    recipe = mdsr_recipe(photos, steps=60)
    learner = Learner(recipe, find("mdsr-baseline"), torch.device("cpu"), Place())
    network = learner.network.single()

    def state_of(scale: int) -> list[Tensor]:
        named = network.named_parameters()
        return [p.detach().clone() for name, p in named if f".x{scale}." in name]

    for scale in (2, 3, 4, 2):
        lr, hr = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4 * scale, 4 * scale)
        before = {at: state_of(at) for at in (2, 3, 4)}
        learner.step(Batch(lr=lr, hr={scale: hr}), scale)
        for at in (2, 3, 4):
            pairs = zip(before[at], state_of(at), strict=True)
            rested = [torch.equal(old, new) for old, new in pairs]
            assert not any(rested) if at == scale else all(rested)


def test_mdsr_is_trained_at_all_its_scales_or_not_at_all(photos):
    assert not contradictions(mdsr_recipe(photos))
    for scale in (2, [2, 4]):
        (said,) = contradictions(mdsr_recipe(photos, scale=scale))
        assert said.startswith("scale: the weights of mdsr-baseline serve every scale")
        assert said.endswith("use [2, 3, 4]")


@pytest.mark.slow
def test_two_processes_train_mdsr_as_one_does(photos, tmp_path):
    """No process waits for the gradients of the scales that have no turn."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"""
network: mdsr-baseline
scale: [2, 3, 4]
data: {{kind: pictures, folders: [{photos}]}}
validate: {{sets: [{photos}], every: 100}}
patch: 6
batch: 4
steps: 6
optimiser: {{kind: adam, learning_rate: 1e-4}}
schedule: {{kind: constant}}
log_every: 1
"""
    )
    done = subprocess.run(
        together(recipe, tmp_path / "two"), env=ENVIRONMENT, capture_output=True, text=True,
        check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    train(load_recipe(recipe), tmp_path / "one")
    one, two = (
        [record["loss"] for record in log_of(tmp_path / name) if record["kind"] == "train"]
        for name in ("one", "two")
    )
    assert len(two) == 6
    assert two == pytest.approx(one, rel=1e-4)
    states = [
        load(tmp_path / name / "mdsr-baseline-x2-x3-x4.safetensors").network.state_dict()
        for name in ("one", "two")
    ]
    for name, tensor in states[0].items():
        assert (tensor - states[1][name]).abs().max() < 1e-4, name


def test_mslapsrn_learns_every_level_of_every_scale(photos, tmp_path):
    recipe = make_recipe(
        photos, network="mslapsrn-d5r2", scale=[2, 4, 8], patch=4, steps=3, batch=2, log_every=1,
        optimiser={"kind": "adam", "learning_rate": 1e-4}, loss=[{"kind": "charbonnier"}],
    )  # fmt: skip
    train(recipe, tmp_path / "run")
    terms = [set(r["terms"]) for r in log_of(tmp_path / "run") if r["kind"] == "train"]
    assert terms == [
        {"charbonnier"},
        {"charbonnier/1-x2", "charbonnier/2-x4"},
        {"charbonnier/1-x2", "charbonnier/2-x4", "charbonnier/3-x8"},
    ]
