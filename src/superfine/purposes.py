"""Names by purpose: which shipped weights `fast`, `balanced` and `best` stand for.

The rule looks at nothing but cards and the ledger, so that new weights find their place by
themselves. At each scale

- `fast` needs the fewest multiplications,
- `best` has the highest PSNR on Set5,
- `balanced` has the highest among those that need at most `BALANCED` times what `fast` needs.

Only weights for pictures of any size count, and only those that were measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from superfine import ledger
from superfine.card import Card, shipped_cards

PURPOSES = ("fast", "balanced", "best")

# A modern network of 0.5 million weights needs 40 times what FSRCNN needs, and is a few times
# slower; one of 1.5 million, as EDSR-baseline, 160 times.
BALANCED = 50


@dataclass(frozen=True)
class Candidate:
    """Shipped weights that a purpose or a budget may choose.

    Attributes:
        path: Their file.
        architecture: Name in the zoo.
        scale: HR pixels per LR pixel.
        macs: As in the ledger.
        psnr: On Set5, in dB, as the card tells it.
    """

    path: Path
    architecture: str
    scale: int
    macs: int
    psnr: float


def shipped_for(
    purpose: str, shipped: Iterable[tuple[Path, Card]] | None = None
) -> dict[int, Path]:
    """Scale -> the weight file that `purpose` stands for, for the scales where there is one.

    Args:
        purpose: One of `PURPOSES`.
        shipped: Weight files and their cards; None takes those that come with the package.
    """
    candidates = candidates_of(shipped)
    scales = sorted({candidate.scale for candidate in candidates})
    return {s: _choice(purpose, [c for c in candidates if c.scale == s]).path for s in scales}


def _choice(purpose: str, candidates: list[Candidate]) -> Candidate:
    fastest = min(candidates, key=lambda c: (c.macs, -c.psnr))
    if purpose == "fast":
        return fastest
    allowed = candidates
    if purpose == "balanced":
        allowed = [c for c in candidates if c.macs <= BALANCED * fastest.macs]
    return max(allowed, key=lambda c: (c.psnr, -c.macs))


def candidates_of(shipped: Iterable[tuple[Path, Card]] | None = None) -> list[Candidate]:
    """All shipped weights for pictures of any size whose PSNR was measured.

    Args:
        shipped: Weight files and their cards; None takes those that come with the package.
    """
    found = []
    for path, card in shipped_cards() if shipped is None else shipped:
        entry = ledger.read().networks[card.architecture]
        psnr = card.scores.get("Set5", {}).get("psnr")
        if psnr is not None and entry.side is None and entry.channels in ("y", "rgb"):
            macs = entry.costs[card.scale].macs
            found.append(Candidate(path, entry.name, card.scale, macs, psnr))
    return found
