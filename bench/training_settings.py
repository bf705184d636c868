"""Which setting trains fastest on this machine: memory format and precision.

    python bench/training_settings.py [NETWORK ...]

Times bare PyTorch steps (forward, MSE, backward, fused Adam) on one batch. All settings of a
network take turns, and a line shows the median time and the ratio to plain eager float32, paired
turn by turn. docs/training.md tells which default follows, and why torch.compile is not among them.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from superfine.models import find

# Network, LR pixels on a side of a patch, batch; as the recipes have them.
CASES = {
    "fsrcnn": (24, 16),
    "espcn": (24, 16),
    "srcnn-955": (18, 16),
    "vdsr": (20, 8),
    "edsr-baseline": (24, 4),
}
TURNS = 9
SECONDS = 0.5


@dataclass(frozen=True)
class Setting:
    """One way to compute a step."""

    channels_last: bool = False
    precision: torch.dtype = torch.float32

    def __str__(self) -> str:
        parts = ["channels last" if self.channels_last else "plain"]
        parts += ["bf16"] if self.precision == torch.bfloat16 else []
        return ", ".join(parts)


SETTINGS = [
    Setting(),
    Setting(channels_last=True),
    Setting(precision=torch.bfloat16),
    Setting(channels_last=True, precision=torch.bfloat16),
]


def stepper(name: str, setting: Setting) -> Callable[[], None]:
    """A function that does one step of `name` in `setting`."""
    patch, batch = CASES[name]
    spec = find(name)
    channels = 3 if spec.channels == "rgb" else 1
    torch.manual_seed(0)
    network: nn.Module = spec.build(2)
    lr, hr = (
        torch.rand(batch, channels, patch, patch),
        torch.rand(batch, channels, 2 * patch, 2 * patch),
    )
    if setting.channels_last:
        network = network.to(memory_format=torch.channels_last)
        lr = lr.contiguous(memory_format=torch.channels_last)
        hr = hr.contiguous(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", setting.precision, enabled=setting.precision != torch.float32):
            sr = network(lr)
        F.mse_loss(sr.float(), hr).backward()
        optimiser.step()

    return step


def seconds(step: Callable[[], None], count: int) -> float:
    """What `count` steps take, each."""
    started = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - started) / count


if __name__ == "__main__":
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")  # noqa: T201
    for name in sys.argv[1:] or CASES:
        steppers = {setting: stepper(name, setting) for setting in SETTINGS}
        for step in steppers.values():
            seconds(step, 3)
        count = max(2, round(SECONDS / seconds(steppers[SETTINGS[0]], 3)))
        times: dict[Setting, list[float]] = {setting: [] for setting in SETTINGS}
        for _ in range(TURNS):
            for setting, step in steppers.items():
                times[setting].append(seconds(step, count))
        for setting in SETTINGS:
            ratio = statistics.median(
                base / own for base, own in zip(times[SETTINGS[0]], times[setting], strict=True)
            )
            middle = 1000 * statistics.median(times[setting])
            print(f"{name:14} {setting!s:30} {middle:8.1f} ms  {ratio:.2f}x", flush=True)  # noqa: T201
