"""Two pictures side by side where they differ most, and the difference in colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from torch import Tensor

from superfine.benchmark.compare import PairOfPictures
from superfine.benchmark.figure.boxes import enlarged, most_different
from superfine.ops.codes import to_codes

_SIDE = 48  # pixels that are shown of each picture
_TIMES = 6  # each is so wide and high
_MARGIN, _LINE, _BAR = 12, 18, 14
_INK, _PAPER = (32, 32, 36), (250, 250, 248)
# Below zero, zero and above: told apart with any kind of colour vision.
_BLUE, _WHITE, _RED = (33, 102, 172), (247, 247, 247), (178, 24, 43)


def difference_sheet(pair: PairOfPictures, names: Sequence[str]) -> UInt8[Tensor, "3 m n"]:
    """The place where A and B differ most, from each picture, and B less A with its scale.

    Every pixel is a square of pixels. The map holds the difference of the channel that differs
    most, blue where B is darker and red where it is brighter; its scale ends at the largest there.

    Args:
        pair: What was compared.
        names: Of A, B and the truth, in printable letters.
    """
    a, b = pair.pictures[:2]
    box = most_different(a, b, side=_SIDE)
    changes = box.cut(b - a)
    change = changes.gather(0, changes.abs().argmax(dim=0, keepdim=True))[0]
    end = float(change.abs().max())
    panels = [enlarged(to_codes(box.cut(p), torch.uint8), _TIMES) for p in pair.pictures]
    panels.append(enlarged(_coloured(change / end if end else change), _TIMES))
    top, right = box.top + box.height - 1, box.left + box.width - 1
    titles = [*names, "B - A"]
    place = f"x {box.left} to {right}, y {box.top} to {top}"
    return _drawn(panels, titles, place, end * pair.difference.largest_code)


def _coloured(share: Float64[Tensor, "h w"]) -> UInt8[Tensor, "3 h w"]:
    """-1 as blue, 0 as white, 1 as red."""
    ends = torch.where(share[None] < 0, _column(_BLUE), _column(_RED))
    mixed = _column(_WHITE) + share.abs()[None] * (ends - _column(_WHITE))
    return to_codes(mixed / 255, torch.uint8)


def _column(colour: tuple[int, int, int]) -> Float64[Tensor, "3 1 1"]:
    return torch.tensor(colour, dtype=torch.float64)[:, None, None]


def _drawn(
    panels: Sequence[UInt8[Tensor, "3 m n"]], titles: Sequence[str], place: str, end: float
) -> UInt8[Tensor, "3 p q"]:
    font = ImageFont.load_default(14)
    side = panels[0].shape[-1]
    labels = [f"+{end:.4g}", "0", f"-{end:.4g}"] if end else ["", "0", ""]
    room = max(round(font.getlength(label)) for label in labels) + 6
    size = (
        _MARGIN + len(panels) * (side + _MARGIN) + _BAR + room + _MARGIN,
        2 * _MARGIN + side + 2 * _LINE,
    )
    paper = Pillow.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(paper)
    below = _MARGIN + side + 4
    for index, (panel, title) in enumerate(zip(panels, titles, strict=True)):
        x = _MARGIN + index * (side + _MARGIN)
        paper.paste(_pillow(panel), (x, _MARGIN))
        draw.text((x, below), _fitted(title, font, side), fill=_INK, font=font)
    draw.text((_MARGIN, below + _LINE), place, fill=_INK, font=font)
    x = _MARGIN + len(panels) * (side + _MARGIN)
    scale = torch.linspace(1, -1, side, dtype=torch.float64)[:, None].expand(-1, _BAR)
    paper.paste(_pillow(_coloured(scale)), (x, _MARGIN))
    for index, label in enumerate(labels):
        y = _MARGIN + index * (side - 1) / 2
        draw.text((x + _BAR + 6, y), label, fill=_INK, font=font, anchor=("la", "lm", "ld")[index])
    return torch.from_numpy(np.array(paper)).permute(2, 0, 1)


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: int) -> str:
    """`text`, or what fits of its beginning and end."""
    shorter, kept = text, len(text)
    while font.getlength(shorter) > room and kept > 2:
        kept -= 1
        shorter = f"{text[: kept // 2]}...{text[len(text) - (kept - kept // 2) :]}"
    return shorter


def _pillow(picture: UInt8[Tensor, "3 h w"]) -> Pillow.Image:
    return Pillow.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
