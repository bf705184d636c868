"""Pieces equal the whole, whatever happens on the way."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from superfine import inference, tiling, window
from superfine.checkpoints import Card, LoadedModel, load_model, save
from superfine.errors import MemoryLimitError, PictureError, UsageError
from superfine.inference import scaled_size, upscale_image, upscale_rows
from superfine.models import ZOO, ModelSpec, find
from superfine.models.vdsr import VDSR
from superfine.ops.resize import imresize
from superfine.types import Image
from tests.zoo import heavy, scales_to_run

WHOLE = 10**6  # a tile no picture here fills


def model_of(spec: ModelSpec, scale: int) -> LoadedModel:
    """A network with fresh weights, large enough that a wrong border would show."""
    torch.manual_seed(scale)
    network = spec.build(scale).eval().requires_grad_(False)
    if isinstance(network, VDSR):
        # He's start gives a residual of several units, whose float noise alone is 1e-5; a
        # trained one is a few hundredths.
        network.layers[-1].weight.mul_(0.1)
    return LoadedModel(network, spec, scale, Card(spec.name, scale, spec.channels))


def noise(height: int, width: int, *, channels: int = 3, alpha: bool = False) -> Image:
    """A float picture of noise, so that results can be compared before any rounding."""
    generator = torch.Generator().manual_seed(height * width)
    pixels = torch.rand(channels, height, width, generator=generator)
    hidden = torch.rand(1, height, width, generator=generator) > 0.3
    return Image(pixels, alpha=pixels[:1] * hidden if alpha else None)


def far_apart(a: Image, b: Image) -> float:
    """The largest difference of any sample."""
    colour = (a.pixels - b.pixels).abs().max().item()
    if a.alpha is None or b.alpha is None:
        assert a.alpha is b.alpha
        return colour
    return max(colour, (a.alpha - b.alpha).abs().max().item())


CASES = [
    pytest.param(spec, scale, id=f"{spec.name}-x{scale}")
    for spec in ZOO
    if spec.side is None and not spec.channels.startswith("depth")
    for scale in scales_to_run(spec)
]


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "scale"), CASES)
def test_tiles_equal_the_whole(spec, scale):
    """Every network for pictures, on one that is not square and wider than the largest tile."""
    model = model_of(spec, scale)
    height, width = (8, 270) if min(spec.parameters.values()) > 200_000 else (40, 300)
    tiles = (32, 50, 64, 128, 256)
    if heavy(spec):
        # The smallest picture whose first tile does not see all of it.
        reach = spec.reach[scale] or 0
        tiles = (max(16, reach),)
        height, width = 2, tiles[0] + reach + 8
    image = noise(height, width)
    whole = upscale_image(image, model, tile=WHOLE)
    assert (whole.height, whole.width) == (height * scale, width * scale)
    for tile in tiles:
        assert far_apart(upscale_image(image, model, tile=tile), whole) <= 1e-5, tile


@settings(deadline=None, max_examples=25)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    tile=st.integers(5, 40),
    scale=st.sampled_from([2, 3, 4]),
    channels=st.sampled_from([1, 3]),
    alpha=st.booleans(),
    resized=st.booleans(),
)
def test_tiles_equal_the_whole_for_any_picture(
    height, width, tile, scale, channels, alpha, resized
):
    model = model_of(find("fsrcnn-small"), scale)
    image = noise(height, width, channels=channels, alpha=alpha)
    size = (width + 7, height * 2 + 3) if resized else None
    whole = upscale_image(image, model, size=size, tile=WHOLE)
    assert far_apart(upscale_image(image, model, size=size, tile=tile), whole) <= 1e-5


def test_any_size_is_the_network_followed_by_matlabs_resize():
    model = model_of(find("espcn-rgb"), 3)
    image = noise(20, 30)
    with torch.no_grad():
        sr = model.network(image.pixels[None])[0]
    expected = imresize(sr, size=(50, 77)).clamp(0, 1)
    result = upscale_image(image, model, size=(77, 50), tile=8)
    assert (result.pixels - expected).abs().max() < 1e-5


class FailsOnce(nn.Module):
    """A network that runs out of memory at call number `at`, and never again."""

    def __init__(self, network: nn.Module, at: int, error: Exception) -> None:
        super().__init__()
        self.network, self.at, self.error = network, at, error
        self.calls = 0

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.calls - 1 == self.at:
            raise self.error
        return self.network(lr)


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory."),
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["cuda", "python", "cpu"])
def test_out_of_memory_at_any_one_tile_is_recovered(monkeypatch, error):
    model = model_of(find("espcn"), 2)
    image = noise(90, 70)
    whole = upscale_image(image, model, tile=WHOLE)
    monkeypatch.setattr(tiling, "bytes_per_pixel", lambda *_: 1)
    tiles = 3 * 3
    for at in range(tiles):
        network = FailsOnce(model.network, at, error)
        result = upscale_image(image, replace(model, network=network), tile=32)
        assert network.calls > tiles  # the failed tile was done again in pieces
        assert far_apart(result, whole) <= 1e-5


class NeverFits(nn.Module):
    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")


def test_memory_for_not_even_the_smallest_tile_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(tiling, "bytes_per_pixel", lambda *_: 1)
    model = replace(model_of(find("espcn"), 2), network=NeverFits())
    with pytest.raises(MemoryLimitError, match="Not enough memory for a tile") as caught:
        upscale_image(noise(40, 40), model, tile=32)
    assert caught.value.exit_code == 6


def test_another_error_of_the_network_is_not_mistaken_for_memory():
    model = replace(
        model_of(find("espcn"), 2), network=FailsOnce(nn.Identity(), 0, RuntimeError("x"))
    )
    with pytest.raises(RuntimeError, match="x"):
        upscale_image(noise(40, 40), model, tile=32)


class NaNInHalf(nn.Module):
    """Answers with one NaN whenever it is asked in half precision, and counts both kinds."""

    asked: dict[torch.dtype, int]

    def __init__(self, network: nn.Module, asked: dict[torch.dtype, int]) -> None:
        super().__init__()
        self.network = network
        self.asked = asked

    def __deepcopy__(self, memo: dict[int, object]) -> nn.Module:
        from copy import deepcopy

        return NaNInHalf(deepcopy(self.network, memo), self.asked)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        self.asked[lr.dtype] = self.asked.get(lr.dtype, 0) + 1
        sr = self.network(lr)
        if lr.dtype != torch.float32:
            sr[0, 0, 0, 0] = torch.nan
        return sr


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_tile_of_nan_in_half_precision_is_done_again_in_float32(precision):
    model = model_of(find("espcn"), 2)
    image = noise(40, 50)
    asked: dict[torch.dtype, int] = {}
    broken = replace(model, network=NaNInHalf(model.network, asked))
    result = upscale_image(image, broken, tile=32, precision=precision)
    assert far_apart(result, upscale_image(image, model, tile=32)) == 0
    tiles = 2 * 2
    assert asked[getattr(torch, precision)] == tiles
    assert asked[torch.float32] >= tiles


def test_half_precision_without_nan_is_used():
    model = model_of(find("espcn"), 2)
    image = noise(20, 20)
    half = upscale_image(image, model, tile=WHOLE, precision="bfloat16")
    full = upscale_image(image, model, tile=WHOLE)
    assert 0 < far_apart(half, full) < 0.1


class AlwaysNaN(nn.Module):
    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        return torch.full((1, lr.shape[1], 2 * lr.shape[2], 2 * lr.shape[3]), torch.nan)


def test_nan_in_float32_is_an_error_and_not_a_black_picture():
    model = replace(model_of(find("espcn"), 2), network=AlwaysNaN())
    with pytest.raises(PictureError, match="NaN") as caught:
        upscale_image(noise(20, 20), model)
    assert caught.value.code == "E_VALUES"


def test_no_tile_makes_a_float_copy_of_the_whole_picture(monkeypatch):
    """Every float tensor cut from the picture is a tile with its context, never more."""
    seen = []
    original = window._to_unit

    def watched(codes, row, column):
        piece = original(codes, row, column)
        seen.append(piece.shape[1] * piece.shape[2])
        return piece

    monkeypatch.setattr(window, "_to_unit", watched)
    image = Image(torch.zeros(3, 400, 300, dtype=torch.uint8))
    model = model_of(find("fsrcnn"), 2)
    upscale_image(image, model, tile=32)
    side = 32 + 2 * (find("fsrcnn").reach[2] or 0)
    assert len(seen) > 100
    assert max(seen) <= side * side


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32])
def test_the_type_of_the_samples_is_kept(dtype):
    pixels = (noise(12, 9).pixels * {torch.uint8: 255, torch.uint16: 65535}.get(dtype, 1)).to(dtype)
    result = upscale_image(Image(pixels), load_model("bicubic", scale=2))
    assert result.pixels.dtype == dtype
    expected = imresize(noise(12, 9).pixels, scale=2).clamp(0, 1)
    largest = {torch.uint8: 255.0, torch.uint16: 65535.0}.get(dtype, 1.0)
    assert (result.pixels.float() / largest - expected).abs().max() < 1.5 / 255


def test_grey_is_treated_as_the_same_grey_in_colour():
    model = model_of(find("fsrcnn-small"), 3)
    grey = noise(15, 18, channels=1)
    colour = Image(grey.pixels.expand(3, -1, -1))
    a, b = upscale_image(grey, model), upscale_image(colour, model)
    assert a.grey
    assert (a.pixels - b.pixels).abs().max() < 1e-5


def test_garbage_under_transparent_pixels_never_shows():
    """Two pictures that look the same give results that look the same: no dark halo."""
    model = model_of(find("espcn-rgb"), 2)
    alpha = torch.zeros(1, 40, 40)
    alpha[:, 8:30, 8:30] = 1
    visible = torch.full((3, 40, 40), 0.9)
    black, green = visible.clone(), visible.clone()
    black[:, alpha[0] == 0] = 0
    green[:, alpha[0] == 0] = torch.tensor([0.0, 1.0, 0.0])[:, None]
    a, b = (upscale_image(Image(p, alpha=alpha), model) for p in (black, green))
    shown = a.alpha[0] > 0
    assert (a.pixels[:, shown] - b.pixels[:, shown]).abs().max() < 1e-5
    bicubic = upscale_image(Image(black, alpha=alpha), load_model("bicubic", scale=2))
    assert bicubic.pixels[:, bicubic.alpha[0] > 0].min() > 0.89


def test_self_ensemble_treats_left_and_right_alike():
    model = model_of(find("espcn"), 2)
    image = noise(14, 11)
    mirrored = replace(image, pixels=image.pixels.flip(-1))
    a = upscale_image(image, model, self_ensemble=True)
    b = upscale_image(mirrored, model, self_ensemble=True)
    assert (a.pixels.flip(-1) - b.pixels).abs().max() < 1e-5


def test_strips_come_top_to_bottom_and_progress_ends_at_the_total():
    image, model = noise(70, 20), model_of(find("espcn"), 2)
    reports = []
    strips = list(upscale_rows(image, model, tile=16, on_progress=reports.append))
    assert len(strips) > 1
    assert sum(pixels.shape[1] for pixels, _ in strips) == 140
    assert [r.done for r in reports] == sorted(r.done for r in reports)
    assert reports[-1].done == reports[-1].total == 140 * 40


def test_profile_and_metadata_travel_along():
    image = replace(noise(8, 8), profile=b"profile", notes=("a note",))
    result = upscale_image(image, load_model("bicubic", scale=2))
    assert result.profile == b"profile"
    assert result.metadata == image.metadata


def test_the_same_kind_comes_back():
    import numpy as np

    array = (np.arange(5 * 6 * 3).reshape(5, 6, 3) % 256).astype(np.uint8)
    result = inference.upscale(array, model="bicubic", scale=2)
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.uint8
    assert result.shape == (10, 12, 3)
    batch = torch.rand(2, 3, 5, 6)
    result = inference.upscale(batch, model="bicubic", size=(9, 11))
    assert isinstance(result, torch.Tensor)
    assert result.shape == (2, 3, 11, 9)


def test_a_ratio_between_the_scales_is_met_exactly():
    assert scaled_size(noise(11, 7), 2.5) == (18, 28)
    result = inference.upscale(torch.rand(3, 11, 7), model="bicubic", scale=2.5)
    assert result.shape == (3, 28, 18)


@pytest.mark.parametrize(
    "options",
    [{"scale": 2.0, "size": (8, 8)}, {"scale": -1.0}, {"scale": 1000.0}, {"device": "cuda:99"}],
)
def test_options_that_make_no_sense_are_refused_in_one_line(options):
    with pytest.raises(UsageError) as caught:
        inference.upscale(torch.rand(3, 8, 8), model="bicubic", **options)
    assert "\n" not in caught.value.message


def test_a_network_for_depth_maps_does_not_enlarge_pictures(tmp_path):
    path = tmp_path / "mine.safetensors"
    save(find("svlrm").build(4), Card("svlrm", 4, "depth+guide"), path)
    with pytest.raises(UsageError, match="svlrm, a network for depth maps") as caught:
        inference.upscale(torch.rand(3, 8, 8), model=path)
    assert "\n" not in caught.value.message


def test_a_batch_reads_the_weights_once(monkeypatch):
    read = []
    original = inference.load_model

    def counted(model, *, scale):
        read.append(scale)
        return original(model, scale=scale)

    monkeypatch.setattr(inference, "load_model", counted)
    assert inference.upscale(torch.rand(3, 3, 6, 5), scale=2).shape == (3, 3, 12, 10)
    assert read == [2.0]
