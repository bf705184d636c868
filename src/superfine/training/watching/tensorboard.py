"""TensorBoard's view of a run: its numbers, its samples and the graph of its network."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from superfine.training.watching.values import named_values, step_of, writable
from superfine.training.watching.watcher import Beginning, Record

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def tensorboard_installed() -> bool:
    """Whether files for TensorBoard can be written."""
    found = find_spec("tensorboard")
    # Any folder of that name in the way is found too, but comes from no file.
    return found is not None and found.origin is not None


class TensorBoardWatcher:
    """Writes event files. Where it cannot, it says so once, and the run goes on without."""

    def __init__(self, folder: Path, *, say: Callable[[str], None]) -> None:
        """Names the folder of the event files, made when the run begins.

        Args:
            folder: Of this run alone.
            say: Told what cannot be written.
        """
        self._folder = folder
        self._say = say
        self._writer: SummaryWriter | None = None

    def begin(self, beginning: Beginning) -> None:
        """Opens a new file; what earlier ones hold beyond the step of `beginning` is hidden."""
        from torch.utils.tensorboard import SummaryWriter

        empty = next(self._folder.glob("events.out.tfevents.*"), None) is None
        # Everything from `purge_step` on is hidden. The record of the last step done stays in the
        # log of the run, so it stays here.
        hidden_from = beginning.step + 1 if beginning.step else 0
        try:
            self._writer = SummaryWriter(str(self._folder), purge_step=hidden_from)
        except OSError as error:
            self._give_up(error)
        if empty or beginning.step == 0:
            self._write(lambda writer: self._introduce(writer, beginning))

    def _introduce(self, writer: SummaryWriter, beginning: Beginning) -> None:
        code = "    " + beginning.recipe.replace("\n", "\n    ")  # as Markdown has it
        writer.add_text("recipe", code, beginning.step)
        self._add_graph(writer, beginning)
        for record in beginning.past:
            _add(writer, record)
        writer.flush()

    def _add_graph(self, writer: SummaryWriter, beginning: Beginning) -> None:
        try:
            with _evaluating(beginning.network), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what a trace would not be good for
                # Traced here, because torch would compare the trace with two more of its kind,
                # which takes a minute for a network of some hundred layers.
                traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                    beginning.network, beginning.example, check_trace=False
                )
                writer.add_graph(traced, beginning.example)
        except OSError:
            raise
        except Exception as error:  # a network may do what no tracing follows
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self._say(f"TensorBoard gets no graph of the network: {reason}")

    def _write(self, action: Callable[[SummaryWriter], None]) -> None:
        if self._writer is None:
            return
        try:
            action(self._writer)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._writer = None
        self._say(f"TensorBoard gets nothing from here on: {error}")

    def step(self, step: int) -> None:
        """Writes nothing."""

    def record(self, record: Record) -> None:
        """Writes the numbers of a line of the log; after a score they are on the disk."""
        self._write(lambda writer: _add(writer, record))

    def picture(self, step: int, name: str, sheet: UInt8[Tensor, "3 h w"]) -> None:
        """Writes a sheet."""
        tag, pixels = f"samples/{writable(name)}", sheet.cpu().numpy()
        self._write(lambda writer: writer.add_image(tag, pixels, step))

    def say(self, text: str) -> None:
        """Writes nothing."""

    def end(self) -> None:
        """Closes the file."""
        self._write(lambda writer: writer.close())
        self._writer = None


def _add(writer: SummaryWriter, record: Record) -> None:
    for name, value in named_values(record).items():
        writer.add_scalar(name, value, step_of(record))
    if record["kind"] == "score":
        writer.flush()


@contextlib.contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """`network` as it is used, not trained; afterwards it and the random numbers are as before."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=()):
            yield
    finally:
        for module, training in modes.items():
            module.training = training
