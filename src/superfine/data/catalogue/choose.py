"""Which pictures of a folder or an archive are those of a set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from superfine.data.catalogue.contents import contents_of
from superfine.data.catalogue.sets import DataSet
from superfine.data.catalogue.sources import read_from, sizes_in
from superfine.data.catalogue.verify import Look, Verified, look, matched
from superfine.errors import WrongContentError

OnLook = Callable[[int, int], None]

# "img_001_SRF_2_HR.png" lies beside what several methods made of it.
_HR = re.compile(r"(^|[_-])HR$", re.IGNORECASE)


@dataclass(frozen=True)
class Chosen:
    """The pictures of a source that are to be the set.

    Attributes:
        verified: What they are; `file` is the path in the source.
        names: What each is to be called.
    """

    verified: Verified
    names: dict[PurePosixPath, str]


def choose(data_set: DataSet, source: Path, *, on_look: OnLook | None = None) -> Chosen:
    """The pictures of `data_set` in `source`, whatever they are called and however they lie.

    Where all pictures of the set are known, they are found by content, and get their usual names.
    Else one folder of the source is taken whole, with the names it has.

    Raises:
        WrongContentError: They are not all there, at their full size.
        UsageError: `source` cannot be read.
        LimitError: It holds more than a data set does.
    """
    groups = _groups(sizes_in(source))
    if not groups:
        raise WrongContentError(f"{source} holds no picture.", hint=_advice(data_set))
    if not data_set.parts:
        return _by_count(data_set, source, groups)
    paths = {path for group in groups for path in group}
    looks: dict[PurePosixPath, Look] = {}
    for path, data in read_from(source, paths):
        looks[path] = look(Path(path), data)
        if on_look is not None:
            on_look(len(looks), len(paths))
    whole = _kept(matched(data_set, list(looks.values())))
    if not whole.sound:
        each = (
            _kept(matched(data_set, [looks[path] for path in group if path in looks]))
            for group in groups
        )
        whole = max(each, key=_worth)
    _require_all(data_set, source, whole)
    return Chosen(whole, _names(data_set, whole))


def _groups(sizes: dict[PurePosixPath, int]) -> list[dict[PurePosixPath, int]]:
    """The pictures of each folder; where some say they are HR, only those."""
    groups: dict[PurePosixPath, dict[PurePosixPath, int]] = {}
    for path, size in sizes.items():
        groups.setdefault(path.parent, {})[path] = size
    return [
        {path: size for path, size in group.items() if _HR.search(path.stem)} or group
        for group in groups.values()
    ]


def _kept(verified: Verified) -> Verified:
    """Without files that are none of the set, and without named gaps."""
    kept = (f for f in verified.findings if f.state in ("exact", "other", "unchecked"))
    return Verified(verified.data_set, tuple(kept), verified.known)


def _worth(verified: Verified) -> tuple[int, int, int]:
    full = sum(finding.full_size for finding in verified.findings)
    return verified.count("exact"), full, verified.count("exact", "other")


def _require_all(data_set: DataSet, source: Path, best: Verified) -> None:
    right = sum(f.full_size or f.state == "unchecked" for f in best.findings)
    found = best.count("exact", "other")
    if found and right == len(best.findings) == (data_set.pictures or right):
        return
    if not found:
        how = "none of its pictures is known"
    elif right == len(best.findings):
        how = f"{right:,} of {data_set.pictures:,} pictures"
    else:
        smaller = next(f for f in best.findings if not f.full_size and f.state == "other")
        how = f"{found:,} of {data_set.pictures:,} pictures, such as {smaller.name} {smaller.why}"
    raise WrongContentError(f"{source} is not {data_set.title}: {how}.", hint=_advice(data_set))


def _names(data_set: DataSet, verified: Verified) -> dict[PurePosixPath, str]:
    complete = len(contents_of(data_set)) == data_set.pictures
    names: dict[PurePosixPath, str] = {}
    for finding in verified.findings:
        assert finding.file is not None
        path = PurePosixPath(finding.file)
        names[path] = finding.name + path.suffix if complete else path.name
    return names


def _by_count(
    data_set: DataSet, source: Path, groups: Sequence[dict[PurePosixPath, int]]
) -> Chosen:
    """Of the folders with the right number of pictures, the one with most bytes: HR, not LR."""
    right = [group for group in groups if data_set.pictures in (None, len(group))]
    if not right:
        most = max(map(len, groups))
        raise WrongContentError(
            f"{source} is not {data_set.title}: no folder in it has {data_set.pictures:,} "
            f"pictures; the largest has {most:,}.",
            hint=_advice(data_set),
        )
    best = max(right, key=lambda group: sum(group.values()))
    looks: Iterable[Look] = (Look(Path(path), None) for path in best)
    return Chosen(matched(data_set, list(looks)), {path: path.name for path in best})


def _advice(data_set: DataSet) -> str:
    return f"Get it from its authors: {data_set.origin}; measure on others with --data FOLDER."
