"""DSDMSR: a depth map doubled again and again, each time from four views predicted side by side.

Of a depth map twice as large, every second row and column is the small map seen from a slightly
moved camera. Four networks predict these four views, which are then interleaved. The input and
the maps of all doublings, brought to one size, are fused by one more network.

Source: Song, Dai, Qin, "Deeply Supervised Depth Map Super-Resolution as Novel View Synthesis",
TCSVT 29(8), 2019, arXiv:1808.08688.

Differs from the paper: what is fused is the mean of the maps, not their sum, so that it has their
range. As the public PyTorch port: the networks for a view are SRCNN or a short VDSR, and the last
step, a refinement by statistics of the depth field, is left out.

Start: every network for a view passes the map through but for a little noise, so that training
starts from nearest-neighbour enlargement; our own choice. The other channels start as torch's
default (SRCNN) or as He et al. 2015 (VDSR), the biases at 0.

Variants: `dsdmsr` predicts with SRCNN 9-5-5, `dsdmsr-vdsr` with a VDSR of ten layers without
biases. `dsdmsr-sum` and `dsdmsr-vdsr-sum` fuse as the port does: the sum of the maps of the
doublings, without the input; with three maps the fusion then starts from values up to 3.
"""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.spec import ModelSpec
from superfine.ops.resize import imresize

Unit = Literal["srcnn", "vdsr"]

# How far a pixel of a unit's result sees, in its own pixels.
_RADIUS: dict[Unit, int] = {"srcnn": 8, "vdsr": 10}


def _srcnn() -> nn.Sequential:
    """SRCNN 9-5-5 on a map that is not enlarged first."""
    layers = (
        nn.Conv2d(1, 64, 9, padding=4),
        nn.Conv2d(64, 32, 5, padding=2),
        nn.Conv2d(32, 1, 5, padding=2),
    )
    for layer in layers:
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        # Channel 0 passes the map through; depth is not negative, so that ReLU leaves it alone.
        centre = layer.kernel_size[0] // 2
        nn.init.normal_(layer.weight[0], std=0.001)
        with torch.no_grad():
            layer.weight[0, 0, centre, centre] = 1
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


class _Vdsr(nn.Module):
    """Ten 3x3 convolutions without biases, added to their input."""

    def __init__(self) -> None:
        super().__init__()
        widths = [1] + [64] * 9 + [1]
        self.layers = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in itertools.pairwise(widths)
        )
        for layer in self.layers[:-1]:
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (9 * 64)))  # type: ignore[arg-type]
        nn.init.normal_(self.layers[-1].weight, std=0.001)  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        y = x
        for layer in self.layers[:-1]:
            y = torch.relu(layer(y))
        return x + self.layers[-1](y)  # type: ignore[no-any-return]


class _Doubling(nn.Module):
    """Four views, interleaved."""

    def __init__(self, unit: Unit) -> None:
        super().__init__()
        # Of the pixels at rows and columns (0, 0), (0, 1), (1, 0), (1, 1) of each 2x2 cell.
        self.views = nn.ModuleList(_unit(unit) for _ in range(4))

    def forward(self, depth: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 sh sw"]:
        return F.pixel_shuffle(torch.cat([view(depth) for view in self.views], dim=1), 2)


class DSDMSR(nn.Module):
    """A cascade of doublings and the fusion of their maps.

    While training, the maps x2, x4, ... are returned before the fused one, which is as large as
    the last of them.
    """

    def __init__(self, scale: int, *, unit: Unit = "srcnn", summed: bool = False) -> None:
        """Builds the network.

        Args:
            scale: HR pixels per LR pixel, a power of 2.
            unit: What predicts a view, and fuses.
            summed: Fuse the sum of the doublings' maps, instead of the mean of these and the input.
        """
        super().__init__()
        self.scale = scale
        self.summed = summed
        self.doublings = nn.ModuleList(_Doubling(unit) for _ in range(_doublings(scale)))
        self.fuse = _unit(unit)

    def forward(
        self, lr: Float[Tensor, "b 1 h w"]
    ) -> Float[Tensor, "b 1 sh sw"] | tuple[Float[Tensor, "b 1 _ _"], ...]:
        """The depth map `lr` enlarged; values on [0, 1]. While training, every map."""
        maps = [lr]
        for doubling in self.doublings:
            maps.append(doubling(maps[-1]))
        first = 1 if self.summed else 0
        enlarged = [
            imresize(depth, scale=self.scale // 2**level, method="bilinear")
            for level, depth in enumerate(maps[first:-1], start=first)
        ]
        total = torch.stack([*enlarged, maps[-1]]).sum(dim=0)
        fused = self.fuse(total if self.summed else total / len(maps))
        return (*maps[1:], fused) if self.training else fused


def _unit(unit: Unit) -> nn.Module:
    return _srcnn() if unit == "srcnn" else _Vdsr()


def _doublings(scale: int) -> int:
    return scale.bit_length() - 1


def _reach(scale: int, unit: Unit) -> int:
    reach = _RADIUS[unit]
    for _ in range(_doublings(scale)):
        reach = math.ceil(reach / 2) + _RADIUS[unit]
    return reach


_SCALES = (2, 4, 8, 16)


def _spec(name: str, unit: Unit, summed: bool, parameters: int) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(DSDMSR, unit=unit, summed=summed),
        scales=_SCALES,
        channels="depth",
        reach={s: _reach(s, unit) for s in _SCALES},
        paper="Song et al., Deeply Supervised Depth Map Super-Resolution as Novel View Synthesis, "
        "TCSVT 2019",
        # `parameters` of one unit; four for each doubling and one for the fusion.
        parameters={s: (4 * _doublings(s) + 1) * parameters for s in _SCALES},
    )


SPECS = (
    _spec("dsdmsr", "srcnn", False, 57_281),
    _spec("dsdmsr-vdsr", "vdsr", False, 296_064),
    _spec("dsdmsr-sum", "srcnn", True, 57_281),
    _spec("dsdmsr-vdsr-sum", "vdsr", True, 296_064),
)
