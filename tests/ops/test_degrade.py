"""LR from sharp pictures: the definition, the adjoint, and the recipes of the field."""

import numpy as np
import pytest
import torch

from superfine.ops.degrade import Degradation, degrade, degrade_adjoint, div2krk, gaussian8
from superfine.ops.kernel_shapes import isotropic
from superfine.ops.kernels import axes, bicubic_kernel, covariance, offset
from superfine.types import Kernel


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def some_kernel(height, width, scale, anchor):
    values = noise(height, width) - 0.2
    return Kernel(values / values.sum(), scale, anchor)


def test_it_is_the_sum_of_the_definition():
    """That of `Kernel`, on a picture that is mirrored with its edge repeated: cba|abc|cba."""
    kernel = some_kernel(3, 6, 2, (1, 4))
    picture = noise(7, 5)
    mirror = np.pad(picture.numpy(), 10, mode="symmetric")
    expected = torch.tensor(
        [
            [
                sum(
                    float(kernel.values[a, b]) * mirror[10 + 2 * i + a - 1, 10 + 2 * j + b - 4]
                    for a in range(3)
                    for b in range(6)
                )
                for j in range(3)
            ]
            for i in range(4)
        ]
    )
    torch.testing.assert_close(degrade(picture, kernel), expected.double())


@pytest.mark.parametrize("anchor", [(1, 4), (-3, 9)])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(31, 22), (4, 5), (1, 1)])
def test_the_adjoint_is_exact(size, scale, anchor):
    kernel = some_kernel(7, 6, scale, anchor)
    x = noise(2, *size)
    y = torch.randn_like(degrade(x, kernel))
    left = (degrade(x, kernel) * y).sum()
    right = (x * degrade_adjoint(y, kernel, size)).sum()
    assert float(left) == pytest.approx(float(right), abs=1e-10)


def test_the_adjoint_of_another_size_is_refused():
    with pytest.raises(ValueError, match="degraded"):
        degrade_adjoint(noise(4, 4), bicubic_kernel(2), (10, 8))


def test_gradients_are_the_adjoint():
    kernel = isotropic(1.2, scale=2)
    x = noise(1, 12, 14).requires_grad_()
    y = noise(1, 6, 7)
    (degrade(x, kernel) * y).sum().backward()
    torch.testing.assert_close(x.grad, degrade_adjoint(y, kernel, (12, 14)))


def test_bands_equal_the_whole(monkeypatch):
    kernel = isotropic(1.5, scale=2)
    picture = noise(3, 41, 37)
    whole = degrade(picture, kernel)
    monkeypatch.setattr("superfine.ops.degrade._IN_WORK", 1)
    torch.testing.assert_close(degrade(picture, kernel), whole)


def test_the_first_kernels_of_div2krk_are_what_seed_0_draws():
    """Two variances, an angle and 121 values for each kernel, one kernel after the other."""
    rng = np.random.default_rng(0)
    first, second = div2krk(rng, 2), div2krk(rng, 2)
    assert first.recipe == "div2krk x2: variances 3.4026 and 1.7871, angle 0.1287"
    assert second.recipe == "div2krk x2: variances 1.7390 and 1.6634, angle 2.7901"
    # Cut off at 11x11 and uneven by a quarter, but still the ellipse that was drawn.
    wide, narrow, angle = axes(covariance(first.kernel.values))
    assert wide == pytest.approx(3.40, rel=0.1)
    assert narrow == pytest.approx(1.79, rel=0.1)
    assert angle == pytest.approx(0.13, abs=0.15)


@pytest.mark.parametrize(("scale", "size", "anchor"), [(2, 11, 5), (4, 31, 15)])
def test_div2krk_kernels_move_nothing(scale, size, anchor):
    rng = np.random.default_rng(7)
    for _ in range(20):
        kernel = div2krk(rng, scale).kernel
        assert kernel.values.shape == (size, size)
        assert kernel.anchor == (anchor, anchor)
        assert offset(kernel) == pytest.approx((0, 0), abs=1e-4)


def test_there_is_no_div2krk_x3():
    with pytest.raises(ValueError, match="x2 and x4"):
        div2krk(np.random.default_rng(0), 3)


@pytest.mark.parametrize(("scale", "sigmas"), [(2, (0.8, 1.6)), (3, (1.35, 2.4)), (4, (1.8, 3.2))])
def test_gaussian8_goes_from_narrow_to_wide(scale, sigmas):
    # Bicubic adds no variance: what is left is that of the Gaussian.
    widths = [axes(covariance(gaussian8(i, scale).kernel.values))[0] ** 0.5 for i in range(8)]
    # The widest are cut off a little by their 21x21 values.
    assert (widths[0], widths[7]) == pytest.approx(sigmas, abs=0.02)
    assert widths == sorted(widths)
    assert offset(gaussian8(3, scale).kernel) == pytest.approx((0, 0), abs=1e-9)
    with pytest.raises(ValueError, match="0 to 7"):
        gaussian8(8, scale)


def test_a_degradation_is_replayable_and_makes_codes():
    how = Degradation(bicubic_kernel(2), noise_sigma=10 / 255, noise_seed=3)
    picture = noise(3, 40, 44)
    lr = how.apply(picture)
    assert torch.equal(lr, how.apply(picture))
    torch.testing.assert_close(255 * lr, (255 * lr).round())
    clean = Degradation(bicubic_kernel(2)).apply(picture)
    assert float((lr - clean).std()) == pytest.approx(10 / 255, rel=0.1)
    assert float((clean - degrade(picture, how.kernel).clamp(0, 1)).abs().max()) <= 0.5001 / 255
