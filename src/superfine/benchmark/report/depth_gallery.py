"""The depth maps of a report, collected while a benchmark runs; shown in colours."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from superfine.benchmark.depth import DepthOutput, DepthPair, DepthProtocol
from superfine.benchmark.report import cutting
from superfine.benchmark.report.gallery import FOCUS, KEPT, REGION, Scene, Shot, in_order
from superfine.benchmark.report.residual import Residual, strongest
from superfine.depth.colours import coloured
from superfine.metrics import psnr
from superfine.visual import Box

_CODES = 255.0  # what the range of a LR map is divided into, as 8-bit pictures are
_FIRST = "bicubic"  # measured before all others


class DepthGallery:
    """As `Gallery`: of each map a region, of each set and scale those in which bicubic is worst."""

    def __init__(self) -> None:
        self._scenes: dict[tuple[str, int], dict[str, Scene]] = {}

    def add(
        self,
        method: str,
        data_set: str,
        output: DepthOutput,
        protocol: DepthProtocol,
        values: Mapping[str, float],
    ) -> None:
        """Looks at one result; bicubic's, on all maps of a set and scale, before all others.

        Args:
            method: As in its `Cell`.
            data_set: As in its `Cell`.
            output: The result. Nothing of it is kept but what the class says.
            protocol: How it is measured.
            values: Metric -> number.
        """
        scenes = self._scenes.setdefault((data_set, output.scale), {})
        if method == _FIRST:
            _let_in(output, protocol, values, scenes)
        scene = scenes.get(output.picture)
        if scene is not None and method not in [shot.model for shot in scene.shots]:
            made = (
                scene.bicubic
                if method == _FIRST
                else _shot(method, output, protocol, values, (scene.region, scene.focus))
            )
            scene.shots.append(made)

    def scenes(self) -> dict[tuple[str, int], list[Scene]]:
        """Set and scale -> its scenes, first those in which the methods differ most."""
        return in_order(self._scenes)


def _let_in(
    output: DepthOutput,
    protocol: DepthProtocol,
    values: Mapping[str, float],
    scenes: dict[str, Scene],
) -> None:
    """Adds the map to `scenes` if it is among the hardest, and drops the easiest."""
    error, scale = _squared_error(output), output.scale
    height, width = error.shape
    focus = cutting.hardest(error, side=min(FOCUS, height, width) // scale * scale, scale=scale)
    loss = float(cutting.cut(error[None], focus).mean())
    if output.picture in scenes:
        return
    if len(scenes) == KEPT:
        easiest = min(scenes, key=lambda name: scenes[name].loss)
        if scenes[easiest].loss >= loss:
            return
        del scenes[easiest]
    scenes[output.picture] = _scene(output, protocol, values, focus, loss)


def _scene(
    output: DepthOutput,
    protocol: DepthProtocol,
    values: Mapping[str, float],
    focus: Box,
    loss: float,
) -> Scene:
    pair, scale = output.pair, output.scale
    height, width = pair.truth.shape[-2:]
    side = min(REGION, height, width) // scale * scale
    region = cutting.around(focus, (height, width), side=side, scale=scale)
    small = Box(region.top // scale, region.left // scale, region.side // scale)
    measured = torch.ones_like(pair.lr, dtype=torch.bool)
    return Scene(
        picture=output.picture,
        scale=scale,
        size=(height, width),
        focus=focus,
        region=region,
        loss=loss,
        overview=cutting.overview_jpeg(coloured(pair.truth, pair.valid, colours="turbo")),
        lr=_in_colours(pair.lr, measured, small, pair, region),
        truth=_in_colours(pair.truth_as_lr, pair.valid, region, pair, region),
        bicubic=_shot(_FIRST, output, protocol, values, (region, focus)),
    )


def _shot(
    method: str,
    output: DepthOutput,
    protocol: DepthProtocol,
    values: Mapping[str, float],
    boxes: tuple[Box, Box],
) -> Shot:
    """What `method` made, in the region and the focus of `boxes`."""
    region, focus = boxes
    everywhere = torch.ones_like(output.pair.valid)
    return Shot(
        method,
        _in_colours(output.sr, everywhere, region, output.pair, region),
        dict(values),
        float(cutting.cut(_squared_error(output)[None], focus).mean()),
        _residual(output, protocol),
    )


def _in_colours(
    depth: Float[Tensor, "1 h w"],
    valid: Bool[Tensor, "1 h w"],
    box: Box,
    pair: DepthPair,
    region: Box,
) -> bytes:
    """`depth` in `box` as a PNG, in colours that span what the truth has in `region`."""
    truth = cutting.cut(pair.truth_as_lr, region)[cutting.cut(pair.valid, region)]
    low, high = (float(x) for x in torch.aminmax(truth)) if truth.numel() else (0.0, 1.0)
    part, there = cutting.cut(depth, box), cutting.cut(valid, box)
    picture: UInt8[Tensor, "3 m n"] = coloured(part, there, colours="turbo", low=low, high=high)
    return cutting.png(picture)


def _squared_error(output: DepthOutput) -> Float[Tensor, "h w"]:
    """In codes of the range; 0 in holes of the truth."""
    pair = output.pair
    error = ((output.sr.double() - pair.truth_as_lr.double()) * _CODES).square()
    return torch.where(pair.valid, error, 0)[0]


def _residual(output: DepthOutput, protocol: DepthProtocol) -> Residual:
    """What the result says that the LR map does not, under the operator of `protocol`."""
    lr = output.pair.lr.double()
    shrunk = protocol.operator.shrink_to(output.sr.double(), (lr.shape[-2], lr.shape[-1]))
    agreement = float(psnr(shrunk, lr, data_range=1.0))
    return Residual(strongest((shrunk - lr)[0] * _CODES).half(), agreement)
