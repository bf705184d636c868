"""What a user asks for; light enough to be made before torch is loaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from superfine.errors import UsageError

STREAM = "-"  # standard input or output
DEFAULT_MODEL = "fsrcnn"
_LARGEST_SCALE = 64
_MOST_MEGAPIXELS = 10_000


@dataclass(frozen=True)
class Size:
    """Output size in pixels; a side that is None follows from the other and the picture."""

    width: int | None
    height: int | None

    def __post_init__(self) -> None:
        if not (self.width or self.height) or min(self.width or 1, self.height or 1) < 1:
            raise UsageError(f"A size of {self} holds no pixel.", hint="Give 800x600 or 800x.")

    def __str__(self) -> str:
        return f"{self.width or ''}x{self.height or ''}"

    def of(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the result for a picture of `width` by `height`."""
        return (
            self.width or max(1, round(width * (self.height or 1) / height)),
            self.height or max(1, round(height * (self.width or 1) / width)),
        )


@dataclass(frozen=True)
class Request:
    """A job in the words of the command line.

    Attributes:
        inputs: Files, folders, or "-" for standard input; text, because a path forgets "./-".
        output: File, folder (with a slash at its end, or existing) or "-"; None for the usual.
        model: A shipped network or a weight file; None for `DEFAULT_MODEL`, or what the budget
            allows.
        scale: How many times larger, any ratio; None for the model's own.
        size: Wanted output size, instead of `scale`.
        ext: Format of the results; "auto" keeps the input's; None is PNG.
        recursive: Visit folders inside folders.
        overwrite: Replace results that exist.
        best_effort: Take what damaged pictures still hold.
        tile: LR pixels on a side of a tile; None chooses by memory.
        self_ensemble: Average over the eight views.
        device: "auto", or in torch's words.
        max_megapixels: Larger pictures, counting the frames of an animation, are refused unread;
            None for the usual limit.
        budget: Seconds one picture may take, from opened to written; chooses the model.
        max_memory: Bytes the process may take; makes tiles fit, and without `model` chooses it.
    """

    inputs: Sequence[str]
    output: str | None = None
    model: str | None = None
    scale: float | None = None
    size: Size | None = None
    ext: str | None = None
    recursive: bool = False
    overwrite: bool = False
    best_effort: bool = False
    tile: int | None = None
    self_ensemble: bool = False
    device: str = "auto"
    max_megapixels: float | None = None
    budget: float | None = None
    max_memory: int | None = None

    def __post_init__(self) -> None:
        if self.scale is not None and self.size is not None:
            raise UsageError("Both --scale and --size are given.", hint="Give one of them.")
        if self.scale is not None and not (
            math.isfinite(self.scale) and 0 < self.scale <= _LARGEST_SCALE
        ):
            raise UsageError(
                f"A scale of {self.scale:g} is out of range.", hint=f"Use 0.1 to {_LARGEST_SCALE}."
            )
        if self.max_megapixels is not None and not 0 < self.max_megapixels < _MOST_MEGAPIXELS:
            raise UsageError(
                f"A limit of {self.max_megapixels:g} megapixels is out of range.",
                hint=f"Use a number above 0 and below {_MOST_MEGAPIXELS:,}.",
            )
        if self.tile is not None and self.tile < 1:
            raise UsageError(f"A tile of {self.tile} pixels is too small.", hint="Use 32 or more.")
        if self.budget is not None and self.model is not None:
            raise UsageError(
                f"Both a budget and the model {self.model} are given; a budget chooses the model.",
                hint="Leave out -m, or the budget.",
            )

    @property
    def chooses(self) -> bool:
        """Whether the model follows from what this machine can do."""
        limited = self.budget is not None or self.max_memory is not None
        return limited and self.model is None
