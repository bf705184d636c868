"""Training samples out of HDF5 files."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from superfine.data import patch_file
from superfine.data.patch_file import PatchFile
from superfine.data.prepare.prepare import H5Output, PrepareOptions, prepare
from superfine.errors import UsageError
from superfine.ops.views import VIEWS, turn
from tests.conftest import ROOT

from .drawing import draw_scenes

h5py = pytest.importorskip("h5py")

N = 24


def index(*numbers):
    return np.array(numbers or range(N), np.uint64)


def patches(shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(dtype)


def write(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name.replace("__", "/")] = array
    return path


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "a.h5", lr=patches((N, 4, 4)), hr=patches((N, 8, 8), seed=1))


def test_an_epoch_holds_every_patch_once(file):
    source = PatchFile(file, seed=3, views=False)
    assert source.count(2) == N
    with h5py.File(file) as stored:
        lr, hr = stored["lr"][...] / np.float32(255), stored["hr"][...] / np.float32(255)
    for epoch in (0, 1):
        batch = source.batch(index() + np.uint64(epoch * N), 2)
        assert batch.lr.dtype == torch.float32
        which = [int(np.flatnonzero((lr == x[0].numpy()).all((1, 2)))[0]) for x in batch.lr]
        assert sorted(which) == list(range(N))
        assert which != list(range(N))
        assert np.array_equal(batch.hr[2][:, 0], hr[which])


def test_a_sample_does_not_depend_on_its_batch_or_on_what_was_asked_before(file):
    whole = PatchFile(file, seed=3, views=True).batch(index(), 2)
    fresh = PatchFile(file, seed=3, views=True)
    for i in (17, 2, 30):
        one = fresh.batch(index(i), 2)
        if i < N:
            assert torch.equal(one.lr[0], whole.lr[i])
            assert torch.equal(one.hr[2][0], whole.hr[2][i])
    assert not torch.equal(PatchFile(file, seed=4, views=True).batch(index(), 2).lr, whole.lr)


def test_views_turn_lr_and_hr_alike_and_all_eight_come_up(file):
    plain = PatchFile(file, seed=3, views=False)
    turned = PatchFile(file, seed=3, views=True)
    seen = set()
    for start in (0, N, 2 * N, 3 * N):
        a, b = (s.batch(index() + np.uint64(start), 2) for s in (plain, turned))
        for i in range(N):
            view = [v for v in VIEWS if torch.equal(turn(a.lr[i], v), b.lr[i])]
            assert len(view) == 1
            assert torch.equal(turn(a.hr[2][i], view[0]), b.hr[2][i])
            seen |= set(view)
    assert seen == set(VIEWS)


def test_upright_patches_are_mirrored_at_most(file):
    plain = PatchFile(file, seed=3, views=False).batch(index(), 2)
    found = PatchFile(file, seed=3, views=True, upright=True).batch(index(), 2)
    mirrored = [not torch.equal(a, b) for a, b in zip(plain.lr, found.lr, strict=True)]
    assert 0 < sum(mirrored) < N
    for a, b, other in zip(plain.hr[2], found.hr[2], mirrored, strict=True):
        assert torch.equal(a.flip(-1) if other else a, b)


def test_forked_processes_and_copies_give_the_same_samples(file):
    source = PatchFile(file, seed=3, views=True)
    expected = source.batch(index(), 2).lr
    assert torch.equal(pickle.loads(pickle.dumps(source)).batch(index(), 2).lr, expected)
    read, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write_end, bytes([torch.equal(source.batch(index(), 2).lr, expected)]))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1) == b"\1"
    os.close(read)
    os.close(write_end)


@pytest.mark.parametrize("in_memory", [True, False])
def test_chunked_and_compressed_files_give_the_same(file, tmp_path, monkeypatch, in_memory):
    expected = PatchFile(file, seed=3, views=True).batch(index(), 2)
    with h5py.File(file) as stored, h5py.File(tmp_path / "b.h5", "w") as other:
        for name in ("lr", "hr"):
            other.create_dataset(name, data=stored[name], chunks=True, compression="gzip")
    if not in_memory:
        monkeypatch.setattr(patch_file, "_LARGEST_IN_MEMORY", 0)
    twice = np.concatenate([index(), index(5, 5)])
    found = PatchFile(tmp_path / "b.h5", seed=3, views=True).batch(twice, 2)
    assert torch.equal(found.lr[:N], expected.lr)
    assert torch.equal(found.hr[2][:N], expected.hr[2])
    assert torch.equal(found.lr[N], expected.lr[5])


def test_floats_above_one_and_a_half_are_codes(tmp_path):
    """The Holopix seed writes luma on 16..235 as float32."""
    codes = patches((N, 4, 4), np.float32)
    large = patches((N, 8, 8), np.float32)
    files = [
        write(tmp_path / "codes.h5", lr=codes, hr=large),
        write(tmp_path / "unit.h5", lr=codes / 255, hr=large / 255),
        write(tmp_path / "bytes.h5", lr=codes.astype(np.uint8), hr=large.astype(np.uint8)),
    ]
    found = [PatchFile(path, seed=0, views=False).batch(index(), 2) for path in files]
    for batch in found[1:]:
        assert torch.equal(batch.lr, found[0].lr)
        assert torch.equal(batch.hr[2], found[0].hr[2])


def test_colours_come_first(tmp_path):
    file = write(tmp_path / "a.h5", lr=patches((N, 4, 4, 3)), hr=patches((N, 12, 12, 3)))
    batch = PatchFile(file, seed=0, views=True).batch(index(), 3)
    assert (batch.lr.shape, batch.hr[3].shape) == ((N, 3, 4, 4), (N, 3, 12, 12))


def test_progressive_files_give_every_level(tmp_path):
    file = write(
        tmp_path / "a.h5", lr=patches((N, 4, 4)), hr_x2=patches((N, 8, 8)),
        hr_x4=patches((N, 16, 16)), hr=patches((N, 16, 16)),
    )  # fmt: skip
    source = PatchFile(file, seed=0, views=True)
    assert list(source.batch(index(), 4).hr) == [2, 4]
    assert list(source.batch(index(), 2).hr) == [2]


def test_what_prepare_writes_is_read_at_every_scale(tmp_path):
    draw_scenes(tmp_path / "in", 2)
    options = PrepareOptions(
        tmp_path / "in", width=12, height=12, stride=12, upscale_factors=(2, 3), single_y=True
    )
    prepare(options, H5Output(tmp_path / "a.h5", overwrite=False), on_progress=lambda *_: None)
    source = PatchFile(tmp_path / "a.h5", seed=0, views=True)
    assert source.batch(index(), 3).lr.shape == (N, 1, 4, 4)
    assert source.batch(index(), 2).lr.shape == (N, 1, 6, 6)
    assert (source.count(2), source.count(3)) == (30, 30)
    (described,) = source.files
    assert described.size == (tmp_path / "a.h5").stat().st_size
    assert source.name(0, 2).startswith("a.h5 row ")
    with pytest.raises(UsageError, match=r"holds patches of scale 2, 3; scale 4 was asked for"):
        source.count(4)


def test_inputs_that_were_enlarged_are_refused_unless_the_scale_is_one(tmp_path):
    file = write(tmp_path / "a.h5", lr=patches((N, 8, 8)), hr=patches((N, 8, 8)))
    source = PatchFile(file, seed=0, views=False)
    assert source.count(1) == N
    with pytest.raises(UsageError, match="as large as HR") as caught:
        source.batch(index(), 2)
    assert "--same-size" in caught.value.hint


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"data": (N, 4, 4)}, "no dataset `lr`"),
        ({"lr": (N, 4, 4)}, "no `hr` beside it"),
        ({"lr": (N, 4, 4), "hr": (N - 1, 8, 8)}, r"`lr` is \[24, 4, 4\]"),
        ({"lr": (N, 33, 33), "hr": (N, 21, 21)}, "HR patches of 21×21 and LR ones of 33×33"),
        ({"lr": (N, 1, 4, 4), "hr": (N, 1, 8, 8)}, r"not \[N, h, w\]"),
        ({"lr": (N, 4, 4), "hr_x4": (N, 8, 8)}, "not 4 times as large"),
        ({"lr": (0, 4, 4), "hr": (0, 8, 8)}, "`lr` is"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_one_line(tmp_path, arrays, words):
    file = write(tmp_path / "a.h5", **{name: patches(shape) for name, shape in arrays.items()})
    with pytest.raises(UsageError, match=words) as caught:
        PatchFile(file, seed=0, views=False)
    assert "\n" not in caught.value.message


def test_oblong_patches_are_refused(tmp_path):
    file = write(tmp_path / "a.h5", lr=patches((N, 4, 6)), hr=patches((N, 8, 12)))
    with pytest.raises(UsageError, match="LR patches of 6×4 at scale 2"):
        PatchFile(file, seed=0, views=False)


def test_no_hdf5_and_no_h5py_are_said_plainly(tmp_path, monkeypatch):
    (tmp_path / "a.h5").write_bytes(b"no HDF5")
    with pytest.raises(UsageError, match="cannot be read as an HDF5 file"):
        PatchFile(tmp_path / "a.h5", seed=0, views=False)
    with pytest.raises(UsageError, match="cannot be read as an HDF5 file"):
        PatchFile(tmp_path / "none.h5", seed=0, views=False)
    monkeypatch.setitem(sys.modules, "h5py", None)
    patch_file.load_h5py.cache_clear()
    with pytest.raises(UsageError, match="not installed") as caught:
        PatchFile(tmp_path / "a.h5", seed=0, views=False)
    assert caught.value.hint == "pip install 'superfine[train]'"
    patch_file.load_h5py.cache_clear()


@pytest.mark.slow
def test_reading_is_three_times_as_fast_as_opening_the_file_for_each_item():
    script = ROOT / "bench" / "patch_reading.py"
    command = [sys.executable, str(script), "--patches", "2000", "--batches", "50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) >= 3
