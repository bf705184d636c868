"""How fast the shipped weights are here, and how long every network takes.

    python bench/model_speed.py [--write] [NAME ...]
    python bench/model_speed.py --latency [--write] [NAME ...]

Enlarges a picture in memory to about 1280x720 with every shipped file, or with those named, and by
bicubic in turns, on two threads. Printed are the speed by the median time and the median of the
paired ratios.

`--latency` runs every network of the zoo, or those named, with random weights, alone: floats of
256x256 pixels out, or of its only size, one picture at a time on one thread. Printed is the median
of its processor time, which on an idle machine is the time, and on a busy one is not what others
take. A network that needs seconds runs once.

`--write` puts what was measured, and what machine this is, into `src/superfine/ledger.json`.
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
from superfine.ledger import Ledger, Speed
from superfine.models import ZOO, ModelSpec
from superfine.types import Image
from superfine.window import runner

THREADS = 2
TURNS = 15
SIZE = ledger.STANDARD_SIZE

LATENCY_TURNS = 5
LATENCY_SIDE = ledger.LATENCY_SIZE[0]
# A network that took longer at first is not run again: the start is lost in it.
LONG = 1.5


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
    threads = torch.get_num_threads()
    return f"{threads} thread{'s' if threads > 1 else ''}, {cpu}, torch {torch_version}"


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


@torch.inference_mode()
def latency(spec: ModelSpec, scale: int) -> float:
    """Seconds of one thread for one picture."""
    torch.manual_seed(0)
    run = runner(spec.build(scale).eval(), torch.device("cpu"), "float32")
    side = spec.side or -(-LATENCY_SIDE // scale)
    arguments = [torch.rand(1, spec.lr_channels, side, side)]
    if spec.guide_channels:
        arguments.append(torch.rand(1, spec.guide_channels, scale * side, scale * side))

    def seconds() -> float:
        started = time.process_time()
        run(*arguments)
        return time.process_time() - started

    first = seconds()
    if first > LONG:
        return _three_digits(first)
    return _three_digits(statistics.median(seconds() for _ in range(LATENCY_TURNS)))


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")


def _speeds(names: list[str]) -> Ledger:
    """The ledger with the speeds of `names`, or of all."""
    torch.set_num_threads(THREADS)
    print(machine(), flush=True)  # noqa: T201
    known = ["bicubic", *(path.stem for path, _ in shipped_cards())]
    speeds = {}
    for name in names or known:
        speeds[name] = speed(name)
        figures = speeds[name]
        print(  # noqa: T201
            f"{name:14} {figures.megapixels_per_second:8.3g} MP/s "
            f"{figures.times_bicubic:8.3g} times bicubic",
            flush=True,
        )
    found = ledger.read()
    kept = {name: s for name, s in {**found.speeds, **speeds}.items() if name in known}
    return replace(found, machine=machine(), speeds=kept)


def _latencies(names: list[str]) -> Ledger:
    """The ledger with the latencies of `names`, networks with or without a scale, or of all."""
    torch.set_num_threads(1)
    print(machine(), flush=True)  # noqa: T201
    found = ledger.read()
    measured = dict(found.latencies)
    known = {f"{spec.name}-x{scale}": (spec, scale) for spec in ZOO for scale in spec.scales}
    for name, (spec, scale) in known.items():
        if not names or name in names or spec.name in names:
            measured[name] = latency(spec, scale)
            print(f"{name:20} {measured[name]:8.3g} s", flush=True)  # noqa: T201
    kept = {name: measured[name] for name in known if name in measured}
    return replace(found, latency_machine=machine(), latencies=kept)


def main() -> None:
    """Measures, prints, and writes if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="such as fsrcnn-x4; with --latency also fsrcnn"
    )
    parser.add_argument("--latency", action="store_true", help="of networks")
    parser.add_argument("--write", action="store_true", help="into the ledger")
    asked = parser.parse_args()
    updated = _latencies(asked.names) if asked.latency else _speeds(asked.names)
    if asked.write:
        ledger.PATH.write_text(ledger.to_text(updated), encoding="utf-8")


if __name__ == "__main__":
    main()
