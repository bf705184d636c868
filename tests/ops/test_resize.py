"""MATLAB's imresize: against pictures MATLAB made, and against a direct evaluation."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from superfine.ops.resize import (
    Border,
    Method,
    imresize,
    imresize_uint8,
    output_size,
    plan_axes,
    resize_axes,
    taps,
)

METHODS: tuple[Method, ...] = ("bicubic", "bilinear", "lanczos3", "box", "nearest")


def picture(path):
    """A picture decoded by Pillow, independent of our own reader: (c, h, w) uint8."""
    values = np.array(PillowImage.open(path))
    return torch.from_numpy(values[..., None] if values.ndim == 2 else values).permute(2, 0, 1)


@pytest.mark.data
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("dataset", ["Set5", "Set14"])
def test_uint8_form_equals_the_pictures_matlab_made(data_root, dataset, scale):
    files = sorted((data_root / "testsets" / dataset).glob("*.png"))
    assert len(files) == {"Set5": 5, "Set14": 14}[dataset]
    for file in files:
        hr = picture(file)
        hr = hr[:, : hr.shape[1] // scale * scale, : hr.shape[2] // scale * scale]
        matlab = picture(
            data_root / f"testsets/MATLAB_LR/{dataset}/X{scale}/{file.stem}x{scale}.png"
        )
        ours = imresize_uint8(hr, scale=Fraction(1, scale))
        assert torch.equal(ours, matlab), file.name


def kernel_of(method: str, x: float) -> float:
    """The textbook kernels, one value at a time in plain Python."""
    a = abs(x)
    if method == "bicubic":
        if a <= 1:
            return 1.5 * a**3 - 2.5 * a**2 + 1
        return -0.5 * a**3 + 2.5 * a**2 - 4 * a + 2 if a <= 2 else 0.0
    if method == "bilinear":
        return max(0.0, 1 - a)
    if method == "lanczos3":
        if a >= 3:
            return 0.0
        return (
            1.0
            if a == 0
            else 3 * math.sin(math.pi * a) * math.sin(math.pi * a / 3) / (math.pi * a) ** 2
        )
    return 1.0 if -0.5 <= x < 0.5 else 0.0


def direct(row: list[float], size: int, scale: float, method: str, antialias: bool, border: str):
    """One row resized straight from the definition, in float64, with no shared code."""
    n = len(row)
    width = {"bicubic": 4, "bilinear": 2, "lanczos3": 6, "box": 1, "nearest": 1}[method]
    stretch = scale if antialias and scale < 1 and method != "nearest" else 1.0
    out = []
    for i in range(size):
        centre = (i + 1) / scale + 0.5 * (1 - 1 / scale)  # 1-based, as MATLAB counts
        left = math.floor(centre - width / stretch / 2)
        total = weight_sum = 0.0
        for j in range(left, left + math.ceil(width / stretch) + 2):
            weight = stretch * kernel_of(method, stretch * (centre - j))
            k = j - 1
            if border == "replicate":
                k = min(max(k, 0), n - 1)
            else:
                k %= 2 * n
                k = k if k < n else 2 * n - 1 - k
            total += weight * row[k]
            weight_sum += weight
        out.append(total / weight_sum)
    return out


@settings(deadline=None, max_examples=150)
@given(
    size=st.integers(1, 23),
    scale=st.sampled_from([0.25, 1 / 3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 2.37]),
    method=st.sampled_from(METHODS),
    antialias=st.booleans(),
    border=st.sampled_from(["symmetric", "replicate"]),
    seed=st.integers(0, 99),
)
def test_float_form_equals_a_direct_evaluation(size, scale, method, antialias, border, seed):
    row = torch.rand(1, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    out = math.ceil(round(size * scale, 9))
    ours = imresize(row, scale=scale, method=method, antialias=antialias, border=border)
    # A single row keeps its one sample when shrunk, so only the columns are compared.
    expected = direct(row[0].tolist(), out, scale, method, antialias, border)
    assert ours.shape[-1] == out
    assert ours[0].tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("size", "scale", "expected"), [(7, 1 / 3, 3), (9, 1 / 3, 3), (10, 0.7, 7)]
)
def test_output_size_is_matlabs_ceiling(size, scale, expected):
    assert output_size(size, scale) == expected


@pytest.mark.parametrize("method", METHODS)
def test_a_flat_picture_stays_flat(method):
    flat = torch.full((2, 9, 11), 0.3, dtype=torch.float64)
    for size in ((4, 5), (9, 11), (31, 22)):
        assert imresize(flat, size=size, method=method).sub(0.3).abs().max() < 1e-12


def test_the_gradient_is_right():
    x = torch.rand(1, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: imresize(t, scale=0.6), (x,))
    assert torch.autograd.gradcheck(lambda t: imresize(t, size=(9, 13)), (x,))


def test_uint8_rounds_half_up_after_each_pass():
    # 2x2 box of 0 1 / 1 1: the rows give 0.5 1 -> 1 1, the columns 1. One pass would give 0.75.
    x = torch.tensor([[[0, 1], [1, 1]]], dtype=torch.uint8)
    assert imresize_uint8(x, scale=0.5, method="box").item() == 1
    # 0 0 / 1 0: the rows give 0.5 0 -> 1 0, the columns 0.5 -> 1, although the mean is 0.25.
    x = torch.tensor([[[0, 0], [1, 0]]], dtype=torch.uint8)
    assert imresize_uint8(x, scale=0.5, method="box").item() == 1


@pytest.mark.parametrize("border", ["symmetric", "replicate"])
@pytest.mark.parametrize("size", [(50, 70), (17, 23), (61, 20)])
def test_a_window_equals_its_part_of_the_whole(border: Border, size):
    x = torch.rand(2, 37, 41, dtype=torch.float64)
    whole = imresize(x, size=size, border=border)
    rows, columns = plan_axes((37, 41), size=size, border=border)
    r, top, bottom = rows.window(5, 14)
    c, left, right = columns.window(3, 20)
    part = resize_axes(x[:, top:bottom, left:right], r, c)
    assert torch.equal(part, whole[:, 5:14, 3:20])


def test_taps_sum_to_one():
    for method in METHODS:
        weight = taps(10, 23, scale=2.3, method=method).weight
        assert weight.sum(dim=1).sub(1).abs().max() < 1e-14


def test_scale_and_size_together_are_refused():
    with pytest.raises(ValueError, match="either scale or size"):
        imresize(torch.rand(1, 4, 4), scale=2, size=(8, 8))
    with pytest.raises(ValueError, match="positive"):
        imresize(torch.rand(1, 4, 4), scale=-1)
