"""The scale of a file whose shapes may be the same at every scale."""

from __future__ import annotations

import re

from superfine.errors import ModelFileError
from superfine.foreign.recognise import Recognised

# What is taken of weights that serve every scale when nobody says.
_USUAL = 4


def scale_of(
    found: Recognised, *, called: str, asked: float | None, any_scale: bool
) -> tuple[int, str]:
    """The scale to build the network of `found` for, and what told it.

    Told by its shapes; else, for weights that serve every scale, as asked, and for others by the
    file's name before what is asked: that may be another scale than the file was made for.

    Args:
        found: What the file holds.
        called: The name of the file, without its suffix.
        asked: HR pixels per LR pixel; None when nobody asks.
        any_scale: Whether the same weights serve every scale.

    Raises:
        ModelFileError: When nothing tells it.
    """
    scales, named = found.scales, scale_in(called, found.scales)
    if len(scales) == 1:
        return scales[0], "as its shapes tell"
    if any_scale:
        return nearest_scale(scales, asked or named or _USUAL), "of all that its weights serve"
    if named is not None:
        return named, "as the file name tells; its shapes are the same at every scale"
    for scale in scales:
        if scale == asked:
            return scale, "as asked; nothing in the file tells it"
    raise ModelFileError(
        f"The file holds {found.spec.name}, whose shapes are the same at every scale.",
        hint=f"Say --scale {' or '.join(map(str, scales))}, or put x2 in the file name.",
    )


def nearest_scale(scales: tuple[int, ...], asked: float) -> int:
    """The smallest of `scales` from `asked` on, else the largest."""
    # Shrinking a larger result costs time; enlarging a smaller one costs sharpness.
    above = [scale for scale in scales if scale >= asked]
    return min(above, default=max(scales))


def scale_in(called: str, scales: tuple[int, ...]) -> int | None:
    """The one scale of `scales` a file name tells, as in net_x2, FSRCNNx3 or 4x-net."""
    digits = re.findall(
        r"(?<![a-z0-9])[xX](\d{1,2})(?!\d)|(?<![A-Za-z0-9])(\d{1,2})[xX](?![a-z0-9])", called
    )
    told = {int(before or after) for before, after in digits} & set(scales)
    return told.pop() if len(told) == 1 else None
