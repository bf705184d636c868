"""Scoring a network on pictures whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from superfine.benchmark.protocol import Protocol, Score, to_codes
from superfine.errors import UsageError
from superfine.models import ModelSpec
from superfine.ops.resize import imresize


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean of the pictures' scores, as every table prints it."""
    count = len(scores)
    return Score(psnr=sum(s.psnr for s in scores) / count, ssim=sum(s.ssim for s in scores) / count)


@torch.no_grad()
def measure_each(
    network: nn.Module,
    spec: ModelSpec,
    pictures: Sequence[UInt8[Tensor, "_ _ _"]],
    *,
    scale: int,
    protocol: Protocol,
) -> list[Score]:
    """The score of each picture, whole and in float32: `pictures` are the truth.

    A luma network gets the LR luma; a colour one the LR colours, a grey LR picture three times.
    What a network of a larger scale makes, as LapSRN x4 asked for x3, is shrunk by MATLAB's
    bicubic before it is rounded.

    Raises:
        UsageError: When the network enlarges less than `scale`.
    """
    parameter = next(network.parameters(), torch.empty(0))
    scores = []
    for picture in pictures:
        hr = protocol.crop(picture, scale)
        lr = protocol.lr(hr, scale, colour=spec.channels == "rgb")
        if spec.channels == "y" and lr.shape[0] == 3:
            lr = protocol.luma(to_codes(lr)).double() / 255
        if spec.channels == "rgb" and lr.shape[0] == 1:
            lr = lr.expand(3, -1, -1)
        sr = network(lr.float()[None].to(parameter.device))[0].cpu()
        if spec.channels == "rgb" and hr.shape[0] == 1:
            sr = sr[:1]
        sr = _shrunk(sr, (hr.shape[-2], hr.shape[-1]))
        scores.append(protocol.score(to_codes(sr), hr, scale))
    return scores


def _shrunk(sr: Float[Tensor, "c h w"], size: tuple[int, int]) -> Float[Tensor, "c m n"]:
    """`sr` at `size`, rows and columns."""
    if sr.shape[-2:] == size:
        return sr
    if sr.shape[-2] < size[0] or sr.shape[-1] < size[1]:
        raise UsageError(
            f"The network's result is {sr.shape[-1]}x{sr.shape[-2]}, the truth "
            f"{size[1]}x{size[0]}: it enlarges too little.",
            hint="Measure it at its own scale or a smaller one.",
        )
    return imresize(sr.double(), size=size)


def measure(
    network: nn.Module,
    spec: ModelSpec,
    pictures: Sequence[UInt8[Tensor, "_ _ _"]],
    *,
    scale: int,
    protocol: Protocol,
) -> Score:
    """The mean score over `pictures`; the function behind every table and every training log."""
    return mean_score(measure_each(network, spec, pictures, scale=scale, protocol=protocol))
