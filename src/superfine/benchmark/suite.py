"""The benchmark: models on sets at scales, each mean beside what was published."""

from __future__ import annotations

import itertools
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch

from superfine import __version__
from superfine.benchmark.metric import USUAL, Metric, find_metric
from superfine.benchmark.output import Output
from superfine.benchmark.papers import Published, published_for
from superfine.benchmark.protocol import Protocol, find_protocol
from superfine.benchmark.results import Benchmark, Cell, PictureResult
from superfine.benchmark.run import LrCache, Task, cores, measured, outputs
from superfine.benchmark.sets import find_set
from superfine.benchmark.verdict.explain import explain
from superfine.checkpoints import LoadedModel
from superfine.errors import UsageError
from superfine.inference import load_picture_model, pick_device

# In dB: what is nearer to a published figure than this needs no explanation.
EXPLAINED_FROM = 0.05
# Seconds of all cores that a cell may have taken to be run again, up to five times, on LR pictures
# of other programs; a larger network on a larger set is explained from its results alone.
_RUN_AGAIN_UP_TO = 120.0
_NOT_RUN_AGAIN = (
    "Whether LR pictures of another program explain the difference was not tried: the network "
    "would have to run again for each, which takes long."
)
_USUAL_SCALES = (2, 3, 4)
# Networks whose papers measure x3 by shrinking what they make at x4.
_THROUGH_LARGER = ("lapsrn", "mslapsrn")

# Pictures done, and pictures in all.
OnProgress = Callable[[int, int], None]
# Model, set, result, protocol and values of a picture.
OnOutput = Callable[[str, str, Output, Protocol, Mapping[str, float]], None]


def run_benchmark(
    models: Sequence[str | Path],
    data: Sequence[str],
    *,
    scales: Sequence[int] = (),
    protocol: str | Protocol = "y-matlab",
    metrics: Sequence[str | Metric] = USUAL,
    self_ensemble: bool = False,
    root: Path | None = None,
    lr: Path | None = None,
    device: str = "auto",
    on_progress: OnProgress | None = None,
    on_output: OnOutput | None = None,
) -> Benchmark:
    """Measures every model on every set at every scale.

    Networks run in float32 on whole pictures, or in strips that equal the whole, several pictures
    at a time where there are several cores. Everything is looked up before the first picture is
    read.

    Args:
        models: Names and files, as `load_model` takes them; "bicubic" is the protocol's own.
        data: Names of the catalogue ("set5"), or folders of pictures.
        scales: HR pixels per LR pixel; empty takes those of 2, 3 and 4 each model has.
        protocol: How LR is made and results are compared, or its name.
        metrics: What is measured, or their names.
        self_ensemble: Average over the eight views; eight times the work.
        root: Where sets lie; None takes `SUPERFINE_DATA`, then the cache.
        lr: Folder of LR pictures to use instead of making them; for one set.
        device: "auto", or a device in torch's words.
        on_progress: Called after each picture.
        on_output: Called with each result, in order, from this thread.

    Raises:
        UsageError: A set that is not here, or a model without any of the scales.
        UnknownNameError: A model, set, protocol or metric nobody knows.
        PictureError: A picture that cannot be read.
    """
    chosen = find_protocol(protocol) if isinstance(protocol, str) else protocol
    wanted = [find_metric(m) if isinstance(m, str) else m for m in metrics]
    if lr is not None and len(data) != 1:
        raise UsageError("LR pictures belong to one set.", hint="Give one --data with --lr.")
    sets = [find_set(name, root=root, lr=lr) for name in data]
    tasks = [
        Task(label, model, data_set, scale, chosen, self_ensemble, pick_device(device))
        for label, name in _labels(models).items()
        for scale, model in _at_scales(name, scales).items()
        for data_set in sets
    ]
    total, done = sum(len(task.data_set.pictures) for task in tasks), itertools.count(1)

    def on_picture() -> None:
        if on_progress is not None:
            on_progress(next(done), total)

    cache = LrCache()
    cells = [_cell(task, wanted, cache, on_picture, on_output) for task in tasks]
    return described(cells, [metric.name for metric in wanted])


def described(cells: Sequence[Cell], metrics: Sequence[str]) -> Benchmark:
    """`cells` with when, where and by what they were measured."""
    return Benchmark(
        cells=tuple(cells),
        metrics=tuple(metrics),
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=__version__,
        commit=_commit(),
        torch=torch.__version__.partition("+")[0],
        machine=f"{platform.system()} {platform.machine()}, cores: {cores()}",
    )


def _labels(models: Sequence[str | Path]) -> dict[str, str | Path]:
    """What the table calls each model: its name, or its path where two files are called so."""
    names = [Path(model).name for model in dict.fromkeys(models)]
    return {
        name if names.count(name) == 1 else str(model): model
        for name, model in zip(names, dict.fromkeys(models), strict=True)
    }


def _at_scales(label: str | Path, scales: Sequence[int]) -> dict[int, LoadedModel]:
    """The model at each scale asked for.

    Raises:
        UsageError: When it has none of them.
    """
    found = {}
    for scale in scales or _USUAL_SCALES:
        model = load_picture_model(label, scale=scale)
        through_larger = model.spec.name.startswith(_THROUGH_LARGER) and model.scale > scale
        if model.scale == scale or (through_larger and scale == 3):
            found[scale] = model
    if missing := set(scales) - found.keys():
        raise UsageError(
            f"{label} has no weights for x{min(missing)}.",
            hint="Give --scale with scales it has, or leave it out: superfine models list",
        )
    if not found:
        raise UsageError(
            f"{label} enlarges neither 2, 3 nor 4 times.", hint="Give its scale with --scale."
        )
    return found


def _cell(
    task: Task,
    metrics: Sequence[Metric],
    cache: LrCache,
    on_picture: Callable[[], None],
    on_output: OnOutput | None,
) -> Cell:
    pictures, seconds = [], 0.0
    for output, values, taken in measured(task, metrics, cache):
        pictures.append(PictureResult(output.picture, values))
        seconds += taken
        if on_output is not None:
            on_output(task.label, task.data_set.name, output, task.protocol, values)
        on_picture()
    model, data_set = task.model, task.data_set
    cell = Cell(
        model=task.label,
        architecture=model.spec.name,
        weights=model.card.sha256,
        data_set=data_set.name,
        scale=task.scale,
        protocol=task.protocol.name,
        lr=task.protocol.resize.name if data_set.lr is None else str(data_set.lr),
        self_ensemble=task.self_ensemble,
        pictures=tuple(pictures),
        seconds=seconds,
        published=_published(task, [metric.name for metric in metrics]) if data_set.whole else {},
        notes=(*data_set.notes, *model.findings),
    )
    return _explained(cell, task, cache)


def _published(task: Task, metrics: Sequence[str]) -> dict[str, Published]:
    name = task.model.spec.name + ("+" if task.self_ensemble else "")
    return known_for(name, task.data_set.name, task.scale, metrics, task.protocol)


def known_for(
    model: str, data_set: str, scale: int, metrics: Sequence[str], protocol: Protocol
) -> dict[str, Published]:
    """Metric -> the published figure ours is set beside, under the same protocol if there is one.

    Args:
        model: Name in the zoo, "+" behind it for self-ensembles.
        data_set: Name in the catalogue.
        scale: HR pixels per LR pixel.
        metrics: Names of metrics.
        protocol: How ours is measured.
    """
    found = {}
    for metric in metrics:
        figures = published_for(model, data_set, scale, metric)
        same = [f for f in figures if f.protocol == protocol.name and not f.doubtful]
        if same or figures:
            found[metric] = (same or figures)[0]
    return found


def _explained(cell: Cell, task: Task, cache: LrCache) -> Cell:
    """`cell`, with why its PSNR is not the published one where it is not."""
    known, difference = cell.published.get("psnr"), cell.difference("psnr")
    if known is None or difference is None or abs(difference) <= EXPLAINED_FROM:
        return cell
    quick = cell.seconds <= _RUN_AGAIN_UP_TO
    verdict = explain(
        partial(outputs, task, cache),
        task.protocol,
        known.printed,
        rerun=(lambda resize: outputs(task, cache, resize=resize)) if quick else None,
    )
    if verdict is not None and not verdict.cause and not quick:
        cell = replace(cell, notes=(*cell.notes, _NOT_RUN_AGAIN))
    return replace(cell, verdict=verdict)


def _commit() -> str:
    """The commit of the checkout this runs from; empty for an installed package."""
    checkout = Path(__file__).parents[3]
    if not (checkout / ".git").exists():
        return ""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"],
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()
