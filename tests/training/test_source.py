"""Samples: a pure function of (seed, index), aligned, and each place once in an epoch."""

import numpy as np
import pytest
import torch

from superfine.data.batch import Pair
from superfine.data.source import PictureSource, turned
from superfine.errors import UsageError
from superfine.ops.resize import imresize
from superfine.ops.views import VIEWS, turn
from superfine.training.feed import Schedule, batches, pieces
from superfine.training.processes import Place


def pairs(scale: int, *, count: int = 3, guide: bool = False) -> list[Pair]:
    """Pictures whose HR shows where every pixel came from."""
    made = []
    for i in range(count):
        y, x = torch.meshgrid(torch.arange(60 + 12 * i), torch.arange(96), indexing="ij")
        waves = 0.5 + 0.25 * torch.sin(x / (2.0 + i)) * torch.cos(y / 3) + 0.25 * (x > 3 * y)
        hr = (255 * waves).to(torch.uint8)[None]
        lr = imresize(hr.double() / 255, scale=1 / scale).float()
        photo = hr.expand(3, -1, -1).contiguous() if guide else None
        made.append(Pair(lr, {scale: hr}, photo))
    return made


def source(scale: int = 2, *, patch: int = 8, seed: int = 7, views: bool = True) -> PictureSource:
    return PictureSource({scale: pairs(scale)}, patch=patch, seed=seed, views=views, files=())


def numbers(*index: int) -> np.ndarray:
    return np.array(index, np.uint64)


def same(a, b) -> bool:
    return torch.equal(a.lr, b.lr) and all(torch.equal(a.hr[s], b.hr[s]) for s in a.hr)


def test_a_sample_is_a_pure_function_of_seed_and_index():
    first, second = source(), source()
    second.batch(numbers(5, 17, 3), 2)  # what was asked before does not matter
    for index in (0, 1, 63, 1000, 10**9, 2**40):
        assert same(first.batch(numbers(index), 2), second.batch(numbers(index), 2))
    assert not torch.equal(first.batch(numbers(0), 2).lr, source(seed=8).batch(numbers(0), 2).lr)


def test_a_batch_is_its_samples():
    found = source()
    together = found.batch(np.arange(1020, 1030, dtype=np.uint64), 2)
    for i in range(10):
        alone = source().batch(numbers(1020 + i), 2)
        assert torch.equal(alone.lr[0], together.lr[i])
        assert torch.equal(alone.hr[2][0], together.hr[2][i])
    scattered = found.batch(numbers(1029, 1020), 2)
    assert torch.equal(scattered.lr[0], together.lr[9])


@pytest.mark.parametrize("scale", [2, 3])
def test_lr_and_hr_show_the_same_place(scale):
    """Enlarging the LR patch lands on the HR patch, in every view; a shift would not."""
    batch = source(scale, patch=10).batch(np.arange(40, dtype=np.uint64), scale)
    inside = (..., slice(2 * scale, -2 * scale), slice(2 * scale, -2 * scale))
    for lr, hr in zip(batch.lr, batch.hr[scale], strict=True):
        enlarged = imresize(lr, scale=scale)
        error = (enlarged - hr)[inside].square().mean()
        shifted = (enlarged.roll(scale, -1) - hr)[inside].square().mean()
        assert error < 0.3 * shifted + 1e-3


def test_an_epoch_shows_every_place_once():
    found = source(patch=20, views=False)
    count = found.count(2)
    assert count == sum((h - 19) * (48 - 19) for h in (30, 36, 42))
    names = [found.name(i, 2) for i in range(count)]
    assert len(set(names)) == count
    assert sorted(names) == sorted(found.name(i, 2) for i in range(count, 2 * count))


def test_all_eight_views_come_up():
    found = PictureSource({1: pairs(1, count=1)}, patch=60, seed=0, views=True, files=())
    batch = found.batch(np.arange(150 * found.count(1), dtype=np.uint64), 1)
    seen = {bytes((255 * patch).to(torch.uint8).numpy()) for patch in batch.lr}
    assert len(seen) == 8 * found.count(1)


@pytest.mark.parametrize("view", VIEWS)
def test_arrays_turn_as_tensors_do(view):
    x = torch.rand(2, 5, 5)
    assert torch.equal(turn(x, view), torch.from_numpy(turned(x.numpy(), view).copy()))


def test_guides_are_cut_where_the_truth_is():
    found = PictureSource({4: pairs(4, guide=True)}, patch=6, seed=3, views=True, files=())
    batch = found.batch(np.arange(20, dtype=np.uint64), 4)
    assert batch.guide.shape == (20, 3, 24, 24)
    assert torch.equal(batch.guide[:, :1], batch.hr[4])


def test_pictures_too_small_are_left_out_and_none_left_is_an_error():
    found = source(patch=32)
    assert {found.name(i, 2).split()[0] for i in range(100)} <= {"1", "2"}
    with pytest.raises(UsageError, match="patch of 200x200"):
        source(patch=100)


def test_processes_take_what_one_would():
    alone = Schedule((2, 3), 12, Place())
    for world in (2, 3, 4):
        for step in (0, 1, 1000):
            shares = [Schedule((2, 3), 12, Place(r, world)).index(step) for r in range(world)]
            assert np.array_equal(np.concatenate(shares), alone.index(step))
    assert [alone.scale(step) for step in range(4)] == [2, 3, 2, 3]


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4")
@pytest.mark.parametrize("workers", [1, 4])
def test_workers_change_nothing(workers):
    schedule = Schedule((2,), 5, Place())
    arguments = {"start": 3, "steps": 23, "pin": False}
    alone = list(batches(source(), schedule, workers=0, **arguments))
    helped = list(batches(source(), schedule, workers=workers, **arguments))
    assert len(alone) == len(helped) == 20
    assert all(same(a, b) for a, b in zip(alone, helped, strict=True))
    assert torch.equal(alone[0].lr[0], source().batch(numbers(15), 2).lr[0])


def test_a_batch_in_pieces():
    batch = source().batch(np.arange(12, dtype=np.uint64), 2)
    found = list(pieces(batch, 3))
    assert [piece.lr.shape[0] for piece in found] == [4, 4, 4]
    assert torch.equal(torch.cat([piece.hr[2] for piece in found]), batch.hr[2])


def test_pictures_of_8_and_16_bits_train_together():
    """A 16-bit picture after an 8-bit one keeps its values."""
    codes = torch.arange(64 * 64).reshape(1, 64, 64)
    shallow = Pair((codes % 256).to(torch.uint8), {1: (codes % 256).to(torch.uint8)})
    deep = Pair((16 * codes).to(torch.uint16), {1: (16 * codes).to(torch.uint16)})
    found = PictureSource({1: [shallow, deep]}, patch=64, seed=0, views=False, files=())
    batch = found.batch(np.arange(2, dtype=np.uint64), 1)
    largest = sorted(float(patch.max()) for patch in batch.hr[1])
    assert largest == pytest.approx([16 * 4095 / 65535, 1.0])
