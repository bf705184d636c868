"""`superfine benchmark`: models measured on sets, beside what was published."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from superfine.cli.benchmark_progress import Counter
from superfine.cli.console import put, put_table, say, shown
from superfine.cli.options import Debug, Json, Quiet
from superfine.errors import UsageError

if TYPE_CHECKING:
    from superfine.benchmark.metric import Column
    from superfine.benchmark.report import DepthGallery, Gallery
    from superfine.benchmark.results import Benchmark

T = TypeVar("T")

_RECORD = Path("results") / "measured.csv"


def benchmark(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL...", help="Names or weight files; bicubic is always there."),
    ] = None,
    *,
    data: Annotated[
        str,
        typer.Option(
            metavar="SET,...", help="Of `superfine data list`, or folders: set5,set14,photos/"
        ),
    ] = "set5",
    scale: Annotated[
        str | None,
        typer.Option("-s", "--scale", metavar="N,...", help="Usual: those of 2,3,4 there are."),
    ] = None,
    protocol: Annotated[
        str, typer.Option(metavar="NAME", help="How it is measured: docs/protocols.md.")
    ] = "y-matlab",
    metrics: Annotated[
        str,
        typer.Option(
            metavar="NAME,...", help="psnr,ssim,ms-ssim,ifc,vif,lr-psnr,lpips=WEIGHTS, ..."
        ),
    ] = "psnr,ssim",
    self_ensemble: Annotated[
        bool, typer.Option("--self-ensemble", help="Average over eight views, as '+' in tables.")
    ] = False,
    outputs: Annotated[
        Path | None,
        typer.Option("--outputs", help="Score somebody's results in this folder instead."),
    ] = None,
    claimed: Annotated[
        str | None,
        typer.Option(metavar="DB", help="With --outputs: the PSNR they are said to have."),
    ] = None,
    network: Annotated[
        str, typer.Option("--as", metavar="NETWORK", help="With --outputs: what made them.")
    ] = "",
    lr: Annotated[
        Path | None, typer.Option("--lr", help="Folder of LR pictures, instead of making them.")
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option("--root", help="Where sets lie. [SUPERFINE_DATA, then the cache]"),
    ] = None,
    device: Annotated[
        str, typer.Option("-d", "--device", help="auto, cpu, cuda, cuda:1.")
    ] = "auto",
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.html", help="Write a page about it.")
    ] = None,
    record: Annotated[
        Path, typer.Option("--record", help="Table the means are added to.")
    ] = _RECORD,
    no_record: Annotated[bool, typer.Option("--no-record", help="Add them to none.")] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Show every picture, not only the mean.")
    ] = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on standard output.")] = False,
    as_latex: Annotated[bool, typer.Option("--latex", help="A LaTeX table instead.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a report that exists.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measures models on sets, and says why a score is not the paper's.

    `superfine benchmark --outputs FOLDER --data set5 --scale 2` scores pictures made elsewhere.
    """
    if sum((as_json, as_csv, as_latex)) > 1:
        raise UsageError("Several of --json, --csv and --latex are given.", hint="Give one.")
    if bool(models) == (outputs is not None):
        raise UsageError(
            "Give either models or --outputs FOLDER.", hint="Such as: superfine benchmark fsrcnn"
        )
    if outputs is None and (claimed is not None or network):
        raise UsageError("--claimed and --as belong to --outputs.", hint="Leave them out.")
    if _of_depth(protocol):
        if outputs is not None or self_ensemble or lr is not None:
            raise UsageError(
                "--outputs, --self-ensemble and --lr are for pictures.", hint="Leave them out."
            )
        _benchmark_depth(
            models or (), data, protocol, scale, device,
            report=report, overwrite=overwrite, record=None if no_record else record,
            as_json=as_json, as_csv=as_csv, as_latex=as_latex, pictures=pictures, quiet=quiet,
        )  # fmt: skip
        return
    from superfine.benchmark.suite import run_benchmark
    from superfine.benchmark.theirs.score import score_outputs
    from superfine.cli.benchmark_metrics import parsed_metrics

    wanted = parsed_metrics(metrics)
    gallery = None
    if report is not None:
        from superfine.benchmark.report import Gallery

        _require_report(report, overwrite=overwrite)
        gallery = Gallery()
    counter = Counter(quiet=quiet)
    scales = _scales(scale)
    try:
        if outputs is None:
            found = run_benchmark(
                models or (),
                _names(data, "--data"),
                scales=scales,
                protocol=protocol,
                metrics=tuple(wanted.values()),
                self_ensemble=self_ensemble,
                root=root,
                lr=lr,
                device=device,
                on_progress=counter,
                on_output=None if gallery is None else gallery.add,
            )
        else:
            found = score_outputs(
                outputs,
                _one(_names(data, "--data"), "--data"),
                scale=_one(scales, "--scale"),
                protocol=protocol,
                metrics=tuple(wanted.values()),
                root=root,
                claimed=claimed,
                network=network,
                on_progress=counter,
                on_output=None if gallery is None else gallery.add,
            )
    finally:
        counter.stop()
    if not no_record:
        from superfine.benchmark.record import append

        append(found, record)
    _show(found, wanted, as_json=as_json, as_csv=as_csv, as_latex=as_latex, pictures=pictures)
    if not quiet:
        _explain(found)
    if report is not None and gallery is not None:
        _write(found, gallery, report, overwrite=overwrite)


def _of_depth(protocol: str) -> bool:
    from superfine.benchmark.depth import DEPTH_PROTOCOLS

    return protocol in {known.name for known in DEPTH_PROTOCOLS}


def _benchmark_depth(
    methods: Sequence[str],
    data: str,
    protocol: str,
    scale: str | None,
    device: str,
    *,
    report: Path | None,
    overwrite: bool,
    record: Path | None,
    as_json: bool,
    as_csv: bool,
    as_latex: bool,
    pictures: bool,
    quiet: bool,
) -> None:
    """Methods on maps; the same table."""
    from superfine.benchmark.depth import find_depth_protocol
    from superfine.benchmark.depth_suite import run_depth_benchmark
    from superfine.benchmark.metric import DEPTH_COLUMNS

    gallery = None
    if report is not None:
        from superfine.benchmark.report import DepthGallery

        _require_report(report, overwrite=overwrite)
        gallery = DepthGallery()
    counter = Counter(quiet=quiet)
    try:
        found = run_depth_benchmark(
            methods,
            _names(data, "--data"),
            protocol=protocol,
            scales=_scales(scale),
            device=device,
            on_progress=counter,
            on_output=None if gallery is None else gallery.add,
        )
    finally:
        counter.stop()
    if record is not None:
        from superfine.benchmark.record import append

        append(found, record)
    columns = {column.name: column for column in DEPTH_COLUMNS}
    _show(found, columns, as_json=as_json, as_csv=as_csv, as_latex=as_latex, pictures=pictures)
    if not quiet:
        say(f"\n{protocol}: {find_depth_protocol(protocol).about}")
        say("bicubic's RMSE tells which protocol a table is of: docs/protocols.md.")
    if report is not None and gallery is not None:
        _write(found, gallery, report, overwrite=overwrite)


def _show(
    found: Benchmark,
    metrics: Mapping[str, Column],
    *,
    as_json: bool,
    as_csv: bool,
    as_latex: bool,
    pictures: bool,
) -> None:
    from superfine.benchmark import tables

    if as_json:
        put(json.dumps(tables.to_json(found)).encode())
    elif as_csv:
        put(tables.to_csv(found).rstrip("\n").encode())
    elif as_latex:
        put(tables.to_latex(found, metrics).rstrip("\n").encode())
    else:
        for cell in found.cells if pictures else ():
            put(f"{shown(cell.model)}, {shown(cell.data_set)}, x{cell.scale}".encode())
            put_table(_safe(tables.picture_rows(cell, metrics)))
            put(b"")
        put_table(_safe(tables.rows(found, metrics)))


def _explain(found: Benchmark) -> None:
    """Protocol, notes and verdicts, each once."""
    from superfine.benchmark.protocol import find_protocol
    from superfine.benchmark.tables import of_another_protocol

    for name in dict.fromkeys(cell.protocol for cell in found.cells):
        protocol = find_protocol(name)
        say(f"\n{name}: {protocol.about}")
        if protocol.warning:
            say(protocol.warning)
    for note in dict.fromkeys(note for cell in found.cells for note in cell.notes):
        say(f"Note: {shown(note)}")
    for cell in found.cells:
        if cell.verdict is not None:
            where = f"{cell.model}, {cell.data_set}, x{cell.scale}"
            say(f"Verdict: {shown(where)}: {shown(cell.verdict.sentence)}")
    others = {
        figure.protocol
        for cell in found.cells
        for metric, figure in cell.published.items()
        if of_another_protocol(cell, metric)
    }
    if others:
        say(f"A published figure with a * is of another protocol: {', '.join(sorted(others))}.")
    if any(figure.doubtful for cell in found.cells for figure in cell.published.values()):
        say("A published figure with a ? is doubtful: docs/published.md.")


def _require_report(path: Path, *, overwrite: bool) -> None:
    """Refuses a page that could not be written, before anything is measured."""
    from superfine.benchmark.report import require_installed
    from superfine.io.atomic import require_writable

    require_installed()
    require_writable(path, overwrite=overwrite)


def _write(
    found: Benchmark, gallery: Gallery | DepthGallery, path: Path, *, overwrite: bool
) -> None:
    from superfine.benchmark.report import write_report

    write_report(found, gallery, path, overwrite=overwrite)
    say(f"superfine: {shown(os.fspath(path))} tells all of it.")


def _safe(rows: list[list[str]]) -> list[list[str]]:
    return [[shown(text) for text in row] for row in rows]


def _names(text: str, option: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise UsageError(f"{option} {text!r} names nothing.", hint="Such as: --data set5,set14")
    return list(dict.fromkeys(names))


def _scales(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    words = [word.strip().lower().removeprefix("x") for word in text.split(",")]
    if not all(word.isdecimal() and 1 <= int(word) <= 16 for word in words):
        raise UsageError(f"--scale {text!r} is no list of scales.", hint="Such as: --scale 2,3,4")
    return tuple(dict.fromkeys(int(word) for word in words))


def _one(values: Sequence[T], option: str) -> T:
    if len(values) != 1:
        raise UsageError(f"With --outputs, {option} takes exactly one.", hint="Such as: --scale 2")
    return values[0]
