"""Tiles equal the whole for every network that does not see everything; the others come close.

Through the same door as a photo: strips of 8-bit codes or floats, of a picture whose sides are odd.
"""

import pytest
import torch
from torch import Tensor

from superfine.checkpoints import LoadedModel, load_model
from superfine.inference import upscale_rows
from superfine.io import read
from superfine.models import ZOO
from superfine.types import Image
from tests.test_inference import WHOLE, model_of
from tests.zoo import has_lighter_sibling, heavy, scales_to_run

PICTURE_NETWORKS = [
    (spec, scale)
    for spec in ZOO
    if spec.side is None and not spec.channels.startswith("depth") and not has_lighter_sibling(spec)
    for scale in scales_to_run(spec)
]
FINITE = [
    pytest.param(spec, scale, id=f"{spec.name}-x{scale}")
    for spec, scale in PICTURE_NETWORKS
    if spec.reach[scale] is not None
]
EVERYWHERE = [
    pytest.param(spec, scale, id=f"{spec.name}-x{scale}")
    for spec, scale in PICTURE_NETWORKS
    if spec.reach[scale] is None
]


def codes(height: int, width: int) -> Tensor:
    """Noise in 8 bits."""
    generator = torch.Generator().manual_seed(height * width)
    return torch.randint(0, 256, (3, height, width), generator=generator, dtype=torch.uint8)


def enlarged(pixels: Tensor, model: LoadedModel, tile: int) -> tuple[Tensor, list[str]]:
    """All strips put together, and what was noted."""
    notes: list[str] = []
    strips = upscale_rows(Image(pixels), model, tile=tile, on_note=notes.append)
    return torch.cat([strip for strip, _ in strips], dim=1), notes


def plan(spec, scale) -> tuple[tuple[int, int], tuple[int, ...]]:
    """Height and width of a picture that no tile sees all of, and the tiles."""
    if not heavy(spec) and min(spec.parameters.values()) < 200_000:
        return (37, 67), (16, 33, 64)
    # The narrowest tiles that are worked on with as much context as the network sees; upright,
    # as `test_inference` lays its own down.
    reach = spec.reach[scale]
    tile = 33 if reach <= 64 else reach + 1
    return (tile + reach + 8, 3), (tile,)


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "scale"), FINITE)
def test_tiles_of_odd_pictures_equal_the_whole(spec, scale):
    model = model_of(spec, scale)
    size, tiles = plan(spec, scale)
    pixels = codes(*size)
    whole, _ = enlarged(pixels / 255, model, WHOLE)
    for tile in tiles:
        result, notes = enlarged(pixels / 255, model, tile)
        assert result.shape == whole.shape == (3, size[0] * scale, size[1] * scale)
        assert (result - whole).abs().max() <= 1e-5, tile
        assert notes == []
    in_codes, _ = enlarged(pixels, model, tiles[0])
    rounded = (whole * 255).round()
    assert in_codes.dtype == torch.uint8
    assert (in_codes - rounded).abs().max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "scale"), EVERYWHERE)
def test_tiles_of_a_network_that_sees_everything_come_close_and_say_so(spec, scale):
    """Their means over the whole picture are taken over a tile and its context instead."""
    model = model_of(spec, scale)
    pixels = codes(5, 201) / 255
    whole, notes = enlarged(pixels, model, WHOLE)
    assert notes == []
    for tile in (16, 33):
        result, notes = enlarged(pixels, model, tile)
        assert 0 < (result - whole).abs().max() < 0.1 / 255
        assert len(notes) == 1
        assert f"{spec.name} worked on tiles of {tile}x{tile} pixels" in notes[0]


@pytest.mark.data
def test_tiles_of_trained_weights_that_see_everything_come_close(data_root):
    """IMDN x4 of its authors, on a part of a photo: as far apart as docs/community.md says."""
    model = load_model(data_root / "weights" / "imdn" / "IMDN_x4.pth", scale=4)
    pixels = read(data_root / "testsets" / "Set5" / "butterfly.png").pixels[:, 100:125, :201]
    whole, _ = enlarged(pixels, model, WHOLE)
    result, notes = enlarged(pixels, model, 33)
    apart = (result.float() - whole.float()).abs()
    assert len(notes) == 1
    assert apart.max() <= 8
    assert apart.mean() <= 0.2
