"""A job from its plan to its summary."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from superfine import io
from superfine.errors import (
    EXIT_ALL_FAILED,
    EXIT_BUG,
    EXIT_OK,
    EXIT_SOME_FAILED,
    DiskFullError,
    LimitError,
    MemoryLimitError,
    PictureError,
    SuperfineError,
    UsageError,
)
from superfine.io.atomic import output_errors, remove_stale
from superfine.jobs.job import Job, Made
from superfine.jobs.manifest import Identity, JobFolder, identify, sha256_of
from superfine.jobs.plan import Planned
from superfine.jobs.results import FileProgress, FileResult, Summary
from superfine.jobs.walk import Passed


def run(
    job: Job,
    *,
    on_result: Callable[[FileResult], None],
    on_progress: Callable[[FileProgress], None],
) -> Summary:
    """Makes every picture of `job`; one that fails does not stop the others.

    Args:
        on_result: Called with each picture that is finished, skipped or failed.
        on_progress: Called after each tile. Whatever it raises ends the job cleanly.

    Raises:
        OutputError: When a folder of results cannot be used at all.
    """
    started = time.monotonic()
    counts = {"ok": 0, "skipped": 0, "failed": 0}
    last: FileResult | None = None
    error: SuperfineError | None = None
    interrupted = False
    try:
        with contextlib.ExitStack() as stack:
            folders = {
                root: stack.enter_context(JobFolder(root, job.plan.folders(root)))
                for root in job.plan.roots
            }
            for passed in job.plan.passed:
                on_result(_passed(passed))
            for index, planned in enumerate(job.plan.pictures):
                folder = folders.get(planned.root) if planned.root else None
                share = _Share(on_progress, planned, index, len(job.plan.pictures))
                last = _settle(job, planned, folder, share)
                if job.choice is not None:
                    last = job.choice.judged(last, single=job.plan.single)
                on_result(last)  # may end the job, and then this picture does not count
                counts[last.status] += 1
                if last.status == "failed" and folder is not None:
                    folder.fail(_failure(last))
                if isinstance(last.error, DiskFullError):
                    error = last.error
                    break
    except KeyboardInterrupt:
        interrupted = True
    return Summary(
        **counts,
        passed=len(job.plan.passed),
        total=len(job.plan.pictures),
        seconds=time.monotonic() - started,
        exit_code=_exit_code(counts, last, single=job.plan.single, error=error),
        error=error,
        interrupted=interrupted,
    )


def _exit_code(
    counts: Mapping[str, int],
    last: FileResult | None,
    *,
    single: bool,
    error: SuperfineError | None,
) -> int:
    if error is not None:
        return error.exit_code
    if counts["failed"] == 0:
        return EXIT_OK
    if single and last is not None:
        return last.error.exit_code if isinstance(last.error, SuperfineError) else EXIT_BUG
    return EXIT_SOME_FAILED if counts["ok"] + counts["skipped"] else EXIT_ALL_FAILED


def _passed(passed: Passed) -> FileResult:
    return FileResult(Planned(passed.path, None), "skipped", reason=passed.reason)


def _failure(result: FileResult) -> dict[str, str]:
    return {
        "input": result.planned.label,
        "code": result.code,
        "message": result.message,
        "hint": result.hint,
    }


@dataclass(frozen=True)
class _Share:
    """Where the progress of one picture goes."""

    report: Callable[[FileProgress], None]
    planned: Planned
    index: int
    count: int

    def __call__(self, share: float) -> None:
        self.report(FileProgress(self.planned, self.index, self.count, share))


def _settle(
    job: Job, planned: Planned, folder: JobFolder | None, progress: Callable[[float], None]
) -> FileResult:
    """Makes one picture, or says why not."""
    started = time.monotonic()
    progress(0.0)
    result: Made | None
    try:
        if folder is None:
            result = _make_loose(job, planned, progress)
        else:
            result = _make_in_folder(job, planned, folder, progress)
    except MemoryError:
        short = MemoryLimitError(
            "Not enough memory for this picture.", hint="Close other programs or shrink it first."
        )
        return FileResult(planned, "failed", error=short)
    except Exception as error:  # one bad file, or a bug one file brings out, stops no job
        return FileResult(planned, "failed", error=error)
    if result is None:
        return FileResult(planned, "skipped", reason="done before")
    return FileResult(
        planned, "ok", scale=result.scale, size=result.size, notes=result.notes,
        seconds=time.monotonic() - started,
    )  # fmt: skip


def _make_in_folder(
    job: Job, planned: Planned, folder: JobFolder, progress: Callable[[float], None]
) -> Made | None:
    """Makes a picture that the manifest remembers; None when it is there already."""
    assert planned.source is not None
    assert planned.output is not None
    started = time.monotonic()
    options = _options(job, planned.source)
    entry = folder.known(planned.output)
    if entry is not None and entry.options != options:
        entry = None
    before = identify(planned.source, known=entry)
    if entry is not None and before.sha256 == entry.sha256 and folder.holds(entry):
        return None
    folder.prepare(planned.output, overwrite=job.overwrite)
    staged = folder.staged(planned.output)
    made = job.maker.make(planned.source, staged, progress)
    _require_same(planned.source, before)
    folder.finish(
        staged, planned.output, label=planned.label, source=before, options=options,
        seconds=time.monotonic() - started, overwrite=job.overwrite, beside=made.beside,
    )  # fmt: skip
    return made


def _options(job: Job, source: Path) -> str:
    """Stands for everything but the bytes of `source` that decides its result."""
    others = job.maker.reads(source)
    return "+".join((job.options, *(sha256_of(path) for path in others)))


def _require_same(source: Path, before: Identity) -> None:
    with contextlib.suppress(OSError):
        now = source.stat()
        if (now.st_size, now.st_mtime_ns) == (before.size, before.mtime_ns):
            return
    raise PictureError(
        "The file changed while it was being read.",
        hint="Wait until whatever writes it has finished, then try again.",
        code="E_VANISHED",
    )


def _make_loose(job: Job, planned: Planned, progress: Callable[[float], None]) -> Made:
    """Makes a picture outside any job folder: beside its input, under a given name, or a stream."""
    source = _standard_input(job.maker.limits) if planned.source is None else planned.source
    output = planned.output
    if output is None:
        return _to_standard_output(job, planned, source, progress)
    with output_errors(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(output.parent)
    return job.maker.make(source, output, progress)


def _standard_input(limits: io.Limits) -> bytes:
    if sys.stdin.isatty():
        raise UsageError("A picture is not read from a terminal.", hint="Add < FILE.")
    largest = limits.max_file_bytes
    data = sys.stdin.buffer.read(largest + 1)
    if len(data) > largest:
        raise LimitError(f"Standard input has more than {largest:,} bytes.")
    return data


def _to_standard_output(
    job: Job, planned: Planned, source: Path | bytes, progress: Callable[[float], None]
) -> Made:
    if sys.stdout.isatty():
        raise UsageError("A picture is not written to a terminal.", hint="Add > FILE or -o FILE.")
    named = planned.source or Path(f"picture.{io.probe(source, limits=job.maker.limits).format}")
    suffix = job.naming.suffix(named)
    # A picture is checked before its first byte leaves, so that a reader never gets half of one.
    with tempfile.TemporaryDirectory(prefix="superfine-") as folder:
        target = Path(folder) / f"picture{suffix}"
        made = job.maker.make(source, target, progress)
        with target.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return made
