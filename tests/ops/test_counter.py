"""Random numbers by counter: the published vectors, and permutations without a table."""

import numpy as np
import pytest

from superfine.ops.counter import draw, philox, shuffled


def words(*values: int) -> np.ndarray:
    return np.array([values], np.uint64)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (
            (0xFFFFFFFF,) * 4,
            (0xFFFFFFFF,) * 2,
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_random123(counter, key, expected):
    assert philox(words(*counter), key).tolist() == [list(expected)]


def test_a_draw_does_not_depend_on_its_company():
    index = np.arange(2**40, 2**40 + 50, dtype=np.uint64)
    together = draw(7, 1, index)
    for i in (0, 13, 49):
        alone = draw(7, 1, index[i : i + 1])
        assert (alone[0][0], alone[1][0]) == (together[0][i], together[1][i])


def test_seeds_and_streams_are_apart():
    index = np.arange(1000, dtype=np.uint64)
    first = draw(7, 1, index)[0]
    assert not (first == draw(8, 1, index)[0]).any()
    assert not (first == draw(7, 2, index)[0]).any()
    assert not (first == draw(7 + 2**32, 1, index)[0]).any()


def test_draws_are_spread_evenly():
    values = draw(3, 0, np.arange(100_000, dtype=np.uint64))[1] / 2**64
    assert abs(values.mean() - 1 / 2) < 0.003  # three standard errors
    assert abs(values.var() - 1 / 12) < 0.001


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 17, 1000, 4097])
@pytest.mark.parametrize("epoch", [0, 1, 12345])
def test_an_epoch_holds_every_item_once(count, epoch):
    index = np.arange(epoch * count, (epoch + 1) * count, dtype=np.uint64)
    assert sorted(shuffled(5, index, count).tolist()) == list(range(count))


def test_every_epoch_has_an_order_of_its_own():
    orders = shuffled(5, np.arange(300, dtype=np.uint64), 100).reshape(3, 100)
    assert not (orders[0] == orders[1]).all()
    assert not (orders[1] == orders[2]).all()
    assert not (orders[0] == shuffled(6, np.arange(100, dtype=np.uint64), 100)).all()


def test_the_order_looks_random():
    """Neighbours are not related, and the first half of an epoch sees all parts alike."""
    count = 14_632_248
    places = shuffled(1, np.arange(50_000, dtype=np.uint64), count) / count
    assert abs(np.corrcoef(places[:-1], places[1:])[0, 1]) < 0.015
    histogram = np.histogram(places, bins=20, range=(0, 1))[0]
    assert abs(histogram - 2500).max() < 5 * 2500**0.5
