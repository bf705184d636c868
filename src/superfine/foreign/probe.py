"""Whether a network enlarges pictures: its answer to one fixed picture, compared with bicubic.

Weights read for the wrong range or the wrong colour run without complaint. Given a picture that
bicubic interpolation enlarges well, a super-resolution network gives nearly the same, tens of
decibels closer than one whose numbers are misread.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models import ModelSpec
from superfine.ops.resize import imresize

# In decibels: below the first a result is no enlargement of the picture; above the second, which
# no trained network we know exceeds, more tells nothing.
RESEMBLES, EQUALS = 20.0, 50.0

# Pixels on a side of the picture, and those at its edges that are not compared: there the layers
# see zeros.
_SIDE = 20
_EDGE = 3


def agreement(network: nn.Module, spec: ModelSpec, scale: int) -> float:
    """How close `network` comes to bicubic on the fixed picture, in decibels; -inf for no numbers.

    Args:
        network: In evaluation mode, taking and giving values on [0, 1].
        spec: Its entry in the zoo; of no fixed size.
        scale: HR pixels per LR pixel of `network`.
    """
    lr = picture(spec.lr_channels)
    enlarged = imresize(lr, scale=scale)
    with torch.inference_mode():
        guide = (enlarged.expand(-1, spec.guide_channels, -1, -1),) if spec.guide_channels else ()
        sr: Tensor = network(lr, *guide)
    edge = _EDGE * scale
    difference = (sr - enlarged)[..., edge:-edge, edge:-edge].double()
    error = difference.square().mean().item()
    return -10 * math.log10(max(error, 1e-12)) if math.isfinite(error) else -math.inf


def picture(channels: int) -> Float[Tensor, "1 c h w"]:
    """The fixed picture: waves, a disc and a slanted edge, all of them soft; values on [0, 1]."""
    y, x = torch.meshgrid(*[torch.arange(_SIDE, dtype=torch.float64)] * 2, indexing="ij")
    planes = []
    for channel in range(channels):
        waves = 0.2 * torch.sin(0.35 * x + 0.9 * channel) * torch.cos(0.27 * y - 0.6 * channel)
        edge = 0.15 * torch.tanh(x + 0.5 * y - 0.75 * _SIDE - 1.5 * channel)
        radius = torch.hypot(x - 0.35 * _SIDE, y - 0.6 * _SIDE)
        planes.append(0.5 + waves + edge + 0.12 * torch.tanh(0.25 * _SIDE - radius))
    return torch.stack(planes)[None].float()
