"""Pictures from Python and back: the same kind of value comes out as went in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from torch import Tensor

from superfine.errors import UsageError
from superfine.io.pictures import read
from superfine.io.pillow import as_rows
from superfine.io.rows import convert
from superfine.io.writer import encode
from superfine.types import LARGEST_CODE, Image, Metadata

Back: TypeAlias = Callable[[Sequence[Image]], object]

_KINDS = (
    "a path, a superfine.Image, a numpy array (h, w) or (h, w, 1 to 4), a PIL image, a torch "
    "tensor (1 to 4, h, w) or (b, 1 to 4, h, w), or a list of these"
)


def from_python(value: object) -> tuple[list[Image], Back]:
    """The pictures in `value`, and how to turn as many results into the kind that `value` is.

    - A path (str or Path) is read, and gives back an `Image`, with its notes and metadata.
    - numpy: (h, w) grey or (h, w, c); c = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha;
      uint8, uint16, or float on [0, 1], which comes back in its own float type.
    - PIL: any mode of up to 16 bits; its ICC profile is kept. Results are L, LA, RGB or RGBA,
      and I;16 for 16-bit grey.
    - torch: (c, h, w), or a batch (b, c, h, w); uint8, uint16, or float on [0, 1].
    - A list or tuple of these gives back a list.

    Raises:
        UsageError: Any other kind, shape or type; NaN; floats outside [0, 1].
        PictureError: A path to something that is no picture.
    """
    if isinstance(value, list | tuple):
        return _from_list(value)
    if isinstance(value, str | Path):
        return [read(Path(value))], _first
    if isinstance(value, Image):
        return [value], _first
    if isinstance(value, np.ndarray):
        return [_from_numpy(value)], lambda results: _to_numpy(results[0], like=value)
    if isinstance(value, Tensor):
        return _from_torch(value), lambda results: _to_torch(results, like=value)
    if isinstance(value, PillowImage.Image):
        return [_from_pillow(value)], lambda results: _to_pillow(results[0])
    raise UsageError(f"A {type(value).__name__} is no picture.", hint=f"Give {_KINDS}.")


def _from_list(values: Sequence[object]) -> tuple[list[Image], Back]:
    parts = [from_python(value) for value in values]
    images = [image for part, _ in parts for image in part]

    def back(results: Sequence[Image]) -> list[object]:
        answers, start = [], 0
        for part, one_back in parts:
            answers.append(one_back(results[start : start + len(part)]))
            start += len(part)
        return answers

    return images, back


def _first(results: Sequence[Image]) -> Image:
    return results[0]


def _from_numpy(array: NDArray[np.generic]) -> Image:
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] > 4):
        raise UsageError(
            f"A numpy array of shape {array.shape} is no picture.",
            hint="Give (h, w) for grey or (h, w, 1 to 4), channels last.",
        )
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
    elif array.dtype.newbyteorder("=") not in _TORCH:
        raise UsageError(
            f"A numpy array of {array.dtype} is no picture.",
            hint="Give uint8, uint16, or floats from 0 to 1.",
        )
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    # Negative strides, as of a flipped view, are unknown to torch.
    rows = torch.from_numpy(np.array(native, order="C"))
    # (h, w) -> (h, w, 1)
    return _split(rows.reshape(*array.shape[:2], -1).permute(2, 0, 1))


def _to_numpy(image: Image, *, like: NDArray[np.generic]) -> NDArray[np.generic]:
    planes = image.pixels if image.alpha is None else torch.cat([image.pixels, image.alpha])
    wanted = torch.float32 if like.dtype.kind == "f" else _TORCH[like.dtype.newbyteorder("=")]
    # (c, h, w) -> (h, w, c)
    rows = convert(planes, wanted).permute(1, 2, 0).contiguous().numpy()
    rows = rows.astype(like.dtype, copy=False)
    return rows[:, :, 0] if like.ndim == 2 and rows.shape[2] == 1 else rows


_TORCH = {np.dtype(np.uint8): torch.uint8, np.dtype(np.uint16): torch.uint16}


def _from_torch(tensor: Tensor) -> list[Image]:
    if tensor.ndim not in (3, 4) or 0 in tensor.shape or tensor.shape[-3] > 4:
        raise UsageError(
            f"A tensor of shape {tuple(tensor.shape)} is no picture.",
            hint="Give (1 to 4, h, w) or a batch (b, 1 to 4, h, w), channels first.",
        )
    if tensor.is_floating_point():
        tensor = tensor.to(torch.float32)
    elif tensor.dtype not in (torch.uint8, torch.uint16):
        raise UsageError(
            f"A tensor of {tensor.dtype} is no picture.",
            hint="Give torch.uint8, torch.uint16, or floats from 0 to 1.",
        )
    planes = tensor.detach().cpu()
    return [_split(one) for one in (planes if tensor.ndim == 4 else planes[None])]


def _to_torch(results: Sequence[Image], *, like: Tensor) -> Tensor:
    wanted = torch.float32 if like.is_floating_point() else like.dtype
    planes = [
        convert(
            image.pixels if image.alpha is None else torch.cat([image.pixels, image.alpha]), wanted
        )
        for image in results
    ]
    stacked = torch.stack(planes) if like.ndim == 4 else planes[0]
    return stacked.to(device=like.device, dtype=like.dtype)


def _from_pillow(picture: PillowImage.Image) -> Image:
    if picture.mode == "CMYK" and picture.info.get("icc_profile"):
        # Through the gate, which converts with the profile; Pillow's own conversion ignores it.
        packed = BytesIO()
        picture.save(packed, "TIFF", icc_profile=picture.info["icc_profile"])
        return read(packed.getvalue())
    if picture.mode in ("I", "F"):
        raise UsageError(
            f"A PIL image of mode {picture.mode} has no known largest value.",
            hint="Give mode L, RGB or I;16, or a numpy array of floats from 0 to 1.",
        )
    image = _split(as_rows(picture).permute(2, 0, 1))
    profile = None if picture.mode in ("CMYK", "LAB") else picture.info.get("icc_profile")
    dpi = picture.info.get("dpi")
    metadata = Metadata(dpi=(float(dpi[0]), float(dpi[1])) if dpi else None)
    return Image(image.pixels, image.alpha, profile=profile, metadata=metadata)


def _to_pillow(image: Image) -> PillowImage.Image:
    """Through a PNG, which carries profile and resolution; 16-bit colour comes as 8 bits in PIL."""
    picture = PillowImage.open(BytesIO(encode(image, "png")), formats=["PNG"])
    picture.load()
    return picture.copy()  # a plain image, without the file behind it


def _split(planes: Tensor) -> Image:
    colours = 1 if planes.shape[0] <= 2 else 3
    if planes.dtype == torch.float32:
        _require_unit_range(planes)
    alpha = planes[colours:] if planes.shape[0] > colours else None
    return Image(planes[:colours], alpha)


def _require_unit_range(planes: Tensor) -> None:
    least, most = (float(value) for value in torch.aminmax(planes))
    if not (least >= 0.0 and most <= LARGEST_CODE[torch.float32]):  # false for NaN as well
        raise UsageError(
            f"The floats go from {least:g} to {most:g}; 0 to 1 was expected.",
            hint="Divide by 255 or 65535, or give the integers themselves.",
        )
