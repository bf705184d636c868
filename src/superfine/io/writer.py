"""Pictures out: rows from top to bottom, then encoded, read back, and renamed into place."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

import torch
from jaxtyping import Shaped
from torch import Tensor

from superfine.io.atomic import atomic_path, require_writable
from superfine.io.outputs import output_format
from superfine.io.plan import Plan, require_holds
from superfine.io.rows import RawRows
from superfine.io.verify import Expected, verify
from superfine.types import Image, Metadata

_BAND = 2**22  # samples handed over at a time
_NO_METADATA = Metadata()


class PictureWriter:
    """Writes one picture row by row; nothing is at `path` until all of it is written and checked.

    Pictures above 64 MiB of raw samples wait in a file beside the target, so that memory use does
    not grow with the picture. The ending of `path` chooses the format:

    - .png: 8 and 16 bits; .tif, .tiff: 8, 16 and float, BigTIFF above 4 GB; both exact.
    - .jpg, .jpeg: 8 bits, no alpha. .webp, .avif: lossy; .webp exact at quality 100.
      .avif holds 12 of 16 bits.
    - .bmp, .ppm, .pgm: exact, no alpha, no metadata. .gif: 256 colours.

    Attributes:
        notes: What had to be given up, in words for the user: bits, metadata, colours.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        channels: Literal[1, 3],
        alpha: bool,
        dtype: torch.dtype,
        profile: bytes | None = None,
        metadata: Metadata = _NO_METADATA,
        overwrite: bool = False,
        quality: int = 95,
    ) -> None:
        """Checks everything that can be checked before the first row.

        Args:
            dtype: Of the rows: torch.uint8, torch.uint16 or torch.float32 on [0, 1]. What the
                format cannot hold is rounded to fewer bits, with a note.
            quality: 1 to 100 for JPEG, WebP and AVIF; the others ignore it.

        Raises:
            OutputError: E_EXISTS, or a format that cannot hold this picture.
        """
        self.path = path
        self._output = output_format(path.suffix)
        require_holds(
            self._output,
            width=width,
            height=height,
            channels=channels,
            alpha=alpha,
            quality=quality,
        )
        require_writable(path, overwrite=overwrite)
        self._plan = Plan(self._output, quality, profile, metadata, channels, alpha, dtype)
        self.notes: tuple[str, ...] = self._plan.notes()
        self._overwrite = overwrite
        self._exact = self._output.lossless(quality)
        self._raw = RawRows(
            path,
            width=width,
            height=height,
            channels=channels + alpha,
            dtype=self._output.stored(dtype),
        )

    def rows(
        self, pixels: Shaped[Tensor, "c n w"], alpha: Shaped[Tensor, "1 n w"] | None = None
    ) -> None:
        """Adds any number of rows below those already given.

        Args:
            pixels: In the type announced as `dtype`.
            alpha: The same rows of the alpha channel, exactly when `alpha` was announced.

        Raises:
            ValueError: Rows that do not fit what was announced.
            DiskFullError: No room for them.
        """
        self._require_fit(pixels, alpha)
        self._raw.append(pixels, alpha, checksums=self._exact)

    def _require_fit(self, pixels: Tensor, alpha: Tensor | None) -> None:
        plan, raw = self._plan, self._raw
        if (pixels.shape[0], pixels.shape[2]) != (plan.channels, raw.width):
            raise ValueError(f"rows of shape {tuple(pixels.shape)} do not fit {raw.width} columns")
        if pixels.dtype != plan.dtype or (alpha is not None) != plan.alpha:
            raise ValueError(f"rows of {pixels.dtype} do not fit what was announced")
        if alpha is not None and (alpha.dtype, alpha.shape[1:]) != (pixels.dtype, pixels.shape[1:]):
            raise ValueError("the rows of alpha do not fit the rows of pixels")
        if raw.done + pixels.shape[1] > raw.height:
            raise ValueError(f"more than the announced {raw.height} rows")

    def __enter__(self) -> PictureWriter:
        """The writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finishes the file when the block ended well, leaves nothing behind when not."""
        try:
            if error is None:
                self._commit()
        finally:
            self._raw.close()

    def _commit(self) -> None:
        if self._raw.done != self._raw.height:
            raise ValueError(f"{self._raw.done} of {self._raw.height} rows were given")
        with atomic_path(self.path, overwrite=self._overwrite) as temporary:
            self._plan.save(self._raw.image(), temporary, self.path.parent)
            verify(temporary, self._output, self._expected())

    def _expected(self) -> Expected:
        raw, plan = self._raw, self._plan
        widened = 3 if plan.channels == 1 and not self._output.grey else plan.channels
        return Expected(
            raw.width,
            raw.height,
            channels=widened + plan.alpha,
            dtype=raw.dtype,
            # Grey that had to become RGB has other rows than were given.
            checksums=tuple(raw.checksums) if widened == plan.channels else (),
        )


def write(
    image: Image, path: Path, *, overwrite: bool = False, quality: int = 95
) -> tuple[str, ...]:
    """Writes `image` in the format that the ending of `path` chooses; see `PictureWriter`.

    Returns:
        What the format could not hold, in words for the user.

    Raises:
        OutputError: E_EXISTS, E_VERIFY, or a format that cannot hold this picture.
        DiskFullError: No room; nothing was left behind.
    """
    writer = PictureWriter(
        path,
        width=image.width,
        height=image.height,
        channels=1 if image.grey else 3,
        alpha=image.alpha is not None,
        dtype=image.pixels.dtype,
        profile=image.profile,
        metadata=image.metadata,
        overwrite=overwrite,
        quality=quality,
    )
    with writer:
        for pixels, alpha in _bands(image):
            writer.rows(pixels, alpha)
    return writer.notes


def encode(image: Image, name: str, *, quality: int = 95) -> bytes:
    """`image` as the bytes of a file, checked like one; for standard output and the web.

    Args:
        name: "png", "jpg", "webp", ...: an ending, with or without its dot.

    Raises:
        OutputError: As `write`.
    """
    suffix = output_format(name).suffixes[0]
    with tempfile.TemporaryDirectory(prefix="superfine-") as folder:
        path = Path(folder) / f"picture{suffix}"
        write(image, path, quality=quality)
        return path.read_bytes()


def _bands(image: Image) -> Iterator[tuple[Tensor, Tensor | None]]:
    step = max(1, _BAND // (image.width * image.pixels.shape[0]))
    for top in range(0, image.height, step):
        rows = slice(top, min(image.height, top + step))
        yield image.pixels[:, rows], None if image.alpha is None else image.alpha[:, rows]
