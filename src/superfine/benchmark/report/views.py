"""Scenes made ready for the page, as many as there is room for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from superfine.benchmark.report.cutting import data_uri
from superfine.benchmark.report.depth_gallery import DepthGallery
from superfine.benchmark.report.gallery import Gallery, Scene, Shot
from superfine.benchmark.report.residual import limit_of, map_png
from superfine.benchmark.report.table import column, in_digits, name_of
from superfine.benchmark.report.tradeoff import group_of
from superfine.benchmark.results import Cell
from superfine.visual import Box

_PER_GROUP = 4  # scenes of a set and scale
_ROOM = 12_000_000  # characters of all pictures; the page stays below 15 MB


@dataclass(frozen=True)
class Pane:
    """One picture of a row.

    Attributes:
        title: What it is.
        caption: Its values, of the whole picture; may be empty.
        alt: For people who do not see it.
        picture: A data address.
    """

    title: str
    caption: str
    alt: str
    picture: str


@dataclass(frozen=True)
class View:
    """One scene.

    Attributes:
        picture: Its name.
        scale: HR pixels per LR pixel.
        size: Height and width of the truth.
        overview: The truth made small.
        on_picture: The focus in pixels of the truth.
        focus: The same in pixels of the region.
        side: Of the region, in HR pixels.
        panes: The region: LR, bicubic, every model, the truth.
        maps: Residuals of the whole picture, bicubic and every model.
        map_size: Height and width of a map in samples.
        limit: The codes at which the colours of the maps end.
    """

    picture: str
    scale: int
    size: tuple[int, int]
    overview: str
    on_picture: Box
    focus: Box
    side: int
    panes: tuple[Pane, ...]
    maps: tuple[Pane, ...]
    map_size: tuple[int, int]
    limit: int

    def characters(self) -> int:
        """What its pictures take in the page."""
        panes = sum(len(pane.picture) for pane in (*self.panes, *self.maps))
        return len(self.overview) + panes


@dataclass(frozen=True)
class Wall:
    """The scenes of one set and scale.

    Attributes:
        title: Set and scale.
        of: How many pictures were looked at.
        views: Those that are shown.
    """

    title: str
    of: int
    views: list[View] = field(default_factory=list)


def walls(gallery: Gallery | DepthGallery, cells: Sequence[Cell]) -> list[Wall]:
    """What is shown. Room is shared: every set gets its first scene before any its second.

    Args:
        gallery: What was collected.
        cells: Of the same run.
    """
    groups = gallery.scenes()
    counts = {(cell.data_set, cell.scale): len(cell.pictures) for cell in cells}
    names = {cell.model: name_of(cell) for cell in cells}
    made = {g: Wall(group_of(*g), counts.get(g, len(s))) for g, s in groups.items()}
    room = _ROOM
    for group, scene in _in_turn(groups):
        seen = view(scene, names)
        if seen.characters() <= room:
            room -= seen.characters()
            made[group].views.append(seen)
    return list(made.values())


def _in_turn(
    groups: Mapping[tuple[str, int], Sequence[Scene]],
) -> Iterator[tuple[tuple[str, int], Scene]]:
    for layer in zip_longest(*(scenes[:_PER_GROUP] for scenes in groups.values())):
        for group, scene in zip(groups, layer, strict=True):
            if scene is not None:
                yield group, scene


def view(scene: Scene, names: Mapping[str, str]) -> View:
    """`scene` in addresses and words, its models called by `names`."""
    # A model that is bicubic itself needs no second one beside it.
    named = [shot for shot in scene.shots if shot.model == scene.bicubic.model]
    shots = scene.shots if named else [scene.bicubic, *scene.shots]
    # Interpolation loses so much that beside it a model's own inventions would all look white.
    others = [shot for shot in scene.shots if shot not in named] or scene.shots
    limit = limit_of([shot.residual for shot in others])
    focus, region = scene.focus, scene.region

    def name(shot: Shot) -> str:
        return names.get(shot.model, shot.model)

    rows, columns = shots[0].residual.codes.shape
    return View(
        picture=scene.picture,
        scale=scene.scale,
        size=scene.size,
        overview=data_uri(scene.overview),
        on_picture=focus,
        focus=Box(focus.top - region.top, focus.left - region.left, focus.side),
        side=region.side,
        panes=(
            _pane(scene, "LR", f"1/{scene.scale} size", scene.lr),
            *(_pane(scene, name(shot), _values(shot), shot.region) for shot in shots),
            _pane(scene, "truth", f"{scene.size[1]}×{scene.size[0]}", scene.truth),
        ),
        maps=tuple(_map(scene, name(shot), shot, limit) for shot in shots),
        map_size=(rows, columns),
        limit=limit,
    )


def _pane(scene: Scene, title: str, caption: str, data: bytes) -> Pane:
    alt = f"{title}: {scene.picture} at ×{scene.scale}, a square of {scene.focus.side} pixels"
    return Pane(title, caption, alt, data_uri(data))


def _map(scene: Scene, name: str, shot: Shot, limit: int) -> Pane:
    found = shot.residual
    agreement = shot.values.get("lr-psnr", found.lr_psnr)
    caption = f"LR-PSNR {in_digits(agreement, column('psnr'))} dB"
    # A model that takes LR pixels over as they are agrees exactly.
    if math.isinf(agreement):
        caption = "equal to the LR picture"
    alt = f"LR residual of {name} on {scene.picture} at ×{scene.scale}, {caption}"
    return Pane(name, caption, alt, data_uri(map_png(found.codes, limit)))


def _values(shot: Shot) -> str:
    """The first two values as papers print them: 38.40 dB / 0.9612."""
    words = []
    for name, value in list(shot.values.items())[:2]:
        metric = column(name)
        words.append(f"{in_digits(value, metric)} {metric.unit}".strip())
    return " / ".join(words)
