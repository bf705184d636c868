"""What stands side by side in a figure: the LR picture, what each model makes of it, the truth."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jaxtyping import UInt8
from torch import Tensor

from superfine.benchmark.metric import USUAL, Metric, find_metric
from superfine.benchmark.output import Output
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.resizes import to_codes
from superfine.benchmark.run import LrCache, Task, measured, values_of
from superfine.benchmark.sets import PictureSet
from superfine.checkpoints import SUFFIXES as WEIGHTS
from superfine.data.folders import read_uint8
from superfine.data.listing import SUFFIXES as PICTURES
from superfine.errors import SizeMismatchError, UsageError
from superfine.inference import load_picture_model, pick_device
from superfine.models import bicubic

Codes = UInt8[Tensor, "c h w"]
Emphasis = Literal["best", "second"]

# Of fewer scored columns the second is the last, or nearly so.
_FEWEST_WITH_A_SECOND = 3


@dataclass(frozen=True, eq=False)
class Column:
    """One of the pictures that are compared.

    Attributes:
        name: What stands below it.
        picture: In the size of the cropped truth, grey or RGB.
        scores: Metric -> number; empty for the LR picture and the truth.
        note: What stands where others have their scores.
    """

    name: str
    picture: Codes
    scores: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Wanted:
    """One column as asked for.

    Attributes:
        name: What to call it.
        source: A model as `load_model` takes it, or a picture file.
    """

    name: str
    source: str

    @property
    def is_picture(self) -> bool:
        """Whether `source` is a result that was made before."""
        return Path(self.source).suffix.lower() in PICTURES


def wanted(text: str) -> Wanted:
    """`MODEL`, `FILE` or `NAME=` and one of them, as typed.

    Without a name, a file is called by its stem, and a network in capitals without its scale.
    """
    name, equals, source = text.partition("=")
    if equals and not Path(text).is_file():
        if not name.strip() or not source:
            raise UsageError(f"{text!r} names nothing.", hint="Give NAME=FILE or NAME=MODEL.")
        return Wanted(name.strip(), source)
    path = Path(text)
    if path.suffix.lower() in PICTURES or text.lower().endswith(WEIGHTS) or path.is_file():
        return Wanted(path.stem, text)
    return Wanted(re.sub(r"-x\d{1,3}$", "", text).upper(), text)


def model_task(
    asked: Wanted, picture: Path, *, scale: int, protocol: Protocol, self_ensemble: bool
) -> Task:
    """A benchmark of one model on one picture, the truth, ready to run.

    Raises:
        UsageError: When the model has another scale, or takes pictures of one size only.
        SuperfineError: Whatever loading it raises.
    """
    model = load_picture_model(asked.source, scale=scale)
    if model.scale != scale:
        raise UsageError(
            f"{asked.source} has no weights for x{scale}, but for x{model.scale}.",
            hint=f"Give --scale {model.scale}, or weights for x{scale}.",
        )
    if model.spec.side is not None:
        raise UsageError(
            f"{asked.source} takes {model.spec.side}x{model.spec.side} pixels only.",
            hint="Give its results as pictures: NAME=FILE.",
        )
    one = PictureSet(picture.stem, picture.parent, (picture,))
    return Task(asked.name, model, one, scale, protocol, self_ensemble, pick_device("auto"))


def model_column(task: Task) -> Column:
    """What the model of `task` makes of its one picture."""
    ((output, values, _),) = measured(task, _metrics(), LrCache())
    plus = "+" if task.self_ensemble and task.model.spec is not bicubic.SPEC else ""
    return Column(f"{task.label}{plus}", output.picture_codes(task.protocol), values)


def picture_column(
    asked: Wanted, hr: Codes, *, size: tuple[int, int], scale: int, protocol: Protocol
) -> Column:
    """A result that lies in a file, scored as it is.

    Args:
        asked: Its name and file.
        hr: The cropped truth.
        size: Rows and columns of the truth before it was cropped; a result so large is cropped too.
        scale: HR pixels per LR pixel.
        protocol: How it is compared.

    Raises:
        PictureError: When it is no picture of 8 bits.
        SizeMismatchError: When it is not as large as the truth.
    """
    picture = read_uint8(Path(asked.source))
    if tuple(picture.shape[-2:]) == size:
        picture = protocol.crop(picture, scale)
    if picture.shape[-2:] != hr.shape[-2:]:
        raise SizeMismatchError(
            f"{asked.source} is {picture.shape[-1]}x{picture.shape[-2]}, "
            f"the truth {hr.shape[-1]}x{hr.shape[-2]}.",
            hint=f"Give a result for scale {scale}.",
        )
    lr = protocol.lr(hr, scale, colour=hr.shape[0] == 3)
    output = Output("", scale, lr, picture.double() / 255, hr)
    return Column(asked.name, picture, values_of(output, protocol, _metrics()))


def lr_column(hr: Codes, *, scale: int, protocol: Protocol) -> Column:
    """The LR picture, each of its pixels as a square of HR ones."""
    small = to_codes(protocol.colour_resize.shrink(hr, scale))
    large = small.repeat_interleave(scale, dim=-2).repeat_interleave(scale, dim=-1)
    return Column("LR", large, note=f"{small.shape[-1]}×{small.shape[-2]}")


def truth_column(hr: Codes) -> Column:
    """The truth, which says below it what the numbers below the others are."""
    return Column("HR", hr, note="/".join(metric.title for metric in _metrics()))


def printed(metric: str, value: float) -> str:
    """A score as tables print it."""
    return "∞" if math.isinf(value) else f"{value:.{find_metric(metric).decimals}f}"


def emphases(columns: Sequence[Column], metric: str) -> list[Emphasis | None]:
    """Which columns are best and second best by `metric`; what is printed alike is alike."""
    found = find_metric(metric)
    scores = [column.scores.get(metric) for column in columns]
    rounded = [None if score is None else round(score, found.decimals) for score in scores]
    known = [score for score in rounded if score is not None]
    ranked = sorted(set(known), reverse=found.higher_is_better)
    marks: dict[float, Emphasis] = {}
    if len(known) > 1:
        marks[ranked[0]] = "best"
    if len(known) >= _FEWEST_WITH_A_SECOND and len(ranked) > 1:
        marks[ranked[1]] = "second"
    return [None if score is None else marks.get(score) for score in rounded]


def _metrics() -> list[Metric]:
    return [find_metric(name) for name in USUAL]
