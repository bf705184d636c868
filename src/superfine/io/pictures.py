"""Pictures in: one strict gate from a file or bytes to an `Image`.

In this order: is it a regular file, what format by its first bytes, is its header within the
limits, is it whole; only then is anything decoded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Shaped
from torch import Tensor

from superfine.errors import LimitError, PictureError
from superfine.io import pillow
from superfine.io.decode import Decoded, decode, decode_frames
from superfine.io.formats import AVIF, BMP, FORMATS, PNG, PNM, PictureFormat, pnm, recognise
from superfine.io.formats.png import profile_bytes
from superfine.io.formats.structure import Structure
from superfine.io.gate import DEFAULT_LIMITS, Limits, PictureFile, require_size
from superfine.io.metadata import LARGEST_PROFILE, read_exif, unusual_codes
from superfine.io.upright import upright
from superfine.types import Image, Metadata

_BAND = 2**24  # samples looked at a time, so that checking costs no second picture


@dataclass(frozen=True)
class PictureInfo:
    """What a picture's header says.

    Attributes:
        format: Short name: "png", "jpeg", "webp", "tiff", "avif", "gif", "bmp" or "pnm".
        width: Columns as stored, before EXIF orientation.
        height: Rows as stored.
        channels: Colour channels and alpha, 1 to 4.
        bit_depth: Bits per sample as stored, 1 to 32.
        frames: Frames of an animation; 1 for a still picture.
    """

    format: str
    width: int
    height: int
    channels: int
    bit_depth: int
    frames: int


def probe(source: Path | bytes, *, limits: Limits = DEFAULT_LIMITS) -> PictureInfo:
    """What the header of a picture says; nothing is decoded.

    Raises:
        PictureError: Not a picture that is read.
        LimitError: Larger than `limits`.
    """
    with PictureFile(source) as file:
        kind, found = _inspect(file, limits)
        return PictureInfo(
            kind.name, found.width, found.height, found.channels, found.bit_depth, found.frames
        )


def read(
    source: Path | bytes, *, limits: Limits = DEFAULT_LIMITS, best_effort: bool = False
) -> Image:
    """The picture, upright, as grey or RGB with the bits it is stored in.

    Of an animation or a file of several pages, the first; a note says so.

    Args:
        source: A file, or its content.
        limits: The largest picture to decode.
        best_effort: Decode what a truncated or damaged file still holds, with a note.

    Raises:
        PictureError: Not a picture that is read, or damaged; the code says which.
        LimitError: Larger than `limits`.
    """
    with PictureFile(source) as file:
        kind, found = _inspect(file, limits)
        notes = _notes_before(file, kind, found)
        notes += _require_whole(file, kind, found, best_effort=best_effort)
        decoded = _decode(file, kind, found, best_effort=best_effort)
        file.require_unchanged()
        return _finish(decoded, kind, found, notes)


def read_frames(
    source: Path | bytes, *, limits: Limits = DEFAULT_LIMITS, best_effort: bool = False
) -> list[Image]:
    """Every frame of a GIF, an animated WebP or an APNG, each as it is shown on the whole canvas.

    `Metadata.delay_ms` and `Metadata.loop` of each frame say how it plays. A still picture gives
    a list of one; so does a TIFF of several pages, which is no animation.

    Raises:
        PictureError: As `read`.
        LimitError: Larger than `limits`, all frames counted.
    """
    with PictureFile(source) as file:
        kind, found = _inspect(file, limits)
        if found.frames == 1:
            return [read(source, limits=limits, best_effort=best_effort)]
        require_size(found.width, found.height, frames=found.frames, limits=limits)
        notes = _suffix_note(file, kind)
        notes += _require_whole(file, kind, found, best_effort=best_effort)
        if kind is PNG:
            frames, timing = pillow.decode_apng(file, found)
        else:
            frames, timing = decode_frames(file, kind, found, best_effort=best_effort)
        file.require_unchanged()
    return [
        replace(image, metadata=replace(image.metadata, delay_ms=delay, loop=timing.loop))
        for image, delay in zip(
            (_finish(frame, kind, found, notes) for frame in frames), timing.delays_ms, strict=True
        )
    ]


def _inspect(file: PictureFile, limits: Limits) -> tuple[PictureFormat, Structure]:
    kind = recognise(file)
    if file.size > limits.max_file_bytes:
        raise LimitError(
            f"The file has {file.size:,} bytes; the limit is {limits.max_file_bytes:,}.",
            hint="Cut it into pieces first.",
        )
    found = kind.inspect(file, limits)
    require_size(found.width, found.height, frames=1, limits=limits)
    return kind, found


def _notes_before(file: PictureFile, kind: PictureFormat, found: Structure) -> tuple[str, ...]:
    notes = _suffix_note(file, kind) + found.notes
    if found.frames > 1:
        notes += (f"An animation of {found.frames} frames: the first was taken.",)
    if found.pages > 1:
        notes += (f"A file of {found.pages} pages: the first was taken.",)
    return notes


def _suffix_note(file: PictureFile, kind: PictureFormat) -> tuple[str, ...]:
    if file.suffix in {suffix for known in FORMATS for suffix in known.suffixes} - {*kind.suffixes}:
        return (f"The name ends in {file.suffix!r} but this is a {kind.name.upper()} picture.",)
    return ()


def _require_whole(
    file: PictureFile, kind: PictureFormat, found: Structure, *, best_effort: bool
) -> tuple[str, ...]:
    damage = kind.check(file, found)
    if damage is None:
        return ()
    file.require_unchanged()
    if not best_effort:
        raise damage.error()
    return (f"{damage.message} What is there was decoded.",)


def _decode(
    file: PictureFile, kind: PictureFormat, found: Structure, *, best_effort: bool
) -> Decoded:
    if kind is PNM:
        return Decoded(pnm.decode(file))
    if kind is BMP:
        return pillow.decode_bmp(file, found, best_effort=best_effort)
    if found.lab and found.bit_depth == 8:
        return pillow.decode_lab(file, best_effort=best_effort)
    decoded = decode(file, kind, found, best_effort=best_effort)
    if kind is PNG and decoded.profile is None and profile_bytes(file, at_most=LARGEST_PROFILE):
        dropped = "The colour profile was dropped: it is broken or too large."
        # The decoder may have seen it and said so already, or never have handed it out.
        if not any(note.startswith("The colour profile was dropped") for note in decoded.notes):
            return replace(decoded, notes=(*decoded.notes, dropped))
    return decoded


def _finish(
    decoded: Decoded, kind: PictureFormat, found: Structure, notes: tuple[str, ...]
) -> Image:
    """Upright, checked, and with colours and alpha apart; both are views of one buffer."""
    orientation, exif, dpi = found.orientation, None, found.dpi
    notes += decoded.notes
    if decoded.exif is not None:
        sound, fault = read_exif(decoded.exif)
        if sound is None:
            notes += (f"EXIF was dropped: {fault}.",)
        else:
            exif, dpi = sound.data, dpi or sound.dpi
            # libheif turns the pixels itself, and the tag of an AVIF repeats what it did.
            orientation = 1 if kind is AVIF else sound.orientation
    if decoded.profile is not None:
        unusual = unusual_codes(decoded.profile)
        notes += (f"The profile says {unusual}: results may be less sharp.",) if unusual else ()
    if decoded.rows.dtype == torch.float32:
        notes += _tame_floats(decoded.rows)
    # (h, w, c) -> (c, h, w)
    planes = upright(decoded.rows, orientation).permute(2, 0, 1)
    colours = 1 if planes.shape[0] <= 2 else 3
    dpi = (dpi[1], dpi[0]) if dpi and orientation >= 5 else dpi
    return Image(
        pixels=planes[:colours],
        alpha=planes[colours:] if planes.shape[0] > colours else None,
        profile=decoded.profile,
        metadata=Metadata(
            exif=exif, xmp=decoded.xmp, iptc=decoded.iptc, dpi=dpi, source_format=kind.name
        ),
        notes=notes,
    )


def _tame_floats(rows: Shaped[Tensor, "h w c"]) -> tuple[str, ...]:
    """Clips floats to [0, 1] in place; NaN and infinity are errors."""
    lowest, highest = 0.0, 1.0
    samples = rows.view(-1)
    for start in range(0, samples.numel(), _BAND):
        band = samples[start : start + _BAND]
        least, most = (float(value) for value in torch.aminmax(band))
        if not (math.isfinite(least) and math.isfinite(most)):
            raise PictureError(
                "The picture holds NaN or infinite samples; floats from 0 to 1 were expected.",
                hint="Fill them first; a depth map is read with `superfine depth`.",
                code="E_VALUES",
            )
        lowest, highest = min(lowest, least), max(highest, most)
        band.clamp_(0.0, 1.0)
    if lowest >= 0.0 and highest <= 1.0:
        return ()
    return (f"Float samples from {lowest:g} to {highest:g} were clipped to 0..1 (linear or HDR?).",)
