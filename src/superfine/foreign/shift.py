"""What the layers that take a mean colour off tell of the range and the colour of a file."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from superfine.errors import ModelFileError
from superfine.foreign.convention import (
    DIV2K,
    IDENTITY,
    Colour,
    ColourMap,
    Convention,
    Matrix,
    less,
)
from superfine.foreign.stored import StoredTensor

# No colour on [0, 1] is as large; every mean colour on [0, 255] is larger.
_LARGEST_UNIT = 2.0

# The layers of ours that take a colour off, where a network has such layers.
_OWN = "mean_off.bias"

# How far colours and matrices in files lie from the constants they were made from.
_ROUNDING = 1e-5


def told_by_shift(
    aside: Mapping[str, StoredTensor], tensors: Mapping[str, Tensor]
) -> Convention | None:
    """The convention that layers for the mean colour tell; None when the file has none of them.

    Args:
        aside: What belongs to no layer of the network, by its name in the file.
        tensors: The weights under our names.

    Raises:
        ModelFileError: When such a layer holds NaN or infinity.
    """
    if _OWN in tensors:
        # They stay as they are, on the range of the others.
        return Convention(_span(tensors[_OWN]))
    maps = [
        (tensor.read(), aside[f"{layer}.bias"].read())
        for name, tensor in aside.items()
        for layer, _, role in [name.rpartition(".")]
        if role == "weight" and tensor.shape == (3, 3, 1, 1) and f"{layer}.bias" in aside
    ]
    if not all(tensor.isfinite().all() for pair in maps for tensor in pair):
        raise ModelFileError("The layers for the mean colour hold NaN or infinity.")
    off = [pair for pair in maps if pair[1].sum() < 0]
    on = [pair for pair in maps if pair[1].sum() > 0]
    if len(off) != 1 or len(on) > 1:
        return None
    span = _span(off[0][1])
    into = _colour_map(*off[0], span)
    red, green, blue = into.added
    back = ColourMap(added=(-red, -green, -blue))
    return Convention(span, into, _colour_map(*on[0], span) if on else back)


def _span(bias: Tensor) -> float:
    return 255 if bias.abs().max() > _LARGEST_UNIT else 1


def _colour_map(weight: Tensor, bias: Tensor, span: float) -> ColourMap:
    """The map on [0, 1]; exactly the usual one where it is that but for rounding."""
    rows = [_colour(row) for row in weight.flatten(1)]
    matrix: Matrix = (rows[0], rows[1], rows[2])
    if all(_near(row, unit) for row, unit in zip(matrix, IDENTITY, strict=True)):
        matrix = IDENTITY
    added = _colour(bias / span)
    for usual in (less(DIV2K).into.added, DIV2K):
        if _near(added, usual):
            added = usual
    return ColourMap(matrix, added)


def _colour(values: Tensor) -> Colour:
    red, green, blue = values.double().tolist()
    return red, green, blue


def _near(one: Colour, other: Colour) -> bool:
    return all(abs(a - b) < _ROUNDING for a, b in zip(one, other, strict=True))
