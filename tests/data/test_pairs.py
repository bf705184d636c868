"""Folders of HR and LR pictures that belong together."""

import numpy as np
import pytest
import torch
from PIL import Image

from superfine.data.pairs import pairs_in
from superfine.errors import PictureError, SizeMismatchError, UsageError

from .drawing import draw, draw_scenes, scene


@pytest.mark.parametrize("ending", ["", "x2", "_x2"])
def test_names_may_say_the_scale_as_in_div2k(tmp_path, ending):
    hr, lr = scene(0), scene(1, width=30, height=22)
    draw(tmp_path / "hr" / "0001.png", hr)
    draw(tmp_path / "lr" / f"0001{ending}.png", lr)
    (pair,) = pairs_in(tmp_path / "hr", tmp_path / "lr", scale=2)
    assert torch.equal(pair.hr[2], torch.from_numpy(hr).permute(2, 0, 1))
    assert torch.equal(pair.lr, torch.from_numpy(lr).permute(2, 0, 1))


def test_sixteen_bits_and_grey_stay_as_they_are(tmp_path):
    codes = np.arange(0, 64 * 1000, 1000, dtype=np.uint16).reshape(8, 8)
    for folder, side in (("hr", 8), ("lr", 4)):
        (tmp_path / folder).mkdir()
        Image.fromarray(codes[:side, :side]).save(tmp_path / folder / "a.png")
    (pair,) = pairs_in(tmp_path / "hr", tmp_path / "lr", scale=2)
    assert pair.hr[2].dtype == torch.uint16
    assert np.array_equal(pair.hr[2][0].numpy(), codes)


def test_pairs_of_other_scales_in_the_same_folders_are_left_out(tmp_path):
    for scale in (2, 3):
        draw(tmp_path / "hr" / f"a_000000_x{scale}.png", scene(0, width=12, height=12))
        small = scene(0, width=12 // scale, height=12 // scale)
        draw(tmp_path / "lr" / f"a_000000_x{scale}.png", small)
    (pair,) = pairs_in(tmp_path / "hr", tmp_path / "lr", scale=3)
    assert pair.lr.shape == (3, 4, 4)


def test_sizes_that_do_not_fit_are_named(tmp_path):
    draw(tmp_path / "hr" / "a.png", scene(0, width=61, height=44))
    draw(tmp_path / "lr" / "a.png", scene(0, width=30, height=22))
    with pytest.raises(SizeMismatchError, match=r"61×44 and .*lr/a.png is 30×22; .*60×44"):
        pairs_in(tmp_path / "hr", tmp_path / "lr", scale=2)


def test_grey_beside_colour_is_refused(tmp_path):
    draw(tmp_path / "hr" / "a.png", scene(0))
    draw(tmp_path / "lr" / "a.png", scene(0, width=30, height=22)[..., 0])
    with pytest.raises(SizeMismatchError, match=r"hr/a.png is colour and .*lr/a.png is grey"):
        pairs_in(tmp_path / "hr", tmp_path / "lr", scale=2)


def test_a_missing_half_is_named(tmp_path):
    draw_scenes(tmp_path / "hr", 2)
    draw(tmp_path / "lr" / "00.png", scene(0, width=30, height=22))
    with pytest.raises(UsageError, match=r"hr/01.png has no partner"):
        pairs_in(tmp_path / "hr", tmp_path / "lr", scale=2)


def test_two_pictures_of_one_name_are_refused(tmp_path):
    draw(tmp_path / "hr" / "a.png", scene(0))
    draw(tmp_path / "hr" / "a.bmp", scene(0))
    draw(tmp_path / "lr" / "a.png", scene(0))
    with pytest.raises(UsageError, match="have one name"):
        pairs_in(tmp_path / "hr", tmp_path / "lr", scale=1)


def test_a_damaged_picture_is_named(tmp_path):
    draw(tmp_path / "hr" / "a.png", scene(0))
    draw(tmp_path / "lr" / "a.png", scene(0))
    data = (tmp_path / "lr" / "a.png").read_bytes()
    (tmp_path / "lr" / "a.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(PictureError, match=r"lr/a.png: .*E_TRUNCATED"):
        pairs_in(tmp_path / "hr", tmp_path / "lr", scale=1)
