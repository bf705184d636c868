"""Are these the pictures of that set? Told by what they show, whatever they are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import UInt8
from torch import Tensor

from superfine.data.catalogue.contents import Portrait, contents_of, portrait
from superfine.data.catalogue.sets import DataSet
from superfine.data.listing import pictures_in
from superfine.errors import SuperfineError
from superfine.io.pictures import read

OnProgress = Callable[[int, int], None]

# "other" is a picture of the set that is not as published. "unchecked" is one of a set of which
# not every picture is known here, and none of those that are.
State = Literal["exact", "other", "unknown", "unreadable", "missing", "unchecked"]

_CODES = "other codes: compressed again, changed, or by another JPEG decoder"
_GREY_AS_RGB = "grey stored as RGB: its luma is another, and so are its figures"


@dataclass(frozen=True)
class Look:
    """What is in a file.

    Attributes:
        file: A path of this machine, or one inside an archive.
        seen: Its portrait; None where it cannot be read.
        grey: The portrait of one channel, where a colour picture has three equal ones.
        fault: Why it cannot be read.
    """

    file: Path
    seen: Portrait | None
    grey: Portrait | None = None
    fault: str = ""


@dataclass(frozen=True)
class Finding:
    """What became of one picture.

    Attributes:
        file: Where it is; None for one that is missing.
        name: What it is usually called; empty where it is none that is known.
        state: Whether it is, to the last code, the picture of the set.
        why: What is different, in a few words; empty where nothing is.
        full_size: Whether it shows the picture of that name at the size it was published in.
    """

    file: Path | None
    name: str
    state: State
    why: str = ""
    full_size: bool = False


@dataclass(frozen=True)
class Verified:
    """Pictures held against a set.

    Attributes:
        data_set: The set.
        findings: One for each file, in order, then one for each known picture that is missing.
        known: Of how many pictures of the set the codes are known.
    """

    data_set: DataSet
    findings: tuple[Finding, ...]
    known: int

    def count(self, *states: State) -> int:
        """How many pictures are in one of `states`."""
        return sum(finding.state in states for finding in self.findings)

    @property
    def missing(self) -> int:
        """How many pictures of the set are not here, those without a known name among them."""
        present = self.count("exact", "other", "unchecked")
        return max(0, (self.data_set.pictures or present) - present)

    @property
    def sound(self) -> bool:
        """Whether all pictures are here, none is other than published, and nothing lies beside.

        Where no picture is known, whether there are as many as there should be.
        """
        right = self.count("exact", "unchecked")
        return right == len(self.findings) and self.data_set.pictures in (None, right)


def verify(data_set: DataSet, folder: Path, *, on_progress: OnProgress | None = None) -> Verified:
    """Holds every picture of `folder` against those of `data_set`.

    Args:
        on_progress: Called with the pictures looked at, and all there are.

    Raises:
        UsageError: When there is no such folder, or no picture in it.
    """
    files = pictures_in(folder)
    looks: list[Look] = []
    for count, file in enumerate(files, start=1):
        looks.append(look(file, file) if data_set.parts else Look(file, None))
        if on_progress is not None:
            on_progress(count, len(files))
    return matched(data_set, looks)


def look(file: Path, source: Path | bytes) -> Look:
    """Looks at the picture `source`, which is called `file`."""
    try:
        image = read(source)
    except SuperfineError as error:
        return Look(file, None, fault=error.message)
    codes = image.pixels
    if codes.dtype != torch.uint8:
        return Look(file, None, fault=f"{image.bit_depth} bits per sample, not 8")
    grey = portrait(file.stem, codes[:1]) if _is_grey(codes) else None
    return Look(file, portrait(file.stem, codes), grey)


def _is_grey(codes: UInt8[Tensor, "c h w"]) -> bool:
    return len(codes) == 3 and bool((codes[0] == codes[1]).all() and (codes[0] == codes[2]).all())


def matched(data_set: DataSet, looks: Sequence[Look]) -> Verified:
    """Which picture of `data_set` each of `looks` is; no two are the same one."""
    known = contents_of(data_set)
    free, findings = list(known), dict[Path, Finding]()
    for one in looks:
        entry = _exact(one, free)
        if entry is not None:
            free.remove(entry)
            findings[one.file] = Finding(one.file, entry.name, "exact", full_size=True)
    partly = len(known) != data_set.pictures
    for one in looks:
        if one.file not in findings:
            findings[one.file] = finding = _other(one, known, free, partly=partly)
            free = [entry for entry in free if entry.name != finding.name]
    missing = (Finding(None, entry.name, "missing") for entry in free)
    in_order = (findings[one.file] for one in looks)
    return Verified(data_set, (*in_order, *missing), len(known))


def _exact(one: Look, free: Sequence[Portrait]) -> Portrait | None:
    same = [entry for entry in free if one.seen and entry.sha256 == one.seen.sha256]
    # Two pictures of T91 are equal; each keeps its name.
    named = [entry for entry in same if entry.name == one.file.stem]
    return next(iter(named + same), None)


def _other(
    one: Look, known: Sequence[Portrait], free: Sequence[Portrait], *, partly: bool
) -> Finding:
    """What a file is that is not exactly one of the pictures left."""
    if one.fault:
        return Finding(one.file, "", "unreadable", one.fault)
    seen = one.seen
    alike = [] if seen is None else sorted(filter(seen.alike, known), key=seen.distance)
    if seen is None or not alike:
        if partly:
            return Finding(one.file, "", "unchecked")
        return Finding(one.file, "", "unknown", "none of this set")
    entry = next((e for e in alike if e in free), None)
    if entry is None:
        return Finding(one.file, "", "unknown", f"{alike[0].name} once more")
    return Finding(one.file, entry.name, "other", *_difference(one, seen, entry))


def _difference(one: Look, seen: Portrait, entry: Portrait) -> tuple[str, bool]:
    """What is different, and whether the size is not."""
    size, published = f"{seen.width}x{seen.height}", f"{entry.width}x{entry.height}"
    if size != published:
        return f"cut or resized: {size}, not {published}", False
    if one.grey is not None and one.grey.sha256 == entry.sha256:
        return _GREY_AS_RGB, True
    return _CODES, True
