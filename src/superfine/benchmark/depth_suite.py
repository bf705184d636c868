"""The benchmark of depth: methods and networks on sets of maps, with bicubic before all others.

Bicubic's error names the protocol of a table better than its caption does: on the 30 Middlebury
maps it is 2.28 grey levels at x4 where LR is in place, and 4.43 where it is not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.benchmark.depth import (
    DepthOutput,
    DepthPair,
    DepthProtocol,
    find_depth_protocol,
)
from superfine.benchmark.metric import DEPTH_COLUMNS
from superfine.benchmark.papers import Published, published_for
from superfine.benchmark.results import Benchmark, Cell, PictureResult
from superfine.benchmark.suite import described
from superfine.checkpoints import load_model
from superfine.data.depth import DepthScene, scenes_in
from superfine.data.depth_sets import DEPTH_SETS, SetScene
from superfine.depth.enlarge import enlarge
from superfine.depth.methods import BICUBIC, METHOD_NAMES, DepthMethod, find_method
from superfine.depth.networks import method_of
from superfine.errors import UsageError
from superfine.inference import pick_device
from superfine.io.rows import convert
from superfine.metrics import edge_band, flying_share, mae, rmse
from superfine.ops.resize import imresize
from superfine.types import DepthMap

_USUAL_SCALES = (4, 8, 16)
# Sets as papers call them.
_IN_PAPERS = {"middlebury-30": "middlebury"}

OnProgress = Callable[[int, int], None]
OnOutput = Callable[[str, str, DepthOutput, DepthProtocol, Mapping[str, float]], None]


@dataclass(frozen=True, eq=False)
class _Way:
    """A method at one scale, and what the table says of it."""

    label: str
    architecture: str
    weights: str
    method: DepthMethod


def run_depth_benchmark(
    methods: Sequence[str],
    data: Sequence[str],
    *,
    protocol: str,
    scales: Sequence[int] = (),
    device: str = "auto",
    on_progress: OnProgress | None = None,
    on_output: OnOutput | None = None,
) -> Benchmark:
    """Measures every method on every set at every scale, and bicubic first.

    Args:
        methods: Names in `METHODS`, networks, or weight files.
        data: Folders in the layout `depth/`, `guide/`, or SET=FOLDER for a set of
            `superfine data convert` in the layout its authors publish.
        protocol: Name of a depth protocol.
        scales: HR pixels per LR pixel; empty takes 4, 8 and 16.
        device: "auto", or a device in torch's words; networks run there.
        on_progress: Called after each method on a set at a scale.
        on_output: Called with each result: method, set, result, protocol and its numbers.

    Raises:
        UsageError: A set that is not there, or a network without a scale asked for.
        UnknownNameError: A method, set or protocol nobody knows.
        PictureError: A map or photo that cannot be read.
    """
    chosen = find_depth_protocol(protocol)
    names = tuple(dict.fromkeys((BICUBIC.name, *methods)))
    scales = tuple(scales) or _USUAL_SCALES
    picked = pick_device(device)
    ways = {scale: [_way(name, scale, picked) for name in names] for scale in scales}
    total = len(ways) * len(names) * len(data)
    cells = []
    for name in data:
        label, scenes = scenes_of(name, chosen)
        held = list(scenes)
        for scale, at_scale in ways.items():
            pairs = [(scene.path.stem, chosen.pair(scene, scale)) for scene in held]
            for way in at_scale:
                results, seconds = _measured(way, label, pairs, chosen, on_output)
                cell = _cell(way, label, scale, chosen)
                cells.append(replace(cell, pictures=results, seconds=seconds))
                if on_progress is not None:
                    on_progress(len(cells), total)
    return described(cells, [column.name for column in DEPTH_COLUMNS])


def scenes_of(name: str, protocol: DepthProtocol) -> tuple[str, Iterator[DepthScene]]:
    """What the table calls the set that `name` means, and its maps in the unit of `protocol`.

    Raises:
        UsageError: No such folder, or maps whose unit is not known where centimetres are counted.
        UnknownNameError: No such set.
    """
    known, _, folder = name.partition("=")
    found = next((s for s in DEPTH_SETS if s.name == known), None)
    if folder and found is not None:
        return known, (_counted(scene, protocol) for scene in found.read(Path(folder)))
    if not Path(name).is_dir():
        sets = ", ".join(s.name for s in DEPTH_SETS)
        raise UsageError(
            f"{name} is no folder of depth maps.",
            hint=f"Give a folder with depth/ and guide/, or SET=FOLDER; sets: {sets}.",
        )
    if protocol.unit == "cm":
        raise UsageError(
            f"{protocol.name} counts centimetres; the PNG files of {name} do not say them.",
            hint="Give SET=FOLDER of a set in metres, such as nyu-dkn-test.",
        )
    guided = (Path(name) / "guide").is_dir()
    return Path(name).name, scenes_in(Path(name), guide_channels=3 if guided else 0)


def _counted(scene: SetScene, protocol: DepthProtocol) -> DepthScene:
    """A scene of a set in centimetres, or in the codes of its files."""
    depth = scene.depth
    if protocol.unit == "cm" and depth.unit != "metre":
        raise UsageError(
            f"{protocol.name} counts centimetres; {scene.name} is {depth.unit}.",
            hint="Give a set in metres, such as nyu-dkn-test.",
        )
    codes = 1.0 if depth.storage is None else depth.storage.codes_per_unit
    factor = 100.0 if protocol.unit == "cm" else codes
    guide = None if scene.guide is None else convert(scene.guide.pixels, torch.uint8)
    if guide is not None:
        guide = guide.expand(3, -1, -1)
    return DepthScene(Path(scene.name), depth.values.float() * factor, depth.valid, guide)


def _way(name: str, scale: int, device: torch.device) -> _Way:
    if name in METHOD_NAMES:
        return _Way(name, name, "", find_method(name))
    model = load_model(name, scale=scale)
    if model.scale != scale:
        raise UsageError(
            f"{name} has no weights for x{scale}.", hint="Give --scale with scales it has."
        )
    method = method_of(model, device=device)
    return _Way(Path(name).name, model.spec.name, model.card.sha256, method)


def _measured(
    way: _Way,
    data_set: str,
    pairs: Sequence[tuple[str, DepthPair]],
    protocol: DepthProtocol,
    on_output: OnOutput | None,
) -> tuple[tuple[PictureResult, ...], float]:
    """Every map, and the seconds it took in all."""
    started = time.monotonic()
    results = []
    for name, pair in pairs:
        if way.method.guided and pair.guide is None:
            raise UsageError(
                f"{way.label} needs photos; {data_set} has none.", hint="Add them as guide/."
            )
        sr, residual = _enlarged(way.method, pair, protocol)
        values = _values(sr, residual, pair, protocol)
        results.append(PictureResult(name, values))
        if on_output is not None:
            on_output(way.label, data_set, DepthOutput(name, pair, sr), protocol, values)
    return tuple(results), time.monotonic() - started


def _cell(way: _Way, data_set: str, scale: int, protocol: DepthProtocol) -> Cell:
    """Before anything was measured."""
    return Cell(
        model=way.label,
        architecture=way.architecture,
        weights=way.weights,
        data_set=data_set,
        scale=scale,
        protocol=protocol.name,
        lr=protocol.operator.name,
        self_ensemble=False,
        pictures=(),
        seconds=0.0,
        published=_published(way.architecture, data_set, scale, protocol),
    )


def _enlarged(
    method: DepthMethod, pair: DepthPair, protocol: DepthProtocol
) -> tuple[Float[Tensor, "1 h w"], float]:
    """The result, stretched as the LR map is, and its LR residual; NaN where none was made."""
    if method is BICUBIC:  # as published: about the middle of the cells, and nothing after it
        return _about_the_middle(pair), math.nan
    size = pair.truth.shape[-2], pair.truth.shape[-1]
    everywhere = torch.ones_like(pair.lr, dtype=torch.bool)
    span = pair.high - pair.low
    lr = DepthMap(pair.low + pair.lr.double() * span, everywhere, "relative")
    made = enlarge(lr, method, size=size, operator=protocol.operator, guide=pair.guide)
    return (made.depth.values - pair.low) / (span or 1.0), made.residual.mean


def _values(
    sr: Float[Tensor, "1 h w"], residual: float, pair: DepthPair, protocol: DepthProtocol
) -> Mapping[str, float]:
    """Every column of one map."""
    depth, truth, valid = protocol.compared(sr, pair)
    band = edge_band(truth, valid)
    values = {
        "rmse": float(rmse(depth, truth, valid)),
        "mae": float(mae(depth, truth, valid)),
        "flying": 100 * float(flying_share(depth, truth, valid)),
        "lr-residual": residual,
    }
    for name, part in (("edge-rmse", band), ("flat-rmse", valid & ~band)):
        values[name] = float(rmse(depth, truth, part)) if bool(part.any()) else math.nan
    return {name: value for name, value in values.items() if not math.isnan(value)}


def _about_the_middle(pair: DepthPair) -> Float[Tensor, "1 h w"]:
    """`pair.lr` enlarged by bicubic as every table does it, whatever its samples are."""
    scale = pair.truth.shape[-1] // pair.lr.shape[-1]
    return imresize(pair.lr.double(), scale=scale, border="cut")


def _published(
    model: str, data_set: str, scale: int, protocol: DepthProtocol
) -> dict[str, Published]:
    named = partial(published_for, model, _IN_PAPERS.get(data_set, data_set), scale)
    figures = {
        column.name: [f for f in named(column.name) if f.protocol == protocol.name]
        for column in DEPTH_COLUMNS
    }
    return {name: found[0] for name, found in figures.items() if found}
