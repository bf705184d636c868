"""`superfine.upscale_depth`: what is asked for, made sense of, and handed to a method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from superfine.checkpoints import LoadedModel, load_model
from superfine.depth.enlarge import Enlarged, Holes, enlarge
from superfine.depth.methods import (
    BICUBIC,
    GUIDED_DIFFUSION,
    METHOD_NAMES,
    DepthMethod,
    find_method,
)
from superfine.depth.networks import method_of
from superfine.depth.sampling import ESTIMATE, frame_of, operator_called, operator_seen
from superfine.errors import SizeMismatchError, UsageError
from superfine.inference import pick_device
from superfine.io.arrays import from_python
from superfine.io.depth import read_depth
from superfine.io.depth.codes import to_rows
from superfine.ops.codes import to_unit
from superfine.ops.depth_lr import DepthOperator
from superfine.ops.resize import imresize
from superfine.types import DepthMap, DepthUnit, Image

USUAL_SCALE = 4.0  # where nobody says one
_LARGEST_SCALE = 64
# So far may the sides of a photo and a map be apart in shape, as lenses and crops leave them.
_STRETCH = 0.02


@dataclass(frozen=True)
class DepthOptions:
    """How maps are enlarged.

    Attributes:
        method: A name in METHODS, a network or a weight file; None for the best that fits.
        scale: How many times larger, any ratio from 1; None for the guide's size, or 4.
        size: Rows and columns wanted, instead of `scale`.
        operator: How the maps were sampled: a name in DEPTH_OPERATORS, or "estimate".
        holes: What becomes of holes.
        align: Bring a guide of another size to the one wanted.
        device: "auto", or in torch's words; networks run there.
    """

    method: str | None = None
    scale: float | None = None
    size: tuple[int, int] | None = None
    operator: str = "block-mean"
    holes: Holes = "keep"
    align: bool = False
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.scale is not None and self.size is not None:
            raise UsageError("Both scale and size are given.", hint="Give one of them.")
        if self.scale is not None and not 1 <= self.scale <= _LARGEST_SCALE:
            raise UsageError(
                f"A scale of {self.scale:g} is out of range.", hint=f"Use 1 to {_LARGEST_SCALE}."
            )


def upscale_depth(
    depth: object,
    *,
    guide: object = None,
    method: str | None = None,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    unit: DepthUnit | None = None,
    codes_per_unit: float | None = None,
    convention: str | None = None,
    invalid: Sequence[float] | None = None,
    operator: str = "block-mean",
    holes: Holes = "keep",
    align: bool = False,
    device: str = "auto",
) -> object:
    """`depth` made larger, given back as the kind it came in.

    Args:
        depth: A path, a `DepthMap`, a numpy array (h, w) or a torch tensor (h, w) or (1, h, w) of
            integers or floats; what its samples mean is as for `io.depth.read_depth`.
        guide: A photo of the same view: what `upscale` takes.
        method: A name of `METHODS`, a network or a weight file; None for the best that fits.
        scale: How many times larger, any ratio from 1; None for the guide's size, else 4.
        size: Width and height wanted, instead of `scale`.
        unit: What a value is.
        codes_per_unit: What a value was multiplied by to be stored.
        convention: Name of who made it, such as "tum", instead of the two.
        invalid: Samples that stand for holes, instead of the usual ones.
        operator: How the map was sampled, or "estimate" to tell it from the guide.
        holes: "keep" them, or "fill" them.
        align: Bring a guide of another size to the one wanted.
        device: "auto", or in torch's words.

    Returns:
        A `DepthMap` for a path and a `DepthMap`; else an array or a tensor of the same type, with
        the same sample for holes.

    Raises:
        SuperfineError: With what came, what was expected and what to do.
    """
    source, back = _from_python(depth)
    if isinstance(source, DepthMap):
        taken = source
    else:
        taken = read_depth(
            source,
            unit=unit,
            codes_per_unit=codes_per_unit,
            convention=convention,
            invalid=invalid,
        )
    options = DepthOptions(
        method=method,
        scale=scale,
        size=None if size is None else (size[1], size[0]),
        operator=operator,
        holes=holes,
        align=align,
        device=device,
    )
    return back(upscale_map(taken, None if guide is None else _photo(guide), options).depth)


Load = Callable[[str, float], LoadedModel]


def load_network(name: str, ratio: float) -> LoadedModel:
    """The weights called `name` to enlarge maps `ratio` times; errors as `load_model`."""
    return load_model(name, scale=ratio)


def upscale_map(
    depth: DepthMap, guide: Image | None, options: DepthOptions, *, load: Load = load_network
) -> Enlarged:
    """`depth` made larger as `options` say; what had to be decided is among the notes of the map.

    Args:
        depth: In metres, disparity or relative.
        guide: The photo of the same view.
        options: How.
        load: Finds the weights of a network by name and ratio; one that remembers serves many maps.

    Raises:
        UsageError: A method without the guide it needs, or a size that is no enlargement.
        SizeMismatchError: A guide that is not of the size wanted.
        SuperfineError: Whatever loading a network raises.
    """
    size = _wanted(depth, guide, options)
    photo = None if guide is None else _fitted(guide, size, align=options.align)
    method = _chosen(depth, photo, size, options, load)
    operator, notes = _operator(depth, photo, options)
    made = enlarge(depth, method, size=size, operator=operator, guide=photo, holes=options.holes)
    return replace(made, depth=replace(made.depth, notes=(*depth.notes, *notes)))


def fitting(depth: DepthMap, guide: Image, options: DepthOptions) -> Float[Tensor, "c h w"]:
    """`guide` on [0, 1] and of the size that `options` ask of `depth`; errors as `upscale_map`."""
    return _fitted(guide, _wanted(depth, guide, options), align=options.align)


def _operator(
    depth: DepthMap, guide: Tensor | None, options: DepthOptions
) -> tuple[DepthOperator, tuple[str, ...]]:
    if options.operator != ESTIMATE:
        return operator_called(options.operator), ()
    if guide is None:
        raise UsageError(
            "How depth was sampled is told by a photo; there is none.",
            hint="Give a guide, or say how: block-mean is usual.",
        )
    operator, note = operator_seen([frame_of(depth, guide)])
    return operator, (note,)


def usual_method(*, guided: bool) -> DepthMethod:
    """What is taken where nobody chooses."""
    return GUIDED_DIFFUSION if guided else BICUBIC


def _chosen(
    depth: DepthMap,
    guide: Tensor | None,
    size: tuple[int, int],
    options: DepthOptions,
    load: Load,
) -> DepthMethod:
    if options.method is None:
        return usual_method(guided=guide is not None)
    if options.method in METHOD_NAMES:
        method = find_method(options.method)
    else:
        ratio = max(size[0] / depth.height, size[1] / depth.width)
        method = method_of(load(options.method, ratio), device=pick_device(options.device))
    if method.guided and guide is None:
        raise UsageError(
            f"{method.name} needs a photo of the same view.",
            hint="Give a guide, or choose a method that works alone, such as bicubic.",
        )
    return method


def _wanted(depth: DepthMap, guide: Image | None, options: DepthOptions) -> tuple[int, int]:
    """Rows and columns of the result."""
    if options.size is not None:
        size = options.size
    elif options.scale is None and guide is not None:
        size = guide.height, guide.width
    else:
        scale = options.scale or USUAL_SCALE
        size = round(depth.height * scale), round(depth.width * scale)
    if size[0] < depth.height or size[1] < depth.width:
        raise UsageError(
            f"{size[1]}×{size[0]} is smaller than the depth map, {depth.width}×{depth.height}.",
            hint="Ask for a size or a scale that enlarges it.",
        )
    across, down = size[1] / depth.width, size[0] / depth.height
    if options.size is None and abs(across / down - 1) > _STRETCH:
        raise SizeMismatchError(
            f"The guide is {size[1]}×{size[0]} and the depth map {depth.width}×{depth.height} "
            "pixels: they differ in shape, so they do not show the same view.",
            hint="Crop one of them to what the other shows.",
        )
    return size


def _fitted(guide: Image, size: tuple[int, int], *, align: bool) -> Float[Tensor, "c h w"]:
    """The photo on [0, 1], of the size wanted."""
    photo = to_unit(guide.pixels)
    if (guide.height, guide.width) == size:
        return photo
    across, down = guide.width / size[1], guide.height / size[0]
    if not align or abs(across / down - 1) > _STRETCH:
        raise SizeMismatchError(
            f"The guide is {guide.width}×{guide.height} pixels; {size[1]}×{size[0]} was expected.",
            hint="Crop it to what the depth map shows."
            if align
            else "Let it be resized with --align, or leave out the scale.",
        )
    return imresize(photo, size=size).clamp(0, 1)


def _from_python(value: object) -> tuple[DepthMap | Path | bytes, Callable[[DepthMap], object]]:
    """A map, a file or the content of one, and how to turn a result into the kind of `value`."""
    if isinstance(value, DepthMap):
        return value, _as_it_is
    if isinstance(value, str | Path):
        return Path(value), _as_it_is
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return _npy(value), _to_numpy
    if isinstance(value, Tensor) and (value.ndim == 2 or value.shape[:-2] == (1,)):
        rows = value.detach().cpu().reshape(value.shape[-2:]).numpy()
        lead = value.shape[:-2]

        def back(result: DepthMap) -> Tensor:
            found = torch.from_numpy(_to_numpy(result))
            return found.reshape(*lead, *found.shape).to(value.device)

        return _npy(rows), back
    shape = f" of shape {tuple(value.shape)}" if isinstance(value, np.ndarray | Tensor) else ""
    raise UsageError(
        f"A {type(value).__name__}{shape} is no depth map.",
        hint="Give a path, a superfine.DepthMap, a numpy array (h, w), or a torch tensor (h, w) "
        "or (1, h, w).",
    )


def _npy(rows: NDArray[np.generic]) -> bytes:
    """`rows` as the content of a file, so that arrays mean what files mean."""
    stream = BytesIO()
    np.save(stream, rows, allow_pickle=False)
    return stream.getvalue()


def _as_it_is(result: DepthMap) -> DepthMap:
    return result


def _to_numpy(result: DepthMap) -> NDArray[np.generic]:
    assert result.storage is not None
    rows, _ = to_rows(result, result.storage)
    return rows


def _photo(guide: object) -> Image:
    images, _ = from_python(guide)
    if len(images) != 1:
        raise UsageError(f"{len(images)} guides for one depth map.", hint="Give one photo.")
    return images[0]
