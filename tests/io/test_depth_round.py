"""Every kind of depth file comes back as it was, whatever is in it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from superfine.io.depth import read_depth, write_depth
from superfine.types import DepthMap, DepthStorage
from tests.io.depth_makers import KINDS, make, samples

SIDES = st.integers(1, 9)


def maps(dtype: str) -> st.SearchStrategy[np.ndarray]:
    """Maps of samples of `dtype`, holes of every kind among them."""
    native = np.dtype(dtype).newbyteorder("=")
    anything = arrays.from_dtype(native)
    if native.kind == "f":
        special = (
            0.0,
            -0.0,
            -1.0,
            math.nan,
            math.inf,
            -math.inf,
            1.25,
            float(np.finfo(native).max),
        )
    else:
        special = (0, 1, np.iinfo(native).max)
        if native.itemsize == 8:
            anything = st.integers(-(2**50), 2**50 - 1)
            special = (0, 1, -1)
    elements = st.one_of(anything, st.sampled_from(special).map(native.type))
    return arrays.arrays(native, st.tuples(SIDES, SIDES), elements=elements)


def holes_in(rows: np.ndarray) -> np.ndarray:
    """What is a hole when nobody says: stated anew, pixel by pixel."""
    sixteen = rows.dtype == np.uint16
    return np.array(
        [
            [not math.isfinite(x) or x <= 0 or (sixteen and x == 65535) for x in row]
            for row in rows.tolist()
        ]
    )


def storable(dtype: str, codes: float) -> bool:
    """float64 that is divided comes back to within one unit in the last place, not bit for bit."""
    return codes == 1 or not dtype.endswith("f8")


@pytest.mark.parametrize(("suffix", "dtype"), KINDS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_what_is_read_is_written_back_bit_for_bit(suffix, dtype, data):
    rows = data.draw(maps(dtype))
    codes = data.draw(
        st.sampled_from([c for c in (1.0, 256.0, 1000.0, 5000.0) if storable(dtype, c)])
    )
    masked = data.draw(arrays.arrays(bool, rows.shape))
    with TemporaryDirectory() as folder:
        source, target, mask = (
            Path(folder) / name for name in (f"a{suffix}", f"b{suffix}", "m.npy")
        )
        make(source, rows, dtype)
        np.save(mask, masked)
        depth = read_depth(source, unit="metre", codes_per_unit=codes, mask=mask)
        holes = holes_in(rows) | ~masked
        assert np.array_equal(depth.valid[0].numpy(), ~holes)
        assert depth.values.isfinite().all()

        write_depth(depth, target)
        back = samples(target)
        assert back.dtype == np.dtype(dtype)
        # As bytes: the sign of zero and the last bit count.
        native = back.astype(rows.dtype)
        assert native[~holes].tobytes() == rows[~holes].tobytes()
        again = read_depth(target)
        assert torch.equal(again.valid, depth.valid)
        assert torch.equal(again.values, depth.values)
        assert again.values.dtype == depth.values.dtype
        assert again.unit == depth.unit
        assert not any("guess" in note for note in again.notes)
        assert str(again.storage) == str(depth.storage)


@settings(max_examples=15, deadline=None)
@given(rows=arrays.arrays(np.float64, (3, 5), elements=st.floats(1e-300, 1e300)))
def test_divided_doubles_come_back_to_the_last_place(rows):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.npy"
        np.save(path, rows)
        write_depth(read_depth(path, codes_per_unit=1000), path, overwrite=True)
        assert np.all(np.abs(rows - np.load(path)) <= np.spacing(rows))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if np.dtype(kind[1]).kind == "u"])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_floats_are_rounded_and_no_measured_pixel_becomes_a_hole(kind, data):
    suffix, dtype = kind
    largest = float(np.iinfo(dtype).max)
    hole, other = data.draw(st.sampled_from([(0.0, ()), (0.0, (largest,)), (largest, (0.0, 1.0))]))
    elements = st.one_of(
        st.floats(0, largest + 0.499), st.sampled_from([0.0, 0.3, 0.5, 1.2, largest - 0.4, largest])
    )
    codes = data.draw(arrays.arrays(np.float64, st.tuples(SIDES, SIDES), elements=elements))
    valid = data.draw(arrays.arrays(bool, codes.shape))
    depth = DepthMap(
        torch.from_numpy(codes / 1000)[None],
        torch.from_numpy(valid)[None],
        "metre",
        storage=DepthStorage(suffix[1:].replace("tif", "tiff"), dtype, 1000.0, hole, other),
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"map{suffix}"
        write_depth(depth, path)
        stored = samples(path).astype(np.float64)
        holes = {hole, *other}
        assert (stored[~valid] == hole).all()
        assert not any((stored[valid] == code).any() for code in holes)
        usual = np.array([[np.rint(x) not in holes for x in row] for row in (codes / 1000 * 1000)])
        assert np.abs(stored - codes)[valid & usual].max(initial=0) <= 0.5 + 1e-9
        assert np.abs(stored - codes)[valid].max(initial=0) <= 2.5
        assert torch.equal(read_depth(path).valid, depth.valid)


@pytest.mark.parametrize("dtype", ["<u2", "<f8"])
def test_large_maps_are_turned_in_bands(dtype, tmp_path, monkeypatch):
    monkeypatch.setattr("superfine.io.depth.codes._BAND", 20)
    monkeypatch.setattr("superfine.io.depth.reader._LOOKED_AT", 5)
    rows = np.arange(63).reshape(7, 9).astype(np.dtype(dtype))
    make(tmp_path / "a.npy", rows, dtype)
    depth = read_depth(tmp_path / "a.npy", codes_per_unit=1)
    write_depth(depth, tmp_path / "b.npy")
    assert np.array_equal(samples(tmp_path / "b.npy"), rows)
    moved = replace(depth, values=depth.values * 0, valid=torch.ones_like(depth.valid))
    notes = write_depth(moved, tmp_path / "c.npy")
    assert notes[0].startswith("63 measured pixels")
