"""`upscale_blind`: corrected where that helps, left alone where not, for pictures of every kind."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import superfine
from superfine.blind.believed import given_kernel
from superfine.blind.check import Check, checked, worth_it
from superfine.blind.result import BlindOptions
from superfine.blind.upscale import restore
from superfine.demo import PHOTO
from superfine.diagnose import diagnose
from superfine.errors import PictureError, UnknownNameError, UsageError
from superfine.io import read
from superfine.io.kernels import write_kernel
from superfine.metrics import psnr
from superfine.ops.codes import to_codes, to_unit
from superfine.ops.color import luma
from superfine.ops.degrade import degrade
from superfine.ops.kernel_shapes import anisotropic
from superfine.ops.kernels import covariance
from superfine.ops.resize import imresize
from superfine.types import Image

BLUR = anisotropic(1.9, 1.2, 0.6, scale=2)
PLAIN = BlindOptions()


def sharp():
    return to_unit(read(PHOTO).pixels)[:, 40:296, 100:356]


def taken(kernel=BLUR, dtype=torch.uint8):
    return Image(to_codes(degrade(sharp(), kernel), dtype))


def decibels(image: Image) -> float:
    edge = (..., slice(4, -4), slice(4, -4))
    ours, true = (luma(x.expand(3, -1, -1)) for x in (to_unit(image.pixels), sharp()))
    return float(psnr(ours[edge], true[edge], data_range=1.0))


def test_a_blurred_photo_is_corrected_and_comes_out_sharper():
    found = restore(taken(), PLAIN)
    assert found.method == "correction"
    assert found.sentences[0].startswith("Corrected: ")
    assert decibels(found.picture) > decibels(found.plain) + 1.0
    assert found.residual[1] < 0.5 * found.residual[0]
    wide = covariance(found.kernel.values).trace()
    assert wide == pytest.approx(float(covariance(BLUR.values).trace()), rel=0.3)
    assert found.corrected.pixels.shape == taken().pixels.shape
    assert found.check.gain > 0.5


def test_a_photo_that_bicubic_shrunk_is_left_alone():
    shrunk = Image(to_codes(imresize(sharp(), scale=1 / 2), torch.uint8))
    found = restore(shrunk, PLAIN)
    assert found.method == "plain"
    assert found.corrected is None
    assert found.sentences == ("Bicubic is fine here: there is no blur to correct.",)
    assert torch.equal(found.picture.pixels, superfine.upscale(shrunk, scale=2).pixels)


def test_what_shows_no_blur_is_left_alone():
    codes = torch.randint(0, 256, (3, 64, 64), generator=torch.Generator().manual_seed(0))
    found = restore(Image(codes.to(torch.uint8)), PLAIN)
    assert (found.method, found.kernel, found.residual) == ("plain", None, None)
    assert "not told" in found.sentences[0]


@pytest.mark.parametrize("words", ["gauss:1.9,1.2,34.4", "file"])
def test_a_kernel_that_is_given_is_believed(words, tmp_path):
    if words == "file":
        write_kernel(BLUR, tmp_path / "kernel.mat")
        words = str(tmp_path / "kernel.mat")
    found = restore(taken(), replace(PLAIN, kernel=words))
    assert found.method == "correction"
    assert found.sentences == ("Corrected for the kernel that was given.",)
    assert (covariance(found.kernel.values) - covariance(BLUR.values)).abs().max() < 0.02
    assert decibels(found.picture) > decibels(found.plain) + 1.0


@pytest.mark.parametrize("method", ["kernelgan", "darsr"])
def test_methods_that_learn_are_as_good_and_the_same_twice(method):
    options = replace(PLAIN, method=method, steps=3, seed=5)
    told = []
    found, again = (restore(taken(), options, watch=told.append) for _ in range(2))
    assert (found.method, found.steps, len(told)) == (method, 3, 6)
    assert torch.equal(found.picture.pixels, again.picture.pixels)
    assert decibels(found.picture) > decibels(found.plain) + 0.8


def test_a_method_that_is_stopped_goes_on_with_what_it_has():
    told = []
    options = replace(PLAIN, method="darsr", steps=50)
    found = restore(taken(), options, watch=told.append, should_stop=lambda: len(told) >= 2)
    assert found.steps == 2
    assert decibels(found.picture) > decibels(found.plain) + 0.8
    assert restore(taken(), replace(options, budget=1e-9)).steps == 0


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("transparent", [False, True])
def test_every_kind_of_picture_keeps_its_kind(dtype, channels, transparent):
    colours = degrade(sharp(), BLUR)[:channels]
    alpha = torch.ones(1, 128, 128)
    alpha[:, :40] = 0
    picture = Image(to_codes(colours, dtype), alpha=to_codes(alpha, dtype) if transparent else None)
    found = restore(picture, replace(PLAIN, kernel="gauss:1.9,1.2,34.4"))
    for made in (found.picture, found.plain):
        assert made.pixels.dtype == dtype
        assert made.pixels.shape == (channels, 256, 256)
        assert (made.alpha is None) is not transparent
    assert found.corrected.pixels.dtype == dtype


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (17, 40)])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_tiny_pictures_work(size, scale):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = superfine.upscale_blind(picture, scale=scale)
    assert found.picture.pixels.shape == (3, size[0] * scale, size[1] * scale)
    assert found.method == "plain"
    given = superfine.upscale_blind(picture, scale=scale, kernel="gauss:2")
    assert given.method == "correction"


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"scale": 5}, UsageError, "A scale of 5"),
        ({"method": "sharpen"}, UnknownNameError, "sharpen"),
        ({"method": "darsr", "scale": 3}, UsageError, "darsr does not know x3"),
        ({"steps": 0}, UsageError, "0 steps are none"),
        ({"budget": 0}, UsageError, "is no time"),
        ({"kernel": "gauss:"}, UsageError, "one or two standard deviations"),
        ({"kernel": "gauss:1,2,3,4"}, UsageError, "one or two standard deviations"),
        ({"kernel": "gauss:-1"}, UsageError, "one or two standard deviations"),
        ({"kernel": "gauss:nan"}, UsageError, "one or two standard deviations"),
        ({"kernel": "gauss:1,1,inf"}, UsageError, "is no angle"),
        ({"kernel": "none.mat"}, UsageError, "no such file"),
        ({"kernel": str(PHOTO)}, PictureError, "a kernel is grey"),
        ({"model": "fsrcnn-x3"}, UsageError, "enlarges x3, not x2"),
    ],
)
def test_what_is_refused(options, error, said):
    with pytest.raises(error, match=said):
        superfine.upscale_blind(np.zeros((40, 40), np.uint8), **options)


def test_two_pictures_are_refused():
    with pytest.raises(UsageError, match="2 pictures"):
        superfine.upscale_blind([np.zeros((9, 9), np.uint8)] * 2)


def test_the_angle_is_from_the_rows_downwards():
    right, down = (
        covariance(given_kernel(words, scale=2, convention="aligned").values)
        for words in ("gauss:3,1,0", "gauss:3,1,90")
    )
    assert right[1, 1] > 8 * right[0, 0]
    assert down[0, 0] > 8 * down[1, 1]


def enlarge(x):
    return imresize(x, scale=2)


def test_correcting_helps_only_where_there_was_blur():
    found = checked(luma(sharp()), BLUR, enlarge, dtype=torch.uint8)
    assert found.gain > 0.5
    assert found.loss > 0.5
    assert found.squares == 1
    assert checked(torch.rand(1, 20, 90), BLUR, enlarge, dtype=torch.uint8) is None


def test_a_blur_is_corrected_only_where_it_is_likely_enough():
    blur = diagnose(taken(), scale=2).blur
    assert worth_it(blur, Check(1.0, 5.0, 4))[0]
    assert not worth_it(blur, Check(0.01, 0.0, 4))[0]
    assert not worth_it(replace(blur, error=50.0), Check(1.0, 5.0, 4))[0]
    assert not worth_it(replace(blur, bicubic=True), Check(9.0, 0.0, 4))[0]
    assert not worth_it(replace(blur, trusted=False, why="x"), Check(9.0, 0.0, 4))[0]
    assert not worth_it(blur, None)[0]
