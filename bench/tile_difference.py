"""How far a picture made of tiles is from the same made whole, and whether its seams show.

    python bench/tile_difference.py MODEL PHOTO [PHOTO ...] [--tile 64] [--side 192] [--scale 4]

The middle of each photo, `--side` pixels square, is enlarged whole and in tiles, and compared in
levels of 8 bits. The seam score is how much a step across the border of two tiles stands out from
the steps beside it, divided by the same at the other borders of LR pixels; the score of the whole
picture at the same places is what the content alone gives.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

from superfine.checkpoints import load_model
from superfine.inference import upscale_image
from superfine.io import read
from superfine.ops.codes import to_unit
from superfine.ops.tile import cut
from superfine.types import Image


def _middle(path: Path, side: int) -> Image:
    pixels = to_unit(read(path).pixels)
    top, left = (max(0, (length - side) // 2) for length in pixels.shape[1:])
    return Image(pixels[:, top : top + side, left : left + side])


def _standing_out(lines: Tensor, places: list[int]) -> Tensor:
    """The mean jump at `places` along the last axis."""
    step = lines.diff(dim=-1).abs()
    jump = (step[..., 1:-1] - (step[..., :-2] + step[..., 2:]) / 2).clamp_min(0)
    return jump[..., [place - 2 for place in places]].mean()


def _seam_score(sr: Tensor, tile: int, scale: int) -> float:
    """Jumps on the borders of tiles over those elsewhere, in both directions."""
    there, elsewhere = torch.zeros(2)
    for lines in (sr, sr.mT):
        size = lines.shape[-1]
        borders = [span.start for span in cut(size, tile * scale)][1:]
        others = [x for x in range(scale, size - 1, scale) if x not in borders and x > 1]
        there += _standing_out(lines, borders)
        elsewhere += _standing_out(lines, others)
    return float(there / elsewhere)


def main() -> None:
    """Prints a line for each photo, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--tile", type=int, default=64)
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--scale", type=int)
    args = parser.parse_args()
    model = load_model(args.model, scale=args.scale)
    rows = []
    for path in args.photos:
        image = _middle(path, args.side)
        whole = upscale_image(image, model, tile=10**6).pixels
        tiled = upscale_image(image, model, tile=args.tile).pixels
        off = (whole - tiled).abs() * 255
        scores = (_seam_score(sr, args.tile, model.scale) for sr in (tiled, whole))
        rows.append(torch.tensor([off.max(), off.mean(), *scores]))
        _tell(path.name, rows[-1])
    _tell("all", torch.cat((torch.stack(rows).amax(0)[:1], torch.stack(rows).mean(0)[1:])))


def _tell(name: str, row: Tensor) -> None:
    most, mean, tiled, whole = row.tolist()
    line = f"{name:24} max {most:7.3f}  mean {mean:7.4f}  seams {tiled:.3f} (whole {whole:.3f})"
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
