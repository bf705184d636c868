"""Where a result is looked at closely, and its pixels as bytes that a page can hold."""

from __future__ import annotations

import base64
import io

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from PIL import Image as Pillow
from torch import Tensor
from torch.nn.functional import avg_pool2d

from superfine.visual import Box

_OVERVIEW = 360  # pixels of the longer side of the whole picture, made small


def hardest(error: Float[Tensor, "h w"], *, side: int, scale: int) -> Box:
    """The square with the largest sum of `error`, its corner on an LR pixel.

    Args:
        error: Not negative; height and width at least `side`.
        side: A multiple of the scale.
        scale: HR pixels per LR pixel.
    """
    step = 4 * scale
    sums = avg_pool2d(error[None], side, stride=step)[0]
    best = int(sums.argmax())
    top, left = divmod(best, sums.shape[1])
    return Box(top * step, left * step, side)


def around(box: Box, size: tuple[int, int], *, side: int, scale: int) -> Box:
    """A square of `side` inside a picture of `size` with `box` as near its middle as can be."""
    corner = []
    for first, length in zip((box.top, box.left), size, strict=True):
        middle = first + (box.side - side) // 2
        corner.append(max(0, min(middle, length - side)) // scale * scale)
    return Box(corner[0], corner[1], side)


def cut(picture: Shaped[Tensor, "c h w"], box: Box) -> Shaped[Tensor, "c m n"]:
    """The pixels of `picture` in `box`."""
    return picture[:, box.top : box.top + box.side, box.left : box.left + box.side]


def png(picture: UInt8[Tensor, "c h w"]) -> bytes:
    """`picture`, grey or RGB, without loss."""
    return _encoded(_pillow(picture), "PNG")


def indexed_png(indices: UInt8[Tensor, "h w"], palette: UInt8[Tensor, "256 3"]) -> bytes:
    """A picture whose pixels are rows of `palette`."""
    picture = Pillow.fromarray(indices.numpy())
    picture.putpalette(palette.flatten().tolist())
    return _encoded(picture, "PNG")


def overview_jpeg(picture: UInt8[Tensor, "c h w"]) -> bytes:
    """`picture` made small, for finding one's way only."""
    small = _pillow(picture)
    small.thumbnail((_OVERVIEW, _OVERVIEW), Pillow.Resampling.LANCZOS)
    return _encoded(small, "JPEG")


def data_uri(data: bytes) -> str:
    """The bytes of a PNG or JPEG file as an address that needs no file."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _pillow(picture: UInt8[Tensor, "c h w"]) -> Pillow.Image:
    pixels = picture[0] if picture.shape[0] == 1 else picture.permute(1, 2, 0)
    return Pillow.fromarray(np.ascontiguousarray(pixels.numpy()))


def _encoded(picture: Pillow.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, quality=82)
    return file.getvalue()
