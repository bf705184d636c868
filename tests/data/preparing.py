"""Preparations in processes of their own, which may be killed.

They fork from a server that has imported everything and done nothing: libvips, once used, does not
survive a fork.
"""

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

from superfine.data.prepare.prepare import FolderOutput, H5Output, Output, PrepareOptions, prepare
from superfine.errors import SuperfineError

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


def to_h5(folder: Path) -> Output:
    return H5Output(folder / "out.h5", overwrite=False)


def to_folders(folder: Path) -> Output:
    return FolderOutput(folder / "hr", folder / "lr")


def asked(folder: Path, **options) -> PrepareOptions:
    settings = {"width": 16, "height": 16, "stride": 4, "upscale_factors": (2, 4), **options}
    return PrepareOptions(folder, rotations=(0.0, 90.0), single_y=True, **settings)


def started(work: Callable[..., None], *arguments):
    process = _FORKS.Process(target=_ended, args=(work, *arguments))
    process.start()
    return process


def code_of(process) -> int:
    process.join(60)
    return process.exitcode


def _ended(work: Callable[..., None], *arguments) -> None:
    """Ends the process with the code of its error."""
    try:
        work(*arguments)
    except SuperfineError as error:
        os._exit(error.exit_code)
    os._exit(0)


def make(options: PrepareOptions, output: Output) -> None:
    prepare(options, output, on_progress=lambda *_: None)


def make_until(options: PrepareOptions, output: Output, pictures: int) -> None:
    """Dies when so many pictures are done."""

    def stop(doing: str, done: int, total: int) -> None:
        if doing == "Cutting" and done == pictures:
            os.kill(os.getpid(), signal.SIGKILL)

    prepare(options, output, on_progress=stop)


def make_on_a_small_disk(options: PrepareOptions, output: Output) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    make(options, output)


def make_and_measure(options: PrepareOptions, output: Output, result: Path) -> None:
    """Writes the peak memory above what the process had at its start, in MiB."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident("VmRSS")
    make(options, output)
    result.write_text(str(_resident("VmHWM") - before))


def _resident(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024
