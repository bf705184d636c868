"""What libvips' wheel cannot read: BMP, the frames of an APNG, and 8-bit CIE Lab TIFF.

Pillow gets a list of one format each time, so none of its other parsers can start.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Shaped
from PIL import Image as PillowImage
from PIL import ImageSequence
from torch import Tensor

from superfine.io.decode import Decoded, Timing
from superfine.io.formats.structure import Structure, corrupt, truncated
from superfine.io.gate import PictureFile
from superfine.io.vips import load_vips


def decode_bmp(file: PictureFile, structure: Structure, *, best_effort: bool) -> Decoded:
    """A BMP as grey or RGB, with alpha where it has any, in 8 bits.

    Raises:
        PictureError: E_TRUNCATED or E_CORRUPT.
    """
    with _opened(file, "BMP", best_effort=best_effort) as picture:
        grey = structure.channels == 1
        return Decoded(as_rows(picture.convert("L") if grey else picture))


def decode_lab(file: PictureFile, *, best_effort: bool) -> Decoded:
    """An 8-bit CIE Lab TIFF as 8-bit sRGB; libvips refuses these.

    Raises:
        PictureError: E_TRUNCATED or E_CORRUPT.
    """
    with _opened(file, "TIFF", best_effort=best_effort) as picture:
        codes = np.asarray(picture)
    lab = np.empty(codes.shape, np.float32)
    lab[..., 0] = codes[..., 0] * (100 / 255)
    lab[..., 1:] = codes[..., 1:].view(np.int8)
    height, width, _ = codes.shape
    image = load_vips().Image.new_from_memory(lab.tobytes(), width, height, 3, "float")
    pixels = image.copy(interpretation="lab").colourspace("srgb").write_to_memory()
    rows = torch.frombuffer(pixels, dtype=torch.uint8).view(height, width, 3)
    return Decoded(rows, notes=("Converted from CIE Lab to sRGB.",))


def decode_apng(file: PictureFile, structure: Structure) -> tuple[list[Decoded], Timing]:
    """All frames of an APNG with 8 bits, each on the whole canvas, and how they play.

    Raises:
        PictureError: E_TRUNCATED or E_CORRUPT.
    """
    notes: tuple[str, ...] = ()
    if structure.bit_depth == 16:
        notes = ("Frames of a 16-bit animation were rounded to 8 bits.",)
    frames, delays = [], []
    with _opened(file, "PNG", best_effort=False) as picture:
        profile = picture.info.get("icc_profile")
        loop = int(picture.info.get("loop", 0))
        for frame in ImageSequence.Iterator(picture):
            frames.append(Decoded(as_rows(frame), profile=profile, notes=notes))
            delays.append(round(frame.info.get("duration", 100)))
    return frames, Timing(tuple(delays), loop)


def as_rows(picture: PillowImage.Image) -> Shaped[Tensor, "h w c"]:
    """A Pillow picture as rows of grey or RGB, with alpha where it has any; 8 or 16 bits."""
    if picture.mode.startswith("I;16"):
        codes = np.asarray(picture).astype(np.uint16)
    else:
        codes = np.array(picture.convert(_plain_mode(picture)))
    # (h, w) -> (h, w, 1)
    return torch.from_numpy(codes.reshape(picture.height, picture.width, -1))


def _plain_mode(picture: PillowImage.Image) -> str:
    transparent = "transparency" in picture.info or picture.mode in (
        "LA",
        "La",
        "PA",
        "RGBA",
        "RGBa",
    )
    if picture.mode in ("1", "L", "LA", "La"):
        return "LA" if transparent else "L"
    return "RGBA" if transparent else "RGB"


@contextlib.contextmanager
def _opened(file: PictureFile, name: str, *, best_effort: bool) -> Iterator[PillowImage.Image]:
    """The decoded picture; what Pillow says about damage becomes an error of ours."""
    try:
        # Its warnings about size come after our own limits, which the caller may have raised.
        with warnings.catch_warnings(), file.stream() as stream:
            warnings.simplefilter("ignore")
            with PillowImage.open(stream, formats=[name]) as picture:
                picture.load()
                yield picture
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError) as error:
        file.require_unchanged()
        if "truncated" in str(error):
            raise truncated(name, "pixels are missing").error() from error
        raise corrupt(name, "the decoder cannot read it").error() from error
