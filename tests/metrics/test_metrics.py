"""PSNR and SSIM against closed forms and scikit-image."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from superfine.errors import SizeMismatchError
from superfine.metrics import psnr, ssim
from superfine.metrics.ssim import similarity_maps


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
    # More values than are taken together.
    a, b = torch.rand(2, 3, 150, 131, dtype=torch.float64)
    theirs = peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=1.0)
    assert psnr(a, b, data_range=1.0).item() == pytest.approx(theirs, abs=1e-10)


# Smaller than a piece that is scored at once, as large as one, and several pieces of uneven size.
@pytest.mark.parametrize("size", [(11, 12), (40, 33), (58, 522), (59, 523), (150, 600)])
@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_ssim_equals_scikit_image_where_the_window_fits(data_range, size):
    rng = np.random.default_rng(3)
    a = rng.random(size) * data_range
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
    sr, hr = torch.from_numpy(a)[None], torch.from_numpy(b)[None]
    ours = ssim(sr, hr, data_range=data_range)
    assert ours.item() == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-12)
    luminance, structure = similarity_maps(sr, hr, data_range=data_range)
    assert np.abs((luminance * structure)[0].numpy() - full[5:-5, 5:-5]).max() < 1e-10


def test_ssim_of_a_batch_is_the_mean_of_the_channels_of_each_picture():
    a, b = torch.rand(2, 2, 3, 20, 30)
    one_by_one = [[ssim(x[None], y[None], data_range=1.0) for x, y in zip(*p, strict=True)]
                  for p in zip(a, b, strict=True)]  # fmt: skip
    expected = torch.tensor(one_by_one).mean(dim=1)
    assert ssim(a, b, data_range=1.0).tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_ssim_has_the_gradient_of_its_maps():
    a, b = torch.rand(2, 1, 60, 525, dtype=torch.float64)
    a.requires_grad_()
    (ours,) = torch.autograd.grad(ssim(a, b, data_range=1.0), a)
    luminance, structure = similarity_maps(a, b, data_range=1.0)
    (of_maps,) = torch.autograd.grad((luminance * structure).mean(), a)
    assert torch.allclose(ours, of_maps, atol=1e-15, rtol=1e-9)


def test_ssim_of_equal_pictures_is_one_and_is_symmetric():
    a, b = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    assert ssim(a, a, data_range=1.0).tolist() == pytest.approx([1.0, 1.0], abs=1e-12)
    assert torch.allclose(ssim(a, b, data_range=1.0), ssim(b, a, data_range=1.0))


def test_sizes_must_fit():
    with pytest.raises(SizeMismatchError, match="differ in size"):
        psnr(torch.rand(1, 8, 8), torch.rand(1, 8, 9), data_range=1.0)
    with pytest.raises(SizeMismatchError, match="at least 11x11"):
        ssim(torch.rand(1, 10, 20), torch.rand(1, 10, 20), data_range=1.0)


def test_ssim_reads_no_memory_it_has_not_written(monkeypatch):
    """What is left of other tensors in fresh memory, NaN for one, must not get into the sum."""
    empty = torch.Tensor.new_empty
    monkeypatch.setattr(
        torch.Tensor, "new_empty", lambda self, *size: empty(self, *size).fill_(float("nan"))
    )
    a, b = torch.rand(1, 40, 37), torch.rand(1, 40, 37)
    assert torch.isfinite(ssim(a, b, data_range=1.0)).all()
