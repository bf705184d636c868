"""The same kind of value comes out as went in, and nothing of it is lost on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from PIL import ImageCms

from superfine.errors import UsageError
from superfine.io.arrays import from_python
from superfine.types import Image
from tests.corpus import bytes as raw


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.float16])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
def test_numpy_comes_back_as_it_was(shape: tuple[int, ...], dtype: type) -> None:
    codes = np.random.default_rng(0).random(shape).astype(np.float32)
    array = codes.astype(dtype) if np.dtype(dtype).kind == "f" else (codes * 255).astype(dtype)
    images, back = from_python(array)
    assert images[0].grey == (len(shape) == 2 or shape[2] < 3)
    assert (images[0].alpha is not None) == (len(shape) == 3 and shape[2] in (2, 4))
    result = back(images)
    assert isinstance(result, np.ndarray)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, array)


def test_flipped_and_big_endian_arrays_are_read_in_order() -> None:
    array = raw.noise(5, 7, 3, np.uint16)
    images, _ = from_python(array[::-1, ::-1])
    assert images[0].pixels[:, 0, 0].tolist() == array[-1, -1].tolist()
    images, _ = from_python(array.astype(">u2"))
    assert images[0].pixels[:, 0, 0].tolist() == array[0, 0].tolist()


@pytest.mark.parametrize("shape", [(1, 4, 5), (3, 4, 5), (4, 4, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32, torch.float64])
def test_torch_comes_back_as_it_was(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    values = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    tensor = values.to(dtype) if dtype.is_floating_point else (values * 255).int().to(dtype)
    images, back = from_python(tensor)
    assert len(images) == (shape[0] if len(shape) == 4 else 1)
    result = back(images)
    assert isinstance(result, torch.Tensor)
    assert result.dtype == dtype
    assert torch.equal(result.double(), tensor.double())


@pytest.mark.parametrize(
    ("mode", "becomes"),
    [
        ("1", "L"),
        ("L", "L"),
        ("LA", "LA"),
        ("P", "RGB"),
        ("RGB", "RGB"),
        ("RGBA", "RGBA"),
        ("CMYK", "RGB"),
        ("I;16", "I;16"),
    ],
)
def test_pillow_comes_back_as_pillow(mode: str, becomes: str) -> None:
    if mode == "I;16":
        picture = PillowImage.fromarray(raw.noise(6, 8, 1, np.uint16)[..., 0])
    else:
        picture = PillowImage.fromarray(raw.noise(6, 8, 3)).convert(mode)
    images, back = from_python(picture)
    result = back(images)
    assert isinstance(result, PillowImage.Image)
    assert result.mode == becomes
    expected = picture if mode == becomes else picture.convert(becomes)
    np.testing.assert_array_equal(np.asarray(result), np.asarray(expected))


def test_pillow_keeps_its_profile_and_resolution() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = PillowImage.fromarray(raw.noise(6, 8, 3))
    picture.info.update(icc_profile=profile, dpi=(300, 300))
    images, back = from_python(picture)
    result = back(images)
    assert isinstance(result, PillowImage.Image)
    assert result.info["icc_profile"] == profile
    assert result.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_a_path_gives_back_an_image(tmp_path: Path) -> None:
    path = raw.write(tmp_path, "a.png", raw.png_of(raw.noise(6, 8, 3)))
    for value in (path, str(path)):
        images, back = from_python(value)
        assert isinstance(back(images), Image)


def test_lists_come_back_as_lists_of_the_same_kinds() -> None:
    value = [raw.noise(4, 4, 3), torch.zeros(2, 3, 4, 4), PillowImage.new("L", (4, 4))]
    images, back = from_python(value)
    assert len(images) == 4
    result = back(images)
    assert isinstance(result, list)
    assert [type(one) for one in result] == [np.ndarray, torch.Tensor, PillowImage.Image]


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        {"a": 1},
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 4), np.int32),
        np.full((4, 4), 1.5),
        np.full((4, 4), np.nan),
        torch.zeros(4, 4),
        torch.zeros(3, 4, 4, dtype=torch.int64),
        torch.full((3, 4, 4), -0.1),
        PillowImage.new("F", (4, 4)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_picture_is_one_clear_error(value: object) -> None:
    with pytest.raises(UsageError) as caught:
        from_python(value)
    assert caught.value.hint
