"""A job of depth maps: from files to files, with what lies beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from superfine import io
from superfine.depth.colours import coloured
from superfine.depth.enlarge import Enlarged
from superfine.depth.upscale import DepthOptions, Load, upscale_map
from superfine.io.atomic import require_writable
from superfine.io.depth import Made as MadeBy
from superfine.io.depth import read_depth, require_some_valid, side_car_path, write_depth
from superfine.io.depth.storage import ENDINGS, format_of
from superfine.io.ply import camera_of, write_ply
from superfine.jobs.depth_request import DepthRequest
from superfine.jobs.job import Made
from superfine.jobs.plan import Kind
from superfine.types import DepthMap, Image, Intrinsics

_READ_TOO = (".pnm", ".mat")  # endings of files that are read but not written
_FLYING = 0.03  # of the depth: a step that counts as an edge

DEPTH_MAPS = Kind(
    noun="depth map",
    read=frozenset((*(end for ends, _ in ENDINGS.values() for end in ends), *_READ_TOO)),
    written=frozenset(end for ends, _ in ENDINGS.values() for end in ends),
    format_of=format_of,
    usual_ext="auto",
)


@dataclass(frozen=True)
class DepthMaker:
    """How every map of a job is enlarged.

    Attributes:
        request: What was asked.
        options: What of it decides the values.
        guides: The photo of each map; empty where none is used.
        camera: Of every map; None for what the side-cars say.
        load: Finds networks, and remembers them.
    """

    request: DepthRequest
    options: DepthOptions
    guides: Mapping[Path, Path]
    camera: Intrinsics | None
    load: Load

    @property
    def limits(self) -> io.Limits:
        """The largest map that is read."""
        megapixels = self.request.max_megapixels
        return io.Limits() if megapixels is None else io.Limits(max_pixels=round(megapixels * 1e6))

    def reads(self, source: Path) -> tuple[Path, ...]:
        """The photo of the map and the side-car that says what it means."""
        beside = side_car_path(source)
        photo = self.guides.get(source)
        return (*((photo,) if photo else ()), *((beside,) if beside.is_file() else ()))

    def make(self, source: Path | bytes, target: Path, on_share: Callable[[float], None]) -> Made:
        """As `Maker.make`; the side-car, and what else was asked for, lie beside `target`."""
        beside = self._beside(target)
        for path in beside:
            require_writable(path, overwrite=self.request.overwrite)
        depth, guide = self.read(source)
        on_share(0.1)
        made = upscale_map(depth, guide, self.options_for(depth), load=self.load)
        on_share(0.9)
        notes = write_depth(
            made.depth, target, overwrite=self.request.overwrite, made=_history(made)
        )
        self._write_preview(made.depth, target)
        self._write_points(made.depth, guide, target)
        size = made.depth.width, made.depth.height
        told = (*made.depth.notes, *notes, *self._about(made))
        return Made(size, round(size[0] / depth.width, 4), told, beside)

    def options_for(self, depth: DepthMap) -> DepthOptions:
        """The options with the size that was asked for, of this map."""
        if self.request.size is None:
            return self.options
        width, height = self.request.size.of(depth.width, depth.height)
        return replace(self.options, size=(height, width))

    def read(self, source: Path | bytes) -> tuple[DepthMap, Image | None]:
        """A map and its photo.

        Raises:
            SuperfineError: With what is wrong with either.
        """
        photo = self.guides.get(source) if isinstance(source, Path) else None
        depth = self._read_map(source)
        return depth, None if photo is None else io.read(photo, limits=self.limits)

    def _read_map(self, source: Path | bytes) -> DepthMap:
        meaning = self.request.meaning
        depth = read_depth(
            source,
            convention=meaning.convention,
            unit=meaning.unit,
            codes_per_unit=meaning.codes_per_unit,
            invalid=self.request.invalid,
            index=self.request.index,
            limits=self.limits,
        )
        require_some_valid(depth)
        if self.camera is not None:
            depth = replace(depth, intrinsics=self.camera)
        if self.request.points:
            camera_of(depth)  # says at once what a point cloud lacks
        return depth

    def _beside(self, target: Path) -> tuple[Path, ...]:
        """What is written beside `target`, in any case and on demand."""
        preview = (_preview_path(target),) if self.request.preview else ()
        points = (target.with_suffix(".ply"),) if self.request.points else ()
        return (side_car_path(target), *preview, *points)

    def _write_preview(self, depth: DepthMap, target: Path) -> None:
        if self.request.preview is None:
            return
        picture = Image(coloured(depth.values, depth.valid, colours=self.request.preview))
        io.write(picture, _preview_path(target), overwrite=self.request.overwrite)

    def _write_points(self, depth: DepthMap, guide: Image | None, target: Path) -> None:
        if not self.request.points:
            return
        fits = guide is not None and (guide.height, guide.width) == (depth.height, depth.width)
        write_ply(
            depth,
            target.with_suffix(".ply"),
            guide=guide if fits else None,
            edges=_FLYING if self.request.drop_edges else None,
            overwrite=self.request.overwrite,
        )

    def _about(self, made: Enlarged) -> tuple[str, ...]:
        unit = {"metre": " m", "disparity_px": " px", "relative": ""}[made.depth.unit]
        return (
            f"{made.method}; shrunk again ({made.operator}) it is {made.residual.mean:.3g}{unit} "
            f"from the input on average, {made.residual.largest:.3g}{unit} at most.",
        )


def _preview_path(target: Path) -> Path:
    return target.with_name(f"{target.stem}.preview.png")


def _history(made: Enlarged) -> MadeBy:
    return MadeBy(
        method=made.method,
        operator=made.operator,
        lr_residual=made.residual.mean,
    )
