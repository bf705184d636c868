"""Hard consistency: results that shrink to their input, changed no more than that takes."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from superfine.ops.depth_lr import BICUBIC, BLOCK_MEAN, DEPTH_OPERATORS
from superfine.ops.project import lr_residual, project

operators = pytest.mark.parametrize("operator", DEPTH_OPERATORS.values(), ids=lambda o: o.name)
# The others pass differences on by interpolation.
averages = pytest.mark.parametrize("operator", [BICUBIC, BLOCK_MEAN], ids=lambda o: o.name)
# Whole scales, and fractions of their own on each axis.
sizes = pytest.mark.parametrize("lr_size", [(5, 8), (6, 9), (20, 24)])
HR = (20, 24)


def random(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=draw, dtype=torch.float64)


def holes(*shape, seed=7, share=0.2):
    return random(*shape, seed=seed) > share


def consistent_case(operator, lr_size, *, channels=1, masked=False):
    """A truth, its LR, masks, and something else that stands for a result."""
    truth, wrong = random(channels, *HR), random(channels, *HR, seed=1)
    if not masked:
        return truth, operator.shrink_to(truth, lr_size), None, None, wrong
    valid = holes(1, *HR)
    lr, lr_valid = operator.shrink_valid(truth, valid, lr_size)
    return truth, lr, valid, lr_valid, wrong


@operators
@sizes
@pytest.mark.parametrize("masked", [False, True])
def test_the_result_shrinks_to_its_input(operator, lr_size, masked):
    _, lr, valid, lr_valid, wrong = consistent_case(operator, lr_size, channels=3, masked=masked)
    x = project(wrong, lr, operator, 60, valid=valid, lr_valid=lr_valid)
    if not masked:
        assert operator.shrink_to(x, lr_size) == pytest.approx(lr, abs=1e-9)
        return
    again, again_valid = operator.shrink_valid(x, valid, lr_size)
    assert torch.equal(again_valid, lr_valid)
    assert again == pytest.approx(lr, abs=1e-6)


@averages
@sizes
@pytest.mark.parametrize("masked", [False, True])
def test_the_change_is_the_least_one(operator, lr_size, masked):
    """Against the pseudo-inverse of the matrix that `shrink_valid` itself makes of unit maps."""
    _, lr, valid, lr_valid, wrong = consistent_case(operator, lr_size, masked=masked)
    units = torch.eye(HR[0] * HR[1], dtype=torch.float64).reshape(-1, *HR)
    everywhere = torch.ones(1, *HR, dtype=torch.bool) if valid is None else valid
    columns, measured = operator.shrink_valid(units, everywhere, lr_size)
    rows = columns.flatten(1).T[measured.flatten()].numpy()
    apart = lr[measured].numpy() - rows @ wrong.flatten().numpy()
    least = np.linalg.pinv(rows) @ apart
    x = project(wrong, lr, operator, 60, valid=valid, lr_valid=lr_valid)
    assert (x - wrong).flatten().numpy() == pytest.approx(least, abs=1e-5)


@averages
@pytest.mark.parametrize("masked", [False, True])
def test_each_step_comes_nearer_to_the_truth(operator, masked):
    truth, lr, valid, lr_valid, wrong = consistent_case(operator, (5, 8), masked=masked)
    away = [
        float((project(wrong, lr, operator, n, valid=valid, lr_valid=lr_valid) - truth).norm())
        for n in range(8)
    ]
    assert all(after <= before + 1e-12 for before, after in itertools.pairwise(away))
    assert away[-1] < away[0]


@operators
def test_without_holes_one_step_is_exact(operator):
    _, lr, _, _, wrong = consistent_case(operator, (5, 8))
    x = project(wrong, lr, operator, 1)
    assert lr_residual(x, lr, operator).largest < 1e-12


@operators
def test_a_consistent_map_stays(operator):
    truth, lr, _, _, _ = consistent_case(operator, (5, 8))
    assert project(truth, lr, operator, 10) == pytest.approx(truth, abs=1e-12)


@operators
@pytest.mark.parametrize("garbage", [1e30, float("nan"), float("inf")])
def test_what_holes_hold_has_no_influence(operator, garbage):
    _, lr, valid, lr_valid, wrong = consistent_case(operator, (5, 8), masked=True)
    lr_valid = lr_valid & holes(1, 5, 8, seed=9)
    x = project(wrong, lr, operator, 5, valid=valid, lr_valid=lr_valid)
    planted, planted_lr = (
        torch.where(there, values, garbage) for there, values in ((valid, wrong), (lr_valid, lr))
    )
    other = project(planted, planted_lr, operator, 5, valid=valid, lr_valid=lr_valid)
    assert torch.equal(other[valid], x[valid])
    assert torch.equal(x[~valid], wrong[~valid])
    assert torch.equal(other[~valid].nan_to_num(), planted[~valid].nan_to_num())
    residual = lr_residual(wrong, lr, operator, valid=valid, lr_valid=lr_valid)
    assert lr_residual(planted, planted_lr, operator, valid=valid, lr_valid=lr_valid) == residual


@operators
def test_lr_holes_put_no_constraint(operator):
    """Far from everything measured nothing changes, and what was measured is kept."""
    _, lr, _, _, wrong = consistent_case(operator, (5, 8))
    lr_valid = torch.zeros(1, 5, 8, dtype=torch.bool)
    lr_valid[0, 1, 1] = True
    x = project(wrong, lr, operator, 10, lr_valid=lr_valid)
    assert lr_residual(x, lr, operator, lr_valid=lr_valid).largest < 1e-9
    assert torch.equal(x[:, :, 15:], wrong[:, :, 15:])
    assert not torch.equal(x[:, :9, :9], wrong[:, :9, :9])


@operators
def test_channels_are_apart(operator):
    _, lr, valid, lr_valid, wrong = consistent_case(operator, (5, 8), channels=3, masked=True)
    x = project(wrong, lr, operator, 4, valid=valid, lr_valid=lr_valid)
    alone = [
        project(wrong[i : i + 1], lr[i : i + 1], operator, 4, valid=valid, lr_valid=lr_valid)
        for i in range(3)
    ]
    assert x == pytest.approx(torch.cat(alone), abs=1e-12)


@operators
def test_nothing_measured_changes_nothing(operator):
    x, lr = random(1, *HR), torch.full((1, 5, 8), torch.nan, dtype=torch.float64)
    nothing = torch.zeros(1, 5, 8, dtype=torch.bool)
    assert torch.equal(project(x, lr, operator, 10, lr_valid=nothing), x)
    assert lr_residual(x, lr, operator, lr_valid=nothing).largest == 0
    everything_holes = torch.zeros(1, *HR, dtype=torch.bool)
    assert torch.equal(project(x, lr.nan_to_num(), operator, 10, valid=everything_holes), x)
    assert lr_residual(x, lr, operator, valid=everything_holes).mean == 0


@operators
def test_no_steps_and_constant_maps(operator):
    x = torch.full((1, *HR), 3.25)
    lr = torch.full((1, 5, 8), 3.25)
    assert project(x, lr, operator, 10) == pytest.approx(x, rel=1e-6)
    assert torch.equal(project(random(1, *HR), lr.double(), operator, 0), random(1, *HR))


def test_a_residual_by_hand():
    x = torch.tensor([[[1.0, 3.0, 5.0, 5.0], [1.0, 3.0, 5.0, 9.0]]])
    lr = torch.tensor([[[2.0, 4.0]]])
    residual = lr_residual(x, lr, BLOCK_MEAN)
    assert (residual.mean, residual.largest) == (1.0, 2.0)
    valid = torch.tensor([[[True] * 4, [True, True, True, False]]])
    assert lr_residual(x, lr, BLOCK_MEAN, valid=valid).largest == 1.0
    only = torch.tensor([[[True, False]]])
    assert lr_residual(x, lr, BLOCK_MEAN, lr_valid=only).largest == 0.0


def test_lr_is_no_larger_than_hr():
    with pytest.raises(ValueError, match="a 4x4 map cannot shrink to 5x3 pixels"):
        project(torch.zeros(1, 4, 4), torch.zeros(1, 3, 5), BICUBIC, 1)


@pytest.mark.data
@pytest.mark.parametrize("scale", [4, 8, 16])
def test_real_maps_keep_to_their_sensor(data_root, scale):
    """Bicubic enlarged: 0.001 of the range for block means, 0.02 grey levels for bicubic."""
    files = sorted((data_root / "depth" / "Middlebury30" / "depth").iterdir())[::6]
    for file in files:
        codes = torch.from_numpy(np.array(Image.open(file))).float()[None]
        height, width = (side // scale * scale for side in codes.shape[1:])
        truth = codes[:, :height, :width]
        for operator, allowed in ((BICUBIC, 0.02), (BLOCK_MEAN, 0.255)):
            lr = operator.shrink(truth, scale)
            enlarged = operator.enlarge(lr, (height, width))
            x = project(enlarged, lr, operator, 10)
            assert lr_residual(enlarged, lr, operator).largest > 1
            assert lr_residual(x, lr, operator).largest < allowed
            assert (x - truth).norm() < (enlarged - truth).norm()
