"""The ledger: what every network of the zoo costs, ready to read without torch.

`ledger.json` is written by `make ledger` from what `superfine.inspection` counts, its speeds and
latencies by `bench/model_speed.py`; a test compares it with the networks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

PATH = Path(__file__).parent / "ledger.json"

# Width and height of the result that costs are told for, as in most papers since 2017.
STANDARD_SIZE = (1280, 720)

# The same for latencies: the heaviest network of the zoo still answers within half a minute.
LATENCY_SIZE = (256, 256)

_VERSION = 1


@dataclass(frozen=True)
class Cost:
    """What a network costs at one scale, for a result of `STANDARD_SIZE` or of its only size.

    Attributes:
        parameters: Trainable values.
        macs: Multiplications with their additions, as `superfine.inspection` counts them.
        activations: Values all convolutions put out.
        memory: Bytes of the tensors there at one time, in float32, beside weights and input.
        receptive_field: Height and width in LR pixels of what an output pixel sees; None where it
            sees the whole picture.
    """

    parameters: int
    macs: int
    activations: int
    memory: int
    receptive_field: int | None


@dataclass(frozen=True)
class Entry:
    """One network of the zoo.

    Attributes:
        name: What users type.
        channels: As in `ModelSpec`.
        side: As in `ModelSpec`.
        paper: Authors, title, venue, year.
        costs: Scale -> cost.
    """

    name: str
    channels: str
    side: int | None
    paper: str
    costs: Mapping[int, Cost]


@dataclass(frozen=True)
class Speed:
    """How fast shipped weights are on the machine of the ledger.

    Attributes:
        megapixels_per_second: Of output.
        times_bicubic: Time taken over that of bicubic interpolation, which differs less from
            machine to machine.
    """

    megapixels_per_second: float
    times_bicubic: float


@dataclass(frozen=True)
class Latency:
    """How long a network takes for one picture, alone: no files, no chroma, no tiles.

    Attributes:
        seconds: Of one core.
        size: Width and height of the result.
        machine: Where it was measured.
    """

    seconds: float
    size: tuple[int, int]
    machine: str


@dataclass(frozen=True)
class Ledger:
    """All of the zoo.

    Attributes:
        networks: Name -> network, in the order of the zoo.
        machine: Where the speeds were measured, and how; empty where none were.
        speeds: Name of a shipped file, or "bicubic" -> its speed.
        latency_machine: Where the latencies were measured, and how; empty where none were.
        latencies: Network and scale, as "rcan-x2" -> seconds as in `Latency`.
    """

    networks: Mapping[str, Entry]
    machine: str = ""
    speeds: Mapping[str, Speed] = field(default_factory=dict)
    latency_machine: str = ""
    latencies: Mapping[str, float] = field(default_factory=dict)

    def latency(self, network: str, scale: int) -> Latency | None:
        """How long `network` takes; None where that was not measured."""
        seconds = self.latencies.get(f"{network}-x{scale}")
        if seconds is None:
            return None
        side = self.networks[network].side
        width, height = (scale * (side or -(-length // scale)) for length in LATENCY_SIZE)
        return Latency(seconds, (width, height), self.latency_machine)


@cache
def read() -> Ledger:
    """The ledger that comes with the package."""
    return from_text(PATH.read_text(encoding="utf-8"))


def from_text(text: str) -> Ledger:
    """The ledger that `to_text` wrote."""
    values = json.loads(text)
    networks = {
        e["name"]: Entry(**{**e, "costs": {int(s): Cost(**c) for s, c in e["costs"].items()}})
        for e in values["networks"]
    }
    speeds = {name: Speed(**speed) for name, speed in values["speeds"].items()}
    return Ledger(
        networks, values["machine"], speeds, values["latency_machine"], values["latencies"]
    )


def to_text(ledger: Ledger) -> str:
    """`ledger` as JSON with a network on each line, so that a change shows where it is."""
    networks = ",\n".join(json.dumps(asdict(entry)) for entry in ledger.networks.values())
    speeds = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(asdict(speed))}" for name, speed in ledger.speeds.items()
    )
    latencies = ",\n".join(
        f"{json.dumps(name)}: {seconds}" for name, seconds in ledger.latencies.items()
    )
    return (
        f'{{"v": {_VERSION}, "size": {json.dumps(STANDARD_SIZE)},\n'
        f'"networks": [\n{networks}\n],\n'
        f'"machine": {json.dumps(ledger.machine)},\n'
        f'"speeds": {{\n{speeds}\n}},\n'
        f'"latency_size": {json.dumps(LATENCY_SIZE)},\n'
        f'"latency_machine": {json.dumps(ledger.latency_machine)},\n'
        f'"latencies": {{\n{latencies}\n}}}}\n'
    )
