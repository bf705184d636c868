"""The only door to spandrel: imported when first needed, and kept in bounds."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from superfine.errors import ModelFileError
from superfine.ops.allocations import Allocations
from superfine.schema import shown

if TYPE_CHECKING:
    from spandrel import ArchSupport, ModelDescriptor

# What building a network may take beside twice its tensors: tables of positions in windows.
_TABLES = 128 << 20
# Tensors made while building: the largest networks make some ten thousand.
_MOST_OPERATIONS = 100_000
# Positions in lists of layers are at most a few times as many as there are tensors.
_LAYERS_PER_TENSOR = 4

# What torchvision asks of its compiled operators before it lets itself be imported.
_TORCHVISION = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@cache
def architectures() -> tuple[ArchSupport, ...]:
    """What spandrel knows, in the order in which it should be asked; empty without spandrel.

    Raises:
        ModelFileError: When spandrel is installed but cannot be imported.
    """
    if find_spec("spandrel") is None:
        return ()
    let_torchvision_in()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other people's code on import
            from spandrel import MAIN_REGISTRY
    except (ImportError, RuntimeError) as error:
        raise ModelFileError(
            f"spandrel is installed, but cannot be imported: {in_one_line(error)}",
            hint="pip install --upgrade 'superfine[community]'",
        ) from None
    return tuple(MAIN_REGISTRY.architectures("detection"))


def let_torchvision_in() -> None:
    """Declares the operators without which torchvision refuses to be imported.

    spandrel imports torchvision but uses none of its operators. Where their library was built for
    another torch (a CPU build beside a CUDA one), it cannot load, and torchvision asks for it.
    """
    found = find_spec("torchvision")
    if found is None or found.origin is None or hasattr(torch.ops.torchvision, "nms"):
        return
    for library in Path(found.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(library)  # type: ignore[no-untyped-call]
        except OSError:
            continue
        return
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", _TORCHVISION)


def detected(shapes: Mapping[str, Tensor]) -> list[ArchSupport]:
    """The architectures whose marks are among `shapes`, tensors without memory."""
    return [known for known in architectures() if _has_marks(known, shapes)]


def _has_marks(known: ArchSupport, shapes: Mapping[str, Tensor]) -> bool:
    try:
        return bool(known.detect(dict(shapes)))
    except Exception:
        return False  # a mark of another shape than it expects


def refuse_claims(shapes: Mapping[str, Tensor], *, size: int) -> None:
    """Refuses what would take more memory or time than a file with `size` bytes of numbers may.

    Raises:
        ModelFileError: With the name that claims too much.
    """
    if (needed := sum(t.nbytes for t in shapes.values())) > 2 * size:
        raise ModelFileError(
            f"The file describes {needed:,} bytes of numbers, but holds {size:,}.",
            hint="Ask for dense floating-point weights.",
        )
    most = 100 + _LAYERS_PER_TENSOR * len(shapes)
    for name, tensor in shapes.items():
        if any(len(d) > 9 or int(d) > most for d in re.findall(r"\d+", name)):
            raise ModelFileError(f"{name} is a layer too many for {len(shapes)} tensors.")
        if tensor.numel() == 0 and max(tensor.shape) > most:
            raise ModelFileError(f"{name} is {shown(tuple(tensor.shape))}, but holds nothing.")


def build(known: ArchSupport, tensors: Mapping[str, Tensor]) -> ModelDescriptor:
    """The network that `known` makes of `tensors`; draws none of the caller's random numbers.

    Raises:
        Exception: Whatever spandrel raises when they do not fit; MemoryError when its network
            would be larger than they are.
    """
    limits = Allocations(
        sum(t.nbytes for t in tensors.values()) + _TABLES, operations=_MOST_OPERATIONS
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), limits:
        warnings.simplefilter("ignore")  # meant for those who write networks
        return known.architecture.load(dict(tensors))


def in_one_line(error: BaseException) -> str:
    """What went wrong in somebody else's code, in one short line."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def names_tried(names: Mapping[str, Tensor], prefix: str) -> Iterator[dict[str, Tensor]]:
    """The tensors as they are called, and with the words that our reader took off the front.

    Some architectures are known by such a word: `model.` of the first ESRGAN, say.
    """
    words = prefix.split(".")[:-1]
    for taken in range(len(words) + 1):
        front = "".join(f"{word}." for word in words[len(words) - taken :])
        yield {front + name: tensor for name, tensor in names.items()}
