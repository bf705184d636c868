"""Running a model over a set whose truth is known, on all cores, picture by picture."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TypeVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from superfine.benchmark.metric import Compared, Metric
from superfine.benchmark.output import Output, Run, lr_for, luma_of_lr, restore
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.resizes import Resize
from superfine.benchmark.sets import PictureSet
from superfine.benchmark.strips import in_strips
from superfine.checkpoints import LoadedModel
from superfine.data.folders import read_uint8
from superfine.errors import MemoryLimitError, SizeMismatchError
from superfine.inference import out_of_memory
from superfine.models import bicubic
from superfine.ops.views import self_ensemble as ensemble_of
from superfine.tiling import most_bytes
from superfine.window import runner

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Task:
    """One model on one set at one scale.

    Attributes:
        label: What the user called the model.
        model: The network.
        data_set: The pictures.
        scale: HR pixels per LR pixel.
        protocol: How they are measured.
        self_ensemble: Whether results are means over the eight views.
        device: Where the network runs.
    """

    label: str
    model: LoadedModel
    data_set: PictureSet
    scale: int
    protocol: Protocol
    self_ensemble: bool
    device: torch.device


@dataclass(eq=False)
class LrCache:
    """The LR pictures of a run, so that a second model need not make them again.

    Attributes:
        most_bytes: What is kept; later pictures are made anew each time.
    """

    most_bytes: int = 1 << 30
    _kept: dict[tuple[object, ...], Tensor] = field(default_factory=dict)
    _bytes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: tuple[object, ...], make: Callable[[], Tensor]) -> Tensor:
        """What is kept under `key`, or what `make` gives."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        made = make()
        size = made.numel() * made.element_size()
        with self._lock:
            if key not in self._kept and self._bytes + size <= self.most_bytes:
                self._kept[key] = made
                self._bytes += size
        return made


def outputs(task: Task, cache: LrCache, *, resize: Resize | None = None) -> Iterator[Output]:
    """The results of `task` one after the other, worked on by all cores.

    Args:
        task: What to run.
        cache: Of LR pictures.
        resize: What makes the LR pictures instead of the protocol: an 8-bit RGB picture, or a grey
            one, is shrunk by it.
    """
    protocol = task.protocol
    if resize is not None:
        protocol = replace(protocol, shrinks="rgb", resize=resize, colour_resize=resize)
        task = replace(task, protocol=protocol, data_set=replace(task.data_set, lr=None))
    files = task.data_set.lr_files(task.scale)
    yield from _each(task, partial(_output, task, files, cache))


def measured(
    task: Task, metrics: Sequence[Metric], cache: LrCache
) -> Iterator[tuple[Output, Mapping[str, float], float]]:
    """Each result of `task`, its values, and the seconds both took; worked on by all cores."""
    files = task.data_set.lr_files(task.scale)

    def one(run: Run, index: int) -> tuple[Output, Mapping[str, float], float]:
        started = time.perf_counter()
        output = _output(task, files, cache, run, index)
        values = values_of(output, task.protocol, metrics)
        return output, values, time.perf_counter() - started

    yield from _each(task, one)


def values_of(output: Output, protocol: Protocol, metrics: Sequence[Metric]) -> Mapping[str, float]:
    """The number of each metric that can be had of a picture of this size."""
    compared = Compared(output, protocol)
    values = {}
    for metric in metrics:
        try:
            values[metric.name] = metric.measure(compared)
        except SizeMismatchError:
            continue
    return values


def _output(
    task: Task, files: tuple[Path, ...] | None, cache: LrCache, run: Run, index: int
) -> Output:
    """The result for picture `index`, its LR picture taken from `files` where there are some."""
    spec, protocol, scale = task.model.spec, task.protocol, task.scale
    path = task.data_set.pictures[index]
    hr = protocol.crop(read_uint8(path), scale)
    if spec is bicubic.SPEC:
        lr = protocol.lr(hr, scale) if files is None else _from_file(files[index], hr, task)
        sr = protocol.bicubic(lr, scale).double() / 255
        return Output(path.stem, scale, lr, sr, hr)
    colour = spec.channels == "rgb"
    key = (path, scale, protocol, colour)
    if files is None:
        lr = cache.get(key, lambda: lr_for(spec, hr, scale, protocol))
    else:
        lr = cache.get(key, lambda: _from_file(files[index], hr, task))
    try:
        return restore(run, spec, lr, hr, picture=path.stem, scale=scale, device=task.device)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise MemoryLimitError(
            f"Not enough memory for {task.label} on {path}, {lr.shape[-1]}x{lr.shape[-2]} pixels.",
            hint="Close other programs, or set OMP_NUM_THREADS=1 to work on one picture at a time.",
        ) from error


def _from_file(path: Path, hr: UInt8[Tensor, "c h w"], task: Task) -> Float[Tensor, "d m n"]:
    """The LR picture in a file, in the channels the network works on."""
    lr, scale = read_uint8(path), task.scale
    if lr.shape[-2] * scale != hr.shape[-2] or lr.shape[-1] * scale != hr.shape[-1]:
        raise SizeMismatchError(
            f"{path} is {lr.shape[-1]}x{lr.shape[-2]}, but the truth cut to multiples of {scale} "
            f"is {hr.shape[-1]}x{hr.shape[-2]}.",
            hint=f"Give LR pictures of {hr.shape[-1] // scale}x{hr.shape[-2] // scale}.",
        )
    if lr.shape[0] == 3 and (task.model.spec.channels == "y" or hr.shape[0] == 1):
        return luma_of_lr(lr.double() / 255, task.protocol)
    return lr.double() / 255


def _each(task: Task, one: Callable[[Run, int], T]) -> Iterator[T]:
    indices = range(len(task.data_set.pictures))
    workers = min(cores(), len(indices))
    run = runner(task.model.network, task.device, "float32")
    if task.device.type == "cpu":
        run = in_strips(run, task.model, most_bytes(task.device) // workers)
    else:
        run = _one_at_a_time(in_strips(run, task.model, most_bytes(task.device)))
    if task.self_ensemble:
        run = ensemble_of(run)
    with _torch_threads(max(1, cores() // workers)), ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for index in indices:
                waiting.append(pool.submit(one, run, index))
                # A few ahead only: results of large pictures would pile up.
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def cores() -> int:
    """The cores this process may use, as `OMP_NUM_THREADS` limits them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, torch.get_num_threads()))


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    """Pictures run beside each other, so that each gets its share of the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _one_at_a_time(run: Run) -> Run:
    """`run` for a GPU, which one picture fills."""
    lock = Lock()

    def alone(lr: Tensor) -> Tensor:
        with lock:
            return run(lr)

    return alone
