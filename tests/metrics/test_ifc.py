"""IFC against the tables of the SelfExSR authors, picture by picture; VIF against closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from superfine.benchmark.protocol import find_protocol
from superfine.data.folders import read_all
from superfine.errors import SizeMismatchError
from superfine.metrics import ifc, vif
from superfine.metrics.steerable import oriented_bands

# Bicubic on Set5 (baby, bird, butterfly, head, woman), scale -> IFC, and their mean.
SET5 = {
    2: ((5.920, 6.027, 5.808, 5.286, 5.537), 5.7156),
    3: ((3.613, 3.748, 3.484, 3.068, 3.351), 3.4528),
    4: ((2.413, 2.456, 2.318, 1.972, 2.234), 2.2787),
}


def textures(height=70, width=91, *, seed=0):
    noise = np.random.default_rng(seed).random((1, height, width))
    smooth = ndimage.gaussian_filter(noise, (0, 1.5, 1.5))
    return torch.from_numpy(255 * (smooth - smooth.min()) / np.ptp(smooth))


def noise_like(x, *, seed=1):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(x.shape, generator=draw, dtype=x.dtype)


def terms(x, y, window):
    """Gain, noise and energy of each block and the eigenvalues, as the authors' code has them."""
    height, width = (side // 3 * 3 for side in x.shape)
    x, y = x[:height, :width], y[:height, :width]
    count = window**2

    def sums(values):
        return ndimage.correlate(values, np.ones((window, window)), mode="mirror")[1::3, 1::3]

    spread_x, spread_y = (np.maximum(sums(v * v) - sums(v) ** 2 / count, 0) for v in (x, y))
    together = sums(x * y) - sums(x) * sums(y) / count
    gain = together / (spread_x + 1e-15)
    noise = (spread_y - gain * together) / count
    noise[gain < 0], gain[gain < 0] = spread_y[gain < 0], 0

    blocks = np.lib.stride_tricks.sliding_window_view(x, (3, 3))
    covariance = np.cov(blocks.reshape(-1, 9).T, bias=True)
    own = blocks[::3, ::3].reshape(height // 3, width // 3, 9)
    energy = np.einsum("pqi,ij,pqj->pq", own, np.linalg.inv(covariance), own) / 9
    edge = math.ceil((window // 2) / 3)
    inside = (slice(edge, -edge), slice(edge, -edge))
    return gain[inside], noise[inside], energy[inside], np.linalg.eigvalsh(covariance)


def by_hand(sr, hr):
    """IFC and VIF from the formulas, with SciPy."""
    shared, kept, held = 0.0, 0.0, 0.0
    pyramids = zip(oriented_bands(hr), oriented_bands(sr), (17, 9, 5, 3), strict=True)
    for truth, restored, window in pyramids:
        for x, y in zip(truth[0].numpy(), restored[0].numpy(), strict=True):
            gain, noise, energy, variances = terms(x, y, window)
            for variance in variances:
                signal = gain**2 * energy * variance
                shared += np.log2(1 + signal / (noise + 1e-10)).sum()
                kept += np.log2(1 + signal / (noise + 0.4)).sum()
                held += np.log2(1 + energy * variance / 0.4).sum()
    return shared / hr.numel(), kept / held


@pytest.mark.data
@pytest.mark.parametrize("scale", SET5)
def test_the_seeds_bicubic_row_picture_by_picture(data_root, scale):
    """The authors print three digits of a picture and four of the mean."""
    protocol = find_protocol("seed-zoo")
    values = []
    for picture in read_all([data_root / "testsets" / "Set5"]):
        hr = protocol.crop(picture, scale)
        sr = protocol.bicubic(protocol.lr(hr, scale), scale)
        x, y = (protocol.luma(p)[..., scale:-scale, scale:-scale].double() for p in (sr, hr))
        values.append(ifc(x, y, data_range=255.0).item())
    each, mean = SET5[scale]
    assert values == pytest.approx(each, abs=1e-3)
    assert np.mean(values) == pytest.approx(mean, abs=1e-4)


@pytest.mark.parametrize(("height", "width"), [(70, 91), (65, 128)])
def test_both_equal_the_formulas(height, width):
    hr = textures(height, width)
    sr = 0.9 * hr + 4 * noise_like(hr)
    expected_ifc, expected_vif = by_hand(sr, hr)
    assert ifc(sr, hr, data_range=255.0).item() == pytest.approx(expected_ifc, rel=1e-9)
    assert vif(sr, hr, data_range=255.0).item() == pytest.approx(expected_vif, rel=1e-9)


@pytest.mark.parametrize("metric", [ifc, vif])
def test_more_noise_is_worse_and_the_range_does_not_matter(metric):
    hr = textures()
    values = [metric(hr + s * noise_like(hr), hr, data_range=255.0) for s in (1, 4, 16)]
    assert values[0] > values[1] > values[2] > 0
    unit = metric((hr + noise_like(hr)) / 255, hr / 255, data_range=1.0)
    assert unit.item() == pytest.approx(values[0].item(), rel=1e-9)


def test_vif_is_one_when_equal_and_more_with_more_contrast():
    hr = textures()
    assert vif(hr, hr, data_range=255.0).item() == pytest.approx(1, abs=1e-9)
    assert vif(1.2 * hr, hr, data_range=255.0).item() > 1
    assert vif(0.8 * hr, hr, data_range=255.0).item() < 1


@pytest.mark.parametrize("metric", [ifc, vif])
def test_flat_pictures_share_nothing(metric):
    hr = textures()
    flat = torch.full_like(hr, 100)
    for sr, truth in ((flat, hr), (hr, flat), (flat, flat)):
        assert metric(sr, truth, data_range=255.0).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("metric", [ifc, vif])
def test_each_picture_is_the_mean_of_its_channels(metric):
    hr = torch.stack([textures(seed=s).expand(2, -1, -1).clone() for s in (0, 1)])
    sr = hr + 3 * noise_like(hr)
    whole = metric(sr, hr, data_range=255.0)
    one_by_one = [
        [metric(x[None], y[None], data_range=255.0).item() for x, y in zip(a, b, strict=True)]
        for a, b in zip(sr, hr, strict=True)
    ]
    assert whole.tolist() == pytest.approx(np.mean(one_by_one, axis=1).tolist(), rel=1e-9)


@pytest.mark.parametrize("metric", [ifc, vif])
def test_sizes_must_fit(metric):
    with pytest.raises(SizeMismatchError, match="differ in size"):
        metric(torch.rand(1, 70, 70), torch.rand(1, 70, 71), data_range=1.0)
    with pytest.raises(SizeMismatchError, match="at least 65 pixels on each side, not 64x90"):
        metric(torch.rand(1, 64, 90), torch.rand(1, 64, 90), data_range=1.0)
