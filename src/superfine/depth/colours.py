"""Depth as colours a person can read, holes as a pattern that no depth has.

`turbo` shows small differences best, but its lightness rises and falls; `cividis` rises evenly from
dark to light, for print and for people who do not see all colours.

Sources: Mikhailov, "Turbo, an improved rainbow colormap", 2019; Nuñez, Anderton, Renslow,
"Optimizing colormaps with consideration for color vision deficiency", PLOS ONE 2018. Each is kept
at 33 places with straight lines between: within 2 (turbo) and 6 (cividis) codes of their tables.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

Colours = Literal["turbo", "cividis"]

_TABLES: dict[Colours, str] = {
    "turbo": "30123b 392a73 4040a1 4456c7 466be3 467ff6 4293ff 37a7fa 29bbec 1dcdd8 18dcc3 1ee8b0 "
    "31f299 4cf97e 6bfd64 8aff4d a3fd3c b8f735 cced34 dee037 edd03a f8c03a fdae35 fe982c fb8022 "
    "f56817 ec520f e04009 d23105 c02302 ac1701 950d01 7a0403",
    "cividis": "00224e 00285b 002e6a 043371 1a386f 273e6e 32436d 3b496c 434e6c 4b546c 52596d "
    "5a5f6e 61656f 686a71 6f7073 757676 7c7b78 848179 8b8778 938d78 9b9376 a39a75 aba072 b3a670 "
    "bbad6c c3b469 ccba64 d4c15f ddc958 e6d051 efd748 f8df3c fee838",
}
_HOLE = (96, 160)  # greys of the squares that stand for holes
_SQUARE = 4  # pixels on a side of one


def coloured(
    values: Float[Tensor, "1 h w"],
    valid: Bool[Tensor, "1 h w"],
    *,
    colours: Colours,
    low: float | None = None,
    high: float | None = None,
) -> UInt8[Tensor, "3 h w"]:
    """`values` from the first colour of `colours` (at `low`) to the last (at `high`).

    Args:
        values: Of any range; beyond `low` and `high` the outermost colours are taken.
        valid: False in holes, which become a chequered grey.
        colours: Which colours.
        low: The least valid value by default; give both ends to compare maps.
        high: The largest valid value by default.
    """
    height, width = values.shape[1:]
    rows, columns = torch.arange(height) // _SQUARE, torch.arange(width) // _SQUARE
    chequered = (rows[:, None] + columns) % 2 == 0
    picture = torch.where(chequered, _HOLE[0], _HOLE[1]).to(torch.uint8).repeat(3, 1, 1)
    seen = values[valid].double().numpy()
    if not len(seen):
        return picture
    low = float(seen.min()) if low is None else low
    high = float(seen.max()) if high is None else high
    table = np.array([tuple(bytes.fromhex(code)) for code in _TABLES[colours].split()], float)
    place = (seen - low) / (high - low or 1.0) * (len(table) - 1)
    for channel in range(3):
        codes = np.interp(place, np.arange(len(table)), table[:, channel])
        picture[channel][valid[0]] = torch.from_numpy(np.round(codes).astype(np.uint8))
    return picture
