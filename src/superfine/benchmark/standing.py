"""Where figures of ours stand beside published ones: beaten, met, short, or not measured.

docs/results.md, which `bench/results.py` writes, is made of this.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Literal

from superfine.benchmark.papers import Published
from superfine.benchmark.protocol import PROTOCOLS
from superfine.card import Card
from superfine.data.catalogue import CATALOGUE

Standing = Literal["beaten", "met", "short", "not measured"]

# Why a cell is not measured: no weights are shipped, pictures of the set are missing, the weights
# were trained on the set, or nobody has run the benchmark yet.
Lack = Literal["weights", "pictures", "seen", "row"]

LOWER_IS_BETTER = frozenset({"rmse", "lpips", "dists", "fid", "niqe"})

# Luma of the same pictures: where only y-matlab was measured, it may stand beside these.
_NEAR_Y_MATLAB = ("seed-zoo", "y-rgb")


@dataclass(frozen=True)
class Measured:
    """One row of `results/measured.csv`, as far as it is needed here.

    Attributes:
        date: UTC, as 2026-01-31T12:00:00Z.
        model: What the user called it.
        weights: sha256 of its tensors; empty where there are none.
        data_set: Name in the catalogue.
        pictures: How many the mean is over.
        scale: HR pixels per LR pixel.
        protocol: Name of the protocol.
        metric: Such as "psnr".
        value: The mean, with the digits of the table.
    """

    date: str
    model: str
    weights: str
    data_set: str
    pictures: int
    scale: int
    protocol: str
    metric: str
    value: Decimal


def read_measured(path: Path) -> tuple[Measured, ...]:
    """The rows that may stand beside published ones, in the order of the file.

    Left out are self-ensembles, and LR pictures that the protocol has not made itself.
    """
    made_by = {protocol.name: protocol.resize.name for protocol in PROTOCOLS}
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Measured(
                date=row["date"],
                model=row["model"],
                weights=row["weights_sha256"],
                data_set=row["set"],
                pictures=int(row["pictures"]),
                scale=int(row["scale"]),
                protocol=row["protocol"],
                metric=row["metric"],
                value=Decimal(row["value"]),
            )
            for row in csv.DictReader(file)
            if row["self_ensemble"] == "no" and row["lr"] == made_by.get(row["protocol"])
        )


@dataclass(frozen=True)
class Cell:
    """One published figure, and ours beside it.

    Attributes:
        figure: What was published.
        standing: The verdict.
        ours: What was measured; None where nothing was.
        lack: Why nothing was; None where something was.
        gain: How much better ours is, in the unit of the figure: below 0 is worse, for metrics of
            which less is better too. None where nothing was measured.
    """

    figure: Published
    standing: Standing
    ours: Measured | None = None
    lack: Lack | None = None
    gain: Decimal | None = None

    @property
    def of_another_protocol(self) -> bool:
        """Whether ours was measured in another way than the figure."""
        return self.ours is not None and self.ours.protocol != self.figure.protocol

    @property
    def ours_cut(self) -> str:
        """Ours with one digit more than the figure has, the rest cut off for the worse."""
        if self.gain is None:
            return ""
        cut, printed = self._cut(self.gain), Decimal(self.figure.printed)
        return str(printed - cut if self.figure.metric in LOWER_IS_BETTER else printed + cut)

    @property
    def gain_cut(self) -> str:
        """The gain with its sign and one digit more than the figure has, cut off for the worse."""
        return "" if self.gain is None else f"{self._cut(self.gain):+f}"

    def _cut(self, gain: Decimal) -> Decimal:
        return gain.quantize(_last_digit(self.figure.printed) / 10, ROUND_FLOOR)


def judged(figure: Published, ours: Measured, *, exact: bool = False) -> Cell:
    """`ours` beside `figure`.

    A printed figure stands for all that is rounded to it: ours meets it within half a unit of its
    last digit, beats it above, and is short below.

    Args:
        figure: What was published.
        ours: What was measured.
        exact: Whether the lower half is short too: it is met from the printed figure upwards.
    """
    gain = ours.value - Decimal(figure.printed)
    if figure.metric in LOWER_IS_BETTER:
        gain = -gain
    half = _last_digit(figure.printed) / 2
    standing: Standing = "met"
    if gain > half:
        standing = "beaten"
    elif gain < (0 if exact else -half):
        standing = "short"
    return Cell(figure, standing, ours=ours, gain=gain)


def _last_digit(printed: str) -> Decimal:
    """One unit of the last digit: 0.01 for "36.66"."""
    return Decimal(1).scaleb(int(Decimal(printed).as_tuple().exponent))


@dataclass(frozen=True)
class Shelf:
    """All there is to set beside published figures.

    Attributes:
        rows: What was measured, oldest first where dates are equal.
        cards: Of the shipped weights; figures of other weights count for nothing.
        absent: Sets of which pictures are missing here.
    """

    rows: tuple[Measured, ...]
    cards: tuple[Card, ...]
    absent: frozenset[str] = frozenset()

    def stand(self, figure: Published, models: Sequence[str], *, exact: bool = False) -> Cell:
        """`figure` beside the newest measurement of the first of `models` that has one.

        The figure's own protocol comes first; then, for other ways to compare luma, `y-matlab`.
        Means over a part of a set, and weights trained on it, are passed over.
        """
        near = ("y-matlab",) if figure.protocol in _NEAR_Y_MATLAB else ()
        rows = [row for row in self.rows if _of(figure, row) and _is_whole(row)]
        for model in models:
            known = {c.sha256 for c in self._cards(model) if not _has_seen(c, figure.data_set)}
            for protocol in (figure.protocol, *near):
                found = [
                    row
                    for row in rows
                    if row.protocol == protocol
                    and (row.weights in known if row.weights else row.model == model == "bicubic")
                ]
                if found:
                    newest = max(enumerate(found), key=lambda pair: (pair[1].date, pair[0]))[1]
                    return judged(figure, newest, exact=exact)
        return Cell(figure, "not measured", lack=self._lack(figure, models))

    def _cards(self, model: str) -> Iterator[Card]:
        return (card for card in self.cards if card.architecture == model)

    def _lack(self, figure: Published, models: Sequence[str]) -> Lack:
        if figure.data_set.partition("/")[0] in self.absent:
            return "pictures"
        cards = [c for m in models for c in self._cards(m) if c.scale == figure.scale]
        if not cards and "bicubic" not in models:
            return "weights"
        if cards and all(_has_seen(card, figure.data_set) for card in cards):
            return "seen"
        return "row"


def _of(figure: Published, row: Measured) -> bool:
    wanted = (figure.data_set, figure.scale, figure.metric)
    return (row.data_set, row.scale, row.metric) == wanted


def _is_whole(row: Measured) -> bool:
    return any(s.name == row.data_set and s.pictures == row.pictures for s in CATALOGUE)


def _has_seen(card: Card, data_set: str) -> bool:
    """Whether weights were trained on pictures of a folder in which `data_set` lies."""
    folders = {f for s in CATALOGUE if s.name == data_set for f in s.folders}
    names = (text.split(" (")[0] for text in card.training_data)
    return any(name in folders or f"train/{name}" in folders for name in names)
