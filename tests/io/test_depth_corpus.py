"""Every awkward depth file ends in the outcome written beside it, in time and in little memory."""

from __future__ import annotations

import random
import resource
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from superfine.errors import PictureError, SuperfineError
from superfine.io.depth import read_depth, require_some_valid
from superfine.io.gate import Limits, PictureFile
from tests.corpus.depth import DEPTHS, DEPTHS_OF_ALL_KINDS, AwkwardDepth, npy


def _named(awkward: AwkwardDepth) -> str:
    return awkward.name


@pytest.mark.timeout(10)
@pytest.mark.parametrize("awkward", DEPTHS_OF_ALL_KINDS, ids=_named)
def test_it_ends_as_written(awkward, tmp_path, monkeypatch):
    path = awkward.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if awkward.outcome == "ok":
        depth = read_depth(path, **(awkward.options or {}))
        assert awkward.check(depth), (depth.notes, depth.values, depth.valid)
        assert bool(depth.values.isfinite().all())
    else:
        with pytest.raises(SuperfineError) as caught:
            read_depth(path, **(awkward.options or {}))
        assert caught.value.code == awkward.outcome, caught.value
        assert caught.value.hint
        assert "\n" not in caught.value.message
        assert path.name not in caught.value.message
    assert not (tmp_path / "canary").exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB


@pytest.mark.parametrize("name", ["all NaN", "all zero", "all 65535"])
def test_a_map_of_nothing_but_holes_is_read_and_can_be_refused(name, tmp_path):
    awkward = next(one for one in DEPTHS_OF_ALL_KINDS if one.name == name)
    depth = read_depth(awkward.make(tmp_path))
    with pytest.raises(PictureError) as caught:
        require_some_valid(depth)
    assert caught.value.code == "E_ALL_INVALID"
    assert "5×4" in caught.value.message


def test_one_measured_pixel_is_enough(tmp_path):
    path = tmp_path / "map.npy"
    np.save(path, np.array([[np.nan, 1.5]]))
    require_some_valid(read_depth(path))


def test_the_limits_of_pictures_hold_for_every_format(tmp_path):
    for awkward in DEPTHS_OF_ALL_KINDS:
        if awkward.outcome != "ok":
            continue
        folder = tmp_path / awkward.name
        folder.mkdir()
        path = awkward.make(folder)
        for limits in (Limits(max_pixels=1), Limits(max_side=1), Limits(max_file_bytes=9)):
            with pytest.raises(SuperfineError) as caught:
                read_depth(path, limits=limits, **(awkward.options or {}))
            assert caught.value.code == "E_LIMIT", (awkward.name, limits)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "map.npy"
    path.write_bytes(npy(DEPTHS))
    whole = PictureFile.at

    def at(self: PictureFile, offset: int, count: int) -> bytes:
        data = whole(self, offset, count)
        if offset:  # after its header has been looked at
            path.write_bytes(npy(DEPTHS * 2) + b"longer")
        return data

    monkeypatch.setattr(PictureFile, "at", at)
    with pytest.raises(PictureError) as caught:
        read_depth(path)
    assert caught.value.code == "E_VANISHED"


def test_every_prefix_of_every_format_ends_in_an_error_of_ours_or_a_map(tmp_path):
    for name in ("PFM, big endian", "EXR, half", "NPZ", "NPY stack", "PGM as text", "TIFF of two"):
        awkward = next(one for one in DEPTHS_OF_ALL_KINDS if one.name.startswith(name))
        folder = tmp_path / name
        folder.mkdir()
        data = awkward.make(folder).read_bytes()
        for stop in range(1, len(data), 7):
            with suppress(SuperfineError):
                read_depth(data[:stop])


def _mutated(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 2, 6))):
        at = draw.randrange(min(len(changed), draw.choice((64, 10**6))))
        if draw.random() < 0.7:
            changed[at] = draw.choice((0, 1, 127, 255, draw.randrange(256)))
        else:
            changed[at : at + draw.randrange(4)] = draw.randbytes(draw.randrange(4))
        changed = changed or bytearray(1)
    return bytes(changed)


@pytest.mark.parametrize("seed", range(4))
def test_files_with_some_bytes_changed_end_in_an_error_of_ours_or_a_map(seed, tmp_path):
    draw = random.Random(seed)
    for number, awkward in enumerate(DEPTHS_OF_ALL_KINDS):
        if awkward.outcome == "ok":
            folder = tmp_path / str(number)
            folder.mkdir()
            whole = awkward.make(folder).read_bytes()
            for _ in range(3):
                with suppress(SuperfineError):
                    depth = read_depth(_mutated(whole, draw), index=draw.choice((None, 1)))
                    assert bool(depth.values.isfinite().all())


def test_a_nan_that_complains_is_a_hole_like_any_other():
    signalling = np.array([[0x7FA00000, 0x3F800000]], np.uint32).view(np.float32)
    depth = read_depth(npy(signalling), codes_per_unit=1000)
    assert depth.valid.flatten().tolist() == [False, True]


def test_the_corpus_reads_from_memory_too(tmp_path):
    awkward = next(one for one in DEPTHS_OF_ALL_KINDS if one.name == "PFM, big endian")
    path: Path = awkward.make(tmp_path)
    assert awkward.check(read_depth(path.read_bytes()))
