"""`superfine depth`: files, names, side-cars, guides, holes, going on, and what is refused."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from superfine.io.depth import read_depth
from superfine.jobs.manifest import MANIFEST
from superfine.types import Intrinsics
from tests.cli.conftest import Run, draw, names_in

HEIGHT, WIDTH = 6, 8


def save_map(path: Path, *, seed: int = 0, hole: int | None = 0) -> Path:
    """A 16-bit map in millimetres, with one hole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.random.default_rng(seed).integers(700, 4000, (HEIGHT, WIDTH), dtype=np.uint16)
    if hole is not None:
        rows[2, 3] = hole
    Image.fromarray(rows).save(path)
    return path


@pytest.fixture
def depth(run: Run) -> Run:
    def command(*arguments: str | Path) -> object:
        return run("depth", *arguments)

    return command


def test_a_map_alone_becomes_four_times_larger_beside_its_input(depth, tmp_path):
    outcome = depth(save_map(tmp_path / "map.png"))
    assert outcome.code == 0
    made = tmp_path / "map.x4.bicubic.png"
    assert outcome.paths == [made]
    assert names_in(tmp_path) == {"map.png", "map.x4.bicubic.png", "map.x4.bicubic.png.json"}
    result = read_depth(made)
    assert (result.width, result.height) == (4 * WIDTH, 4 * HEIGHT)
    assert result.unit == "metre"
    assert result.storage.dtype == ">u2"
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[2, 3] = True
    assert np.array_equal(~result.valid[0].numpy(), np.kron(hole, np.ones((4, 4), bool)))


def test_what_was_guessed_and_what_was_done_is_said(depth, tmp_path):
    outcome = depth(save_map(tmp_path / "map.png"))
    assert "16-bit codes" in outcome.err
    assert "shrunk again (block-mean)" in outcome.err
    said = depth(save_map(tmp_path / "map2.png"), "--unit", "mm")
    assert "codes" not in said.err


def test_a_photo_guides_and_decides_the_size(depth, tmp_path):
    photo = draw(tmp_path / "photo.jpg", width=5 * WIDTH, height=5 * HEIGHT)
    outcome = depth(save_map(tmp_path / "map.png"), "--guide", photo, "--unit", "7-scenes")
    assert outcome.paths == [tmp_path / "map.as-guide.guided-diffusion.png"]
    car = json.loads((tmp_path / "map.as-guide.guided-diffusion.png.json").read_text())
    assert (car["width"], car["height"]) == (5 * WIDTH, 5 * HEIGHT)
    assert car["made"]["method"] == "guided-diffusion"
    assert car["made"]["operator"] == "block-mean"
    assert 0 <= car["made"]["lr_residual"] < 0.2


@pytest.mark.parametrize("ext", ["pfm", "exr", "npy", "npz", "tif", "pgm"])
def test_another_format_when_asked(depth, tmp_path, ext):
    outcome = depth(save_map(tmp_path / "map.png"), "--unit", "mm", "--ext", ext, "-s", "2")
    (made,) = outcome.paths
    assert made.name == f"map.x2.bicubic.{ext}"
    result = read_depth(made)
    again = read_depth(depth(tmp_path / "map.png", "--unit", "mm", "-s", "2").paths[0])
    assert np.array_equal(result.valid.numpy(), again.valid.numpy())
    assert np.allclose(result.values.numpy(), again.values.numpy(), atol=5.1e-4)


def test_previews_and_points_lie_beside_the_result(depth, tmp_path):
    outcome = depth(
        save_map(tmp_path / "map.png"), "-o", f"{tmp_path}/out/", "--unit", "mm",
        "--preview", "cividis", "--ply", "--camera", "10,10,3.5,2.5",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    stem = "map.x4.bicubic"
    assert names_in(tmp_path / "out") == {
        f"{stem}.png", f"{stem}.png.json", f"{stem}.preview.png", f"{stem}.ply",
    }  # fmt: skip
    with Image.open(tmp_path / f"out/{stem}.preview.png") as picture:
        assert picture.size == (4 * WIDTH, 4 * HEIGHT)
        assert picture.mode == "RGB"
    points = (tmp_path / f"out/{stem}.ply").read_bytes()
    assert b"element vertex %d\n" % (16 * (HEIGHT * WIDTH - 1)) in points
    car = json.loads((tmp_path / f"out/{stem}.png.json").read_text())
    assert car["intrinsics"] == {"fx": 40.0, "fy": 40.0, "cx": 15.5, "cy": 11.5}


def test_a_camera_may_stand_in_a_file(depth, tmp_path):
    (tmp_path / "camera.txt").write_text("10 0 3.5\n0 10 2.5\n0 0 1\n")
    made = depth(
        save_map(tmp_path / "map.png"), "--unit", "mm", "--camera", tmp_path / "camera.txt"
    ).paths[0]
    assert read_depth(made).intrinsics == Intrinsics(40.0, 40.0, 15.5, 11.5)


def make_folder(folder: Path, count: int = 3) -> Path:
    for index in range(count):
        save_map(folder / f"frame-{index}.depth.png", seed=index)
        draw(folder / f"frame-{index}.color.jpg", width=4 * WIDTH, height=4 * HEIGHT, seed=index)
    return folder


def test_a_folder_finds_its_photos_and_goes_on_where_it_was(depth, tmp_path):
    folder = make_folder(tmp_path / "in")
    options = (folder, "--guide", folder, "--unit", "mm", "-m", "guided-filter")
    first = depth(*options)
    assert first.code == 0, first.err
    out = tmp_path / "in-as-guide-guided-filter"
    names = {f"frame-{i}.depth.png" for i in range(3)}
    assert names_in(out) == names | {f"{name}.json" for name in names} | {MANIFEST}
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    (out / "frame-1.depth.png").unlink()
    draw(folder / "frame-2.color.jpg", width=4 * WIDTH, height=4 * HEIGHT, seed=9)
    refused = depth(*options)
    assert refused.code == 3  # the photo of frame 2 is another, so its result is stale
    assert "E_EXISTS" in refused.err
    again = depth(*options, "--overwrite")
    assert again.code == 0
    after = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert after["frame-0.depth.png"] == before["frame-0.depth.png"]
    assert after["frame-2.depth.png"] != before["frame-2.depth.png"]


def test_a_bad_map_does_not_stop_the_others(depth, tmp_path):
    folder = make_folder(tmp_path / "in")
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint16)).save(folder / "frame-0.depth.png")
    outcome = depth(folder, "--unit", "mm", "-m", "nearest")
    assert outcome.code == 3
    assert outcome.err.count("E_ALL_INVALID") == 1
    failures = (tmp_path / "in-x4-nearest/failures.jsonl").read_text().splitlines()
    assert [json.loads(line)["code"] for line in failures] == ["E_ALL_INVALID"]
    assert len(outcome.paths) == 2


def test_holes_are_filled_when_asked(depth, tmp_path):
    made = depth(save_map(tmp_path / "map.png"), "--holes", "fill", "--unit", "mm").paths[0]
    assert bool(read_depth(made).valid.all())


def test_nan_holes_of_floats_stay_nan(depth, tmp_path):
    rows = np.full((4, 4), 2.5, np.float32)
    rows[1, 1] = math.nan
    np.save(tmp_path / "map.npy", rows)
    made = depth(tmp_path / "map.npy", "-s", "2").paths[0]
    result = np.load(made)
    assert np.isnan(result).sum() == 4
    assert (result[~np.isnan(result)] == np.float32(2.5)).all()


def test_existing_files_beside_the_result_are_not_replaced(depth, tmp_path):
    save_map(tmp_path / "map.png")
    (tmp_path / "map.x4.bicubic.preview.png").write_text("mine")
    outcome = depth(tmp_path / "map.png", "--preview", "turbo", "--unit", "mm")
    assert outcome.code == 2
    assert "E_EXISTS" in outcome.err
    assert (tmp_path / "map.x4.bicubic.preview.png").read_text() == "mine"
    assert not (tmp_path / "map.x4.bicubic.png").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["-m", "guided-filter"], 2, "needs a photo"),
        (["-s", "0.5"], 2, "out of range"),
        (["-s", "2", "--size", "16x12"], 2, "Both"),
        (["--unit", "furlong"], 2, "furlong"),
        (["--invalid", "none"], 2, "--invalid"),
        (["--camera", "1,2,3"], 2, "four numbers"),
        (["--phase", "area"], 2, "block-mean"),
        (["--phase", "estimate"], 2, "none"),
        (["--ply"], 2, "camera"),
        (["-o", "-"], 2, "standard output"),
        (["--ext", "jpg"], 2, "no depth format"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_the_right_code(depth, tmp_path, options, code, words):
    outcome = depth(save_map(tmp_path / "map.png"), *options)
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.code == code, outcome.err
    assert names_in(tmp_path) == {"map.png"}


def test_guides_that_do_not_fit_say_both_sizes(depth, tmp_path):
    save_map(tmp_path / "map.png")
    photo = draw(tmp_path / "photo.png", width=30, height=24)
    outcome = depth(tmp_path / "map.png", "-g", photo, "-s", "4")
    assert outcome.code == 2
    assert "30×24" in outcome.err
    assert "32×24" in outcome.err
    wide = draw(tmp_path / "wide.png", width=64, height=24)
    assert "differ in shape" in depth(tmp_path / "map.png", "-g", wide).err
    assert "one file" in depth(make_folder(tmp_path / "in"), "-g", photo).err
    missing = depth(tmp_path / "in", "-g", tmp_path)
    assert missing.code == 2
    assert "no photo for frame-0.depth.png" in missing.err


def test_a_network_enlarges_depth_and_one_for_pictures_does_not(depth, tmp_path):
    import torch

    from superfine.card import Card
    from superfine.checkpoints import save
    from superfine.models import find

    torch.manual_seed(0)
    weights = tmp_path / "mine.safetensors"
    save(find("dsdmsr").build(2), Card("dsdmsr", 2, "depth"), weights)
    outcome = depth(save_map(tmp_path / "map.png"), "-m", weights, "-s", "2", "--unit", "mm")
    assert outcome.code == 0, outcome.err
    assert outcome.paths == [tmp_path / "map.x2.mine.png"]
    refused = depth(tmp_path / "map.png", "-m", "fsrcnn")
    assert "enlarges pictures" in refused.err
    assert refused.code == 2


@pytest.mark.data
@pytest.mark.parametrize("several", [False, True])
def test_how_maps_were_sampled_is_told_by_their_photos(depth, tmp_path, data_root, several):
    from superfine.io import read
    from superfine.ops.depth_lr import DIRECT_LAST

    source = data_root / "depth/Middlebury30"
    found = [sorted((source / kind).iterdir())[13:] for kind in ("depth", "rgb")]
    for index in range(3 if several else 1):
        path, photo = (paths[index] for paths in found)
        truth, colours = read(path).pixels.float(), read(photo).pixels
        height, width = (side // 4 * 4 for side in truth.shape[1:])
        lr = DIRECT_LAST.shrink(truth[:, :height, :width], 4)[0].numpy().astype(np.uint16)
        for kind in ("depth", "photos"):
            (tmp_path / kind).mkdir(exist_ok=True)
        Image.fromarray(lr * 16).save(tmp_path / f"depth/{index}.png")
        rows = colours[:, :height, :width].permute(1, 2, 0).contiguous().numpy()
        Image.fromarray(rows).save(tmp_path / f"photos/{index}.png")
    maps, photos = tmp_path / "depth", tmp_path / "photos"
    if not several:
        maps, photos = maps / "0.png", photos / "0.png"
    outcome = depth(
        maps, "-g", photos, "--phase", "estimate", "-m", "nearest", "--unit", "relative",
        "-o", f"{tmp_path}/out/",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "direct-last was taken" in outcome.err
    assert ("3 maps looked at" in outcome.err) == several
    car = json.loads(Path(f"{outcome.paths[0]}.json").read_text())
    assert car["made"]["operator"] == "direct-last"
