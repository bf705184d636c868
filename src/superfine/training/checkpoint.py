"""Checkpoints that a kill cannot tear: a folder for each, its manifest written last.

A folder `step-00001200` holds safetensors and JSON, never a pickle, and `MANIFEST.json` with the
SHA-256 of each file. It is written under a hidden name, synced to the disk and then renamed, so
that a reader sees all of it or nothing. The newest one is found by looking, not by a pointer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor

from superfine.errors import MissingModelError, ModelFileError
from superfine.io.atomic import output_errors, sync_folder, write_all

MANIFEST = "MANIFEST.json"
_FORMAT = 1
_NAME = re.compile(r"step-(\d{8,})(-unscored)?")
_HIDDEN = ".unfinished-"

# A value that JSON keeps as it is.
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything a run needs to go on as if it had never stopped.

    Attributes:
        step: Optimiser steps done.
        scored: False while a score is due at this step that is not in it yet.
        tensors: File name without suffix -> tensors by name.
        state: What is not a tensor.
    """

    step: int
    scored: bool
    tensors: Mapping[str, Mapping[str, Tensor]]
    state: Mapping[str, Plain]

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"step-{self.step:08d}" + ("" if self.scored else "-unscored")


def write(checkpoint: Checkpoint, folder: Path) -> Path:
    """Writes `checkpoint` into a folder of its own below `folder`, which exists.

    Raises:
        DiskFullError: No room; nothing is left of it and earlier checkpoints are as they were.
        OutputError: It cannot be written for another reason.
    """
    target = folder / checkpoint.name
    hidden = folder / f"{_HIDDEN}{checkpoint.name}-{os.getpid()}-{secrets.token_hex(4)}"
    files = {
        f"{name}.safetensors": to_safetensors(
            {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        )
        for name, tensors in checkpoint.tensors.items()
    }
    files["state.json"] = json.dumps(dict(checkpoint.state), indent=1).encode()
    manifest = {
        "format": _FORMAT,
        "step": checkpoint.step,
        "scored": checkpoint.scored,
        "files": {
            name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        },
    }
    try:
        with output_errors(target):
            hidden.mkdir()
            for name, data in files.items():
                _write_synced(hidden / name, data)
            _write_synced(hidden / MANIFEST, json.dumps(manifest, indent=1).encode())
            sync_folder(hidden)
            if target.exists():  # of a run that went on from an earlier one with other settings
                _remove(target)
            hidden.rename(target)
            sync_folder(folder)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return target


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> Checkpoint:
    """The checkpoint in the folder `path`, every file compared with its SHA-256.

    Raises:
        MissingModelError: When there is no such folder.
        ModelFileError: When it is torn, damaged or none of ours.
    """
    if not path.is_dir():
        raise MissingModelError(
            f"{path} is not a whole checkpoint: there is no such folder.", hint="Check the path."
        )
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        if manifest["format"] != _FORMAT:
            raise ModelFileError(
                f"{path} was written by a newer superfine.", hint="Update superfine."
            )
        files = {name: (path / name).read_bytes() for name in manifest["files"]}
        for name, data in files.items():
            if hashlib.sha256(data).hexdigest() != manifest["files"][name]["sha256"]:
                raise _damaged(path, f"{name} is not what the manifest says")
        tensors = {
            name.removesuffix(".safetensors"): from_safetensors(data)
            for name, data in files.items()
            if name.endswith(".safetensors")
        }
        state = json.loads(files["state.json"])
        return Checkpoint(int(manifest["step"]), bool(manifest["scored"]), tensors, state)
    except OSError as error:
        raise _damaged(path, f"{error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from None


def _damaged(path: Path, reason: str) -> ModelFileError:
    return ModelFileError(
        f"{path} is not a whole checkpoint: {reason}.", hint="Resume from another one."
    )


def found_in(folder: Path) -> list[Path]:
    """The checkpoints in `folder` that have a manifest, oldest first."""
    if not folder.is_dir():
        return []
    named = (p for p in folder.iterdir() if _NAME.fullmatch(p.name) and (p / MANIFEST).is_file())
    return sorted(named, key=age)


def age(path: Path) -> tuple[int, bool]:
    """Sorts checkpoints by the time they were written in."""
    match = _NAME.fullmatch(path.name)
    assert match is not None, "only folders of checkpoints are asked"
    return int(match[1]), match[2] is None


def newest(folder: Path) -> Checkpoint | None:
    """The newest whole checkpoint in `folder`; damaged ones are passed over."""
    for path in reversed(found_in(folder)):
        with contextlib.suppress(ModelFileError):
            return read(path)
    return None


def clear_up(folder: Path, *, keep: int, best: int | None) -> None:
    """Removes what killed runs left unfinished, and all but the newest and the best checkpoints.

    Args:
        keep: How many of the newest stay.
        best: The step of the best, which stays as well.
    """
    for path in folder.glob(f"{_HIDDEN}*"):
        shutil.rmtree(path, ignore_errors=True)
    steps = sorted({age(path)[0] for path in found_in(folder)})
    kept = {*steps[-keep:], best}
    found = found_in(folder)
    for i, path in enumerate(found):
        step = age(path)[0]
        superseded = i + 1 < len(found) and age(found[i + 1])[0] == step
        if step not in kept or superseded:
            _remove(path)


def _remove(path: Path) -> None:
    # Renamed first: a kill amid the removal must not leave a part of it under a good name.
    hidden = path.with_name(f"{_HIDDEN}{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        path.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)
