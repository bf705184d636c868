"""Opens hostile weight files where anything they start is caught: `python -m tests.corpus.guard`.

Arguments: one file that loads and one that fits no network, to warm up, then the hostile ones.
Prints one JSON line for each, with the memory it took at most.
"""

from __future__ import annotations

import json
import resource
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from superfine.checkpoints import load
from superfine.errors import SuperfineError

# What a file of weights never needs. Importing modules of our own would be `exec`.
FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "os.rename", "os.mkdir",
    "subprocess.Popen", "socket.", "pickle.find_class", "exec", "shutil.", "ctypes.", "import",
)  # fmt: skip

# Beside twice the file: the interpreter's and the allocator's own needs.
SLACK = 64 << 20

events: list[str] = []
watching = False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    writing = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if watching and (event.startswith(FORBIDDEN) or writing):
        events.append(f"{event} {arguments!r}"[:200])
        raise PermissionError(event)


def _status(field: str) -> int:
    """A field of the process's memory in bytes: VmSize claimed, VmRSS in use, VmHWM at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def main() -> None:
    """Opens each file under the watch and a limit on memory."""
    global watching  # noqa: PLW0603 - an audit hook can never be taken out again
    warm, unknown, *paths = map(Path, sys.argv[1:])
    load(warm, scale=2)
    with suppress(SuperfineError):  # imports what knows other networks
        load(unknown)
    import_module("encodings.cp437")  # zipfile needs it at the first plain name of an entry
    sys.addaudithook(_watch)
    for path in paths:
        limit = _status("VmSize") + 2 * path.stat().st_size + SLACK
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        Path("/proc/self/clear_refs").write_text("5")  # the most from here on
        used = _status("VmRSS")
        events.clear()
        watching = True
        outcome, text, code = "loads", "", 0
        try:
            load(path, scale=2)
        except SuperfineError as error:
            outcome, text, code = type(error).__name__, error.message, error.exit_code
        except Exception as error:
            outcome, text, code = type(error).__name__, str(error), 1
        watching = False
        line = {
            "name": path.name,
            "outcome": outcome,
            "text": text,
            "exit": code,
            "ran": events,
            "size": path.stat().st_size,
            "took": _status("VmHWM") - used,
        }
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
