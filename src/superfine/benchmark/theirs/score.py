"""Results that somebody else made, scored and explained."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from superfine.benchmark.metric import USUAL, Metric, find_metric
from superfine.benchmark.papers import Published
from superfine.benchmark.protocol import Protocol, find_protocol
from superfine.benchmark.results import Benchmark, Cell, PictureResult
from superfine.benchmark.run import values_of
from superfine.benchmark.sets import PictureSet, find_set
from superfine.benchmark.suite import EXPLAINED_FROM, OnOutput, OnProgress, described, known_for
from superfine.benchmark.theirs.matching import ForeignOutputs, outputs_in
from superfine.benchmark.theirs.symptoms import inspect_outputs
from superfine.benchmark.verdict.explain import explain


def score_outputs(
    folder: Path,
    data: str,
    *,
    scale: int,
    protocol: str | Protocol = "y-matlab",
    metrics: Sequence[str | Metric] = USUAL,
    root: Path | None = None,
    claimed: str | None = None,
    network: str = "",
    on_progress: OnProgress | None = None,
    on_output: OnOutput | None = None,
) -> Benchmark:
    """Scores a folder of results, says what is wrong with them, and what their figure means.

    Args:
        folder: Of results, named after the pictures of the set.
        data: Name of the catalogue, or a folder of true pictures.
        scale: HR pixels per LR pixel.
        protocol: How results are compared, or its name.
        metrics: What is measured, or their names.
        root: Where sets lie; None takes `SUPERFINE_DATA`, then the cache.
        claimed: The PSNR they are said to have, as printed.
        network: What made them, in a name of the zoo, to compare with what is published for it.
        on_progress: Called after each picture.
        on_output: Called with each result, in order.

    Raises:
        UsageError: When nothing in the folder belongs to the set, or `claimed` is no number.
        SizeMismatchError: When a result has another size.
        PictureError: A file that cannot be read.
    """
    chosen = find_protocol(protocol) if isinstance(protocol, str) else protocol
    wanted = [find_metric(m) if isinstance(m, str) else m for m in metrics]
    data_set = find_set(data, root=root)
    results = outputs_in(folder, data_set.pictures, scale=scale, protocol=chosen)
    label, started, pictures = folder.resolve().name, time.perf_counter(), []
    for output in results:
        values = values_of(output, chosen, wanted)
        pictures.append(PictureResult(output.picture, values))
        if on_output is not None:
            on_output(label, data_set.name, output, chosen, values)
        if on_progress is not None:
            on_progress(len(pictures), len(results.pairs))
    whole = data_set.whole and len(pictures) == len(data_set.pictures)
    names = [metric.name for metric in wanted]
    cell = Cell(
        model=label,
        architecture=network,
        weights="",
        data_set=data_set.name,
        scale=scale,
        protocol=chosen.name,
        lr="unknown",
        self_ensemble=False,
        pictures=tuple(pictures),
        seconds=time.perf_counter() - started,
        published=_published(network, data_set, scale, names, chosen) if whole else {},
        notes=(*data_set.notes, *results.notes, *inspect_outputs(results, chosen)),
    )
    return described([_explained(cell, results, chosen, claimed)], names)


def _published(
    network: str, data_set: PictureSet, scale: int, metrics: Sequence[str], protocol: Protocol
) -> Mapping[str, Published]:
    return known_for(network, data_set.name, scale, metrics, protocol) if network else {}


def _explained(
    cell: Cell, results: ForeignOutputs, protocol: Protocol, claimed: str | None
) -> Cell:
    """`cell`, with what their figure means: the one they claim, or the published one."""
    known, difference = cell.published.get("psnr"), cell.difference("psnr")
    if claimed is None and known is not None and abs(difference or 0.0) > EXPLAINED_FROM:
        claimed = known.printed
    if claimed is None:
        return cell
    return replace(cell, verdict=explain(lambda: results, protocol, claimed))
