"""Scoring a network on pictures whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from superfine.benchmark.metric import Compared, find_metric
from superfine.benchmark.output import lr_for, restore
from superfine.benchmark.protocol import Protocol, Score
from superfine.models import ModelSpec


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean of the pictures' scores, as every table prints it."""
    count = len(scores)
    return Score(psnr=sum(s.psnr for s in scores) / count, ssim=sum(s.ssim for s in scores) / count)


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

    Raises:
        UsageError: When the network enlarges less than `scale`.
    """
    device = next(network.parameters(), torch.empty(0)).device
    found = [find_metric(name) for name in ("psnr", "ssim")]
    scores = []
    for picture in pictures:
        hr = protocol.crop(picture, scale)
        lr = lr_for(spec, hr, scale, protocol)
        output = restore(network, spec, lr, hr, scale=scale, device=device)
        compared = Compared(output, protocol)
        scores.append(Score(*(metric.measure(compared) for metric in found)))
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
