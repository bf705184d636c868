"""What the user sees: data on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
import traceback as tracebacks
from collections.abc import Sequence

import typer

from superfine.errors import SuperfineError

_SIGPIPE_EXIT = 128 + 13


def shown(text: object) -> str:
    """`text` safe for a terminal: no control characters, so that a file name cannot act."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def say(text: str) -> None:
    """One message on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def put(line: bytes) -> None:
    """One line of data on standard output.

    Raises:
        Exit: When the reader has gone, as `head` does.
    """
    try:
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python flushes standard output once more at its end and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(_SIGPIPE_EXIT) from None


def put_table(rows: Sequence[Sequence[str]]) -> None:
    """Rows of data on standard output, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        put("  ".join(cells).rstrip().encode())


def complaint(code: str, message: str, hint: str, *, about: str) -> str:
    """An error in one line, and what to do in a second."""
    line = f"{shown(about)}: {shown(message).rstrip('.')} ({code})."
    return f"{line}\n  {shown(hint)}" if hint else line


def complain(error: SuperfineError, *, traceback: bool) -> None:
    """Shows an error that ends the command."""
    if traceback:
        tracebacks.print_exception(error)
    say(complaint(error.code, error.message, error.hint, about="superfine"))


def complain_of_bug(error: Exception, *, traceback: bool) -> None:
    """Shows an error that nobody foresaw."""
    if traceback:
        tracebacks.print_exception(error)
        return
    reason = f"{type(error).__name__}: {error}"
    hint = "This is a bug of superfine; run again with --debug and report what it shows."
    say(complaint("E_BUG", reason, hint, about="superfine"))
