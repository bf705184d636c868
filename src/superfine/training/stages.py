"""How good each stage of a cascade for depth is, while it learns and on maps it never saw.

A cascade answers at x2, x4, ... and then fuses; a fusion that is worse than the last stage, or a
first stage that does not learn, shows only here.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from superfine.benchmark.depth import DepthPair, DepthProtocol
from superfine.models import ModelSpec
from superfine.training.watching.watcher import Record

# Set -> scale ("x8") -> output ("1-x2") -> mean squared error on [0, 1].
Stages = Mapping[str, Mapping[str, Mapping[str, float]]]

_TERM = re.compile(r"mse/(\d+-x\d+)")


@torch.no_grad()
def stage_errors(
    network: nn.Module, spec: ModelSpec, pair: DepthPair, protocol: DepthProtocol
) -> dict[str, float]:
    """The mean squared error of each output on one map, on [0, 1], named as the terms of the loss.

    The truth of a stage is the truth shrunk as the protocol makes LR. Holes do not count. Empty
    where the network has one output. The network is left in the mode it came in.
    """
    training = network.training
    device = next(network.parameters()).device
    network.train()
    try:
        outputs = network(*pair.inputs(spec, device))
    finally:
        network.train(training)
    if isinstance(outputs, torch.Tensor):
        return {}
    errors = {}
    for number, output in enumerate(outputs, start=1):
        sr = output[0].cpu()
        size = sr.shape[-2], sr.shape[-1]
        truth, valid = protocol.operator.shrink_valid(pair.truth_as_lr, pair.valid, size)
        errors[f"{number}-x{size[0] // pair.lr.shape[-2]}"] = float(
            (sr - truth)[valid].double().square().mean()
        )
    return errors


def report(records: Sequence[Record]) -> str:
    """A table of every score in a log: loss and PSNR of each output, in training and validation.

    The columns of the public DSDMSR code, 20 for a cascade to x8: Train and Valid, Loss and PSNR,
    X2, X4, X8, MSF (the fusion) and Average; before them the step. What was minimised is in the
    training columns where it is the mean squared error, which PSNR follows from (peak 1); they are
    empty else. Validation is on the first set. Empty text where no score has stages.

    Args:
        records: Lines of the log, in order.
    """
    rows: list[list[object]] = []
    header: list[str] = []
    train: dict[str, float] = {}
    for record in records:
        if record["kind"] == "train":
            train = _terms(record)
        stages = record.get("stages")
        if not stages:
            continue
        valid = next(iter(next(iter(_mapping(stages).values())).values()))
        names = list(valid)
        header = header or _header(names)
        rows.append([record["step"], *_columns(train, names), *_columns(valid, names)])
    if not rows:
        return ""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    return text.getvalue()


def _terms(record: Record) -> dict[str, float]:
    found = {}
    for name, value in _mapping(record["terms"]).items():
        if match := _TERM.fullmatch(name):
            found[match[1]] = value
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    assert isinstance(value, Mapping)
    return value


def _header(names: Sequence[str]) -> list[str]:
    outputs = [*(f"X{name.partition('-x')[2]}" for name in names[:-1]), "MSF", "Average"]
    return [
        "Step",
        *(
            f"{phase}_{what}_{output}"
            for phase in ("Train", "Valid")
            for what in ("Loss", "PSNR")
            for output in outputs
        ),
    ]


def _columns(errors: Mapping[str, float], names: Sequence[str]) -> list[object]:
    """Loss of each output and their mean, and PSNR of each and their mean."""
    if set(names) - errors.keys():
        return [""] * (2 * len(names) + 2)
    losses = [errors[name] for name in names]
    psnrs = [-10 * math.log10(max(loss, 1e-12)) for loss in losses]
    return [*_with_mean(losses), *_with_mean(psnrs)]


def _with_mean(values: Sequence[float]) -> list[float]:
    return [*values, sum(values) / len(values)]
