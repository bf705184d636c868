"""A job at the command line: prepared, reported, stopped by signals, ended with an exit code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from superfine.cli.progress import ProgressStyle, meter
from superfine.cli.report import Report
from superfine.cli.stop import StopSignals
from superfine.errors import SuperfineError, UsageError

if TYPE_CHECKING:
    from superfine.jobs.job import Job


# Seconds that a picture under way may take to be finished with what was learned so far.
_PATIENCE = 30.0


def run_job(
    prepare: Callable[[Callable[[], bool]], Job],
    *,
    dry_run: bool,
    as_json: bool,
    progress: ProgressStyle,
    quiet: bool,
    verbose: bool,
    debug: bool,
    patient: bool = False,
) -> int:
    """Does the job that `prepare` makes, and returns the exit code.

    Args:
        prepare: Makes it; given a function that tells whether somebody asked to stop.
        patient: Whether a signal lets the picture under way be finished.

    Raises:
        SuperfineError: Whatever makes the whole job impossible.
    """
    if quiet and verbose:
        raise UsageError("Both --quiet and --verbose are given.", hint="Give one of them.")
    style: ProgressStyle = "none" if quiet else progress
    report = Report(meter(style), as_json=as_json, quiet=quiet, verbose=verbose, debug=debug)
    with StopSignals(report.farewell, patience=_PATIENCE if patient else None) as stop:
        try:
            code = _do(prepare, report, stop, dry_run=dry_run, patient=patient)
        except SuperfineError as error:
            report.refused(error)
            raise
        except BaseException:
            if stop.asked is None:
                raise
            # Interrupted while loading; what came out of it may be any error.
            report.meter.stop()
            report.farewell()
        finally:
            report.meter.stop()
        if stop.asked is not None:
            stop.leave()
    return code


def _do(
    prepare: Callable[[Callable[[], bool]], Job],
    report: Report,
    stop: StopSignals,
    *,
    dry_run: bool,
    patient: bool,
) -> int:
    from superfine.jobs.results import FileProgress, FileResult
    from superfine.jobs.run import run

    def on_result(result: FileResult) -> None:
        if not patient:
            stop.check()
        report.result(result)

    def on_progress(progress: FileProgress) -> None:
        # What has begun is finished where one is patient; the next picture is not begun.
        if not patient or progress.share == 0:
            stop.check()
        report.progress(progress)

    job = prepare(lambda: stop.asked is not None)
    if report.as_json and any(p.output is None for p in job.plan.pictures) and not dry_run:
        raise UsageError("Standard output holds the picture, so --json has no place there.")
    report.begin(job)
    if dry_run:
        report.plan(job.plan)
        return 0
    summary = run(job, on_result=on_result, on_progress=on_progress)
    if summary.interrupted:
        summary = replace(summary, exit_code=stop.exit_code)
    report.summary(summary)
    return summary.exit_code
