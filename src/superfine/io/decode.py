"""From an inspected file to pixels: libvips streams them into one buffer, rows first."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import torch
from jaxtyping import Shaped
from torch import Tensor

from superfine.io.formats import PictureFormat
from superfine.io.formats.structure import Structure, corrupt, unsupported
from superfine.io.gate import PictureFile
from superfine.io.metadata import profile_fault
from superfine.io.vips import VipsImage, load_vips

_DTYPES = {"uchar": torch.uint8, "ushort": torch.uint16, "float": torch.float32}
_USUAL_DELAY_MS = 100  # what browsers show a frame for when the file does not say
# What libjpeg says about files that are whole all the same; everything else it says is damage.
_HARMLESS = re.compile(r"extraneous bytes before marker|Invalid SOS parameters|Unknown Adobe")


@dataclass(frozen=True)
class Decoded:
    """Pixels in the file's own orientation, with what the decoder found beside them.

    Attributes:
        rows: (h, w, c) with 1 to 4 channels; the last is alpha when there are 2 or 4.
        profile: ICC profile that fits the pixels as they are now.
        exif: EXIF block as stored.
        xmp: XMP packet as stored.
        iptc: IPTC block as stored.
        notes: What had to be decided.
    """

    rows: Shaped[Tensor, "h w c"]
    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    notes: tuple[str, ...] = ()


def open_header(
    file: PictureFile,
    kind: PictureFormat,
    *,
    best_effort: bool,
    strict: bool = True,
    pages: int = 1,
) -> VipsImage:
    """The picture as a libvips pipeline; nothing but its header is decoded yet.

    Args:
        best_effort: Decode what a damaged file still holds.
        strict: Whether a JPEG decoder's warnings count as damage.
        pages: Frames to read, -1 for all.
    """
    vips = load_vips()
    warnings = strict and kind.name == "jpeg"
    fail_on = "none" if best_effort else ("warning" if warnings else "error")
    options: dict[str, object] = {"n": pages} if pages != 1 else {}
    source = file.vips_source(in_memory=kind.in_memory)
    return vips.Operation.call(kind.loader, source, access="sequential", fail_on=fail_on, **options)


def decode(
    file: PictureFile,
    kind: PictureFormat,
    structure: Structure,
    *,
    best_effort: bool = False,
    pages: int = 1,
) -> Decoded:
    """Decodes a picture that libvips reads, converted to grey or RGB.

    Args:
        best_effort: Fill what is missing instead of refusing.
        pages: Frames to read, -1 for all; they come stacked from top to bottom.

    Raises:
        PictureError: E_TRUNCATED, E_CORRUPT, E_FORMAT or E_VANISHED.
    """
    error_type = load_vips().Error
    strict = True
    while True:
        try:
            image = open_header(file, kind, best_effort=best_effort, strict=strict, pages=pages)
            _require_announced(image, kind, structure, frames=structure.frames if pages < 0 else 1)
            decoded = _standard(image)
            drawn_over = kind.name == "gif" or structure.frames > 1
            return _without_idle_alpha(decoded) if drawn_over else decoded
        except error_type as error:
            file.require_unchanged()
            if strict and _only_harmless(str(error)):
                strict = False
                continue
            # What is missing was found before anything was decoded, so this is something else.
            fault = corrupt(kind.name.upper(), "the decoder cannot read its pixels")
            raise fault.error() from error


@dataclass(frozen=True)
class Timing:
    """How an animation plays.

    Attributes:
        delays_ms: How long each frame is shown.
        loop: How often all of it plays; 0 means for ever.
    """

    delays_ms: tuple[int, ...]
    loop: int


def decode_frames(
    file: PictureFile, kind: PictureFormat, structure: Structure, *, best_effort: bool
) -> tuple[list[Decoded], Timing]:
    """All frames of a GIF or WebP, each on the whole canvas, and how they play.

    Raises:
        PictureError: As `decode`.
    """
    whole = decode(file, kind, structure, best_effort=best_effort, pages=-1)
    header = open_header(file, kind, best_effort=best_effort, pages=-1)
    height = header.get("page-height") if header.get_typeof("page-height") else len(whole.rows)
    frames = [whole.rows[top : top + height] for top in range(0, len(whole.rows), height)]
    delays = list(header.get("delay")) if header.get_typeof("delay") else []
    delays += [_USUAL_DELAY_MS] * (len(frames) - len(delays))
    loop = header.get("loop") if header.get_typeof("loop") else 0
    return [replace(whole, rows=frame) for frame in frames], Timing(tuple(delays), loop)


def _require_announced(
    image: VipsImage, kind: PictureFormat, structure: Structure, *, frames: int
) -> None:
    # The limits were checked on our own reading of the header; the decoder must not see more.
    if image.width * image.height > structure.width * structure.height * frames:
        raise corrupt(kind.name.upper(), "its pixels are more than its header announces").error()


def _without_idle_alpha(decoded: Decoded) -> Decoded:
    # Frames drawn over one another have an alpha channel also when nothing is transparent.
    rows = decoded.rows
    if rows.shape[2] in (2, 4) and int(rows[:, :, -1].min()) == 255:
        return replace(decoded, rows=rows[:, :, :-1])
    return decoded


def _only_harmless(message: str) -> bool:
    lines = re.findall(r"VipsJpeg: (.*)", message)
    return bool(lines) and all(_HARMLESS.search(line) for line in lines)


def _standard(image: VipsImage) -> Decoded:
    """Runs the pipeline into memory: grey or RGB, with or without alpha, in 8, 16 or 32 bits."""
    exif, xmp, iptc = (_blob(image, f"{name}-data") for name in ("exif", "xmp", "iptc"))
    profile, notes = _sound_profile(image)
    if image.format == "double":
        image = image.cast("float")
    if image.format not in _DTYPES:
        raise unsupported(
            f"The samples are {image.format}; 8-bit, 16-bit and float are read.",
            "Export it as 8-bit or 16-bit RGB.",
        )
    if image.interpretation in ("cmyk", "lab", "labs", "labq"):
        notes += (f"Converted from {_NAMES[image.interpretation]} to sRGB.",)
        image, more = _to_srgb(image, profile)
        notes += more
        profile = None
    if image.bands > 4:
        raise unsupported(
            f"The picture has {image.bands} channels; grey or RGB with alpha was expected.",
            "Keep only red, green, blue and alpha.",
        )
    return Decoded(_into_memory(image), profile, exif, xmp, iptc, notes)


_NAMES = {"cmyk": "CMYK", "lab": "CIE Lab", "labs": "CIE Lab", "labq": "CIE Lab"}


def _blob(image: VipsImage, name: str) -> bytes | None:
    if image.get_typeof(name) == 0:
        return None
    value = image.get(name)
    return bytes(value) if value else None


def _sound_profile(image: VipsImage) -> tuple[bytes | None, tuple[str, ...]]:
    profile = _blob(image, "icc-profile-data")
    if profile is None:
        return None, ()
    lab = image.interpretation in ("lab", "labs", "labq")
    colours = image.bands - (1 if image.hasalpha() else 0)
    fault = profile_fault(profile, channels=colours)
    if lab or fault:
        return None, (f"The colour profile was dropped: {fault or 'Lab needs none'}.",)
    return profile, ()


def _to_srgb(image: VipsImage, profile: bytes | None) -> tuple[VipsImage, tuple[str, ...]]:
    depth = 16 if image.format == "ushort" else 8
    if image.interpretation != "cmyk":
        return image.colourspace("rgb16" if depth == 16 else "srgb"), ()
    notes: tuple[str, ...] = ()
    image = image.copy()
    if profile is None:
        if image.get_typeof("icc-profile-data"):
            image.remove("icc-profile-data")
        notes = ("It has no usable CMYK profile; libvips' own was taken, colours are a guess.",)
    converted = image.icc_transform(
        "srgb",
        embedded=profile is not None,
        input_profile="cmyk",
        intent="relative",
        black_point_compensation=True,
        depth=depth,
    )
    return converted, notes


def _into_memory(image: VipsImage) -> Shaped[Tensor, "h w c"]:
    shape = (image.height, image.width, image.bands)
    dtype = _DTYPES[image.format]
    # The buffer is libvips' own; the tensor keeps it alive and nothing is copied.
    return torch.frombuffer(image.write_to_memory(), dtype=dtype).view(shape)
