"""The formats that are read, each with its own short header parser, and how they are recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from superfine.errors import PictureError
from superfine.io.formats import avif, bmp, gif, jpeg, png, pnm, tiff, webp
from superfine.io.formats.structure import Damage, Structure
from superfine.io.gate import Limits, PictureFile


@dataclass(frozen=True)
class PictureFormat:
    """One format that comes in.

    Attributes:
        name: Short name, as in `Metadata.source_format`.
        suffixes: File name endings that go with it.
        inspect: Reads the header.
        check: Looks for damage, reading the whole file where the format has checksums.
        loader: The libvips operation that decodes it, None where we or Pillow do.
        in_memory: True where libvips would map the file.
    """

    name: str
    suffixes: tuple[str, ...]
    inspect: Callable[[PictureFile, Limits], Structure]
    check: Callable[[PictureFile, Structure], Damage | None]
    loader: str | None = None
    in_memory: bool = False


def _format(
    name: str,
    module: ModuleType,
    *suffixes: str,
    loader: str | None = None,
    in_memory: bool = False,
) -> PictureFormat:
    return PictureFormat(name, suffixes, module.inspect, module.check, loader, in_memory)


PNG = _format("png", png, ".png", ".apng", loader="pngload_source")
JPEG = _format("jpeg", jpeg, ".jpg", ".jpeg", ".jpe", ".jfif", loader="jpegload_source")
WEBP = _format("webp", webp, ".webp", loader="webpload_source", in_memory=True)
TIFF = _format("tiff", tiff, ".tif", ".tiff", loader="tiffload_source")
AVIF = _format("avif", avif, ".avif", loader="heifload_source", in_memory=True)
GIF = _format("gif", gif, ".gif", loader="gifload_source", in_memory=True)
BMP = _format("bmp", bmp, ".bmp", ".dib")
PNM = _format("pnm", pnm, ".pbm", ".pgm", ".ppm", ".pnm")

FORMATS = (PNG, JPEG, WEBP, TIFF, AVIF, GIF, BMP, PNM)
READABLE = "PNG, JPEG, WebP, TIFF, AVIF, GIF, BMP and PPM"

# What people give us instead, to say what it is; none of their parsers is ever started.
_OTHERS: tuple[tuple[bytes, int, str], ...] = (
    (b"%PDF", 0, "a PDF document"),
    (b"%!PS", 0, "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", 0, "a PostScript file"),
    (b"8BPS", 0, "a Photoshop document"),
    (b"SIMPLE  =", 0, "a FITS file"),
    (b"\xff\x0a", 0, "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", 0, "a JPEG XL picture"),
    (b"\0\0\0\x0cjP", 0, "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", 0, "a JPEG 2000 picture"),
    (b"v/1\x01", 0, "an OpenEXR file"),
    (b"#?RADIANCE", 0, "a Radiance HDR file"),
    (b"PF\n", 0, "a PFM map"),
    (b"Pf\n", 0, "a PFM map"),
    (b"PK\x03\x04", 0, "a ZIP archive"),
    (b"\x1f\x8b", 0, "a gzip archive"),
    (b"ftyp", 4, "a HEIC picture or a video"),
)


def recognise(file: PictureFile) -> PictureFormat:
    """The format, by the first bytes alone; the file's name is not asked.

    Raises:
        PictureError: E_FORMAT for everything else.
    """
    head = file.at(0, 64)
    found = _by_magic(head)
    if found:
        return found
    what = next((name for magic, at, name in _OTHERS if head[at:].startswith(magic)), None)
    if what is None:
        start = file.at(0, 1024).lstrip().lower()
        svg = b"<svg" in start or start.startswith(b"<?xml")
        what = "an SVG drawing or XML" if svg else "no picture we know"
    raise PictureError(
        f"This is {what}; {READABLE} are read.",
        hint="Convert it to PNG or TIFF first.",
        code="E_FORMAT",
    )


def _by_magic(head: bytes) -> PictureFormat | None:
    brands = head[8:] if head[4:8] == b"ftyp" else b""
    tiffs = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    tests = (
        (PNG, head.startswith(png.SIGNATURE)),
        (JPEG, head.startswith(b"\xff\xd8\xff")),
        (WEBP, head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
        (TIFF, head[:4] in tiffs and head[8:10] != b"CR"),  # CR: Canon's raw files
        (AVIF, b"avif" in brands or brands[:4] == b"avis"),
        (GIF, head[:6] in (b"GIF87a", b"GIF89a")),
        (BMP, head[:2] == b"BM" and head[6:10] == b"\0\0\0\0"),
        (PNM, head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace()),
    )
    return next((kind for kind, fits in tests if fits), None)
