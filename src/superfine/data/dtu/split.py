"""Which maps are trained on and which are validated with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

Split = Literal["scene", "image"]

_SEED = 42
_SHARE = 0.2


def eighty_twenty(count: int) -> tuple[list[int], list[int]]:
    """Numbers below `count` for training and for validation, in the order scikit-learn gives.

    Exactly `train_test_split(test_size=0.2, random_state=42)`: of one permutation, the first fifth,
    rounded up, is for validation. The lists that the seed published begin just like this, for its
    7,936 maps.
    """
    order = np.random.RandomState(_SEED).permutation(count).tolist()
    validating = math.ceil(_SHARE * count)
    return order[validating:], order[:validating]


def split(scans: Sequence[str], by: Split) -> tuple[list[int], list[int]]:
    """Which maps are for training and which for validation, each in random order.

    Args:
        scans: The scan of each map.
        by: "image" draws among maps, as the seed, so that every scan is on both sides and
            validation is too good; "scene" draws among scans.
    """
    training, validating = eighty_twenty(len(scans))
    if by == "image":
        return training, validating
    # In the order of the names, so that the same scans are drawn wherever the maps lie.
    names = sorted(set(scans))
    held_out = {names[i] for i in eighty_twenty(len(names))[1]}
    order = validating + training
    return (
        [i for i in order if scans[i] not in held_out],
        [i for i in order if scans[i] in held_out],
    )
