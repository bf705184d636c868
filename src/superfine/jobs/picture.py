"""One picture or animation on its way from file to file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from superfine import io
from superfine.budget.forecast import Picture, Way, fit, picture_of
from superfine.checkpoints import LoadedModel, load_model
from superfine.inference import scaled_size, upscale_image, upscale_rows
from superfine.io.formats import FORMATS
from superfine.io.outputs import OUTPUTS, output_format
from superfine.jobs.job import Made
from superfine.jobs.plan import Kind
from superfine.jobs.request import Request
from superfine.types import Image

_ANIMATED = ("png", "gif", "webp")  # formats that hold every frame
_VISIBLE_STRETCH = 0.01


PICTURES = Kind(
    noun="picture",
    read=frozenset(suffix for known in FORMATS for suffix in known.suffixes),
    written=frozenset(suffix for known in OUTPUTS for suffix in known.suffixes),
    format_of=output_format,
    usual_ext="png",
)


@dataclass(frozen=True)
class Enlarger:
    """How every picture of a job is enlarged.

    Attributes:
        request: What was asked, with the model it came to.
        model: Used for every picture, unless an output size was asked for.
        scale: How many times larger; None when an output size was asked for.
    """

    request: Request
    model: LoadedModel
    scale: float | None

    def make(self, source: Path | bytes, target: Path, on_share: Callable[[float], None]) -> Made:
        """Reads `source`, enlarges it and writes `target`, whole or not at all.

        Args:
            on_share: Called with the share that is done, 0 to 1.

        Raises:
            SuperfineError: With what is wrong with the picture or the output.
        """
        animated = io.probe(source, limits=self.limits).frames > 1
        if animated and output_format(target.suffix).name in _ANIMATED:
            return self._make_animation(source, target, on_share)
        return self._make_still(source, target, on_share)

    def reads(self, source: Path) -> tuple[Path, ...]:
        """A picture is made from itself alone."""
        return ()

    def _make_still(
        self, source: Path | bytes, target: Path, on_share: Callable[[float], None]
    ) -> Made:
        image = io.read(source, limits=self.limits, best_effort=self.request.best_effort)
        size = self._size(image)
        writer = io.PictureWriter(
            target,
            width=size[0],
            height=size[1],
            channels=1 if image.grey else 3,
            alpha=image.alpha is not None,
            dtype=image.pixels.dtype,
            profile=image.profile,
            metadata=image.metadata,
            overwrite=self.request.overwrite,
        )
        noted: list[str] = []
        with writer:
            strips = upscale_rows(
                image,
                self._model_for(image, size),
                size=size,
                tile=self.request.tile,
                self_ensemble=self.request.self_ensemble,
                device=self.request.device,
                memory=self._tile_memory(image, size, frames=1),
                on_progress=lambda progress: on_share(progress.done / progress.total),
                on_note=noted.append,
            )
            for pixels, alpha in strips:
                writer.rows(pixels, alpha)
        return self._made(image, size, (*noted, *writer.notes))

    def _make_animation(
        self, source: Path | bytes, target: Path, on_share: Callable[[float], None]
    ) -> Made:
        frames = io.read_frames(source, limits=self.limits, best_effort=self.request.best_effort)
        size = self._size(frames[0])
        model = self._model_for(frames[0], size)
        memory = self._tile_memory(frames[0], size, frames=len(frames))
        larger: list[Image] = []
        for frame in frames:
            larger.append(
                upscale_image(
                    frame,
                    model,
                    size=size,
                    tile=self.request.tile,
                    self_ensemble=self.request.self_ensemble,
                    device=self.request.device,
                    memory=memory,
                    on_progress=lambda p: on_share((len(larger) + p.done / p.total) / len(frames)),
                )
            )
        notes = io.write_frames(larger, target, overwrite=self.request.overwrite)
        noted = larger[0].notes[len(frames[0].notes) :]  # the same of every frame
        return self._made(frames[0], size, (*noted, *notes))

    @property
    def limits(self) -> io.Limits:
        """The largest picture that is read."""
        return limits_of(self.request)

    def _tile_memory(self, image: Image, size: tuple[int, int], *, frames: int) -> int | None:
        """Bytes a tile may take; None where only what is usual limits it."""
        if self.request.max_memory is None:
            return None
        picture = picture_of(image, frames=frames)
        way = replace(way_of(self.request, picture), size=size)
        return fit(self._model_for(image, size), picture, way).tile_memory

    def _size(self, image: Image) -> tuple[int, int]:
        if self.request.size is not None:
            return self.request.size.of(image.width, image.height)
        return scaled_size(image, self.scale or self.model.scale)

    def _model_for(self, image: Image, size: tuple[int, int]) -> LoadedModel:
        if self.scale is not None:
            return self.model
        ratio = max(size[0] / image.width, size[1] / image.height)
        assert self.request.model is not None
        return load_model(self.request.model, scale=ratio)

    def _made(self, image: Image, size: tuple[int, int], notes: tuple[str, ...]) -> Made:
        across, down = size[0] / image.width, size[1] / image.height
        stretched: tuple[str, ...] = ()
        if self.request.size is not None and abs(across / down - 1) > _VISIBLE_STRETCH:
            stretched = (f"The picture was stretched: x{across:.3g} across, x{down:.3g} down.",)
        return Made(size, round(across, 4), (*image.notes, *notes, *stretched))


def limits_of(request: Request) -> io.Limits:
    """The largest picture that is read."""
    megapixels = request.max_megapixels
    return io.Limits() if megapixels is None else io.Limits(max_pixels=round(megapixels * 1e6))


def way_of(request: Request, picture: Picture) -> Way:
    """How `request` wants `picture` enlarged; the ending of its result is left to the plan."""
    size = None
    if request.size is not None:
        size = request.size.of(picture.width, picture.height)
    elif request.scale is not None:
        width, height = (max(1, round(s * request.scale)) for s in (picture.width, picture.height))
        size = width, height
    return Way(
        size=size,
        tile=request.tile,
        self_ensemble=request.self_ensemble,
        device=request.device,
        memory=request.max_memory,
    )
