"""How fast the shipped weights are here, in megapixels of output a second, and beside bicubic.

    python bench/model_speed.py [--write] [NAME ...]

Enlarges a picture in memory to about 1280x720 with every shipped file, or with those named, and by
bicubic in turns, on two threads. Printed are the speed by the median time and the median of the
paired ratios. `--write` puts both, and what machine this is, into `src/superfine/ledger.json`.
"""

from __future__ import annotations

import argparse
import platform
import re
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch

from superfine import ledger
from superfine.card import shipped_cards
from superfine.checkpoints import LoadedModel, load_model
from superfine.inference import upscale_image
from superfine.ledger import Speed
from superfine.types import Image

THREADS = 2
TURNS = 15
SIZE = ledger.STANDARD_SIZE


def machine() -> str:
    """What this is, in words: "2 threads, AMD EPYC (family 25, model 17), torch 2.13.0"."""
    cpu = platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        found = dict(re.findall(r"^(\w[\w ]*?)\s*:\s*(.*)$", facts.read_text(), re.MULTILINE))
        cpu = found.get("model name", cpu)
        if "cpu family" in found:
            cpu += f" (family {found['cpu family']}, model {found.get('model')})"
    torch_version = torch.__version__.partition("+")[0]
    return f"{torch.get_num_threads()} threads, {cpu}, torch {torch_version}"


def speed(name: str) -> Speed:
    """That of one shipped file, or of bicubic itself."""
    model = load_model(name, scale=4)
    bicubic = load_model("bicubic", scale=model.scale)
    width, height = (-(-side // model.scale) for side in SIZE)
    torch.manual_seed(0)
    picture = Image(torch.randint(0, 256, (3, height, width), dtype=torch.uint8))

    def seconds(with_model: LoadedModel) -> float:
        started = time.perf_counter()
        upscale_image(picture, with_model, device="cpu")
        return time.perf_counter() - started

    for one in (model, bicubic):
        seconds(one)
    times = []
    for i in range(TURNS):
        # Ours first and last in turn, so that a drift of the machine favours neither.
        first, second = (model, bicubic) if i % 2 else (bicubic, model)
        taken = {id(first): seconds(first), id(second): seconds(second)}
        times.append((taken[id(model)], taken[id(bicubic)]))
    megapixels = width * height * model.scale**2 / 1e6
    return Speed(
        megapixels_per_second=_three_digits(megapixels / statistics.median(t for t, _ in times)),
        times_bicubic=_three_digits(statistics.median(ours / theirs for ours, theirs in times)),
    )


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")


def main() -> None:
    """Measures, prints, and writes if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as fsrcnn-x4")
    parser.add_argument("--write", action="store_true", help="into the ledger")
    asked = parser.parse_args()
    torch.set_num_threads(THREADS)
    print(machine(), flush=True)  # noqa: T201
    names = ["bicubic", *(path.stem for path, _ in shipped_cards())]
    speeds = {}
    for name in asked.names or names:
        speeds[name] = speed(name)
        figures = speeds[name]
        print(  # noqa: T201
            f"{name:14} {figures.megapixels_per_second:8.3g} MP/s "
            f"{figures.times_bicubic:8.3g} times bicubic",
            flush=True,
        )
    if asked.write:
        found = ledger.read()
        kept = {name: s for name, s in {**found.speeds, **speeds}.items() if name in names}
        updated = replace(found, machine=machine(), speeds=kept)
        ledger.PATH.write_text(ledger.to_text(updated), encoding="utf-8")


if __name__ == "__main__":
    main()
