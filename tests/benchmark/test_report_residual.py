"""Where a model invented: planted inventions are found, and nothing else."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from superfine.benchmark.output import Output
from superfine.benchmark.protocol import find_protocol
from superfine.benchmark.report.residual import Residual, limit_of, map_png, palette, residual

PROTOCOL = find_protocol("y-matlab")


def grey(size: int, code: int = 100) -> torch.Tensor:
    return torch.full((1, size, size), code, dtype=torch.uint8)


def output(hr: torch.Tensor, sr: torch.Tensor) -> Output:
    return Output("p", 2, PROTOCOL.lr(hr, 2), sr.double() / 255, hr)


def test_a_result_that_agrees_has_no_residual():
    found = residual(output(grey(64), grey(64)), PROTOCOL)
    assert found.codes.abs().max() < 1e-3
    assert found.lr_psnr > 200


def test_an_invented_patch_is_where_it_was_planted():
    sr = grey(64)
    sr[:, 16:32, 40:56] += 20
    found = residual(output(grey(64), sr), PROTOCOL)
    assert found.codes.shape == (32, 32)
    # Two LR pixels from its border the kernel no longer sees beyond it.
    assert found.codes[10:14, 22:26].float() == pytest.approx(torch.full((4, 4), 20.0), abs=0.02)
    outside = found.codes.clone()
    outside[6:18, 18:30] = 0
    assert outside.abs().max() < 0.02


def test_lr_psnr_is_that_of_the_error():
    """A result 10 codes too bright everywhere: 20·log10(255 / 10) = 28.13 dB."""
    found = residual(output(grey(64), grey(64, 110)), PROTOCOL)
    assert found.lr_psnr == pytest.approx(20 * math.log10(255 / 10), abs=1e-6)


def test_of_a_large_map_the_strongest_samples_stay():
    """One bright and one dark LR pixel in a picture four times too large for a map."""
    hr = grey(2000)
    made = output(hr, hr)
    made.lr[0, 500, 700] -= 30 / 255
    made.lr[0, 100, 100] += 40 / 255
    found = residual(made, PROTOCOL)
    assert max(found.codes.shape) <= 240
    assert float(found.codes.max()) == pytest.approx(30, abs=0.1)
    assert float(found.codes.min()) == pytest.approx(-40, abs=0.1)
    assert int((found.codes.abs() > 1).sum()) == 2


@pytest.mark.parametrize(
    ("most", "limit"), [(0.4, 5), (5.0, 5), (7.0, 10), (180.0, 200), (255.0, 255)]
)
def test_the_colours_end_at_a_round_number(most, limit):
    codes = torch.full((8, 8), -most)
    assert limit_of([Residual(codes, 30.0), Residual(codes / 3, 40.0)]) == limit


def test_zero_is_white_darker_blue_and_brighter_red():
    codes = torch.tensor([[-50.0, -5.0, 0.0, 5.0, 50.0]])
    picture = Image.open(io.BytesIO(map_png(codes, 10))).convert("RGB")
    darkest, darker, white, brighter, brightest = np.asarray(picture)[0].astype(int)
    assert (white == 247).all()
    assert darker[2] > darker[0] + 50
    assert brighter[0] > brighter[2] + 50
    assert (darkest == palette()[0].numpy()).all()
    assert (brightest == palette()[254].numpy()).all()
