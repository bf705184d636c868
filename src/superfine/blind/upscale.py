"""`superfine.upscale_blind`: a picture of unknown blur, corrected if that helps, and enlarged."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.blind.believed import ESTIMATE, given_kernel
from superfine.blind.check import Check, checked, worth_it
from superfine.blind.frozen import Frozen
from superfine.blind.kernelgan import ShouldStop, Step, Watch
from superfine.blind.methods import Answer, Task, find_method
from superfine.blind.result import AUTO, USUAL_MODEL, BlindOptions, BlindResult
from superfine.checkpoints import LoadedModel
from superfine.diagnose import Diagnosis, diagnose
from superfine.errors import UsageError
from superfine.inference import load_picture_model, pick_device, upscale_image
from superfine.io.arrays import from_python
from superfine.ops.alpha import bleed
from superfine.ops.codes import to_codes, to_unit
from superfine.ops.color import luma
from superfine.ops.degrade import degrade
from superfine.types import Image, Kernel

# How far the visible colours spread under what is transparent, before the filter sees them.
_SPREAD = 32
_REAL_NOISE = 2.0


Load = Callable[[str, float], LoadedModel]
OnShare = Callable[[float], None]


def _ignore(share: float) -> None:
    pass


def load_network(name: str, scale: float) -> LoadedModel:
    """The weights called `name` for pictures; errors as `load_picture_model`."""
    return load_picture_model(name, scale=scale)


def upscale_blind(
    picture: object,
    *,
    scale: int = 2,
    method: str = AUTO,
    model: str = USUAL_MODEL,
    kernel: str = ESTIMATE,
    convention: str = "aligned",
    budget: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    tile: int | None = None,
    device: str = "auto",
) -> BlindResult:
    """`picture`, whose blur nobody knows, enlarged; see `BlindOptions` for the arguments.

    Args:
        picture: One picture: what `superfine.upscale` takes.

    Raises:
        SuperfineError: With what came, what was expected and what to do.
    """
    images, _ = from_python(picture)
    if len(images) != 1:
        raise UsageError(f"{len(images)} pictures were given.", hint="Give them one by one.")
    options = BlindOptions(
        scale=scale, method=method, model=model, kernel=kernel, convention=convention,
        budget=budget, steps=steps, seed=seed, tile=tile, device=device,
    )  # fmt: skip
    return restore(images[0], options)


def restore(
    image: Image,
    options: BlindOptions,
    *,
    load: Load = load_network,
    watch: Watch | None = None,
    should_stop: ShouldStop | None = None,
    on_share: OnShare = _ignore,
) -> BlindResult:
    """`image` restored as `options` say.

    Args:
        image: Grey or RGB, with or without transparency, of any depth.
        options: How.
        load: Finds weights by name and scale; one that remembers serves many pictures.
        watch: Called after each step of a method that learns.
        should_stop: Asked before each of them; True goes on with the best so far.
        on_share: Called with the share that is done, 0 to 1.

    Raises:
        UsageError: A network that has not this scale.
        SuperfineError: Whatever reading the kernel or the weights raises.
    """
    given = given_kernel(options.kernel, scale=options.scale, convention=options.convention)
    seen = _Seen(image, _colours(image), options, _model(options, load))
    diagnosis = diagnose(image, scale=options.scale)
    on_share(0.05)
    kernel = given or (diagnosis.blur.kernel() if diagnosis.blur.trusted else None)
    check = None if kernel is None else _checked(seen, kernel)
    correcting, sentence = worth_it(diagnosis.blur, check)
    if given is not None:
        correcting, sentence = True, "Corrected for the kernel that was given."
    on_share(0.1)
    plain = _enlarged(image, seen, lambda done: on_share(0.1 + 0.3 * done))
    result = BlindResult(
        picture=plain,
        plain=plain,
        corrected=None,
        kernel=kernel,
        method="plain",
        diagnosis=diagnosis,
        check=check,
        residual=None,
        steps=0,
        sentences=(sentence,),
    )
    if kernel is None:
        return result
    if not correcting:
        residual = _residual(plain, seen, kernel)
        return replace(result, residual=(residual, residual))
    method = "correction" if options.method == AUTO else options.method
    watch = _watching(watch, lambda done: on_share(0.4 + 0.2 * done))
    answer = _answer(seen, kernel, diagnosis, _stopping(options, should_stop), watch)
    on_share(0.6)
    corrected = _as_float(image, answer.corrected)
    made = _like(image, _enlarged(corrected, seen, lambda done: on_share(0.6 + 0.4 * done)))
    return replace(
        result,
        picture=made,
        corrected=_like(image, corrected),
        kernel=answer.kernel,
        method=method,
        residual=(_residual(plain, seen, answer.kernel), _residual(made, seen, answer.kernel)),
        steps=answer.steps,
    )


@dataclass(frozen=True, eq=False)
class _Seen:
    """A picture on its way: as stored, its colours on [0, 1], and what is done with it."""

    image: Image
    colours: Float[Tensor, "c m n"]
    options: BlindOptions
    model: LoadedModel


def _model(options: BlindOptions, load: Load) -> LoadedModel:
    model = load(options.model, options.scale)
    if model.scale != options.scale:
        raise UsageError(
            f"{options.model} enlarges x{model.scale}, not x{options.scale}.",
            hint="Give a model with that scale, or another scale.",
        )
    return model


def _colours(image: Image) -> Float[Tensor, "c m n"]:
    """The colours on [0, 1], under what is transparent those of what is visible beside it."""
    colours = to_unit(image.pixels)
    return colours if image.alpha is None else bleed(colours, to_unit(image.alpha), radius=_SPREAD)


def _checked(seen: _Seen, kernel: Kernel) -> Check | None:
    device = pick_device(seen.options.device)
    frozen = Frozen(seen.model.network.to(device), seen.model.spec)
    of_colours = seen.model.spec.channels == "rgb"

    @torch.inference_mode()
    def enlarge(grey: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 sh sw"]:
        made = frozen.enlarged(grey[None].to(device))[0].cpu()
        return made if of_colours else _full_range(made)

    grey = seen.colours
    if grey.shape[0] == 3:
        grey = _full_range(luma(grey))
    return checked(grey, kernel, enlarge, dtype=seen.image.pixels.dtype)


def _full_range(y: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
    """Luma of studio swing on [0, 1], as grey is."""
    return (y * 255 - 16) / 219


def _stopping(options: BlindOptions, should_stop: ShouldStop | None) -> ShouldStop:
    """True when the budget is spent from now on, or as somebody else says."""
    end = math.inf if options.budget is None else time.monotonic() + options.budget
    return lambda: time.monotonic() > end or (should_stop is not None and should_stop())


def _watching(watch: Watch | None, on_share: OnShare) -> Watch:
    """Tells both how far a method has come."""

    def told(step: Step) -> None:
        on_share(step.number / step.of)
        if watch is not None:
            watch(step)

    return told


def _answer(
    seen: _Seen,
    kernel: Kernel,
    diagnosis: Diagnosis,
    should_stop: ShouldStop,
    watch: Watch,
) -> Answer:
    options = seen.options
    method = find_method("correction" if options.method == AUTO else options.method)
    return method.answer(
        Task(
            lr=seen.colours,
            kernel=kernel,
            noise_sigma=_noise(diagnosis) / 255,
            model=seen.model,
            seed=options.seed,
            steps=options.steps,
            watch=watch,
            should_stop=should_stop,
        )
    )


def _noise(diagnosis: Diagnosis) -> float:
    """What the filter is told, in grey levels: little noise is texture as often as not."""
    sigma = diagnosis.noise_sigma
    return sigma if sigma is not None and sigma >= _REAL_NOISE else 0.0


def _as_float(image: Image, colours: Float[Tensor, "c m n"]) -> Image:
    """`image` with other colours, in floats that may lie beyond black and white."""
    alpha = None if image.alpha is None else to_unit(image.alpha)
    return replace(image, pixels=colours.float(), alpha=alpha)


def _like(image: Image, made: Image) -> Image:
    """`made` in the samples of `image`."""
    alpha = None if made.alpha is None else to_codes(made.alpha, image.pixels.dtype)
    return replace(made, pixels=to_codes(made.pixels, image.pixels.dtype), alpha=alpha)


def _enlarged(image: Image, seen: _Seen, on_share: OnShare) -> Image:
    options = seen.options
    return upscale_image(
        image,
        seen.model,
        tile=options.tile,
        device=options.device,
        on_progress=lambda progress: on_share(progress.done / progress.total),
    )


def _residual(result: Image, seen: _Seen, kernel: Kernel) -> float:
    """Mean difference of `result`, degraded again, from the picture, in grey levels of 255."""
    planes = [degrade(to_unit(plane[None]), kernel)[0] for plane in result.pixels]
    pairs = zip(planes, seen.colours, strict=True)
    return 255 * sum(float((made - lr).abs().mean()) for made, lr in pairs) / len(planes)
