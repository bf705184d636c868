"""Why a score differs from a published one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from superfine.benchmark.output import Output
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.resizes import Resize
from superfine.benchmark.verdict.mistakes import Mistake, combined, may_bring
from superfine.benchmark.verdict.setting import Setting, scores, setting_of
from superfine.errors import UsageError

TOLERANCE = 0.02  # dB: what another machine or library changes of a figure
_EXPLAINED = 0.75  # of the difference to our figure that a cause must account for
_TIED = 0.002  # dB
_PER_MISTAKE = 0.004  # dB that another mistake must bring to be believed
_TOLD = 3  # settings that fit equally well, in one sentence
_BY_TRAINING = 0.5  # dB by which the same network, trained again, may differ


@dataclass(frozen=True)
class Verdict:
    """What explains a published or claimed PSNR that is not ours.

    Attributes:
        claimed: Their figure, in dB.
        ours: What the protocol gives, in dB.
        cause: Name of the setting that fits, two with " + " between them; empty where none does.
        explained: What our results score under that setting, in dB; NaN where none fits.
        sentence: For people: "36.21 is RGB; on Y it is 38.40."
        also: Names of other settings that fit as well, the usual ones first.
    """

    claimed: float
    ours: float
    cause: str
    explained: float
    sentence: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A printed number.

    Attributes:
        value: The number.
        decimals: Digits after the point.
    """

    value: float
    decimals: int

    @property
    def half(self) -> float:
        """What rounding may have changed, in units of the number."""
        return 0.5 * 10.0**-self.decimals + 1e-6

    def like(self, number: float) -> str:
        """Another number with as many digits, but two at least."""
        return f"{number:.{max(2, self.decimals)}f}"

    def __str__(self) -> str:
        return f"{self.value:.{self.decimals}f}"


def figure_of(printed: str) -> Figure:
    """The figure in `printed`.

    Raises:
        UsageError: When it is no number.
    """
    try:
        value = float(printed)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{printed!r} is no PSNR.", hint="Give a number of decibels, as 36.21.")
    return Figure(value, len(printed.strip().partition(".")[2]))


@dataclass(frozen=True)
class _Fit:
    """One way to explain a figure.

    Attributes:
        mistakes: One, or some that were made together.
        score: What the results score then, in dB.
        cost: How far that is from the figure, in dB; more for more mistakes.
    """

    mistakes: tuple[Mistake, ...]
    score: float
    cost: float

    @property
    def name(self) -> str:
        return " + ".join(mistake.name for mistake in self.mistakes)

    @property
    def says(self) -> str:
        return " and ".join(mistake.says for mistake in self.mistakes)


@dataclass(frozen=True)
class Rescored:
    """What one set of results scores, rightly and wrongly.

    Attributes:
        protocol: How it is measured rightly.
        scale: HR pixels per LR pixel.
        scores: Setting -> PSNR in dB.
        remade: Whether results can be made again, and so are our own.
    """

    protocol: Protocol
    scale: int
    scores: Mapping[Setting, float]
    remade: bool = False

    @property
    def ours(self) -> float:
        """The right PSNR, in dB."""
        return self.scores[setting_of(self.protocol)]

    @cached_property
    def wrong(self) -> list[tuple[tuple[Mistake, ...], float]]:
        """Mistakes that were made together, and the PSNR then; the usual ones first."""
        tried = combined(self.protocol, self.scale)
        return [(made, self.scores[setting]) for made, setting in tried if setting in self.scores]


def explain(
    outputs: Callable[[], Iterable[Output]],
    protocol: Protocol,
    claimed: str,
    *,
    rerun: Callable[[Resize], Iterable[Output]] | None = None,
    tolerance: float = TOLERANCE,
) -> Verdict | None:
    """Which usual mistake turns our PSNR into `claimed`; None where the two agree.

    The set is gone through once, and once more for each resize that could bring the difference.

    Args:
        outputs: Gives the results of the set, one after the other.
        protocol: How they are measured rightly.
        claimed: Their figure for the set, in dB, as printed: "36.21" is 36.205 to 36.215.
        rerun: Gives the results of the same network on LR pictures made by another resize; None
            for results that cannot be made again.
        tolerance: As in `verdict`.

    Raises:
        UsageError: When `claimed` is no number, or the set is empty.
    """
    figure = figure_of(claimed)  # before a network runs for minutes
    rescored = rescore(outputs(), protocol)
    if rerun is not None:
        rescored = rescore_again(rescored, rerun, near=figure)
    return verdict(rescored, claimed, tolerance=tolerance)


def rescore(outputs: Iterable[Output], protocol: Protocol) -> Rescored:
    """What results score under every mistake but those of LR pictures, in one pass.

    Raises:
        UsageError: When there are none.
    """
    results = iter(outputs)
    first = next(results, None)
    if first is None:
        raise UsageError("There are no results.", hint="Give a set with pictures.")
    scale, right = first.scale, setting_of(protocol)
    tried = [right, *(setting for _, setting in combined(protocol, scale))]
    wanted = [setting for setting in tried if setting.resize is None]
    return Rescored(protocol, scale, scores(chain((first,), results), protocol, wanted))


def rescore_again(
    rescored: Rescored,
    rerun: Callable[[Resize], Iterable[Output]],
    *,
    near: Figure | None = None,
) -> Rescored:
    """`rescored` with what results on other LR pictures score.

    Args:
        rescored: What is known already.
        rerun: As in `explain`.
        near: Leave out LR pictures that cannot bring the score there; None takes all.
    """
    found = dict(rescored.scores)
    by_resize: dict[Resize, list[Setting]] = defaultdict(list)
    for _, setting in combined(rescored.protocol, rescored.scale):
        if setting.resize is None:
            continue
        before = found.get(replace(setting, resize=None))
        if before is not None and (near is None or may_bring(setting.resize, near.value - before)):
            by_resize[setting.resize].append(setting)
    for resize, settings in by_resize.items():
        protocol = replace(rescored.protocol, colour_resize=resize)
        found |= scores(rerun(resize), protocol, settings)
    return replace(rescored, scores=found, remade=True)


def verdict(rescored: Rescored, claimed: str, *, tolerance: float = TOLERANCE) -> Verdict | None:
    """Which mistake brings the results to `claimed`; None where they are there already.

    Args:
        rescored: Of the results.
        claimed: A PSNR in dB, as printed.
        tolerance: In dB, how far from `claimed` a setting may score and still explain it. Two
            mistakes at once must fit to the last digit.

    Raises:
        UsageError: When `claimed` is no number.
    """
    figure = figure_of(claimed)
    away = abs(figure.value - rescored.ours)
    if away <= figure.half:
        return None
    fits = _fits(rescored, figure, tolerance)
    if fits and fits[0].cost < away - figure.half:
        return _named(fits, figure, rescored)
    if away <= tolerance:
        return None
    sentence = _nothing_fits(rescored, figure)
    return Verdict(figure.value, rescored.ours, "", math.nan, sentence)


def _fits(rescored: Rescored, figure: Figure, tolerance: float) -> list[_Fit]:
    """The settings that explain `figure`, best first; only those that do so equally well."""
    fits = []
    unexplained = (1 - _EXPLAINED) * abs(figure.value - rescored.ours)
    for mistakes, score in rescored.wrong:
        away = abs(score - figure.value)
        allowed = min(tolerance, unexplained) if len(mistakes) == 1 else 0.0
        if away <= max(figure.half, allowed):
            cost = max(0.0, away - figure.half) + _PER_MISTAKE * (len(mistakes) - 1)
            fits.append(_Fit(mistakes, score, cost))
    least = min((fit.cost for fit in fits), default=0.0)
    return [fit for fit in fits if fit.cost <= least + _TIED]


def _named(fits: Sequence[_Fit], figure: Figure, rescored: Rescored) -> Verdict:
    best, *others = fits
    right = best.mistakes[0].right if len(fits) == len(best.mistakes) == 1 else ""
    right = right or f"under {rescored.protocol.name}"
    says = ", or ".join(fit.says for fit in fits[:_TOLD])
    says += ", or others" if len(fits) > _TOLD else ""
    either = "either " if others else ""
    sentence = f"{figure} is {either}{says}; {right} it is {figure.like(rescored.ours)}."
    if rescored.remade and abs(figure.value - rescored.ours) <= _BY_TRAINING:
        sentence += " Other weights may differ as much."
    also = tuple(other.name for other in others)
    return Verdict(figure.value, rescored.ours, best.name, best.score, sentence, also)


def _nothing_fits(rescored: Rescored, figure: Figure) -> str:
    away = abs(figure.value - rescored.ours)
    says = (
        f"None of the usual mistakes gives {figure}; {rescored.protocol.name} gives "
        f"{figure.like(rescored.ours)}."
    )
    if away <= _BY_TRAINING:
        return f"{says} Other weights may differ by {figure.like(away)} dB."
    alone = [(m[0], score) for m, score in rescored.wrong if len(m) == 1 and math.isfinite(score)]
    if not alone:
        return says
    mistake, score = min(alone, key=lambda found: abs(found[1] - figure.value))
    return f"{says} The nearest, {figure.like(score)}, is {mistake.says}."
