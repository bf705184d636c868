"""PNG and TIFF depth through the gate of pictures, but with the very codes of the file."""

from __future__ import annotations

import numpy as np

from superfine.errors import PictureError
from superfine.io.decode import open_header
from superfine.io.depth import tiff
from superfine.io.depth.samples import Rows, Samples
from superfine.io.formats import TIFF, PictureFormat
from superfine.io.formats.structure import Structure, corrupt, unsupported
from superfine.io.gate import Limits, PictureFile, require_size
from superfine.io.vips import load_vips

# What libvips calls the samples that are read.
_DTYPES = {"uchar": "u1", "ushort": "u2", "float": "f4"}


def read(file: PictureFile, kind: PictureFormat, limits: Limits) -> Samples:
    """The map in a PNG or TIFF of one channel.

    Raises:
        PictureError: Colours, transparency, fewer than 8 bits, or damage.
        LimitError: Larger than `limits`.
    """
    found = kind.inspect(file, limits)
    name = kind.name.upper()
    require_size(found.width, found.height, frames=1, limits=limits)
    _require_plain(found, name)
    damage = kind.check(file, found)
    if damage:
        file.require_unchanged()
        raise damage.error()
    if kind is TIFF:
        tiff.require_rising(file)
    if kind is TIFF and found.bit_depth == 64:
        rows = tiff.read_doubles(file, found.width, found.height)
    else:
        rows = _decoded(file, kind, found, name)
    notes = (f"A file of {found.pages} pages: the first was taken.",) if found.pages > 1 else ()
    order = "<" if kind is TIFF and file.at(0, 2) == b"II" else ">"
    dtype = "|u1" if rows.dtype == np.uint8 else order + rows.dtype.str[1:]
    return Samples(rows, kind.name, dtype, notes=notes)


def _decoded(file: PictureFile, kind: PictureFormat, found: Structure, name: str) -> Rows:
    try:
        image = open_header(file, kind, best_effort=False)
        got = (image.width, image.height, image.bands)
        if got != (found.width, found.height, 1) or image.format not in _DTYPES:
            raise corrupt(name, "its samples are not what its header announces").error()
        # A writable buffer of libvips' own; nothing is copied.
        samples = np.frombuffer(image.write_to_memory(), _DTYPES[image.format])
        return samples.reshape(found.height, found.width)
    except load_vips().Error as error:
        file.require_unchanged()
        raise corrupt(name, "the decoder cannot read its samples").error() from error


def _require_plain(found: Structure, name: str) -> None:
    if found.channels != 1 or found.lab:
        raise PictureError(
            f"The {name} has {found.channels} channels; depth in one grey channel was expected.",
            hint="If it is a coloured preview, use the map it was made from; if all its channels "
            "are equal, save one of them.",
            code="E_FORMAT",
        )
    if found.bit_depth < 8 or found.frames > 1:
        what = "is an animation" if found.frames > 1 else f"has {found.bit_depth}-bit samples"
        raise unsupported(
            f"The {name} {what}; one map of 8, 16 or more bits was expected.",
            "Save it as 16-bit grey.",
        )
    if found.orientation != 1:
        raise unsupported(
            f"The {name} is stored turned or mirrored (orientation {found.orientation}).",
            "Save the map upright; turning it would move its camera.",
        )
