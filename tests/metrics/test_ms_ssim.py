"""MS-SSIM against a published value and an evaluation with NumPy and SciPy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from superfine.errors import SizeMismatchError
from superfine.metrics import ms_ssim
from superfine.metrics.ms_ssim import scale_weights, scales_that_fit

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def blurred(x):
    # truncate=3.5 with sigma 1.5 gives radius 5: the 11x11 window; kept where it fits.
    return gaussian_filter(x, 1.5, truncate=3.5)[5:-5, 5:-5]


def mean_structure(a, b, data_range):
    """The mean of contrast times structure, from the formulas of the paper."""
    c2 = (0.03 * data_range) ** 2
    covariance = blurred(a * b) - blurred(a) * blurred(b)
    variances = blurred(a * a) - blurred(a) ** 2 + blurred(b * b) - blurred(b) ** 2
    return ((2 * covariance + c2) / (variances + c2)).mean()


def mean_ssim(a, b, data_range):
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, full = structural_similarity(a, b, data_range=data_range, full=True, **options)
    return full[5:-5, 5:-5].mean()


def halved(x):
    x = np.pad(x, [(0, side % 2) for side in x.shape], mode="symmetric")
    return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4


def expected(a, b, *, data_range, weights=WEIGHTS):
    means = []
    for _ in weights[:-1]:
        means.append(mean_structure(a, b, data_range))
        a, b = halved(a), halved(b)
    return np.prod(np.array([*means, mean_ssim(a, b, data_range)]) ** weights)


def noisy_pair(height, width, *, data_range=1.0):
    rng = np.random.default_rng(5)
    a = gaussian_filter(rng.random((height, width)), 2.0)
    a = (a - a.min()) / (a.max() - a.min()) * data_range
    return a, np.clip(a + rng.normal(0, 0.1 * data_range, a.shape), 0, data_range)


def test_the_example_of_torchmetrics():
    """TorchMetrics 1.0 documents tensor(0.9627) for these pictures, the mean over the three."""
    preds = torch.rand([3, 3, 256, 256], generator=torch.Generator().manual_seed(42))
    value = ms_ssim(preds, preds * 0.75, data_range=1.0).mean()
    assert value.item() == pytest.approx(0.9627, abs=5e-5)


@pytest.mark.parametrize(("height", "width"), [(176, 192), (161, 187), (178, 203)])
@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_equals_scipy_and_scikit_image(height, width, data_range):
    a, b = noisy_pair(height, width, data_range=data_range)
    ours = ms_ssim(torch.from_numpy(a)[None], torch.from_numpy(b)[None], data_range=data_range)
    assert ours.item() == pytest.approx(expected(a, b, data_range=data_range), abs=1e-10)


def test_each_picture_is_the_mean_of_its_channels():
    a = torch.rand(2, 3, 161, 170, generator=torch.Generator().manual_seed(1))
    b = (a + 0.2 * a.flip(1)).clamp(max=1)
    channels = [ms_ssim(a[:, i : i + 1], b[:, i : i + 1], data_range=1.0) for i in range(3)]
    whole = ms_ssim(a, b, data_range=1.0)
    assert whole.shape == (2,)
    assert whole.tolist() == pytest.approx(torch.stack(channels).mean(0).tolist(), abs=1e-12)


def test_equal_pictures_give_one_and_opposite_ones_zero():
    a = torch.rand(1, 176, 176, generator=torch.Generator().manual_seed(1))
    assert ms_ssim(a, a, data_range=1.0).item() == pytest.approx(1.0, abs=1e-12)
    assert ms_ssim(a, 1 - a, data_range=1.0).item() == 0.0


def test_the_smaller_side_is_above_160():
    small, enough = torch.rand(1, 160, 400), torch.rand(1, 161, 400)
    with pytest.raises(SizeMismatchError, match="more than 160 pixels on each side, not 160x400"):
        ms_ssim(small, small, data_range=1.0)
    assert ms_ssim(enough, enough, data_range=1.0).item() == pytest.approx(1.0, abs=1e-12)


def test_sizes_must_fit():
    with pytest.raises(SizeMismatchError, match="differ in size"):
        ms_ssim(torch.rand(1, 170, 170), torch.rand(1, 170, 171), data_range=1.0)


@pytest.mark.parametrize(
    ("side", "scales"),
    [(10, 0), (11, 1), (20, 1), (21, 2), (41, 3), (81, 4), (160, 4), (161, 5), (4000, 5)],
)
def test_scales_that_fit(side, scales):
    assert scales_that_fit(side) == scales


def test_fewer_scales_share_the_weight_of_all():
    assert scale_weights(5) == pytest.approx(tuple(WEIGHTS), abs=0)
    assert scale_weights(1) == pytest.approx((1.0001,), abs=1e-12)
    assert scale_weights(3)[1] / scale_weights(3)[0] == pytest.approx(0.2856 / 0.0448)
    assert sum(scale_weights(3)) == pytest.approx(1.0001, abs=1e-12)
