"""What is wrong with a training set: pictures, pairs, repetitions, and leaks of the test set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from superfine.data.check.alike import Likeness, in_every_view, likeness, repeated, shared
from superfine.data.check.resize import MadeBy, made_by
from superfine.data.check.shift import Shift, shift_of
from superfine.data.listing import pictures_in
from superfine.data.pairs import match, read_named
from superfine.errors import SuperfineError, UsageError
from superfine.io.pictures import probe
from superfine.ops.codes import to_codes, to_unit
from superfine.ops.color import luma_uint8
from superfine.types import Image

_SCALES = (2, 3, 4, 8, 5, 6, 7, 1)  # tried in this order
_MOVED = 0.15  # LR pixels
_AGREES = 0.7  # a shift is believed from here on
_UNLIKE = 0.4  # below, the two show different things

Kind = Literal["unreadable", "alone", "size", "unlike", "shifted", "mixed", "duplicate", "leak"]
KINDS: tuple[Kind, ...] = (
    "unreadable", "alone", "size", "unlike", "shifted", "mixed", "duplicate", "leak",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something to look at.

    Attributes:
        kind: unreadable: cannot be decoded. alone: an HR without LR picture or the reverse.
            size: HR is not exactly so many times larger. unlike: the two show different things.
            shifted: LR lies beside HR. mixed: LR made by another resize than most.
            duplicate: shown before. leak: shown in a test folder too.
        files: The pictures it is about.
        message: In one line.
    """

    kind: Kind
    files: tuple[Path, ...]
    message: str


@dataclass(frozen=True)
class CheckedPair:
    """What was found out about one pair.

    Attributes:
        hr: Its HR picture.
        lr: Its LR picture.
        made_by: Which resize made LR; None where LR has no whole number of pixels.
        shift: How LR lies; None where that cannot be told.
    """

    hr: Path
    lr: Path
    made_by: MadeBy | None
    shift: Shift | None


@dataclass
class Checked:
    """All that was found.

    Attributes:
        scale: Of the pairs; None without LR folder.
        pictures: HR pictures looked at.
        pairs: What became of each pair.
        findings: In the order of `KINDS`.
    """

    scale: int | None
    pictures: int
    pairs: list[CheckedPair] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def resizes(self) -> dict[str, list[CheckedPair]]:
        """In words, what made LR pictures -> their pairs; most pairs first.

        Where several resizes give one result, as for a flat picture, it goes with the others.
        """
        made = [(pair, pair.made_by) for pair in self.pairs if pair.made_by is not None]
        votes = Counter(name for _, by in made if by.sure for name in by.names)
        found = defaultdict(list)
        for pair, by in made:
            most = max(votes[name] for name in by.names)
            names = " = ".join(name for name in by.names if votes[name] == most)
            found[names if by.sure else f"none of these; nearest: {by.names[0]}"].append(pair)
        return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def check(
    hr: Path,
    *,
    lr: Path | None,
    scale: int | None,
    test: Sequence[Path],
    on_progress: Callable[[int, int], None],
) -> Checked:
    """Looks at every picture of a training set once, and at every pair.

    Args:
        hr: Folder of HR pictures.
        lr: Folder of LR ones; None checks the HR pictures alone.
        scale: Of the pairs; None tells it from the first.
        test: Folders of pictures that must not be among the HR ones, whole or in pieces.
        on_progress: Called with pictures done, and their total.

    Raises:
        UsageError: A folder without pictures, or a scale that cannot be told.
    """
    paths = pictures_in(hr)
    tests = [path for folder in test for path in pictures_in(folder)]
    checked = Checked(None, len(paths))
    partners: dict[Path, Path] = {}
    if lr is not None:
        small = pictures_in(lr)
        checked.scale = scale or _scale_of(paths, small)
        matched, alone = match(paths, small, scale=checked.scale)
        partners = dict(matched)
        checked.findings += [Finding("alone", (p,), "has no partner") for p in alone]
    total = len(paths) + len(tests)
    known = []
    for done, path in enumerate(paths):
        on_progress(done, total)
        image = _read(path, checked)
        if image is not None:
            known.append(likeness(path, image.pixels, _luma(_codes(image)), marks=bool(test)))
            if path in partners:
                _check_pair(path, image, partners[path], checked)
    _check_resizes(checked)
    checked.findings += [
        Finding("duplicate", (a.second, a.first), f"{_ALIKE[a.how]} {a.first.name}")
        for a in repeated(known)
    ]
    _check_leaks(known, tests, checked, lambda done: on_progress(len(paths) + done, total))
    checked.findings.sort(key=lambda finding: KINDS.index(finding.kind))
    return checked


_ALIKE = {
    "same": "shows pixel for pixel the same as",
    "near": "looks the same as",
    "piece": "shares a piece with",
}


def _scale_of(hr: Sequence[Path], lr: Sequence[Path]) -> int:
    """The scale of the first pair that can be matched."""
    for scale in _SCALES:
        matched, _ = match(hr, lr, scale=scale)
        if matched:
            try:
                large, small = (probe(path) for path in matched[0])
            except SuperfineError:
                continue
            if round(large.width / small.width) == scale:
                return scale
    raise UsageError(
        f"How many times larger {hr[0].parent} is than {lr[0].parent} cannot be told.",
        hint="Give --scale; an LR name may end in x2 or _x2.",
    )


def _read(path: Path, checked: Checked) -> Image | None:
    try:
        return read_named(path)
    except SuperfineError as error:
        message = error.message.removeprefix(f"{path}: ")
        checked.findings.append(Finding("unreadable", (path,), f"{message} ({error.code})"))
        return None


def _codes(image: Image) -> UInt8[Tensor, "c h w"]:
    pixels = image.pixels
    return pixels if pixels.dtype == torch.uint8 else to_codes(to_unit(pixels), torch.uint8)


def _luma(codes: UInt8[Tensor, "c h w"]) -> Float[Tensor, "h w"]:
    return (codes if codes.shape[0] == 1 else luma_uint8(codes))[0].float()


def _check_pair(path: Path, image: Image, partner: Path, checked: Checked) -> None:
    assert checked.scale is not None
    scale = checked.scale
    other = _read(partner, checked)
    if other is None:
        return
    hr, lr = _codes(image), _codes(other)
    wanted = (scale * lr.shape[1], scale * lr.shape[2])
    if hr.shape[1:] != wanted:
        message = (
            f"is {hr.shape[2]}×{hr.shape[1]} and {partner.name} {lr.shape[2]}×{lr.shape[1]}; "
            f"at scale {scale} it must be {wanted[1]}×{wanted[0]}"
        )
        checked.findings.append(Finding("size", (path, partner), message))
        if (hr.shape[1] // scale, hr.shape[2] // scale) != lr.shape[1:]:
            checked.pairs.append(CheckedPair(path, partner, None, None))
            return
        hr = hr[:, : wanted[0], : wanted[1]]  # as who shrank it has surely cut it
    if hr.shape[0] != lr.shape[0]:
        colours = {1: "grey", 3: "in colour"}
        message = f"is {colours[hr.shape[0]]} and {partner.name} {colours[lr.shape[0]]}"
        checked.findings.append(Finding("size", (path, partner), message))
        hr, lr = (_luma(codes).to(torch.uint8)[None] for codes in (hr, lr))
    by = made_by(hr, lr, scale) if scale > 1 else None
    shift = shift_of(_luma(lr), _luma(hr), scale=scale)
    checked.pairs.append(CheckedPair(path, partner, by, shift))
    if shift is not None:
        _judge_shift(shift, path, partner, checked)


def _judge_shift(shift: Shift, path: Path, partner: Path, checked: Checked) -> None:
    assert checked.scale is not None
    if shift.agreement < _UNLIKE:
        message = f"and {partner.name} show different things"
        checked.findings.append(Finding("unlike", (path, partner), message))
    elif shift.agreement >= _AGREES:
        moved = max(abs(shift.right), abs(shift.down))
        if moved > _MOVED * checked.scale:
            message = (
                f"and {partner.name} do not lie on each other: LR is {shift.right:+.1f} HR pixels "
                f"to the right, {shift.down:+.1f} down"
            )
            checked.findings.append(Finding("shifted", (path, partner), message))


def _check_resizes(checked: Checked) -> None:
    """Notes the pairs that were surely made otherwise than most."""
    resizes = checked.resizes()
    sure = {
        name: [pair for pair in pairs if pair.made_by is not None and pair.made_by.sure]
        for name, pairs in resizes.items()
    }
    known = [name for name, pairs in sure.items() if pairs]
    for name in known[1:]:
        checked.findings += [
            Finding("mixed", (pair.lr,), f"was shrunk by {name}, most others by {known[0]}")
            for pair in sure[name]
        ]


def _check_leaks(
    known: Sequence[Likeness],
    tests: Sequence[Path],
    checked: Checked,
    on_progress: Callable[[int], None],
) -> None:
    looked_at = []
    for done, path in enumerate(tests):
        on_progress(done)
        image = _read(path, checked)
        if image is not None:
            looked_at.append(in_every_view(path, image.pixels, _luma(_codes(image))))
    found: dict[tuple[Path, Path], str] = {}
    for view, seen in enumerate(zip(*looked_at, strict=True)):
        how = ", turned or mirrored" if view else ""
        for a in shared(known, seen):
            found.setdefault((a.first, a.second), f"{_ALIKE[a.how]} {a.second}{how}")
    checked.findings += [Finding("leak", paths, said) for paths, said in sorted(found.items())]
