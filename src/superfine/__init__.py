"""Sharper pictures and depth maps, with numbers that can be believed.

The public names load on first use, so that `import superfine` costs no torch import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from superfine.benchmark.suite import run_benchmark
    from superfine.blind.upscale import upscale_blind
    from superfine.checkpoints import LoadedModel, load_model
    from superfine.depth.upscale import upscale_depth
    from superfine.inference import upscale
    from superfine.training.loop import train
    from superfine.training.recipe.text import load_recipe
    from superfine.types import DepthMap, Image

__version__ = "0.1.0"

__all__ = [
    "DepthMap",
    "Image",
    "LoadedModel",
    "__version__",
    "load_model",
    "load_recipe",
    "run_benchmark",
    "train",
    "upscale",
    "upscale_blind",
    "upscale_depth",
]

_HOME = {
    "DepthMap": "superfine.types",
    "Image": "superfine.types",
    "LoadedModel": "superfine.checkpoints",
    "load_model": "superfine.checkpoints",
    "load_recipe": "superfine.training.recipe.text",
    "run_benchmark": "superfine.benchmark.suite",
    "train": "superfine.training.loop",
    "upscale": "superfine.inference",
    "upscale_blind": "superfine.blind.upscale",
    "upscale_depth": "superfine.depth.upscale",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"superfine has no {name!r}; it has: {', '.join(sorted(_HOME))}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
