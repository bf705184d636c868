"""LPIPS through the user's package and file, against the package called directly."""

import math
import sys
import warnings

import pytest
import torch
from safetensors.torch import save_file

from superfine.benchmark.installed import installed_metric
from superfine.errors import (
    MissingModelError,
    ModelFileError,
    SizeMismatchError,
    UnknownNameError,
    UnsafeModelError,
    UsageError,
)

# Slice of LPIPS, index in torchvision's `features` -> shape, as torchvision prints its networks.
ALEXNET = {(1, 0): (64, 3, 11, 11), (2, 3): (192, 64, 5, 5), (3, 6): (384, 192, 3, 3),
           (4, 8): (256, 384, 3, 3), (5, 10): (256, 256, 3, 3)}  # fmt: skip


def alexnet():
    draw = torch.Generator().manual_seed(3)
    state = {}
    for (_, index), shape in ALEXNET.items():
        spread = math.sqrt(2 / math.prod(shape[1:]))
        state[f"features.{index}.weight"] = spread * torch.randn(shape, generator=draw)
        state[f"features.{index}.bias"] = 0.1 * torch.randn(shape[0], generator=draw)
    return state


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    # With the classifier, which LPIPS does not look at, as in torchvision's file.
    path = tmp_path_factory.mktemp("weights") / "alexnet.pth"
    torch.save({**alexnet(), "classifier.6.bias": torch.zeros(1000)}, path)
    return path


@pytest.fixture
def pictures():
    draw = torch.Generator().manual_seed(2)
    hr = torch.rand(3, 40, 50, generator=draw, dtype=torch.float64)
    return (hr + 0.1 * torch.randn(hr.shape, generator=draw)).clamp(0, 1), hr


def test_lpips_is_the_packages(weights, pictures):
    measure = installed_metric("lpips", weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lpips import LPIPS  # only now: what it imports may need the help of ours

        theirs = LPIPS(net="alex", pnet_rand=True, verbose=False)
    for (part, index), _ in ALEXNET.items():
        layer = getattr(theirs.net, f"slice{part}").get_submodule(str(index))
        layer.load_state_dict({k: alexnet()[f"features.{index}.{k}"] for k in ("weight", "bias")})
    sr, hr = (2 * p[None].float() - 1 for p in pictures)
    expected = theirs(sr, hr).item()
    assert expected > 0.001
    assert measure(*pictures) == pytest.approx(expected, abs=1e-6)
    assert measure(pictures[1], pictures[1]) == 0


def test_safetensors_give_the_same_and_no_random_number_is_drawn(weights, pictures, tmp_path):
    save_file(alexnet(), tmp_path / "alexnet.safetensors")
    before = torch.random.get_rng_state()
    measure = installed_metric("lpips", tmp_path / "alexnet.safetensors")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert measure(*pictures) == installed_metric("lpips", weights)(*pictures)


def test_pictures_that_cannot_be_compared(weights):
    measure = installed_metric("lpips", weights)
    smallest, small, wide = torch.zeros(3, 31, 31), torch.zeros(3, 30, 40), torch.zeros(3, 40, 41)
    assert measure(smallest, smallest) == 0
    for sr, hr in ((small, small), (wide, wide[..., 1:])):
        with pytest.raises(SizeMismatchError, match="at least 31 pixels"):
            measure(sr, hr)


def test_without_the_package(weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        installed_metric("lpips", weights)
    assert caught.value.hint == "pip install lpips"


def test_files_that_are_refused(weights, tmp_path):
    with pytest.raises(MissingModelError, match="is not a file"):
        installed_metric("lpips", tmp_path / "none.pth")
    with pytest.raises(
        ModelFileError, match=r"alexnet\.pth: The file is not VGG16 in torchvision's"
    ):
        installed_metric("lpips-vgg", weights)
    whole = tmp_path / "whole.pth"
    torch.save(torch.nn.Conv2d(1, 1, 1), whole)
    with pytest.raises(UnsafeModelError):
        installed_metric("lpips", whole)
    broken = {**alexnet(), "features.8.bias": torch.full((256,), float("nan"))}
    save_file(broken, tmp_path / "nan.safetensors")
    with pytest.raises(ModelFileError, match="NaN or infinite"):
        installed_metric("lpips", tmp_path / "nan.safetensors")


def test_metrics_without_weights_are_not_found_here(weights):
    with pytest.raises(UnknownNameError, match="Did you mean 'lpips'"):
        installed_metric("lpis", weights)
