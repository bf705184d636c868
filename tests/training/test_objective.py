"""The terms of a recipe over the outputs of a network, against their formulas."""

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch.nn import functional as F

from superfine import losses
from superfine.errors import SizeMismatchError, UsageError
from superfine.training.objective import Objective
from superfine.training.recipe.types import (
    Adam,
    AllOutputs,
    Charbonnier,
    Distance,
    PairData,
    Quality,
    Recipe,
    Recursive,
    Validation,
)

MSE = Distance(kind="mse")
# What the Holopix seed calls its weighted loss: .4 MSE + .5 (100 - PSNR)/100 + .1 (1 - SSIM).
HOLOPIX = (
    Distance(kind="mse", weight=0.4),
    Quality(kind="psnr", weight=0.005),
    Quality(kind="ssim", weight=0.1),
)
EVERY_TERM = (
    MSE,
    Distance(kind="l1", sum=True, weight=0.5),
    Charbonnier(kind="charbonnier", eps=1e-6),
    *(Quality(kind=kind, weight=0.1) for kind in ("psnr", "ssim", "ms-ssim")),
)


def objective(*terms, supervision=None):
    recipe = Recipe(
        network="fsrcnn",
        scale=(2,),
        data=PairData(hr=Path("hr"), lr=Path("lr")),
        validate=Validation(sets=(Path("set"),)),
        steps=1,
        optimiser=Adam(learning_rate=1e-3),
        loss=terms or (MSE,),
        supervision=supervision or AllOutputs(),
    )
    return Objective(recipe, torch.device("cpu"))


def scene(*scales, batch=2, side=12, seed=0):
    """An LR batch and its truths."""
    draw = torch.Generator().manual_seed(seed)
    lr = torch.rand(batch, 1, side, side, generator=draw)
    return lr, {s: torch.rand(batch, 1, s * side, s * side, generator=draw) for s in scales}


def near(hr, noise, seed=1):
    draw = torch.Generator().manual_seed(seed)
    return (hr + noise * torch.randn(hr.shape, generator=draw)).requires_grad_()


def test_one_mse_is_the_one_of_torch_to_the_bit():
    lr, hr = scene(2)
    sr = near(hr[2], 0.1)
    terms = objective()(sr, hr, lr=lr, step=0)
    wanted = F.mse_loss(sr, hr[2])
    assert torch.equal(terms.total, wanted)
    assert terms.parts == {"mse": wanted.detach()}
    (ours,), (theirs,) = torch.autograd.grad(terms.total, sr), torch.autograd.grad(wanted, sr)
    assert torch.equal(ours, theirs)


def test_the_weighted_loss_of_holopix_is_its_formula():
    lr, hr = scene(2, batch=3)
    sr = near(hr[2], 0.1)
    each = []
    for a, b in zip(sr.detach()[:, 0].double().numpy(), hr[2][:, 0].double().numpy(), strict=True):
        mse = np.mean((a - b) ** 2)
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        _, full = structural_similarity(a, b, data_range=1.0, full=True, **options)
        ssim = full[5:-5, 5:-5].mean()
        each.append(0.4 * mse + 0.5 * (100 + 10 * np.log10(mse)) / 100 + 0.1 * (1 - ssim))
    terms = objective(*HOLOPIX)(sr, hr, lr=lr, step=0)
    assert terms.total.item() == pytest.approx(np.mean(each), rel=1e-5)
    assert list(terms.parts) == ["mse", "psnr", "ssim"]


def test_all_three_terms_of_holopix_have_a_gradient():
    """In the seed the PSNR had none: it went through `math.log10` of a number."""
    lr, hr = scene(2)
    sr = near(hr[2], 0.1)
    (whole,) = torch.autograd.grad(objective(*HOLOPIX)(sr, hr, lr=lr, step=0).total, sr)
    alone = []
    for loss, weight in ((losses.mse, 0.4), (losses.psnr_loss, 0.005), (losses.ssim_loss, 0.1)):
        (slope,) = torch.autograd.grad(weight * loss(sr, hr[2]), sr)
        assert slope.norm().item() > 0.01 * whole.norm().item()
        alone.append(slope)
    assert torch.allclose(whole, sum(alone), atol=1e-9)


def test_the_losses_of_all_outputs_are_added():
    """DSDMSR: x2, x4, x8 and a second answer at x8, all with the same weight."""
    lr, hr = scene(2, 4, 8, side=4)
    outputs = tuple(near(hr[s], 0.1, seed=i) for i, s in enumerate((2, 4, 8, 8)))
    terms = objective()(outputs, hr, lr=lr, step=7)
    wanted = [F.mse_loss(o, hr[s]).item() for o, s in zip(outputs, (2, 4, 8, 8), strict=True)]
    assert terms.total.item() == pytest.approx(sum(wanted), rel=1e-6)
    assert list(terms.parts) == ["mse/1-x2", "mse/2-x4", "mse/3-x8", "mse/4-x8"]
    assert [part.item() for part in terms.parts.values()] == pytest.approx(wanted, rel=1e-6)


def test_a_tuple_of_one_output_is_an_answer():
    lr, hr = scene(2)
    sr = near(hr[2], 0.1)
    one, plain = objective()((sr,), hr, lr=lr, step=0), objective()(sr, hr, lr=lr, step=0)
    assert torch.equal(one.total, plain.total)
    assert list(one.parts) == ["mse"]


@pytest.mark.parametrize(("step", "alpha"), [(0, 0.8), (250, 0.6), (999, 0.0008), (1000, 0.0)])
def test_recursive_supervision_moves_from_the_recursions_to_the_answer(step, alpha):
    lr, hr = scene(2)
    outputs = tuple(near(hr[2], 0.05 * (i + 1), seed=i) for i in range(4))
    recursive = Recursive(kind="recursive", alpha=0.8, decay=1000)
    terms = objective(supervision=recursive)(outputs, hr, lr=lr, step=step)
    *recursions, answer = (F.mse_loss(output, hr[2]).item() for output in outputs)
    wanted = alpha * sum(recursions) / 3 + (1 - alpha) * answer
    assert terms.total.item() == pytest.approx(wanted, rel=1e-6)
    assert terms.parts["mse/answer"].item() == pytest.approx(answer, rel=1e-6)
    if alpha:
        assert terms.parts["mse/recursions"].item() == pytest.approx(sum(recursions) / 3, rel=1e-6)


def test_recursive_supervision_stays_over_after_its_decay():
    lr, hr = scene(2)
    outputs = tuple(near(hr[2], 0.1, seed=i) for i in range(3))
    recursive = Recursive(kind="recursive", alpha=1.0, decay=10)
    late = objective(supervision=recursive)(outputs, hr, lr=lr, step=500)
    assert late.total.item() == pytest.approx(F.mse_loss(outputs[-1], hr[2]).item(), rel=1e-6)


def test_the_answer_has_a_gradient_of_zeros_while_only_the_recursions_count():
    """Else the weights of the ensemble would have none, which several processes cannot exchange."""
    lr, hr = scene(2)
    outputs = tuple(near(hr[2], 0.1, seed=i) for i in range(3))
    recursive = Recursive(kind="recursive", alpha=1.0, decay=10)
    objective(supervision=recursive)(outputs, hr, lr=lr, step=0).total.backward()
    assert outputs[-1].grad is not None
    assert outputs[-1].grad.abs().max().item() == 0.0
    assert outputs[0].grad.abs().max().item() > 0.0


def test_recursive_supervision_needs_recursions():
    lr, hr = scene(2)
    recursive = Recursive(kind="recursive", decay=10)
    with pytest.raises(UsageError, match="the network has one output"):
        objective(supervision=recursive)(near(hr[2], 0.1), hr, lr=lr, step=0)


def test_an_output_without_a_truth_of_its_size_is_refused():
    lr, hr = scene(4)
    with pytest.raises(SizeMismatchError, match=r"2x1x24x24 at scale 2; the truths are x4 2x1x48"):
        objective()(torch.rand(2, 1, 24, 24), hr, lr=lr, step=0)
    with pytest.raises(SizeMismatchError, match=r"2x3x48x48 at scale 4"):
        objective()(torch.rand(2, 3, 48, 48), hr, lr=lr, step=0)


def test_terms_of_one_kind_are_numbered():
    lr, hr = scene(2)
    terms = objective(MSE, Charbonnier(kind="charbonnier"), Distance(kind="mse", sum=True))
    parts = terms(near(hr[2], 0.1), hr, lr=lr, step=0).parts
    assert list(parts) == ["mse", "charbonnier", "mse-2"]
    assert parts["mse-2"].item() == pytest.approx(parts["mse"].item() * 24 * 24, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_outputs_of_low_precision_are_compared_in_float32(dtype):
    lr, hr = scene(2)
    sr = near(hr[2], 0.1).detach().to(dtype)
    terms = objective(*EVERY_TERM)(sr, hr, lr=lr, step=0)
    same = objective(*EVERY_TERM)(sr.float(), hr, lr=lr, step=0)
    assert terms.total.dtype == torch.float32
    assert torch.equal(terms.total, same.total)


def test_pieces_of_a_batch_average_to_the_whole():
    lr, hr = scene(2, batch=4)
    sr = near(hr[2], 0.1)
    compute = objective(*EVERY_TERM)
    whole = compute(sr, hr, lr=lr, step=0)
    halves = [compute(sr[s], {2: hr[2][s]}, lr=lr[s], step=0) for s in (slice(0, 2), slice(2, 4))]
    mean = sum(half.total.item() for half in halves) / 2
    assert whole.total.item() == pytest.approx(mean, rel=1e-6)


def test_nothing_waits_for_the_device():
    """A tensor without memory has no value to wait for: asking for one raises."""
    lr, hr = scene(2)
    lr, hr = lr.to("meta"), {2: hr[2].to("meta")}
    sr = torch.empty_like(hr[2], requires_grad=True)
    terms = objective(*EVERY_TERM)(sr, hr, lr=lr, step=0)
    terms.total.backward()
    assert terms.total.is_meta
    assert sr.grad is not None
