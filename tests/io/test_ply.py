"""Point clouds: a small reader of its own checks every byte against the pinhole's formula."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from superfine.errors import OutputError, SizeMismatchError, UsageError
from superfine.io.ply import write_ply
from superfine.types import DepthMap, Image, Intrinsics

CAMERA = Intrinsics(fx=58.5, fy=57.5, cx=3.2, cy=1.9)
TYPES = {"float": "<f4", "uchar": "u1"}


def read_ply(path: Path) -> np.ndarray:
    """The vertices of a binary little-endian PLY, by its own header."""
    header, rest = path.read_bytes().split(b"end_header\n", 1)
    lines = header.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    (count,) = [int(line.split()[2]) for line in lines if line.startswith("element vertex ")]
    fields = [line.split()[1:] for line in lines if line.startswith("property ")]
    kind = np.dtype([(name, TYPES[word]) for word, name in fields])
    assert len(rest) == count * kind.itemsize
    return np.frombuffer(rest, kind)


def _map(dtype: torch.dtype = torch.float32) -> DepthMap:
    values = (torch.rand(1, 5, 7, generator=torch.Generator().manual_seed(3)) + 0.5).to(dtype)
    valid = torch.ones(1, 5, 7, dtype=torch.bool)
    valid[0, 2, 3] = valid[0, 0, 0] = False
    return DepthMap(values, valid, "metre", intrinsics=CAMERA)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_each_measured_pixel_is_a_point(dtype, tmp_path):
    depth = _map(dtype)
    assert write_ply(depth, tmp_path / "a.ply") == 33
    points = read_ply(tmp_path / "a.ply")
    assert points.dtype.names == ("x", "y", "z")
    wanted = []
    for row in range(5):
        for column in range(7):
            if bool(depth.valid[0, row, column]):
                z = float(depth.values[0, row, column])
                x, y = (column - 3.2) / 58.5 * z, (row - 1.9) / 57.5 * z
                wanted.append((x, y, z))
    got = np.stack([points["x"], points["y"], points["z"]], axis=1)
    assert np.array_equal(got, np.array(wanted, np.float32))


def test_depth_along_the_ray(tmp_path):
    depth = _map()
    write_ply(depth, tmp_path / "a.ply", along="ray")
    points = read_ply(tmp_path / "a.ply")
    distance = np.sqrt(points["x"] ** 2 + points["y"] ** 2 + points["z"] ** 2)
    assert np.allclose(distance, depth.values[depth.valid].numpy(), rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_guide_colours_the_points(channels, dtype, tmp_path):
    depth = _map()
    codes = torch.arange(channels * 35).reshape(channels, 5, 7)
    guide = Image((codes * (257 if dtype == torch.uint16 else 1)).to(dtype))
    write_ply(depth, tmp_path / "a.ply", guide=guide)
    points = read_ply(tmp_path / "a.ply")
    assert points.dtype.names == ("x", "y", "z", "red", "green", "blue")
    for at, name in enumerate(("red", "green", "blue")):
        plane = codes[min(at, channels - 1)]
        assert points[name].tolist() == plane[depth.valid[0]].tolist()


def test_flying_pixels_can_be_left_out(tmp_path):
    values = torch.tensor([1.0, 1.0, 1.0, 1.5, 2.0, 2.0, 2.0]).repeat(5, 1)[None]
    depth = DepthMap(values, torch.ones_like(values, dtype=torch.bool), "metre", None, CAMERA)
    assert write_ply(depth, tmp_path / "all.ply") == 35
    assert write_ply(depth, tmp_path / "solid.ply", edges=0.03) == 30
    assert 1.5 not in read_ply(tmp_path / "solid.ply")["z"]


def test_a_map_of_nothing_but_holes_is_a_cloud_of_no_points(tmp_path):
    depth = _map()
    empty = replace(depth, valid=torch.zeros_like(depth.valid), values=depth.values * math.nan)
    assert write_ply(empty, tmp_path / "a.ply") == 0
    assert len(read_ply(tmp_path / "a.ply")) == 0


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"intrinsics": None}, {}, "no camera"),
        ({"unit": "relative"}, {}, "relative"),
        ({"unit": "disparity_px"}, {}, "disparity"),
        ({}, {"edges": 0.0}, "no edge"),
        ({}, {"edges": math.nan}, "no edge"),
    ],
)
def test_what_makes_no_points(change, options, words, tmp_path):
    with pytest.raises(UsageError) as caught:
        write_ply(replace(_map(), **change), tmp_path / "a.ply", **options)
    assert words in caught.value.message
    assert not list(tmp_path.iterdir())


def test_a_guide_of_another_size(tmp_path):
    guide = Image(torch.zeros(3, 7, 5, dtype=torch.uint8))
    with pytest.raises(SizeMismatchError, match="5×7 and the depth map 7×5"):
        write_ply(_map(), tmp_path / "a.ply", guide=guide)


def test_outputs_are_never_overwritten_unasked(tmp_path):
    write_ply(_map(), tmp_path / "a.ply")
    with pytest.raises(OutputError):
        write_ply(_map(), tmp_path / "a.ply")
    assert write_ply(_map(), tmp_path / "a.ply", edges=0.01, overwrite=True) <= 33
