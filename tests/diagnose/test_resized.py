"""An enlargement leaves a trace; a native picture has none."""

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from superfine.diagnose.resized import resized
from superfine.io import read
from superfine.ops.codes import to_unit
from superfine.ops.color import luma
from superfine.ops.degrade import degrade
from superfine.ops.kernels import ellipse, gaussian
from tests.diagnose.scenes import leaves, noisy

METHODS = [
    PillowImage.Resampling.BILINEAR,
    PillowImage.Resampling.BICUBIC,
    PillowImage.Resampling.LANCZOS,
]


@pytest.fixture(scope="module")
def photo():
    return noisy(degrade(leaves(256), gaussian(ellipse(0.8, 0.8, 0.0), scale=1)), 1.0)


def enlarged(picture, factor, method):
    size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    made = PillowImage.fromarray(picture.byte().numpy()).resize(size, method)
    return torch.from_numpy(np.array(made)).float()


# Lanczos leaves the weakest line, below 2 too weak for a scene this small and sharp.
CASES = [(f, m) for f in (1.25, 1.5, 2.0, 3.0, 4.0) for m in METHODS if f >= 2 or m != METHODS[2]]


@pytest.mark.parametrize(("factor", "method"), CASES)
def test_the_factor_is_found(photo, factor, method):
    found = resized(enlarged(photo, factor, method), blocks=False)
    assert found is not None
    assert found.line > 8
    assert found.factor == pytest.approx(factor, rel=0.02)


def test_native_and_shrunk_pictures_have_no_trace(photo):
    assert resized(photo, blocks=False) is None
    assert resized(enlarged(photo, 0.6, METHODS[1]), blocks=False) is None


@pytest.mark.parametrize("value", [0.0, 255.0])
def test_a_flat_picture_has_no_trace(value):
    assert resized(torch.full((200, 200), value), blocks=False) is None


@pytest.mark.parametrize("shape", [(1, 1), (63, 400)])
def test_small_pictures_are_not_judged(shape):
    assert resized(torch.zeros(shape), blocks=False) is None


def test_a_wide_flat_border_does_not_hide_the_trace(photo):
    large = torch.full((900, 900), 40.0)
    large[150:662, 150:662] = enlarged(photo, 2, METHODS[1])
    found = resized(large, blocks=False)
    assert found is not None
    assert found.factor == 2


@pytest.mark.data
def test_photos_of_the_benchmark_are_native(data_root):
    photos = sorted((data_root / "testsets" / "B100").iterdir())[:20]
    found = [resized(255 * luma(to_unit(read(p).pixels))[0], blocks=False) for p in photos]
    assert found == [None] * 20
