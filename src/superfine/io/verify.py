"""Reading an output back before it gets its name: encoders have been seen to fail in silence."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import torch

from superfine.errors import OutputError, PictureError
from superfine.io.formats import GIF, PNG, PNM, TIFF, WEBP, PictureFormat, pnm, recognise
from superfine.io.formats.structure import Structure
from superfine.io.gate import Limits, PictureFile
from superfine.io.outputs import OutputFormat
from superfine.io.pillow import decode_bmp
from superfine.io.vips import VipsImage, load_vips

# Pixels; above it, formats that cannot be decoded in bands are checked by their header only.
_LARGEST_WHOLE = 50_000_000
_OUR_OWN = Limits(
    max_pixels=2**62, max_side=2**31 - 1, max_metadata_bytes=2**30, max_file_bytes=2**62
)
_BITS = {torch.uint8: 8, torch.uint16: 16, torch.float32: 32}
_BAND_ROWS = 64


@dataclass(frozen=True)
class Expected:
    """What a finished file must hold.

    Attributes:
        width: Columns.
        height: Rows, all frames together.
        channels: Colour channels and alpha.
        dtype: Sample type.
        frames: Frames of an animation.
        checksums: CRC-32 of each row, empty when the samples need not come back exactly.
    """

    width: int
    height: int
    channels: int
    dtype: torch.dtype
    frames: int = 1
    checksums: tuple[int, ...] = ()


def verify(path: Path, output: OutputFormat, expected: Expected) -> None:
    """Checks header, completeness and every pixel of a finished file.

    A PNG or TIFF is decoded in bands at any size, others up to 50 megapixels.

    Raises:
        OutputError: E_VERIFY.
    """
    try:
        with PictureFile(path) as file:
            kind = recognise(file)
            found = kind.inspect(file, _OUR_OWN)
            damage = kind.check(file, found)
            if damage:
                raise damage.error()
            # WebP shows equal neighbours as one frame for as long as both.
            joined = output.name == "webp" and found.frames < expected.frames
            frames = expected.frames if joined else found.frames
            got = (kind.name, found.width, found.height * expected.frames, frames)
            want = (output.name, expected.width, expected.height, expected.frames)
            if got != want or not _samples_fit(output, found.bit_depth, found.channels, expected):
                raise _different(f"{got} with {found.bit_depth} bits came back, not {want}")
            in_bands = kind in (PNG, TIFF)
            if in_bands or expected.width * expected.height <= _LARGEST_WHOLE:
                _compare_rows(file, kind, found, expected)
    except (PictureError, load_vips().Error) as error:
        raise _different(str(error).partition("\n")[0]) from error


def _samples_fit(output: OutputFormat, bits: int, channels: int, expected: Expected) -> bool:
    if output.name == "gif" or (output.name == "webp" and expected.frames > 1):
        return True  # depth and transparency are not in the header, or differ from frame to frame
    if output.name == "avif" and expected.dtype == torch.uint16:
        return bits == 12
    if output.name == "bmp":
        return True
    return bits == _BITS[expected.dtype] and channels == expected.channels


def _compare_rows(
    file: PictureFile, kind: PictureFormat, found: Structure, expected: Expected
) -> None:
    """Decodes the whole file, in bands of rows; compares each row where the format is exact."""
    if kind is PNM or kind.loader is None:
        rows = pnm.decode(file) if kind is PNM else decode_bmp(file, found, best_effort=False).rows
        read_back = tuple(zlib.crc32(row.numpy().tobytes()) for row in rows)
    else:
        read_back = _row_checksums(file, kind)
    if expected.checksums and read_back != expected.checksums:
        pairs = enumerate(zip(read_back, expected.checksums, strict=False))
        first = next((row for row, (got, want) in pairs if got != want), len(read_back))
        raise _different(f"row {first:,} differs")


def _row_checksums(file: PictureFile, kind: PictureFormat) -> tuple[int, ...]:
    vips = load_vips()
    # All frames where there are some; our own file may be larger than what we would read.
    options = {"n": -1} if kind in (GIF, WEBP) else {"unlimited": True}
    image: VipsImage = vips.Operation.call(
        kind.loader,
        file.vips_source(in_memory=kind.in_memory),
        access="sequential",
        fail_on="error",
        **options,
    )
    region = vips.Region.new(image)
    checksums: list[int] = []
    for top in range(0, image.height, _BAND_ROWS):
        count = min(_BAND_ROWS, image.height - top)
        band = memoryview(region.fetch(0, top, image.width, count))
        step = len(band) // count
        checksums += (zlib.crc32(band[at : at + step]) for at in range(0, len(band), step))
    return tuple(checksums)


def _different(what: str) -> OutputError:
    return OutputError(
        f"The output did not read back as it was written: {what}.",
        hint="Nothing was left behind. Try again; if it happens again, check the disk.",
        code="E_VERIFY",
    )
