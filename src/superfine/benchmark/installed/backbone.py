"""What the packages have in common: they are imported with care, and look through a network."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

from torch import Tensor

from superfine.checkpoints import foreign_tensors
from superfine.community.bridge import in_one_line, let_torchvision_in
from superfine.errors import ModelFileError, UsageError
from superfine.own_file import refuse_not_finite
from superfine.schema import difference

# Name in the metric -> name in a file of torchvision's, and shape.
Names = Mapping[str, tuple[str, tuple[int, ...]]]


def imported(module: str, *, package: str) -> ModuleType:
    """The module of a package that torchvision comes with.

    Raises:
        UsageError: When it is not installed or cannot be imported.
    """
    let_torchvision_in()
    top = module.partition(".")[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other people's code on import
            return import_module(module)
    except (ImportError, RuntimeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name in (top, module):
            raise UsageError(
                f"The package {package}, which measures this, is not installed.",
                hint=f"pip install {package}",
            ) from None
        raise UsageError(
            f"{package} is installed, but cannot be imported: {in_one_line(error)}",
            hint=f"pip install --upgrade {package}",
        ) from None


def read_network(file: Path, names: Names, title: str) -> dict[str, Tensor]:
    """The tensors of `file` under the names of the metric.

    Raises:
        MissingModelError: When it is not a file.
        ModelFileError: When it is damaged or not this network.
        UnsafeModelError: When it holds more than tensors.
    """
    with foreign_tensors(file) as stored:
        expected = dict(names.values())
        held = stored.tensors
        if wrong := difference(expected, {n: held[n].shape for n in expected if n in held}):
            raise ModelFileError(
                f"The file is not {title} in torchvision's names: {wrong}.",
                hint="Give torchvision's alexnet for lpips, its vgg16 for lpips-vgg and dists.",
            )
        tensors = {name: held[theirs].read().float() for name, (theirs, _) in names.items()}
        refuse_not_finite(tensors)
        return tensors
