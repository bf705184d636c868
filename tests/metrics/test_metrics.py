"""PSNR and SSIM against closed forms and scikit-image."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from superfine.metrics import psnr, ssim


def test_psnr_of_a_uniform_error_of_one_tenth_is_twenty_decibels():
    hr = torch.zeros(3, 8, 8, dtype=torch.float64)
    assert psnr(hr + 0.1, hr, data_range=1.0).item() == pytest.approx(20.0, abs=1e-12)


def test_psnr_of_equal_pictures_is_infinite():
    hr = torch.rand(1, 8, 8)
    assert psnr(hr, hr, data_range=1.0).item() == float("inf")


def test_a_wrong_range_costs_48_decibels():
    a, b = torch.rand(1, 9, 9), torch.rand(1, 9, 9)
    assert (psnr(a, b, data_range=255.0) - psnr(a, b, data_range=1.0)).item() == pytest.approx(
        48.1308, abs=1e-4
    )


def test_psnr_of_a_batch_is_per_picture():
    a, b = torch.rand(4, 3, 9, 9), torch.rand(4, 3, 9, 9)
    each = [psnr(x, y, data_range=1.0).item() for x, y in zip(a, b, strict=True)]
    assert psnr(a, b, data_range=1.0).tolist() == pytest.approx(each, abs=1e-12)


def test_psnr_equals_scikit_image():
    a, b = torch.rand(3, 20, 31, dtype=torch.float64), torch.rand(3, 20, 31, dtype=torch.float64)
    theirs = peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=1.0)
    assert psnr(a, b, data_range=1.0).item() == pytest.approx(theirs, abs=1e-10)


@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_ssim_equals_scikit_image_where_the_window_fits(data_range):
    rng = np.random.default_rng(3)
    a = rng.random((40, 33)) * data_range
    b = np.clip(a + rng.normal(0, 0.1 * data_range, a.shape), 0, data_range)
    # truncate=3.5 with sigma 1.5 gives radius 5: the 11x11 window.
    _, full = structural_similarity(
        a,
        b,
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    ours = ssim(torch.from_numpy(a)[None], torch.from_numpy(b)[None], data_range=data_range)
    assert ours.item() == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-10)


def test_ssim_of_equal_pictures_is_one_and_is_symmetric():
    a, b = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    assert ssim(a, a, data_range=1.0).tolist() == pytest.approx([1.0, 1.0], abs=1e-12)
    assert torch.allclose(ssim(a, b, data_range=1.0), ssim(b, a, data_range=1.0))


def test_sizes_must_fit():
    with pytest.raises(ValueError, match="differ in size"):
        psnr(torch.rand(1, 8, 8), torch.rand(1, 8, 9), data_range=1.0)
    with pytest.raises(ValueError, match="at least 11x11"):
        ssim(torch.rand(1, 10, 20), torch.rand(1, 10, 20), data_range=1.0)
