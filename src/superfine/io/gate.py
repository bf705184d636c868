"""What may come in: a regular file, not too large, that does not change while it is read."""

from __future__ import annotations

import errno
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from superfine.errors import LimitError, PictureError
from superfine.io.vips import VipsImage, load_vips


@dataclass(frozen=True)
class Limits:
    """The largest picture that is decoded; all checked before the decoder starts.

    Attributes:
        max_pixels: Width times height, times frames where all frames are read. The default lets
            a 100-megapixel camera through.
        max_side: Pixels along one side.
        max_metadata_bytes: Text in a picture, after unpacking.
        max_file_bytes: Size of the file itself.
    """

    max_pixels: int = 120_000_000
    max_side: int = 2**17
    max_metadata_bytes: int = 8 * 2**20
    max_file_bytes: int = 4 * 2**30


DEFAULT_LIMITS = Limits()


class PictureFile:
    """An open picture, from a file or from memory; reads never move a shared position."""

    def __init__(self, source: Path | bytes) -> None:
        """Opens `source` without waiting on pipes or devices.

        Raises:
            PictureError: E_NOT_A_FILE, E_EMPTY, E_VANISHED or E_UNREADABLE.
        """
        self._descriptor: int | None = None
        self._data = b""
        # pyvips lets the bytes of a source go while images still decode from them, unless somebody
        # holds the source; this file outlives every image made from it.
        self._sources: list[VipsImage] = []
        self.suffix = ""
        if isinstance(source, bytes):
            self._data = source
            self.size = len(source)
        else:
            self.suffix = source.suffix.lower()
            self._descriptor = _open_regular(source)
            self._before = os.fstat(self._descriptor)
            self.size = self._before.st_size
        if self.size == 0:
            self.close()
            raise PictureError(
                "The file is empty; a picture was expected.",
                hint="Copy or download it again.",
                code="E_EMPTY",
            )

    def __enter__(self) -> PictureFile:
        """The file itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self.close()

    def close(self) -> None:
        """Gives the descriptor back; harmless when called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; fewer only at the end of the picture.

        Raises:
            PictureError: E_VANISHED when the file has become shorter, E_UNREADABLE on a bad disk.
        """
        count = max(0, min(count, self.size - offset))
        if self._descriptor is None:
            return self._data[offset : offset + count]
        pieces: list[bytes] = []
        while count > 0:
            try:
                piece = os.pread(self._descriptor, count, offset)
            except OSError as error:
                raise _unreadable(error) from error
            if not piece:
                raise _changed()
            pieces.append(piece)
            offset += len(piece)
            count -= len(piece)
        return b"".join(pieces)

    def require_unchanged(self) -> None:
        """Checks that nobody wrote to the file since it was opened.

        Raises:
            PictureError: E_VANISHED.
        """
        if self._descriptor is None:
            return
        now = os.fstat(self._descriptor)
        if (now.st_size, now.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            raise _changed()

    def vips_source(self, *, in_memory: bool) -> VipsImage:
        """The picture as a libvips source.

        Args:
            in_memory: Read everything first. For decoders that would map the file otherwise: a
                mapped file that somebody cuts short kills the whole process with SIGBUS.
        """
        vips = load_vips()
        if self._descriptor is None or in_memory:
            source = vips.Source.new_from_memory(self.at(0, self.size))
        else:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            source = vips.Source.new_from_descriptor(self._descriptor)
        self._sources.append(source)
        return source

    def stream(self) -> io.BytesIO | io.BufferedReader:
        """The picture as a Python file for Pillow; the caller closes it."""
        if self._descriptor is None:
            return io.BytesIO(self._data)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return os.fdopen(os.dup(self._descriptor), "rb")


def _open_regular(path: Path) -> int:
    try:
        # Looked at before it is opened: opening a device can already do something to it.
        _require_regular(path.stat().st_mode)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(error) from error
    try:
        _require_regular(os.fstat(descriptor).st_mode)
    except PictureError:
        os.close(descriptor)
        raise
    return descriptor


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _require_regular(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kind = next((name for test, name in _KINDS if test(mode)), "not a regular file")
    raise PictureError(
        f"This is {kind}; a picture file was expected.",
        hint="Name a picture file; '-' reads one from standard input.",
        code="E_NOT_A_FILE",
    )


def _unreadable(error: OSError) -> PictureError:
    if error.errno in (errno.ENOENT, errno.ESTALE):
        return PictureError(
            "There is no such file.",
            hint="Check the name; it may have been moved.",
            code="E_VANISHED",
        )
    reason = error.strerror or type(error).__name__
    return PictureError(
        f"The file cannot be read: {reason}.", hint="Check its permissions.", code="E_UNREADABLE"
    )


def _changed() -> PictureError:
    return PictureError(
        "The file changed while it was being read.",
        hint="Wait until whatever writes it has finished, then try again.",
        code="E_VANISHED",
    )


def require_size(width: int, height: int, *, frames: int, limits: Limits) -> None:
    """Checks what a header says before anything is decoded.

    Args:
        frames: How many pictures of this size will be decoded.

    Raises:
        PictureError: E_DIM for a side of 0 pixels.
        LimitError: E_LIMIT.
    """
    if width < 1 or height < 1:
        raise PictureError(
            f"The header says {width}×{height} pixels; both sides must be at least 1.",
            hint="The file is damaged; export it again.",
            code="E_DIM",
        )
    if max(width, height) > limits.max_side:
        raise LimitError(
            f"The picture is {width}×{height}; a side may have {limits.max_side:,} pixels.",
            hint="Cut it into pieces first.",
        )
    if width * height * frames > limits.max_pixels:
        times = f" in {frames} frames" if frames > 1 else ""
        raise LimitError(
            f"The picture has {width}×{height} pixels{times}, {width * height * frames:,} in all; "
            f"the limit is {limits.max_pixels:,}.",
            hint="Raise the limit (--max-megapixels) if you trust the file.",
        )
