"""Metrics as they are typed: `psnr,ssim,lpips=alexnet.pth`."""

from __future__ import annotations

from pathlib import Path

from superfine.benchmark.metric import Metric, find_metric, with_weights
from superfine.errors import UsageError


def parsed_metrics(text: str) -> dict[str, Metric]:
    """The metrics of a list between commas, by their names, in their order.

    Raises:
        UnknownNameError: A metric nobody knows.
        UsageError: One that needs a weight file without it, or an empty name.
    """
    found = {}
    for word in text.split(","):
        name, equals, file = word.strip().partition("=")
        if not name:
            raise UsageError(f"--metrics {text!r} names nothing.", hint="Such as: psnr,ssim,ifc")
        metric = with_weights(name, Path(file)) if equals else find_metric(name)
        found[metric.name] = metric
    return found
