"""What a job tells the user, file by file and at its end."""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from superfine.cli.console import complaint, put, shown
from superfine.cli.progress import Meter
from superfine.errors import SuperfineError
from superfine.jobs.request import STREAM

if TYPE_CHECKING:
    from superfine.jobs.job import Job
    from superfine.jobs.plan import Plan, Planned
    from superfine.jobs.results import FileProgress, FileResult, Summary


@dataclass
class Report:
    """Shows what a job reports, in the way the user asked for.

    Attributes:
        meter: Where progress and messages go.
        as_json: One JSON object a file on standard output, instead of its path.
        quiet: Errors only.
        verbose: Also what took how long.
        debug: Errors with their tracebacks.
        job: What is being done, once it is known.
        done: Pictures that need no more work.
    """

    meter: Meter
    as_json: bool
    quiet: bool
    verbose: bool
    debug: bool
    job: Job | None = None
    done: int = 0

    def begin(self, job: Job) -> None:
        """Notes what is being done."""
        self.job = job
        for note in job.notes:
            self._note("superfine", note)

    def plan(self, plan: Plan) -> None:
        """Shows what would be done."""
        for planned in plan.pictures:
            if self.as_json:
                self._put_json({**_names(planned), "status": "planned"})
            else:
                put(os.fsencode(_output(planned)))
        for passed in plan.passed:
            self._note(str(passed.path), f"skipped: {passed.reason}.")
        there = sum(p.output is not None and p.output.exists() for p in plan.pictures)
        self._note("superfine", f"{len(plan.pictures)} planned, {there} there already.")

    def progress(self, progress: FileProgress) -> None:
        """Shows how far it is."""
        self.meter.update(progress)

    def result(self, result: FileResult) -> None:
        """Shows what became of one picture."""
        assert self.job is not None
        planned = result.planned
        self.done += result.status != "failed" and planned in self.job.plan.pictures
        name = planned.label if planned.source is None else str(planned.source)
        if result.error is not None:
            if self.debug:
                self.meter.say("".join(traceback.format_exception(result.error)))
            lines = complaint(result.code, result.message, "", about=name)
            self.meter.say(f"{lines} Nothing was written.")
            if result.hint:
                self.meter.say(f"  {shown(result.hint)}")
        for note in result.notes:
            self._note(name, note)
        if result.status == "skipped" and (planned.output is None or self.verbose):
            self._note(name, f"skipped: {result.reason}.")
        if result.status == "ok" and self.verbose:
            width, height = result.size
            self._note(name, f"{width}×{height} in {result.seconds:.2f} s.")
        if self.as_json:
            choice = {"choice": self.job.choice.values()} if self.job.choice else {}
            self._put_json({**_as_json(result, self.job.model_name), **choice})
        elif result.status != "failed" and planned.output is not None:
            self._put_path(os.fsencode(planned.output))

    def summary(self, summary: Summary) -> None:
        """Shows how the job ended."""
        assert self.job is not None
        self.meter.stop()
        if summary.interrupted:
            self.meter.say(self._stopped())
        elif not self.job.plan.single:
            where = ", ".join(str(root / "failures.jsonl") for root in self.job.plan.roots)
            reasons = f" Reasons: {shown(where)}" if summary.failed and where else ""
            self._note(
                "superfine",
                f"{summary.ok} done, {summary.skipped} done before, {summary.failed} failed "
                f"in {summary.seconds:.1f} s.{reasons}",
            )
        if self.as_json:
            self._put_json({"summary": _summary_as_json(summary)})

    def refused(self, error: SuperfineError) -> None:
        """Says in JSON why there was no job at all."""
        self.meter.stop()
        if self.as_json:
            values = {"error": _error_as_json(error), "exit_code": error.exit_code}
            self._put_json({"summary": values})

    def farewell(self) -> None:
        """What is left to say when the process leaves at once."""
        os.write(sys.stderr.fileno(), f"{self._stopped()}\n".encode())

    def _stopped(self) -> str:
        if self.job is None or self.job.plan.single:
            return "Stopped. Nothing was written."
        total = len(self.job.plan.pictures)
        if self.job.plan.roots:
            return f"{self.done} of {total} done; run the same command to continue."
        return f"{self.done} of {total} done; run the command again for the others."

    def _note(self, about: str, text: str) -> None:
        if not self.quiet:
            self.meter.say(f"{shown(about)}: {shown(text)}")

    def _put_json(self, values: dict[str, object]) -> None:
        self._put_path(json.dumps({"v": 1, **values}).encode())

    def _put_path(self, line: bytes) -> None:
        if sys.stdout.isatty():
            # On a terminal both streams share the screen, and the bar must not be torn.
            self.meter.say(shown(os.fsdecode(line)))
        else:
            put(line)


def _output(planned: Planned) -> str:
    return STREAM if planned.output is None else str(planned.output)


def _names(planned: Planned) -> dict[str, object]:
    source = STREAM if planned.source is None else str(planned.source)
    return {"input": source, "output": _output(planned)}


def _as_json(result: FileResult, model: str) -> dict[str, object]:
    names = _names(result.planned)
    if result.status == "skipped" and result.planned.output is None:
        names["output"] = None  # something that was not even opened
    return {
        **names,
        "status": result.status,
        "code": result.code,
        "message": result.message,
        "hint": result.hint,
        "notes": list(result.notes),
        "scale": result.scale,
        "model": model,
        "width": result.size[0],
        "height": result.size[1],
        "ms": round(1000 * result.seconds),
    }


def _error_as_json(error: SuperfineError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint}


def _summary_as_json(summary: Summary) -> dict[str, object]:
    return {
        "ok": summary.ok,
        "skipped": summary.skipped,
        "failed": summary.failed,
        "passed": summary.passed,
        "total": summary.total,
        "seconds": round(summary.seconds, 3),
        "interrupted": summary.interrupted,
        "error": _error_as_json(summary.error) if summary.error else None,
        "exit_code": summary.exit_code,
    }
