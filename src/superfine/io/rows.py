"""Raw rows on their way out: in memory while small, in files beside the target when large."""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path
from typing import BinaryIO

import torch
from jaxtyping import Shaped
from torch import Tensor

from superfine.io.atomic import output_errors, temporary_beside
from superfine.io.vips import VipsImage, VipsModule, load_vips
from superfine.ops.codes import to_codes, to_unit

LARGEST_IN_MEMORY = 64 * 2**20  # bytes
_VIPS_FORMATS = {torch.uint8: "uchar", torch.uint16: "ushort", torch.float32: "float"}
_SLAB = 16 * 2**20  # bytes of one spool file
_MOST_SLABS = 128  # each is an open file
_BAND = 2**22  # samples turned at a time


def convert(values: Shaped[Tensor, "*shape"], dtype: torch.dtype) -> Shaped[Tensor, "*shape"]:
    """Samples in another type, rounded to the nearest code; the largest code stays the largest."""
    if values.dtype == dtype:
        return values
    return to_codes(to_unit(values, dtype=torch.float64), dtype)


class RawRows:
    """Rows of interleaved samples, appended from top to bottom.

    Large pictures are spooled into several files, slabs of rows, because libvips maps a raw file
    into memory and lets go of it only when it has been used up, and finds nothing behind the first
    10^9 bytes of one.
    """

    def __init__(
        self, beside: Path, *, width: int, height: int, channels: int, dtype: torch.dtype
    ) -> None:
        """Prepares for `height` rows; slabs will lie in the folder of `beside`."""
        self.width, self.height, self.channels, self.dtype = width, height, channels, dtype
        self.done = 0
        self.checksums: list[int] = []
        self._row_bytes = width * channels * dtype.itemsize
        self._beside = beside
        self._memory = bytearray()
        self._slabs: list[Path] = []
        self._slab: BinaryIO | None = None
        total = self._row_bytes * height
        self._spooled = total > LARGEST_IN_MEMORY
        self._slab_rows = max(1, max(_SLAB, total // _MOST_SLABS) // self._row_bytes)

    def append(
        self,
        pixels: Shaped[Tensor, "c n w"],
        alpha: Shaped[Tensor, "1 n w"] | None,
        *,
        checksums: bool,
    ) -> None:
        """Adds rows below the last ones.

        Args:
            checksums: Whether to remember a CRC-32 of each row.

        Raises:
            DiskFullError: No room for them.
        """
        planes = pixels if alpha is None else torch.cat([pixels, alpha])
        step = max(1, _BAND // max(1, self.width * self.channels))
        for top in range(0, planes.shape[1], step):
            # (c, n, w) -> (n, w, c)
            rows = convert(planes[:, top : top + step], self.dtype).permute(1, 2, 0).contiguous()
            raw = rows.reshape(-1).view(torch.uint8).numpy().data
            for at in range(0, len(raw), self._row_bytes):
                row = raw[at : at + self._row_bytes]
                if checksums:
                    self.checksums.append(zlib.crc32(row))
                if self._spooled:
                    self._spool(row)
                self.done += 1
            if not self._spooled:
                self._memory += raw

    def _spool(self, row: memoryview) -> None:
        with output_errors(self._beside):
            if self.done % self._slab_rows == 0:
                self._finish_slab()
                self._slabs.append(temporary_beside(self._beside))
                self._slab = self._slabs[-1].open("xb")
            assert self._slab is not None
            self._slab.write(row)

    def _finish_slab(self) -> None:
        if self._slab is not None:
            self._slab.close()
            self._slab = None

    def image(self) -> VipsImage:
        """All rows as a libvips image, streamed from the slabs if there are any."""
        vips = load_vips()
        kind = _VIPS_FORMATS[self.dtype]
        if self._spooled:
            with output_errors(self._beside):
                self._finish_slab()
            plain = self._joined(vips, kind)
        else:
            shape = (self.width, self.height, self.channels)
            plain = vips.Image.new_from_memory(self._memory, *shape, kind)
        return plain.copy(interpretation=self._interpretation())

    def _joined(self, vips: VipsModule, kind: str) -> VipsImage:
        slabs = [
            vips.Image.rawload(
                str(path),
                self.width,
                min(self._slab_rows, self.height - number * self._slab_rows),
                self.channels,
                format=kind,
                access="sequential",
            )
            for number, path in enumerate(self._slabs)
        ]
        # All cells are as high as the highest, so the last one may be too high.
        return vips.Image.arrayjoin(slabs, across=1).crop(0, 0, self.width, self.height)

    def close(self) -> None:
        """Lets go of the rows and removes the slabs; harmless when called twice."""
        with contextlib.suppress(OSError):
            self._finish_slab()
        for path in self._slabs:
            path.unlink(missing_ok=True)
        self._slabs.clear()
        self._memory = bytearray()

    def _interpretation(self) -> str:
        grey = self.channels <= 2
        if self.dtype == torch.uint16:
            return "grey16" if grey else "rgb16"
        return "b-w" if grey else "srgb"
