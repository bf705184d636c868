"""Our weight files: safetensors that a `Card` in the header describes.

Everything the header claims is compared with the network of the zoo before a tensor is read, and
the tensors with the sha256 of the card after. A network of the community is described by its
tensors alone, of which some may be whole numbers; spandrel builds it again.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from superfine import __version__, community
from superfine.card import LARGEST_HEADER, Card, Plain, card_from_header, header_from_bytes
from superfine.errors import ModelFileError, SuperfineError
from superfine.foreign import is_safetensors
from superfine.models import ModelSpec, find
from superfine.schema import Shape, difference, listed, shapes_of


@dataclass(frozen=True, eq=False)
class OwnFile:
    """The verified content of a file of ours.

    Attributes:
        card: What it says of itself.
        spec: Its network: of the zoo, or made for this file.
        tensors: By the names in the network.
        network: Ready to run, where it is one of the community; None for one of the zoo.
    """

    card: Card
    spec: ModelSpec
    tensors: Mapping[str, Tensor]
    network: nn.Module | None = None


def encode(network: nn.Module, card: Card, *, half: bool = False) -> bytes:
    """The file for the weights of `network`; the same weights and card give the same bytes.

    Args:
        network: What the zoo builds for the architecture and the scale of `card`, or one of the
            community.
        card: Its hyper-parameters, version and sha256 are filled in here.
        half: Round the weights to float16, which takes half the room.

    Raises:
        ModelFileError: When `network` is not what `card` says or holds NaN or infinity, or values
            too large for float16 where that is asked for.
    """
    # A copy in plain order: in training the weights may lie channels last.
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    if card.architecture.startswith(community.PREFIX):
        # Parts of a network may share a tensor, which safetensors does not save.
        tensors = {name: tensor.clone() for name, tensor in tensors.items()}
        refuse_not_finite(tensors)
        spec = _refuse_other_community(card, community.rebuild(tensors)).spec
    else:
        spec = find(card.architecture)
        _refuse_other_tensors(spec, card.scale, tensors)
    if half:
        tensors = {name: _rounded(tensor) for name, tensor in tensors.items()}
        refuse_not_finite(tensors)
    filled = replace(
        card,
        hyper_parameters=hyper_parameters(spec),
        code_version=__version__,
        sha256=sha256_of(tensors),
    )
    return to_safetensors(tensors, metadata=filled.to_metadata())


def _rounded(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor


def decode(data: bytes) -> OwnFile | None:
    """The verified content of the file `data`; None when it has no card of ours.

    Raises:
        ModelFileError: When the file is damaged, or its tensors are not what its card says.
    """
    if not is_safetensors(data):
        return None
    header = header_from_bytes(data)
    card = card_from_header(header)
    if card is None:
        return None
    if card.architecture.startswith(community.PREFIX):
        tensors = _verified(data, card)
        found = _refuse_other_community(card, community.rebuild(tensors))
        return OwnFile(card, found.spec, tensors, found.network)
    spec = _spec_of(card)
    _refuse_other_shapes(spec, card.scale, _claimed(header), len(data))
    return OwnFile(card, spec, _verified(data, card))


def _verified(data: bytes, card: Card) -> dict[str, Tensor]:
    """The tensors of the file `data`, which are those the card was written for, in float32."""
    try:
        tensors: dict[str, Tensor] = from_safetensors(data)
    except SafetensorError as error:
        raise ModelFileError(
            f"The safetensors file is damaged: {error}.", hint="Fetch the file again."
        ) from None
    if sha256_of(tensors) != card.sha256:
        raise ModelFileError(
            "The tensors are not the ones the card was written for (sha256 differs).",
            hint="Fetch the file again.",
        )
    refuse_not_finite(tensors)
    return {n: t.float() if t.dtype == torch.float16 else t for n, t in tensors.items()}


def _refuse_other_community(card: Card, found: community.Found) -> community.Found:
    """`found`, when it is what the card names."""
    claimed = card.architecture, card.scale, card.channels
    is_found = found.spec.name, found.scale, found.spec.channels
    if claimed != is_found or card.hyper_parameters:
        raise ModelFileError(
            f"The card names {claimed[0]} x{claimed[1]} ({claimed[2]}), but the tensors are those "
            f"of {is_found[0]} x{is_found[1]} ({is_found[2]}).",
            hint="Fetch the file again.",
        )
    return found


def _spec_of(card: Card) -> ModelSpec:
    try:
        spec: ModelSpec | None = find(card.architecture)
    except SuperfineError:
        spec = None
    if spec is None or card.scale not in spec.scales:
        raise ModelFileError(
            f"The card names {card.architecture!r} at scale {card.scale}, which this version "
            "does not know.",
            hint="Update superfine.",
        )
    if card.channels != spec.channels or card.hyper_parameters != hyper_parameters(spec):
        raise ModelFileError(
            f"The card describes another {spec.name} than this version builds.",
            hint="Update superfine.",
        )
    return spec


def hyper_parameters(spec: ModelSpec) -> dict[str, Plain]:
    """What the zoo builds the network with beside its scale, as JSON would return it."""
    keywords = spec.build.keywords if isinstance(spec.build, partial) else {}
    plain: dict[str, Plain] = json.loads(json.dumps(keywords))
    return plain


def _claimed(header: Mapping[str, object]) -> dict[str, Shape]:
    """Name -> shape as the header claims; every tensor must claim float32 or float16."""
    shapes = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if not isinstance(shape, list) or not isinstance(entry, dict):
            raise ModelFileError(f"The header has no shape for {name}.")
        if entry.get("dtype") not in ("F32", "F16"):
            raise ModelFileError(f"{name} is {entry.get('dtype')}, expected F32 or F16.")
        shapes[name] = tuple(shape)
    return shapes


def _refuse_other_shapes(
    spec: ModelSpec, scale: int, found: Mapping[str, Shape], file_size: int
) -> None:
    """Compares what a header claims with the network before anything is allocated."""
    expected = shapes_of(spec, scale)
    if different := difference(expected, found):
        raise ModelFileError(
            f"The file does not hold {spec.name} at scale {scale}: {different}.",
            hint="The card and the tensors belong to different networks.",
        )
    needed = 4 * sum(math.prod(shape) for shape in expected.values())
    if file_size > 8 + LARGEST_HEADER + needed:
        raise ModelFileError(f"The file holds more than the {needed:,} bytes of {spec.name}.")


def _refuse_other_tensors(spec: ModelSpec, scale: int, tensors: Mapping[str, Tensor]) -> None:
    """Refuses to save what could not be loaded."""
    if scale not in spec.scales:
        raise ModelFileError(f"{spec.name} has no scale {scale}.")
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if different := difference(shapes_of(spec, scale), found):
        raise ModelFileError(f"The network is not {spec.name} at scale {scale}: {different}.")
    if other := [name for name, tensor in tensors.items() if tensor.dtype != torch.float32]:
        raise ModelFileError(f"{other[0]} is {tensors[other[0]].dtype}, expected float32.")
    refuse_not_finite(tensors)


def refuse_not_finite(tensors: Mapping[str, Tensor]) -> None:
    """Raises ModelFileError when a weight is NaN or infinite."""
    # NumPy needs no threads: torch's wait for each other on a busy machine, seconds in all.
    bad = [name for name, tensor in tensors.items() if not np.isfinite(tensor.numpy()).all()]
    if bad:
        raise ModelFileError(
            f"Weights are NaN or infinite: {listed(bad, most=4)}.",
            hint="The training that made them went wrong.",
        )


def sha256_of(tensors: Mapping[str, Tensor]) -> str:
    """Digest of names, types, shapes and little-endian values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        head = json.dumps([name, str(tensor.dtype), list(tensor.shape)])
        digest.update(head.encode() + b"\n")
        values = tensor.numpy()
        digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()
