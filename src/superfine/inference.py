"""Running a network over a picture of any size, in pieces that equal the whole.

The picture stays in the integers of its file; a piece is turned into floats, worked on, and
turned back. The result comes out in strips, top to bottom, so that it can be streamed to a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import torch
from jaxtyping import Shaped
from torch import Tensor

from superfine.checkpoints import LoadedModel, load_model
from superfine.errors import MemoryLimitError, UsageError
from superfine.io.arrays import from_python
from superfine.ops.resize import plan_axes
from superfine.ops.tile import Span, faded
from superfine.ops.views import self_ensemble as ensemble_of
from superfine.tiling import Tiling, plan_tiles
from superfine.types import Image, Progress
from superfine.window import Precision, Work, runner, window_codes

Strip = tuple[Shaped[Tensor, "c n w"], Shaped[Tensor, "1 n w"] | None]

_SMALLEST_TILE = 16


def upscale(
    picture: object,
    *,
    model: str | Path = "fsrcnn",
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    tile: int | None = None,
    self_ensemble: bool = False,
    device: str = "auto",
) -> object:
    """`picture` enlarged, given back as the kind it came in.

    Args:
        picture: A path, a numpy array (h, w), (h, w, 1..4) of uint8, uint16 or floats on [0, 1],
            a PIL image, a torch tensor (c, h, w) or (b, c, h, w), an `Image`, or a list of these.
        model: A shipped network, or a weight file.
        scale: How many times larger, any ratio; the model's largest when neither `scale` nor
            `size` is given (4 for fsrcnn).
        size: Width and height wanted, instead of `scale`.
        tile: LR pixels on a side of a tile; None chooses by memory.
        self_ensemble: Average over the eight views; eight times the work.
        device: "auto", or a device in torch's words.

    Raises:
        SuperfineError: With what came, what was expected and what to do.
    """
    if scale is not None and size is not None:
        raise UsageError("Both scale and size are given.", hint="Give one of them.")
    if scale is not None and not 0 < scale <= 64:
        raise UsageError(f"A scale of {scale:g} is out of range.", hint="Use 0.1 to 64.")
    images, back = from_python(picture)
    load = cache(partial(load_picture_model, model))  # pictures of one size share what was read
    results = []
    for image in images:
        wanted = size if scale is None else scaled_size(image, scale)
        ratio = None
        if wanted is not None:
            ratio = max(wanted[0] / image.width, wanted[1] / image.height)
        results.append(
            upscale_image(
                image,
                load(scale=ratio),
                size=wanted,
                tile=tile,
                self_ensemble=self_ensemble,
                device=device,
            )
        )
    return back(results)


def load_picture_model(model: str | Path, *, scale: float | None) -> LoadedModel:
    """The weights called `model`, as `load_model` finds them, of a network for pictures.

    Raises:
        UsageError: When it is a network for depth maps.
        SuperfineError: Whatever `load_model` raises.
    """
    loaded = load_model(model, scale=scale)
    if loaded.spec.of_depth:
        raise UsageError(
            f"{model} holds {loaded.spec.name}, a network for depth maps, and cannot enlarge "
            "pictures.",
            hint="Use a model for pictures: superfine models list",
        )
    return loaded


def scaled_size(image: Image, scale: float) -> tuple[int, int]:
    """Width and height of `image` enlarged `scale` times, rounded, at least one pixel."""
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def upscale_rows(
    image: Image,
    model: LoadedModel,
    *,
    size: tuple[int, int] | None = None,
    tile: int | None = None,
    self_ensemble: bool = False,
    device: str = "auto",
    precision: Precision = "float32",
    memory: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Iterator[Strip]:
    """The enlarged picture in strips of full width, top to bottom.

    Each strip is (pixels, alpha) in the type of the input; alpha is None for an opaque picture.
    A tile that does not fit into memory is cut into halves, again and again if need be; one that
    comes out of a half-precision network as NaN or infinity is done again in float32.

    Args:
        image: What to enlarge.
        model: The network and its scale.
        size: Width and height wanted; the default is `scale` times the input. Any other size is
            reached by MATLAB's bicubic after the network, tile by tile, without a seam.
        tile: LR pixels on a side of a tile; None chooses by memory.
        self_ensemble: Average over the eight views; eight times the work.
        device: "auto", or a device in torch's words.
        precision: Of the network; everything else is float32.
        memory: Bytes that a tile may take, where less than usual.
        on_progress: Called after each tile with the output pixels done.
        on_note: Called before the first tile when tiles do not equal the whole, with that in words.

    Raises:
        MemoryLimitError: When even a tile of 16 pixels does not fit.
        PictureError: When the network answers with NaN in float32 (code E_VALUES).
    """
    work = _plan(
        image,
        model,
        size=size,
        self_ensemble=self_ensemble,
        device=pick_device(device),
        precision=precision,
    )
    tiling = plan_tiles(work, tile, memory)
    if tiling.note and on_note is not None:
        on_note(tiling.note)
    rows = _rows(replace(work, context=tiling.context), tiling, on_progress)
    channels = image.pixels.shape[0]
    for strip in faded(rows, overlap=tiling.overlap[0], dim=1):
        yield strip[:channels], strip[channels:] if image.alpha is not None else None


def _rows(
    work: Work, tiling: Tiling, on_progress: Callable[[Progress], None] | None
) -> Iterator[Shaped[Tensor, "k n w"]]:
    """The rows of tiles in full width; rows that fade into each other still share theirs."""
    total = sum(row.length for row in tiling.rows) * sum(c.length for c in tiling.columns)
    done = 0
    for row in tiling.rows:
        pieces = []
        for column in tiling.columns:
            pieces.append(_piece(work, row, column))
            done += row.length * column.length
            if on_progress is not None:
                on_progress(Progress(done, total))
        pieces = list(faded(pieces, overlap=tiling.overlap[1], dim=2))
        yield torch.cat(pieces, dim=2) if len(pieces) > 1 else pieces[0]


def upscale_image(
    image: Image,
    model: LoadedModel,
    *,
    size: tuple[int, int] | None = None,
    tile: int | None = None,
    self_ensemble: bool = False,
    device: str = "auto",
    precision: Precision = "float32",
    memory: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Image:
    """The enlarged picture as a whole, with the profile and metadata of the input.

    Takes the arguments of `upscale_rows`; what that would note is among the notes of the result.
    """
    notes: list[str] = []
    strips = list(
        upscale_rows(
            image,
            model,
            size=size,
            tile=tile,
            self_ensemble=self_ensemble,
            device=device,
            precision=precision,
            memory=memory,
            on_progress=on_progress,
            on_note=notes.append,
        )
    )
    alphas = [alpha for _, alpha in strips if alpha is not None]
    return replace(
        image,
        pixels=torch.cat([pixels for pixels, _ in strips], dim=1),
        alpha=torch.cat(alphas, dim=1) if alphas else None,
        notes=(*image.notes, *notes),
    )


def pick_device(name: str) -> torch.device:
    """The device called `name`; "auto" takes a GPU where there is one.

    Raises:
        UsageError: When torch does not know or have it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"The device {name!r} cannot be used: {reason}.", hint="Use --device cpu."
        ) from None
    return device


def _plan(
    image: Image,
    model: LoadedModel,
    *,
    size: tuple[int, int] | None,
    self_ensemble: bool,
    device: torch.device,
    precision: Precision,
) -> Work:
    side = model.spec.side
    if side is not None and (image.height, image.width) != (side, side):
        raise UsageError(
            f"The picture is {image.width}x{image.height}, but {model.spec.name} takes "
            f"{side}x{side} only.",
            hint="Crop it to the object and shrink it to that size, or use another model.",
        )
    native = (image.height * model.scale, image.width * model.scale)
    wanted = native if size is None else (size[1], size[0])
    if min(wanted) < 1:
        raise UsageError(f"A size of {wanted[1]}x{wanted[0]} holds no pixel.", hint="Ask for more.")
    run = runner(model.network, device, precision)
    return Work(
        image=image,
        model=model,
        size=wanted,
        resize=None if wanted == native else plan_axes(native, size=wanted),
        run=ensemble_of(run) if self_ensemble else run,
        device=device,
    )


def _piece(work: Work, row: Span, column: Span) -> Shaped[Tensor, "k n m"]:
    """One window of the result as codes, colour channels and then alpha."""
    try:
        return window_codes(work, row, column)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
    # Outside the handler, so that nothing of the failed attempt is kept alive by its traceback.
    if work.device.type == "cuda":
        torch.cuda.empty_cache()
    context = work.reach if work.context is None else work.context
    if context is None or max(row.length, column.length) <= _SMALLEST_TILE:
        raise MemoryLimitError(
            f"Not enough memory for a tile of {column.length}x{row.length} pixels.",
            hint="Close other programs, or try --device cpu, --tile 32 or a smaller model.",
        )
    work = replace(work, context=context)
    if row.length >= column.length:
        upper, lower = (_piece(work, half, column) for half in row.halves())
        return torch.cat((upper, lower), dim=1)
    left, right = (_piece(work, row, half) for half in column.halves())
    return torch.cat((left, right), dim=2)


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory did not suffice."""
    # On the CPU torch raises a plain RuntimeError; only its words tell.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "can't allocate memory" in str(error) or "not enough memory" in str(error)
    )
