"""KernelGAN: same seed same bytes, kernels recovered, its geometry at x4, and the public errors."""

import pytest
import torch

from superfine.blind.game import Rules
from superfine.blind.kernelgan import THE_SEED, KernelGanPlan, kernelgan, largest
from superfine.blind.mends import AS_THE_SEED
from superfine.ops.kernels import covariance, gaussian, offset
from tests.blind.scenes import WIDE, taken

SHORT = KernelGanPlan(steps=25)


def test_same_seed_same_bytes_and_no_global_state():
    lr = taken()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    kernels = [kernelgan(lr, scale=2, start=WIDE, seed=s, plan=SHORT) for s in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(kernels[0].values, kernels[1].values)
    assert not torch.equal(kernels[0].values, kernels[2].values)


def test_a_stopped_run_is_the_beginning_of_a_longer_one():
    steps, told = [], []

    def watch(step):
        told.append(step)
        steps.append(step.number)

    lr = taken()
    stopped = kernelgan(
        lr, scale=2, start=WIDE, plan=SHORT, watch=watch, should_stop=lambda: len(steps) == 6
    )
    short = kernelgan(lr, scale=2, start=WIDE, plan=KernelGanPlan(steps=6))
    assert steps == [1, 2, 3, 4, 5, 6]
    assert torch.equal(stopped.values, short.values)
    assert {"gan", "discriminator", "pull", "sum"} <= set(told[0].losses)
    assert told[0].of == 25


@pytest.mark.parametrize("scale", [2, 4])
def test_a_start_is_kept_in_place_and_about_as_wide(scale):
    start = WIDE * (1 if scale == 2 else 5)
    kernel = kernelgan(taken(), scale=scale, start=start, plan=SHORT)
    assert kernel.scale == scale
    assert offset(kernel) == pytest.approx((0, 0), abs=1e-6)
    trace = float(covariance(kernel.values).trace())
    assert trace == pytest.approx(float(start.trace()), rel=0.2)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_blur_is_learnt_from_nothing(channels):
    """First bicubic, then in place, then small: a short version of the authors' schedule."""
    plan = KernelGanPlan(steps=60, rules=Rules(learning_rate=1e-3), kept=40)
    kernel = kernelgan(taken(channels=channels), scale=2, plan=plan)
    assert offset(kernel) == pytest.approx((0, 0), abs=1e-6)
    # A peak in the middle that holds more than an even 13x13 would.
    row, column = divmod(int(kernel.values.argmax()), kernel.values.shape[1])
    assert abs(row - kernel.anchor[0] - 0.5) <= 1.5
    assert abs(column - kernel.anchor[1] - 0.5) <= 1.5
    assert float(kernel.values.max()) > 3 / 169


def test_the_seeds_colours_draw_it_to_three_times_the_brightness():
    sums = {}
    for name, mends in (("mended", {}), ("seed", {"mends": AS_THE_SEED})):
        told = []
        plan = KernelGanPlan(steps=3, rules=THE_SEED.rules, kept=40)
        kernelgan(taken(), scale=2, plan=plan, watch=told.append, **mends)
        sums[name] = told[0].losses["bicubic"]
    assert sums["seed"] != pytest.approx(sums["mended"], rel=0.1)


@pytest.mark.parametrize("size", [(1, 1), (7, 30)])
def test_tiny_pictures_have_a_kernel(size):
    lr = torch.rand(1, *size, generator=torch.Generator().manual_seed(0))
    kernel = kernelgan(lr, scale=2, start=WIDE, plan=KernelGanPlan(steps=2))
    assert bool(torch.isfinite(kernel.values).all())


def test_only_the_largest_values_are_kept():
    kernel = largest(gaussian(WIDE, scale=2, size=13), 40)
    left = int((kernel.values > 0).sum())
    assert 40 <= left <= 60
    assert float(kernel.values.sum()) == pytest.approx(1)


def test_other_scales_are_refused():
    with pytest.raises(ValueError, match="x2 and x4, not x3"):
        kernelgan(taken(), scale=3)
