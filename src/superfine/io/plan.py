"""How a picture will be written: what its format cannot hold, and what goes in with the pixels."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path

import torch

from superfine.errors import OutputError
from superfine.io.atomic import disk_full
from superfine.io.metadata import profile_fault
from superfine.io.outputs import OutputFormat, forget_resolution
from superfine.io.vips import VipsImage, load_vips
from superfine.types import Metadata

_NO_ROOM = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_WORDS = {torch.uint8: "8 bits", torch.uint16: "16 bits", torch.float32: "floats"}


@dataclass(frozen=True)
class Plan:
    """How one picture will be written, decided before its first row.

    Attributes:
        output: The format.
        quality: 1 to 100.
        profile: ICC profile to embed.
        metadata: What else to carry over.
        channels: Colour channels, 1 or 3.
        alpha: Whether there is transparency.
        dtype: Sample type that is given.
        extra: More fields for libvips, such as the delays of an animation.
    """

    output: OutputFormat
    quality: int
    profile: bytes | None
    metadata: Metadata
    channels: int
    alpha: bool
    dtype: torch.dtype
    extra: dict[str, int | list[int]] = field(default_factory=dict)

    def notes(self) -> tuple[str, ...]:
        """What the format cannot hold, in words for the user."""
        name = self.output.name.upper()
        stored = self.output.stored(self.dtype)
        notes = []
        if stored != self.dtype:
            notes.append(f"{name} holds no {_WORDS[self.dtype]}: rounded to {_WORDS[stored]}.")
        if self.output.name == "avif" and stored == torch.uint16:
            notes.append("AVIF holds 12 bits: the 4 lowest of 16 are lost.")
        if self.output.name == "gif":
            notes.append("GIF holds 256 colours; PNG or WebP keep all.")
        lost = [word for word, value in self._wanted() if value and word not in self.output.carries]
        if lost:
            notes.append(f"{name} carries no {', '.join(lost).upper()}: not written.")
        fault = self._profile_fault()
        if fault:
            notes.append(f"The colour profile was not written: {fault}.")
        return tuple(notes)

    def _wanted(self) -> tuple[tuple[str, object], ...]:
        data = self.metadata
        return (
            ("exif", data.exif),
            ("xmp", data.xmp),
            ("iptc", data.iptc),
            ("icc", self.profile),
            ("dpi", data.dpi),
        )

    def _profile_fault(self) -> str:
        if self.profile is None:
            return ""
        return profile_fault(self.profile, channels=self.channels)

    def save(self, image: VipsImage, temporary: Path, folder: Path) -> None:
        """Encodes `image` into the empty file `temporary`.

        Raises:
            DiskFullError: No room in `folder`.
            OutputError: The encoder refused.
        """
        vips = load_vips()
        try:
            with temporary.open("r+b") as file:
                self.output.save(self._dressed(image), file, self.quality)
        except vips.Error as error:
            if any(reason in str(error) for reason in _NO_ROOM):
                raise disk_full(folder) from error
            raise OutputError(
                f"The {self.output.name.upper()} encoder refused the picture.",
                hint="Try another format, such as .png or .tif.",
            ) from error
        if self.metadata.dpi is None:
            forget_resolution(temporary, self.output.name)

    def _dressed(self, image: VipsImage) -> VipsImage:
        """`image` with everything beside the pixels that the format carries."""
        vips = load_vips()
        across, down = self.metadata.dpi or (25.4, 25.4)
        image = image.copy(xres=across / 25.4, yres=down / 25.4)
        blobs = {
            "exif": self.metadata.exif,
            "xmp": self.metadata.xmp,
            "iptc": self.metadata.iptc,
            "icc": None if self._profile_fault() else self.profile,
        }
        for name, blob in blobs.items():
            if blob and name in self.output.carries:
                field_name = "icc-profile-data" if name == "icc" else f"{name}-data"
                image.set_type(vips.GValue.blob_type, field_name, blob)
        for name, value in self.extra.items():
            kind = vips.GValue.gint_type if isinstance(value, int) else vips.GValue.array_int_type
            image.set_type(kind, name, value)
        return image


def require_holds(
    output: OutputFormat, *, width: int, height: int, channels: int, alpha: bool, quality: int
) -> None:
    """Checks that a format can hold a picture.

    Raises:
        OutputError: It cannot; the hint names one that can.
    """
    name = output.name.upper()
    if alpha and not output.alpha:
        raise OutputError(
            f"{name} holds no transparency and the picture has some.",
            hint="Write .png, .webp or .tif instead, or drop the alpha channel first.",
        )
    if channels == 3 and not output.colour:
        raise OutputError("A .pgm file holds grey only.", hint="Write .ppm instead.")
    if max(width, height) > output.largest_side:
        raise OutputError(
            f"{name} holds {output.largest_side:,} pixels a side; the output is {width}×{height}.",
            hint="Write .png or .tif instead.",
        )
    if not 1 <= quality <= 100:
        raise OutputError(f"The quality is {quality}; 1 to 100 was expected.", hint="95 is usual.")
