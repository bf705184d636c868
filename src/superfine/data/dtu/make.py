"""From `Depths_raw` to pictures at five sizes and the lists of them that DSDMSR is trained with."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from superfine.data.dtu.pyramid import SIZES, Resize, levels, seed_levels
from superfine.data.dtu.source import DtuMap, maps_in
from superfine.data.dtu.split import Split, split
from superfine.data.maps import read_map
from superfine.data.own_folder import filling, json_bytes
from superfine.errors import PictureError, UsageError
from superfine.io.atomic import write_bytes_atomic
from superfine.io.writer import write
from superfine.types import DepthMap, Image

# 1/32 mm; the cameras stand less than a metre from what they see, and codes reach 2.047 m.
CODES_PER_METRE = 32_000
_LARGEST = 65_534 / CODES_PER_METRE  # 65535 stands for a hole in other sets
_SETTINGS = "dtu.json"
_USUAL_SIZE = (1200, 1600)
_SUB = {"train": 3000, "valid": 300}


@dataclass(frozen=True)
class PyramidOptions:
    """How maps become pictures.

    Attributes:
        seed_form: 8 bits, stretched map by map, sampled bilinearly, holes lost: as the seed's
            patcher. Otherwise 16 bits in 32,000 codes a metre, 0 where nothing was measured.
        resize: How maps shrink when not in the seed's form.
        split: Whether whole scans are held out for validation, or single maps, as the seed.
    """

    seed_form: bool = False
    resize: Resize = "area"
    split: Split = "scene"


@dataclass(frozen=True)
class Made:
    """What is in the folder now.

    Attributes:
        maps: Depth maps in all.
        kept: How many of them had been done before.
        training: How many are for training.
        validating: How many are for validation.
        lists: The CSV files.
        notes: What was left out or unusual, in words for the user.
    """

    maps: int
    kept: int
    training: int
    validating: int
    lists: tuple[Path, ...]
    notes: tuple[str, ...]


def make_pyramids(
    source: Path, dest: Path, options: PyramidOptions, *, on_progress: Callable[[int, int], None]
) -> Made:
    """The pictures and lists of every map of `source`, in `dest`.

    Pictures are `img1280x1024/SCAN_NAME_x1024.png` and so on; lists are `train_dtu.csv` and
    `valid_dtu.csv`, with the seed's columns, and their first 3,000 and 300 rows in `*_sub.csv`.
    `dtu.json` says what a code means, `split.json` which scans are validated with. Called again,
    only missing pictures are made; the lists are always written anew, of what `source` holds.

    Args:
        source: `Depths_raw`: folders whose names end in a digit, with PFM files in millimetres.
        dest: A folder that does not exist, is empty, or was begun by this function.
        options: How.
        on_progress: Called with how many maps are done, and of how many.

    Raises:
        UsageError: `source` is none, or a scan holds no map.
        PictureError: A map that cannot be read, is deeper than 2.047 m, or has nothing measured.
        OutputError: `dest` was begun with other options or is somebody else's, or is not writable.
        DiskFullError: No room.
    """
    _require_sense(options)
    maps, notes = maps_in(source)
    kept, odd = 0, list[Path]()
    with filling(dest, _SETTINGS, _settings(options), tuple(map(_folder, SIZES))):
        for number, one in enumerate(maps):
            on_progress(number, len(maps))
            if all((dest / picture_of(one, size)).exists() for size in SIZES):
                kept += 1
            elif _put(one, dest, options) != _USUAL_SIZE:
                odd.append(one.path)
        training, validating = split([one.scan for one in maps], options.split)
        lists = _write_lists(dest, maps, {"train": training, "valid": validating})
        held_out = {maps[i].scan for i in validating} if options.split == "scene" else set()
        said = {"split": options.split, "random_state": 42, "validation_scans": sorted(held_out)}
        write_bytes_atomic(dest / "split.json", json_bytes(said), overwrite=True)
    if odd:
        notes.append(f"{len(odd)} maps are not 1600x1200 pixels, {odd[0]} the first of them.")
    return Made(len(maps), kept, len(training), len(validating), lists, tuple(notes))


def _require_sense(options: PyramidOptions) -> None:
    if options.seed_form and options.resize != "area":
        raise UsageError(
            f"The seed's form has a way of its own to shrink maps, not {options.resize!r}.",
            hint="Leave out --seed-form or --resize.",
        )


def _put(one: DtuMap, dest: Path, options: PyramidOptions) -> tuple[int, int]:
    """Writes the five pictures of a map; returns its height and width."""
    if options.seed_form:
        # Every sample counts, 0 included.
        raw = read_map(one.path, unit="relative", codes_per_unit=1.0, invalid=())
        size = (raw.height, raw.width)
        pictures: Sequence[NDArray[np.integer]] = seed_levels(raw.values[0].double().numpy())
    else:
        depth = read_map(one.path, convention="dtu")
        size = (depth.height, depth.width)
        pictures = _sixteen_bit(depth, one.path, options.resize)
    for level, codes in zip(SIZES, pictures, strict=True):
        write(Image(_as_picture(codes)), dest / picture_of(one, level), overwrite=True)
    return size


def _sixteen_bit(depth: DepthMap, path: Path, resize: Resize) -> list[NDArray[np.integer]]:
    if not bool(depth.valid.any()):
        raise PictureError(
            f"{path}: nothing was measured in it.", hint="Take it out.", code="E_ALL_INVALID"
        )
    values, valid = depth.values[0].double().numpy(), depth.valid[0].numpy()
    farthest = float(values[valid].max())
    if farthest > _LARGEST:
        raise PictureError(
            f"{path} goes as far as {farthest:.3f} m; DTU's maps end before {_LARGEST:.3f} m.",
            hint="Is it in millimetres? Other sets are none of this command.",
            code="E_VALUES",
        )
    return [
        # A measured depth never becomes the code of a hole.
        np.where(measured, np.maximum(np.floor(shrunk * CODES_PER_METRE + 0.5), 1), 0).astype(int)
        for shrunk, measured in levels(values, valid, resize)
    ]


def _as_picture(codes: NDArray[np.integer]) -> torch.Tensor:
    if codes.dtype == np.uint8:
        return torch.from_numpy(codes)[None]
    return torch.from_numpy(codes.astype(np.int32))[None].to(torch.uint16)


def _write_lists(
    dest: Path, maps: Sequence[DtuMap], rows: dict[str, list[int]]
) -> tuple[Path, ...]:
    written = []
    for name, numbers in rows.items():
        for ending, shown in (("", numbers), ("_sub", numbers[: _SUB[name]])):
            path = dest / f"{name}_dtu{ending}.csv"
            write_bytes_atomic(path, _list(dest.resolve(), maps, shown), overwrite=True)
            written.append(path)
    return tuple(written)


def _list(dest: Path, maps: Sequence[DtuMap], numbers: Sequence[int]) -> bytes:
    """The seed's columns: the number of the map, then path, name and size of each picture."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    smallest_first = SIZES[::-1]
    columns = [
        f"image_{width}x{height}_{what}"
        for width, height in smallest_first
        for what in ("path", "filename", "dim")
    ]
    writer.writerow(["", *columns])
    for number in numbers:
        row: list[object] = [number]
        for width, height in smallest_first:
            path = dest / picture_of(maps[number], (width, height))
            row += [path, path.name, f"{height}x{width}"]
        writer.writerow(row)
    return text.getvalue().encode()


def picture_of(one: DtuMap, size: tuple[int, int]) -> str:
    """What the picture of a map at `size` is called, below the folder."""
    return f"{_folder(size)}/{one.name}_x{size[1]}.png"


def _folder(size: tuple[int, int]) -> str:
    return f"img{size[0]}x{size[1]}"


def _settings(options: PyramidOptions) -> dict[str, object]:
    common: dict[str, object] = {"kind": "superfine dtu pyramids", "version": 1}
    if options.seed_form:
        return {
            **common,
            "form": "seed",
            "bits": 8,
            "unit": "relative",
            "stretched": "each map from its least to its largest sample, holes at 0 counted",
            "resize": "bilinear without low-pass, to 1280x1024 and from there",
        }
    return {
        **common,
        "form": "metric",
        "bits": 16,
        "unit": "metre",
        "codes_per_unit": CODES_PER_METRE,
        "hole": 0,
        "resize": options.resize,
    }
