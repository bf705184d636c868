"""DARSR: same seed same bytes, never worse on held-out squares, any picture, the public errors."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from superfine.blind.correction import PairPlan, corrected_whole
from superfine.blind.darsr import codes_of, darsr, redegradation_error
from superfine.blind.joint import JointPlan
from superfine.blind.mends import AS_THE_SEED, MENDED, Mends
from superfine.blind.pairs import Pairs, held_out, turned, unlike
from superfine.blind.spread import spread_of
from superfine.models import ZOO, bicubic
from superfine.models.darsr import CorrectionNetwork
from superfine.ops.correction import correct
from superfine.ops.degrade import degrade
from superfine.ops.kernels import bicubic_kernel, gaussian
from superfine.ops.resize import imresize
from tests.blind.scenes import WIDE, scene, taken

SHORT = PairPlan(steps=6, batch=2, side=12, pictures=4, check_every=3)
ESPCN = next(spec for spec in ZOO if spec.name == "espcn")
# Small enough for a test, with every network and every loss in it.
JOINT = JointPlan(score_steps=2, steps=2, batch=1, side=48)


def run(lr, *, scale=2, spec=bicubic.SPEC, **options):
    torch.manual_seed(0)  # of the network that enlarges
    return darsr(lr, spec.build(scale), spec, scale=scale, **options)


def test_same_seed_same_bytes_and_another_seed_other_steps():
    lr, told, made = taken(), [], []
    for seed in (1, 1, 2):
        told.append([])
        made.append(run(lr, start=WIDE, plan=SHORT, seed=seed, watch=told[-1].append))
    assert torch.equal(made[0].picture, made[1].picture)
    assert told[0] == told[1]
    assert [step.losses for step in told[0]] != [step.losses for step in told[2]]


def test_the_held_out_squares_never_get_worse_than_the_closed_form():
    wild = replace(SHORT, learning_rate=0.5)
    lr = taken()
    made = run(lr, start=WIDE, plan=wild)
    assert made.held_out is not None
    before, after = made.held_out
    assert after <= before
    base = correct(lr, gaussian(WIDE, scale=2))
    assert after < before or float((made.picture - base).abs().max()) < 1e-4


def test_the_correction_learns_what_is_wanted(monkeypatch):
    """Here a blur, which the closed form knows nothing of."""

    def blurred(x, *, scale):
        return avg_pool2d(imresize(x, scale=scale), 3, 1, 1, count_include_pad=False)

    monkeypatch.setattr("superfine.blind.pairs.imresize", blurred)
    plan = PairPlan(steps=20, batch=4, side=16, pictures=4, check_every=10)
    before, after = run(taken(), start=WIDE, plan=plan).held_out
    assert after < 0.8 * before


def test_a_stopped_run_gives_the_best_so_far():
    lr, steps = taken(), []
    made = run(
        lr,
        start=WIDE,
        plan=SHORT,
        watch=steps.append,
        should_stop=lambda: len(steps) == 4,
    )
    assert made.steps == 4
    assert [step.number for step in steps] == [1, 2, 3, 4]
    assert "held_out" in steps[2].losses
    at_once = run(lr, start=WIDE, plan=SHORT, should_stop=lambda: True)
    base = correct(lr, gaussian(WIDE, scale=2))
    torch.testing.assert_close(at_once.picture, base, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("channels", "size"), [(1, (1, 1)), (3, (5, 30)), (1, (33, 18))])
@pytest.mark.parametrize("scale", [2, 4])
def test_tiny_and_grey_pictures(channels, size, scale):
    lr = torch.rand(channels, *size, generator=torch.Generator().manual_seed(0))
    made = run(lr, scale=scale, start=WIDE * scale, plan=replace(SHORT, steps=1))
    assert made.picture.shape == lr.shape
    assert bool(torch.isfinite(made.picture).all())
    assert made.kernel.scale == scale


@pytest.mark.parametrize("spec", [bicubic.SPEC, ESPCN], ids=lambda spec: spec.name)
@pytest.mark.parametrize("channels", [1, 3])
def test_all_losses_of_the_authors_for_networks_of_colours_and_of_luma(spec, channels):
    told = []
    made = run(taken(channels=channels), spec=spec, start=WIDE, plan=JOINT, watch=told.append)
    assert [step.stage for step in told] == ["score", "score", "all", "all"]
    names = {"gan", "forward", "forward_enlarged", "backward", "interpolation", "score"}
    assert names <= set(told[-1].losses)
    assert made.picture.shape == (channels, 64, 64)
    again = run(taken(channels=channels), spec=spec, start=WIDE, plan=JOINT)
    assert torch.equal(made.picture, again.picture)


def test_the_public_code_has_a_kernel_of_13_at_x4():
    lr = taken(96, scale=4, covariance=4 * WIDE)
    plan = JointPlan(score_steps=0, steps=1, batch=1, side=96)
    assert run(lr, scale=4, plan=plan, mends=AS_THE_SEED).kernel.values.shape == (13, 13)
    assert run(lr, scale=4, plan=plan).kernel.values.shape == (37, 37)
    assert Mends() == MENDED


def test_brightness_drifts_only_in_the_public_code():
    even = torch.full((3, 48, 48), 0.5)
    plan = JointPlan(score_steps=0, steps=1, batch=1, side=48)
    kept = run(even, plan=plan)
    drifted = run(even, plan=plan, mends=replace(MENDED, brightness=False))
    assert float((kept.picture - 0.5).abs().max()) < 1e-3
    assert float((drifted.picture - 0.5).abs().max()) > 1e-2


class SmallScore(nn.Linear):
    def __init__(self):
        super().__init__(3, 1)

    def forward(self, x):
        return super().forward(x.mean(dim=(2, 3)))


def test_the_score_network_stops_learning_only_in_the_public_code(monkeypatch):
    monkeypatch.setattr("superfine.blind.joint.ScoreNetwork", SmallScore)
    plan = JointPlan(score_steps=103, steps=0, batch=1, side=16)
    lr, losses = taken(24), {}
    for name, mends in (("mended", MENDED), ("seed", replace(MENDED, score_schedule=False))):
        told = []
        run(lr, plan=plan, mends=mends, watch=told.append)
        losses[name] = [step.losses["lr"] for step in told]
    assert losses["mended"][:101] == losses["seed"][:101]
    assert losses["mended"][102] != losses["seed"][102]


def test_a_large_picture_is_corrected_in_strips_as_at_once(monkeypatch):
    network = CorrectionNetwork()
    picture = scene(60)
    whole = corrected_whole(network, picture)
    monkeypatch.setattr("superfine.blind.correction._IN_WORK", 60 * 17)
    torch.testing.assert_close(corrected_whole(network, picture), whole, rtol=0, atol=0.03)
    apart = (corrected_whole(network, picture) - whole).abs().mean()
    assert float(apart) < 2e-3


def test_pairs_are_pure_functions_of_seed_and_number():
    base = taken()
    options = {"scale": 2, "spread": 0.2, "codes": 255}
    one, other = (Pairs(base, WIDE, seed=3, **options) for _ in range(2))
    last = one[5]
    assert torch.equal(one[5].seen, last.seen)
    assert torch.equal(other[5].seen, last.seen)
    assert not torch.equal(Pairs(base, WIDE, seed=4, **options)[5].seen, last.seen)
    assert last.seen.shape == last.wanted.shape


def test_the_first_pair_is_the_picture_shrunk_both_ways():
    base = taken()
    pair = Pairs(base, WIDE, scale=2, seed=0, spread=0.2, codes=None)[0]
    kernel = gaussian(WIDE, scale=2)
    torch.testing.assert_close(pair.seen, correct(degrade(base, kernel), kernel))
    ideal = degrade(base, bicubic_kernel(2))
    torch.testing.assert_close(pair.wanted, ideal, rtol=0, atol=1e-5)
    assert 0.05 < float(pair.held_out.float().mean()) < 0.3


def test_kernels_unlike_the_estimate_are_as_far_off_as_asked():
    off = [float((unlike(4 * WIDE, 0.1, i) - 4 * WIDE)[0, 0]) for i in range(300)]
    wanted = 0.1 * float(4 * WIDE.trace()) / 2
    assert torch.tensor(off).std().item() == pytest.approx(wanted, rel=0.2)


def test_eight_turns_and_a_part_held_out_in_any_size():
    x = torch.arange(6.0).view(1, 2, 3)
    assert len({tuple(turned(x, i).flatten().tolist()) for i in range(8)}) == 8
    for size in ((1, 4), (9, 9), (300, 200)):
        held = held_out(size, 32)
        assert held.shape == size
        assert not bool(held.all())
    assert bool(held_out((9, 9), 32).any())


def test_codes_of_the_file_are_seen():
    assert codes_of(taken()) == 255
    assert codes_of(torch.randint(0, 65536, (1, 20, 20)) / 65535) == 65535
    assert codes_of(torch.rand(1, 20, 20)) is None


def test_a_picture_of_the_kernel_has_no_redegradation_error():
    sharp, kernel = scene(64), gaussian(WIDE, scale=2)
    assert redegradation_error(sharp, degrade(sharp, kernel), kernel) == 0
    assert redegradation_error(sharp + 0.1, degrade(sharp, kernel), kernel) == pytest.approx(0.1)


def test_the_spread_over_seeds():
    kernel = gaussian(WIDE, scale=2)
    pictures = [torch.full((1, 2, 2), value) for value in (0.1, 0.3)]
    spread = spread_of(pictures, [kernel, kernel])
    assert spread.picture == pytest.approx(0.1)
    assert spread.kernel == 0
    with pytest.raises(ValueError, match="at least two"):
        spread_of(pictures[:1], [kernel])


def test_pairs_want_a_start_and_scales_are_2_and_4():
    with pytest.raises(ValueError, match="estimate"):
        run(taken(), plan=SHORT)
    with pytest.raises(ValueError, match="not x3"):
        run(taken(), scale=3, start=WIDE)
