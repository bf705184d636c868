"""Pictures out of a folder, a zip file or a tar file, however they lie in it.

Nothing is unpacked: a picture is read into memory, and its path in the archive is only ever a name.
Links and devices are passed over; a path that leads outside, a picture that is no picture by its
size, or more of anything than a data set has ends the reading.
"""

from __future__ import annotations

import contextlib
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from superfine.data.listing import SUFFIXES
from superfine.errors import LimitError, UsageError, WrongContentError

# DIV2K's training pictures are 3.5 GB in 800 files of at most 8 MB.
_MOST_FILES = 200_000
_MOST_BYTES = 16 << 30
_LARGEST = 256 << 20
# What tar keeps long names and remarks in, ahead of the file they are for.
_REMARKS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_LONGEST_REMARK = 1 << 20


@dataclass(frozen=True)
class _Entry:
    path: PurePosixPath
    size: int
    read: Callable[[], bytes]


def sizes_in(source: Path) -> dict[PurePosixPath, int]:
    """The bytes of each picture of `source`: a folder, a zip file or a tar file.

    Raises:
        UsageError: It is nothing of the kind, or cannot be read.
        WrongContentError: It is damaged, cut short, encrypted, or leads outside.
        LimitError: It holds more than a data set does.
    """
    with _errors(source):
        return {entry.path: entry.size for entry in _entries(source)}


def read_from(
    source: Path, paths: Container[PurePosixPath]
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The pictures of `source` that lie at `paths`, in the order they lie in it.

    Raises:
        UsageError: As `sizes_in`.
        WrongContentError: As `sizes_in`.
        LimitError: As `sizes_in`.
    """
    done: set[PurePosixPath] = set()
    with _errors(source):
        for entry in _entries(source):
            # A tar file may hold a path twice.
            if entry.path in paths and entry.path not in done:
                done.add(entry.path)
                yield entry.path, entry.read()


def _entries(source: Path) -> Iterator[_Entry]:
    if source.is_dir():
        return _of_folder(source)
    if not source.is_file():
        raise UsageError(f"{source} is no file and no folder.", hint="Check the path.")
    if zipfile.is_zipfile(source):
        return _of_zip(source)
    return _of_tar(source)


@contextlib.contextmanager
def _errors(source: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, EOFError) or error.errno is None:  # gzip's own
            raise _damaged(source) from error
        raise UsageError(f"{source} cannot be read: {error.strerror}.") from error
    except RuntimeError as error:  # zipfile, when a password is needed
        raise WrongContentError(
            f"{source} is encrypted.", hint="Unpack it first and give the folder: --from FOLDER."
        ) from error
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,
        ValueError,
    ) as error:
        raise _damaged(source) from error


def _damaged(source: Path) -> WrongContentError:
    return WrongContentError(
        f"{source} is damaged or cut short.", hint="Fetch it again; nothing was kept of it."
    )


def _of_folder(folder: Path) -> Iterator[_Entry]:
    tally = _Tally(folder)
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            file = Path(place, name)
            path = PurePosixPath(file.relative_to(folder).as_posix())
            if not _is_picture(path) or not file.is_file():
                continue
            size = file.stat().st_size
            tally.add(path, size, picture=True)
            yield _Entry(path, size, file.read_bytes)


def _of_zip(source: Path) -> Iterator[_Entry]:
    tally = _Tally(source)
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            # Tools of Windows write it so; zipfile undoes it only on Windows.
            path = PurePosixPath(member.filename.replace("\\", "/"))
            # The upper half is a Unix mode where there is one: 0o120000 is a link.
            linked = (member.external_attr >> 28) == 0o12
            wanted = _is_picture(path) and not member.is_dir() and not linked
            tally.add(path, member.file_size, picture=wanted)
            if wanted:
                yield _Entry(path, member.file_size, partial(archive.read, member))


def _of_tar(source: Path) -> Iterator[_Entry]:
    tally = _Tally(source)
    with _opened(source) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            wanted = _is_picture(path) and member.isreg()
            tally.add(path, member.size, picture=wanted)
            file = archive.extractfile(member) if wanted else None
            if file is not None:
                yield _Entry(path, member.size, file.read)


def _opened(source: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(source, tarinfo=_Header)
    except tarfile.ReadError as error:
        raise WrongContentError(
            f"{source} is no zip and no tar file, or is cut short.",
            hint="Fetch it again; unpack other kinds first and give the folder: --from FOLDER.",
        ) from error


class _Header(tarfile.TarInfo):
    """A header of a tar file that is refused before a name of gigabytes is read into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        """The header in a block of 512 bytes."""
        header = super().frombuf(buf, encoding, errors)
        if header.type in _REMARKS and header.size > _LONGEST_REMARK:
            raise WrongContentError(
                f"A header of {header.size:,} bytes is in the archive.",
                hint="Nobody packs a data set like that; get it from somewhere else.",
            )
        return header


def _is_picture(path: PurePosixPath) -> bool:
    # Macs add ._NAME.png, which is none, and a folder __MACOSX.
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


class _Tally:
    """What has been met so far, held against the limits."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._files = 0
        self._bytes = 0

    def add(self, path: PurePosixPath, size: int, *, picture: bool) -> None:
        """Counts one more file, by its announced size, before anything of it is read."""
        if path.is_absolute() or ".." in path.parts or "\0" in str(path):
            raise WrongContentError(
                f"{self._source} holds {path}, which leads outside of it.",
                hint="Nobody packs a data set like that; get it from somewhere else.",
            )
        self._files += 1
        self._bytes += size
        if self._files > _MOST_FILES or self._bytes > _MOST_BYTES or (picture and size > _LARGEST):
            raise LimitError(
                f"{self._source} holds more than {_MOST_FILES:,} files, more than "
                f"{_MOST_BYTES >> 30} GiB, or a picture of more than {_LARGEST >> 20} MiB.",
                hint="Unpack what is needed and give that folder: --from FOLDER.",
            )
