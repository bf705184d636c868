"""What was measured on this machine, kept in the user's cache for the next run.

Kept is a line for each thing measured, under a key that stands for the machine, torch, its threads,
this version of superfine and the weights: whatever of them changes, it is measured anew. So it is
where the file is damaged, older than a month, or cannot be written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import platform
import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch

from superfine import __version__
from superfine.budget.speed import Speed
from superfine.elsewhere import cache_folder
from superfine.errors import SuperfineError
from superfine.io.atomic import write_bytes_atomic

_FILE = "speeds.json"
_VERSION = 1
_LONGEST_AGE = 30 * 24 * 3600.0
_MOST = 200  # things remembered
_LARGEST_FILE = 1 << 20
# Nothing this package does takes as long for a picture of no size, or for one pixel.
_SLOWEST = 1e4

# Key -> seconds at the start, seconds for each pixel, when it was measured.
_Lines = dict[str, tuple[float, float, float]]


def remembered(what: str, measure: Callable[[], Speed]) -> Speed:
    """The speed of `what` on this machine: as it was measured lately, or measured now.

    Args:
        what: Stands for all that decides the speed but the machine and the software.
        measure: Called where nothing is known.
    """
    key = _key(what)
    if (known := _read().get(key)) is not None:
        return Speed(known[0], known[1])
    found = measure()
    _write({**_read(), key: (found.start, found.each, time.time())})
    return found


def forget(what: str) -> None:
    """Lets `what` be measured anew the next time."""
    lines = _read()
    if lines.pop(_key(what), None) is not None:
        _write(lines)


def _key(what: str) -> str:
    facts = [what, *_machine(), torch.get_num_threads(), torch.__version__, __version__]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@cache
def _machine() -> tuple[str, ...]:
    """Its name, its processor, how many cores this process may use, and its GPU."""
    processor = platform.processor()
    with contextlib.suppress(OSError):
        facts = Path("/proc/cpuinfo").read_text(errors="replace")
        kinds = re.findall(r"^(?:model name|cpu family|model)\s*:.*$", facts, re.MULTILINE)
        processor = " ".join(sorted(set(kinds)))
    affinity = getattr(os, "sched_getaffinity", None)  # Linux has it
    cores = len(affinity(0)) if affinity else os.cpu_count()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return platform.node(), platform.machine(), processor, str(cores), gpu


def _path() -> Path:
    return cache_folder().parent / _FILE


def _read() -> _Lines:
    """What is known and can be believed; empty where the file cannot."""
    try:
        with _path().open("rb") as file:
            values = json.loads(file.read(_LARGEST_FILE))
    except (OSError, ValueError, RecursionError, SuperfineError):
        return {}
    if not isinstance(values, dict) or values.get("v") != _VERSION:
        return {}
    lines = values.get("speeds")
    if not isinstance(lines, dict):
        return {}
    return {key: (line[0], line[1], line[2]) for key, line in lines.items() if _sound(line)}


def _sound(line: object) -> bool:
    """Whether `line` holds three numbers that a machine of today could have left lately."""
    if not isinstance(line, list) or len(line) != 3:
        return False
    if not all(type(value) in (int, float) and math.isfinite(value) for value in line):
        return False
    start, each, when = line
    age = time.time() - when
    return bool(0 <= start < _SLOWEST and 0 < each < _SLOWEST and 0 <= age < _LONGEST_AGE)


def _write(lines: _Lines) -> None:
    """Keeps the latest of `lines`; where that cannot be, they are measured again next time."""
    latest = sorted(lines.items(), key=lambda item: item[1][2])[-_MOST:]
    text = json.dumps({"v": _VERSION, "speeds": dict(latest)}, indent=1)
    with contextlib.suppress(OSError, SuperfineError):
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(path, text.encode(), overwrite=True)
