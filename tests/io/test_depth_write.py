"""Depth maps out: what a format cannot hold, other formats, other programs, full disks."""

from __future__ import annotations

import math
import resource
from dataclasses import replace

import cv2
import numpy as np
import pytest
import pyvips
import tifffile
import torch

from superfine.errors import (
    DiskFullError,
    OutputError,
    SuperfineError,
)
from superfine.io.depth import read_depth, storage_for, write_depth
from superfine.types import DepthMap, DepthStorage
from tests.io.depth_makers import KINDS, make, samples


def _map(*values: float, unit: str = "metre", storage: DepthStorage | None = None) -> DepthMap:
    row = torch.tensor([[values]], dtype=torch.float64)
    return DepthMap(row, torch.ones_like(row, dtype=torch.bool), unit, storage=storage)


@pytest.mark.parametrize(
    ("values", "suffix", "words"),
    [
        ((1.0, 65.6), ".png", "uint16 with 1000 codes a unit holds 0 to 65.535"),
        ((1.0, 1e39), ".pfm", "float32"),
        ((1.0, math.nan), ".npy", "NaN"),
        ((1.0, math.inf), ".exr", "infinity"),
        ((1.0, -0.001), ".tif", "negative"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_and_leaves_nothing(values, suffix, words, tmp_path):
    with pytest.raises(OutputError) as caught:
        write_depth(_map(*values), tmp_path / f"map{suffix}")
    assert words in caught.value.message
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_what_a_format_cannot_hold_is_told(tmp_path):
    rounded, moved = write_depth(_map(0.0001, 1.0), tmp_path / "map.png")
    assert samples(tmp_path / "map.png").tolist() == [[1, 1000]]
    assert rounded == "PNG holds no floats: rounded to 1000 codes a unit."
    assert "1 measured pixels were moved" in moved
    assert write_depth(_map(0.1), tmp_path / "map.pfm") == ("PFM was written with 32 of 64 bits.",)
    assert write_depth(_map(0.1), tmp_path / "map.npy") == ()


def test_tiffs_that_others_write(tmp_path):
    rows = np.arange(1, 40 * 50 + 1, dtype=np.uint16).reshape(40, 50)
    picture = pyvips.Image.new_from_array(rows)
    path = tmp_path / "a.tif"
    for options in (
        {"tile": True, "tile_width": 16, "tile_height": 16, "compression": "lzw"},
        {"compression": "deflate", "predictor": "horizontal", "bigtiff": True},
    ):
        picture.tiffsave(str(path), **options)
        assert np.array_equal(read_depth(path, unit="relative").values[0].numpy(), rows)
    picture.cast("float").tiffsave(str(path), compression="deflate", predictor="float")
    assert np.array_equal(read_depth(path, codes_per_unit=1).values[0].numpy(), rows)
    tifffile.imwrite(path, rows / 3, rowsperstrip=7)  # doubles, plain
    assert np.array_equal(read_depth(path, codes_per_unit=1).values[0].numpy(), rows / 3)
    for options, words in (
        ({"photometric": "miniswhite"}, "code 0 is white"),
        ({"extratags": [(274, "H", 1, 6, True)]}, "turned"),
    ):
        tifffile.imwrite(path, rows, **options)
        with pytest.raises(SuperfineError, match=words):
            read_depth(path)
    tifffile.imwrite(path, rows / 3, tile=(16, 16))
    with pytest.raises(SuperfineError, match="64-bit"):
        read_depth(path)


@pytest.mark.parametrize("dtype", ["<u2", ">f8"])
def test_a_tiff_above_four_gigabytes_has_long_offsets(dtype, tmp_path, monkeypatch):
    monkeypatch.setattr("superfine.io.depth.tiff._CLASSIC", 100)
    monkeypatch.setattr("superfine.io.depth.tiff._STRIP", 300)
    rows = np.arange(1, 40 * 50 + 1).reshape(40, 50).astype(np.dtype(dtype).newbyteorder("="))
    make(tmp_path / "a.npy", rows, dtype)
    depth = read_depth(tmp_path / "a.npy", codes_per_unit=1)
    storage = DepthStorage("tiff", dtype)
    write_depth(depth, tmp_path / "a.tif", storage=storage)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
    assert np.array_equal(samples(tmp_path / "a.tif"), rows)
    assert samples(tmp_path / "a.tif").dtype == np.dtype(dtype)


def test_a_hole_that_the_type_cannot_hold(tmp_path):
    path = tmp_path / "all.png"
    cv2.imwrite(str(path), np.array([[0, 255]], np.uint8))
    full = read_depth(path, invalid=())
    assert bool(full.valid.all())
    write_depth(full, tmp_path / "again.png")
    assert bool(read_depth(tmp_path / "again.png").valid.all())
    assert samples(tmp_path / "again.png").tolist() == [[0, 255]]
    holed = replace(full, valid=torch.tensor([[[True, False]]]))
    with pytest.raises(OutputError, match="stand for holes"):
        write_depth(holed, tmp_path / "holed.png")


@pytest.mark.parametrize("suffix", [".png", ".pgm", ".tif", ".pfm", ".exr", ".npy", ".npz"])
def test_in_other_formats_millimetres_stay_or_become_metres(suffix, tmp_path):
    codes = np.array([[0, 1, 999], [1500, 65534, 65535]], np.uint16)
    make(tmp_path / "a.png", codes, ">u2")
    depth = read_depth(tmp_path / "a.png", convention="7-scenes")
    path = tmp_path / f"b{suffix}"
    write_depth(depth, path)
    stored = samples(path)
    if np.dtype(stored.dtype).kind == "u":
        assert stored.tolist() == [[0, 1, 999], [1500, 65534, 0]]
    else:
        expected = np.array([[np.nan, 0.001, 0.999], [1.5, 65.534, np.nan]], np.float32)
        assert np.array_equal(stored.astype(np.float32), expected, equal_nan=True)
    assert torch.equal(read_depth(path).values, depth.values)


def test_floats_become_millimetres_and_disparity_256ths():
    assert storage_for(_map(1.0), ".png") == DepthStorage("png", ">u2", 1000.0, 0.0)
    assert storage_for(_map(1.0, unit="disparity_px"), ".pgm").codes_per_unit == 256
    with pytest.raises(OutputError, match="relative"):
        storage_for(_map(1.0, unit="relative"), ".png")
    for suffix in (".jpg", ".mat", ""):
        with pytest.raises(OutputError):
            storage_for(_map(1.0), suffix)


def test_eight_bits_stay_eight_and_nothing_else_becomes_eight(tmp_path):
    make(tmp_path / "a.png", np.array([[7, 255]], np.uint8), "|u1")
    depth = read_depth(tmp_path / "a.png")
    for suffix in (".png", ".pgm", ".tif"):
        assert storage_for(depth, suffix).dtype == "|u1"
    for storage in (None, DepthStorage("npy", "<f4"), DepthStorage("npy", "<i4")):
        assert storage_for(_map(1.0, storage=storage), ".png").dtype == ">u2"


def test_opencv_reads_our_pfm_and_we_read_its(tmp_path):
    rows = np.arange(1, 36, dtype=np.float32).reshape(5, 7) / 3
    write_depth(_map(*rows[0].tolist()), tmp_path / "one.pfm")
    assert np.array_equal(cv2.imread(str(tmp_path / "one.pfm"), cv2.IMREAD_UNCHANGED)[0], rows[0])
    cv2.imwrite(str(tmp_path / "theirs.pfm"), rows)
    depth = read_depth(tmp_path / "theirs.pfm")
    assert np.array_equal(depth.values[0].numpy(), rows)
    write_depth(depth, tmp_path / "ours.pfm")
    assert np.array_equal(cv2.imread(str(tmp_path / "ours.pfm"), cv2.IMREAD_UNCHANGED), rows)


def test_the_same_map_gives_the_same_bytes(tmp_path):
    for suffix in dict(KINDS):
        for name in ("a", "b"):
            write_depth(_map(1.0, 2.5), tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_outputs_are_never_overwritten_unasked(tmp_path):
    write_depth(_map(1.0), tmp_path / "a.npy")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OutputError) as caught:
        write_depth(_map(2.0), tmp_path / "a.npy")
    assert caught.value.code == "E_EXISTS"
    (tmp_path / "a.npy").unlink()
    with pytest.raises(OutputError):  # a side-car of some other map lies there
        write_depth(_map(2.0), tmp_path / "a.npy")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a.npy.json": before["a.npy.json"]
    }
    write_depth(_map(2.0), tmp_path / "a.npy", overwrite=True)
    assert float(read_depth(tmp_path / "a.npy").values) == 2


def test_an_encoder_that_fails_in_silence_is_caught(tmp_path, monkeypatch):
    monkeypatch.setattr("superfine.io.depth.pfm.write", lambda rows, dtype, file: file.write(b"Pf"))
    with pytest.raises(OutputError) as caught:
        write_depth(_map(1.0), tmp_path / "a.pfm")
    assert caught.value.code == "E_VERIFY"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", sorted(dict(KINDS)))
def test_a_disk_that_is_full_keeps_nothing(suffix, tmp_path):
    noise = torch.rand(1, 200, 200, generator=torch.Generator().manual_seed(1)) + 1
    depth = DepthMap(noise, torch.ones_like(noise, dtype=torch.bool), "metre")
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, unlimited[1]))
    try:
        with pytest.raises(DiskFullError):
            write_depth(depth, tmp_path / f"map{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert not list(tmp_path.iterdir())


def test_a_storage_that_does_not_fit_the_ending(tmp_path):
    for storage in (
        DepthStorage("npy", "<f4"),
        DepthStorage("pfm", "<f8"),
        DepthStorage("mat", "<f4"),
    ):
        with pytest.raises(OutputError):
            write_depth(_map(1.0), tmp_path / "a.pfm", storage=storage)
