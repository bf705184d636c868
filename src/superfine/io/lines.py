"""Files of lines that are only ever added to, such as manifests and logs."""

from __future__ import annotations

import os
from pathlib import Path

from superfine.io.atomic import output_errors, write_all


def append_line(path: Path, line: bytes, *, sync: bool) -> None:
    """Adds `line` to `path`, on a line of its own even when a kill tore the one before.

    Args:
        sync: Whether to wait until it is on the disk.

    Raises:
        DiskFullError: No room.
        OutputError: It cannot be written for another reason.
    """
    with output_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            write_all(descriptor, (b"\n" if torn else b"") + line + b"\n")
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
