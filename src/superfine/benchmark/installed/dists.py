"""DISTS by the package `dists-pytorch`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch
from torch import Tensor, nn

from superfine.benchmark.installed.backbone import Names, imported, read_network

_STAGE = re.compile(r"stage\d\.(\d+\.(?:weight|bias))")


def through_vgg16(weights: Path) -> nn.Module:
    """DISTS with VGG16 of `weights`."""
    package = imported("DISTS_pytorch.DISTS_pt", package="dists-pytorch")
    with _empty_vgg16(package), torch.random.fork_rng(devices=()):
        metric: nn.Module = package.DISTS(load_weights=False)
    # It looks for its own two tensors where an old installer put them; they lie beside it as well.
    file = Path(str(package.__file__)).with_name("weights.pt")
    own: Mapping[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    of_network = read_network(weights, _names(metric), "VGG16")
    metric.load_state_dict({**own, **of_network}, strict=False, assign=True)
    return metric.requires_grad_(False).eval()


@contextmanager
def _empty_vgg16(package: ModuleType) -> Iterator[None]:
    """Lets the package build its VGG16 without weights, where it would download them."""
    theirs = package.models  # torchvision's

    def vgg16(**_: object) -> nn.Module:
        with torch.device("meta"):
            network: nn.Module = theirs.vgg16(weights=None)
        return network

    package.models = SimpleNamespace(vgg16=vgg16)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        package.models = theirs  # type: ignore[attr-defined]


def _names(metric: nn.Module) -> Names:
    """Name in DISTS -> name in torchvision, and shape: "stage2.5.bias" -> "features.5.bias"."""
    found = {}
    for name, tensor in metric.state_dict().items():
        if layer := _STAGE.fullmatch(name):
            found[name] = (f"features.{layer[1]}", tuple(tensor.shape))
    return found
