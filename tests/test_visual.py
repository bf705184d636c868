"""Pictures drawn for people show the pixels they are given."""

import torch
from jaxtyping import UInt8
from torch import Tensor

from superfine.visual import Panel, triptych


def noise(side: int, seed: int) -> UInt8[Tensor, "3 h w"]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, side, side + 4), dtype=torch.uint8, generator=generator)


def columns_with(drawn: UInt8[Tensor, "3 m n"], picture: UInt8[Tensor, "3 h w"]) -> list[int]:
    """Where `picture` begins in the rows that the panels stand in."""
    _, height, width = picture.shape
    found = []
    for x in range(drawn.shape[2] - width + 1):
        if torch.equal(drawn[:, 12 : 12 + height, x : x + width], picture):
            found.append(x)
    return found


def test_the_panels_stand_side_by_side_in_their_order() -> None:
    panels = [noise(64, seed) for seed in range(3)]
    drawn = triptych([Panel(p, name) for p, name in zip(panels, "abc", strict=True)])
    places = [columns_with(drawn, panel) for panel in panels]
    assert places == [[12], [12 + 68 + 12], [12 + 2 * (68 + 12)]]
    assert drawn.dtype == torch.uint8
    assert drawn.shape[1] > 64 + 2 * 12  # the captions


def test_a_long_caption_is_not_cut() -> None:
    """Two captions wider than their pictures do not run into one another."""
    caption = "output after 250,000 steps"
    one = triptych([Panel(noise(8, 0), caption)])
    two = triptych([Panel(noise(8, 0), caption), Panel(noise(8, 1), "")])
    width = one.shape[2]
    below = slice(12 + 8, None)
    assert torch.equal(two[:, below, :width], one[:, below])
    paper = one[:, 0, 0].view(3, 1, 1)
    assert (two[:, below, width:] == paper).all()
