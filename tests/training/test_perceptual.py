"""VGG features against networks put together by hand, from files of random tensors."""

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from superfine.errors import ModelFileError, SizeMismatchError, UnsafeModelError, UsageError
from superfine.losses import l1, mse
from superfine.training.objective import Objective
from superfine.training.perceptual import load_perceptual
from superfine.training.recipe.types import Adam, PairData, Perceptual, Recipe, Validation

# Index in torchvision's `features` -> (input, output) channels, as its printed networks list them.
VGG16 = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256),
         14: (256, 256), 17: (256, 512)}  # fmt: skip
VGG19 = {**{i: VGG16[i] for i in (0, 2, 5, 7, 10, 12, 14)}, 16: (256, 256)}
POOLINGS = {"vgg16": (4, 9, 16), "vgg19": (4, 9, 18)}


def tensors(convolutions, *, upto=99):
    draw = torch.Generator().manual_seed(4)
    state = {}
    for index, (inputs, outputs) in convolutions.items():
        if index <= upto:
            weight = torch.randn(outputs, inputs, 3, 3, generator=draw)
            state[f"features.{index}.weight"] = weight * math.sqrt(2 / (9 * inputs))
            state[f"features.{index}.bias"] = 0.1 * torch.randn(outputs, generator=draw)
    return state


def by_hand(state, poolings, layer, x):
    """The features of `x`, layer by layer in torchvision's numbering."""
    mean = torch.tensor([0.485, 0.456, 0.406])
    deviation = torch.tensor([0.229, 0.224, 0.225])
    x = (x.permute(0, 2, 3, 1) - mean) / deviation
    x = x.permute(0, 3, 1, 2)
    for index in range(layer + 1):
        if index in poolings:
            x = nn.MaxPool2d(kernel_size=2, stride=2)(x)
        elif f"features.{index}.weight" in state:
            weight, bias = state[f"features.{index}.weight"], state[f"features.{index}.bias"]
            x = F.conv2d(x, weight, bias, padding=1)
        else:
            x = torch.relu(x)
    return x


@pytest.fixture
def pictures():
    draw = torch.Generator().manual_seed(2)
    hr = torch.rand(2, 3, 16, 20, generator=draw)
    return hr + 0.1 * torch.randn(hr.shape, generator=draw), hr


@pytest.mark.parametrize("layer", [0, 1, 2, 4, 7, 8])
def test_the_layer_is_counted_as_torchvision_does(tmp_path, pictures, layer):
    sr, hr = pictures
    state = tensors(VGG16, upto=7)
    torch.save(state, tmp_path / "vgg.pth")
    loss = load_perceptual(tmp_path / "vgg.pth", layer=layer, distance=mse)
    a, b = (by_hand(state, POOLINGS["vgg16"], layer, x) for x in (sr, hr))
    assert loss(sr, hr).item() == pytest.approx((a - b).square().mean().item(), rel=1e-5)


@pytest.mark.parametrize(("name", "convolutions"), [("vgg16", VGG16), ("vgg19", VGG19)])
def test_vgg16_and_vgg19_are_told_apart(tmp_path, pictures, name, convolutions):
    """At index 16 the one has a pooling, the other a convolution."""
    sr, hr = pictures
    state = tensors(convolutions)
    save_file(state, tmp_path / "vgg.safetensors")
    loss = load_perceptual(tmp_path / "vgg.safetensors", layer=18, distance=l1)
    a, b = (by_hand(state, POOLINGS[name], 18, x) for x in (sr, hr))
    assert loss(sr, hr).item() == pytest.approx((a - b).abs().mean().item(), rel=1e-5)


def test_grey_is_shown_as_three_equal_colours(tmp_path, pictures):
    torch.save(tensors(VGG16, upto=2), tmp_path / "vgg.pth")
    loss = load_perceptual(tmp_path / "vgg.pth", layer=2, distance=mse)
    sr, hr = (x[:, :1] for x in pictures)
    assert torch.equal(loss(sr, hr), loss(sr.repeat(1, 3, 1, 1), hr.repeat(1, 3, 1, 1)))


def test_the_result_learns_and_the_features_do_not(tmp_path, pictures):
    torch.save(tensors(VGG16, upto=5), tmp_path / "vgg.pth")
    loss = load_perceptual(tmp_path / "vgg.pth", layer=5, distance=mse)
    sr, hr = pictures
    loss(sr.requires_grad_(), hr.requires_grad_()).backward()
    assert sr.grad.abs().max().item() > 0
    assert hr.grad is None
    assert [p.requires_grad for p in loss.parameters()] == [False] * 6


def test_a_recipe_weighs_it_among_other_terms(tmp_path, pictures):
    sr, hr = pictures
    torch.save(tensors(VGG16, upto=2), tmp_path / "vgg.pth")
    terms = (
        Perceptual(kind="perceptual", weight=0.01, file=tmp_path / "vgg.pth", layer=2),
        Perceptual(kind="perceptual", file=tmp_path / "vgg.pth", layer=1, distance="l1"),
    )
    recipe = Recipe(
        network="edsr",
        scale=(2,),
        data=PairData(hr=Path("hr"), lr=Path("lr")),
        validate=Validation(sets=(Path("set"),)),
        steps=1,
        optimiser=Adam(learning_rate=1e-3),
        loss=terms,
    )
    found = Objective(recipe, torch.device("cpu"))(sr, {2: hr}, lr=hr[..., ::2, ::2], step=0)
    first = load_perceptual(tmp_path / "vgg.pth", layer=2, distance=mse)(sr, hr).item()
    second = load_perceptual(tmp_path / "vgg.pth", layer=1, distance=l1)(sr, hr).item()
    assert found.total.item() == pytest.approx(0.01 * first + second, rel=1e-6)
    assert list(found.parts) == ["perceptual", "perceptual-2"]


def refused(tmp_path, state, *, layer=2):
    """The one line a file with `state` is refused with."""
    torch.save(state, tmp_path / "vgg.pth")
    with pytest.raises(ModelFileError) as caught:
        load_perceptual(tmp_path / "vgg.pth", layer=layer, distance=mse)
    assert str(tmp_path / "vgg.pth") in caught.value.message
    assert "\n" not in caught.value.message
    return caught.value.message


def test_files_that_are_not_vgg_are_refused_in_one_line(tmp_path):
    good = tensors(VGG16, upto=2)
    missing = {name: t for name, t in good.items() if name != "features.2.bias"}
    assert "features.2.bias is missing" in refused(tmp_path, missing)
    wide = {**good, "features.0.weight": torch.zeros(64, 1, 3, 3)}
    assert "features.0.weight is 64x1x3x3 instead of 64x3x3x3" in refused(tmp_path, wide)
    broken = {**good, "features.0.bias": torch.full((64,), float("nan"))}
    assert "NaN" in refused(tmp_path, broken)
    with_batch_norm = {"features.0.weight": good["features.0.weight"],
                       "features.0.bias": good["features.0.bias"],
                       "features.1.weight": torch.ones(64),
                       "features.3.weight": good["features.2.weight"]}  # fmt: skip
    assert "features.2.weight is missing" in refused(tmp_path, with_batch_norm)
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(ModelFileError, match="not a weight file"):
        load_perceptual(tmp_path / "text.pth", layer=2, distance=mse)
    with pytest.raises(ModelFileError, match="is not a file"):
        load_perceptual(tmp_path / "absent.pth", layer=2, distance=mse)


class _Trap:
    """What unpickling would run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_in_the_file_is_run(tmp_path):
    torch.save({**tensors(VGG16, upto=2), "x": _Trap(tmp_path / "ran")}, tmp_path / "vgg.pth")
    with pytest.raises(UnsafeModelError):
        load_perceptual(tmp_path / "vgg.pth", layer=2, distance=mse)
    assert not (tmp_path / "ran").exists()


def test_a_layer_that_vgg_has_not_is_refused(tmp_path):
    torch.save(tensors(VGG16, upto=2), tmp_path / "vgg.pth")
    with pytest.raises(UsageError, match="VGG16 has the layers 0 to 30, not 31"):
        load_perceptual(tmp_path / "vgg.pth", layer=31, distance=mse)


def test_a_picture_that_vanishes_in_the_poolings_is_refused(tmp_path, pictures):
    torch.save(tensors(VGG16, upto=7), tmp_path / "vgg.pth")
    loss = load_perceptual(tmp_path / "vgg.pth", layer=9, distance=mse)
    sr, hr = (x[..., :3, :] for x in pictures)
    with pytest.raises(SizeMismatchError, match="at least 4x4 pixels, not 3x20"):
        loss(sr, hr)
