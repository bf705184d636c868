"""What is asked of a blind restoration, and what it answers with."""

from __future__ import annotations

from dataclasses import dataclass

from superfine.blind.believed import ESTIMATE
from superfine.blind.check import Check
from superfine.blind.methods import find_method
from superfine.diagnose import Diagnosis
from superfine.errors import UsageError
from superfine.types import Image, Kernel

AUTO = "auto"
SCALES = (2, 3, 4)
USUAL_MODEL = "fsrcnn"


@dataclass(frozen=True)
class BlindOptions:
    """How a picture is restored.

    Attributes:
        scale: HR pixels per LR pixel: 2, 3 or 4.
        method: A name in METHODS, or "auto".
        model: The network that enlarges: a shipped one, or a weight file.
        kernel: "estimate", "gauss:SX[,SY,ANGLE]" or a file.
        convention: What a file of a kernel means; a name of `KERNEL_CONVENTIONS`.
        budget: Seconds that a method may learn for; None for all its steps.
        steps: How many it takes; None for its usual number.
        seed: The same seed gives the same bytes, but for a budget that ends earlier.
        tile: LR pixels on a side of a tile; None chooses by memory.
        device: "auto", or in torch's words; the network that enlarges runs there.
    """

    scale: int = 2
    method: str = AUTO
    model: str = USUAL_MODEL
    kernel: str = ESTIMATE
    convention: str = "aligned"
    budget: float | None = None
    steps: int | None = None
    seed: int = 0
    tile: int | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise UsageError(f"A scale of {self.scale} is not known here.", hint="Use 2, 3 or 4.")
        if self.method != AUTO:
            known = find_method(self.method).scales
            if self.scale not in known:
                raise UsageError(
                    f"{self.method} does not know x{self.scale}.",
                    hint=f"Use x{' or x'.join(map(str, known))}, or the method correction.",
                )
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"{self.steps} steps are none.", hint="Give 1 or more.")
        if self.budget is not None and not self.budget > 0:
            raise UsageError(f"A budget of {self.budget:g} s is no time.", hint="Give seconds.")


@dataclass(frozen=True, eq=False)
class BlindResult:
    """What was made of a picture, and why.

    Attributes:
        picture: The result.
        plain: What the network makes of the picture as it is; the same as `picture` where nothing
            was corrected.
        corrected: The picture as bicubic would have made it; None where nothing was corrected.
        kernel: The blur that is believed; None where none is told.
        method: What corrected it; "plain" where nothing did.
        diagnosis: What the picture shows.
        check: What correcting is worth; None where that was not asked or cannot be told.
        residual: Mean difference of the result, degraded again, from the picture, in grey levels
            of 255: plain, and corrected. None without a kernel.
        steps: How many a method that learns took.
        sentences: What was decided, for people.
    """

    picture: Image
    plain: Image
    corrected: Image | None
    kernel: Kernel | None
    method: str
    diagnosis: Diagnosis
    check: Check | None
    residual: tuple[float, float] | None
    steps: int
    sentences: tuple[str, ...]
