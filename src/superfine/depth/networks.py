"""Networks as ways to enlarge a depth map, each given LR depth sampled as it was taught.

Half of the published weights learned from maps whose samples lie beside the middle of their cells
(`direct-last`), and to move the map back. Given a map that is in place they move it out of place,
and are twice as far from the truth as bicubic. What a file was taught is not written in it, but
shows on any scene whose truth is known.
"""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.checkpoints import LoadedModel
from superfine.data.depth import started
from superfine.depth.methods import DepthMethod, Task
from superfine.errors import UsageError
from superfine.models.spec import ModelSpec
from superfine.ops.depth_lr import BICUBIC, DIRECT_LAST, DepthOperator
from superfine.ops.place import centres, on_grid, sample_at
from superfine.ops.resize import imresize

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601 on full range, as guides are made for training
_SIDE = 16  # LR pixels on a side of the scene that tells what a network was taught
# Below this share of the other error a network is taken as taught out of place. One that moves
# nothing but the samples has 0.94 at x2 and 0.79 at x16; one that is in place 1.4 and more.
_CLEARLY = 0.97


def method_of(model: LoadedModel, *, device: torch.device) -> DepthMethod:
    """The network of `model` as a method; it runs on `device`.

    Raises:
        UsageError: When it is a network for pictures.
    """
    if not model.spec.of_depth:
        raise UsageError(
            f"{model.spec.name} enlarges pictures, not depth maps.",
            hint="superfine models list shows which networks are for depth.",
        )
    # On a CPU a quarter faster than the usual order; results differ by rounding.
    network = model.network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    taught = taught_on(network, model.spec, model.scale)
    return DepthMethod(
        name=model.spec.name,
        guided=model.spec.guide_channels > 0,
        enlarge=partial(_enlarge, network, model.spec, model.scale, taught),
        about=f"{model.spec.name} x{model.scale}, taught on {taught.name} LR depth",
    )


@torch.no_grad()
def _enlarge(
    network: nn.Module, spec: ModelSpec, scale: int, taught: DepthOperator, task: Task
) -> Float[Tensor, "1 h w"]:
    lr_size = task.lr.shape[-2], task.lr.shape[-1]
    native = lr_size[0] * scale, lr_size[1] * scale
    device = next(network.parameters()).device
    inputs = [_as_sampled(task.lr, task.operator, taught, native)]
    if task.guide is not None and spec.guide_channels:
        photo = _in_channels(task.guide, spec.photo_channels)
        photo = photo if task.size == native else imresize(photo, size=native)
        if spec.refines:
            photo = started(task.lr, photo, task.operator, task.valid)
        inputs.append(photo)
    sr: Tensor = network(*(x[None].to(device) for x in inputs))
    sr = sr[0].cpu()
    if task.size == native:
        return sr
    rows, columns = (
        centres(wanted) * made / wanted for wanted, made in zip(task.size, native, strict=True)
    )
    return sample_at(sr, rows, columns)


def _as_sampled(
    lr: Float[Tensor, "1 m n"], now: DepthOperator, then: DepthOperator, size: tuple[int, int]
) -> Float[Tensor, "1 m n"]:
    """`lr`, sampled by `now`, read where `then` would have sampled a map of `size`."""
    places = [
        (now.places(hr, n), then.places(hr, n), hr / n)
        for hr, n in zip(size, lr.shape[-2:], strict=True)
    ]
    if all(torch.equal(here, there) for here, there, _ in places):
        return lr
    rows, columns = (on_grid(there, here, spacing) for here, there, spacing in places)
    return sample_at(lr, rows, columns)


def _in_channels(guide: Float[Tensor, "c h w"], channels: int) -> Float[Tensor, "g h w"]:
    if channels == guide.shape[0]:
        return guide
    if channels == 3:
        return guide.expand(3, -1, -1)
    return torch.einsum("c,chw->hw", guide.new_tensor(_GREY), guide)[None]


@torch.no_grad()
def taught_on(network: nn.Module, spec: ModelSpec, scale: int) -> DepthOperator:
    """How the LR maps were sampled that `network` learned from: `bicubic` or `direct-last`.

    The network restores a drawn scene that was sampled in either way, and shows by its errors.
    """
    if spec.refines:
        return BICUBIC  # its start is in place already
    device = next(network.parameters()).device
    truth = _scene(_SIDE * scale)
    guide = (1 - truth).expand(max(spec.guide_channels, 1), -1, -1)
    errors = {}
    for operator in (BICUBIC, DIRECT_LAST):
        inputs = [operator.shrink(truth, scale)] + [guide] * bool(spec.guide_channels)
        sr: Tensor = network(*(x[None].to(device) for x in inputs))
        errors[operator] = float((sr[0].cpu() - truth).square().mean())
    out_of_place = errors[DIRECT_LAST] < _CLEARLY**2 * errors[BICUBIC]
    return DIRECT_LAST if out_of_place else BICUBIC


def _scene(side: int) -> Float[Tensor, "1 h w"]:
    """A slanted wall on [0, 1] with a disc and a box before it."""
    y, x = torch.meshgrid(*[(torch.arange(side) + 0.5) / side] * 2, indexing="ij")
    depth = 0.9 - 0.25 * x - 0.1 * y
    depth = torch.where((x - 0.32).square() + (y - 0.35).square() < 0.04, 0.35, depth)
    return torch.where((x > 0.55) & (x < 0.85) & (y > 0.5) & (y < 0.8), 0.15, depth)[None]
