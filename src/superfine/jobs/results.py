"""What a job reports while it runs and at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from superfine.errors import SuperfineError
from superfine.jobs.plan import Planned


@dataclass(frozen=True)
class FileResult:
    """What became of one picture.

    Attributes:
        planned: The input and the output.
        status: "skipped" when there was nothing to do.
        reason: Why it was skipped.
        error: Why it failed.
        scale: Output pixels per input pixel; 0 when nothing was made.
        size: Width and height of the result; zeros when nothing was made.
        seconds: What it took.
        notes: What the reader or the writer had to decide.
    """

    planned: Planned
    status: Literal["ok", "skipped", "failed"]
    reason: str = ""
    error: Exception | None = None
    scale: float = 0.0
    size: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """Stable word for programs; empty when all is well."""
        if self.error is None:
            return ""
        return self.error.code if isinstance(self.error, SuperfineError) else "E_BUG"

    @property
    def message(self) -> str:
        """What happened, in one line."""
        if isinstance(self.error, SuperfineError):
            return self.error.message
        return f"{type(self.error).__name__}: {self.error}" if self.error else self.reason

    @property
    def hint(self) -> str:
        """What to do about it, in one line."""
        if isinstance(self.error, SuperfineError):
            return self.error.hint
        return "This is a bug of superfine; run again with --debug." if self.error else ""


@dataclass(frozen=True)
class FileProgress:
    """How far a job has come: picture `index` of `count` (from 0), and how much of it, 0 to 1."""

    planned: Planned
    index: int
    count: int
    share: float


@dataclass(frozen=True)
class Summary:
    """How a job ended.

    Attributes:
        ok: Pictures made.
        skipped: Pictures that were there already.
        failed: Pictures that could not be made.
        passed: Things in folders that were not opened.
        total: Pictures planned.
        seconds: What all took.
        error: What ended the job before its end, if anything.
        interrupted: True when the user ended it.
        exit_code: For the shell; an interrupt has its own.
    """

    ok: int
    skipped: int
    failed: int
    passed: int
    total: int
    seconds: float
    exit_code: int
    error: SuperfineError | None = None
    interrupted: bool = False
