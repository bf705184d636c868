"""The first minute: a bundled photo enlarged, and a sheet that shows what it is worth.

The photo is `coffee.png`, 480x360, cut from a photograph by Rachel Michetti (CC0).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from superfine.benchmark.protocol import Score, find_protocol, to_codes
from superfine.checkpoints import load_model
from superfine.inference import upscale_image
from superfine.io import read, write
from superfine.ops.resize import imresize_uint8
from superfine.types import Image
from superfine.visual import Box, Panel, sheet

PHOTO = Path(__file__).parent / "coffee.png"
SCALES = (2, 3, 4)
_PROTOCOL = "seed-zoo"
_BOX = Box(top=228, left=246, side=80)


@dataclass(frozen=True)
class Shown:
    """What one scale of the demo brought.

    Attributes:
        scale: How many times the photo was enlarged.
        output: The enlarged photo.
        seconds: The network's time for it, reading and writing left out.
        ours: Score of the network on the photo shrunk by `scale` and brought back.
        bicubic: Score of bicubic on the same.
    """

    scale: int
    output: Path
    seconds: float
    ours: Score
    bicubic: Score


def run_demo(out: Path, *, on_scale: Callable[[Shown], None] | None = None) -> Path:
    """Enlarges the bundled photo 2, 3 and 4 times into `out`; returns the side-by-side sheet.

    The enlarged photos have no truth to compare with, so each scale is also scored on the photo
    shrunk by that scale and brought back, by the network and by bicubic, under the protocol
    "seed-zoo".

    Args:
        out: Folder for the results; made if missing, earlier demo results are replaced.
        on_scale: Called after each scale.
    """
    out.mkdir(parents=True, exist_ok=True)
    photo = read(PHOTO)
    rows = []
    for scale in SCALES:
        model = load_model("fsrcnn", scale=scale)
        started = time.perf_counter()
        enlarged = upscale_image(photo, model)
        seconds = time.perf_counter() - started
        output = out / f"coffee.x{scale}.fsrcnn.png"
        write(enlarged, output, overwrite=True)

        protocol = find_protocol(_PROTOCOL)
        truth = photo.pixels
        lr = protocol.lr(truth, scale)
        shrunk = to_codes(lr)
        back = upscale_image(Image(shrunk), model).pixels
        bicubic = protocol.bicubic(lr, scale)
        shown = Shown(
            scale=scale,
            output=output,
            seconds=seconds,
            ours=protocol.score(back, truth, scale),
            bicubic=protocol.score(bicubic, truth, scale),
        )
        rows.append(_row(shown, truth, shrunk, bicubic, back))
        if on_scale is not None:
            on_scale(shown)
    path = out / "sheet.png"
    title = "A photo shrunk, and brought back by bicubic and by superfine's FSRCNN"
    write(Image(sheet(rows, title=title, overview=photo.pixels, box=_BOX)), path, overwrite=True)
    return path


def _row(
    shown: Shown,
    truth: UInt8[Tensor, "3 h w"],
    shrunk: UInt8[Tensor, "3 n m"],
    bicubic: UInt8[Tensor, "3 h w"],
    back: UInt8[Tensor, "3 h w"],
) -> list[Panel]:
    pixels = imresize_uint8(shrunk, scale=shown.scale, method="nearest")
    return [
        Panel(pixels, f"x{shown.scale}: what is left"),
        Panel(bicubic, f"bicubic  {shown.bicubic.psnr:.2f} dB"),
        Panel(back, f"superfine FSRCNN  {shown.ours.psnr:.2f} dB"),
        Panel(truth, "the photo"),
    ]
