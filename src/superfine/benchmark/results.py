"""What a benchmark found, as values that can be printed, stored and compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from superfine.benchmark.papers import Published
from superfine.benchmark.verdict.explain import Verdict


@dataclass(frozen=True)
class PictureResult:
    """One picture.

    Attributes:
        picture: Its name, without the ending.
        values: Metric -> number; a metric that cannot be had of it, as MS-SSIM of a small picture,
            is missing.
    """

    picture: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Cell:
    """One model on one set at one scale.

    Attributes:
        model: What the user called it, or the folder of results that was scored.
        architecture: Its name in the zoo, which published figures are looked up by.
        weights: sha256 of its tensors; empty where there are none.
        data_set: Name in the catalogue, or of the user's folder.
        scale: HR pixels per LR pixel.
        protocol: Name of the protocol.
        lr: What made the LR pictures: the name of a resize, or a folder.
        self_ensemble: Whether results are means over the eight views.
        pictures: In the order of their names.
        seconds: Time of networks and metrics, summed over all cores.
        published: Metric -> the figure it is compared with; missing where none is known.
        verdict: Why the PSNR differs from the published one; None where it does not.
        notes: What to know of these figures, in sentences.
    """

    model: str
    architecture: str
    weights: str
    data_set: str
    scale: int
    protocol: str
    lr: str
    self_ensemble: bool
    pictures: tuple[PictureResult, ...]
    seconds: float
    published: Mapping[str, Published]
    verdict: Verdict | None = None
    notes: tuple[str, ...] = ()

    def mean(self, metric: str) -> float:
        """The mean over the pictures that have it, as tables print; NaN where none has."""
        values = [p.values[metric] for p in self.pictures if metric in p.values]
        return sum(values) / len(values) if values else math.nan

    def difference(self, metric: str) -> float | None:
        """Ours less the published figure; None where none is known."""
        known = self.published.get(metric)
        return None if known is None else self.mean(metric) - known.value


@dataclass(frozen=True)
class Benchmark:
    """All of a run, and where it was made.

    Attributes:
        cells: In the order of models, sets and scales.
        metrics: Names, in the order of the table.
        date: UTC, as 2026-01-31T12:00:00Z.
        version: Of superfine.
        commit: Of the checkout it runs from, "-dirty" after it where files were changed; empty
            for an installed package.
        torch: Its version.
        machine: What it ran on, in words.
    """

    cells: tuple[Cell, ...]
    metrics: tuple[str, ...]
    date: str
    version: str
    commit: str
    torch: str
    machine: str
