"""The report: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from superfine.benchmark.depth import DEPTH_PROTOCOLS
from superfine.benchmark.protocol import find_protocol
from superfine.benchmark.report import engine, spread, table, tradeoff
from superfine.benchmark.report.depth_gallery import DepthGallery
from superfine.benchmark.report.gallery import Gallery
from superfine.benchmark.report.residual import legend
from superfine.benchmark.report.views import walls
from superfine.benchmark.results import Benchmark
from superfine.io.atomic import write_bytes_atomic


def write_report(
    benchmark: Benchmark, gallery: Gallery | DepthGallery, path: Path, *, overwrite: bool
) -> None:
    """Writes the report of a run as one file: no address in it leads anywhere else.

    It says how the numbers were made, sets them beside the published ones, and shows where the
    models differ. Equal runs give equal bytes.

    Args:
        benchmark: At least one cell.
        gallery: What was collected in the same run; may be empty.
        path: Where to.
        overwrite: Whether a file there may be replaced.

    Raises:
        UsageError: When jinja2 is not installed.
        OutputError: When it cannot be written.
    """
    # A file name of the user's may hold what is no character; it is shown as "?".
    data = page(benchmark, gallery).encode("utf-8", errors="replace")
    write_bytes_atomic(path, data, overwrite=overwrite)


def page(benchmark: Benchmark, gallery: Gallery | DepthGallery) -> str:
    """The text of the report."""
    cells = benchmark.cells
    quality, digits = tradeoff.unit_of(benchmark)
    points = [asdict(p) for p in tradeoff.points(benchmark)]
    return engine.render(
        {
            "benchmark": benchmark,
            "protocols": [_protocol(name) for name in _once(c.protocol for c in cells)],
            "lr": _once(cell.lr for cell in cells),
            "models": _once(table.name_of(cell) for cell in cells),
            "groups": _once(tradeoff.group_of(cell.data_set, cell.scale) for cell in cells),
            "table": table.table(benchmark),
            "plot": {
                "axes": [asdict(axis) for axis in tradeoff.axes()],
                "points": points,
                "quality": quality,
                "higher": tradeoff.higher_is_better(benchmark),
                "digits": digits,
            },
            "walls": walls(gallery, cells),
            "spread": spread.groups(benchmark),
            "colours": legend(),
        }
    )


def _protocol(name: str) -> dict[str, str]:
    depth = {protocol.name: protocol for protocol in DEPTH_PROTOCOLS}
    if name in depth:
        return {"name": name, "about": depth[name].about, "warning": ""}
    found = find_protocol(name)
    return {"name": name, "about": found.about, "warning": found.warning}


def _once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
