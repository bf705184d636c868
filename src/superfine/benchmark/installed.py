"""Metrics of other people's packages, with weight files of the user's own; nothing is fetched."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.checkpoints import foreign_tensors
from superfine.community.bridge import in_one_line, let_torchvision_in
from superfine.errors import ModelFileError, SizeMismatchError, UsageError, find_named
from superfine.own_file import refuse_not_finite
from superfine.schema import difference

# Name in LPIPS -> name in a file, and shape.
Names = Mapping[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class _Lpips:
    """One network that LPIPS looks through.

    Attributes:
        name: Of the metric.
        net: What the package calls the network.
        title: What people call it.
        smallest: Pixels on a side of a picture of which its deepest layer still sees something.
    """

    name: str
    net: str
    title: str
    smallest: int


_KNOWN = (_Lpips("lpips", "alex", "AlexNet", 31), _Lpips("lpips-vgg", "vgg", "VGG16", 16))


def installed_metric(
    name: str, weights: Path
) -> Callable[[Float[Tensor, "3 h w"], Float[Tensor, "3 h w"]], float]:
    """The metric called `name`: result and truth, RGB on [0, 1], to a number; lower is better.

    `lpips` looks through AlexNet, `lpips-vgg` through VGG16; 0 when equal, no unit, no upper end.
    What is compared, and how much a layer counts, is the package's own, version 0.1 of the weights
    it brings; only the network comes from `weights`. In float32 on the CPU.

    Args:
        name: `lpips` or `lpips-vgg`.
        weights: Tensors in torchvision's names, "features.0.weight"; `.pth` or `.safetensors`.
            Nothing in the file is run, and nothing is downloaded.

    Raises:
        UnknownNameError: When no such metric is known.
        UsageError: When the package `lpips` is not installed or cannot be imported.
        MissingModelError: When `weights` is not a file.
        ModelFileError: When it is damaged or not this network.
        UnsafeModelError: When it holds more than tensors.

    Source: Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness of deep features
    as a perceptual metric", CVPR 2018.
    """
    known = find_named("metric with weights", name, _KNOWN, listing="docs/metrics.md")
    package = _package()
    metric = _without_memory(package, known.net)
    of_layers = _shipped(package, known.net, metric)
    of_network = _read(weights, _network_names(metric), known.title)
    metric.load_state_dict(of_layers | of_network, strict=False, assign=True)
    metric.requires_grad_(False).eval()

    def measure(sr: Float[Tensor, "3 h w"], hr: Float[Tensor, "3 _ _"]) -> float:
        if sr.shape != hr.shape or min(sr.shape[-2:]) < known.smallest:
            raise SizeMismatchError(
                f"{known.name} compares pictures of one size with at least {known.smallest} pixels "
                f"on each side, not {tuple(sr.shape)} and {tuple(hr.shape)}.",
                hint="Leave this metric out for smaller pictures.",
            )
        with torch.inference_mode():
            return float(metric(sr[None].float(), hr[None].float(), normalize=True))

    return measure


def _package() -> ModuleType:
    """The package `lpips`."""
    let_torchvision_in()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other people's code on import
            return import_module("lpips")
    except (ImportError, RuntimeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "lpips":
            raise UsageError(
                "LPIPS is measured by the package lpips, which is not installed.",
                hint="pip install lpips",
            ) from None
        raise UsageError(
            f"lpips is installed, but cannot be imported: {in_one_line(error)}",
            hint="pip install --upgrade lpips",
        ) from None


def _without_memory(package: ModuleType, net: str) -> nn.Module:
    """LPIPS with all weights still to come; so built, it draws no random number."""
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")  # it calls torchvision the way of older versions
        metric: nn.Module = package.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    return metric


def _network_names(metric: nn.Module) -> Names:
    """Name in LPIPS -> name in torchvision, and shape: "net.slice2.3.bias" -> "features.3.bias"."""
    return {
        name: ("features." + name.split(".", 2)[2], tuple(tensor.shape))
        for name, tensor in metric.state_dict().items()
        if name.startswith("net.")
    }


def _shipped(package: ModuleType, net: str, metric: nn.Module) -> dict[str, Tensor]:
    """How much each layer counts, from the package's own file, under both names of each."""
    file = Path(package.__path__[0], "weights", "v0.1", f"{net}.pth")
    # Written by a Python 2: a way of writing that our reader of strangers' files does not know.
    # torch's reader for tensors alone runs nothing either.
    stored: Mapping[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    names = [name for name in metric.state_dict() if name.startswith("lin")]
    return {name: stored[name.replace("lins.", "lin", 1)] for name in names}


def _read(file: Path, names: Names, title: str) -> dict[str, Tensor]:
    """The tensors of `file` under the names of LPIPS."""
    with foreign_tensors(file) as stored:
        expected = dict(names.values())
        held = stored.tensors
        if wrong := difference(expected, {n: held[n].shape for n in expected if n in held}):
            raise ModelFileError(
                f"The file is not {title} in torchvision's names: {wrong}.",
                hint="Give torchvision's alexnet for lpips, its vgg16 for lpips-vgg.",
            )
        tensors = {name: held[theirs].read().float() for name, (theirs, _) in names.items()}
        refuse_not_finite(tensors)
        return tensors
