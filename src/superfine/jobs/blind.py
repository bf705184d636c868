"""A job of pictures of unknown blur: from files to files, with what was found beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from superfine import io
from superfine.blind.kernelgan import ShouldStop, Step
from superfine.blind.result import BlindOptions, BlindResult
from superfine.blind.upscale import Load, restore
from superfine.io.atomic import require_writable, write_bytes_atomic
from superfine.io.kernels import write_kernel
from superfine.jobs.blind_request import BlindRequest
from superfine.jobs.job import Made

# Endings of the kernel's files.
_KERNEL_ENDINGS = (".npy", ".mat", ".png")


@dataclass(frozen=True)
class BlindMaker:
    """How every picture of a job is restored.

    Attributes:
        request: What was asked.
        options: What of it decides the result.
        load: Finds networks, and remembers them.
        should_stop: Asked before each step of a method that learns.
    """

    request: BlindRequest
    options: BlindOptions
    load: Load
    should_stop: ShouldStop

    @property
    def limits(self) -> io.Limits:
        """The largest picture that is read."""
        megapixels = self.request.max_megapixels
        return io.Limits() if megapixels is None else io.Limits(max_pixels=round(megapixels * 1e6))

    def reads(self, source: Path) -> tuple[Path, ...]:
        """The file of the kernel, where one was given."""
        kernel = Path(self.request.kernel)
        return (kernel,) if kernel.is_file() else ()

    def make(self, source: Path | bytes, target: Path, on_share: Callable[[float], None]) -> Made:
        """As `Maker.make`; what else was made lies beside `target`."""
        image = io.read(source, limits=self.limits)
        for path in self._planned_beside(target):
            require_writable(path, overwrite=self.request.overwrite)
        losses: list[Step] = []
        found = restore(
            image,
            self.options,
            load=self.load,
            watch=losses.append,
            should_stop=self.should_stop,
            on_share=on_share,
        )
        overwrite = self.request.overwrite
        noted = io.write(found.picture, target, overwrite=overwrite)
        beside = [] if self.request.only_result else self._write_beside(found, losses, target)
        size = found.picture.width, found.picture.height
        told = (*found.picture.notes, *(noted or ()), *found.sentences, *_about(found))
        return Made(size, float(self.options.scale), told, tuple(beside))

    def _planned_beside(self, target: Path) -> list[Path]:
        """Every file that may come to lie beside `target`."""
        if self.request.only_result:
            return []
        pictures = [_beside(target, kind, target.suffix) for kind in ("plain", "corrected")]
        kernels = [_beside(target, "kernel", ending) for ending in _KERNEL_ENDINGS]
        return [*pictures, *kernels, _losses_path(target), _report_path(target)]

    def _write_beside(self, found: BlindResult, losses: list[Step], target: Path) -> list[Path]:
        """Writes what there is to write, and says what it was."""
        overwrite = self.request.overwrite
        written = []
        for kind, picture in (("plain", found.plain), ("corrected", found.corrected)):
            if picture is not None and found.method != "plain":
                path = _beside(target, kind, target.suffix)
                io.write(picture, path, overwrite=overwrite)
                written.append(path)
        for ending in _KERNEL_ENDINGS if found.kernel is not None else ():
            path = _beside(target, "kernel", ending)
            assert found.kernel is not None
            write_kernel(found.kernel, path, overwrite=overwrite)
            written.append(path)
        if losses:
            lines = "".join(json.dumps(asdict(step)) + "\n" for step in losses)
            write_bytes_atomic(_losses_path(target), lines.encode(), overwrite=overwrite)
            written.append(_losses_path(target))
        report = json.dumps(_report(found), indent=1) + "\n"
        write_bytes_atomic(_report_path(target), report.encode(), overwrite=overwrite)
        return [*written, _report_path(target)]


def _beside(target: Path, kind: str, ending: str) -> Path:
    return target.with_name(f"{target.stem}.{kind}{ending}")


def _losses_path(target: Path) -> Path:
    return _beside(target, "losses", ".jsonl")


def _report_path(target: Path) -> Path:
    return _beside(target, "report", ".json")


def _report(found: BlindResult) -> dict[str, object]:
    """What was found and decided, for programs."""
    residual = None
    if found.residual is not None:
        residual = {"plain": found.residual[0], "result": found.residual[1]}
    return {
        "v": 1,
        "method": found.method,
        "decided": list(found.sentences),
        "steps": found.steps,
        "check": None if found.check is None else asdict(found.check),
        "residual": residual,
        "diagnosis": found.diagnosis.as_json(),
    }


def _about(found: BlindResult) -> tuple[str, ...]:
    if found.residual is None or found.method == "plain":
        return ()
    plain, made = found.residual
    return (
        f"{found.method}; degraded again it is {made:.2f} grey levels from the input, "
        f"{plain:.2f} uncorrected.",
    )
