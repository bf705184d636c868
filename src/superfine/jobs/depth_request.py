"""What a user asks for when depth maps are to be enlarged; light enough to be made before torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from superfine.errors import UsageError
from superfine.jobs.request import STREAM, Size

if TYPE_CHECKING:
    from superfine.types import DepthUnit

# What people call a unit -> what a value is then, and codes per that.
_UNITS: dict[str, tuple[DepthUnit, float]] = {
    "m": ("metre", 1.0),
    "cm": ("metre", 100.0),
    "mm": ("metre", 1000.0),
    "disparity": ("disparity_px", 1.0),
    "relative": ("relative", 1.0),
}


@dataclass(frozen=True)
class Meaning:
    """What samples mean: a convention by name, or unit and codes per unit; None is not said."""

    convention: str | None = None
    unit: DepthUnit | None = None
    codes_per_unit: float | None = None


@dataclass(frozen=True)
class DepthRequest:
    """A job of depth maps in the words of the command line.

    Attributes:
        inputs: Files or folders, as typed.
        output: File or folder (with a slash at its end, or existing); None for the usual.
        guide: A photo, or a folder of photos of the names of the maps; None without.
        method: A method, a network or a weight file; None for the best that fits.
        scale: How many times larger; None for the guide's size, else 4.
        size: Wanted output size, instead of `scale`.
        meaning: What samples mean.
        invalid: Samples that stand for holes; None for the usual ones.
        index: Which map of a stack.
        holes: What becomes of holes.
        operator: How the maps were sampled, or "estimate".
        align: Bring guides of another size to the one wanted.
        camera: fx, fy, cx, cy of the maps, in their pixels, or a file that holds them; None if
            unknown.
        preview: Colours of a picture beside each result; None for no picture.
        points: Write a point cloud beside each result.
        drop_edges: Leave points out of it that hang between two surfaces.
        ext: Format of the results; None or "auto" keeps the input's.
        recursive: Visit folders inside folders.
        overwrite: Replace results that exist.
        device: "auto", or in torch's words; networks run there.
        max_megapixels: Larger maps are refused unread; None for the usual limit.
    """

    inputs: Sequence[str]
    output: str | None = None
    guide: str | None = None
    method: str | None = None
    scale: float | None = None
    size: Size | None = None
    meaning: Meaning = Meaning()
    invalid: tuple[float, ...] | None = None
    index: int | None = None
    holes: Literal["keep", "fill"] = "keep"
    operator: str = "block-mean"
    align: bool = False
    camera: str | None = None
    preview: Literal["turbo", "cividis"] | None = None
    points: bool = False
    drop_edges: bool = False
    ext: str | None = None
    recursive: bool = False
    overwrite: bool = False
    device: str = "auto"
    max_megapixels: float | None = None

    def __post_init__(self) -> None:
        if STREAM in self.inputs or self.output == STREAM:
            raise UsageError(
                "Depth maps are not read from standard input or written to standard output: what "
                "their samples mean stands in a file beside them.",
                hint="Give files.",
            )


def parsed_meaning(text: str) -> Meaning:
    """What `--unit` says: m, cm, mm, disparity, relative, scale=5000, or a convention by name."""
    if text in _UNITS:
        unit, codes = _UNITS[text]
        return Meaning(unit=unit, codes_per_unit=codes)
    found = re.fullmatch(r"scale=(\d+(?:\.\d+)?)", text, re.ASCII)
    if found:
        return Meaning(unit="metre", codes_per_unit=float(found[1]))
    return Meaning(convention=text)


def parsed_samples(text: str) -> tuple[float, ...]:
    """The samples that `--invalid` names, separated by commas; "nan" and "inf" are numbers.

    Raises:
        UsageError: Anything else.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"--invalid {text!r}: numbers separated by commas were expected.",
            hint="--invalid 0,65535",
        ) from None
