"""A folder that one command fills, and goes on filling, with the same settings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from superfine.errors import OutputError
from superfine.io.atomic import output_errors, remove_stale, write_bytes_atomic
from superfine.io.lock import LOCK, locked


@contextmanager
def filling(
    folder: Path, settings_name: str, settings: Mapping[str, object], parts: tuple[str, ...]
) -> Iterator[None]:
    """Holds `folder` for this process, with `settings` in it; makes it and its sub-folders.

    Args:
        settings_name: The JSON file that holds the settings, by which the folder is known again.
        parts: Sub-folders.

    Raises:
        OutputError: E_EXISTS when it was begun with other settings or is somebody else's; E_BUSY;
            E_OUTPUT.
    """
    path = folder / settings_name
    _require_ours(folder, path, settings)
    with output_errors(path):
        folder.mkdir(exist_ok=True)
        lock = locked(folder / LOCK)
    try:
        _require_ours(folder, path, settings)
        remove_stale(folder)
        if not path.exists():
            write_bytes_atomic(path, json_bytes(settings), overwrite=False)
        for part in parts:
            with output_errors(path):
                (folder / part).mkdir(exist_ok=True)
            remove_stale(folder / part)
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        os.close(lock)


def json_bytes(content: Mapping[str, object]) -> bytes:
    """`content` as a file for people and programs."""
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()


def _require_ours(folder: Path, path: Path, settings: Mapping[str, object]) -> None:
    if not folder.exists():
        if not folder.parent.is_dir():
            raise OutputError(
                f"The folder {folder.parent} does not exist.", hint="Create it first."
            )
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is not a folder.", hint="Choose another name.")
    if not path.exists():
        # What a kill leaves behind is hidden, and so are notes of desktops.
        if any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise OutputError(
                f"{folder} holds other files, and no {path.name}.",
                hint="Choose a new folder.",
                code="E_EXISTS",
            )
        return
    begun = _settings_in(path)
    different = sorted(k for k in begun.keys() | settings if begun.get(k) != settings.get(k))
    if different:
        name = different[0]
        raise OutputError(
            f"{folder} was begun with {name} {begun.get(name)!r}, not {settings.get(name)!r}.",
            hint="Choose a new folder, or give the same options.",
            code="E_EXISTS",
        )


def _settings_in(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, OSError):
        content = None
    if not isinstance(content, dict):
        raise OutputError(f"{path} is damaged.", hint="Choose a new folder.", code="E_EXISTS")
    return content
