"""NYU Depth V2: the labelled MATLAB file, and the arrays that DKN and its followers train on.

1,449 frames of a Kinect, 640x480, holes painted in by its authors. Frames 0 to 999 are trained on
and 1000 to 1448 measured with (449), since Li et al., ECCV 2016.
Source: Silberman, Hoiem, Kohli, Fergus, ECCV 2012; the loaders of cvlab-yonsei/dkn.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from superfine.data.depth_sets.scene import SetScene
from superfine.data.maps import read_map
from superfine.errors import PictureError, UsageError
from superfine.types import DepthMap, Image

Part = Literal["train", "test"]

_TRAINING = 1000
_LABELLED = "nyu_depth_v2_labeled.mat"
_DKN = {
    "train": ("train_depth_split.npy", "train_images_split.npy"),
    "test": ("test_depth.npy", "test_images_v2.npy"),
}
_MINMAX = "test_minmax.npy"


def nyu_labelled(path: Path, part: Part) -> Iterator[SetScene]:
    """The frames of `nyu_depth_v2_labeled.mat`, in metres, each with its photo.

    They are called by their number in the file, from "0000"; the pictures of the SVLRM seed are
    called by that plus one.

    Args:
        path: The file, or the folder it lies in.
        part: Frames 0 to 999, or from 1000 on.

    Raises:
        UsageError: h5py is missing, or the file.
        PictureError: It holds no `depths` or no `images` of as many frames, or is damaged.
    """
    file = path / _LABELLED if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"{file} is missing.", hint=f"Give {_LABELLED} or its folder.")
    count = _count(file)
    numbers = range(_TRAINING) if part == "train" else range(_TRAINING, count)
    if count <= numbers.start or (part == "train" and count < _TRAINING):
        raise PictureError(
            f"{file} holds {count} frames, expected 1449.",
            hint="Take the labelled set of NYU Depth V2.",
        )
    for number in numbers:
        depth = read_map(file, convention="nyu", index=number)
        yield SetScene(f"{number:04d}", depth, _photo(file, number))


def nyu_dkn(folder: Path, part: Part) -> Iterator[SetScene]:
    """The frames of DKN's arrays: 1,000 relative ones to train, 449 in metres to measure.

    Each map was stretched to [0, 1]; `test_minmax.npy` holds, for each test frame, its largest and
    its least depth, in this order, so that metres are depth * (largest - least) + least.

    Args:
        folder: Holds `train_depth_split.npy`, `train_images_split.npy`, `test_depth.npy`,
            `test_images_v2.npy` and `test_minmax.npy`.
        part: Which of them.

    Raises:
        UsageError: A file is missing.
        PictureError: An array is damaged, or of a shape or range that does not fit.
    """
    depths, images = (_array(folder / name) for name in _DKN[part])
    if depths.ndim != 3 or images.shape != (*depths.shape, 3):
        raise PictureError(
            f"{folder} holds depth of shape {depths.shape} and photos of shape {images.shape}; "
            "(n, h, w) and (n, h, w, 3) were expected.",
            hint="Take the arrays as DKN's authors published them.",
        )
    ranges = _array(folder / _MINMAX) if part == "test" else None
    if ranges is not None and ranges.shape != (2, len(depths)):
        raise PictureError(
            f"{folder / _MINMAX} has shape {ranges.shape}, expected (2, {len(depths)}).",
            hint="Row 0 holds the largest depth of each frame, row 1 the least.",
        )
    first = 0 if part == "train" else _TRAINING
    for number in range(len(depths)):
        stretched = np.asarray(depths[number], np.float32)
        limits = None if ranges is None else ranges[:, number]
        depth = _dkn_map(stretched, limits, folder)
        yield SetScene(f"{first + number:04d}", depth, _dkn_photo(images[number], folder))


def _dkn_map(
    stretched: Float[np.ndarray, "h w"], limits: NDArray[np.floating] | None, folder: Path
) -> DepthMap:
    values = stretched.astype(np.float64)
    if limits is not None:
        largest, least = float(limits[0]), float(limits[1])
        if not least < largest:
            raise PictureError(
                f"{folder / _MINMAX} says a frame goes from {least:g} to {largest:g}.",
                hint="Row 0 holds the largest depth of each frame, row 1 the least.",
                code="E_VALUES",
            )
        values = values * (largest - least) + least
    finite = torch.from_numpy(np.isfinite(values))[None]
    return DepthMap(
        values=torch.from_numpy(values.astype(np.float32))[None],
        valid=finite,
        unit="relative" if limits is None else "metre",
    )


def _dkn_photo(rows: NDArray[Any], folder: Path) -> Image:
    """8-bit codes, or floats on [0, 1] as most copies hold them."""
    if rows.dtype == np.uint8:
        return Image(torch.from_numpy(np.array(rows)).permute(2, 0, 1))
    pixels = np.array(rows, np.float32)
    if not (pixels.min() >= 0 and pixels.max() <= 1):
        raise PictureError(
            f"The photos of {folder} go from {pixels.min():g} to {pixels.max():g}, "
            "expected 8-bit codes or 0 to 1.",
            hint="Take the arrays as DKN's authors published them.",
            code="E_VALUES",
        )
    return Image(torch.from_numpy(pixels).permute(2, 0, 1))


def _array(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise UsageError(
            f"{path} is missing.", hint="Give the folder of DKN's NYU arrays, all five of them."
        )
    try:
        # Mapped: the training photos alone are 3.7 GB as floats.
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise PictureError(
            f"{path} is no array of numbers, or damaged.", hint="Copy it again.", code="E_CORRUPT"
        ) from error
    return array


def _count(file: Path) -> int:
    """How many frames there are depths and photos of."""
    with _opened(file) as content:
        depths, images = content["depths"].shape, content["images"].shape
    if len(depths) != 3 or images != (depths[0], 3, *depths[1:]):
        raise PictureError(
            f"{file} holds `depths` of shape {depths} and `images` of shape {images}, which do "
            "not fit.",
            hint="Take the labelled set of NYU Depth V2.",
        )
    return int(depths[0])


def _photo(file: Path, number: int) -> Image:
    with _opened(file) as content:
        stored = content["images"][number]  # (3, width, height), as MATLAB lays it out
    return Image(torch.from_numpy(np.ascontiguousarray(stored.transpose(0, 2, 1))))


def _opened(file: Path) -> Any:  # noqa: ANN401 - h5py has no types
    try:
        import h5py
    except ImportError:
        raise UsageError(
            "NYU's labelled file needs h5py, which is not installed.",
            hint="pip install 'superfine[train]'",
        ) from None
    try:
        content = h5py.File(file, "r")
    except OSError as error:
        raise PictureError(
            f"{file} is no MATLAB 7.3 file, or damaged.", hint="Copy it again.", code="E_CORRUPT"
        ) from error
    for name in ("depths", "images"):
        # A link into another file would read what nobody named.
        own = isinstance(content.get(name, getlink=True), h5py.HardLink)
        if not own or not isinstance(content[name], h5py.Dataset):
            content.close()
            raise PictureError(
                f"{file} holds no `{name}`.", hint="Take the labelled set of NYU Depth V2."
            )
    return content
