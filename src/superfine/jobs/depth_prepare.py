"""A job of depth maps from its request: the method, the photos, and a plan of every output."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from superfine import __version__
from superfine.depth.methods import METHOD_NAMES
from superfine.depth.sampling import ESTIMATE, Frame, frame_of, operator_called, operator_seen
from superfine.depth.upscale import USUAL_SCALE, DepthOptions, fitting, load_network, usual_method
from superfine.errors import SuperfineError, UsageError
from superfine.inference import pick_device
from superfine.io.depth.cameras import camera_in, read_intrinsics
from superfine.jobs.depth import DEPTH_MAPS, DepthMaker
from superfine.jobs.depth_request import DepthRequest
from superfine.jobs.job import Job
from superfine.jobs.manifest import sha256_of
from superfine.jobs.picture import PICTURES
from superfine.jobs.plan import Naming, Plan, make_plan
from superfine.types import Intrinsics

_TELLING = 12  # maps that are looked at to tell how all were sampled
# How photos are called beside maps: NAME.png, or NAME.color.jpg beside NAME.depth.png.
_MAP_MARKS, _PHOTO_MARKS = (".depth", "_depth", "-depth"), ("", ".color", "_color", "-color")


def prepare_depth(request: DepthRequest) -> Job:
    """Finds the photos of `request` and plans every output; writes nothing.

    Raises:
        SuperfineError: Whatever makes the whole job impossible.
    """
    pick_device(request.device)
    if request.operator != ESTIMATE:
        operator_called(request.operator)  # a wrong name ends the job before it begins
    elif request.guide is None:
        raise UsageError(
            "How depth was sampled is told by photos; there are none.",
            hint="Give --guide, or say how: block-mean is usual.",
        )
    options = DepthOptions(
        method=request.method,
        scale=request.scale if request.size is None else None,
        operator=request.operator,
        holes=request.holes,
        align=request.align,
        device=request.device,
    )
    if request.size is not None and request.scale is not None:
        raise UsageError("Both --scale and --size are given.", hint="Give one of them.")
    load = cache(load_network)
    name = _method_name(request)
    weights = ""
    if request.method is not None and name not in METHOD_NAMES:
        # What cannot be loaded ends the job before its first map.
        weights = load(request.method, request.scale or USUAL_SCALE).card.sha256
        if Path(request.method).is_file():
            weights = sha256_of(Path(request.method))
    naming = Naming(_enlargement(request), name, request.ext, DEPTH_MAPS)
    plan = make_plan(request.inputs, request.output, naming, recursive=request.recursive)
    maker = DepthMaker(request, options, _guides(request, plan), _camera(request.camera), load)
    notes = plan.notes
    if request.operator == ESTIMATE and not plan.single:
        maker, note = _sampled_alike(maker)
        notes += note
    return Job(
        maker=maker,
        model_name=name,
        naming=naming,
        plan=plan,
        options=_options_id(maker, name, weights),
        overwrite=request.overwrite,
        notes=notes,
    )


def _sampled_alike(maker: DepthMaker) -> tuple[DepthMaker, tuple[str, ...]]:
    """The maker with one way of sampling for all maps, as some of them and their photos tell.

    One map alone is off by a pixel or more now and then; a dozen together hardly are.
    """
    frames: list[Frame] = []
    sources = sorted(maker.guides)
    for source in sources[:: max(1, len(sources) // _TELLING)][:_TELLING]:
        with contextlib.suppress(SuperfineError, OSError):  # it is said in its turn
            depth, guide = maker.read(source)
            assert guide is not None
            frames.append(frame_of(depth, fitting(depth, guide, maker.options_for(depth))))
    # Only maps of one scale tell together.
    alike = max(
        ([f for f in frames if f.scale == one.scale] for one in frames), key=len, default=[]
    )
    if not alike:
        return maker, ()
    operator, note = operator_seen(alike)
    options = replace(maker.options, operator=operator.name)
    return replace(maker, options=options), (f"{len(alike)} maps looked at. {note}",)


def _method_name(request: DepthRequest) -> str:
    """As results are named after it."""
    if request.method is None:
        return usual_method(guided=request.guide is not None).name
    path = Path(request.method)
    return path.stem if path.suffix else request.method


def _enlargement(request: DepthRequest) -> str:
    if request.size is not None:
        return str(request.size)
    if request.scale is None and request.guide is not None:
        return "as-guide"
    return f"x{request.scale or USUAL_SCALE:g}"


def _camera(text: str | None) -> Intrinsics | None:
    """The camera that `--camera` says, or the file it names.

    Raises:
        UsageError: Neither.
        PictureError: A file that holds none.
    """
    if text is None or (camera := camera_in(text)) is not None:
        return None if text is None else camera
    if not Path(text).is_file():
        raise UsageError(
            f"--camera {text!r}: four numbers or a file of them were expected.",
            hint="--camera 525,525,319.5,239.5",
        )
    return read_intrinsics(Path(text))


def _guides(request: DepthRequest, plan: Plan) -> dict[Path, Path]:
    """The photo of each planned map.

    Raises:
        UsageError: One photo for several maps, or a map whose photo is missing.
    """
    if request.guide is None:
        return {}
    guide = Path(request.guide)
    maps = [planned for planned in plan.pictures if planned.source is not None]
    if not guide.is_dir():
        if not plan.single:
            raise UsageError(
                f"The guide {guide} is one file, but there are several depth maps.",
                hint="Give a folder of photos that are called like the maps.",
            )
        return {planned.source: guide for planned in maps if planned.source is not None}
    found: dict[Path, Path] = {}
    for planned in maps:
        assert planned.source is not None
        inside = Path(planned.label).parent if planned.root is not None else Path()
        found[planned.source] = _photo_of(planned.source, guide / inside)
    return found


def _photo_of(depth: Path, folder: Path) -> Path:
    for stem in _stems(depth.stem):
        for suffix in sorted(PICTURES.read):
            photo = folder / f"{stem}{suffix}"
            if photo.is_file() and photo.resolve() != depth.resolve():
                return photo
    raise UsageError(
        f"{folder} holds no photo for {depth.name}.",
        hint=f"It should be called {depth.stem}.jpg, or like the map with color for depth.",
    )


def _stems(stem: str) -> list[str]:
    """The names a photo of the map `stem` may have, without their endings."""
    bare = [stem.removesuffix(mark) for mark in _MAP_MARKS if stem.endswith(mark)]
    return [stem, *(name + mark for name in bare for mark in _PHOTO_MARKS)]


def _options_id(maker: DepthMaker, name: str, weights: str) -> str:
    """A hash of what decides the bytes of a result, beside the files it is made from."""
    values = asdict(maker.request)
    for aside in ("inputs", "output", "guide", "recursive", "overwrite", "device"):
        del values[aside]
    values |= {
        "version": __version__,
        "method": name,
        "weights": weights,
        "operator": maker.options.operator,
        "camera": None if maker.camera is None else asdict(maker.camera),
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
