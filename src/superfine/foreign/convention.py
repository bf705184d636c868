"""On which range, and less which colour, the layers of a network see pictures; and the way to ours.

A file tells the numbers of a network but seldom what they were made for. The same layers may want
[0, 255] or [0, 1], with the mean colour of DIV2K taken off or not; with the wrong convention a
network runs and gives wrong pictures. What is known of other people's conventions is written down
here and in `layouts.py`; `convert` brings their weights to the convention of our networks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models import ModelSpec
from superfine.models.wdsr import WDSR

Colour = tuple[float, float, float]
Matrix = tuple[Colour, Colour, Colour]

IDENTITY: Matrix = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
DIV2K: Colour = (0.4488, 0.4371, 0.4040)
GREY: Colour = (0.5, 0.5, 0.5)

# Colours on [0, 1] closer than this are one colour: files hold them times 255 in single precision.
_SAME = 1e-5


@dataclass(frozen=True)
class ColourMap:
    """A colour `c` on [0, 1] becomes `matrix` @ `c` + `added`."""

    matrix: Matrix = IDENTITY
    added: Colour = (0, 0, 0)


@dataclass(frozen=True)
class Convention:
    """What the layers of a network see of a picture, and what their result stands for.

    Attributes:
        span: What 1 of [0, 1] is to the layers: 255 for those made for [0, 255].
        into: What is done to colours before the layers.
        out_of: What is done to colours after them.
        bare: The result lies on [0, 1] whatever `span` is.
    """

    span: float = 1
    into: ColourMap = field(default_factory=ColourMap)
    out_of: ColourMap = field(default_factory=ColourMap)
    bare: bool = False

    def __str__(self) -> str:
        taken = self.into.added
        if self.into.matrix != IDENTITY:
            colour = ", with colours mapped before and after"
        elif _near(taken, (0, 0, 0)):
            colour = ""
        else:
            mean = (-taken[0], -taken[1], -taken[2])
            known = {DIV2K: "the mean colour of DIV2K", GREY: "middle grey"}
            word = next((word for c, word in known.items() if _near(mean, c)), f"the colour {mean}")
            colour = f" less {word}"
        return f"values 0 to {self.span:g}{colour}"


def less(mean: Colour, *, span: float = 1) -> Convention:
    """`mean` is taken off before the layers and added after them."""
    red, green, blue = mean
    return Convention(span, ColourMap(added=(-red, -green, -blue)), ColourMap(added=mean))


# As SPAN's authors have it.
BARE_LESS_DIV2K = Convention(255, less(DIV2K).into, bare=True)


@dataclass(frozen=True)
class Entry:
    """Where pictures enter and leave the layers of a family of networks.

    Attributes:
        first: Our layers that see the picture.
        last: Our layer whose bias is a colour of the result.
        likely: Conventions such weights are known or likely to be made for, the likeliest first.
        attention: A pattern for our layers that give numbers from 0 to 1 on every range; the first
            of each attention ends in `.0`.
        gated: The layers do other things to pictures twice as bright.
        skips: The picture itself is added to what the layers make, so that a network whose numbers
            are misread still resembles an enlargement.
        mirrored: Ours see the picture mirrored beyond its edges, where others see zeros.
    """

    first: tuple[str, ...] = ()
    last: str = ""
    likely: tuple[Convention, ...] = (Convention(),)
    attention: str = "(?!)"
    gated: bool = False
    skips: bool = False
    mirrored: bool = False


_UNIT, _BYTE = Convention(), Convention(255)
_EITHER = (_UNIT, _BYTE)
_LESS_DIV2K = (less(DIV2K), less(DIV2K, span=255))
_SHIFTED = (*_LESS_DIV2K, *_EITHER)
_WEIGHING = r"(.*\.)?weigh\.\d"

# By the first word of a network's name; a family that is not here has one convention, ours.
_ENTRIES: dict[str, Entry] = {
    "srcnn": Entry(likely=_EITHER),
    "fsrcnn": Entry(likely=_EITHER),
    "espcn": Entry(mirrored=True),
    "vdsr": Entry(likely=_EITHER, skips=True),
    "drcn": Entry(likely=_EITHER, skips=True),
    "lapsrn": Entry(likely=_EITHER, skips=True),
    "mslapsrn": Entry(likely=_EITHER, skips=True),
    "edsr": Entry(("head",), "tail", _SHIFTED),
    "mdsr": Entry(("head",), "tail", _SHIFTED),
    "rcan": Entry(("head",), "tail", _SHIFTED, _WEIGHING),
    "rdn": Entry(("first",), "tail", (*_EITHER, *_LESS_DIV2K)),
    "imdn": Entry(("head",), "tail", (*_EITHER, *_LESS_DIV2K), _WEIGHING),
    "rrdbnet": Entry(("features.first",), "tail.2", _EITHER),
    "srfbn": Entry(likely=_EITHER, skips=True),
    "wdsr": Entry(("head", "skip"), "tail", (less(DIV2K, span=2), less(GREY), *_SHIFTED)),
    "span": Entry(("head",), "enlarge", (BARE_LESS_DIV2K, less(DIV2K)), gated=True),
}


def entry_of(spec: ModelSpec) -> Entry:
    """What is known of the family of `spec`."""
    return _ENTRIES.get(family_of(spec), Entry())


def family_of(spec: ModelSpec) -> str:
    """The first word of the name: "edsr" for edsr-baseline."""
    return spec.name.partition("-")[0]


def convention_of(network: nn.Module) -> Convention:
    """The convention of a network of ours."""
    span = network.gain if isinstance(network, WDSR) else 1
    mean = dict(network.named_buffers()).get("mean")
    if mean is None:
        return Convention(span)
    red, green, blue = (round(value, 6) for value in mean.flatten().tolist())
    return less((red, green, blue), span=span)


def convert(
    tensors: Mapping[str, Tensor], entry: Entry, theirs: Convention, ours: Convention
) -> dict[str, Tensor]:
    """Weights made for `theirs` as weights for `ours`, which give the same pictures.

    A colour other than ours is taken off by the biases. Beyond the edges of a picture, where the
    layers see zeros, that colour is then ours, not theirs: results differ a little there.

    Args:
        tensors: Under our names.
        entry: Of the family of the network.
        theirs: What the weights were made for.
        ours: What the network in memory does.
    """
    found = dict(tensors)
    if entry.gated:
        _scale_the_ends(found, entry, theirs, ours)
    elif theirs.span != ours.span:
        _scale_the_biases(found, entry, ours.span / theirs.span)
    if not _only_scaled(theirs, ours):
        _recolour(found, entry, theirs, ours)
    return found


def borders_differ(theirs: Convention, ours: Convention) -> bool:
    """Whether weights converted from `theirs` see another colour beyond the edges of a picture."""
    matrix = torch.tensor(theirs.into.matrix, dtype=torch.float64)
    beyond = torch.tensor(ours.into.added, dtype=torch.float64) @ matrix.T
    return not _near(_colour(beyond), theirs.into.added)


def _scale_the_biases(tensors: dict[str, Tensor], entry: Entry, ratio: float) -> None:
    """For layers that do to brighter pictures what they do to others, only brighter."""
    attention = re.compile(entry.attention)
    for name, tensor in tensors.items():
        layer, _, role = name.rpartition(".")
        if attention.fullmatch(layer):
            if role == "weight" and layer.endswith(".0"):
                tensors[name] = tensor / ratio
        elif role == "bias":
            tensors[name] = tensor * ratio


def _scale_the_ends(
    tensors: dict[str, Tensor], entry: Entry, theirs: Convention, ours: Convention
) -> None:
    """For layers that must see what they were made for."""
    for layer in entry.first:
        tensors[f"{layer}.weight"] = tensors[f"{layer}.weight"] * (theirs.span / ours.span)
    result = ours.span / (1 if theirs.bare else theirs.span)
    for role in ("weight", "bias"):
        tensors[f"{entry.last}.{role}"] = tensors[f"{entry.last}.{role}"] * result


def _only_scaled(theirs: Convention, ours: Convention) -> bool:
    pairs = ((theirs.into, ours.into), (theirs.out_of, ours.out_of))
    return all(t.matrix == o.matrix and _near(t.added, o.added) for t, o in pairs)


def _recolour(
    tensors: dict[str, Tensor], entry: Entry, theirs: Convention, ours: Convention
) -> None:
    """Makes the first and the last layers do what their colour maps do and ours do not."""
    matrix, shift = _map_beyond(theirs.into, ours.into)
    for layer in entry.first:
        # (outputs, 3 · cells, h, w); the cells of one colour lie together.
        weight = _plain(tensors, layer)
        outputs, inputs, height, width = weight.shape
        apart = weight.double().view(outputs, 3, inputs // 3, height, width)
        bias = tensors[f"{layer}.bias"].double()
        bias = bias + ours.span * torch.einsum("ocnhw,c->o", apart, shift)
        tensors[f"{layer}.bias"] = bias.float()
        if theirs.into.matrix != IDENTITY:
            mapped = torch.einsum("ocnhw,cd->odnhw", apart, matrix).reshape(weight.shape)
            tensors[f"{layer}.weight"] = mapped.float()
    matrix = torch.tensor(theirs.out_of.matrix, dtype=torch.float64)
    shift = _added(theirs.out_of) - _added(ours.out_of)
    bias = tensors[f"{entry.last}.bias"].double().view(3, -1)
    bias = matrix @ bias + ours.span * shift[:, None]
    tensors[f"{entry.last}.bias"] = bias.flatten().float()
    if theirs.out_of.matrix != IDENTITY:
        weight = tensors[f"{entry.last}.weight"]
        mapped = torch.einsum("dc,cn->dn", matrix, weight.double().reshape(3, -1))
        tensors[f"{entry.last}.weight"] = mapped.reshape(weight.shape).float()


def _map_beyond(
    theirs: ColourMap, ours: ColourMap
) -> tuple[Float[Tensor, "3 3"], Float[Tensor, "3"]]:
    """Matrix and shift from what our layers see to what theirs would."""
    matrix = torch.tensor(theirs.matrix, dtype=torch.float64)
    return matrix, _added(theirs) - matrix @ _added(ours)


def _added(colours: ColourMap) -> Float[Tensor, "3"]:
    return torch.tensor(colours.added, dtype=torch.float64)


def _plain(tensors: Mapping[str, Tensor], layer: str) -> Float[Tensor, "o i h w"]:
    """The weight of `layer`, also where it is kept as lengths and directions."""
    if f"{layer}.weight" in tensors:
        return tensors[f"{layer}.weight"]
    length, direction = (tensors[f"{layer}.parametrizations.weight.original{i}"] for i in (0, 1))
    return multiplied(length, direction)


def multiplied(length: Tensor, direction: Tensor) -> Tensor:
    """The weight that weight normalisation makes of a length and a direction for each filter."""
    return direction * (length / lengths(direction))


def lengths(weight: Tensor) -> Tensor:
    """The Euclidean length of each filter, with as many axes as `weight`."""
    length: Tensor = torch.linalg.vector_norm(weight.flatten(1), dim=1)
    return length.view(-1, *[1] * (weight.ndim - 1))


def _near(one: Colour, other: Colour) -> bool:
    return all(abs(a - b) < _SAME for a, b in zip(one, other, strict=True))


def _colour(values: Tensor) -> Colour:
    red, green, blue = values.tolist()
    return red, green, blue
