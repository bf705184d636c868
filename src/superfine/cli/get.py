"""`superfine models get`: weights that other people publish, fetched when asked for."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superfine.cli.console import put, put_table, say, shown
from superfine.cli.options import Debug, Json
from superfine.cli.progress import can_move
from superfine.errors import UsageError

if TYPE_CHECKING:
    from superfine.elsewhere import PublicWeights

# Seconds between two signs of life.
_EVERY_MOVE = 0.1
_EVERY_LINE = 10.0


def get(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Such as realesrgan-x4plus.")
    ] = None,
    *,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Take the file, or the folder it lies in; download nothing."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--to", help="Put it there, not into the cache.")
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="Show what there is, and fetch nothing.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Fetches openly licensed weights of other people, and believes only their sha256.

    Stopped or cut off, the same command goes on where it was.
    """
    if (name is None) != listing:
        raise UsageError(
            "Say which weights, or --list." if name is None else "Give a name or --list, not both.",
            hint="See: superfine models get --list",
        )
    if name is None:
        _show_list(as_json=as_json)
    else:
        _get(name, source, folder, as_json=as_json)


def _show_list(*, as_json: bool) -> None:
    from superfine.elsewhere import PUBLIC, cache_folder

    cache = cache_folder()
    rows = [("name", "scale", "network", "MB", "licence", "here", "for")]
    for entry in PUBLIC:
        here = (cache / entry.file).is_file()
        if as_json:
            put(json.dumps({"v": 1, **_values(entry), "here": here}).encode())
        size = "-" if entry.size is None else f"{entry.size / 1e6:.0f}"
        scale, answer = f"x{entry.scale}", "yes" if here else "no"
        rows.append((entry.name, scale, entry.network, size, entry.licence, answer, entry.what))
    if not as_json:
        put_table(rows)


def _get(name: str, source: Path | None, folder: Path | None, *, as_json: bool) -> None:
    from superfine.elsewhere import cache_folder, find
    from superfine.elsewhere import get as fetch

    entry = find(name)
    meter = _Meter(entry)
    say(f"{entry.file}: {entry.licence}; {entry.paper}.")
    if source is None:
        say(f"From {entry.url}")
    try:
        path = fetch(
            entry,
            cache_folder() if folder is None else folder,
            source=source,
            on_progress=meter.update,
            on_fault=meter.fault,
        )
    except KeyboardInterrupt:
        say("\nStopped. What came is kept: the same command goes on.")
        raise
    finally:
        meter.stop()
    model = name if folder is None else shown(path)
    say(f"Its sha256 is right. Use it: superfine upscale photo.jpg -m {model}")
    if as_json:
        put(json.dumps({"v": 1, **_values(entry), "path": str(path)}).encode())
    else:
        put(os.fsencode(path))


def _values(entry: PublicWeights) -> dict[str, object]:
    return {
        "name": entry.name,
        "scale": entry.scale,
        "network": entry.network,
        "file": entry.file,
        "url": entry.url,
        "sha256": entry.sha256,
        "bytes": entry.size,
        "licence": entry.licence,
        "for": entry.what,
        "paper": entry.paper,
    }


class _Meter:
    """How far a download has come: a line that changes on a terminal, a line now and then else."""

    def __init__(self, entry: PublicWeights) -> None:
        self._name = entry.name
        self._moves = can_move()
        self._every = _EVERY_MOVE if self._moves else _EVERY_LINE
        self._last = time.monotonic()
        self._on_screen = False

    def update(self, here: int, size: int | None) -> None:
        """Shows how many bytes are here, if the last time is long enough ago."""
        now = time.monotonic()
        if now - self._last < self._every:
            return
        self._last = now
        whole = "" if size is None else f" of {size / 1e6:.1f}"
        text = f"{self._name}: {here / 1e6:.1f}{whole} MB"
        if self._moves:
            sys.stderr.write(f"\r{text}\x1b[K")
            sys.stderr.flush()
        else:
            say(text)
        self._on_screen = self._moves

    def fault(self, text: str) -> None:
        """Says why a connection ended."""
        self.stop()
        say(f"{self._name}: {shown(text)}; trying again.")

    def stop(self) -> None:
        """Takes away the line that changes."""
        if self._on_screen:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._on_screen = False
