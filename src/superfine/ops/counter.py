"""Random numbers that are a pure function of (seed, index): no state, any order, any process.

Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011:
Philox 4x32 with ten rounds.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt64

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROUNDS = 10


def philox(counter: UInt64[np.ndarray, "n 4"], key: tuple[int, int]) -> UInt64[np.ndarray, "n 4"]:
    """Philox 4x32-10 of each row of `counter`; all words, in and out, are below 2**32."""
    a, b, c, d = (counter[:, i] for i in range(4))
    for r in range(_ROUNDS):
        k0, k1 = ((key[i] + r * _WEYL[i]) & 0xFFFFFFFF for i in range(2))
        first, second = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = (
            (second >> _HALF) ^ b ^ np.uint64(k0),
            second & _LOW,
            (first >> _HALF) ^ d ^ np.uint64(k1),
            first & _LOW,
        )
    return np.stack([a, b, c, d], axis=1)


def draw(
    seed: int, stream: int, index: UInt64[np.ndarray, " n"]
) -> tuple[UInt64[np.ndarray, " n"], UInt64[np.ndarray, " n"]]:
    """Two evenly spread random words below 2**64 for each of `index`.

    Args:
        seed: Of the run, below 2**64.
        stream: Tells apart what one run draws for different ends, below 2**32.
        index: The numbers of the samples, below 2**64.
    """
    counter = np.zeros((len(index), 4), np.uint64)
    counter[:, 0] = index & _LOW
    counter[:, 1] = index >> _HALF
    counter[:, 2] = np.uint64(stream)
    words = philox(counter, (seed & 0xFFFFFFFF, seed >> 32))
    return words[:, 0] << _HALF | words[:, 1], words[:, 2] << _HALF | words[:, 3]


def shuffled(seed: int, index: UInt64[np.ndarray, " n"], count: int) -> UInt64[np.ndarray, " n"]:
    """Which of `count` items each `index` of an endless run stands for.

    Indices `e * count` to `(e + 1) * count - 1` are epoch `e`: every item once, in an order of its
    own. Nothing is stored: item `i` is found by a Feistel network that walks until it lands
    below `count` (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002).

    Args:
        seed: Of the run, below 2**63.
        index: Below 2**63.
        count: From 1 to 2**62.
    """
    epoch, place = index // np.uint64(count), index % np.uint64(count)
    half = max(1, ((count - 1).bit_length() + 1) // 2)
    keys = _mixed(epoch ^ _mixed(np.full_like(epoch, seed)))
    place = _feistel(place, keys, half)
    while (outside := place >= np.uint64(count)).any():
        place[outside] = _feistel(place[outside], keys[outside], half)
    return place


def _feistel(
    x: UInt64[np.ndarray, " n"], keys: UInt64[np.ndarray, " n"], half: int
) -> UInt64[np.ndarray, " n"]:
    """A permutation of the numbers below 4**half, another one for each key."""
    bits, mask = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = x >> bits, x & mask
    for r in range(4):
        left, right = right, left ^ (_mixed(right ^ (keys + np.uint64(r * _STEP))) & mask)
    return left << bits | right


# An odd number far from any pattern: 2**64 divided by the golden ratio, cut to fit four times.
_STEP = 0x1E3779B97F4A7C15


def _mixed(x: UInt64[np.ndarray, " n"]) -> UInt64[np.ndarray, " n"]:
    """Every bit of the result depends on every bit of `x`.

    Source: the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), variant 13 of Stafford.
    """
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: UInt64[np.ndarray, " n"] = x ^ (x >> np.uint64(31))
    return mixed
