"""Weight files: ours describe themselves, other people's are recognised by their shapes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from superfine import __version__, community, elsewhere, foreign
from superfine.card import Card, shipped_cards
from superfine.errors import (
    MissingModelError,
    ModelFileError,
    UnknownNameError,
    UnsafeModelError,
    unknown_name,
)
from superfine.foreign.scale import nearest_scale
from superfine.io.atomic import write_bytes_atomic
from superfine.models import ZOO, ModelSpec, bicubic, find
from superfine.own_file import (
    OwnFile,
    decode,
    encode,
    hyper_parameters,
    refuse_not_finite,
    sha256_of,
)
from superfine.purposes import PURPOSES, shipped_for
from superfine.schema import build_empty

__all__ = [
    "SUFFIXES",
    "Card",
    "LoadedModel",
    "foreign_tensors",
    "load",
    "load_matching",
    "load_model",
    "save",
    "serves_every_scale",
]

# File names that end so are paths, never names of shipped networks.
SUFFIXES = (".safetensors", ".pth", ".pt", ".npz")

# Larger files are refused unread; the largest network of this field takes about 600 MB.
_LARGEST_FILE = 1 << 30

# Of what is wrong with a file, in characters.
_LONGEST_MESSAGE = 1000

# What is asked of a network that serves every scale when nobody says.
_DEFAULT_SCALE = 4

# The first words of the names of networks whose weights serve every scale: they enlarge by bicubic
# first, or use a part of themselves over and over, or have parts for each scale.
_ANY_SCALE_FAMILIES = ("bicubic", "srcnn", "vdsr", "drcn", "drrn", "mdsr", "mslapsrn")


def serves_every_scale(spec: ModelSpec) -> bool:
    """Whether the same weights run at every scale of `spec`."""
    return spec.name.partition("-")[0] in _ANY_SCALE_FAMILIES


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A network with weights, ready to run, and everything known about it.

    Attributes:
        network: In evaluation mode, on the CPU, in float32, its weights not trainable.
        spec: Its entry in the zoo.
        scale: HR pixels per LR pixel of `network`; not always the scale that was asked for.
        card: What the file says of itself; for a foreign file only what the shapes tell.
        findings: What a foreign file was found to be and what had to be assumed, a sentence each.
    """

    network: nn.Module
    spec: ModelSpec
    scale: int
    card: Card
    findings: tuple[str, ...] = ()


def save(
    network: nn.Module, card: Card, path: Path, *, overwrite: bool = False, half: bool = False
) -> None:
    """Writes the weights of `network` with `card` to `path`; the same weights give the same bytes.

    Args:
        network: What the zoo builds for the architecture and the scale of `card`.
        card: Its hyper-parameters, version and sha256 are filled in here.
        path: Should end in `.safetensors`.
        overwrite: Whether a file that is already there may be replaced.
        half: Round the weights to float16; loading gives float32 again.

    Raises:
        ModelFileError: When `network` is not what `card` says or holds NaN or infinity, or values
            too large for float16 where that is asked for.
        OutputError: When the file exists or cannot be written.
    """
    write_bytes_atomic(path, encode(network, card, half=half), overwrite=overwrite)


def load_model(model: str | Path, *, scale: float | None) -> LoadedModel:
    """The weights called `model`.

    Args:
        model: A file (a `Path`, or text with a folder or one of `SUFFIXES`, or the name of a file
            that is no network of the zoo), a shipped network ("fsrcnn"), exactly one shipped file
            ("fsrcnn-x3"), a purpose ("fast", "balanced", "best"; see `superfine.purposes`), or
            public weights that were fetched ("esrgan-x4"; see `superfine.elsewhere`).
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
    if elsewhere.named(name):
        return load(elsewhere.on_this_machine(name), scale=scale)
    exact = re.fullmatch(r"(.+)-x(\d{1,3})", name)
    architecture, fixed = (exact[1], int(exact[2])) if exact else (name, None)
    if architecture in PURPOSES:
        shipped = shipped_for(architecture)
    elif (spec := _network(architecture)) is bicubic.SPEC:
        wanted = fixed or nearest_scale(spec.scales, scale or _DEFAULT_SCALE)
        return _without_weights(spec, wanted)
    else:
        shipped = {c.scale: path for path, c in shipped_cards() if c.architecture == spec.name}
    if not shipped or (fixed is not None and fixed not in shipped):
        raise _not_shipped(name)
    if fixed is not None:
        return load(shipped[fixed], scale=fixed)
    chosen = max(shipped) if scale is None else nearest_scale(tuple(shipped), scale)
    return load(shipped[chosen], scale=scale)


def _network(name: str) -> ModelSpec:
    """The network called `name`, or an error that knows all that can be asked for."""
    try:
        return find(name)
    except UnknownNameError:
        public = (entry.name for entry in elsewhere.PUBLIC)
        known = (*(spec.name for spec in ZOO), *PURPOSES, *public)
        raise unknown_name("network", name, known, listing="superfine models list") from None


def _is_path(model: str | Path) -> bool:
    if isinstance(model, Path) or model.lower().endswith(SUFFIXES):
        return True
    if any(separator in model for separator in (os.sep, os.altsep) if separator):
        return True
    # A network's name means the network wherever the command runs; other files need no suffix.
    name = re.sub(r"-x\d{1,3}$", "", model)
    names = {*PURPOSES, *(spec.name for spec in ZOO)}
    return name not in names and Path(model).is_file()


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
        if own := decode(data):
            return _own(own, scale)
        stored = foreign.read(data)
        if found := foreign.recognise(stored, called=path.stem):
            return _foreign(found, path, scale)
        return _of_the_community(stored, path)


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
        raise MissingModelError(f"{path} is not a file.", hint="Check the path.")
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
    if own.network is not None:  # of the community
        return LoadedModel(own.network, own.spec, scale, own.card)
    if serves_every_scale(own.spec) and asked is not None:
        scale = nearest_scale(own.spec.scales, asked)
    return LoadedModel(_with_tensors(own.spec, scale, own.tensors), own.spec, scale, own.card)


def _foreign(found: foreign.Recognised, path: Path, asked: float | None) -> LoadedModel:
    spec, any_scale = found.spec, serves_every_scale(found.spec)
    scale, why = foreign.scale_of(found, called=path.stem, asked=asked, any_scale=any_scale)
    read = found.read()
    refuse_not_finite(read)
    # Weights that serve every scale are tried where that is quick.
    tried_at = 2 if any_scale else scale
    network = _with_tensors(spec, tried_at, read)
    adopted = foreign.adopt(found, read, network, scale=tried_at)
    if tried_at != scale:
        network = _with_tensors(spec, scale, adopted.tensors)
    card = _foreign_card(path, spec, scale, sha256_of(adopted.tensors))
    first, *others = adopted.findings
    return LoadedModel(network, spec, scale, card, (first, f"Scale {scale}, {why}.", *others))


def _of_the_community(stored: foreign.StoredTensors, path: Path) -> LoadedModel:
    """The network in a file that fits none of ours, where spandrel knows it.

    Raises:
        ModelFileError: When spandrel does not know it either, or is not installed.
    """
    if (other := community.find(stored)) is not None:
        digest = sha256_of(other.network.state_dict())
        card = _foreign_card(path, other.spec, other.scale, digest)
        return LoadedModel(other.network, other.spec, other.scale, card, other.findings)
    hint = f"Supported are: {', '.join(s.name for s in ZOO if any(s.parameters.values()))}."
    if find_spec("spandrel") is None:
        hint = f"pip install 'superfine[community]' knows many more networks. {hint}"
    raise foreign.unrecognised(stored, hint=hint)


def _foreign_card(path: Path, spec: ModelSpec, scale: int, digest: str) -> Card:
    return Card(
        spec.name,
        scale,
        spec.channels,
        training=f"read from {path.name}, not written by superfine",
        hyper_parameters=hyper_parameters(spec),
        sha256=digest,
    )
