"""Numbers and pictures as one picture a person can judge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from torch import Tensor

_MARGIN = 12
_CAPTION = 24  # its height
_INK, _PAPER, _ACCENT = (32, 32, 36), (250, 250, 248), (214, 60, 40)


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of a sheet with the lines below it; all panels of a row show the same scene."""

    picture: UInt8[Tensor, "3 h w"]
    caption: str


@dataclass(frozen=True)
class Box:
    """A square of a picture: its upper left pixel and its side."""

    top: int
    left: int
    side: int


def sheet(
    rows: Sequence[Sequence[Panel]], *, title: str, overview: UInt8[Tensor, "3 h w"], box: Box
) -> UInt8[Tensor, "3 m n"]:
    """A sheet for comparing by eye: the whole picture with a box, and the box from each panel.

    Each crop is enlarged by a whole number without interpolation, so that every pixel seen is a
    pixel of the panel.

    Args:
        rows: Panels of one size, the same number in each row.
        title: Set above everything.
        overview: The whole picture, shown once at the left.
        box: What is cut from every panel and marked in the overview.
    """
    cell = 6 * 40
    font, small = ImageFont.load_default(20), ImageFont.load_default(14)
    caption_height = 24
    top = 2 * _MARGIN + 24
    left = 2 * _MARGIN + overview.shape[2]
    columns = max(len(row) for row in rows)
    width = left + columns * (cell + _MARGIN)
    height = max(
        top + len(rows) * (cell + caption_height + _MARGIN), top + overview.shape[1] + _MARGIN
    )
    paper = Pillow.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(paper)
    draw.text((_MARGIN, _MARGIN), title, fill=_INK, font=font)
    paper.paste(_pillow(overview), (_MARGIN, top))
    x, y = _MARGIN + box.left, top + box.top
    draw.rectangle((x - 1, y - 1, x + box.side, y + box.side), outline=_ACCENT, width=2)
    for r, row in enumerate(rows):
        y = top + r * (cell + caption_height + _MARGIN)
        for c, panel in enumerate(row):
            x = left + c * (cell + _MARGIN)
            crop = panel.picture[:, box.top : box.top + box.side, box.left : box.left + box.side]
            paper.paste(_pillow(crop).resize((cell, cell), Pillow.Resampling.NEAREST), (x, y))
            draw.text((x, y + cell + 4), panel.caption, fill=_INK, font=small)
    return torch.from_numpy(np.array(paper)).permute(2, 0, 1)


def triptych(panels: Sequence[Panel]) -> UInt8[Tensor, "3 m n"]:
    """The panels side by side from left to right, every pixel as it is, captions below.

    Args:
        panels: At least one, all of one size.
    """
    font = ImageFont.load_default(14)
    _, height, width = panels[0].picture.shape
    # A caption may be wider than its picture; it must not run into the next.
    column = max(width, *(math.ceil(font.getlength(panel.caption)) for panel in panels))
    size = (_MARGIN + len(panels) * (column + _MARGIN), 2 * _MARGIN + height + _CAPTION)
    paper = Pillow.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(paper)
    for i, panel in enumerate(panels):
        x = _MARGIN + i * (column + _MARGIN)
        paper.paste(_pillow(panel.picture), (x, _MARGIN))
        draw.text((x, _MARGIN + height + 4), panel.caption, fill=_INK, font=font)
    return torch.from_numpy(np.array(paper)).permute(2, 0, 1)


def _pillow(picture: UInt8[Tensor, "3 h w"]) -> Pillow.Image:
    return Pillow.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
