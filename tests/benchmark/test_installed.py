"""LPIPS and DISTS through the user's package and file, against package and formula."""

import math
import sys
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

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


# Index in torchvision's `features` of VGG16 -> channels in and out.
VGG16 = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256),
         14: (256, 256), 17: (256, 512), 19: (512, 512), 21: (512, 512), 24: (512, 512),
         26: (512, 512), 28: (512, 512)}  # fmt: skip


def vgg16():
    draw = torch.Generator().manual_seed(4)
    state = {}
    for index, (inputs, outputs) in VGG16.items():
        spread = math.sqrt(2 / (9 * inputs))
        weight = torch.randn(outputs, inputs, 3, 3, generator=draw)
        state[f"features.{index}.weight"] = spread * weight
        state[f"features.{index}.bias"] = 0.05 * torch.randn(outputs, generator=draw)
    return state


def features(x: Tensor, state: dict[str, Tensor]) -> list[Tensor]:
    """The stages of DISTS as its paper has them: squares under a Hanning window to halve."""
    window = torch.hann_window(5, periodic=False)[1:-1]
    kernel = torch.outer(window, window) / window.sum() ** 2
    mean, spread = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    found = [x]
    x = (x - mean.view(3, 1, 1)) / spread.view(3, 1, 1)
    for stage in ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28)):
        if stage[0]:
            blur = kernel.expand(x.shape[0], 1, 3, 3)
            x = (F.conv2d(x[None] ** 2, blur, stride=2, padding=1, groups=x.shape[0])[0]).sqrt()
        for index in stage:
            weight, bias = (state[f"features.{index}.{part}"] for part in ("weight", "bias"))
            x = F.conv2d(x[None], weight, bias, padding=1)[0].relu()
        found.append(x)
    return found


def test_dists_is_the_papers_formula_with_the_packages_weights(pictures, tmp_path):
    save_file(vgg16(), tmp_path / "vgg16.safetensors")
    before = torch.random.get_rng_state()
    measure = installed_metric("dists", tmp_path / "vgg16.safetensors")
    assert torch.equal(torch.random.get_rng_state(), before)
    own = torch.load(
        Path(sys.modules["DISTS_pytorch"].__path__[0], "weights.pt"), weights_only=True
    )
    alpha, beta = own["alpha"].flatten(), own["beta"].flatten()
    total, texture, structure = alpha.sum() + beta.sum(), [], []
    sr, hr = (features(picture.float(), vgg16()) for picture in pictures)
    for of_sr, of_hr in zip(sr, hr, strict=True):
        x, y = of_sr.flatten(1), of_hr.flatten(1)
        mean_x, mean_y = x.mean(1), y.mean(1)
        texture.append((2 * mean_x * mean_y + 1e-6) / (mean_x**2 + mean_y**2 + 1e-6))
        covariance = (x * y).mean(1) - mean_x * mean_y
        variances = x.var(1, correction=0) + y.var(1, correction=0)
        structure.append((2 * covariance + 1e-6) / (variances + 1e-6))
    expected = 1 - ((alpha * torch.cat(texture) + beta * torch.cat(structure)).sum() / total)
    assert expected > 0.005
    assert measure(*pictures) == pytest.approx(expected.item(), abs=1e-5)
    assert measure(pictures[1], pictures[1]) == pytest.approx(0, abs=1e-5)


def test_lpips_through_vgg16_is_the_packages(pictures, tmp_path):
    save_file(vgg16(), tmp_path / "vgg16.safetensors")
    measure = installed_metric("lpips-vgg", tmp_path / "vgg16.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lpips import LPIPS

        theirs = LPIPS(net="vgg", pnet_rand=True, verbose=False)
    for name, layer in theirs.net.named_modules():
        if isinstance(layer, torch.nn.Conv2d):
            index = name.rsplit(".", 1)[1]
            own = {k: vgg16()[f"features.{index}.{k}"] for k in ("weight", "bias")}
            layer.load_state_dict(own)
    sr, hr = (2 * p[None].float() - 1 for p in pictures)
    assert measure(*pictures) == pytest.approx(theirs(sr, hr).item(), abs=1e-6)


def test_dists_without_its_package_or_with_another_network(weights, monkeypatch):
    with pytest.raises(ModelFileError, match="The file is not VGG16"):
        installed_metric("dists", weights)
    monkeypatch.setitem(sys.modules, "DISTS_pytorch", None)
    monkeypatch.setitem(sys.modules, "DISTS_pytorch.DISTS_pt", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        installed_metric("dists", weights)
    assert caught.value.hint == "pip install dists-pytorch"
