"""Scores on the way: the function that makes the tables, on the sets of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from superfine.benchmark.depth import (
    DepthPair,
    DepthProtocol,
    DepthScore,
    find_depth_protocol,
    mean_depth_score,
    measure_depth_each,
    validation_pairs,
)
from superfine.benchmark.measure import mean_score, measure_each
from superfine.benchmark.protocol import Protocol, Score, find_protocol
from superfine.data.folders import read_all
from superfine.models import ModelSpec
from superfine.training.network import Network, levels
from superfine.training.processes import Processes
from superfine.training.recipe.types import Recipe
from superfine.training.samples import depth_panels, picture_panels
from superfine.training.stages import Stages, stage_errors
from superfine.visual import triptych

T = TypeVar("T")

# Set -> scale ("x2") -> metric -> value.
Scores = Mapping[str, Mapping[str, Mapping[str, float]]]


class StopAskedError(Exception):
    """Somebody asked the run to stop while it was measuring."""


@dataclass(frozen=True, eq=False)
class _Pictures:
    truth: Sequence[UInt8[Tensor, "_ _ _"]]
    protocol: Protocol


@dataclass(frozen=True, eq=False)
class _Maps:
    pairs: Mapping[int, Sequence[DepthPair]]
    protocol: DepthProtocol


class Validation:
    """The sets of a recipe in memory, ready to be measured again and again."""

    def __init__(self, recipe: Recipe, spec: ModelSpec) -> None:
        """Reads the sets.

        Raises:
            UsageError: When a folder is missing or empty.
        """
        self._spec = spec
        self._scales = recipe.scale
        self._cascade = spec.of_depth and all(
            len(levels(spec, scale, recipe.patch)) > 1 for scale in recipe.scale
        )
        self._sets = {
            name: self._read(folder, recipe)
            for name, folder in named_sets(recipe.validate_on.sets).items()
        }

    def _read(self, folder: Path, recipe: Recipe) -> _Pictures | _Maps:
        protocol = recipe.validate_on.protocol
        if self._spec.channels in ("y", "rgb"):
            return _Pictures(read_all([folder]), find_protocol(protocol))
        depth = find_depth_protocol(protocol)
        pairs = {s: validation_pairs(folder, self._spec, s, depth) for s in recipe.scale}
        return _Maps(pairs, depth)

    def scores(self, network: Network, processes: Processes, *, stop: Callable[[], bool]) -> Scores:
        """The mean scores of every set at every scale; each process measures its share.

        Raises:
            StopAskedError: When `stop` answered yes.
        """
        network.eval()
        return {
            name: {f"x{s}": self._score(network, name, s, processes, stop) for s in self._scales}
            for name in self._sets
        }

    def stages(self, network: Network, processes: Processes, *, stop: Callable[[], bool]) -> Stages:
        """The errors of every stage of a cascade for depth; empty for every other network.

        Raises:
            StopAskedError: When `stop` answered yes.
        """
        if not self._cascade:
            return {}
        found: dict[str, dict[str, dict[str, float]]] = {}
        for name, maps in self._sets.items():
            assert isinstance(maps, _Maps)
            for scale, pairs in maps.pairs.items():
                single = network.at_scale[str(scale)]
                measure = partial(self._stages_of, single, pairs, maps.protocol)
                errors = self._shared(len(pairs), measure, processes, stop)
                means = {key: sum(e[key] for e in errors) / len(errors) for key in errors[0]}
                found.setdefault(name, {})[f"x{scale}"] = means
        return found

    def _stages_of(
        self, network: nn.Module, pairs: Sequence[DepthPair], protocol: DepthProtocol, i: int
    ) -> dict[str, float]:
        return stage_errors(network, self._spec, pairs[i], protocol)

    @torch.no_grad()
    def sheets(self, network: Network) -> Iterator[tuple[str, UInt8[Tensor, "3 h w"]]]:
        """Input, output and target of the first picture of each set at each scale, by name."""
        network.eval()
        for name, found in self._sets.items():
            for scale in self._scales:
                single = network.at_scale[str(scale)]
                if isinstance(found, _Pictures):
                    truth, protocol = found.truth[0], found.protocol
                    shown = picture_panels(single, self._spec, truth, scale, protocol)
                else:
                    shown = depth_panels(single, self._spec, found.pairs[scale][0])
                yield f"{name}-x{scale}", triptych(shown)

    def _score(
        self,
        network: Network,
        name: str,
        scale: int,
        processes: Processes,
        stop: Callable[[], bool],
    ) -> Mapping[str, float]:
        found = self._sets[name]
        count = len(found.truth if isinstance(found, _Pictures) else found.pairs[scale])
        return _mean(
            self._shared(count, lambda i: self._one(network, found, i, scale), processes, stop)
        )

    def _shared(
        self,
        count: int,
        measure: Callable[[int], T],
        processes: Processes,
        stop: Callable[[], bool],
    ) -> list[T]:
        """`measure` of 0 to `count` - 1, in order; each process does its share."""
        found = []
        for i in range(processes.place.rank, count, processes.place.world):
            if stop():
                raise StopAskedError
            found.append((i, measure(i)))
        ordered = sorted(
            (pair for part in processes.gather(found) for pair in part), key=lambda pair: pair[0]
        )
        return [value for _, value in ordered]

    def _one(
        self, network: Network, found: _Pictures | _Maps, i: int, scale: int
    ) -> Score | DepthScore:
        single = network.at_scale[str(scale)]
        if isinstance(found, _Pictures):
            return measure_each(
                single, self._spec, [found.truth[i]], scale=scale, protocol=found.protocol
            )[0]
        return measure_depth_each(
            single, self._spec, [found.pairs[scale][i]], scale=scale, protocol=found.protocol
        )[0]


def _mean(scores: Sequence[Score | DepthScore]) -> Mapping[str, float]:
    pictures = [score for score in scores if isinstance(score, Score)]
    if pictures:
        return asdict(mean_score(pictures))
    return asdict(mean_depth_score([score for score in scores if isinstance(score, DepthScore)]))


def named_sets(folders: Sequence[Path]) -> dict[str, Path]:
    """The folders by their names; a name that comes twice gets its parent's before it."""
    names = [folder.name for folder in folders]
    return {
        folder.name if names.count(folder.name) == 1 else f"{folder.parent.name}/{folder.name}": (
            folder
        )
        for folder in folders
    }


def headline(scores: Scores) -> float:
    """The one number that decides which weights are the best: of the first set, over its scales.

    PSNR in dB where there is one, else the RMSE with its sign turned: higher is better.
    """
    first = next(iter(scores.values()))
    values = [m["psnr"] if "psnr" in m else -m["rmse"] for m in first.values()]
    return sum(values) / len(values)
