"""What is compared of two pictures, against numbers worked out by hand and other programs."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from superfine.benchmark.comparison import Comparison, luma_of
from superfine.benchmark.metric import Compared, find_metric
from superfine.benchmark.output import Output
from superfine.benchmark.protocol import PROTOCOLS, find_protocol
from superfine.benchmark.resizes import OPENCV, PILLOW, RESIZES, find_resize, to_codes
from superfine.errors import SizeMismatchError, UnknownNameError

WHITE = torch.full((3, 20, 20), 255.0, dtype=torch.float64)


@pytest.fixture
def photo():
    rng = np.random.default_rng(1)
    rough = PillowImage.fromarray(rng.integers(0, 256, (12, 15, 3), dtype=np.uint8))
    smooth = rough.resize((60, 48), PillowImage.Resampling.BICUBIC)
    return torch.from_numpy(np.array(smooth)).permute(2, 0, 1).contiguous()


@pytest.mark.parametrize(("formula", "white"), [("studio", 235), ("full", 255), ("holopix", 234)])
def test_white_tells_the_formulas_of_luma_apart(formula, white):
    assert luma_of(WHITE, formula)[0, 0, 0].item() == pytest.approx(white, abs=0.005)


def test_full_range_luma_is_that_of_pillow(photo):
    theirs = np.asarray(PillowImage.fromarray(photo.permute(1, 2, 0).numpy()).convert("L"))
    ours = luma_of(photo.double(), "full")[0].numpy()
    assert np.abs(ours - theirs).max() <= 1.0


def test_the_border_is_a_multiple_of_the_scale_and_some_more():
    sr, hr = torch.rand(3, 40, 50), torch.zeros(3, 40, 50, dtype=torch.uint8)
    x, y = Comparison(channel="rgb", shave=1, shave_more=6).planes(sr, hr, 4)
    assert x.shape == y.shape == (3, 20, 30)
    assert torch.equal(x, torch.floor(sr.double() * 255 + 0.5)[:, 10:30, 10:40])


def test_nothing_is_rounded_where_nothing_is_to_be():
    sr, hr = torch.full((3, 4, 4), 0.71), torch.zeros(3, 4, 4, dtype=torch.uint8)
    plain = Comparison(channel="rgb", shave=0, rounds_result=False)
    assert plain.planes(sr, hr, 2)[0][0, 0, 0].item() == pytest.approx(181.05, abs=1e-4)
    assert Comparison(channel="rgb", shave=0).planes(sr, hr, 2)[0][0, 0, 0].item() == 181


def test_a_grey_picture_is_its_own_luma_unless_expanded():
    grey = torch.full((1, 4, 4), 100, dtype=torch.uint8)
    sr = grey / 255
    _, y = Comparison(shave=0).planes(sr, grey, 2)
    assert y.unique().tolist() == [100]
    _, expanded = Comparison(shave=0, expands_grey=True).planes(sr, grey, 2)
    assert expanded.unique().tolist() == [round(16 + 219 * 100 / 255)]


def test_a_picture_with_nothing_left_is_refused_in_words():
    sr, hr = torch.rand(1, 8, 8), torch.zeros(1, 8, 8, dtype=torch.uint8)
    with pytest.raises(SizeMismatchError, match="8x8 has no pixel left when 4 are shaved"):
        Comparison().planes(sr, hr, 4)


def test_opencv_both_ways_equals_opencv(photo):
    for scale in (2, 3, 4):
        hr = photo[:, :48, :60]
        array = hr.permute(1, 2, 0).numpy()
        size = (60 // scale, 48 // scale)
        small = cv2.resize(array, size, interpolation=cv2.INTER_CUBIC)
        ours = OPENCV.shrink(hr, scale)
        assert np.abs(small - (ours * 255).permute(1, 2, 0).numpy()).max() <= 1
        large = cv2.resize(small, (60, 48), interpolation=cv2.INTER_CUBIC)
        lr = torch.from_numpy(small).permute(2, 0, 1).double() / 255
        back = OPENCV.enlarge(lr, scale).permute(1, 2, 0).numpy()
        assert np.abs(large.astype(int) - back.astype(int)).max() <= 1


def test_pillow_both_ways_is_pillow(photo):
    picture = PillowImage.fromarray(photo.permute(1, 2, 0).numpy())
    small = picture.resize((20, 16), PillowImage.Resampling.BICUBIC)
    assert np.array_equal(to_codes(PILLOW.shrink(photo, 3)).permute(1, 2, 0), np.asarray(small))
    large = small.resize((60, 48), PillowImage.Resampling.BICUBIC)
    lr = torch.from_numpy(np.array(small)).permute(2, 0, 1).double() / 255
    assert np.array_equal(PILLOW.enlarge(lr, 3).permute(1, 2, 0), np.asarray(large))


def test_names_of_resizes_are_distinct_and_found():
    assert len({resize.name for resize in RESIZES}) == len(RESIZES)
    with pytest.raises(UnknownNameError, match="Did you mean 'pillow'"):
        find_resize("pilow")


def scored(name, photo, scale=2):
    protocol = find_protocol(name)
    hr = protocol.crop(photo, scale)
    lr = protocol.lr(hr, scale)
    sr = protocol.bicubic(lr, scale).double() / 255
    compared = Compared(Output("photo", scale, lr, sr, hr), protocol)
    return find_metric("psnr").measure(compared), compared


def test_every_protocol_scores_bicubic_and_none_alike(photo):
    figures = [round(scored(protocol.name, photo)[0], 6) for protocol in PROTOCOLS]
    assert len(set(figures)) == len(PROTOCOLS)


def test_a_colour_protocol_gives_a_luma_result_its_colours_back(photo):
    protocol = find_protocol("rgb-div2k")
    hr = protocol.crop(photo, 2)
    luma = luma_of(hr.double(), "studio") / 255
    compared = Compared(Output("photo", 2, luma[:, ::2, ::2], luma, hr), protocol)
    x, y = compared.planes
    assert x.shape == y.shape == (3, 32, 44)
    # True luma with interpolated chroma: near the truth, and not the truth.
    assert 0 < (x - y).abs().mean() < 20
    assert (luma_of(x, "studio") - luma_of(y, "studio")).abs().median() < 1


def test_the_holopix_protocol_has_neither_of_the_codes_two_errors(photo):
    figure, compared = scored("seed-holopix", photo)
    x, y = (plane / 255 for plane in compared.planes)
    as_the_code = 20 * np.log10(255 / float((x - y).square().mean().sqrt()))
    assert as_the_code - figure == pytest.approx(48.1308, abs=1e-3)
    assert "48.13" in find_protocol("seed-holopix").warning
