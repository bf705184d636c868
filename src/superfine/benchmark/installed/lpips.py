"""LPIPS by the package `lpips`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from superfine.benchmark.installed.backbone import Names, imported, read_network


def _load(net: str, title: str, weights: Path) -> partial[Tensor]:
    package = imported("lpips", package="lpips")
    metric = _without_memory(package, net)
    of_layers = _shipped(package, net, metric)
    of_network = read_network(weights, _names(metric), title)
    metric.load_state_dict(of_layers | of_network, strict=False, assign=True)
    metric.requires_grad_(False).eval()
    return partial(metric, normalize=True)


def through_alexnet(weights: Path) -> partial[Tensor]:
    """LPIPS with AlexNet of `weights`."""
    return _load("alex", "AlexNet", weights)


def through_vgg16(weights: Path) -> partial[Tensor]:
    """LPIPS with VGG16 of `weights`."""
    return _load("vgg", "VGG16", weights)


def _without_memory(package: ModuleType, net: str) -> nn.Module:
    """LPIPS with all weights still to come; so built, it draws no random number."""
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")  # it calls torchvision the way of older versions
        metric: nn.Module = package.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    return metric


def _names(metric: nn.Module) -> Names:
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
