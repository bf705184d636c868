"""What others have published: one figure a row of `results/papers.csv`, explained in
docs/published.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# First words of a source that put it before the figures of other people, best first.
_BEST = ("paper", "authors")


@dataclass(frozen=True)
class Published:
    """One figure that somebody published.

    Attributes:
        model: Name in our zoo, or of a network we do not have; "+" behind it: with self-ensemble.
        data_set: Name of a test set; "set5/baby" is one of its pictures. Costs that hang on no
            pictures stand under a size, as "1280x720", or "-".
        scale: HR pixels per LR pixel.
        metric: Such as "psnr", "ssim", "ifc", "rmse".
        value: The figure.
        printed: The figure with the digits it was published with.
        unit: "dB", "cm", "grey" (8-bit grey levels), "1" for a plain number, and so on.
        source: Where it stands. First comes who says so: "paper" and "paper tables" for the
            papers, "authors" for what they put beside their code, then everybody else.
        protocol: Name of our protocol for how it was measured, or a word for one we do not have;
            empty when unknown.
        trained_on: Names of picture sets joined by "+"; empty when unknown.
        doubtful: Whether it is a known slip, in another unit than it seems, or never compared with
            its source; `note` says which.
        note: One line for people; often empty.
    """

    model: str
    data_set: str
    scale: int
    metric: str
    value: float
    printed: str
    unit: str
    source: str
    protocol: str
    trained_on: str
    doubtful: bool
    note: str


@cache
def published() -> tuple[Published, ...]:
    """Every figure of `results/papers.csv`, in the order of the file.

    A row that stands for several networks of the zoo, such as VDSR with biases and without, comes
    once for each.
    """
    with _path().open(encoding="utf-8", newline="") as file:
        return tuple(figure for row in csv.DictReader(file) for figure in _figures(row))


def published_for(model: str, data_set: str, scale: int, metric: str) -> tuple[Published, ...]:
    """What has been published for one cell of a table, best first.

    Figures without doubts come first, and among them the paper's, then those of its authors; the
    rest keep the order of the file.
    """
    wanted = (model, data_set, scale, metric)
    found = (f for f in published() if (f.model, f.data_set, f.scale, f.metric) == wanted)
    return tuple(sorted(found, key=_rank))


def _rank(figure: Published) -> tuple[bool, int]:
    """Lower is better."""
    who = figure.source.replace(":", " ").replace(",", " ").split()[0]
    return figure.doubtful, _BEST.index(who) if who in _BEST else len(_BEST)


def _figures(row: Mapping[str, str]) -> Iterator[Published]:
    """The figure of a row, once for each of its networks."""
    for model in row["model"].split():
        yield Published(
            model=model,
            data_set=row["set"],
            scale=int(row["scale"]),
            metric=row["metric"],
            value=float(row["value"]),
            printed=row["value"],
            unit=row["unit"],
            source=row["source"],
            protocol=row["protocol"],
            trained_on=row["trained_on"],
            doubtful=row["doubtful"] == "yes",
            note=row["note"],
        )


def _path() -> Path:
    """The table: inside an installed package, beside `src` in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "results" / "papers.csv"
    return installed if installed.is_file() else package.parent.parent / "results" / "papers.csv"
