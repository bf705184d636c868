"""Folders of depth maps, alone or each with the photo that guides it.

Layout: `FOLDER/depth/NAME.png` and, for guided networks, `FOLDER/guide/NAME.*`, a picture of the
same size that shows the same view. Depth is 8- or 16-bit grey PNG.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from superfine.data.batch import Pair
from superfine.data.listing import pictures_in
from superfine.errors import PictureError, SizeMismatchError, UsageError
from superfine.io.pictures import read
from superfine.ops.codes import to_codes, to_unit
from superfine.ops.depth_lr import DepthOperator
from superfine.ops.guided_diffusion import guided_diffusion
from superfine.ops.holes import fill_nearest

# ITU-R BT.601 on full range, which the guided networks are trained with: white is 255, not 235.
_GREY = (0.299, 0.587, 0.114)

_HOLE = 0
# What 7-Scenes and its like write where the sensor saw nothing.
_HOLE_16_BIT = 65535


@dataclass(frozen=True, eq=False)
class DepthScene:
    """One depth map as it is stored, and its photo.

    Attributes:
        path: The file of the map.
        values: The codes of the file: 0..255 or 0..65535.
        valid: False in holes: code 0 and, of 16 bits, 65535.
        guide: The photo in 8 bits, as large as the map, grey or in colour as was asked for; None
            where none was.
    """

    path: Path
    values: Float[Tensor, "1 h w"]
    valid: Bool[Tensor, "1 h w"]
    guide: UInt8[Tensor, "c h w"] | None

    def cropped(self, scale: int) -> DepthScene:
        """The scene cut at the bottom and right to multiples of `scale`.

        Raises:
            PictureError: When nothing is left, or nothing but holes.
        """
        height, width = (side // scale * scale for side in self.values.shape[-2:])
        valid = self.valid[:, :height, :width]
        if not bool(valid.any()):
            what = "nothing but holes" if valid.numel() else f"less than {scale}x{scale} pixels"
            raise PictureError(
                f"{self.path} holds {what}, expected a depth map to be shrunk {scale} times.",
                hint="Take it out of the folder.",
                code="E_INPUT",
            )
        guide = None if self.guide is None else self.guide[:, :height, :width]
        return DepthScene(self.path, self.values[:, :height, :width], valid, guide)


def scenes_in(folder: Path, *, guide_channels: int) -> Iterator[DepthScene]:
    """The depth maps of `folder`, sorted by name, each with its photo where one is asked for.

    One is read when it is asked for; that every photo is there is looked up before the first.

    Args:
        folder: In the layout this file describes.
        guide_channels: 1 for photos in grey, 3 for colours, 0 for none.

    Raises:
        UsageError: When the layout is not the one this file describes, or a photo is missing.
        PictureError: When a file cannot be read or is no 8- or 16-bit grey PNG.
        SizeMismatchError: When a photo is not as large as its map.
    """
    maps = _files(folder, "depth")
    photos = _by_stem(_files(folder, "guide")) if guide_channels else {}
    found = [(path, _photo_of(path, photos) if guide_channels else None) for path in maps]
    for path, photo in found:
        yield _scene(path, photo, guide_channels)


def depth_pairs_in(
    folders: Iterable[Path],
    *,
    scale: int,
    operators: Sequence[DepthOperator],
    guide_channels: int,
    starts: bool = False,
    levels: tuple[int, ...],
    say: Callable[[str], None] | None = None,
) -> list[Pair]:
    """What a depth network is trained on: a pair for each map, in the order of the files.

    Each map is cut to a multiple of `scale`, its holes take the nearest valid value, and its
    valid range is stretched to [0, 1] (float32). So the unit is relative: a metre in one map is
    not a metre in the next, as in the training sets of SVLRM and DSDMSR.

    Args:
        folders: Each in the layout this file describes.
        scale: HR pixels per LR pixel.
        operators: How LR depth is made; each map is used once with each.
        guide_channels: 1 for photos in grey, 3 for colours, 0 for none.
        starts: Whether the guide gets one channel more, the LR map as guided diffusion enlarges
            it along the photo in colours; in 16 bits, as the colours are then.
        levels: Further scales whose truth is wanted, made by the same operator: (2, 4) for the
            stages of a x8 cascade. Each divides `scale`.
        say: Called with a line for people when maps had holes.

    Raises:
        UsageError: When the layout is not the one this file describes, or a photo is missing.
        PictureError: When a map is no 8- or 16-bit grey PNG, too small, or nothing but holes.
        SizeMismatchError: When a photo is not as large as its map.
    """
    wrong = [level for level in levels if level < 1 or scale % level]
    if wrong:
        raise ValueError(f"levels {wrong} do not divide scale {scale}")
    pairs = []
    holes = []
    for folder in folders:
        for whole in scenes_in(folder, guide_channels=guide_channels):
            scene = whole.cropped(scale)
            for operator in operators:
                pair = _pair(scene, scale, operator, levels)
                pairs.append(_with_start(pair, operator) if starts else pair)
            holes.append(1 - float(scene.valid.double().mean()))
    if say is not None and any(holes):
        say(_about_holes(holes))
    return pairs


def stretched(
    values: Float[Tensor, "1 h w"], low: Float[Tensor, ""], high: Float[Tensor, ""]
) -> Float[Tensor, "1 h w"]:
    """`values` with [low, high] on [0, 1]; a map of one value becomes 0."""
    span = high - low
    return (values - low) / torch.where(span == 0, 1, span)


def _pair(scene: DepthScene, scale: int, operator: DepthOperator, levels: tuple[int, ...]) -> Pair:
    # Holes take values that are there, so the range of the filled map is that of the valid pixels.
    filled = fill_nearest(scene.values, scene.valid)
    hr = stretched(filled, *torch.aminmax(filled))
    coarse = {level: operator.shrink(hr, scale // level) for level in levels if level != scale}
    return Pair(
        lr=operator.shrink(hr, scale).contiguous(),
        hr={**{level: x.contiguous() for level, x in coarse.items()}, scale: hr},
        guide=scene.guide,
    )


def _with_start(pair: Pair, operator: DepthOperator) -> Pair:
    assert pair.guide is not None
    start = started(pair.lr, to_unit(pair.guide), operator)
    return replace(pair, guide=to_codes(start, torch.uint16))


def started(
    lr: Float[Tensor, "1 m n"],
    photo: Float[Tensor, "3 h w"],
    operator: DepthOperator,
    lr_valid: Bool[Tensor, "1 m n"] | None = None,
) -> Float[Tensor, "4 h w"]:
    """The guide of a network that refines a start: the photo, and `lr` by guided diffusion."""
    start = guided_diffusion(lr, photo, operator, lr_valid=lr_valid)
    return torch.cat((photo, start))


def _about_holes(shares: Sequence[float]) -> str:
    """One line for people; `shares` says how much of each map is holes."""
    some = [share for share in shares if share]
    return (
        f"{len(some)} of {len(shares)} depth maps have holes "
        f"({100 * sum(some) / len(some):.1f} % of their pixels, at most {100 * max(some):.1f} %): "
        "filled with the nearest depth."
    )


def _files(folder: Path, kind: str) -> tuple[Path, ...]:
    if not (folder / kind).is_dir():
        raise UsageError(
            f"{folder} has no folder `{kind}`.",
            hint="Put the depth maps into depth/ and, for guided networks, their photos of the "
            "same names into guide/.",
        )
    return pictures_in(folder / kind)


def _by_stem(photos: tuple[Path, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for photo in photos:
        if photo.stem in found:
            raise UsageError(
                f"{found[photo.stem]} and {photo.name} are both the photo of one depth map.",
                hint="Keep one of them.",
            )
        found[photo.stem] = photo
    return found


def _photo_of(depth: Path, photos: dict[str, Path]) -> Path:
    if depth.stem not in photos:
        raise UsageError(
            f"{depth} has no photo of the same name in {depth.parent.parent / 'guide'}.",
            hint="Add the photo, or take the map out.",
        )
    return photos[depth.stem]


def _scene(path: Path, photo: Path | None, channels: int) -> DepthScene:
    values, valid = _read_depth(path)
    guide = None if photo is None else _read_guide(photo, channels)
    if guide is not None and guide.shape[1:] != values.shape[1:]:
        size, other = (f"{x.shape[2]}x{x.shape[1]}" for x in (guide, values))
        raise SizeMismatchError(
            f"The photo {photo} is {size} but its depth map is {other} pixels.",
            hint="Resize or crop the photo so that both show the same view at the same size.",
        )
    return DepthScene(path, values, valid, guide)


def _read_depth(path: Path) -> tuple[Float[Tensor, "1 h w"], Bool[Tensor, "1 h w"]]:
    image = read(path)
    pixels = image.pixels
    if image.metadata.source_format != "png" or not image.grey or pixels.dtype == torch.float32:
        colours = "grey" if image.grey else "colour"
        raise PictureError(
            f"{path} is a {image.bit_depth}-bit {colours} {image.metadata.source_format} picture, "
            "expected depth as 8- or 16-bit grey PNG.",
            hint="Convert it without loss; JPEG and colours cannot hold depth.",
        )
    values = pixels.to(torch.float32).contiguous()
    valid = values != _HOLE
    if pixels.dtype == torch.uint16:
        valid &= values != _HOLE_16_BIT
    return values, valid


def _read_guide(path: Path, channels: int) -> UInt8[Tensor, "c h w"]:
    """The photo in 8 bits; grey is 0.299 R + 0.587 G + 0.114 B on full range, rounded."""
    image = read(path)
    colours = to_unit(image.pixels, dtype=torch.float64)
    if image.grey or channels == 3:
        return to_codes(colours, torch.uint8).expand(channels, -1, -1)
    weight = torch.tensor(_GREY, dtype=torch.float64)
    return to_codes(torch.einsum("j,jhw->hw", weight, colours)[None], torch.uint8)
