"""What a user asks for when pictures of unknown blur are to be enlarged; made before torch is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from superfine.errors import UsageError
from superfine.jobs.request import STREAM


@dataclass(frozen=True)
class BlindRequest:
    """A job in the words of the command line.

    Attributes:
        inputs: Files or folders, as typed.
        output: File or folder (with a slash at its end, or existing); None for the usual.
        scale: 2, 3 or 4.
        method: "auto", or the name of a method.
        model: A shipped network or a weight file.
        kernel: "estimate", "gauss:SX[,SY,ANGLE]" or a file.
        convention: What the file of a kernel means.
        budget: Seconds that a method may learn for each picture; None for all its steps.
        steps: Of a method that learns; None for its usual number.
        seed: Of a method that draws numbers.
        only_result: Write nothing beside the result.
        ext: Format of the results; "auto" keeps the input's; None is PNG.
        recursive: Visit folders inside folders.
        overwrite: Replace results that exist.
        tile: LR pixels on a side of a tile; None chooses by memory.
        device: "auto", or in torch's words.
        max_megapixels: Larger pictures are refused unread; None for the usual limit.
    """

    inputs: Sequence[str]
    output: str | None = None
    scale: int = 2
    method: str = "auto"
    model: str = "fsrcnn"
    kernel: str = "estimate"
    convention: str = "aligned"
    budget: float | None = None
    steps: int | None = None
    seed: int = 0
    only_result: bool = False
    ext: str | None = None
    recursive: bool = False
    overwrite: bool = False
    tile: int | None = None
    device: str = "auto"
    max_megapixels: float | None = None

    def __post_init__(self) -> None:
        if STREAM in self.inputs or self.output == STREAM:
            raise UsageError(
                "Blind restoration writes several files, so standard input and output have no "
                "place here.",
                hint="Give files.",
            )
