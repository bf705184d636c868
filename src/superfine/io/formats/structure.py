"""What a file's own bytes say about the picture in it, before any decoder has started."""

from __future__ import annotations

from dataclasses import dataclass

from superfine.errors import PictureError


@dataclass(frozen=True)
class Damage:
    """Why a file is not whole: its code and the sentence for the user."""

    code: str
    message: str

    def error(self) -> PictureError:
        """The damage as an error."""
        return PictureError(
            self.message,
            hint="Copy or export it again; --best-effort decodes what is there.",
            code=self.code,
        )


@dataclass(frozen=True)
class Structure:
    """The header of a picture.

    Attributes:
        width: Columns as stored, before orientation.
        height: Rows as stored.
        channels: Colour channels and alpha as they will be read: 1 to 4.
        bit_depth: Bits per sample as stored: 1 to 32.
        frames: Frames of an animation, 1 for a still picture.
        pages: Pictures in the file that are no animation.
        dpi: Horizontal and vertical dots per inch.
        damage: What the header walk found missing, if anything.
        orientation: EXIF orientation 1 to 8 where the format has a tag of its own for it.
        lab: True when the samples are CIE Lab.
        notes: What the walk over the header found worth saying.
    """

    width: int
    height: int
    channels: int
    bit_depth: int
    frames: int = 1
    pages: int = 1
    dpi: tuple[float, float] | None = None
    damage: Damage | None = None
    orientation: int = 1
    lab: bool = False
    notes: tuple[str, ...] = ()


def truncated(kind: str, missing: str) -> Damage:
    """Damage of a file that stops too early; `missing` names what it should still hold."""
    return Damage("E_TRUNCATED", f"The {kind} file stops too early: {missing}.")


def corrupt(kind: str, wrong: str) -> Damage:
    """Damage of a file that has its full length but wrong content."""
    return Damage("E_CORRUPT", f"The {kind} file is damaged: {wrong}.")


def unsupported(what: str, hint: str) -> PictureError:
    """The error for a picture of a kind we do not read."""
    return PictureError(what, hint=hint, code="E_FORMAT")
