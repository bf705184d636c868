"""How LR depth, its phase, and the methods without weights fare on a set of maps.

    python bench/depth.py fingerprints FOLDER [--scale 4,8,16] [--every 1]
    python bench/depth.py methods FOLDER [--operator bicubic] [--method NAME] [--scale 4,8,16]
    python bench/depth.py phase FOLDER [--scale 4,8] [--every 1]
    python bench/depth.py speed

FOLDER holds `depth/` (8- or 16-bit PNG, or NPY) and `rgb/` or `guide/`, whose files, sorted by
name, are the photos of those of `depth/`. `--every 3` takes every third map.

`fingerprints` prints the RMSE of bicubic for each operator, by which a published table shows what
it is from. `methods` prints RMSE over all pixels and in the edge band, the share of the band that
flies in per cent, and the largest LR residual, each as the method left it and after `project`.
`phase` prints how far the estimated phase is from the true one. Figures are means over the maps, in
the codes of the files, but for the residual, the largest of all.

`speed` prints how long each method takes from 80x60 to 640x480 pixels with a guide of noise: the
processor time of one thread, which on an idle machine is the time; and beside it how often a box
filter of OpenCV, 9x9 on 640x480 floats, would run in that time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from superfine.io import read
from superfine.metrics import edge_band, flying_share, rmse
from superfine.ops.codes import to_unit
from superfine.ops.depth_lr import BICUBIC, DEPTH_OPERATORS, DIRECT_LAST, DepthOperator
from superfine.ops.guided_diffusion import guided_diffusion
from superfine.ops.guided_filter import guided_filter
from superfine.ops.joint_bilateral import joint_bilateral
from superfine.ops.phase import estimated_phase, phase_evidence
from superfine.ops.project import lr_residual, project
from superfine.ops.resize import imresize

STEPS = 10
TURNS = 7
GREY = torch.tensor((0.299, 0.587, 0.114))[:, None, None]

Map = Float[Tensor, "1 h w"]
Photo = Float[Tensor, "c h w"]
Method = Callable[[Map, Photo, DepthOperator], Map]


def say(line: str) -> None:
    """Prints `line` at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]


def _radius(lr: Map, guide: Photo) -> int:
    return max(1, guide.shape[-1] // lr.shape[-1] // 2)


def _bicubic(lr: Map, guide: Photo, operator: DepthOperator) -> Map:
    return operator.enlarge(lr, _size(guide))


def _colour_filter(lr: Map, guide: Photo, operator: DepthOperator) -> Map:
    depth = operator.enlarge(lr, _size(guide))
    return guided_filter(depth, guide, radius=_radius(lr, guide))


def _grey_filter(lr: Map, guide: Photo, operator: DepthOperator) -> Map:
    return _colour_filter(lr, (guide * GREY).sum(dim=0, keepdim=True), operator)


METHODS: dict[str, Method] = {
    "bicubic": _bicubic,
    "guided filter, grey": _grey_filter,
    "guided filter": _colour_filter,
    "joint bilateral": joint_bilateral,
    "guided diffusion": guided_diffusion,
}


def _map(path: Path) -> Map:
    if path.suffix == ".npy":
        return torch.from_numpy(np.load(path)).float()[None]
    return read(path).pixels.float()


def scenes(folder: Path, every: int) -> list[tuple[Map, Photo]]:
    """Maps in the codes of their files, and their photos on [0, 1]."""
    photos = folder / ("rgb" if (folder / "rgb").is_dir() else "guide")
    pairs = zip(sorted((folder / "depth").iterdir()), sorted(photos.iterdir()), strict=True)
    return [(_map(depth), to_unit(read(photo).pixels)) for depth, photo in list(pairs)[::every]]


def cut(found: list[tuple[Map, Photo]], scale: int) -> Iterator[tuple[Map, Photo]]:
    """Each pair without what is beyond a multiple of `scale`."""
    for depth, photo in found:
        height, width = (side // scale * scale for side in _size(depth))
        yield depth[:, :height, :width], photo[:, :height, :width]


def error(depth: Map, truth: Map) -> float:
    """RMSE over all pixels."""
    return float(rmse(depth, truth, torch.ones_like(truth, dtype=torch.bool)))


def in_place_by_opencv(lr: Map, size: tuple[int, int], shift: float, scale: int) -> Map:
    """Enlarged about the true places by OpenCV's cubic, a = -0.75."""
    columns, rows = (
        ((np.arange(side) + 0.5 - shift) / scale - 0.5).astype(np.float32) for side in size[::-1]
    )
    x, y = np.meshgrid(columns, rows)
    enlarged = cv2.remap(lr[0].numpy(), x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return torch.from_numpy(enlarged)[None]


def fingerprints(found: list[tuple[Map, Photo]], scales: list[int]) -> None:
    """Prints the row of each operator, centred and in place."""
    say(f"{'RMSE of bicubic':34}" + "".join(f"{f'x{s}':>9}" for s in scales))
    for operator in DEPTH_OPERATORS.values():
        rows: dict[str, list[float]] = {operator.name: []}
        if operator.picks:
            rows |= {f"{operator.name}, in place": []}
        if operator is DIRECT_LAST:
            rows |= {f"{operator.name}, in place by OpenCV": []}
        for scale in scales:
            errors: dict[str, list[float]] = {name: [] for name in rows}
            for truth, _ in cut(found, scale):
                lr, size = operator.shrink(truth, scale), _size(truth)
                made = [imresize(lr, scale=scale, border="cut"), operator.enlarge(lr, size)]
                made.append(in_place_by_opencv(lr, size, operator.shift(scale), scale))
                for name, depth in zip(rows, made, strict=False):
                    errors[name].append(error(depth, truth))
            for name, row in rows.items():
                row.append(statistics.mean(errors[name]))
        for name, row in rows.items():
            say(f"{name:34}" + "".join(f"{value:9.3f}" for value in row))


def methods(
    found: list[tuple[Map, Photo]],
    scales: list[int],
    operator: DepthOperator,
    chosen: dict[str, Method],
) -> None:
    """Prints RMSE, RMSE in the edge band and flying share, before and after projection."""
    say(f"LR by {operator.name}: RMSE / in the edge band / flying in %, largest LR residual")
    for scale in scales:
        for name, method in chosen.items():
            for after in (False, True):
                rows = []
                for truth, photo in cut(found, scale):
                    lr = operator.shrink(truth, scale)
                    depth = method(lr, photo, operator)
                    if after:
                        depth = project(depth, lr, operator, STEPS)
                    everywhere = torch.ones_like(truth, dtype=torch.bool)
                    band = edge_band(truth, everywhere)
                    rows.append((
                        error(depth, truth),
                        float(rmse(depth, truth, band)) if band.any() else 0.0,
                        100 * float(flying_share(depth, truth, everywhere)),
                        lr_residual(depth, lr, operator).largest,
                    ))  # fmt: skip
                whole, edges, flying, _ = (statistics.mean(x) for x in zip(*rows, strict=True))
                residual = max(row[3] for row in rows)
                label = f"x{scale:<3} {name}{' + project' if after else ''}"
                say(f"{label:35}{whole:7.3f} {edges:7.2f} {flying:6.1f} {residual:10.5f}")


def phase(found: list[tuple[Map, Photo]], scales: list[int]) -> None:
    """Prints how far the estimate is from the truth, map by map and over all, in HR pixels."""
    for scale in scales:
        for operator in DEPTH_OPERATORS.values():
            true = operator.shift(scale)
            evidence = [
                phase_evidence(operator.shrink(truth, scale), photo)
                for truth, photo in cut(found, scale)
            ]
            each = [estimated_phase([one]) for one in evidence]
            away = [max(abs(p.rows - true), abs(p.columns - true)) for p in each]
            sure = [a for a, p in zip(away, each, strict=True) if p.confidence > 0.5]
            pooled = estimated_phase(evidence)
            say(
                f"x{scale} {operator.name:12} {sum(a <= 1 for a in away)} of {len(away)} within 1 "
                f"pixel, median {statistics.median(away):.2f}; confidence over 0.5: {len(sure)}, "
                f"of them {sum(a <= 1 for a in sure)}; all together "
                f"{pooled.rows - true:+.2f} {pooled.columns - true:+.2f}, "
                f"confidence {pooled.confidence:.2f}",
            )


def _seconds(call: Callable[[], object]) -> float:
    times = []
    for _ in range(TURNS):
        started = time.thread_time()
        call()
        times.append(time.thread_time() - started)
    return statistics.median(times)


def speed() -> None:
    """Prints the time of each method."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    draw = torch.Generator().manual_seed(0)
    lr = torch.rand(1, 60, 80, generator=draw)
    guide = torch.rand(3, 480, 640, generator=draw)
    floats = guide[0].numpy()
    for name, method in METHODS.items():
        method(lr, guide, BICUBIC)
        took = _seconds(lambda method=method: method(lr, guide, BICUBIC))
        box = _seconds(lambda: cv2.boxFilter(floats, -1, (9, 9)))
        say(f"{name:22}{1000 * took:8.1f} ms {took / box:8.0f} box filters")


def main() -> None:
    """Prints one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=("fingerprints", "methods", "phase", "speed"))
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--operator", choices=tuple(DEPTH_OPERATORS), default="bicubic")
    parser.add_argument("--method", choices=tuple(METHODS))
    parser.add_argument("--scale", default="4,8,16")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    if options.table == "speed":
        speed()
        return
    found = scenes(options.folder, options.every)
    scales = [int(scale) for scale in options.scale.split(",")]
    if options.table == "fingerprints":
        fingerprints(found, scales)
    elif options.table == "phase":
        phase(found, scales)
    else:
        only = {options.method: METHODS[options.method]} if options.method else METHODS
        methods(found, scales, DEPTH_OPERATORS[options.operator], only)


if __name__ == "__main__":
    main()
