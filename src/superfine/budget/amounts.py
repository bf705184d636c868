"""Times and memory as people write them: "1.5 min", "500ms", "2G", "512 MiB"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from superfine.errors import UsageError

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
# A letter alone counts by 1024, as for memory everywhere else.
_BYTES = {
    **{letter: 2**power for letter, power in (("K", 10), ("M", 20), ("G", 30), ("T", 40))},
    **{f"{letter}iB": 2**power for letter, power in (("K", 10), ("M", 20), ("G", 30), ("T", 40))},
    **{f"{letter}B": 10**power for letter, power in (("k", 3), ("M", 6), ("G", 9), ("T", 12))},
}


def seconds_of(text: str) -> float:
    """The seconds that `text` means.

    Raises:
        UsageError: When it is no number with a unit, or zero.
    """
    return _amount(text, _SECONDS, "time", "2s, 500ms or 1.5min")


def bytes_of(text: str) -> int:
    """The bytes that `text` means; K, M and G count by 1024, kB, MB and GB by 1000.

    Raises:
        UsageError: When it is no number with a unit, or zero.
    """
    return int(_amount(text, _BYTES, "amount of memory", "2G, 512M or 1.5GiB"))


def _amount(text: str, units: Mapping[str, float], kind: str, examples: str) -> float:
    names = "|".join(units)
    found = re.fullmatch(rf"(\d{{1,9}}(?:\.\d{{1,9}})?) ?({names})", text, re.ASCII)
    if found is None:
        raise UsageError(f"{text!r} is no {kind}.", hint=f"Give a number and a unit: {examples}.")
    value = float(found[1]) * units[found[2]]
    if value <= 0:
        raise UsageError(f"A {kind} of {text} is out of range.", hint=f"Give {examples}.")
    return value


def told_seconds(seconds: float) -> str:
    """A time in up to three digits: "85 ms", "1.94 s", "2.5 min"."""
    if seconds < 1:
        return f"{max(1, round(1000 * seconds))} ms"
    if seconds < 100:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 6000 else f"{seconds / 3600:.3g} h"


def told_bytes(count: int) -> str:
    """An amount of memory: "480 MiB", "1.5 GiB"."""
    if count < 1000 * 2**20:
        return f"{-(-count // 2**20):,} MiB"
    return f"{count / 2**30:.3g} GiB"
