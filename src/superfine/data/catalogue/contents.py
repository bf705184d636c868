"""What the pictures of the known sets look like: enough to recognise them, not to show them.

`contents.csv` holds a line for each picture: the set, its usual name, width, height, channels, the
first 128 bits of the sha256 of its pixels, and the mean luma of 8x8 blocks in 16 steps. The first
does not care about names, formats or compression without loss; the second says which picture it is
also after it was cut, shrunk or compressed again.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from superfine.data.catalogue.sets import DataSet

_DIGITS = 32
_BLOCKS = 8
_STEP = 17.0  # codes; 255 is the sixteenth
# Mean difference of two versions of a picture, in steps: shrunk to a quarter up to 0.27, JPEG of
# quality 30 0.09. Different pictures begin at 0.43 (plain skies).
_ALIKE = 0.4
# Cut to a multiple of 12 pixels, which moves the blocks, up to 0.81 in T91 and 0.44 in B100.
_ALIKE_CUT = 0.9
_LONGEST_CUT = 12


@dataclass(frozen=True)
class Portrait:
    """What tells one picture from others.

    Attributes:
        name: As it is usually called, without a suffix.
        width: In pixels.
        height: In pixels.
        channels: 1 for a grey picture, 3 for a colour one.
        sha256: Of shape and codes, the first 32 hexadecimal digits.
        blocks: Mean luma of 8x8 blocks row by row, one hexadecimal digit each.
    """

    name: str
    width: int
    height: int
    channels: int
    sha256: str
    blocks: str

    @cached_property
    def _levels(self) -> bytes:
        return bytes(int(digit, 16) for digit in self.blocks)

    def distance(self, other: Portrait) -> float:
        """Mean difference of the blocks, in steps."""
        apart = sum(abs(a - b) for a, b in zip(self._levels, other._levels, strict=True))
        return apart / _BLOCKS**2

    def alike(self, original: Portrait) -> bool:
        """Whether this shows `original`, at any size and whatever the compression did to it."""
        cut = original.width - self.width, original.height - self.height
        is_cut = any(cut) and all(0 <= pixels < _LONGEST_CUT for pixels in cut)
        return self.distance(original) <= (_ALIKE_CUT if is_cut else _ALIKE)


def portrait(name: str, codes: UInt8[Tensor, "c h w"]) -> Portrait:
    """The portrait of a picture of 1 or 3 channels."""
    channels, height, width = codes.shape
    digest = hashlib.sha256(f"{width}x{height}x{channels}:".encode())
    # Channels last, as in most decoders, so that others can make the same number.
    digest.update(codes.permute(1, 2, 0).contiguous().numpy().data)
    return Portrait(name, width, height, channels, digest.hexdigest()[:_DIGITS], _blocks(codes))


def _blocks(codes: UInt8[Tensor, "c h w"]) -> str:
    means = torch.nn.functional.adaptive_avg_pool2d(_luma(codes), _BLOCKS)
    return "".join(f"{int(value):x}" for value in (means / _STEP).round().flatten().tolist())


def _luma(codes: UInt8[Tensor, "c h w"]) -> Float[Tensor, "1 h w"]:
    """Luma with full range; only compared with itself."""
    if codes.shape[0] == 1:
        return codes.double()
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    return (codes.double() * weights[:, None, None]).sum(0, keepdim=True)


def contents_of(data_set: DataSet) -> tuple[Portrait, ...]:
    """The pictures of `data_set` that are known; all, some or none."""
    return tuple(p for part in data_set.parts for p in _known()[part])


@cache
def _known() -> dict[str, tuple[Portrait, ...]]:
    text = resources.files(__package__).joinpath("contents.csv").read_text(encoding="ascii")
    known: dict[str, tuple[Portrait, ...]] = {}
    for part, name, width, height, channels, sha256, blocks in csv.reader(text.splitlines()[1:]):
        entry = Portrait(name, int(width), int(height), int(channels), sha256, blocks)
        known[part] = (*known.get(part, ()), entry)
    return known
