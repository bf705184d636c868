"""One window of an enlarged picture: from the integers of the file to those of the result.

A window is computed from just the LR pixels it depends on, so a picture can be worked on piece by
piece, and the pieces equal the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from superfine.checkpoints import LoadedModel
from superfine.community import CommunityNetwork
from superfine.errors import PictureError
from superfine.ops.alpha import bleed
from superfine.ops.codes import to_codes, to_unit
from superfine.ops.color import rgb_to_ycbcr, ycbcr_to_rgb
from superfine.ops.resize import Taps, imresize, resize_axes
from superfine.ops.tile import Span
from superfine.types import Image

Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, eq=False)
class Work:
    """Everything decided about one picture before the first window.

    Attributes:
        image: What is enlarged.
        model: The network and its scale.
        size: Rows and columns of the result.
        resize: From the size the network gives to `size`; None when they are equal.
        run: The network as it is to be called: (1, c, h, w) floats to enlarged floats.
        device: Where it runs.
        context: LR pixels around a window that are worked on with it; None takes the whole picture.
    """

    image: Image
    model: LoadedModel
    size: tuple[int, int]
    resize: tuple[Taps, Taps] | None
    run: Callable[[Tensor], Tensor]
    device: torch.device
    context: int | None = None

    @property
    def reach(self) -> int | None:
        """LR pixels of context with which a tile equals the whole; None where none suffices."""
        reach = self.model.spec.reach[self.model.scale]
        # Chroma and alpha are enlarged by bicubic, which sees two pixels to each side.
        return None if reach is None else max(reach, 2)

    @property
    def cell(self) -> int:
        """As `cell_of` its network."""
        return cell_of(self.model.network)


def cell_of(network: nn.Module) -> int:
    """`network` is the same at all places only on multiples of this many LR pixels."""
    return int(getattr(network, "cell", 1))


def runner(
    network: nn.Module, device: torch.device, precision: Precision
) -> Callable[[Tensor], Tensor]:
    """`network` on `device`, answering in float32 whatever precision it computes in."""
    full: nn.Module = network.to(device)
    if not isinstance(full, CommunityNetwork):  # which knows its own order
        # Convolutions on two CPU cores are a quarter faster with the channels last.
        full.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if precision == "float32":
        return full
    dtype = getattr(torch, precision)
    half = deepcopy(full).to(dtype)

    def run(lr: Tensor) -> Tensor:
        sr: Tensor = half(lr.to(dtype)).float()
        if not torch.isfinite(sr).all():
            sr = full(lr)
        return sr

    return run


@torch.inference_mode()
def window_codes(work: Work, row: Span, column: Span) -> Shaped[Tensor, "k n m"]:
    """The window of the result in the type of the picture: colour channels and then alpha.

    Args:
        work: What is being done.
        row: Rows of the result wanted.
        column: Columns of the result wanted.

    Raises:
        PictureError: When the network answers with NaN in float32 (code E_VALUES).
    """
    image, scale = work.image, work.model.scale
    rows, columns, sr_row, sr_column = None, None, row, column
    if work.resize is not None:
        rows, first, last = work.resize[0].window(row.start, row.stop)
        sr_row = Span(first, last)
        columns, first, last = work.resize[1].window(column.start, column.stop)
        sr_column = Span(first, last)

    height, width = image.height, image.width
    context = max(height, width) if work.context is None else work.context
    lr_row = sr_row.shrunk(scale).grown(context, height).aligned(work.cell, height)
    lr_column = sr_column.shrunk(scale).grown(context, width).aligned(work.cell, width)
    sr = _restore(work, lr_row, lr_column)

    whole_row = Span(lr_row.start * scale, lr_row.stop * scale)
    whole_column = Span(lr_column.start * scale, lr_column.stop * scale)
    sr = sr[:, sr_row.within(whole_row), sr_column.within(whole_column)]
    if rows is not None and columns is not None:
        sr = resize_axes(sr, rows, columns)
    return to_codes(sr, image.pixels.dtype).cpu()


def _restore(work: Work, row: Span, column: Span) -> Float[Tensor, "k n m"]:
    """The enlarged floats of an LR window: colour channels and then alpha, on about [0, 1]."""
    image = work.image
    colour = _to_unit(image.pixels, row, column)
    if image.alpha is None:
        return _restore_colour(work, colour.to(work.device))
    # Alpha spreads by two pixels beyond the visible ones, and the network sees its reach more.
    # The window is widened by as much, so that tiles agree with the whole picture.
    radius = max(image.height, image.width) if work.context is None else work.context + 2
    wide_row, wide_column = row.grown(radius, image.height), column.grown(radius, image.width)
    alpha = _to_unit(image.alpha, wide_row, wide_column)
    painted = bleed(_to_unit(image.pixels, wide_row, wide_column), alpha, radius=radius)
    inside = (slice(None), row.within(wide_row), column.within(wide_column))
    sr = _restore_colour(work, painted[inside].to(work.device))
    return torch.cat((sr, imresize(alpha[inside].to(work.device), scale=work.model.scale)))


def _restore_colour(work: Work, colour: Float[Tensor, "c h w"]) -> Float[Tensor, "c sh sw"]:
    grey = colour.shape[0] == 1
    rgb = colour.expand(3, -1, -1)
    if work.model.spec.channels == "rgb":
        sr = _checked(work.run(rgb[None])[0])
        return sr.mean(dim=0, keepdim=True) if grey else sr
    ycbcr = rgb_to_ycbcr(rgb)
    y = _checked(work.run(ycbcr[None, :1])[0])
    if grey:
        # Grey has no chroma: Y back from studio swing to [0, 1] is the whole inverse.
        return (y * 255 - 16) / 219
    return ycbcr_to_rgb(torch.cat((y, imresize(ycbcr[1:], scale=work.model.scale))))


def _checked(sr: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
    if not torch.isfinite(sr).all():
        raise PictureError(
            "The network answered with NaN or infinity.",
            hint="The weights may be damaged: try another model.",
            code="E_VALUES",
        )
    return sr


def _to_unit(codes: Shaped[Tensor, "c h w"], row: Span, column: Span) -> Float[Tensor, "c n m"]:
    window = codes[:, row.start : row.stop, column.start : column.stop]
    return to_unit(window)
