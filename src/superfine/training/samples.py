"""What a network makes of a validation picture: input, output and target, cut from its middle."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from superfine.benchmark.depth import DepthPair
from superfine.benchmark.protocol import Protocol, to_codes
from superfine.models import ModelSpec
from superfine.models.svlrm import SVLRM
from superfine.models.svlrm_plus import SVLRMPlus
from superfine.ops.resize import imresize
from superfine.visual import Panel

# HR pixels on a side of what is shown.
_SIDE = 192


def picture_panels(
    network: nn.Module,
    spec: ModelSpec,
    truth: UInt8[Tensor, "c h w"],
    scale: int,
    protocol: Protocol,
) -> list[Panel]:
    """The input enlarged pixel by pixel, the output and the target of a picture."""
    hr = protocol.crop(truth, scale)
    lr = protocol.lr(hr, scale, colour=spec.channels == "rgb").float()
    if spec.channels == "y":
        hr = protocol.luma(hr)
        lr = lr if lr.shape[0] == 1 else protocol.luma(to_codes(lr)).float() / 255
    elif lr.shape[0] == 1:
        lr = lr.expand(3, -1, -1)
    sr = network(lr[None].to(_device(network)))[0].cpu()
    return _panels(imresize(lr, scale=scale, method="nearest"), sr, hr.float() / 255, scale)


def depth_panels(network: nn.Module, spec: ModelSpec, pair: DepthPair) -> list[Panel]:
    """The same of a depth map, in grey, nearest and farthest as in the input.

    Of a cascade every stage, enlarged pixel by pixel, before the output; of SVLRM its `alpha` (the
    mean over the colours) and `beta`, each from its least value to its largest.
    """
    inputs = pair.inputs(spec, _device(network))
    network.train()
    answer = network(*inputs)
    network.eval()
    outputs = [x[0].cpu() for x in (answer if isinstance(answer, tuple) else (answer,))]
    scale = pair.truth.shape[-1] // pair.lr.shape[-1]
    truth = pair.truth_as_lr
    enlarged = imresize(pair.lr, scale=scale, method="nearest")
    first, last, target = _panels(enlarged, outputs[-1], truth, scale)
    between = [_stage(x, truth) for x in outputs[:-1]]
    if isinstance(network, SVLRM | SVLRMPlus):
        alpha, beta = (x[0].mean(dim=0, keepdim=True).cpu() for x in network.coefficients(*inputs))
        between = [_coefficient("alpha", alpha), _coefficient("beta", beta)]
    return [first, *between, last, target]


def _coefficient(name: str, values: Float[Tensor, "1 h w"]) -> Panel:
    low, high = (float(x) for x in torch.aminmax(values))
    return Panel(_shown((values - low) / ((high - low) or 1.0)), f"{name}: {low:.2g} to {high:.2g}")


def _stage(sr: Float[Tensor, "1 h w"], truth: Float[Tensor, "1 m n"]) -> Panel:
    factor = truth.shape[-1] // sr.shape[-1]
    if factor > 1:
        sr = imresize(sr, scale=factor, method="nearest")
    return Panel(_shown(sr), f"{factor} times smaller" if factor > 1 else "before the fusion")


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters(), torch.empty(0)).device


def _panels(
    lr: Float[Tensor, "c h w"], sr: Float[Tensor, "c h w"], hr: Float[Tensor, "d h w"], scale: int
) -> list[Panel]:
    return [
        Panel(_shown(lr), f"input x{scale}"),
        Panel(_shown(sr), "output"),
        Panel(_shown(hr), "target"),
    ]


def _shown(x: Float[Tensor, "c h w"]) -> UInt8[Tensor, "3 m n"]:
    """The middle of `x`."""
    height, width = min(_SIDE, x.shape[-2]), min(_SIDE, x.shape[-1])
    top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
    return to_codes(x[:, top : top + height, left : left + width]).expand(3, -1, -1)
