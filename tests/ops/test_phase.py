"""Where samples were measured: found where edges tell it, and not claimed where they do not."""

import numpy as np
import pytest
import torch
from PIL import Image

from superfine.ops.depth_lr import BICUBIC, DEPTH_OPERATORS, DIRECT_LAST
from superfine.ops.phase import Phase, estimated_phase, phase_evidence

operators = pytest.mark.parametrize("operator", DEPTH_OPERATORS.values(), ids=lambda o: o.name)


def scene(size=(192, 256), seed=0):
    """Boxes of random depth and colour, one over the other."""
    draw = np.random.default_rng(seed)
    depth, guide = np.full(size, 200.0), np.full((3, *size), 0.5)
    for _ in range(40):
        top, left = draw.integers(0, size[0] - 20), draw.integers(0, size[1] - 20)
        box = (slice(top, top + draw.integers(12, 60)), slice(left, left + draw.integers(12, 60)))
        depth[box] = draw.integers(0, 200)
        guide[:, *box] = draw.random((3, 1, 1))
    return torch.from_numpy(depth).float()[None], torch.from_numpy(guide).float()


@operators
@pytest.mark.parametrize("scale", [4, 8])
def test_the_shift_of_each_operator_is_found(operator, scale):
    frames = []
    for seed in range(4):
        depth, guide = scene(seed=seed)
        frames.append(phase_evidence(operator.shrink(depth, scale), guide))
    found = estimated_phase(frames)
    assert found.rows == pytest.approx(operator.shift(scale), abs=0.5)
    assert found.columns == pytest.approx(operator.shift(scale), abs=0.5)
    assert found.confidence > 0.5


def test_a_guide_that_is_out_of_place_is_found():
    depth, guide = scene()
    moved = guide.roll((1, -2), (1, 2))
    found = estimated_phase([phase_evidence(BICUBIC.shrink(depth, 4), moved)])
    assert (found.rows, found.columns) == (pytest.approx(1, abs=0.3), pytest.approx(-2, abs=0.3))


def test_fractional_scales_have_a_phase_too():
    depth, guide = scene()
    lr = BICUBIC.shrink_to(depth, (54, 96))
    found = estimated_phase([phase_evidence(lr, guide)])
    assert abs(found.rows) < 0.35
    assert abs(found.columns) < 0.35


@pytest.mark.parametrize("seed", range(5))
def test_unrelated_edges_give_no_confidence(seed):
    depth, _ = scene(seed=seed)
    draw = torch.Generator().manual_seed(seed)
    noise = torch.rand(3, 192, 256, generator=draw)
    for guide in (noise, 0.5 + 0.01 * noise, scene(seed=seed + 50)[1]):
        found = estimated_phase([phase_evidence(BICUBIC.shrink(depth, 4), guide)])
        assert found.confidence < 0.3


def test_many_weak_frames_are_sure_together():
    frames = []
    for seed in range(6):
        depth, guide = scene(seed=seed)
        noise = torch.rand(guide.shape, generator=torch.Generator().manual_seed(seed))
        frames.append(phase_evidence(DIRECT_LAST.shrink(depth, 4), guide / 2 + noise / 2))
    each = [estimated_phase([frame]).confidence for frame in frames]
    together = estimated_phase(frames)
    assert together.confidence > max(0.8, sum(each) / len(each))
    assert together.rows == pytest.approx(1.5, abs=0.35)
    assert together.columns == pytest.approx(1.5, abs=0.35)


@pytest.mark.parametrize("garbage", [1e30, float("nan"), float("inf")])
def test_what_a_hole_holds_has_no_influence(garbage):
    depth, guide = scene()
    lr = DIRECT_LAST.shrink(depth, 4)
    valid = torch.rand(lr.shape, generator=torch.Generator().manual_seed(1)) > 0.05
    evidence = phase_evidence(lr, guide, lr_valid=valid)
    planted = phase_evidence(torch.where(valid, lr, garbage), guide, lr_valid=valid)
    assert torch.equal(planted.sums, evidence.sums)
    assert estimated_phase([evidence]).rows == pytest.approx(1.5, abs=0.35)


@pytest.mark.parametrize("size", [(192, 256), (8, 8)])
def test_nothing_to_go_by(size):
    depth, guide = scene() if size == (192, 256) else (torch.rand(1, 8, 8), torch.rand(3, 8, 8))
    lr = BICUBIC.shrink(depth, 4)
    nothing = Phase(0.0, 0.0, 0.0)
    holes = torch.zeros_like(lr, dtype=torch.bool)
    for other, seen, valid in (
        (torch.ones_like(lr), guide, None),
        (lr, torch.full_like(guide, 0.5), None),
        (torch.full_like(lr, torch.nan), guide, holes),
    ):
        assert estimated_phase([phase_evidence(other, seen, lr_valid=valid)]) == nothing


def test_frames_are_of_one_scale():
    depth, guide = scene()
    frames = [phase_evidence(BICUBIC.shrink(depth, scale), guide) for scale in (4, 8)]
    for wrong in (frames, []):
        with pytest.raises(ValueError, match="frames of one scale"):
            estimated_phase(wrong)


@pytest.mark.data
@operators
def test_twelve_real_frames_agree_to_half_a_pixel(data_root, operator):
    folder = data_root / "depth" / "Middlebury30"
    maps, photos = (sorted((folder / kind).iterdir())[:12] for kind in ("depth", "rgb"))
    frames = []
    for file, photo in zip(maps, photos, strict=True):
        depth = torch.from_numpy(np.array(Image.open(file))).float()[None]
        guide = torch.from_numpy(np.array(Image.open(photo).convert("RGB"))).movedim(-1, 0) / 255
        height, width = (side // 4 * 4 for side in depth.shape[1:])
        lr = operator.shrink(depth[:, :height, :width], 4)
        frames.append(phase_evidence(lr, guide[:, :height, :width]))
    found = estimated_phase(frames)
    assert found.rows == pytest.approx(operator.shift(4), abs=0.5)
    assert found.columns == pytest.approx(operator.shift(4), abs=0.5)
    assert found.confidence > 0.8
