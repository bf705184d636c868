"""Depth files of real sensors and sets: read by their conventions, written back as they were."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from superfine.errors import SuperfineError
from superfine.io import read
from superfine.io.depth import read_depth, read_intrinsics, write_depth
from superfine.io.ply import write_ply
from superfine.ops.disparity import depth_from_disparity
from superfine.types import DepthMap, Intrinsics
from tests.io.depth_makers import samples

pytestmark = pytest.mark.data


@pytest.fixture
def depth_root(data_root: Path) -> Path:
    return data_root / "depth"


# File, convention, share of holes, and nearest and furthest value, as numpy and Pillow give them.
FILES = [
    ("7scenes/frame-000000.depth.png", "7-scenes", 0.10826, 0.801, 3.493),
    ("ARKit/arkit_depth.png", "arkit", 0.0, 1.566, 3.512),
    ("Open3D_samples/depth/00000.png", "redwood", 0.13044, 0.955, 2.702),
    ("Open3D_samples/other_formats/TUM_depth.png", "tum", 0.19189, 1.464, 9.331),
    ("NYUv2_3/depth/1000.npy", "nyu", 0.0, 0.7139339, 4.01679),
    ("sparse_sample/sparse_1000.npy", "nyu", 0.996745, 1.9069877, 23.2966933),
    ("sparse_sample/gt.npy", "nyu", 0.057109, 0.043741, 30.011813),
]


@pytest.mark.parametrize(("name", "convention", "holes", "low", "high"), FILES)
def test_it_reads_as_its_makers_meant_and_is_written_as_it_was(
    name, convention, holes, low, high, depth_root, tmp_path
):
    source = depth_root / name
    depth = read_depth(source, convention=convention)
    measured = depth.values[depth.valid]
    assert 1 - float(depth.valid.double().mean()) == pytest.approx(holes, abs=1e-5)
    assert (float(measured.min()), float(measured.max())) == pytest.approx((low, high), rel=1e-5)
    assert depth.unit == "metre"
    assert not depth.notes
    target = tmp_path / source.name
    write_depth(depth, target)
    before, after = samples(source), samples(target)
    assert before.dtype == after.dtype
    assert np.array_equal(before, after)
    assert not read_depth(target).notes


@pytest.mark.parametrize("name", ["7scenes/frame-000000.depth.png", "ARKit/arkit_depth.png"])
def test_millimetres_are_guessed_and_said(name, depth_root):
    guessed = read_depth(depth_root / name)
    said = read_depth(depth_root / name, convention="7-scenes")
    assert torch.equal(guessed.values, said.values)
    assert "millimetres" in guessed.notes[0]


def test_five_thousand_codes_a_metre_are_not_taken_for_millimetres(depth_root):
    depth = read_depth(depth_root / "Open3D_samples/other_formats/TUM_depth.png")
    assert depth.unit == "relative"
    assert "unknown" in depth.notes[0]


def test_sparse_zeros_are_holes(depth_root):
    sparse = read_depth(depth_root / "sparse_sample/sparse_1000.npy")
    truth = read_depth(depth_root / "sparse_sample/gt.npy")
    assert int(sparse.valid.sum()) == 1000
    assert torch.equal(sparse.values[sparse.valid], truth.values[sparse.valid])
    assert sparse.values.dtype == torch.float64


def _calibration(path: Path) -> tuple[Intrinsics, float, float]:
    """Camera, offset of the principal points in pixels, and baseline in metres."""
    pairs = dict(line.strip().split("=", 1) for line in path.read_text().splitlines())
    return read_intrinsics(path), float(pairs["doffs"]), float(pairs["baseline"]) / 1000


@pytest.mark.parametrize("scene", ["Adirondack", "Motorcycle"])
def test_middlebury_disparity_becomes_metres_and_points(scene, depth_root, tmp_path):
    folder = depth_root / "MiddEval3_Q" / scene
    disparity = read_depth(folder / "disp0GT.pfm", convention="middlebury-disparity")
    # OpenCV turns the rows round as well, but divides by the scale of the header.
    theirs = cv2.imread(str(folder / "disp0GT.pfm"), cv2.IMREAD_UNCHANGED)
    scale = abs(float((folder / "disp0GT.pfm").read_bytes().split(b"\n")[2]))
    ours = disparity.values[0].numpy()
    finite = np.isfinite(theirs)
    assert np.array_equal(finite, disparity.valid[0].numpy())
    assert np.allclose(theirs[finite] * scale, ours[finite], rtol=1e-5)

    camera, offset, baseline = _calibration(folder / "calib.txt")
    values, valid = depth_from_disparity(
        disparity.values, disparity.valid, focal=camera.fx, baseline=baseline, offset=offset
    )
    assert torch.equal(valid, disparity.valid)
    # These rooms are some metres deep.
    assert 0.5 < float(values[valid].min()) < float(values[valid].max()) < 10
    depth = DepthMap(values, valid, "metre", intrinsics=camera)
    guide = read(folder / "im0.png")
    solid = write_ply(depth, tmp_path / "solid.ply", guide=guide, edges=0.03)
    every = write_ply(depth, tmp_path / "all.ply", guide=guide)
    assert every == int(valid.sum())
    assert 0.98 * every < solid <= every


def test_middlebury_disparity_is_written_as_it_was(depth_root, tmp_path):
    source = depth_root / "MiddEval3_Q/Adirondack/disp0GT.pfm"
    depth = read_depth(source, convention="middlebury-disparity")
    write_depth(depth, tmp_path / "a.pfm")
    # All but the scale in the third line, which no reader applies.
    assert (
        source.read_bytes().split(b"\n", 3)[3]
        == (tmp_path / "a.pfm").read_bytes().split(b"\n", 3)[3]
    )


def test_the_mask_of_middlebury(depth_root):
    folder = depth_root / "MiddEval3_Q/Adirondack"
    mask = cv2.imread(str(folder / "mask0nocc.png"), cv2.IMREAD_UNCHANGED)
    depth = read_depth(folder / "disp0GT.pfm", unit="disparity_px", mask=folder / "mask0nocc.png")
    assert np.array_equal(depth.valid[0].numpy() | (mask == 0), np.ones_like(mask, dtype=bool))


def test_pgm_codes_are_read_as_they_stand(depth_root):
    """Kinect's raw codes of NYU, with the bytes of each turned round by whoever wrote them."""
    path = depth_root / "Open3D_samples/other_formats/NYU_depth.pgm"
    depth = read_depth(path, unit="relative", invalid=(65287,))
    stored = np.frombuffer(path.read_bytes()[-640 * 480 * 2 :], ">u2").reshape(480, 640)
    assert np.array_equal(depth.values[0].numpy(), np.where(stored == 65287, 0, stored))
    assert float((~depth.valid).double().mean()) == pytest.approx(0.07226, abs=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        "DKN_sample/0_rgb.png",
        "ARKit/image.jpg",
        "ARKit/LICENSE",
        "Open3D_samples/other_formats/NYU_color.ppm",
        "MSGNet_full/C/Depth/cones_2.mat",
    ],
)
def test_what_is_no_depth_is_refused(name, depth_root):
    with pytest.raises(SuperfineError) as caught:
        read_depth(depth_root / name)
    assert caught.value.code == "E_FORMAT"
    assert caught.value.hint


def test_an_eight_bit_map_is_warned_about(depth_root):
    assert "256 levels" in read_depth(depth_root / "DKN_sample/0_gt.png").notes[-1]
