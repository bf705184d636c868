"""The table of the README: every shipped weight file and bicubic on the classic sets.

    python bench/quality.py DATA

DATA holds the folders Set5, Set14 and B100. Prints one line of Markdown for each weight file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from superfine.benchmark.measure import measure
from superfine.benchmark.protocol import find_protocol
from superfine.card import shipped_cards
from superfine.checkpoints import load
from superfine.data.folders import read_all
from superfine.models import bicubic

_SETS = ("Set5", "Set14", "B100")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    protocol = find_protocol("y-matlab")
    pictures = {name: read_all([data / name]) for name in _SETS}
    for path, card in shipped_cards():
        model, scale = load(path), card.scale
        ours = [
            measure(model.network, model.spec, pictures[name], scale=scale, protocol=protocol)
            for name in _SETS
        ]
        floor = measure(
            bicubic.Bicubic(scale), bicubic.SPEC, pictures["Set5"], scale=scale, protocol=protocol
        )
        figures = " | ".join(f"{score.psnr:.2f}" for score in (*ours, floor))
        print(f"| {path.stem} | {figures} |")  # noqa: T201


if __name__ == "__main__":
    main()
