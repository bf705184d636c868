"""From what a recipe calls its data to a source of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Shaped, UInt8
from torch import Tensor

from superfine.benchmark.depth import find_depth_protocol
from superfine.benchmark.protocol import Protocol, find_protocol
from superfine.data.batch import Pair, Source
from superfine.data.depth import depth_pairs_in
from superfine.data.folders import read_uint8
from superfine.data.listing import pictures_in
from superfine.data.pairs import match, pairs_in
from superfine.data.patch_file import PatchFile
from superfine.data.source import PictureSource, describe
from superfine.depth.sampling import operator_called
from superfine.models import ModelSpec
from superfine.ops.codes import to_unit
from superfine.ops.color import luma, luma_uint8
from superfine.ops.resize import imresize, imresize_uint8
from superfine.training.network import levels
from superfine.training.recipe.types import DepthData, PairData, PatchData, PictureData, Recipe


@dataclass(frozen=True, eq=False)
class _Named:
    """A pair and what people call it."""

    name: str
    pair: Pair


def make_source(recipe: Recipe, spec: ModelSpec) -> Source:
    """Where the samples of `recipe` come from; reads and decodes what it names.

    Raises:
        UsageError: When a folder is missing or empty, or no picture holds a patch.
        PictureError: When a picture cannot be read.
    """
    data = recipe.data
    if isinstance(data, PatchData):
        return PatchFile(data.file, seed=recipe.seed, views=recipe.views, upright=recipe.upright)
    named = {
        scale: _read(data, spec, scale, levels(spec, scale, recipe.patch)) for scale in recipe.scale
    }
    return PictureSource(
        {scale: [n.pair for n in found] for scale, found in named.items()},
        patch=recipe.patch,
        seed=recipe.seed,
        views=recipe.views,
        upright=recipe.upright,
        files=describe(files_of(data)),
        names=[n.name for n in named[recipe.scale[0]]],
    )


def files_of(data: PictureData | PairData | DepthData) -> list[Path]:
    """Every file that the samples are made of."""
    if isinstance(data, PictureData):
        found = [path for folder in data.folders for path in pictures_in(folder)]
        return [path for path in found if path.name not in data.leave_out]
    if isinstance(data, PairData):
        return [*pictures_in(data.hr), *pictures_in(data.lr)]
    kinds = ("depth", "guide")
    folders = [folder / kind for folder in data.folders for kind in kinds]
    return [path for folder in folders if folder.is_dir() for path in pictures_in(folder)]


def _read(
    data: PictureData | PairData | DepthData, spec: ModelSpec, scale: int, wanted: tuple[int, ...]
) -> Sequence[_Named]:
    if isinstance(data, PictureData):
        return [
            _Named(path.name, _degraded(hr, find_protocol(data.protocol), spec, scale, wanted))
            for path in files_of(data)
            for hr in _shrunk(read_uint8(path), data.factors(path))
        ]
    if isinstance(data, PairData):
        matched, _ = match(pictures_in(data.hr), pictures_in(data.lr), scale=scale)
        found = pairs_in(data.hr, data.lr, scale=scale)
        return [
            _Named(hr.name, _for(spec, _with_levels(pair, wanted, scale)))
            for (hr, _), pair in zip(matched, found, strict=True)
        ]
    protocol = find_depth_protocol(data.protocol)
    operators = [operator_called(name) for name in data.operators] or [protocol.operator]
    maps = depth_pairs_in(
        data.folders,
        scale=scale,
        operators=operators,
        guide_channels=spec.photo_channels,
        starts=spec.refines,
        levels=wanted,
    )
    names = [
        path.name
        for folder in data.folders
        for path in pictures_in(folder / "depth")
        for _ in operators
    ]
    return [_Named(n, p) for n, p in zip(names, maps, strict=True)]


def _shrunk(
    picture: UInt8[Tensor, "c h w"], factors: Sequence[float]
) -> list[UInt8[Tensor, "_ _ _"]]:
    return [picture if f == 1 else imresize_uint8(picture, scale=f) for f in factors]


def _degraded(
    picture: UInt8[Tensor, "c h w"],
    protocol: Protocol,
    spec: ModelSpec,
    scale: int,
    wanted: tuple[int, ...],
) -> Pair:
    """A picture at every scale that is compared, shrunk as `protocol` says."""
    colour = spec.channels == "rgb"
    hr = protocol.crop(picture, scale)
    if colour and hr.shape[0] == 1:
        hr = hr.expand(3, -1, -1)
    finest = hr if colour or protocol.shrinks == "rgb" else protocol.luma(hr)

    def shrunk(factor: int) -> Shaped[Tensor, "_ _ _"]:
        return protocol.lr(hr, factor, colour=colour).float()

    truth = {level: shrunk(scale // level) for level in wanted if level != scale}
    pair = Pair(lr=shrunk(scale), hr={**truth, scale: finest.contiguous()})
    return _for(spec, pair)


def _with_levels(pair: Pair, wanted: tuple[int, ...], scale: int) -> Pair:
    """`pair` with the truth at every scale that is compared, made by MATLAB's bicubic."""
    truth = to_unit(pair.hr[scale], dtype=torch.float64)
    made = {
        level: imresize(truth, scale=level / scale).float() for level in wanted if level != scale
    }
    return Pair(lr=pair.lr, hr={**made, scale: pair.hr[scale]})


def _for(spec: ModelSpec, pair: Pair) -> Pair:
    """`pair` in the channels that the network takes."""
    return Pair(
        lr=_in_channels(pair.lr, spec),
        hr={scale: _in_channels(hr, spec) for scale, hr in pair.hr.items()},
    )


def _in_channels(x: Shaped[Tensor, "_ h w"], spec: ModelSpec) -> Shaped[Tensor, "_ h w"]:
    if x.shape[0] == spec.lr_channels:
        return x
    if spec.lr_channels == 3:
        return x.expand(3, -1, -1).contiguous()
    # 8-bit codes stay codes, rounded as MATLAB's rgb2ycbcr rounds; others become floats.
    return luma_uint8(x) if x.dtype == torch.uint8 else luma(to_unit(x))
