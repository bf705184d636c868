"""Pictures out: what each format holds, and how libvips is asked to write it.

Settings were measured on photographs; docs/decisions has the figures.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO

import torch

from superfine.errors import OutputError
from superfine.io.formats import png, tiff
from superfine.io.gate import PictureFile
from superfine.io.vips import VipsImage, load_vips

_CLASSIC_TIFF = 2**32 - 2**26  # offsets are 32 bits; some room for the directory
_LARGEST_OPTIMISED = 16_000_000  # pixels
_BAND_ROWS = 64
_JFIF = struct.Struct(">HH7sBHHBB")


@dataclass(frozen=True)
class OutputFormat:
    """One format that goes out.

    Attributes:
        name: Short name, as in `Metadata.source_format`.
        suffixes: File name endings that choose it.
        dtypes: Sample types it holds; others are rounded to the nearest of these, with a note.
        save: Writes an image to an open file.
        alpha: Whether it holds transparency.
        grey: Whether one channel stays one channel.
        colour: Whether it holds three channels.
        largest_side: Pixels along one side.
        lossless: At `quality` 100 or always: decoding gives back the very same samples.
        carries: Which of exif, xmp, iptc, icc and dpi it keeps.
    """

    name: str
    suffixes: tuple[str, ...]
    dtypes: tuple[torch.dtype, ...]
    save: Callable[[VipsImage, BinaryIO, int], None]
    alpha: bool = True
    grey: bool = True
    colour: bool = True
    largest_side: int = 2**31 - 1
    lossless: Callable[[int], bool] = lambda quality: True
    carries: frozenset[str] = frozenset()

    def stored(self, dtype: torch.dtype) -> torch.dtype:
        """The sample type that `dtype` is stored as."""
        return dtype if dtype in self.dtypes else self.dtypes[-1]


def _save(operation: str, image: VipsImage, file: BinaryIO, **options: object) -> None:
    vips = load_vips()
    file.flush()
    vips.Operation.call(
        operation, image, vips.Target.new_to_descriptor(file.fileno()), keep=_keep(image), **options
    )


def _keep(image: VipsImage) -> str:
    # Without this libvips invents an EXIF block for every JPEG.
    present = [flag for flag in ("exif", "xmp", "iptc") if image.get_typeof(f"{flag}-data")]
    if image.get_typeof("icc-profile-data"):
        present.append("icc")
    return ":".join(present) or "none"


def _save_png(image: VipsImage, file: BinaryIO, quality: int) -> None:
    depth = 16 if image.format == "ushort" else 8
    _save("pngsave_target", image, file, compression=3, filter="sub", bitdepth=depth)


def _save_jpeg(image: VipsImage, file: BinaryIO, quality: int) -> None:
    # Optimal Huffman tables are 3 to 6 % smaller, but need all coefficients in memory at once.
    optimal = image.width * image.height <= _LARGEST_OPTIMISED
    # libvips leaves out the JFIF header, which has the resolution: room is kept before its start
    # mark, and header and start mark are then written over both.
    file.write(bytes(_JFIF.size))
    _save("jpegsave_target", image, file, Q=quality, optimize_coding=optimal)
    across, down = (min(65535, round(image.get(side) * 25.4)) for side in ("xres", "yres"))
    file.seek(0)
    file.write(b"\xff\xd8" + _JFIF.pack(0xFFE0, 16, b"JFIF\0\1\1", 1, across, down, 0, 0))


def _save_webp(image: VipsImage, file: BinaryIO, quality: int) -> None:
    if quality == 100:
        # `exact` keeps the colour of transparent pixels.
        _save("webpsave_target", image, file, lossless=True, exact=True, effort=2)
    else:
        _save("webpsave_target", image, file, Q=quality, smart_subsample=True)


def _save_tiff(image: VipsImage, file: BinaryIO, quality: int) -> None:
    samples = image.width * image.height * image.bands
    big = samples * {"uchar": 1, "ushort": 2, "float": 4}[image.format] > _CLASSIC_TIFF
    predictor = "float" if image.format == "float" else "horizontal"
    _save(
        "tiffsave_target",
        image,
        file,
        compression="deflate",
        level=3,
        predictor=predictor,
        bigtiff=big,
    )


def _save_avif(image: VipsImage, file: BinaryIO, quality: int) -> None:
    depth = 12 if image.format == "ushort" else 8
    chroma = "off" if quality >= 90 else "auto"
    _save(
        "heifsave_target", image, file,
        compression="av1", Q=quality, bitdepth=depth, effort=4, subsample_mode=chroma,
    )  # fmt: skip


def _save_gif(image: VipsImage, file: BinaryIO, quality: int) -> None:
    _save("gifsave_target", image, file, keep_duplicate_frames=True)


def _save_bmp(image: VipsImage, file: BinaryIO, quality: int) -> None:
    width, height, grey = image.width, image.height, image.bands == 1
    palette = b"".join(bytes((code, code, code, 0)) for code in range(256)) if grey else b""
    row = (width * image.bands + 3) // 4 * 4
    start = 54 + len(palette)
    dots = [round(image.get(side) * 1000) for side in ("xres", "yres")]
    file.write(struct.pack("<2sIHHI", b"BM", start + row * height, 0, 0, start))
    file.write(
        struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8 * image.bands, 0, 0, *dots, 0, 0)
    )
    file.write(palette)
    ordered = image if grey else image[2].bandjoin([image[1], image[0]])
    region = load_vips().Region.new(ordered)
    padding = bytes(row - width * image.bands)
    for bottom in range(height, 0, -_BAND_ROWS):  # rows are stored from the bottom up
        top = max(0, bottom - _BAND_ROWS)
        band = bytes(region.fetch(0, top, width, bottom - top))
        step = width * image.bands
        for at in range(len(band) - step, -1, -step):
            file.write(band[at : at + step] + padding)


def _save_pnm(image: VipsImage, file: BinaryIO, quality: int) -> None:
    wide = image.format == "ushort"
    kind = "P5" if image.bands == 1 else "P6"
    largest = 65535 if wide else 255
    file.write(f"{kind}\n{image.width} {image.height}\n{largest}\n".encode())
    region = load_vips().Region.new(image.byteswap() if wide else image)
    for top in range(0, image.height, _BAND_ROWS):
        rows = min(_BAND_ROWS, image.height - top)
        file.write(bytes(region.fetch(0, top, image.width, rows)))


def _at_full_quality(quality: int) -> bool:
    return quality == 100


def _never(quality: int) -> bool:
    return False


_ALL = frozenset({"exif", "xmp", "iptc", "icc", "dpi"})
_EIGHT, _SIXTEEN, _FLOAT = torch.uint8, torch.uint16, torch.float32

OUTPUTS: tuple[OutputFormat, ...] = (
    OutputFormat("png", (".png",), (_EIGHT, _SIXTEEN), _save_png, carries=_ALL - {"iptc"}),
    OutputFormat(
        "jpeg", (".jpg", ".jpeg"), (_EIGHT,), _save_jpeg,
        alpha=False, largest_side=65500, lossless=_never, carries=_ALL,
    ),
    OutputFormat(
        "webp", (".webp",), (_EIGHT,), _save_webp,
        grey=False, largest_side=16383, lossless=_at_full_quality, carries=_ALL - {"iptc", "dpi"},
    ),
    OutputFormat(
        "tiff", (".tif", ".tiff"), (_EIGHT, _SIXTEEN, _FLOAT), _save_tiff, carries=_ALL - {"exif"}
    ),
    OutputFormat(
        "avif", (".avif",), (_EIGHT, _SIXTEEN), _save_avif,
        grey=False, largest_side=16384, lossless=_never, carries=_ALL - {"iptc", "dpi"},
    ),
    OutputFormat(
        "gif", (".gif",), (_EIGHT,), _save_gif,
        grey=False, largest_side=65535, lossless=_never,
    ),
    OutputFormat(
        "bmp", (".bmp",), (_EIGHT,), _save_bmp, alpha=False, carries=frozenset({"dpi"})
    ),
    OutputFormat("pnm", (".ppm", ".pnm"), (_EIGHT, _SIXTEEN), _save_pnm, alpha=False),
    OutputFormat("pnm", (".pgm",), (_EIGHT, _SIXTEEN), _save_pnm, alpha=False, colour=False),
)  # fmt: skip


def output_format(suffix: str) -> OutputFormat:
    """The format that a file name ending chooses, such as ".png"; a name without dot works too.

    Raises:
        OutputError: None does; the choices are in the hint.
    """
    wanted = f".{suffix.lower().lstrip('.')}"
    known = {end: choice for choice in OUTPUTS for end in choice.suffixes}
    if wanted in known:
        return known[wanted]
    near = get_close_matches(wanted, known, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    named = f"The ending {wanted!r} is" if wanted != "." else "No ending is"
    raise OutputError(
        f"{named} no picture format that is written.{guess}",
        hint=f"Use one of {', '.join(known)}.",
    )


def forget_resolution(path: Path, name: str) -> None:
    """Takes out the 25.4 dots per inch that libvips writes when nobody knows better.

    Args:
        name: Format of the file: "png", "jpeg", "tiff" or "bmp"; others are left alone.
    """
    with PictureFile(path) as file:
        changes = _unknown_resolution(file, name)
    with path.open("r+b") as writable:
        for offset, data in changes:
            writable.seek(offset)
            writable.write(data)


def _unknown_resolution(file: PictureFile, name: str) -> list[tuple[int, bytes]]:
    if name == "jpeg" and file.at(6, 5) == b"JFIF\0":
        return [(13, struct.pack(">BHH", 0, 1, 1))]
    if name == "bmp":
        return [(38, bytes(8))]
    if name == "png":
        for chunk in png.chunks(file):
            if chunk.kind == b"pHYs":
                data = struct.pack(">IIB", 1, 1, 0)
                return [(chunk.offset, data + struct.pack(">I", zlib.crc32(b"pHYs" + data)))]
    if name == "tiff":
        layout, first = tiff.open_layout(file)
        unit = layout.directory(file, first)[0].get(tiff.UNIT)
        return [(unit.offset, struct.pack(layout.order + "H", 1))] if unit else []
    return []
