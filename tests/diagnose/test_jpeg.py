"""A JPEG is known by its file, and by its pixels after it became a PNG."""

import io

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from superfine.diagnose.jpeg import blind_jpeg, luma_table, quality_of, quantisation_tables
from superfine.ops.degrade import degrade
from superfine.ops.kernels import ellipse, gaussian
from tests.diagnose.scenes import leaves, noisy


@pytest.fixture(scope="module")
def photo():
    """As a camera gives it: not quite sharp, with some noise."""
    blurred = degrade(leaves(256), gaussian(ellipse(0.8, 0.8, 0.0), scale=1))
    return noisy(blurred, 1.5)


def coded(picture, quality, **options):
    file = io.BytesIO()
    PillowImage.fromarray(picture.byte().numpy()).save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def pixels(data):
    return torch.from_numpy(np.array(PillowImage.open(io.BytesIO(data)))).float()


@pytest.mark.parametrize("quality", [1, 10, 33, 50, 75, 90, 95, 100])
def test_the_quality_of_a_file_is_that_it_was_saved_with(photo, quality):
    tables = quantisation_tables(coded(photo, quality))
    assert len(tables[0]) == 64
    assert quality_of(tables[0]) == quality


def test_a_colour_file_has_two_tables(photo):
    file = io.BytesIO()
    PillowImage.fromarray(photo.byte().numpy()).convert("RGB").save(file, "JPEG", quality=80)
    tables = quantisation_tables(file.getvalue())
    assert len(tables) == 2
    assert quality_of(tables[0]) == 80


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 20, 30, 60])
def test_what_is_cut_off_or_no_jpeg_has_no_tables(photo, cut):
    assert quantisation_tables(coded(photo, 80)[:cut]) == ()
    assert quantisation_tables(b"\x89PNG" + bytes(cut)) == ()


def test_the_table_of_quality_50_is_that_of_the_standard():
    assert luma_table(50)[0].tolist() == [16, 11, 10, 16, 24, 40, 51, 61]
    assert float(luma_table(100).max()) == 1


@pytest.mark.parametrize("quality", [20, 40, 60, 75, 85, 90])
def test_quality_and_grid_from_pixels(photo, quality):
    found = blind_jpeg(pixels(coded(photo, quality))[3:, 5:])
    assert found is not None
    assert abs(found.quality - quality) <= 1
    assert (found.row, found.column) == (5, 3)
    assert found.strength > 1
    assert not found.from_file


def test_blocks_stand_out_more_at_a_lower_quality(photo):
    strengths = [blind_jpeg(pixels(coded(photo, q))).strength for q in (15, 40, 80)]
    assert strengths == sorted(strengths, reverse=True)


def test_a_picture_that_was_no_jpeg_is_not_taken_for_one(photo):
    assert blind_jpeg(photo) is None
    assert blind_jpeg(leaves(128)) is None
    assert blind_jpeg(torch.full((128, 128), 77.0)) is None


@pytest.mark.parametrize("shape", [(1, 1), (15, 200), (30, 30)])
def test_small_pictures_are_not_judged(photo, shape):
    assert blind_jpeg(photo[: shape[0], : shape[1]]) is None
