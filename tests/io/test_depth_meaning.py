"""What the samples of a depth file mean: conventions, options, masks, and MATLAB's variables."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from superfine.errors import (
    SizeMismatchError,
    SuperfineError,
    UsageError,
)
from superfine.io.depth import CONVENTIONS, read_depth
from tests.io.depth_makers import make


@pytest.mark.parametrize(
    ("name", "sample", "value", "holes"),
    [
        ("7-scenes", 1500, 1.5, (0, 65535)),
        ("tum", 5000, 1.0, (0,)),
        ("realsense", 1500, 1.5, (0,)),
        ("ros-16uc1", 1500, 1.5, (0,)),
        ("ros-32fc1", 1.5, 1.5, (math.nan,)),
        ("arkit", 1500, 1.5, (0,)),
        ("redwood", 1500, 1.5, (0,)),
        ("scannet", 1500, 1.5, (0,)),
        ("nyu", 1.5, 1.5, (0,)),
        ("dtu", 650.0, 0.65, (0,)),
        ("kitti", 256, 1.0, (0,)),
        ("kitti-disparity", 384, 1.5, (0,)),
        ("middlebury-disparity", 30.25, 30.25, (math.inf,)),
    ],
)
def test_each_convention_means_what_its_makers_say(name, sample, value, holes, tmp_path):
    whole = isinstance(sample, int)
    rows = np.array([[sample, *holes]], np.uint16 if whole else np.float32)
    np.save(tmp_path / "a.npy", rows)
    depth = read_depth(tmp_path / "a.npy", convention=name)
    assert float(depth.values[0, 0, 0]) == np.float32(value) or whole is False
    assert math.isclose(float(depth.values[0, 0, 0]), value, rel_tol=1e-6)
    assert depth.valid.flatten().tolist() == [True] + [False] * len(holes)
    assert not depth.notes
    assert depth.unit == ("disparity_px" if "disparity" in name else "metre")


def test_every_convention_is_tested_and_documented():
    mark = next(m for m in test_each_convention_means_what_its_makers_say.pytestmark)
    assert [case[0] for case in mark.args[1]] == [one.name for one in CONVENTIONS]
    text = (Path(__file__).parents[2] / "docs" / "depth_files.md").read_text(encoding="utf-8")
    units = {"metre": "metre", "disparity_px": "pixel of disparity"}
    words = {math.inf: "infinity", 0.0: "0", 65535.0: "65535"}
    for one in CONVENTIONS:
        holes = ", ".join(words.get(hole, "NaN") for hole in one.holes)
        row = rf"\| `{one.name}`[^|]* \| {units[one.unit]} \| {one.codes_per_unit:g} \| {holes} "
        assert re.search(rf"{row}\| {one.samples} \|", text), one.name


def test_in_ros_floats_zero_is_a_measurement(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0.0, np.nan, 2.0]], np.float32))
    depth = read_depth(tmp_path / "a.npy", convention="ros-32fc1")
    assert depth.valid.flatten().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"convention": "tum", "unit": "metre"}, "says the unit already"),
        ({"convention": "tmu"}, "Did you mean 'tum'"),
        ({"convention": "ros-32fc1"}, "for floats"),
        ({"codes_per_unit": 0.0}, "make no sense"),
        ({"codes_per_unit": math.nan}, "make no sense"),
    ],
)
def test_options_that_do_not_fit(options, words, tmp_path):
    make(tmp_path / "a.png", np.array([[1500]], np.uint16), ">u2")
    with pytest.raises(SuperfineError) as caught:
        read_depth(tmp_path / "a.png", **options)
    assert words in caught.value.message


def test_what_the_caller_says_is_not_guessed(tmp_path):
    make(tmp_path / "a.png", np.array([[0, 1, 2, 60000, 65535]], np.uint16), ">u2")
    depth = read_depth(tmp_path / "a.png", unit="relative", invalid=(1.0, 2.0))
    assert depth.valid.flatten().tolist() == [True, False, False, True, True]
    assert (depth.unit, depth.notes) == ("relative", ())
    assert read_depth(tmp_path / "a.png", codes_per_unit=10).values.max() == 6000
    assert read_depth(tmp_path / "a.png", codes_per_unit=10).unit == "metre"


def test_a_mask_and_a_confidence_of_another_size(tmp_path):
    make(tmp_path / "a.png", np.full((4, 5), 1500, np.uint16), ">u2")
    make(tmp_path / "m.png", np.full((5, 4), 255, np.uint8), "|u1")
    for option in ("mask", "confidence"):
        with pytest.raises(SizeMismatchError, match=r"4×5 and the depth map 5×4"):
            read_depth(tmp_path / "a.png", **{option: tmp_path / "m.png"})


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (np.array([[0, 1, 2]], np.uint8), [0, 0.5, 1]),
        (np.array([[0, 51, 255]], np.uint8), [0, 0.2, 1]),
        (np.array([[0, 13107, 65535]], np.uint16), [0, 0.2, 1]),
        (np.array([[0, 0.25, 1]], np.float32), [0, 0.25, 1]),
    ],
)
def test_confidence_is_on_zero_to_one(rows, expected, tmp_path):
    np.save(tmp_path / "c.npy", rows)
    np.save(tmp_path / "a.npy", np.ones((1, 3), np.float32))
    depth = read_depth(tmp_path / "a.npy", confidence=tmp_path / "c.npy")
    assert depth.confidence is not None
    assert torch.allclose(depth.confidence.flatten(), torch.tensor(expected))
    np.save(tmp_path / "c.npy", np.full((1, 3), 1.5))
    with pytest.raises(SuperfineError) as caught:
        read_depth(tmp_path / "a.npy", confidence=tmp_path / "c.npy")
    assert caught.value.code == "E_VALUES"


def test_values_without_end(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1e308]]))
    with pytest.raises(SuperfineError) as caught:
        read_depth(tmp_path / "a.npy", codes_per_unit=0.001)
    assert caught.value.code == "E_VALUES"


def test_matlab_files_of_nyu(tmp_path):
    h5py = pytest.importorskip("h5py")
    depths = np.arange(2 * 5 * 4, dtype=np.float32).reshape(2, 5, 4)
    with h5py.File(tmp_path / "nyu.mat", "w", userblock_size=512) as file:
        file["depths"] = depths  # MATLAB's 4x5x2 is 2x5x4 in HDF5
        file["elsewhere"] = h5py.ExternalLink("other.mat", "depths")
    depth = read_depth(tmp_path / "nyu.mat", convention="nyu", index=1)
    assert np.array_equal(depth.values[0].numpy(), depths[1].T)
    with pytest.raises(SuperfineError, match="2 maps"):
        read_depth(tmp_path / "nyu.mat")
    with h5py.File(tmp_path / "link.mat", "w") as file:
        file["depths"] = h5py.ExternalLink("nyu.mat", "depths")
    with pytest.raises(SuperfineError) as caught:
        read_depth(tmp_path / "link.mat")
    assert caught.value.code == "E_FORMAT"


def test_without_h5py_one_line_says_so(tmp_path, monkeypatch):
    (tmp_path / "nyu.mat").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(UsageError) as caught:
        read_depth(tmp_path / "nyu.mat")
    assert "superfine[train]" in caught.value.hint
