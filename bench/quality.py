"""The tables of the README and docs/protocols.md: shipped weights and bicubic on the classic sets.

    python bench/quality.py DATA

DATA holds the folders Set5, Set14 and B100. Prints one line of Markdown for bicubic under each
protocol and scale, and one for each weight file under `y-matlab`: PSNR in dB and SSIM.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from superfine.benchmark.measure import mean_score, measure
from superfine.benchmark.protocol import PROTOCOLS, Protocol, Score, find_protocol
from superfine.card import shipped_cards
from superfine.checkpoints import load
from superfine.data.folders import read_all

_SETS = ("Set5", "Set14", "B100")

Pictures = Sequence[UInt8[Tensor, "_ _ _"]]


def bicubic(pictures: Pictures, scale: int, protocol: Protocol) -> Score:
    """The bicubic line of a table."""
    scores = []
    for picture in pictures:
        hr = protocol.crop(picture, scale)
        scores.append(protocol.score(protocol.bicubic(protocol.lr(hr, scale), scale), hr, scale))
    return mean_score(scores)


def _show(name: str, scores: Sequence[Score]) -> None:
    figures = " | ".join(f"{score.psnr:.3f} / {score.ssim:.4f}" for score in scores)
    print(f"| {name} | {figures} |", flush=True)  # noqa: T201


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    sets = [read_all([data / name]) for name in _SETS]
    for protocol in PROTOCOLS:
        for scale in (2, 3, 4):
            scores = [bicubic(pictures, scale, protocol) for pictures in sets]
            _show(f"bicubic x{scale}, {protocol.name}", scores)
    papers = find_protocol("y-matlab")
    for path, card in shipped_cards():
        model = load(path)
        scores = [
            measure(model.network, model.spec, pictures, scale=card.scale, protocol=papers)
            for pictures in sets
        ]
        _show(path.stem, scores)


if __name__ == "__main__":
    main()
