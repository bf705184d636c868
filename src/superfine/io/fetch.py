"""Downloads that go on where they stopped, and are believed only by their sha256.

What arrives gathers beside the target, in `NAME.part`. What Ctrl-C, a kill or a cut line leaves
there is kept, and the next call asks for the rest only. Nothing is called `NAME` before it is known
to be, to the last byte, the file that was wanted: through whose hands it came does not matter.
Only a caller that knows the file by what is in it may leave the sha256 out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from io import BufferedReader
from pathlib import Path

from superfine.errors import DiskFullError, UsageError, WrongContentError
from superfine.io.atomic import (
    atomic_path,
    output_errors,
    put_in_place,
    require_writable,
    write_all,
    write_bytes_atomic,
)
from superfine.io.lock import alone
from superfine.io.web import OtherPartError, PassingError, ask, extent, receive, refused

_CHUNK = 1 << 16
# Of a file whose size is not known beforehand; the largest network of this field has 600 MB.
_LARGEST = 1 << 30
# A line that brings less in the time of one timeout has stalled, though it is not silent.
_LEAST = 1 << 14
# Only a strong one says that two answers are of the same bytes.
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]{0,200}"')

OnProgress = Callable[[int, int | None], None]
OnFault = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """A file of the web that is known beforehand.

    Attributes:
        url: Where it lies; https, or http on this machine.
        sha256: Of the whole file, 64 lower-case hexadecimal digits; None where nobody knows it,
            and the caller looks over what came.
        size: In bytes; None where it is not known.
    """

    url: str
    sha256: str | None
    size: int | None = None


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often.

    Attributes:
        timeout: Seconds to connect, and to wait for the next bytes.
        attempts: Connections made before giving up.
        pause: Seconds before the second one; twice as long before each further one.
    """

    timeout: float = 30.0
    attempts: int = 5
    pause: float = 1.0


def fetch(
    wanted: Wanted,
    target: Path,
    *,
    patience: Patience | None = None,
    on_progress: OnProgress | None = None,
    on_fault: OnFault | None = None,
) -> None:
    """Downloads `wanted` to `target`, whose folder is made if need be.

    Args:
        on_progress: Called with the bytes that are here, and all there are where that is known.
        on_fault: Called with what ended a connection, before the next one.

    Raises:
        NetworkError: The server cannot be reached, refuses, or stops before the end; what came is
            kept.
        WrongContentError: What came is not the wanted file; nothing is kept.
        OutputError: E_EXISTS, E_BUSY when another process downloads it, or it cannot be written.
    """
    watch = _Watch(patience or Patience(), on_progress, on_fault)
    with alone(target):
        require_writable(target, overwrite=False)
        part = _Part(target)
        resumed = part.size > 0
        _gather(wanted, part, watch)
        if resumed and not is_wanted(wanted, part.path):
            # The two ends may be of two versions of the file: once more, in one piece.
            part.remove()
            _gather(wanted, part, watch)
        if not is_wanted(wanted, part.path):
            part.remove()
            raise _wrong("What the server sent", "it has another sha256")
        put_in_place(part.path, target, overwrite=False)
        part.remove()


def copy_verified(wanted: Wanted, source: Path, target: Path) -> None:
    """Copies `source` to `target`, whose folder is made if need be, if it is the wanted file.

    Raises:
        UsageError: When `source` cannot be read.
        WrongContentError: When it is another file; nothing is left behind.
        OutputError: E_EXISTS, or it cannot be written.
    """
    with _opened(source) as file:
        size = os.fstat(file.fileno()).st_size
        if size > _LARGEST or wanted.size not in (None, size):
            raise _wrong(str(source), f"it has {size:,} bytes, not {wanted.size or _LARGEST:,}")
        with output_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target, overwrite=False) as temporary, temporary.open("r+b") as copy:
            digest = hashlib.sha256()
            while data := file.read(_CHUNK):
                digest.update(data)
                copy.write(data)
            if wanted.sha256 not in (None, digest.hexdigest()):
                raise _wrong(str(source), "it has another sha256")


def is_wanted(wanted: Wanted, path: Path) -> bool:
    """Whether the file `path` is the wanted one, to the last byte as far as that is known.

    Raises:
        UsageError: When it cannot be read.
    """
    with _opened(path) as file:
        if wanted.size not in (None, os.fstat(file.fileno()).st_size):
            return False
        if wanted.sha256 is None:
            return True
        return hashlib.file_digest(file, "sha256").hexdigest() == wanted.sha256


def _opened(path: Path) -> BufferedReader:
    # A named pipe would block for ever.
    if not path.is_file():
        raise UsageError(f"{path} is not a file.", hint="Check the path.")
    try:
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def _wrong(what: str, how: str) -> WrongContentError:
    return WrongContentError(
        f"{what} is not the file it should be: {how}.",
        hint="It was damaged, changed or replaced on the way, and was not kept.",
    )


class _Part:
    """What has arrived of a file, beside where it will lie."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._version = target.with_name(f"{target.name}.part.etag")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def etag(self) -> str | None:
        """What the server called the version these bytes are of; None where it did not say."""
        if not self._version.is_file():
            return None
        text = self._version.read_bytes()[:300].decode("ascii", "replace")
        return text if _STRONG_ETAG.fullmatch(text) else None

    def begin(self, etag: str) -> None:
        """Forgets what arrived before: what comes now is the start of the version `etag`."""
        self.remove()
        if _STRONG_ETAG.fullmatch(etag):
            write_bytes_atomic(self._version, etag.encode(), overwrite=True)

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """A descriptor that adds to it; never through a link that somebody left there."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with output_errors(self.path):
            descriptor = os.open(self.path, flags, 0o666)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        with output_errors(self.path):
            self.path.unlink(missing_ok=True)
            self._version.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Watch:
    patience: Patience
    on_progress: OnProgress | None
    on_fault: OnFault | None


def _gather(wanted: Wanted, part: _Part, watch: _Watch) -> None:
    """Connections until all bytes are in `part`, or the patience is at its end."""
    patience = watch.patience
    for attempt in range(1, patience.attempts + 1):
        try:
            _connect(wanted, part, watch)
            return
        except PassingError as fault:
            if isinstance(fault, OtherPartError):
                part.remove()
            if attempt == patience.attempts:
                raise refused(wanted.url, str(fault), kept=part.size) from fault
            if watch.on_fault is not None:
                watch.on_fault(str(fault))
        time.sleep(patience.pause * 2 ** (attempt - 1))


def _connect(wanted: Wanted, part: _Part, watch: _Watch) -> None:
    """One connection: the rest of the file, or the whole of it where there is no going on."""
    if wanted.size is not None and part.size > wanted.size:
        part.remove()
    here = part.size
    if here and here == wanted.size:
        return
    timeout = watch.patience.timeout
    with ask(wanted.url, first=here, etag=part.etag, timeout=timeout) as answer:
        first, size = extent(answer, asked=here)
        if wanted.size is not None and size not in (None, wanted.size):
            part.remove()
            raise _wrong(wanted.url, f"it has {size:,} bytes, not {wanted.size:,}")
        version = answer.headers.get("ETag", "")
        if first and part.etag not in (None, version):
            raise OtherPartError("the file on the server is another one by now")
        if first == 0:
            part.begin(version)
        _receive_all(answer, part, size if wanted.size is None else wanted.size, watch)


def _receive_all(answer: HTTPResponse, part: _Part, size: int | None, watch: _Watch) -> None:
    """Adds what `answer` brings to `part`; of a file of unknown size until it ends."""
    here, most = part.size, _LARGEST if size is None else size
    marked, marked_at = here, time.monotonic()
    with part.opened() as descriptor:
        # One byte more than there may be, so that a file without an end is found out.
        while here < most + (size is None):
            data = receive(answer, min(_CHUNK, most + 1 - here))
            if not data:
                break
            _write(descriptor, data, part)
            here += len(data)
            if watch.on_progress is not None:
                watch.on_progress(here, size)
            now = time.monotonic()
            if now - marked_at > watch.patience.timeout:
                if here - marked < _LEAST:
                    raise PassingError("the server sends next to nothing")
                marked, marked_at = here, now
    if size is not None and here < size:
        raise PassingError(f"the line ended after {here:,} of {size:,} bytes")
    if here > most:
        part.remove()
        raise _wrong(answer.url, f"it has more than {most:,} bytes")


def _write(descriptor: int, data: bytes, part: _Part) -> None:
    try:
        with output_errors(part.path):
            write_all(descriptor, data)
    except DiskFullError as error:
        raise DiskFullError(
            error.message,
            hint="Free some space, and the same command goes on; or give another folder: --to.",
        ) from error
