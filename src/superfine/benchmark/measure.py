"""Scoring a network on pictures whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from superfine.benchmark.protocol import Protocol, Score, to_codes
from superfine.models import ModelSpec


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
        scores.append(protocol.score(to_codes(sr), hr, scale))
    return scores


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
