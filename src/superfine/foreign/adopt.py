"""Recognised weights as a network of ours, and what was found and assumed on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from superfine.errors import ModelFileError
from superfine.foreign.convention import (
    Convention,
    Entry,
    borders_differ,
    convention_of,
    convert,
    entry_of,
)
from superfine.foreign.probe import EQUALS, RESEMBLES, agreement
from superfine.foreign.recognise import Recognised
from superfine.foreign.shift import told_by_shift
from superfine.schema import listed

# So many decibels better, another convention is believed against the usual one of a layout, and
# against a likelier one where nothing is told.
_CLEARLY, _SURELY = 3.0, 6.0

_CHANNELS = {
    "rgb": "RGB",
    "y": "luma, taken as BT.601 on 16 to 235 of 255",
    "depth": "depth maps",
    "depth+guide": "depth maps with a guide",
    "depth+rgb": "depth maps with a guide in colour",
    "depth+start": "depth maps with a guide in colour and a start",
}


@dataclass(frozen=True, eq=False)
class Adopted:
    """Weights of others, converted for a network of ours.

    Attributes:
        tensors: Under our names.
        findings: What the file was found to be, and what had to be assumed; one sentence each.
    """

    tensors: Mapping[str, Tensor]
    findings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Trial:
    """The weights read for one convention, and how close to bicubic they come."""

    convention: Convention
    tensors: Mapping[str, Tensor]
    decibels: float


def adopt(
    found: Recognised, tensors: Mapping[str, Tensor], network: nn.Module, *, scale: int
) -> Adopted:
    """`tensors` converted to the convention of `network`, which then holds them.

    Theirs is told by the file itself; else by whose layout it has, unless another makes a network
    that enlarges a picture much better; else by which one makes the best. It is tried in any case.

    Args:
        found: What the file holds.
        tensors: What `found.read` returned.
        network: The network of `found` with these weights, in evaluation mode.
        scale: HR pixels per LR pixel of `network`.

    Raises:
        ModelFileError: When the file takes a colour off that the network has no place for.
    """
    if found.spec.side is not None:  # far too large to try
        return Adopted(tensors, tuple(_what(found)))
    ours, entry = convention_of(network), entry_of(found.spec)
    told, why, certain = _told(found, tensors, ours)
    if told is not None and not entry.first and told.into != ours.into:
        raise ModelFileError(
            f"The file takes a colour off the picture, which {found.spec.name} has no place for."
        )
    trials: list[_Trial] = []
    own = found.told == "own names"
    for convention in [ours] if own else _conventions(entry, told):
        converted = convert(tensors, entry, convention, ours)
        if not any(_same(converted, trial.tensors) for trial in trials):
            network.load_state_dict(converted, assign=True)
            trials.append(_Trial(convention, converted, agreement(network, found.spec, scale)))
    margin = _CLEARLY if told is None else _SURELY
    # What the picture itself is added to resembles an enlargement however it is misread.
    firm = certain or (told is not None and entry.skips)
    chosen = trials[0] if firm else _chosen(trials, margin)
    network.load_state_dict(chosen.tensors, assign=True)
    findings = [*_what(found), _values(chosen, trials, why)]
    if borders_differ(chosen.convention, ours) or (entry.mirrored and not own):
        findings.append("Near the edges of a picture results differ a little from the authors'.")
    if chosen.decibels < RESEMBLES:
        findings.append(
            "Warning: what it makes of a test picture is no enlargement of it. The weights are "
            "untrained, or made for another task, scale or range of values."
        )
    return Adopted(chosen.tensors, tuple(findings))


def _told(
    found: Recognised, tensors: Mapping[str, Tensor], ours: Convention
) -> tuple[Convention | None, str, bool]:
    """The convention that the file or its names tell, what tells it, and whether that is sure."""
    if (shift := told_by_shift(found.view.aside, tensors)) is not None:
        return shift, "as the file itself tells", True
    if found.told == "own names":
        return ours, "as our own", True
    if found.layout is not None:
        return found.layout.convention, f"as usual with {found.layout.source}", False
    return None, "which suits a test picture best", False


def _conventions(entry: Entry, told: Convention | None) -> Iterator[Convention]:
    """What to try, the likeliest first."""
    if told is None:
        yield from entry.likely
        return
    yield told
    for span in dict.fromkeys(convention.span for convention in entry.likely):
        if span != told.span:
            yield replace(told, span=span)


def _same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return all(one[name] is other[name] for name in one)


def _chosen(trials: list[_Trial], margin: float) -> _Trial:
    first, best = trials[0], max(trials, key=lambda trial: trial.decibels)
    # Untrained weights resemble nothing under any convention, or do nothing under all.
    better = min(best.decibels, EQUALS) > max(first.decibels + margin, RESEMBLES)
    return best if better else first


def _what(found: Recognised) -> Iterator[str]:
    """What the file holds, and what of it is not used."""
    how = {
        "own names": "under our own names",
        "names": "its layers told by their shapes and numbers",
        "order": "its layers of equal shape taken in the order of the file",
    }
    named = how.get(found.told) or f"in the layout of {found.layout and found.layout.source}"
    yield f"The file holds {found.spec.name}, {_CHANNELS[found.spec.channels]}, {named}."
    if found.view.part:
        yield f"Used is {found.view.part}; the rest of the file is left out."
    if left := [name for name, tensor in found.view.aside.items() if tensor.shape in ((), (1,))]:
        yield f"Left out are numbers that belong to no layer: {listed(left, most=3)}."


def _values(chosen: _Trial, trials: list[_Trial], why: str) -> str:
    """The convention taken, why, and how it compares with the others."""
    if chosen is not trials[0] and why.startswith("as "):
        why = f"although {why.removeprefix('as ')} are {trials[0].convention}"
    others = [f"{t.decibels:.1f} dB with {t.convention}" for t in trials if t is not chosen]
    compared = f" ({listed(others, most=2)})" if others else ""
    return (
        f"It works on {chosen.convention}, {why}; on a test picture it agrees with bicubic "
        f"to {chosen.decibels:.1f} dB{compared}."
    )
