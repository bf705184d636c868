"""Generated pictures whose spectrum is that of photos: discs that cover one another."""

import torch
from jaxtyping import Float
from torch import Tensor


def leaves(size: int, *, seed: int = 1) -> Float[Tensor, "n n"]:
    """Dead leaves on 0..255, float32: sizes by a power law, as of things at all distances."""
    draw = torch.Generator().manual_seed(seed)
    picture = torch.full((size, size), 128.0)
    place = torch.arange(size)
    for row, column, shade, chance in torch.rand(1200, 4, generator=draw).tolist():
        radius = min(3 * (1 - 0.999 * chance) ** -0.5, size / 3)
        # Only the square around the disc: most are small.
        rows, columns = (place[(place - at * size).abs() < radius] for at in (row, column))
        if len(rows) and len(columns):
            inside = (rows[:, None] - row * size) ** 2 + (columns - column * size) ** 2 < radius**2
            part = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            part[inside] = shade * 220 + 15
    return picture


def rounded(picture: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Codes of 8 bits."""
    return torch.floor(picture + 0.5).clamp(0, 255)


def noisy(picture: Float[Tensor, "h w"], sigma: float, *, seed: int = 0) -> Float[Tensor, "h w"]:
    """With white noise, in codes of 8 bits."""
    draw = torch.Generator().manual_seed(seed)
    return rounded(picture + sigma * torch.randn(picture.shape, generator=draw))
