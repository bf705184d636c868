"""What to inspect: a network by its name, or whatever a weight file holds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from torch import nn

from superfine.checkpoints import load_model
from superfine.errors import UnknownNameError
from superfine.models import ModelSpec, find
from superfine.schema import build_empty

# What is shown of a network with several scales when nobody says.
_USUAL_SCALE = 4


@dataclass(frozen=True, eq=False)
class Subject:
    """What is to be inspected.

    Attributes:
        network: In evaluation mode; without memory where a name was given.
        spec: Its facts.
        scale: HR pixels per LR pixel.
        findings: What a foreign file was found to be, in sentences.
    """

    network: nn.Module
    spec: ModelSpec
    scale: int
    findings: tuple[str, ...] = ()


def subject(model: str, *, scale: int | None = None) -> Subject:
    """The network called `model`, or in the file `model`.

    Args:
        model: A network of the zoo, with or without weights ("rcan", "rcan-x3"), or whatever
            `load_model` takes.
        scale: HR pixels per LR pixel; None takes 4, or the nearest the network has.

    Raises:
        SuperfineError: When there is no such network, scale or file, as `load_model` does.
    """
    exact = re.fullmatch(r"(.+)-x(\d{1,3})", model)
    name, told = (exact[1], int(exact[2])) if exact else (model, scale)
    spec = _in_zoo(name)
    if spec is None:
        loaded = load_model(model, scale=scale)
        return Subject(loaded.network, loaded.spec, loaded.scale, loaded.findings)
    wanted = told or min(spec.scales, key=lambda s: (abs(s - _USUAL_SCALE), -s))
    if wanted not in spec.scales:
        raise UnknownNameError(
            f"{spec.name} has no scale {wanted}.",
            hint=f"It has: {', '.join(map(str, spec.scales))}.",
        )
    return Subject(build_empty(spec, wanted).to("meta").eval(), spec, wanted)


def _in_zoo(name: str) -> ModelSpec | None:
    try:
        return find(name)
    except UnknownNameError:
        return None
