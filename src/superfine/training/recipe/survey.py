"""What there is to train on, told from the headers of files; no picture is decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from superfine.data.listing import pictures_in
from superfine.data.pairs import match
from superfine.data.patch_file import PatchFile
from superfine.errors import SuperfineError
from superfine.io.pictures import PictureInfo, probe
from superfine.models import ModelSpec
from superfine.ops.resize import output_size
from superfine.training.recipe.cost import output_scales
from superfine.training.recipe.types import DepthData, PairData, PatchData, PictureData, Recipe

_FLOAT = 4  # bytes
_DEPTH_BYTES = 2 * _FLOAT + 1  # the map and its LR map in floats, the photo in codes
_START_BYTES = 4 * 2  # a photo and a start in 16 bits


@dataclass(frozen=True)
class Survey:
    """What the data of a recipe hold.

    Attributes:
        samples: Scale -> different patches, their views left out.
        pictures: Pictures, depth maps or patches that samples are cut from.
        decoded_bytes: About what they take once decoded; 0 where they stay in their file.
        notes: What people should know and need not change.
        faults: What stands in the way, a line each.
    """

    samples: Mapping[int, int]
    pictures: int = 0
    decoded_bytes: int = 0
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Scene:
    """One picture as it is cut: LR pixels, and bytes it takes decoded."""

    height: int
    width: int
    decoded_bytes: int


def survey(recipe: Recipe, spec: ModelSpec) -> Survey:
    """What the data of `recipe` hold, and what is wrong with them or with the validation sets."""
    data = recipe.data
    if isinstance(data, PatchData):
        found = _patches(data, recipe, spec)
    else:
        found = _scenes(data, recipe, spec)
    sets = [fault for folder in recipe.validate_on.sets for fault in _set_faults(folder, spec)]
    return replace(found, faults=(*found.faults, *sets))


def _scenes(data: PictureData | PairData | DepthData, recipe: Recipe, spec: ModelSpec) -> Survey:
    faults: list[str] = []
    samples: dict[int, int] = {}
    small: dict[int, int] = {}
    scenes: list[_Scene] = []
    for scale in recipe.scale:
        if isinstance(data, PictureData):
            scenes = list(_of_pictures(data, scale, spec, faults))
        elif isinstance(data, PairData):
            scenes = list(_of_pairs(data, scale, faults))
        else:
            scenes = list(_of_depth(data, scale, spec, faults))
        large = [s for s in scenes if min(s.height, s.width) >= recipe.patch]
        places = [(s.height - recipe.patch + 1) * (s.width - recipe.patch + 1) for s in large]
        samples[scale] = sum(places)
        small[scale] = len(scenes) - len(large)
        if scenes and not large:
            side = recipe.patch * scale
            faults.append(f"patch: no training picture holds a patch of {side}x{side} pixels")
    left_out = max(small.values())
    note = f"{left_out} of {len(scenes)} training pictures are smaller than a patch, and left out."
    return Survey(
        samples=samples,
        pictures=len(scenes),
        decoded_bytes=len(recipe.scale) * sum(s.decoded_bytes for s in scenes),
        notes=(note,) if left_out else (),
        faults=tuple(dict.fromkeys(faults)),  # several scales say the same
    )


def _of_pictures(
    data: PictureData, scale: int, spec: ModelSpec, faults: list[str]
) -> Iterator[_Scene]:
    listed = _listed(data.folders, "data.folders", faults)
    for name in set(data.leave_out) - {path.name for path in listed}:
        faults.append(f"data.leave_out: no file of data.folders is called {name!r}")
    used = [path for path in listed if path.name not in data.leave_out]
    for path, info in _probed(used, faults):
        if info.bit_depth > 8:
            faults.append(f"data: {path} has {info.bit_depth} bits per sample, expected 8")
        for factor in data.factors(path):
            height, width = (output_size(n, factor) // scale for n in (info.height, info.width))
            pixels = height * width * (scale**2 + _FLOAT)  # HR codes and LR floats
            yield _Scene(height, width, spec.lr_channels * pixels)


def _of_pairs(data: PairData, scale: int, faults: list[str]) -> Iterator[_Scene]:
    hr, lr = (_listed((folder,), f"data.{key}", faults) for key, folder in _halves(data))
    if not hr or not lr:
        return
    try:
        matched, alone = match(hr, lr, scale=scale)
    except SuperfineError as error:
        faults.append(f"data: {error.message}")
        return
    faults += [f"data: {path} has no partner in the other folder" for path in alone]
    if not matched and not alone:
        faults.append(f"data: {data.hr} and {data.lr} hold no pictures of scale {scale}")
    large = dict(_probed([pair[0] for pair in matched], faults))
    small = dict(_probed([pair[1] for pair in matched], faults))
    for first, second in matched:
        if first not in large or second not in small:
            continue
        a, b = large[first], small[second]
        if (a.height, a.width) != (scale * b.height, scale * b.width):
            faults.append(
                f"data: {first} is {a.width}x{a.height}, not {scale} times {second}, "
                f"which is {b.width}x{b.height}"
            )
        yield _Scene(b.height, b.width, (scale**2 + 1) * b.height * b.width * b.channels)


def _of_depth(data: DepthData, scale: int, spec: ModelSpec, faults: list[str]) -> Iterator[_Scene]:
    for folder in data.folders:
        maps = _listed((folder / "depth",), "data.folders", faults)
        sizes = dict(_probed(maps, faults))
        if spec.guide_channels and maps:
            _compare_guides(folder, sizes, faults)
        for path, info in sizes.items():
            if info.format != "png" or info.channels != 1:
                faults.append(f"data: {path} is no grey PNG, which depth maps are read from")
            height, width = info.height // scale, info.width // scale
            kept = (_DEPTH_BYTES + spec.refines * _START_BYTES) * max(1, len(data.operators))
            yield _Scene(height, width, height * width * scale**2 * kept)


def _compare_guides(folder: Path, maps: Mapping[Path, PictureInfo], faults: list[str]) -> None:
    photos = _listed((folder / "guide",), "data.folders", faults)
    sizes = {path.stem: info for path, info in _probed(photos, faults)}
    for path, info in maps.items():
        photo = sizes.get(path.stem)
        if photo is None:
            faults.append(f"data: {path} has no photo of its name in {folder / 'guide'}")
        elif (photo.width, photo.height) != (info.width, info.height):
            other = f"{photo.width}x{photo.height}"
            faults.append(f"data: {path} is {info.width}x{info.height}, its photo {other}")


def _patches(data: PatchData, recipe: Recipe, spec: ModelSpec) -> Survey:
    try:
        file = PatchFile(data.file, seed=recipe.seed, views=recipe.views, upright=recipe.upright)
        samples = {scale: file.count(scale) for scale in recipe.scale}
        faults = [
            fault for scale in recipe.scale for fault in _patch_faults(file, scale, recipe, spec)
        ]
    except SuperfineError as error:
        return Survey({}, faults=(f"data.file: {error.message}",))
    return Survey(samples, pictures=sum(samples.values()), faults=tuple(faults))


def _patch_faults(file: PatchFile, scale: int, recipe: Recipe, spec: ModelSpec) -> Iterator[str]:
    one = file.batch(np.zeros(1, np.uint64), scale)
    channels, height, width = one.lr.shape[1:]
    if recipe.patch not in (height, width):
        yield f"patch: {recipe.patch}, but the LR patches of {file.path} are {width}x{height}"
    if channels != spec.lr_channels:
        yield (
            f"data.file: {file.path} holds {channels} channels, {spec.name} takes "
            f"{spec.lr_channels}"
        )
    compared = set(output_scales(spec, scale))
    for level in sorted(compared - set(one.hr)):
        yield (
            f"data.file: {file.path} has no hr_x{level}, which {spec.name} is compared with; "
            "prepare it with --levels"
        )


def _set_faults(folder: Path, spec: ModelSpec) -> list[str]:
    """What is wrong with a validation set, as far as its folder shows."""
    kinds = ("depth", "guide") if spec.guide_channels else ("depth",) if spec.of_depth else ("",)
    faults: list[str] = []
    for kind in kinds:
        found = _listed((folder / kind,), "validate.sets", faults)
        if spec.side is not None:
            faults += _of_other_size(found, spec.scales[0], spec.side)
    return faults


def _of_other_size(paths: Sequence[Path], scale: int, side: int) -> Iterator[str]:
    """The pictures that a network of one input size cannot be scored on."""
    faults: list[str] = []
    for path, info in _probed(paths, faults):
        if (info.width // scale, info.height // scale) != (side, side):
            size = scale * side
            yield f"validate.sets: {path} is {info.width}x{info.height}, expected {size}x{size}"
    yield from faults


def _listed(folders: Iterable[Path], key: str, faults: list[str]) -> list[Path]:
    """The pictures of `folders`; a folder that is missing or empty is a fault."""
    found: list[Path] = []
    for folder in folders:
        try:
            found += pictures_in(folder)
        except SuperfineError as error:
            faults.append(f"{key}: {error.message}")
    return found


def _probed(paths: Sequence[Path], faults: list[str]) -> Iterator[tuple[Path, PictureInfo]]:
    """What the header of each picture says; one that cannot be read is a fault."""
    for path in paths:
        try:
            yield path, probe(path)
        except SuperfineError as error:
            faults.append(f"data: {path}: {error.message}")


def _halves(data: PairData) -> tuple[tuple[str, Path], tuple[str, Path]]:
    return ("hr", data.hr), ("lr", data.lr)
