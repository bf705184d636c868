"""The first minute: `make demo` as a function, and the sheet it draws."""

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from superfine.benchmark.protocol import find_protocol
from superfine.demo import PHOTO, SCALES, Shown, run_demo
from superfine.visual import Box, Panel, sheet


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[list[Shown], PillowImage.Image]:
    folder = tmp_path_factory.mktemp("demo")
    shown: list[Shown] = []
    with PillowImage.open(run_demo(folder / "out", on_scale=shown.append)) as drawn:
        return shown, drawn.copy()


def test_every_scale_beats_bicubic_clearly(demo):
    shown, _ = demo
    assert [s.scale for s in shown] == list(SCALES)
    for one in shown:
        assert one.ours.psnr > one.bicubic.psnr + 1.0
        assert one.ours.ssim > one.bicubic.ssim
        assert one.seconds > 0


def test_the_bicubic_figure_is_the_protocols(demo):
    shown, _ = demo
    with PillowImage.open(PHOTO) as photo:
        truth = torch.from_numpy(np.array(photo)).permute(2, 0, 1)
    protocol = find_protocol("seed-zoo")
    expected = protocol.score(protocol.bicubic(protocol.lr(truth, 3), 3), truth, 3)
    assert shown[1].bicubic == expected


def test_the_enlarged_photos_have_the_promised_sizes(demo):
    shown, _ = demo
    for one in shown:
        with PillowImage.open(one.output) as output:
            assert output.size == (480 * one.scale, 360 * one.scale)


def test_the_sheet_shows_three_rows_of_four_crops(demo):
    _, drawn = demo
    assert drawn.mode == "RGB"
    assert drawn.size[0] > 480 + 4 * 240
    assert drawn.size[1] > 3 * 240


def test_a_crop_is_enlarged_without_inventing_pixels():
    picture = torch.randint(0, 256, (3, 20, 20), dtype=torch.uint8)
    drawn = sheet(
        [[Panel(picture, "noise")]], title="one", overview=picture, box=Box(top=5, left=7, side=8)
    )
    wanted = {tuple(p) for p in picture[:, 5:13, 7:15].flatten(1).T.tolist()}
    seen = {tuple(p) for p in drawn.flatten(1).T.tolist()}
    assert wanted <= seen


def test_running_again_replaces_the_earlier_results(tmp_path):
    (tmp_path / "sheet.png").write_bytes(b"old")
    run_demo(tmp_path)
    assert (tmp_path / "sheet.png").read_bytes()[:4] == b"\x89PNG"
