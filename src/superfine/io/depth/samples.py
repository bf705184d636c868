"""The samples of a depth map as its file holds them, before anybody asks what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from jaxtyping import Shaped
from numpy.typing import NDArray

from superfine.errors import PictureError
from superfine.io.formats.structure import unsupported

Rows: TypeAlias = Shaped[NDArray[Any], "h w"]

# What numpy calls the types that are read: kind and bytes. Complex numbers, dates, texts and
# Python objects are no depth; objects could run code besides.
_NUMBERS = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")


@dataclass(frozen=True, eq=False)
class Samples:
    """One map as it is stored.

    Attributes:
        rows: (h, w), top row first, in the machine's byte order.
        format: Short name, as in `DepthStorage.format`.
        dtype: Type of a sample in the file, as in `DepthStorage.dtype`.
        name: Channel, array or variable that held it; empty where a file holds only one.
        notes: What had to be decided, in words for the user.
    """

    rows: Rows
    format: str
    dtype: str
    name: str = ""
    notes: tuple[str, ...] = ()


def require_number(kind: str, *, boolean: bool = False) -> None:
    """Checks that samples of numpy's type `kind`, such as "<f4", are numbers.

    Args:
        boolean: Whether true and false will do, as in a mask.

    Raises:
        PictureError: E_FORMAT.
    """
    if kind.lstrip("<>|=") in (*_NUMBERS, *(("b1",) if boolean else ())):
        return
    what = "Python objects, which are never loaded" if kind.endswith("O") else f"of type {kind}"
    raise unsupported(
        f"The samples are {what}; integers or floats were expected.",
        "Save the map again as float32, float64 or uint16.",
    )


def pick(index: int | None, count: int, what: str) -> int:
    """The frame to read of a file of `count`.

    Args:
        index: What the user asked for; None will do for a file of one.
        what: What holds the frames, to say so.

    Raises:
        PictureError: E_INPUT for no choice among several or a frame that is not there, E_DIM
            for a file without any.
    """
    if count < 1:
        raise PictureError(
            f"{what} holds no map at all.", hint="Save it again with one in it.", code="E_DIM"
        )
    if index is None and count == 1:
        return 0
    if index is None or not 0 <= index < count:
        asked = "none was chosen" if index is None else f"number {index} was asked for"
        raise PictureError(
            f"{what} holds {count:,} maps and {asked}.",
            hint=f"Choose one with `index`, 0 to {count - 1}.",
            code="E_INPUT",
        )
    return index
