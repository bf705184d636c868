"""The book of measured figures: every mean of every benchmark, one a row, only ever added to."""

from __future__ import annotations

import csv
import fcntl
import io
import math
from collections.abc import Iterator
from pathlib import Path

from superfine.benchmark.results import Benchmark
from superfine.errors import UsageError
from superfine.io.atomic import output_errors, write_all

COLUMNS = (
    *("date", "commit", "version", "model", "weights_sha256", "set", "pictures", "scale"),
    *("protocol", "metric", "value", "self_ensemble", "lr", "torch", "machine"),
)


def append(benchmark: Benchmark, path: Path) -> int:
    """Adds the means of `benchmark` to the table at `path`, made if need be; returns the rows.

    Two processes that add at once wait for each other, and a row is written whole or not at all
    as far as the file system can promise it.

    Raises:
        UsageError: When `path` is a table with other columns.
        OutputError: When it cannot be written.
    """
    rows = list(_rows(benchmark))
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            # Waits, where the lock of a folder job refuses: the figures took long to make.
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            head = file.readline(1000).decode("utf-8", "replace").strip()
            if head and head != ",".join(COLUMNS):
                raise _another_table(path, head)
            write_all(file.fileno(), _as_csv(rows if head else [COLUMNS, *rows]).encode())
    return len(rows)


def _another_table(path: Path, head: str) -> UsageError:
    return UsageError(
        f"{path} is not a table of measured figures: its first line is {head[:60]!r}.",
        hint="Give another file with --record, or none with --no-record.",
    )


def _rows(benchmark: Benchmark) -> Iterator[tuple[object, ...]]:
    for cell in benchmark.cells:
        for metric in benchmark.metrics:
            value = cell.mean(metric)
            if math.isnan(value):
                continue
            yield (
                benchmark.date,
                benchmark.commit,
                benchmark.version,
                cell.model,
                cell.weights,
                cell.data_set,
                len(cell.pictures),
                cell.scale,
                cell.protocol,
                metric,
                f"{value:.6f}",
                "yes" if cell.self_ensemble else "no",
                cell.lr,
                benchmark.torch,
                benchmark.machine,
            )


def _as_csv(rows: list[tuple[object, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
