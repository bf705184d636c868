"""A network over a picture too large for it: strips of full width that equal the whole."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.benchmark.output import Run
from superfine.checkpoints import LoadedModel
from superfine.ops.tile import cut
from superfine.tiling import bytes_per_pixel
from superfine.window import cell_of


def in_strips(run: Run, model: LoadedModel, most: int) -> Run:
    """`run`, but in strips where a whole picture would take more than about `most` bytes.

    Each strip has as much context as the network sees. A network that sees everything is run
    whole: its strips would score otherwise.

    Args:
        run: The network of `model` as it is called: (1, c, h, w) to (1, c2, s·h, s·w).
        model: The network and its scale.
        most: Bytes for one strip with its context; at least a row is done at a time.
    """
    reach = model.spec.reach[model.scale]
    if reach is None or not list(model.network.parameters()):
        return run
    cell, scale = cell_of(model.network), model.scale
    device = next(model.network.parameters()).device
    pixels = most // bytes_per_pixel(model, device)

    def strips(lr: Float[Tensor, "1 c h w"]) -> Float[Tensor, "1 c2 sh sw"]:
        height, width = lr.shape[-2:]
        if height * width <= pixels:
            return run(lr)
        rows = max(1, pixels // width - 2 * (reach + cell))
        done = []
        for span in cut(height, rows):
            seen = span.grown(reach, height).aligned(cell, height)
            sr = run(lr[..., seen.start : seen.stop, :])
            inner = span.within(seen)
            done.append(sr[..., inner.start * scale : inner.stop * scale, :])
        return torch.cat(done, dim=-2)

    return strips
