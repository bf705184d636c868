"""How far a network sees that nobody described to us, found out by trying."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.community.network import CommunityNetwork

# Networks that see farther count as seeing everything: tiles with so much context on each side
# would cost more than nine times their own pixels.
_FARTHEST = 64
# Between a tile and the whole picture float32 may round so differently.
_ROUNDING = 2e-5


class MeasuredReach(Mapping[int, int | None]):
    """The reach of a network at its only scale; measured when first asked for.

    Not a number goes in at one place, and the places where none comes out are those that see it:
    neither small weights nor closed ReLUs hide it, as they hide a gradient. Then a tile with that
    much context is compared with the whole, which finds networks that see by position, or whose
    windows start elsewhere than on the cells of the network. A network that fails there, or sees
    farther than 64 pixels, counts as one that sees everything.

    Only lines of pixels are tried, lying and standing, which costs a hundredth of a square.
    """

    def __init__(self, network: CommunityNetwork, scale: int) -> None:
        self._network = network
        self._scale = scale

    def __getitem__(self, scale: int) -> int | None:
        if scale != self._scale:
            raise KeyError(scale)
        return self._measured

    def __iter__(self) -> Iterator[int]:
        return iter((self._scale,))

    def __len__(self) -> int:
        return 1

    @cached_property
    def _measured(self) -> int | None:
        farthest = 0
        for upright in (False, True):
            seen = self._seen(upright)
            if seen is None or not self._tile_is_whole(seen, upright):
                return None
            farthest = max(farthest, seen)
        return farthest

    def _seen(self, upright: bool) -> int | None:
        """How far around one cell of not-a-numbers any appear; None when up to an end."""
        cell = self._network.cell
        before = self._cells(_FARTHEST) * cell
        line = self._line(2 * before + cell)
        line[..., before : before + cell] = math.nan
        try:
            bad = self._run(line, upright).isnan().flatten(0, 2).any(dim=0)
        except (RuntimeError, ValueError, IndexError):
            return None  # a sort, say, that takes no such values
        places = bad.nonzero().flatten() // self._scale
        if not len(places):
            return None  # something inside replaces what is not a number
        first, last = int(places[0]), int(places[-1])
        if first == 0 or last == line.shape[-1] - 1:
            return None
        # The pixel of the cell that is farthest from each end may be the one that is seen there.
        return max(before + cell - 1 - first, last - before)

    def _tile_is_whole(self, reach: int, upright: bool) -> bool:
        cell = self._network.cell
        context = self._cells(reach) * cell
        whole = self._line(2 * context + 3 * cell)
        part = whole[..., cell : 2 * context + 2 * cell]
        s = self._scale
        expected = self._run(whole, upright)[..., (context + cell) * s : (context + 2 * cell) * s]
        found = self._run(part, upright)[..., context * s : (context + cell) * s]
        return bool((found - expected).abs().max() <= _ROUNDING)

    def _cells(self, pixels: int) -> int:
        return -(-pixels // self._network.cell)

    def _line(self, length: int) -> Float[Tensor, "1 c 1 n"]:
        generator = torch.Generator().manual_seed(length)
        channels = 1 if self._network.grey else 3
        return torch.rand(1, channels, 1, length, generator=generator)

    def _run(self, line: Float[Tensor, "1 c 1 n"], upright: bool) -> Float[Tensor, "1 c s sn"]:
        """The result of a line, always lying."""
        device = next(self._network.parameters()).device
        lr = line.to(device)
        with torch.inference_mode():
            sr: Tensor = self._network(lr.mT if upright else lr)
        return sr.mT if upright else sr
