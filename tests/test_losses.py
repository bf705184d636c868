"""Training losses against hand computation, the metrics, and finite differences."""

import math
from functools import partial

import pytest
import torch
from torch.autograd import gradcheck

from superfine.errors import SizeMismatchError
from superfine.losses import (
    charbonnier,
    l1,
    ms_ssim_loss,
    mse,
    psnr_loss,
    ssim_loss,
    summed,
)
from superfine.metrics import ms_ssim, ssim
from tests.metrics.test_ms_ssim import WEIGHTS, expected, noisy_pair

ALL = {
    "mse": mse,
    "l1": l1,
    "charbonnier": charbonnier,
    "summed": summed(partial(charbonnier, eps=1e-6)),
    "psnr": psnr_loss,
    "ssim": ssim_loss,
    "ms-ssim": ms_ssim_loss,
}


def pictures(*shape, seed=0, noise=0.1, dtype=torch.float32):
    """A truth on [0, 1] and a result near it."""
    draw = torch.Generator().manual_seed(seed)
    hr = torch.rand(*shape, generator=draw, dtype=dtype)
    return hr + noise * torch.randn(*shape, generator=draw, dtype=dtype), hr


def gradient(loss, sr, hr):
    sr = sr.detach().clone().requires_grad_()
    loss(sr, hr).backward()
    return sr.grad


def test_distances_by_hand():
    sr = torch.tensor([[[[0.5, 0.25]]], [[[1.0, 0.0]]]])
    hr = torch.tensor([[[[0.0, 0.0]]], [[[1.0, 1.0]]]])
    assert mse(sr, hr).item() == pytest.approx((0.25 + 0.0625 + 0 + 1) / 4)
    assert l1(sr, hr).item() == pytest.approx((0.5 + 0.25 + 0 + 1) / 4)
    by_hand = sum(math.sqrt(d * d + 0.01) for d in (0.5, 0.25, 0, 1))
    assert charbonnier(sr, hr, eps=0.1).item() == pytest.approx(by_hand / 4)


def test_a_summed_distance_is_the_sum_over_pixels_and_channels_divided_by_the_batch():
    """As SVLRM and LapSRN train: the Charbonnier sum over a batch, divided by its size."""
    sr, hr = pictures(4, 3, 7, 9)
    total = ((sr.double() - hr.double()) ** 2 + 1e-6).sqrt().sum().item()
    assert summed(charbonnier)(sr, hr).item() == pytest.approx(total / 4, rel=1e-6)


def test_psnr_loss_averages_decibels_over_pictures():
    hr = torch.zeros(2, 1, 8, 8, dtype=torch.float64)
    sr = hr + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)  # 20 dB and 40 dB
    assert psnr_loss(sr, hr).item() == pytest.approx(100 - 30, abs=1e-6)


def test_the_gradient_of_psnr_is_the_closed_form():
    """100 + 10·log10(Σd²/n) has the derivative 20 / ln 10 · d / Σd²."""
    sr, hr = pictures(1, 1, 6, 7, dtype=torch.float64)
    d = sr - hr
    assert torch.allclose(gradient(psnr_loss, sr, hr), 20 / math.log(10) * d / d.square().sum())


def test_psnr_of_an_exact_result_is_100_decibels_with_a_finite_gradient():
    hr = torch.rand(2, 1, 8, 8)
    assert psnr_loss(hr, hr).item() == pytest.approx(0.0, abs=1e-5)
    assert gradient(psnr_loss, hr, hr).abs().max().item() == 0.0


@pytest.mark.parametrize("shape", [(2, 1, 11, 30), (3, 3, 24, 17)])
def test_ssim_loss_is_one_minus_the_metric(shape):
    sr, hr = pictures(*shape)
    wanted = 1 - ssim(sr, hr, data_range=1.0).mean().item()
    assert ssim_loss(sr, hr).item() == pytest.approx(wanted, abs=1e-5)


def test_ms_ssim_loss_is_one_minus_the_metric():
    sr, hr = pictures(2, 2, 161, 180)
    wanted = 1 - ms_ssim(sr, hr, data_range=1.0).mean().item()
    assert ms_ssim_loss(sr, hr).item() == pytest.approx(wanted, abs=1e-5)


def test_ms_ssim_loss_of_a_training_patch_has_fewer_scales():
    """64 pixels have three scales; compared with SciPy and scikit-image."""
    a, b = noisy_pair(64, 64)
    weights = WEIGHTS[:3] * (WEIGHTS.sum() / WEIGHTS[:3].sum())
    ours = ms_ssim_loss(torch.from_numpy(a)[None, None], torch.from_numpy(b)[None, None])
    wanted = 1 - expected(a, b, data_range=1.0, weights=weights)
    assert ours.item() == pytest.approx(wanted, abs=1e-10)


def test_ms_ssim_loss_shows_the_way_from_the_opposite_of_the_truth():
    hr = torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    sr = 1 - hr
    first = ms_ssim_loss(sr, hr).item()
    assert first == pytest.approx(1.0, abs=1e-3)
    for _ in range(50):
        slope = gradient(ms_ssim_loss, sr, hr)
        assert slope.isfinite().all()
        sr = sr - 0.02 * slope / slope.abs().max()
    assert ms_ssim_loss(sr, hr).item() < first - 0.01


@pytest.mark.parametrize("name", ALL)
def test_gradients_equal_finite_differences(name):
    side = 22 if name == "ms-ssim" else 12  # two scales
    sr, hr = pictures(2, 1, side, side, dtype=torch.float64)
    # The fast mode compares along one direction that every pixel has a part in.
    assert gradcheck(lambda x: ALL[name](x, hr), sr.requires_grad_(), fast_mode=True)


@pytest.mark.parametrize("name", ["ssim", "ms-ssim"])
def test_gradients_in_float32_are_those_in_float64(name):
    """Also where variances vanish beside the means: a bright, nearly flat picture."""
    sr, hr = pictures(2, 3, 48, 48, noise=0.02)
    sr, hr = 0.9 + 0.02 * sr, 0.9 + 0.02 * hr
    precise = gradient(ALL[name], sr.double(), hr.double())
    error = (gradient(ALL[name], sr, hr) - precise).norm() / precise.norm()
    assert error.item() < 2e-3


@pytest.mark.parametrize("name", ALL)
def test_the_mean_over_parts_of_a_batch_is_the_loss_of_the_batch(name):
    sr, hr = pictures(4, 2, 24, 24)
    sr = sr * torch.tensor([1.0, 0.9, 0.5, 0.2]).view(4, 1, 1, 1)  # pictures of unlike loss
    parts = [ALL[name](sr[i : i + 1], hr[i : i + 1]).item() for i in range(4)]
    assert ALL[name](sr, hr).item() == pytest.approx(sum(parts) / 4, rel=1e-6)


@pytest.mark.parametrize("loss", [ssim_loss, ms_ssim_loss])
def test_a_patch_smaller_than_the_window_is_refused(loss):
    sr, hr = pictures(1, 1, 10, 20)
    with pytest.raises(SizeMismatchError, match="at least 11x11 pixels, not 10x20"):
        loss(sr, hr)
