"""Which model a job takes when it has a budget: the best that keeps it.

The best has the highest PSNR on Set5, as the cards tell it, of the shipped weights for the scale
asked for; bicubic comes last. One model makes the whole job, chosen for its largest picture. A
folder that was begun with one goes on with it unless the budget is clearly exceeded, or clearly
allows a better one, so that measuring anew does not turn the job around.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from superfine import io
from superfine.budget.amounts import told_bytes, told_seconds
from superfine.budget.forecast import Fit, Picture, Way, distrust, fit, seconds_for
from superfine.checkpoints import LoadedModel
from superfine.errors import MemoryLimitError, SuperfineError, UsageError
from superfine.foreign.scale import nearest_scale
from superfine.inference import load_picture_model
from superfine.jobs.manifest import MANIFEST, read_entries
from superfine.jobs.outline import Outline, outline
from superfine.jobs.picture import limits_of, way_of
from superfine.jobs.plan import Planned
from superfine.jobs.request import STREAM, Request
from superfine.jobs.results import FileResult
from superfine.purposes import candidates_of

_LAST_RESORT = "bicubic"
# A job goes on with its model while a forecast is off by less than this, whichever way.
_SLACK = 1.5
# A picture that took so many times its forecast, or so little, and this many seconds of difference:
# the machine is not what it was.
_WRONG = 2.0
_SECONDS = 0.5


@dataclass(frozen=True)
class Offer:
    """A model that was looked at.

    Attributes:
        model: Its name in the zoo.
        loaded: The network.
        job: What the job comes to with it.
        seconds: What the largest picture will take; None where time does not matter.
        memory: Bytes the process will take for it; None where not even the smallest tiles fit.
        refusal: Why it does not fit into memory; None where it does.
    """

    model: str
    loaded: LoadedModel
    job: Outline
    seconds: float | None
    memory: int | None
    refusal: MemoryLimitError | None = None

    def told(self) -> str:
        """The model and what it would take."""
        parts = [told_seconds(self.seconds)] if self.seconds is not None else []
        parts += [told_bytes(self.memory)] if self.memory is not None else ["more memory"]
        return f"{self.model} ({', '.join(parts)})"

    def values(self) -> dict[str, object]:
        """The same for programs."""
        ms = None if self.seconds is None else round(1000 * self.seconds)
        return {"model": self.model, "predicted_ms": ms, "predicted_bytes": self.memory}


@dataclass(frozen=True)
class Choice:
    """The model of a job with a budget, and why.

    Attributes:
        taken: It.
        better: What would have been better but did not keep the budget.
        budget: Seconds for a picture; None without limit.
        picture: The largest, for which it was chosen; None where none could be looked at.
        way: How it is enlarged.
    """

    taken: Offer
    better: tuple[Offer, ...]
    budget: float | None
    picture: Planned | None
    way: Way

    @property
    def note(self) -> str:
        """In words for the user."""
        why = f"Chosen: {self.taken.told()}"
        if self.picture is not None:
            why += f", for {self.picture.label}"
        if self.better:
            return f"{why}. Over the budget: {', '.join(offer.told() for offer in self.better)}."
        return f"{why}. Nothing better is shipped for this scale."

    def values(self) -> dict[str, object]:
        """The same for programs."""
        return {**self.taken.values(), "over_budget": [offer.values() for offer in self.better]}

    def judged(self, result: FileResult, *, single: bool) -> FileResult:
        """`result` with a note of how its time compares; a forecast far off is not used again."""
        if result.status != "ok" or self.budget is None or self.taken.seconds is None:
            return result
        took, foretold = result.seconds, self.taken.seconds
        over = took > self.budget
        foreseen = self.picture is not None and result.planned.source == self.picture.source
        if foreseen:
            off = max(took, foretold) / max(min(took, foretold), 1e-9)
            if off > _WRONG and abs(took - foretold) > _SECONDS:
                distrust(self.taken.loaded, self.way)
        if not (single or over):
            return result
        note = f"{told_seconds(took)} taken of {told_seconds(self.budget)}"
        if foreseen:
            note += f", {told_seconds(foretold)} foretold"
        return replace(result, notes=(*result.notes, f"{note}."))


def choose(request: Request) -> Choice:
    """The best model for `request` that keeps its budget on this machine.

    Raises:
        UsageError: When no model is fast enough; it says what would be needed.
        MemoryLimitError: When none fits into memory; it says what would be needed.
        SuperfineError: Whatever makes the whole job impossible.
    """
    if STREAM in request.inputs:
        raise UsageError(
            "With a budget the size of a picture must be known before it is read; standard input "
            "does not tell it.",
            hint="Give a file, or choose a model with -m.",
        )
    last = load_picture_model(_LAST_RESORT, scale=request.scale)
    job = outline(request, _LAST_RESORT, last)
    planned, picture = _largest(job, request)
    way = way_of(request, picture)
    if planned is not None and planned.source is not None:
        named = planned.output or planned.source.with_suffix(job.naming.suffix(planned.source))
        way = replace(way, suffix=named.suffix)
    better: list[Offer] = []
    begun = ""
    names = list(_names(request, picture))
    if len(names) > 1:
        begun = next((name for name in names if _was_begun(request, name, picture)), "")
    for name in names:
        offer = _offer(request, name, picture, way)
        if _fits(offer, request.budget, begun, before=begun in names[names.index(name) + 1 :]):
            return Choice(offer, tuple(better), request.budget, planned, way)
        better.append(offer)
    raise _too_little(better, request)


def _names(request: Request, picture: Picture) -> Iterator[str]:
    """Networks with weights for the scale asked for, the best first, and bicubic."""
    candidates = candidates_of()
    scales = tuple({c.scale for c in candidates})
    if scales:
        ratio = _ratio(request, picture)
        scale = max(scales) if ratio is None else nearest_scale(scales, ratio)
        same = [c for c in candidates if c.scale == scale]
        yield from (c.architecture for c in sorted(same, key=lambda c: (-c.psnr, c.macs)))
    yield _LAST_RESORT


def _ratio(request: Request, picture: Picture) -> float | None:
    if request.size is None:
        return request.scale
    width, height = request.size.of(picture.width, picture.height)
    return max(width / picture.width, height / picture.height)


def _largest(job: Outline, request: Request) -> tuple[Planned | None, Picture]:
    """The planned picture that is the most work; one that cannot be read fails in its turn."""
    found: tuple[Planned | None, Picture] = (None, Picture(1, 1))
    for planned in job.plan.pictures:
        assert planned.source is not None
        with contextlib.suppress(SuperfineError, OSError):
            info = io.probe(planned.source, limits=limits_of(request))
            sample = 1 if info.bit_depth <= 8 else 2 if info.bit_depth <= 16 else 4
            picture = Picture(info.width, info.height, info.channels, sample, info.frames)
            if _work(picture) > _work(found[1]):
                found = planned, picture
    return found


def _work(picture: Picture) -> int:
    return picture.width * picture.height * picture.frames


def _load(request: Request, name: str, picture: Picture) -> LoadedModel:
    return load_picture_model(name, scale=_ratio(request, picture))


def _was_begun(request: Request, name: str, picture: Picture) -> bool:
    """Whether results of this job by the model `name` are there already."""
    job = outline(request, name, _load(request, name, picture))
    manifests = (read_entries(root / MANIFEST).values() for root in job.plan.roots)
    return any(entry.options == job.options for entries in manifests for entry in entries)


def _offer(request: Request, name: str, picture: Picture, way: Way) -> Offer:
    model = _load(request, name, picture)
    made = partial(Offer, name, model, outline(request, name, model))
    try:
        found: Fit = fit(model, picture, way)
    except MemoryLimitError as error:
        return made(None, None, error)
    seconds = None
    if request.budget is not None:
        seconds = seconds_for(model, picture, way, found)
    return made(seconds, found.memory)


def _fits(offer: Offer, budget: float | None, begun: str, *, before: bool) -> bool:
    """Whether `offer` keeps the budget; `before` one that the job was `begun` with, clearly."""
    if offer.refusal is not None:
        return False
    if budget is None or offer.seconds is None:
        return True
    slack = _SLACK if offer.model == begun else 1 / _SLACK if before else 1.0
    return offer.seconds <= budget * slack


def _too_little(offers: list[Offer], request: Request) -> SuperfineError:
    """What is wrong with a budget that nothing keeps, and the least that would do."""
    refusals = [offer.refusal for offer in offers if offer.refusal is not None]
    if len(refusals) == len(offers):
        return refusals[-1]
    fastest = min((o for o in offers if o.seconds is not None), key=lambda o: o.seconds or 0)
    assert fastest.seconds is not None
    assert request.budget is not None
    needed = told_seconds(fastest.seconds)
    return UsageError(
        f"Nothing keeps the budget of {told_seconds(request.budget)} here; {fastest.model}, the "
        f"fastest, takes about {needed}.",
        hint=f"Give --budget {_rounded_up(fastest.seconds)}.",
    )


def _rounded_up(seconds: float) -> str:
    """A time to type that leaves a little more."""
    if seconds < 1:
        return f"{-(-1200 * seconds // 10) * 10:.0f}ms"
    return f"{-(-1.2 * seconds // 1):.0f}s"
