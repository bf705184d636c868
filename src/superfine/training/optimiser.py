"""From a recipe's words to torch's optimiser, and how its step size and gradient are kept."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from superfine.errors import UsageError
from superfine.training.recipe.types import (
    AdamW,
    Clip,
    ClipNorm,
    ClipValue,
    Course,
    Optimiser,
    Plateau,
    Schedule,
    Sgd,
)
from superfine.training.recipe.types import Soap as SoapChoice
from superfine.training.soap import Soap


def make_optimiser(choice: Optimiser, network: nn.Module) -> Optimizer:
    """torch's optimiser; each group has, beside torch's keys, its factor `rate`.

    Raises:
        UsageError: When a name in `layers` begins no parameter's name.
    """
    groups = [
        {"params": parameters, "rate": factor}
        for factor, parameters in _by_factor(choice, network).items()
    ]
    if isinstance(choice, Sgd):
        return torch.optim.SGD(
            groups,
            lr=choice.learning_rate,
            momentum=choice.momentum,
            nesterov=choice.nesterov,
            weight_decay=choice.weight_decay,
            fused=True,
        )
    if isinstance(choice, SoapChoice):
        return Soap(
            groups,
            lr=choice.learning_rate,
            betas=choice.betas,
            eps=choice.eps,
            every=choice.every,
        )
    kind = torch.optim.AdamW if isinstance(choice, AdamW) else torch.optim.Adam
    return kind(
        groups,
        lr=choice.learning_rate,
        betas=choice.betas,
        eps=choice.eps,
        weight_decay=choice.weight_decay,
        fused=True,
    )


def _by_factor(choice: Optimiser, network: nn.Module) -> dict[float, list[Tensor]]:
    """Factor -> the trainable parameters it holds for; the longest beginning of a name counts."""
    named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    for beginning in choice.layers:
        if not any(name.startswith(beginning) for name, _ in named):
            known = ", ".join(dict.fromkeys(name.rsplit(".", 1)[0] for name, _ in named))
            raise UsageError(
                f"optimiser.layers: no parameter's name begins with {beginning!r}.",
                hint=f"The network has: {known}.",
            )
    groups: dict[float, list[Tensor]] = {}
    for name, parameter in named:
        fitting = [b for b in choice.layers if name.startswith(b)]
        factor = choice.layers[max(fitting, key=len)] if fitting else 1.0
        groups.setdefault(factor, []).append(parameter)
    return groups


@dataclass
class PlateauState:
    """What the plateau schedule remembers between scores.

    Attributes:
        best: The best score so far, higher being better; None before the first.
        waited: Scores in a row that were not better.
        share: Of the learning rate that is left.
    """

    best: float | None = None
    waited: int = 0
    share: float = 1.0

    def see(self, score: float, schedule: Plateau) -> None:
        """Lowers the share when `score` is one too many without being better."""
        if self.best is None or score > self.best + schedule.better_by:
            self.best, self.waited = score, 0
            return
        self.waited += 1
        if self.waited >= schedule.patience:
            self.share = max(self.share * schedule.factor, schedule.floor)
            self.waited = 0


def share_of_rate(schedule: Schedule, step: int, steps: int, plateau: PlateauState) -> float:
    """The share of the learning rate that optimiser step `step`, counted from 0, takes."""
    if step < schedule.warm_up:
        return (step + 1) / schedule.warm_up
    way = (step - schedule.warm_up) / max(1, steps - schedule.warm_up)
    return plateau.share if schedule.kind == "plateau" else _course(schedule, step, way)


def _course(schedule: Course, step: int, way: float) -> float:
    """The share at `step`, `way` of the whole run after the warm-up."""
    match schedule.kind:
        case "constant":
            return 1.0
        case "step":
            return max(float(schedule.factor ** (step // schedule.every)), schedule.floor)
        case "multistep":
            return math.prod(schedule.factor for at in schedule.at if step >= at)
        case "poly":
            return float((1 - way) ** schedule.power)
        case "cosine":
            return schedule.floor + (1 - schedule.floor) * (1 + math.cos(math.pi * way)) / 2


def set_rate(optimiser: Optimizer, rate: float) -> None:
    """Gives every group `rate` times its own factor."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["rate"]


def clip(choice: Clip, parameters: Iterable[Tensor], rate: float) -> None:
    """Shortens or cuts the gradient; `rate` is the learning rate of this step."""
    if isinstance(choice, ClipNorm):
        nn.utils.clip_grad_norm_(parameters, choice.at)
    elif isinstance(choice, ClipValue):
        nn.utils.clip_grad_value_(parameters, choice.at)
    else:
        nn.utils.clip_grad_value_(parameters, choice.theta / rate)


def tensors_of(optimiser: Optimizer) -> dict[str, Tensor]:
    """Everything the optimiser remembers, under `parameter number.what`."""
    state = optimiser.state_dict()["state"]
    return {
        f"{number}.{what}": value if isinstance(value, Tensor) else torch.tensor(value)
        for number, values in state.items()
        for what, value in values.items()
        if value is not None
    }


def restore(optimiser: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Puts back what `tensors_of` gave, each laid out in memory as its parameter is."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for name, value in tensors.items():
        number, what = name.split(".", 1)
        parameter = parameters[int(number)]
        if value.shape == parameter.shape:
            kept = torch.empty_like(parameter, dtype=value.dtype)
            optimiser.state[parameter][what] = kept.copy_(value)
        else:  # the count of steps, a single number
            optimiser.state[parameter][what] = value.clone().to(parameter.device)
