"""The JSON beside a map: a map with it needs no options, and a wrong one is never believed."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from superfine.errors import PictureError, SizeMismatchError
from superfine.io.depth import (
    Made,
    SideCar,
    read_depth,
    read_side_car,
    side_car_path,
    write_depth,
)
from superfine.types import DepthMap, Intrinsics

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
POSITIVE = st.floats(1e-6, 1e9)  # as many codes as a unit may have
WORDS = st.none() | st.text(max_size=20)
HOLES = st.lists(NUMBERS | st.sampled_from([math.inf, -math.inf]), min_size=1, max_size=20)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read(data, tmp_path_factory):
    camera = data.draw(st.none() | st.tuples(POSITIVE, POSITIVE, NUMBERS, NUMBERS))
    phase = data.draw(st.none() | st.tuples(NUMBERS, NUMBERS))
    made = Made(data.draw(WORDS), data.draw(WORDS), phase, data.draw(st.none() | st.floats(0, 9)))
    car = SideCar(
        unit=data.draw(st.sampled_from(["metre", "disparity_px", "relative"])),
        codes_per_unit=data.draw(POSITIVE),
        holes=tuple(data.draw(HOLES)),
        width=data.draw(st.integers(1, 10**6)),
        height=data.draw(st.integers(1, 10**6)),
        intrinsics=None if camera is None else Intrinsics(*camera),
        made=made,
    )
    path = tmp_path_factory.mktemp("car") / "map.png"
    side_car_path(path).write_bytes(car.to_json())
    assert read_side_car(path) == car


def test_a_hole_of_nan_is_read_again(tmp_path):
    car = SideCar("metre", 1.0, (math.nan, 0.0), 3, 2)
    side_car_path(tmp_path / "map.pfm").write_bytes(car.to_json())
    back = read_side_car(tmp_path / "map.pfm")
    assert back is not None
    assert str(back.holes) == "(nan, 0.0)"


def _kinect() -> DepthMap:
    values = torch.linspace(1, 2, 12, dtype=torch.float64).reshape(1, 3, 4)
    return DepthMap(values, values != 1, "metre", intrinsics=Intrinsics(585.0, 585.0, 320.0, 240.0))


def test_a_map_with_its_side_car_needs_no_options(tmp_path):
    made = Made("diffusion", "block-mean", (0.0, 0.5), 0.00012)
    source = tmp_path / "map.png"
    np.save(tmp_path / "tum.npy", np.array([[5000, 10000, 0]], np.uint16))
    tum = read_depth(tmp_path / "tum.npy", convention="tum")
    write_depth(replace(tum, intrinsics=_kinect().intrinsics), source, made=made)
    back = read_depth(source)
    assert back.values.flatten().tolist() == [1.0, 2.0, 0.0]
    assert (back.unit, back.notes) == ("metre", ())
    assert back.intrinsics == _kinect().intrinsics
    written = json.loads((tmp_path / "map.png.json").read_text())
    assert written["codes_per_unit"] == 5000
    assert written["holes"] == [0.0]
    assert written["made"] == {
        "method": "diffusion",
        "operator": "block-mean",
        "phase": [0.0, 0.5],
        "lr_residual": 0.00012,
    }


def test_the_caller_overrules_the_side_car(tmp_path):
    write_depth(_kinect(), tmp_path / "map.png")
    said = read_depth(tmp_path / "map.png", convention="tum")
    assert float(said.values.max()) == np.float32(2000 / 5000)
    assert "the convention was followed" in said.notes[0]
    assert said.intrinsics == _kinect().intrinsics
    assert float(read_depth(tmp_path / "map.png", unit="relative").values.max()) == 2000
    assert not read_depth(tmp_path / "map.png", convention="realsense").notes


def test_the_camera_of_a_phone_goes_through_seven_and_a_half(tmp_path):
    """256x192 to 1920x1440: a point of space falls on the same place of the enlarged map."""
    small = Intrinsics(212.6, 212.7, 127.9, 94.8)
    large = small.resized(7.5, 7.5)
    depth = DepthMap(torch.ones(1, 1, 1), torch.ones(1, 1, 1, dtype=bool), "metre", None, large)
    write_depth(depth, tmp_path / "map.exr")
    camera = read_depth(tmp_path / "map.exr").intrinsics
    assert camera == large
    x, y, z = 0.3, -0.2, 1.7
    column, row = small.fx * x / z + small.cx, small.fy * y / z + small.cy
    # Pixel centres: the left edge of the map is at -0.5 at every size.
    assert math.isclose(large.fx * x / z + large.cx, (column + 0.5) * 7.5 - 0.5)
    assert math.isclose(large.fy * y / z + large.cy, (row + 0.5) * 7.5 - 0.5)


@pytest.mark.parametrize(
    "text",
    ["", "no JSON", "[1, 2]", "{}", '{"kind": "something else"}', "[" * 5000, " " * 70_000],
)
def test_a_json_of_somebody_else_is_no_side_car(text, tmp_path):
    np.save(tmp_path / "map.npy", np.ones((2, 2)))
    side_car_path(tmp_path / "map.npy").write_text(text or "\n")
    assert "guessed" in read_depth(tmp_path / "map.npy").notes[0]


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"unit": "mile"},
        {"codes_per_unit": 0},
        {"codes_per_unit": "1000"},
        {"codes_per_unit": 1e999},
        {"holes": []},
        {"holes": ["none"]},
        {"width": True},
        {"intrinsics": {"fx": 0, "fy": 1, "cx": 0, "cy": 0}},
        {"intrinsics": {"fx": 1}},
        {"made": {"method": 3}},
        {"more": 1},
    ],
    ids=str,
)
def test_a_damaged_side_car_is_refused(change, tmp_path):
    path = tmp_path / "map.npy"
    write_depth(_kinect(), path)
    read_depth(path)
    content = json.loads(side_car_path(path).read_text())
    side_car_path(path).write_text(json.dumps(content | change))
    if change == {"codes_per_unit": 1e999}:  # Infinity is no JSON, so it is not ours
        assert "guessed" in read_depth(path).notes[0]
        return
    with pytest.raises(PictureError) as caught:
        read_depth(path)
    assert caught.value.code == "E_CORRUPT"
    assert "side-car" in caught.value.message


def test_a_side_car_of_another_map_is_refused(tmp_path):
    path = tmp_path / "map.npy"
    write_depth(_kinect(), path)
    np.save(path, np.ones((30, 40), np.float32))
    with pytest.raises(SizeMismatchError, match="40×30"):
        read_depth(path)


def test_a_pipe_beside_a_map_is_not_waited_for(tmp_path):
    import os

    np.save(tmp_path / "map.npy", np.ones((2, 2)))
    os.mkfifo(side_car_path(tmp_path / "map.npy"))
    assert "guessed" in read_depth(tmp_path / "map.npy").notes[0]
