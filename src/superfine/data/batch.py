"""What training is fed: pictures ready to be cut, batches, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt64
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Pair:
    """One scene at every resolution a network asks for; samples are uint8, uint16 or float32.

    Attributes:
        lr: The LR picture.
        hr: Scale -> the truth at that scale, exactly so many times larger than `lr`.
        guide: The photo that guides a depth map, as large as the largest truth; or None.
    """

    lr: Shaped[Tensor, "c h w"]
    hr: Mapping[int, Shaped[Tensor, "_ _ _"]]
    guide: Shaped[Tensor, "g _ _"] | None = None


@dataclass(frozen=True, eq=False)
class Batch:
    """Patches for one step, floats on [0, 1].

    Attributes:
        lr: The inputs.
        hr: Scale -> the truth at that scale; the largest belongs to the answer.
        guide: Patches of the guiding photos, as large as the answer; or None.
    """

    lr: Float[Tensor, "b c p p"]
    hr: Mapping[int, Float[Tensor, "b _ _ _"]]
    guide: Float[Tensor, "b g _ _"] | None = None

    def to(self, device: torch.device, memory_format: torch.memory_format) -> Batch:
        """The same on `device`, laid out so; comes while the device is still busy."""

        def moved(x: Tensor) -> Tensor:
            return x.to(device, memory_format=memory_format, non_blocking=True)

        return Batch(
            lr=moved(self.lr),
            hr={scale: moved(hr) for scale, hr in self.hr.items()},
            guide=None if self.guide is None else moved(self.guide),
        )

    def pin_memory(self) -> Batch:
        """The same in memory that a GPU fetches from while the CPU works; torch asks for it."""
        return Batch(
            lr=self.lr.pin_memory(),
            hr={scale: hr.pin_memory() for scale, hr in self.hr.items()},
            guide=None if self.guide is None else self.guide.pin_memory(),
        )


@dataclass(frozen=True)
class SourceFile:
    """A file that training reads, by its bytes."""

    path: str
    size: int
    sha256: str


class Source(Protocol):
    """Where samples come from; sample `i` is a pure function of (seed, i)."""

    def batch(self, index: UInt64[np.ndarray, " b"], scale: int) -> Batch:
        """The samples numbered `index`, for networks that enlarge by `scale`."""

    def count(self, scale: int) -> int:
        """How many different samples there are at `scale`, views left out."""

    def name(self, index: int, scale: int) -> str:
        """Where sample `index` is cut, in words."""

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """Every file the samples are made of."""
