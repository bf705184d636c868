"""Both kinds of GLEAN in the adversarial loop: one picture is enough, and each network learns."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from safetensors.torch import save_file

from superfine.data.batch import Batch
from superfine.models import find
from superfine.models.glean import GLEAN
from superfine.models.glean_seed import SeedGLEAN, bank_names
from superfine.training.adversarial import AdversarialLearner, make_learner
from superfine.training.processes import Place
from superfine.training.recipe.text import parse_recipe

CPU = torch.device("cpu")

# Name -> the network made narrow, 8x8 to 32x32 pixels, and its discriminator.
NARROW = {
    "glean-8-64": (
        partial(GLEAN, side=8, channels=8, rrdb_channels=8, rrdb_blocks=1),
        {"kind": "vanilla", "discriminator": "stylegan2", "channels": 8},
    ),
    "glean-seed": (
        partial(SeedGLEAN, side=8, channels=8, features=8, rrdb_blocks=1),
        {"kind": "relativistic", "discriminator": "patch", "channels": 32},
    ),
}


def learner_of(name: str, bank) -> AdversarialLearner:
    build, adversarial = NARROW[name]
    spec = replace(find(name), build=build, scales=(4,), side=8)
    torch.manual_seed(7)
    trained = build(4).state_dict()
    save_file({n.removeprefix("bank."): t for n, t in trained.items()}, bank)
    recipe = parse_recipe(
        {
            "network": name,
            "scale": 4,
            "data": {"kind": "pictures", "folders": ["photos"]},
            "validate": {"sets": ["photos"]},
            "patch": 8,
            "batch": 1,
            "steps": 10,
            "optimiser": {"kind": "adam", "learning_rate": 1e-3},
            "schedule": {"kind": "constant"},
            "adversarial": {"weight": 0.01, "learning_rate": 1e-3, **adversarial},
            "bank": str(bank),
        }
    )
    learner = make_learner(recipe, spec, CPU, Place())
    assert isinstance(learner, AdversarialLearner)
    return learner


@pytest.mark.parametrize("name", NARROW)
def test_a_batch_of_one_picture_teaches_both_networks(name, tmp_path):
    learner = learner_of(name, tmp_path / "bank.safetensors")
    network = learner.network.single()
    frozen = bank_names(network) if name == "glean-seed" else []
    frozen += [n for n in network.state_dict() if n.startswith("bank.") or n.endswith(".noise")]
    before = {n: t.clone() for n, t in network.state_dict().items()}
    opponent = {n: t.clone() for n, t in learner.discriminator.named_parameters()}
    draw = torch.Generator().manual_seed(0)
    for _ in range(3):
        hr = torch.rand(1, 3, 32, 32, generator=draw)
        learner.step(Batch(lr=torch.nn.functional.avg_pool2d(hr, 4), hr={4: hr}), 4)
    learner.progress.tally.settle()  # raises where a loss is no number
    assert set(learner.progress.tally.sums) == {"total", "mse", "adversarial", "discriminator"}
    idle = ("fuse_rgb.", "encoder.picture.")  # reach no output, by design of their authors
    for key, tensor in network.state_dict().items():
        assert torch.isfinite(tensor).all(), key
        still = key in frozen or key.startswith(idle)
        assert torch.equal(tensor, before[key]) == still, key
    for key, parameter in learner.discriminator.named_parameters():
        assert torch.isfinite(parameter).all(), key
        # A bias before a batch normalisation has no effect.
        assert not torch.equal(parameter, opponent[key]) or key.endswith("bias"), key
