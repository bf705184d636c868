"""Turning somebody's weight file into ours, which describes itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from superfine.checkpoints import LoadedModel, load, save
from superfine.errors import OutputError, UsageError


@dataclass(frozen=True, eq=False)
class Converted:
    """A file that was converted.

    Attributes:
        path: The new file.
        model: What it holds.
    """

    path: Path
    model: LoadedModel


def convert(
    file: Path,
    output: Path | None = None,
    *,
    scale: float | None = None,
    licence: str = "unknown",
    overwrite: bool = False,
) -> Converted:
    """Writes what the foreign `file` holds as a weight file of ours.

    Args:
        file: Weights of a network we recognise, in anybody's layout; it is not changed.
        output: The new file; None puts it beside `file`, with the suffix `.safetensors`.
        scale: HR pixels per LR pixel, where neither the file nor its name tells it.
        licence: Of the weights, for the card.
        overwrite: Whether a new file that is already there may be replaced.

    Raises:
        ModelFileError: When the file fits no network or is damaged.
        UsageError: When it is ours already.
        UnsafeModelError: When the file holds more than tensors; nothing in it was run.
        OutputError: When the new file exists, is `file` itself, or cannot be written.
    """
    path = file.with_suffix(".safetensors") if output is None else output
    if path.exists() and file.exists() and path.samefile(file):
        raise OutputError(
            f"{path} would replace the file it is made from.",
            hint="Say another name: -o OUT.safetensors",
        )
    model = load(file, scale=scale)
    if model.card.code_version:
        raise UsageError(
            f"{file} is a weight file of ours already.",
            hint=f"See its card: superfine models info {file}",
        )
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    card = replace(
        model.card,
        training=f"converted from {file.name} (sha256 {digest})",
        licence=licence,
    )
    save(model.network, card, path, overwrite=overwrite)
    return Converted(path, model)
