"""Depth protocols: the bicubic row of the papers, what a network sees, what counts as error."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from superfine.benchmark.depth import (
    DEPTH_PROTOCOLS,
    DepthProtocol,
    DepthScore,
    find_depth_protocol,
    mean_depth_score,
    measure_depth,
    measure_depth_each,
    validation_pairs,
)
from superfine.errors import UnknownNameError
from superfine.models import bicubic, svlrm
from superfine.ops.depth_lr import BLOCK_MEAN

REGISTERED = find_depth_protocol("registered-bicubic")
SEED = find_depth_protocol("seed-svlrm")
# Those that PNG files can be measured under; the others need metres.
OF_FILES = [protocol for protocol in DEPTH_PROTOCOLS if protocol.unit != "cm"]


class Answer(nn.Module):
    """Says what it was told to; remembers how it was asked."""

    def __init__(self, sr):
        super().__init__()
        self.sr = sr
        self.asked = []

    def forward(self, *inputs):
        self.asked.append((inputs, self.training, torch.is_grad_enabled()))
        return self.sr[None]


def save(folder, depth, photo=None, name="x"):
    for kind, codes in (("depth", depth), ("guide", photo)):
        if codes is not None:
            (folder / kind).mkdir(exist_ok=True)
            Image.fromarray(codes).save(folder / kind / f"{name}.png")


def random_map(dtype, low, high, *, size=(16, 24), seed=0):
    return np.random.default_rng(seed).integers(low, high + 1, size, dtype=dtype)


def score_of(sr, pair, protocol, scale=4):
    spec = bicubic.SPEC
    return measure_depth_each(Answer(sr), spec, [pair], scale=scale, protocol=protocol)[0]


def answer_with(depth, pair):
    """The `sr` that stands for `depth` in the unit of the protocol."""
    return ((depth - pair.low) / (pair.high - pair.low)).float()


@pytest.fixture(scope="module")
def middlebury(data_root, tmp_path_factory):
    """Middlebury30 in the layout that is read here."""
    folder = tmp_path_factory.mktemp("middlebury")
    for theirs, ours in (("depth", "depth"), ("rgb", "guide")):
        (folder / ours).mkdir()
        for file in (data_root / "depth" / "Middlebury30" / theirs).iterdir():
            (folder / ours / f"{file.name[:13]}{file.suffix}").symlink_to(file)
    return folder


@pytest.mark.data
@pytest.mark.parametrize(("scale", "published"), [(4, 2.28), (8, 3.98), (16, 6.37)])
def test_bicubic_as_a_network_is_the_bicubic_row(middlebury, scale, published):
    """Within 0.006: the network mirrors at the border, the papers' Pillow cuts."""
    pairs = validation_pairs(middlebury, bicubic.SPEC, scale, REGISTERED)
    assert len(pairs) == 30
    network = bicubic.Bicubic(scale)
    score = measure_depth(network, bicubic.SPEC, pairs, scale=scale, protocol=REGISTERED)
    assert score.rmse == pytest.approx(published, abs=0.006)


@pytest.fixture(scope="module")
def public_svlrm(data_root):
    file = data_root / "weights" / "depth_svlrm" / "SVLRM_X8.pth"
    network = svlrm.SPEC.build(8)
    names = network.state_dict().keys()
    tensors = torch.load(file, map_location="cpu", weights_only=True).values()
    network.load_state_dict(dict(zip(names, tensors, strict=True)))
    return network


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "at_least", "at_most"), [(REGISTERED, 1.8, 2.2), (SEED, 0, 0.5)]
)
def test_the_public_svlrm_helps_under_its_own_protocol_only(
    middlebury, public_svlrm, protocol, at_least, at_most
):
    """It has learnt to undo the shift: maps in place get twice the error of bicubic."""
    pairs = validation_pairs(middlebury, svlrm.SPEC, 8, protocol)[8:10]
    score = measure_depth(public_svlrm, svlrm.SPEC, pairs, scale=8, protocol=protocol)
    row = measure_depth(bicubic.Bicubic(8), bicubic.SPEC, pairs, scale=8, protocol=protocol)
    assert at_least < score.rmse / row.rmse < at_most


@pytest.mark.parametrize("protocol", OF_FILES, ids=lambda p: p.name)
@pytest.mark.parametrize(("dtype", "low", "high"), [(np.uint8, 20, 200), (np.uint16, 500, 9000)])
def test_the_truth_scores_zero(tmp_path, protocol, dtype, low, high):
    save(tmp_path, random_map(dtype, low, high))
    pair = validation_pairs(tmp_path, bicubic.SPEC, 4, protocol)[0]
    score = score_of(answer_with(pair.truth, pair), pair, protocol)
    assert score.rmse == pytest.approx(0, abs=1e-3)
    assert score.mae == pytest.approx(0, abs=1e-3)


def test_registered_errors_are_in_the_codes_of_the_file(tmp_path):
    """A map in millimetres that comes back 12 mm too far has an error of 12."""
    save(tmp_path, random_map(np.uint16, 500, 9000))
    pair = validation_pairs(tmp_path, bicubic.SPEC, 4, REGISTERED)[0]
    score = score_of(answer_with(pair.truth + 12, pair), pair, REGISTERED)
    assert (score.rmse, score.mae) == pytest.approx((12, 12), abs=0.01)


def test_registered_networks_see_the_range_of_the_lr_map_only(tmp_path):
    codes = np.full((16, 16), 1000, dtype=np.uint16)
    codes[:, 8:] = 3000
    codes[6, 6] = 60000  # gone in the block means around it, but the largest code of the truth
    save(tmp_path, codes)
    block = DepthProtocol("block", BLOCK_MEAN, "code", 0, "")
    pair = validation_pairs(tmp_path, bicubic.SPEC, 4, block)[0]
    assert (float(pair.lr.min()), float(pair.lr.max())) == (0, 1)
    assert (pair.low, pair.high) == (1000, 1000 + 59000 / 16)


@pytest.mark.parametrize("hole", [0, 65535])
def test_registered_holes_do_not_count(tmp_path, hole):
    codes = random_map(np.uint16, 500, 9000)
    codes[3:9, 5:14] = hole
    save(tmp_path, codes)
    pair = validation_pairs(tmp_path, bicubic.SPEC, 4, REGISTERED)[0]
    wrong = pair.truth.clone()
    wrong[0, 3:9, 5:14] += 5000
    assert score_of(answer_with(wrong, pair), pair, REGISTERED).rmse < 0.01
    assert 500 - 3000 < pair.low < pair.high < 9000 + 3000  # bicubic overshoots, holes do not


def test_the_seed_stretches_to_grey_levels_where_black_counts(tmp_path):
    codes = random_map(np.uint8, 0, 255)
    codes[0, :2] = 0, 255
    save(tmp_path, codes)
    pair = validation_pairs(tmp_path, bicubic.SPEC, 4, SEED)[0]
    assert torch.equal(pair.truth[0], torch.from_numpy(codes).float())
    assert bool(pair.valid.all())
    assert torch.equal(pair.lr[0] * 255, torch.from_numpy(codes).float()[3::4, 3::4])

    save(
        tmp_path, np.array([[1000, 1000], [3000, 2000]], dtype=np.uint16).repeat(8, 0).repeat(8, 1)
    )
    pair = validation_pairs(tmp_path, bicubic.SPEC, 4, SEED)[0]
    assert pair.truth.unique().tolist() == [0, 128, 255]


def test_the_seed_rounds_and_clips_results(tmp_path):
    codes = random_map(np.uint8, 0, 255)
    codes[0, :2] = 0, 255
    save(tmp_path, codes)
    pair = validation_pairs(tmp_path, bicubic.SPEC, 4, SEED)[0]
    assert score_of((pair.truth + 0.4) / 255, pair, SEED).rmse == 0
    too_bright = torch.where(pair.truth == 255, pair.truth + 90, pair.truth)
    assert score_of(too_bright / 255, pair, SEED).rmse == 0
    assert score_of((pair.truth + 0.6) / 255, pair, SEED).mae == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("protocol", OF_FILES, ids=lambda p: p.name)
def test_a_map_of_one_depth_is_measured(tmp_path, protocol):
    save(tmp_path, np.full((16, 16), 800, dtype=np.uint16))
    pairs = validation_pairs(tmp_path, bicubic.SPEC, 4, protocol)
    network = bicubic.Bicubic(4)
    score = measure_depth(network, bicubic.SPEC, pairs, scale=4, protocol=protocol)
    assert (score.rmse, score.mae) == pytest.approx((0, 0), abs=1e-3)


def test_shaved_pixels_do_not_count(tmp_path):
    save(tmp_path, random_map(np.uint16, 500, 9000))
    shaved = DepthProtocol("shaved", BLOCK_MEAN, "code", 3, "")
    pair = validation_pairs(tmp_path, bicubic.SPEC, 4, shaved)[0]
    wrong = pair.truth + 4000
    wrong[:, 3:-3, 3:-3] -= 4000
    assert score_of(answer_with(wrong, pair), pair, shaved).rmse < 0.01
    wrong[0, 3, 3] += 4000
    assert score_of(answer_with(wrong, pair), pair, shaved).rmse > 100


@pytest.mark.parametrize("protocol", OF_FILES, ids=lambda p: p.name)
@pytest.mark.parametrize("training", [True, False])
def test_guided_networks_are_asked_with_the_guide_in_eval_mode(tmp_path, protocol, training):
    photo = random_map(np.uint8, 0, 255, size=(18, 27), seed=1)
    save(tmp_path, random_map(np.uint8, 20, 200, size=(18, 27)), photo)
    pairs = validation_pairs(tmp_path, svlrm.SPEC, 4, protocol)
    network = Answer(torch.zeros(1, 16, 24)).train(training)
    measure_depth(network, svlrm.SPEC, pairs, scale=4, protocol=protocol)
    (((lr, guide), asked_in_training, with_gradients),) = network.asked
    assert lr.shape == (1, 1, 4, 6)
    assert torch.equal(guide[0, 0], torch.from_numpy(photo[:16, :24]).float() / 255)
    assert not asked_in_training
    assert not with_gradients
    assert network.training is training


def test_the_mean_is_over_the_maps():
    scores = [DepthScore(rmse=1, mae=0.5), DepthScore(rmse=4, mae=1.5)]
    assert mean_depth_score(scores) == DepthScore(rmse=2.5, mae=1)


def test_pairs_of_another_scale_are_refused(tmp_path):
    save(tmp_path, random_map(np.uint8, 20, 200))
    pairs = validation_pairs(tmp_path, bicubic.SPEC, 4, REGISTERED)
    with pytest.raises(ValueError, match="the pairs were not made for scale 8"):
        measure_depth(bicubic.Bicubic(8), bicubic.SPEC, pairs, scale=8, protocol=REGISTERED)


def test_protocol_names_are_distinct_and_found():
    assert len({p.name for p in DEPTH_PROTOCOLS}) == len(DEPTH_PROTOCOLS)
    with pytest.raises(UnknownNameError, match="Did you mean 'registered-bicubic'"):
        find_depth_protocol("registered-bicubik")
