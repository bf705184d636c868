"""The whole diagnosis, its plan and its words."""

import io
import json
import math
import time

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from superfine.diagnose import diagnose, quantisation_tables
from superfine.io import read
from superfine.ops.degrade import degrade
from superfine.ops.kernels import ellipse, gaussian
from superfine.ops.resize import imresize
from superfine.types import Image
from tests.diagnose.scenes import leaves, noisy, rounded


@pytest.fixture(scope="module")
def sharp():
    return leaves(320)


def picture(grey):
    return Image(rounded(grey).byte()[None])


def actions(diagnosis):
    return [step.action for step in diagnosis.plan]


def test_a_blurred_picture_is_to_be_corrected(sharp):
    lr = degrade(sharp, gaussian(ellipse(4.0, 1.5, 0.5), scale=2))
    found = diagnose(picture(lr))
    assert actions(found) == ["correct-blur"]
    wide, narrow, angle = map(float, found.plan[0].value.removeprefix("gauss:").split(","))
    assert wide == pytest.approx(found.blur.wide, abs=0.01)
    assert narrow == pytest.approx(found.blur.narrow, abs=0.01)
    assert angle == pytest.approx(math.degrees(found.blur.angle), abs=0.51)
    assert found.plan[0].value in found.plan[0].sentence


def test_a_bicubic_shrink_needs_nothing(sharp):
    assert actions(diagnose(picture(imresize(sharp, scale=0.5)))) == ["bicubic-is-fine"]


def test_noise_is_to_be_taken_off(sharp):
    lr = degrade(sharp, gaussian(ellipse(1.0, 1.0, 0.0), scale=2))
    found = diagnose(picture(noisy(lr, 8.0)))
    assert found.plan[0].action == "denoise"
    assert found.noise_sigma == pytest.approx(8, abs=1)


def test_a_file_says_its_quality_and_hides_the_blur(sharp):
    lr = rounded(degrade(sharp, gaussian(ellipse(2.0, 2.0, 0.0), scale=2)))
    file = io.BytesIO()
    PillowImage.fromarray(lr.byte().numpy()).save(file, "JPEG", quality=60)
    found = diagnose(read(file.getvalue()), jpeg_tables=quantisation_tables(file.getvalue()))
    assert found.jpeg is not None
    assert (found.jpeg.quality, found.jpeg.from_file) == (60, True)
    assert actions(found)[0] == "undo-jpeg"
    assert actions(found)[-1] == "blur-unknown"
    assert "quality 60" in found.blur.why


def test_an_enlarged_picture_is_to_be_shrunk(sharp):
    found = diagnose(
        picture(imresize(degrade(sharp, gaussian(ellipse(1, 1, 0), scale=2)), scale=2))
    )
    assert actions(found) == ["shrink-first", "blur-unknown"]
    assert found.plan[0].value == "2.00"


def test_grey_rgb_alpha_and_depths_agree(sharp):
    lr = rounded(degrade(sharp, gaussian(ellipse(3.0, 2.0, 0.0), scale=2)))
    grey = lr.byte()[None]
    sixteen = (lr.to(torch.int32) * 257).to(torch.uint16)[None]
    opaque = torch.full_like(grey, 255)
    same = [
        Image(grey),
        Image(grey.expand(3, -1, -1)),
        Image(grey, alpha=opaque),
        Image(sixteen),
        Image(lr[None] / 255),
    ]
    found = [diagnose(one) for one in same]
    for other in found[1:]:
        assert other.blur.wide == pytest.approx(found[0].blur.wide, abs=0.05)
        assert actions(other) == actions(found[0])


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (2, 2), (33, 35), (64, 64)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32])
def test_any_size_has_a_diagnosis(shape, dtype):
    draw = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 256, (3, *shape), generator=draw, dtype=torch.int32)
    pixels = codes / 255 if dtype == torch.float32 else codes.to(dtype)
    found = diagnose(Image(pixels))
    assert found.plan
    assert len(found.in_words()) == 6 + len(found.plan)


def test_json_and_words_hold_all_of_it(sharp):
    found = diagnose(picture(degrade(sharp, gaussian(ellipse(4, 1, 0.5), scale=2))), scale=4)
    said = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert said["blur"]["scale"] == 4
    assert said["plan"][0]["action"] == "correct-blur"
    assert said["jpeg"] is None
    words = found.in_words()
    assert words[0] == "160x160 pixels, for x4"
    assert any(line.startswith("blur: ") for line in words)
    assert words[-1].startswith("1. ")


def test_where_it_was_sampled_is_told_against_a_reference(sharp):
    """The first pixel of every 2x2 is half a pixel up and left of the middle."""
    smooth = degrade(sharp, gaussian(ellipse(1.5, 1.5, 0.0), scale=1))
    found = diagnose(picture(smooth[::2, ::2]), reference=picture(sharp))
    assert found.phase is not None
    assert found.phase.rows == pytest.approx(-0.5, abs=0.15)
    assert found.phase.columns == pytest.approx(-0.5, abs=0.15)
    assert diagnose(picture(smooth[::2, ::2])).phase is None


def test_the_same_picture_has_the_same_diagnosis(sharp):
    assert diagnose(picture(sharp)) == diagnose(picture(sharp))


@pytest.mark.slow
def test_twelve_megapixels_take_seconds():
    """0.7 s of one core; a second more than twice that is left for others."""
    codes = np.random.default_rng(0).integers(0, 256, (3, 3000, 4000), dtype=np.uint8)
    started = time.process_time()
    diagnose(Image(torch.from_numpy(codes)))
    assert time.process_time() - started < 4
