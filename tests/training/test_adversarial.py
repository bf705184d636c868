"""Training against a discriminator: both learn, neither disturbs the other, and runs go on."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from superfine.checkpoints import load
from superfine.data.batch import Batch
from superfine.errors import ModelFileError, UnsafeModelError, UsageError
from superfine.models import find
from superfine.models.discriminators import PatchDiscriminator, StyleGAN2Discriminator
from superfine.models.glean import GLEAN
from superfine.models.stylegan2 import StyleGAN2Generator
from superfine.training import checkpoint
from superfine.training.adversarial import AdversarialLearner, make_discriminator, make_learner
from superfine.training.bank import fill_bank
from superfine.training.checkpoint import found_in
from superfine.training.learner import Learner
from superfine.training.loop import train
from superfine.training.processes import Place
from superfine.training.recipe.checks import contradictions
from superfine.training.tally import NotFiniteError
from tests.training.desk import Listener, StopAfter, make_photos, make_recipe
from tests.training.kills import log_of, weights_of

CPU = torch.device("cpu")


def recipe_of(photos=Path("photos"), *, adversarial=None, **changes):
    """A few steps of ESPCN x2 on patches of 32 HR pixels."""
    told = {"kind": "vanilla", "weight": 0.01, "learning_rate": 1e-3, **(adversarial or {})}
    values = {
        "network": "espcn-rgb",
        "patch": 16,
        "batch": 4,
        "steps": 6,
        "optimiser": {"kind": "adam", "learning_rate": 1e-3},
        "schedule": {"kind": "constant"},
        "adversarial": told,
    }
    return make_recipe(photos, **{**values, **changes})


def learner_of(recipe):
    """With a narrow discriminator."""
    torch.manual_seed(0)
    plain = Learner(recipe, find(recipe.network), CPU, Place())
    return AdversarialLearner(plain, recipe.adversarial, PatchDiscriminator(channels=4))


def batch_of(step, *, channels=3, side=16):
    """Smooth pictures, and the LR ones that come of averaging."""
    draw = torch.Generator().manual_seed(step)
    coarse = torch.rand(4, channels, side // 2, side // 2, generator=draw)
    hr = torch.nn.functional.interpolate(coarse, size=2 * side, mode="bilinear")
    return Batch(lr=torch.nn.functional.avg_pool2d(hr, 2), hr={2: hr})


def values_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def moved(network, before):
    return [n for n, p in network.named_parameters() if not torch.equal(p, before[n])]


@pytest.mark.parametrize("kind", ["vanilla", "relativistic"])
@pytest.mark.parametrize("network", ["espcn-rgb", "espcn"])
def test_both_networks_learn(kind, network):
    learner = learner_of(recipe_of(network=network, adversarial={"kind": kind}))
    channels = 1 if network == "espcn" else 3
    before = values_of(learner.network), values_of(learner.discriminator)
    learner.step(batch_of(0, channels=channels), 2)
    names = [set(dict(n.named_parameters())) for n in (learner.network, learner.discriminator)]
    assert set(moved(learner.network, before[0])) == names[0]
    # A bias before a batch normalisation has no effect and only rounding for a gradient.
    still = names[1] - set(moved(learner.discriminator, before[1]))
    assert all(name.endswith("bias") for name in still)
    learner.progress.tally.settle()
    assert set(learner.progress.tally.sums) == {"total", "mse", "adversarial", "discriminator"}
    assert learner.progress.step == 1


def test_the_first_losses_are_those_of_the_networks_before_the_step():
    recipe = recipe_of(adversarial={"kind": "relativistic", "weight": 0.5}, averaging=0)
    learner, batch = learner_of(recipe), batch_of(0)
    with torch.no_grad():
        sr = learner.network(batch.lr, None, 2)
        real, fake = learner.discriminator(batch.hr[2]), learner.discriminator(sr)
    low, high = real - fake.mean(), fake - real.mean()
    expected_d = -low.sigmoid().log().mean() - (1 - high.sigmoid()).log().mean()
    expected_g = -high.sigmoid().log().mean() - (1 - low.sigmoid()).log().mean()
    learner.step(batch, 2)
    learner.progress.tally.settle()
    told = learner.progress.tally.sums
    assert told["discriminator"] == pytest.approx(expected_d.item(), rel=1e-4)
    assert told["adversarial"] == pytest.approx(expected_g.item(), rel=1e-4)
    mse = (sr - batch.hr[2]).square().mean().item()
    assert told["total"] == pytest.approx(mse + 0.5 * expected_g.item(), rel=1e-4)


def test_before_start_the_network_learns_as_if_there_were_no_discriminator():
    recipe = recipe_of(adversarial={"weight": 1.0, "start": 2})
    learner = learner_of(recipe)
    plain = Learner(
        recipe.model_copy(update={"adversarial": None}), find("espcn-rgb"), CPU, Place()
    )
    before = values_of(learner.discriminator)
    for step in range(3):
        same = all(
            torch.equal(a, b)
            for a, b in zip(learner.network.parameters(), plain.network.parameters(), strict=True)
        )
        assert same
        learner.step(batch_of(step), 2)
        plain.step(batch_of(step), 2)
    assert moved(learner.network, plain.network.state_dict())
    assert moved(learner.discriminator, before)


@pytest.mark.parametrize("kind", ["vanilla", "relativistic"])
def test_the_discriminator_learns_to_tell(kind):
    """The network hardly moves from grey, which is far from every picture."""
    recipe = recipe_of(
        adversarial={"kind": kind, "learning_rate": 2e-3},
        optimiser={"kind": "adam", "learning_rate": 1e-9},
        steps=30,
    )
    learner = learner_of(recipe)
    learner.network.single().sub_pixel.weight.data.zero_()
    losses = []
    for step in range(30):
        learner.step(batch_of(step), 2)
        learner.progress.tally.settle()
        losses.append(learner.progress.tally.sums["discriminator"])
        learner.progress.tally.clear()
    assert losses[0] == pytest.approx(2 * math.log(2), abs=0.6)  # a guess
    assert losses[-1] < 0.3


@pytest.mark.parametrize("kind", ["vanilla", "relativistic"])
def test_the_network_learns_to_please(kind):
    """With the discriminator at rest, what it tells the network falls."""
    recipe = recipe_of(
        adversarial={"kind": kind, "weight": 100.0, "learning_rate": 1e-12}, steps=12
    )
    learner = learner_of(recipe)
    told = []
    for _ in range(12):
        learner.step(batch_of(0), 2)
        learner.progress.tally.settle()
        told.append(learner.progress.tally.sums["adversarial"])
        learner.progress.tally.clear()
    assert told[-1] < told[0] - 0.02


def test_the_discriminator_takes_the_answer_at_the_largest_scale():
    learner = learner_of(recipe_of(network="lapsrn", scale=4, patch=8))
    hr = torch.rand(2, 1, 32, 32)
    half = torch.nn.functional.avg_pool2d(hr, 2)
    lr = torch.nn.functional.avg_pool2d(half, 2)
    seen = []
    learner.discriminator.register_forward_hook(lambda _, given, __: seen.append(given[0].shape))
    learner.step(Batch(lr=lr, hr={2: half, 4: hr}), 4)
    assert seen == [(2, 3, 32, 32)] * 3
    learner.progress.tally.settle()
    assert "adversarial" in learner.progress.tally.sums


def test_pieces_of_a_batch_give_the_mean_of_their_losses():
    """The two halves are equal, and so are their batch statistics and gradients."""
    half = batch_of(0)
    whole = Batch(lr=torch.cat((half.lr,) * 2), hr={2: torch.cat((half.hr[2],) * 2)})
    one, two = learner_of(recipe_of(batch=4)), learner_of(recipe_of(batch=8, accumulate=2))
    for learner, batch in ((one, half), (two, whole)):
        learner.step(batch, 2)
        learner.progress.tally.settle()
    for name, value in one.progress.tally.sums.items():
        assert two.progress.tally.sums[name] == pytest.approx(value, rel=1e-5), name
    for a, b in zip(one.discriminator.parameters(), two.discriminator.parameters(), strict=True):
        # Adam makes a step of the sign of a gradient, of which rounding may decide.
        assert ((a - b).abs() < 1e-5).float().mean() > 0.95


def test_short_numbers_leave_the_weights_in_float32():
    learner = learner_of(recipe_of(precision="bf16", seed=(1 << 63) - 1))  # the largest there is
    before = values_of(learner.discriminator)
    learner.step(batch_of(0), 2)
    learner.progress.tally.settle()
    assert moved(learner.discriminator, before)
    assert all(p.dtype == torch.float32 for p in learner.discriminator.parameters())


def test_a_learner_goes_on_from_its_checkpoint_bit_for_bit(tmp_path):
    """Through the files: weights, averages, batch statistics, both optimisers and the log."""
    recipe = recipe_of(
        adversarial={"kind": "relativistic", "start": 1}, schedule={"kind": "cosine"}, averaging=0.9
    )
    whole = learner_of(recipe)
    for step in range(6):
        whole.step(batch_of(step), 2)
        if step == 2:
            path = checkpoint.write(whole.checkpoint(), tmp_path)
    resumed = learner_of(recipe.model_copy(update={"seed": 5}))
    resumed.resume(checkpoint.read(path))
    for step in range(3, 6):
        resumed.step(batch_of(step), 2)
    one, two = whole.checkpoint(), resumed.checkpoint()
    assert one.state == two.state
    assert set(one.tensors) == {
        "network", "average", "optimiser", "discriminator", "discriminator-optimiser",
    }  # fmt: skip
    for name, tensors in one.tensors.items():
        assert tensors.keys() == two.tensors[name].keys()
        for key, tensor in tensors.items():
            assert torch.equal(tensor, two.tensors[name][key]), (name, key)
    assert one.tensors["discriminator"]["layers.3.num_batches_tracked"].dtype == torch.int64
    assert one.tensors["discriminator"]["layers.3.num_batches_tracked"] == 6 * 4


def test_checkpoints_of_other_discriminators_are_refused():
    recipe = recipe_of()
    found = learner_of(recipe).checkpoint()
    wider = AdversarialLearner(
        Learner(recipe, find("espcn-rgb"), CPU, Place()),
        recipe.adversarial,
        PatchDiscriminator(channels=8),
    )
    plain = {k: v for k, v in found.tensors.items() if not k.startswith("discriminator")}
    before = values_of(wider.network)
    for other in (found, replace(found, tensors=plain)):
        with pytest.raises(ModelFileError, match="is of another discriminator: layers"):
            wider.resume(other)
    assert not moved(wider.network, before)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path):
    """The whole loop with a discriminator of full width."""
    photos = make_photos(tmp_path / "photos", count=2, height=40, width=48)
    recipe = recipe_of(
        photos, batch=2, steps=4, log_every=1, checkpoint_every=50, averaging=0.9,
        validate={"sets": [str(photos)], "every": 50},
        adversarial={"kind": "relativistic", "start": 1},
    )  # fmt: skip
    whole = train(recipe, tmp_path / "whole")
    assert not train(recipe, tmp_path / "parts", stop=StopAfter(2)).finished
    watcher = Listener()
    assert train(recipe, tmp_path / "parts", watchers=[watcher]).finished
    assert "Going on from step 2 of 4." in watcher.said
    assert log_of(tmp_path / "whole") == log_of(tmp_path / "parts")
    assert weights_of(tmp_path / "whole") == weights_of(tmp_path / "parts")
    first = log_of(tmp_path / "whole")[0]
    assert set(first["terms"]) == {"mse", "adversarial", "discriminator"}
    assert "0.01 relativistic adversarial" in load(whole.weights).card.training
    # What it learned can be given to another run, but not to another kind of discriminator.
    (last,) = found_in(tmp_path / "whole" / "checkpoints")
    file = last / "discriminator.safetensors"
    begun = make_discriminator(recipe_of(adversarial={"start_from": str(file)}))
    trained = checkpoint.read(last).tensors["discriminator"]
    assert torch.equal(begun.layers[0].weight, trained["layers.0.weight"])
    other = {"start_from": str(file), "discriminator": "stylegan2"}
    with pytest.raises(ModelFileError, match=r"of this discriminator: from_rgb\.weight is miss"):
        make_discriminator(recipe_of(adversarial=other))


def test_what_is_no_number_is_named():
    learner = learner_of(recipe_of(adversarial={"start": 3}))
    learner.step(batch_of(0), 2)
    learner.progress.tally.settle()
    with torch.no_grad():
        learner.discriminator.layers[0].weight.fill_(math.nan)
    learner.step(batch_of(1), 2)
    with pytest.raises(NotFiniteError) as caught:
        learner.progress.tally.settle()
    assert caught.value.step == 1
    assert caught.value.terms == ["adversarial", "discriminator"]


def test_the_recipe_decides_who_learns_and_both_kinds_of_discriminator():
    plain = recipe_of().model_copy(update={"adversarial": None})
    assert type(make_learner(plain, find("espcn-rgb"), CPU, Place())) is Learner
    learner = make_learner(recipe_of(), find("espcn-rgb"), CPU, Place())
    assert isinstance(learner, AdversarialLearner)
    assert isinstance(learner.discriminator, PatchDiscriminator)
    recipe = recipe_of(patch=8, adversarial={"discriminator": "stylegan2"})
    state = torch.random.get_rng_state()
    found = make_discriminator(recipe)
    assert isinstance(found, StyleGAN2Discriminator)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(found.answer.weight, make_discriminator(recipe).answer.weight)
    other = make_discriminator(recipe.model_copy(update={"seed": 1}))
    assert not torch.equal(found.answer.weight, other.answer.weight)
    assert found(torch.rand(2, 3, 16, 16)).shape == (2, 1)


def glean():
    """8x8 to 32x32 pixels, and a generator for its bank."""
    torch.manual_seed(0)
    network = GLEAN(4, side=8, channels=8, rrdb_channels=8, rrdb_blocks=1)
    return network, StyleGAN2Generator(32, channels=8)


def test_the_bank_is_filled_from_a_file_of_a_user(tmp_path):
    network, generator = glean()
    whole = generator.state_dict()
    save_file(whole, tmp_path / "a.safetensors")
    save_file(generator.synthesis.state_dict(), tmp_path / "b.safetensors")
    torch.save({"g": {}, "g_ema": whole, "latent_avg": torch.zeros(512)}, tmp_path / "c.pt")
    for name in ("a.safetensors", "b.safetensors", "c.pt"):
        network, _ = glean()
        before = values_of(network)
        fill_bank(network, tmp_path / name)
        for key, tensor in network.state_dict().items():
            trained = whole[key.replace("bank.", "synthesis.")] if key.startswith("bank.") else None
            assert torch.equal(tensor, before[key] if trained is None else trained), key
        assert not any(p.requires_grad for p in network.bank.parameters())


def test_a_file_that_does_not_fit_the_bank_is_refused(tmp_path):
    network, _ = glean()
    before = values_of(network)
    files = {
        "small": StyleGAN2Generator(16, channels=8).state_dict(),
        "narrow": StyleGAN2Generator(32, channels=4).state_dict(),
        "other": {"conv1.weight": torch.zeros(0, 1, 1, 3, 3), "input.input": torch.zeros(0)},
    }
    for name, tensors in files.items():
        path = tmp_path / f"{name}.safetensors"
        save_file(tensors, path)
        with pytest.raises(ModelFileError, match=f"{name}.safetensors: The generator does not fit"):
            fill_bank(network, path)
    poisoned = StyleGAN2Generator(32, channels=8).state_dict()
    poisoned["synthesis.constant"][0, 0, 0, 0] = math.nan
    save_file(poisoned, tmp_path / "poisoned.safetensors")
    with pytest.raises(ModelFileError, match=r"NaN or infinite: synthesis\.constant"):
        fill_bank(network, tmp_path / "poisoned.safetensors")
    torch.save({"weights": Path("x")}, tmp_path / "evil.pt")
    with pytest.raises(UnsafeModelError, match="more than tensors"):
        fill_bank(network, tmp_path / "evil.pt")
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


def test_a_bank_and_its_file_need_each_other():
    network, _ = glean()
    with pytest.raises(UsageError, match="needs a trained StyleGAN2 generator of 32x32 pictures"):
        fill_bank(network, None)
    with pytest.raises(UsageError, match="needs a trained"):
        fill_bank(network, None, ["bank.constant"])
    fill_bank(network, None, network.state_dict())
    fill_bank(find("espcn").build(2), None)
    with pytest.raises(UsageError, match=r"no bank to fill from g\.pt"):
        fill_bank(find("espcn").build(2), Path("g.pt"))


def test_contradictions_of_banks_and_discriminators_are_told():
    same = recipe_of()
    assert not contradictions(same)
    assert contradictions(same.model_copy(update={"bank": Path("g.pt")})) == (
        "bank: espcn-rgb has no bank; leave it out",
    )
    small = contradictions(recipe_of(patch=15))
    assert small == (
        "adversarial.discriminator: patch needs 32 HR pixels on a side, a patch has 30",
    )
    style = {"discriminator": "stylegan2"}
    assert not contradictions(recipe_of(adversarial=style))
    for changes, told in (
        ({"patch": 24}, "48"),
        ({"network": "vdsr", "scale": [2, 4]}, "32 and 64"),
    ):
        (said,) = contradictions(recipe_of(adversarial=style, **changes))
        assert said == (
            "adversarial.discriminator: stylegan2 takes one size, a power of two from 8 on; a "
            f"patch has {told} HR pixels on a side"
        )
    bankless = {"network": "glean-16-256", "scale": 16, "adversarial": style}
    (said,) = contradictions(recipe_of(**bankless))
    assert said == (
        "bank: glean-16-256 needs a trained StyleGAN2 generator of 256x256 pictures; give its file"
    )
