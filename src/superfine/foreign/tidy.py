"""The tensors of a file as one plain weight and one bias for each layer, however it keeps them.

Weight normalisation is undone, layers that are kept as several whose results are added are merged,
and what belongs to no layer is set aside. Nothing is read before it is asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from superfine.errors import ModelFileError
from superfine.foreign.convention import lengths, multiplied
from superfine.foreign.stored import WRAPPERS, StoredTensor, StoredTensors
from superfine.models import glean_layout
from superfine.schema import Shape

# Names are searched for patterns and numbers; real ones have a hundred characters at most.
_LONGEST_NAME = 400

# A length and a direction for each filter, as torch names them today and named them before.
_NORMED = (
    (".parametrizations.weight.original0", ".parametrizations.weight.original1"),
    (".weight_g", ".weight_v"),
)

# Layers before and after a network that take its mean colour off and add it again.
_SHIFTS = re.compile(r"(?i)(.*\.)?(\w*mean\w*|\w*normali[sz]e)")
# Numbers beside the layers: the mean colour, what profilers count, how often weights were averaged.
_NUMBERS = re.compile(
    r"(.*\.)?((rgb_|img_|image_)?(mean|std)|total_(ops|params)|n_averaged|initted|step)"
)
# What the networks of adversarial training are called; the averaged one comes first.
_GENERATORS = ("generator_ema", "g_ema", "params_ema", "generator", "netG", "net_g", "params")


@dataclass(frozen=True, eq=False)
class View:
    """One way to see the tensors of a file.

    Attributes:
        tensors: Name -> weight or bias, in the order of the file.
        normed: Name of a weight -> the length and the direction that the file holds for it.
        aside: What belongs to no layer.
        ordered: Whether the order of the file is the order of the layers.
        part: What of the file this is, in words; empty for all of it.
    """

    tensors: Mapping[str, StoredTensor]
    normed: Mapping[str, tuple[StoredTensor, StoredTensor]]
    aside: Mapping[str, StoredTensor]
    ordered: bool
    part: str = ""


def views(stored: StoredTensors) -> Iterator[View]:
    """The ways to see `stored`, the plainest first.

    Raises:
        ModelFileError: When a name is too long to be one.
    """
    longest = max(map(len, stored.tensors))
    if longest > _LONGEST_NAME:
        raise ModelFileError(f"The name of a tensor has {longest:,} characters.")
    if names := glean_layout.names_in(stored.tensors):
        yield _view_of_glean(stored, names)
    whole = _without_prefix(stored)
    yield from _with_and_without_aside(whole, "")
    for word in _GENERATORS:
        inside = {
            name.removeprefix(f"{word}."): tensor
            for name, tensor in whole.tensors.items()
            if name.startswith(f"{word}.")
        }
        if inside:
            part = _without_prefix(replace(stored, tensors=inside))
            yield from _with_and_without_aside(part, f"what its names call {word}")


def _view_of_glean(stored: StoredTensors, names: Mapping[str, str]) -> View:
    """The tensors of a published GLEAN under our names and in our shapes."""
    tensors = {}
    for ours, theirs in names.items():
        shape = glean_layout.own_shape(ours, stored.tensors[theirs].shape)
        tensors[ours] = StoredTensor(shape, partial(_reshaped, stored.tensors[theirs], shape))
    return View(tensors, {}, {}, stored.ordered, "the generator of MMagic's GLEAN")


def _reshaped(tensor: StoredTensor, shape: Shape) -> Tensor:
    return tensor.read().reshape(shape)


def plain_shapes(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """`shapes` with one weight for each length and direction."""
    return {plain: shapes[sources[-1]] for plain, sources in sources_of(shapes).items()}


def sources_of(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Plain name of each tensor -> the names it is kept under: its own, or length and direction."""
    every = set(names)
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        for length, direction in _NORMED:
            layer = name.removesuffix(length).removesuffix(direction)
            if {layer + length, layer + direction} <= every and layer:
                found[f"{layer}.weight"] = (layer + length, layer + direction)
                break
        else:
            found[name] = (name,)
    return found


def split(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A length and a direction for each filter of `weight`."""
    return lengths(weight), weight


def _with_and_without_aside(stored: StoredTensors, part: str) -> Iterator[View]:
    merged = _merged(stored.tensors)
    yield _unnormed(replace(stored, tensors=merged), {}, part)
    if aside := {name: tensor for name, tensor in merged.items() if _is_aside(name, merged)}:
        rest = {name: tensor for name, tensor in merged.items() if name not in aside}
        yield _unnormed(_without_prefix(replace(stored, tensors=rest)), aside, part)


def _without_prefix(stored: StoredTensors) -> StoredTensors:
    """`stored` without a wrapper's name that all its tensors begin with."""
    found = dict(stored.tensors)
    while found:
        first = next(iter(found)).partition(".")[0]
        if first not in WRAPPERS or not all(name.startswith(f"{first}.") for name in found):
            break
        found = {name[len(first) + 1 :]: tensor for name, tensor in found.items()}
    return replace(stored, tensors=found)


def _is_aside(name: str, tensors: Mapping[str, StoredTensor]) -> bool:
    layer, _, role = name.rpartition(".")
    if _NUMBERS.fullmatch(name):
        return math.prod(tensors[name].shape) in (1, 3)
    if not _SHIFTS.fullmatch(layer) or role not in ("weight", "bias"):
        return False
    shapes = [tensors[n].shape for n in (f"{layer}.weight", f"{layer}.bias") if n in tensors]
    return shapes in ([(3, 3, 1, 1), (3,)], [(1, 1, 1, 1), (1,)])


def _unnormed(stored: StoredTensors, aside: Mapping[str, StoredTensor], part: str) -> View:
    tensors = stored.tensors
    plain, normed = {}, {}
    for name, sources in sources_of(tensors).items():
        *length, direction = (tensors[source] for source in sources)
        if not length:
            plain[name] = direction
        elif length[0].shape == (direction.shape[:1] + (1,) * (len(direction.shape) - 1)):
            normed[name] = (length[0], direction)
            read = partial(_read_normed, length[0], direction)
            plain[name] = StoredTensor(direction.shape, read)
        else:
            plain.update({source: tensors[source] for source in sources})
    return View(plain, normed, aside, stored.ordered, part)


def _read_normed(length: StoredTensor, direction: StoredTensor) -> Tensor:
    return multiplied(length.read(), direction.read())


def _merged(tensors: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """`tensors` with the convolutions of SPAN's training form as the plain ones they are.

    Such a layer holds a 1x1 kernel `sk`, a chain `conv` of 1x1, 3x3 and 1x1 kernels beside it, and
    `eval_conv`, their sum, which is stale in files saved while training.
    """
    found: dict[str, StoredTensor] = {}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"(.+)\.(sk|conv\.\d|eval_conv)\.(weight|bias)", name)
        parts = _wide(tensors, match[1]) if match else None
        if match and parts:
            role = match[3]
            shape = parts["sk.bias"].shape
            if role == "weight":
                shape = (*parts["sk.weight"].shape[:2], 3, 3)
            found[f"{match[1]}.{role}"] = StoredTensor(shape, partial(_merge, parts, role))
        elif match and match[2] == "eval_conv":
            found[f"{match[1]}.{match[3]}"] = tensor
        else:
            found[name] = tensor
    return found


def _wide(tensors: Mapping[str, StoredTensor], layer: str) -> dict[str, StoredTensor] | None:
    """The parts of the wide convolution `layer`; None when it is something else."""
    names = [f"{part}.{role}" for part in _WIDE_PARTS for role in ("weight", "bias")]
    parts = {name: tensors[f"{layer}.{name}"] for name in names if f"{layer}.{name}" in tensors}
    if len(parts) < len(names):
        return None
    skip, *chain = (parts[f"{part}.weight"].shape for part in _WIDE_PARTS)
    if not all(len(shape) == 4 for shape in (skip, *chain)):
        return None
    widths = [skip[1], *(shape[0] for shape in chain)]
    expected = [(o, i, k, k) for i, o, k in zip(widths, widths[1:], (1, 3, 1), strict=False)]
    biases = [(shape[0],) for shape in (skip, *chain)]
    sound = (
        chain == expected
        and skip == (widths[-1], widths[0], 1, 1)
        and [parts[f"{part}.bias"].shape for part in _WIDE_PARTS] == biases
    )
    return parts if sound else None


_WIDE_PARTS = ("sk", "conv.0", "conv.1", "conv.2")


def _merge(parts: Mapping[str, StoredTensor], role: str) -> Tensor:
    """The weight or the bias of the one 3x3 convolution that `parts` are."""
    read = {name: part.read().double() for name, part in parts.items()}
    enter, inside, leave = (read[f"conv.{i}.weight"] for i in range(3))
    # (o, n) · (n, m, 3, 3) -> (o, m, 3, 3)
    chain = torch.einsum("on,nmhw->omhw", leave[:, :, 0, 0], inside)
    if role == "weight":
        kernel = torch.einsum("omhw,mi->oihw", chain, enter[:, :, 0, 0])
        return (kernel + F.pad(read["sk.weight"], (1, 1, 1, 1))).float()
    # Outside the picture the chain sees its first bias, so that it counts everywhere.
    bias = torch.einsum("omhw,m->o", chain, read["conv.0.bias"])
    bias = bias + leave[:, :, 0, 0] @ read["conv.1.bias"]
    return (bias + read["conv.2.bias"] + read["sk.bias"]).float()
