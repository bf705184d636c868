"""From the tensors of a file to a network of the community that can be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from superfine.community import bridge
from superfine.community.network import PREFIX, CommunityNetwork
from superfine.community.reach import MeasuredReach
from superfine.errors import ModelFileError
from superfine.foreign import StoredTensor, StoredTensors
from superfine.models import ModelSpec
from superfine.ops.allocations import Allocations

if TYPE_CHECKING:
    from spandrel import ArchSupport, ImageModelDescriptor, ModelDescriptor

# What the first small picture may take beside the tensors of the file.
_FIRST_PICTURE = 384 << 20
_SMALL = 8

_LARGEST_SCALE = 64
_PURPOSES = {
    "SR": "enlarges pictures",
    "Restoration": "cleans pictures without enlarging them",
    "FaceSR": "is made for faces that were cut out and aligned",
    "Inpainting": "fills holes that a mask marks",
}
_RUN = ("SR", "Restoration")


@dataclass(frozen=True, eq=False)
class Found:
    """A network of the community, ready to run.

    Attributes:
        network: In evaluation mode, on the CPU, in float32, its weights not trainable.
        spec: Made for this file: it knows one scale.
        scale: HR pixels per LR pixel.
        findings: What the file was found to be and what had to be assumed, a sentence each.
    """

    network: CommunityNetwork
    spec: ModelSpec
    scale: int
    findings: tuple[str, ...]


def find(stored: StoredTensors) -> Found | None:
    """The network in a file, when spandrel is installed and knows its architecture.

    Args:
        stored: As `foreign.read` gives it.

    Raises:
        ModelFileError: When its architecture is known, but the tensors do not fit it, or it does
            something else than enlarge or clean pictures, or the file is damaged.
    """
    held = {**stored.tensors, **stored.whole}
    shapes = {name: _without_memory(tensor) for name, tensor in held.items()}
    for named in bridge.names_tried(shapes, stored.prefix):
        if known := bridge.detected(named):
            bridge.refuse_claims(shapes, size=stored.size)
            tensors = (tensor.read() for tensor in held.values())
            return _made(known, dict(zip(named, tensors, strict=True)))
    return None


def rebuild(tensors: Mapping[str, Tensor]) -> Found:
    """The network with the `tensors` that a `CommunityNetwork` holds.

    Raises:
        ModelFileError: When spandrel is not installed, or does not know them.
    """
    if not bridge.architectures():
        raise ModelFileError(
            "The file holds a network of the community, which spandrel builds.",
            hint="pip install 'superfine[community]'",
        )
    shapes = {name: tensor.to("meta") for name, tensor in tensors.items()}
    bridge.refuse_claims(shapes, size=sum(t.nbytes for t in tensors.values()))
    known = bridge.detected(shapes)
    if not known:
        raise ModelFileError(
            "This spandrel does not know the network in the file.",
            hint="pip install --upgrade 'superfine[community]'",
        )
    return _made(known, tensors)


def _without_memory(tensor: StoredTensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")


def _made(candidates: list[ArchSupport], tensors: Mapping[str, Tensor]) -> Found:
    """The first of `candidates` that the tensors fit, tried on a small picture."""
    wrong = []
    for known in candidates:
        try:
            descriptor = bridge.build(known, tensors)
        except Exception as error:
            # Whatever spandrel met while it guessed the settings from the shapes.
            wrong.append(bridge.in_one_line(error))
            continue
        return _checked(_for_pictures(descriptor))
    names = " or ".join(known.architecture.name for known in candidates)
    raise ModelFileError(
        f"The file looks like {names}, but does not fit: {wrong[0]}",
        hint="Ask for the whole state_dict, as it was trained.",
    )


def _for_pictures(descriptor: ModelDescriptor) -> ImageModelDescriptor[Any]:
    """`descriptor`, when it takes grey or RGB pictures and gives the same, larger or not."""
    from spandrel import ImageModelDescriptor

    name, purpose = descriptor.architecture.name, descriptor.purpose
    if purpose not in _RUN or not isinstance(descriptor, ImageModelDescriptor):
        raise ModelFileError(
            f"The file holds {name}, which {_PURPOSES.get(purpose, purpose)}.",
            hint="Give a network that enlarges or cleans whole pictures.",
        )
    channels = descriptor.input_channels, descriptor.output_channels
    if channels not in ((1, 1), (3, 3)):
        raise ModelFileError(
            f"The file holds {name} from {channels[0]} channels to {channels[1]}.",
            hint="Give a network from grey to grey or from RGB to RGB.",
        )
    if not 1 <= descriptor.scale <= _LARGEST_SCALE:
        raise ModelFileError(f"The file holds {name} of scale {descriptor.scale}.")
    return descriptor


def _checked(descriptor: ImageModelDescriptor[Any]) -> Found:
    """The network under our contract, after it has enlarged a small picture."""
    name, scale = descriptor.architecture.name, int(descriptor.scale)
    count = sum(p.numel() for p in descriptor.model.parameters())
    network = CommunityNetwork(descriptor)
    lr = torch.zeros(1, 1 if network.grey else 3, _SMALL, _SMALL)
    held = sum(t.nbytes for t in network.state_dict().values())
    try:
        with Allocations(held + _FIRST_PICTURE):
            shape = tuple(network(lr).shape)
    except Exception as error:
        # Tables of positions may point anywhere, and sides of windows may be any.
        raise _not_running(name, bridge.in_one_line(error)) from None
    if shape != (1, lr.shape[1], _SMALL * scale, _SMALL * scale):
        raise _not_running(name, f"{_SMALL}x{_SMALL} pixels become {shape[3]}x{shape[2]}")
    spec = ModelSpec(
        name=PREFIX + descriptor.architecture.id,
        build=partial(_from_a_file_only, name),
        scales=(scale,),
        channels="y" if network.grey else "rgb",
        reach=MeasuredReach(network, scale),
        paper=f"as spandrel builds {name}",
        parameters={scale: count},
    )
    return Found(network, spec, scale, _findings(descriptor))


def _not_running(name: str, reason: str) -> ModelFileError:
    return ModelFileError(
        f"The file holds {name}, but does not run: {reason}", hint="Fetch the file again."
    )


def _from_a_file_only(name: str, _scale: int) -> nn.Module:
    raise ModelFileError(
        f"{name} is made from a weight file only.", hint="Train a network of ours instead."
    )


def _findings(descriptor: ImageModelDescriptor[Any]) -> tuple[str, ...]:
    tags = f" ({', '.join(descriptor.tags)})" if descriptor.tags else ""
    colour = "plain grey" if descriptor.input_channels == 1 else "RGB"
    return (
        f"spandrel {version('spandrel')} recognises {descriptor.architecture.name}{tags}.",
        f"Scale {descriptor.scale}, as its shapes tell: it {_PURPOSES[descriptor.purpose]}.",
        f"It takes {colour} on [0, 1], as spandrel runs it, and results are cut to [0, 1].",
    )
