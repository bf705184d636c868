"""The eight EXIF orientations, undone in place so that a large picture is never held twice.

Source: CIPA DC-008 (Exif 2.32), tag 0x0112.
"""

from __future__ import annotations

from jaxtyping import Shaped
from torch import Tensor

# Orientation -> (mirror left to right, mirror top to bottom, swap rows and columns), in that order.
_STEPS = {
    1: (False, False, False),
    2: (True, False, False),
    3: (True, True, False),
    4: (False, True, False),
    5: (False, False, True),
    6: (False, True, True),
    7: (True, True, True),
    8: (True, False, True),
}
_BAND = 2**22  # samples mirrored at a time


def upright(rows: Shaped[Tensor, "h w c"], orientation: int) -> Shaped[Tensor, "h2 w2 c"]:
    """`rows` as they are meant to be seen; overwrites `rows`, and for 5 to 8 is a view of it.

    Args:
        orientation: 1 to 8, as in the EXIF tag.
    """
    left_right, top_bottom, swap = _STEPS[orientation]
    step = max(1, _BAND // max(1, rows[0].numel()))
    if left_right:
        for top in range(0, rows.shape[0], step):
            band = rows[top : top + step]
            band.copy_(band.flip(1))
    if top_bottom:
        half = rows.shape[0] // 2
        for top in range(0, half, step):
            count = min(step, half - top)
            upper = rows[top : top + count]
            lower = rows[rows.shape[0] - top - count : rows.shape[0] - top]
            kept = upper.flip(0)
            upper.copy_(lower.flip(0))
            lower.copy_(kept)
    # (h, w, c) -> (w, h, c)
    return rows.transpose(0, 1) if swap else rows
