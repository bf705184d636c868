"""The pictures of a report, collected while a benchmark runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from superfine.benchmark.metric import USUAL, find_metric
from superfine.benchmark.output import Output
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.report import closeup, cutting
from superfine.benchmark.report.residual import Residual, residual
from superfine.benchmark.run import values_of
from superfine.visual import Box

REGION = 192  # HR pixels on each side that the zoom view holds
FOCUS = 64  # and that the page shows
KEPT = 16  # pictures of a set and scale that are kept until the last model has been seen


@dataclass(frozen=True, eq=False)
class Shot:
    """One model in one scene.

    Attributes:
        model: Its name.
        region: The region of its result, a PNG.
        values: Metric -> number, of the whole picture.
        error: Mean squared error in the focus, in codes.
        residual: What it says that the LR picture does not.
    """

    model: str
    region: bytes
    values: Mapping[str, float]
    error: float
    residual: Residual


@dataclass(frozen=True, eq=False)
class Scene:
    """A place of a picture at one scale, and what every model made of it.

    Attributes:
        picture: Name of the picture.
        scale: HR pixels per LR pixel.
        size: Height and width of the truth.
        focus: What the page shows, where bicubic loses most; in HR pixels of the picture.
        region: What the zoom view shows, around the focus.
        loss: Mean squared error of bicubic in the focus, in codes of what it enlarges.
        overview: The whole truth made small, a JPEG.
        lr: The region of the LR picture, a PNG.
        truth: The region of the truth, a PNG.
        bicubic: What interpolation makes of it.
        shots: The models, in order.
    """

    picture: str
    scale: int
    size: tuple[int, int]
    focus: Box
    region: Box
    loss: float
    overview: bytes
    lr: bytes
    truth: bytes
    bicubic: Shot
    shots: list[Shot] = field(default_factory=list)

    def spread(self) -> float:
        """How far the models lie apart here, in dB; one model is set beside bicubic."""
        shots = self.shots if len(self.shots) > 1 else [*self.shots, self.bicubic]
        errors = [max(shot.error, 1e-3) for shot in shots]
        return 10 * math.log10(max(errors) / min(errors))


class Gallery:
    """Collects what a report shows of the pictures.

    Of each picture only a region is kept, compressed, and of each set and scale only the pictures
    in which bicubic loses most: memory does not grow with the set.
    """

    def __init__(self) -> None:
        self._scenes: dict[tuple[str, int], dict[str, Scene]] = {}
        self._first: dict[tuple[str, int], str] = {}

    def add(
        self,
        model: str,
        data_set: str,
        output: Output,
        protocol: Protocol,
        values: Mapping[str, float],
    ) -> None:
        """Looks at one result; all pictures of a model's set and scale before the next model's.

        Args:
            model: As in its `Cell`.
            data_set: As in its `Cell`.
            output: The result. Nothing of it is kept but what the class says.
            protocol: How it is measured.
            values: Metric -> number.
        """
        group = (data_set, output.scale)
        scenes = self._scenes.setdefault(group, {})
        # The first model decides which pictures stay: the others meet the same ones.
        if self._first.setdefault(group, model) == model and output.picture not in scenes:
            _let_in(output, protocol, scenes)
        scene = scenes.get(output.picture)
        # A second picture of one name, as p.png beside p.jpg, is another scene; the first stays.
        if scene is not None and model not in [shot.model for shot in scene.shots]:
            scene.shots.append(
                _shot(model, output, protocol, values, region=scene.region, focus=scene.focus)
            )

    def scenes(self) -> dict[tuple[str, int], list[Scene]]:
        """Set and scale -> its scenes, first those in which the models differ most."""
        return in_order(self._scenes)


def in_order(
    found: Mapping[tuple[str, int], Mapping[str, Scene]],
) -> dict[tuple[str, int], list[Scene]]:
    """Set and scale -> its scenes, first those in which the models differ most."""
    return {
        group: sorted(scenes.values(), key=Scene.spread, reverse=True)
        for group, scenes in found.items()
    }


def _let_in(output: Output, protocol: Protocol, scenes: dict[str, Scene]) -> None:
    """Adds the scene of `output` to `scenes` if it is among the hardest, and drops the easiest."""
    interpolated = protocol.bicubic(output.lr, output.scale)
    error = _squared_error(interpolated, protocol, output.hr)
    edge = protocol.comparison.edge(output.scale)
    height, width = error.shape
    # The rim is not counted by the protocol either.
    inner = (slice(edge, height - edge), slice(edge, width - edge))
    counted = torch.zeros_like(error)
    counted[inner] = error[inner]
    side = min(FOCUS, height, width) // output.scale * output.scale
    focus = cutting.hardest(counted, side=side, scale=output.scale)
    loss = float(cutting.cut(counted[None], focus).mean())
    if len(scenes) == KEPT:
        easiest = min(scenes, key=lambda name: scenes[name].loss)
        if scenes[easiest].loss >= loss:
            return
        del scenes[easiest]
    scenes[output.picture] = _scene(output, protocol, interpolated, focus, loss)


def _scene(
    output: Output,
    protocol: Protocol,
    interpolated: UInt8[Tensor, "c h w"],
    focus: Box,
    loss: float,
) -> Scene:
    hr, scale = output.hr, output.scale
    height, width = hr.shape[-2:]
    side = min(REGION, height, width) // scale * scale
    region = cutting.around(focus, (height, width), side=side, scale=scale)
    bicubic = replace(output, sr=interpolated.double() / 255)
    values = values_of(bicubic, protocol, [find_metric(name) for name in USUAL])
    return Scene(
        picture=output.picture,
        scale=scale,
        size=(height, width),
        focus=focus,
        region=region,
        loss=loss,
        overview=cutting.overview_jpeg(hr),
        lr=cutting.png(closeup.lr_codes(output, region, protocol)),
        truth=cutting.png(cutting.cut(hr, region)),
        bicubic=_shot("bicubic", bicubic, protocol, values, region=region, focus=focus),
    )


def _shot(
    model: str,
    output: Output,
    protocol: Protocol,
    values: Mapping[str, float],
    *,
    region: Box,
    focus: Box,
) -> Shot:
    codes = closeup.codes(output, region, protocol)
    seen = Box(focus.top - region.top, focus.left - region.left, focus.side)
    difference = cutting.cut(codes, seen).double() - cutting.cut(output.hr, focus).double()
    return Shot(
        model,
        cutting.png(codes),
        dict(values),
        float(difference.square().mean()),
        residual(output, protocol),
    )


def _squared_error(
    sr: UInt8[Tensor, "c h w"], protocol: Protocol, hr: UInt8[Tensor, "d h w"]
) -> Float[Tensor, "h w"]:
    truth = hr if sr.shape[0] == hr.shape[0] else protocol.luma(hr)
    return (sr.double() - truth.double()).square().mean(dim=0)
