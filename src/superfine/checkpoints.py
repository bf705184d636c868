"""Weight files: ours describe themselves, other people's are recognised by their shapes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from superfine import __version__, foreign
from superfine.card import Card, shipped_cards
from superfine.errors import ModelFileError, UnknownNameError, UnsafeModelError
from superfine.io.atomic import write_bytes_atomic
from superfine.models import ZOO, ModelSpec, bicubic, drcn, drrn, find, srcnn, vdsr
from superfine.own_file import (
    OwnFile,
    decode,
    encode,
    hyper_parameters,
    refuse_not_finite,
    sha256_of,
)
from superfine.schema import build_empty

__all__ = [
    "ANY_SCALE",
    "SUFFIXES",
    "Card",
    "LoadedModel",
    "foreign_tensors",
    "load",
    "load_matching",
    "load_model",
    "save",
]

# File names that end so are paths, never names of shipped networks.
SUFFIXES = (".safetensors", ".pth", ".pt", ".npz")

# Larger files are refused unread; the largest network of this field takes about 600 MB.
_LARGEST_FILE = 1 << 30

# Of what is wrong with a file, in characters.
_LONGEST_MESSAGE = 1000

# What is asked of a network that serves every scale when nobody says.
_DEFAULT_SCALE = 4

# These enlarge by bicubic first, so the same weights run at every scale.
ANY_SCALE = frozenset(
    spec.name for spec in (bicubic.SPEC, *srcnn.SPECS, *vdsr.SPECS, *drcn.SPECS, *drrn.SPECS)
)


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A network with weights, ready to run, and everything known about it.

    Attributes:
        network: In evaluation mode, on the CPU, in float32, its weights not trainable.
        spec: Its entry in the zoo.
        scale: HR pixels per LR pixel of `network`; not always the scale that was asked for.
        card: What the file says of itself; for a foreign file only what the shapes tell.
    """

    network: nn.Module
    spec: ModelSpec
    scale: int
    card: Card


def save(network: nn.Module, card: Card, path: Path, *, overwrite: bool = False) -> None:
    """Writes the weights of `network` with `card` to `path`; the same weights give the same bytes.

    Args:
        network: What the zoo builds for the architecture and the scale of `card`.
        card: Its hyper-parameters, version and sha256 are filled in here.
        path: Should end in `.safetensors`.
        overwrite: Whether a file that is already there may be replaced.

    Raises:
        ModelFileError: When `network` is not what `card` says or holds NaN or infinity.
        OutputError: When the file exists or cannot be written.
    """
    write_bytes_atomic(path, encode(network, card), overwrite=overwrite)


def load_model(model: str | Path, *, scale: float | None) -> LoadedModel:
    """The weights called `model`.

    Args:
        model: A file (a `Path`, or text with a folder or one of `SUFFIXES`, or the name of a file
            that is no network of the zoo), a shipped network ("fsrcnn"), or exactly one shipped
            file ("fsrcnn-x3").
        scale: HR pixels per LR pixel asked for. Of several shipped scales the one equal to it is
            taken, else the smallest above it, else the largest. None takes the largest shipped;
            a network that serves every scale then takes 4, or what its card says.

    Returns:
        The network. Its `scale` may differ from the one asked for.

    Raises:
        UnknownNameError: When no network is called so, or no weights of it are shipped.
        ModelFileError: When the file fits no network or is damaged.
        UnsafeModelError: When the file holds more than tensors.
    """
    if _is_path(model):
        return load(Path(model), scale=scale)
    name = str(model)
    exact = re.fullmatch(r"(.+)-x(\d{1,3})", name)
    architecture, fixed = (exact[1], int(exact[2])) if exact else (name, None)
    spec = find(architecture)
    if spec.name == bicubic.SPEC.name:
        wanted = fixed or _nearest_scale(spec.scales, scale or _DEFAULT_SCALE)
        return _without_weights(spec, wanted)
    shipped = {c.scale: path for path, c in shipped_cards() if c.architecture == spec.name}
    if not shipped or (fixed is not None and fixed not in shipped):
        raise _not_shipped(name)
    if fixed is not None:
        return load(shipped[fixed], scale=fixed)
    chosen = max(shipped) if scale is None else _nearest_scale(tuple(shipped), scale)
    return load(shipped[chosen], scale=scale)


def _is_path(model: str | Path) -> bool:
    if isinstance(model, Path) or model.lower().endswith(SUFFIXES):
        return True
    if any(separator in model for separator in (os.sep, os.altsep) if separator):
        return True
    # A network's name means the network wherever the command runs; other files need no suffix.
    name = re.sub(r"-x\d{1,3}$", "", model)
    return all(spec.name != name for spec in ZOO) and Path(model).is_file()


def _without_weights(spec: ModelSpec, scale: int) -> LoadedModel:
    if scale not in spec.scales:
        raise UnknownNameError(
            f"{spec.name} has no scale {scale}.",
            hint=f"It has: {', '.join(map(str, spec.scales))}.",
        )
    card = Card(spec.name, scale, spec.channels, code_version=__version__)
    return LoadedModel(_with_tensors(spec, scale, {}), spec, scale, card)


def _not_shipped(name: str) -> UnknownNameError:
    names = [f"{card.architecture}-x{card.scale}" for _, card in shipped_cards()]
    return UnknownNameError(
        f"No weights of {name} are shipped.",
        hint=f"Shipped are: {', '.join(names) or 'none'}. Give a weight file, or train one.",
    )


def _nearest_scale(scales: tuple[int, ...], asked: float) -> int:
    # Shrinking a larger result costs time; enlarging a smaller one costs sharpness.
    above = [scale for scale in scales if scale >= asked]
    return min(above, default=max(scales))


def load(path: Path, *, scale: float | None = None) -> LoadedModel:
    """The network in the file `path`, ours or a foreign one.

    Args:
        path: Its content decides how it is read, not its name.
        scale: HR pixels per LR pixel asked for; decides where neither the file nor its name does.

    Raises:
        ModelFileError: When the file fits no network or is damaged.
        UnsafeModelError: When the file holds more than tensors; nothing in it was run.
    """
    data = _read_bytes(path)
    with _naming(path):
        own = decode(data)
        return _own(own, scale) if own else _foreign(foreign.read(data), path, scale)


def load_matching(network: nn.Module, path: Path) -> tuple[str, ...]:
    """Copies the tensors of our file `path` that have their name and shape in `network`.

    The others stay as they are, so that a network can start from one of another scale.

    Returns:
        The names of the tensors copied.

    Raises:
        ModelFileError: When the file is damaged or not ours, or nothing in it fits.
    """
    data = _read_bytes(path)
    with _naming(path):
        own = decode(data)
    if own is None:
        raise ModelFileError(f"{path} has no card of ours.", hint="Give a file superfine wrote.")
    state = network.state_dict()
    theirs = own.tensors
    names = tuple(n for n, t in state.items() if n in theirs and theirs[n].shape == t.shape)
    if not names:
        raise ModelFileError(
            f"No tensor of {path} ({own.spec.name}) fits the network.",
            hint="Start from weights of the same architecture.",
        )
    with torch.no_grad():
        for name in names:
            state[name].copy_(theirs[name])
    return names


@contextmanager
def foreign_tensors(path: Path) -> Iterator[foreign.StoredTensors]:
    """The tensors of the foreign file `path`, to be read inside the `with`.

    Raises:
        ModelFileError: When the file is damaged, or the body finds that it does not fit.
        UnsafeModelError: When it holds more than tensors; nothing in it was run.
    """
    data = _read_bytes(path)
    with _naming(path):
        yield foreign.read(data)


def _read_bytes(path: Path) -> bytes:
    # Read once: what is checked is what is used, even if the file changes meanwhile.
    if not path.is_file():  # a folder, or a named pipe that would block for ever
        raise ModelFileError(f"{path} is not a file.", hint="Check the path.")
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ModelFileError(
                f"{path} is larger than {_LARGEST_FILE:,} bytes.", hint="Give the weights alone."
            )
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"{path} cannot be read: {error.strerror}.", hint="Check its permissions."
        ) from None


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Adds the name of the file to what is wrong with it."""
    try:
        yield
    except (ModelFileError, UnsafeModelError) as error:
        # Names inside the file may hold control characters that a terminal would obey.
        text = "".join(c if c.isprintable() else "?" for c in error.message[:_LONGEST_MESSAGE])
        raise type(error)(f"{path}: {text}", hint=error.hint) from None


def _with_tensors(spec: ModelSpec, scale: int, tensors: Mapping[str, Tensor]) -> nn.Module:
    """The network with `tensors` as its weights, ready to run; draws no random number."""
    network = build_empty(spec, scale)
    network.load_state_dict(dict(tensors), strict=True, assign=True)
    return network.eval().requires_grad_(False)


def _own(own: OwnFile, asked: float | None) -> LoadedModel:
    scale = own.card.scale
    if own.spec.name in ANY_SCALE and asked is not None:
        scale = _nearest_scale(own.spec.scales, asked)
    return LoadedModel(_with_tensors(own.spec, scale, own.tensors), own.spec, scale, own.card)


def _foreign(stored: foreign.StoredTensors, path: Path, asked: float | None) -> LoadedModel:
    found = foreign.recognise(stored, called=path.stem)
    spec, scale = found.spec, _foreign_scale(found, path, asked)
    tensors = {name: stored.tensors[theirs].read() for name, theirs in found.names.items()}
    refuse_not_finite(tensors)
    card = Card(
        spec.name,
        scale,
        spec.channels,
        training=f"read from {path.name}, not written by superfine",
        hyper_parameters=hyper_parameters(spec),
        sha256=sha256_of(tensors),
    )
    return LoadedModel(_with_tensors(spec, scale, tensors), spec, scale, card)


def _foreign_scale(found: foreign.Recognised, path: Path, asked: float | None) -> int:
    """The scale to build a foreign network for.

    Told by its shapes; else, for one that serves every scale, as asked, and for another by the
    file's name before what is asked: that may be another scale than the file was made for.
    """
    named = _scale_in(path.stem, found.scales)
    if len(found.scales) == 1:
        return found.scales[0]
    if found.spec.name in ANY_SCALE:
        return _nearest_scale(found.scales, asked or named or _DEFAULT_SCALE)
    scale = named or next((s for s in found.scales if s == asked), None)
    if scale is None:
        raise ModelFileError(
            f"The file holds {found.spec.name}, whose shapes are the same at every scale.",
            hint=f"Say --scale {' or '.join(map(str, found.scales))}, or put x2 in the file name.",
        )
    return scale


def _scale_in(stem: str, scales: tuple[int, ...]) -> int | None:
    """The one scale of `scales` a file name tells, as in net_x2, FSRCNNx3 or 4x-net."""
    digits = re.findall(
        r"(?<![a-z0-9])[xX](\d{1,2})(?!\d)|(?<![A-Za-z0-9])(\d{1,2})[xX](?![a-z0-9])", stem
    )
    told = {int(before or after) for before, after in digits} & set(scales)
    return told.pop() if len(told) == 1 else None
