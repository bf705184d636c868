"""Depth sets in their official layouts: tiny ones made here, and the real ones where they are."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from superfine.cli import main
from superfine.data.depth import scenes_in
from superfine.data.depth_sets import DEPTH_SETS, find_depth_set
from superfine.data.depth_sets.convert import convert
from superfine.data.depth_sets.middlebury import middlebury_2014, read_calibration
from superfine.data.depth_sets.streams import associate
from superfine.errors import (
    OutputError,
    PictureError,
    SizeMismatchError,
    SuperfineError,
    UnknownNameError,
    UsageError,
)
from superfine.io.depth import read_depth
from tests.conftest import ROOT

h5py = pytest.importorskip("h5py")

HEIGHT, WIDTH = 12, 16


def photo(seed=0, *, height=HEIGHT, width=WIDTH) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def metres(seed=0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 8, (HEIGHT, WIDTH))


def save(path, codes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(codes).save(path)


def put_pfm(path, rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f"Pf\n{rows.shape[1]} {rows.shape[0]}\n-1\n".encode()
    path.write_bytes(head + rows[::-1].astype("<f4").tobytes())


def scenes(name, folder) -> list:
    return list(find_depth_set(name).read(folder))


def same_photo(guide, codes) -> bool:
    return np.array_equal(guide.pixels.permute(1, 2, 0).numpy(), codes)


def values(depth) -> np.ndarray:
    return depth.values[0].double().numpy()


# NYU


def put_nyu(path, *, frames=1003) -> None:
    """As MATLAB writes it: columns first, and mostly empty, so that it stays small."""
    with h5py.File(path, "w") as file:
        depths = file.create_dataset(
            "depths", (frames, WIDTH, HEIGHT), "f4", chunks=(1, WIDTH, HEIGHT)
        )
        images = file.create_dataset(
            "images", (frames, 3, WIDTH, HEIGHT), "u1", chunks=(1, 3, WIDTH, HEIGHT)
        )
        for number in (0, 999, 1000, 1002):
            depths[number] = metres(number).T
            images[number] = photo(number).transpose(2, 1, 0)


def test_nyu_labelled_is_split_after_a_thousand_frames(tmp_path):
    put_nyu(tmp_path / "nyu_depth_v2_labeled.mat")
    test = scenes("nyu-test", tmp_path)
    assert [one.name for one in test] == ["1000", "1001", "1002"]
    for one, number in ((test[0], 1000), (test[2], 1002)):
        assert one.depth.unit == "metre"
        assert bool(one.depth.valid.all())
        assert values(one.depth) == pytest.approx(metres(number), rel=1e-6)
        assert same_photo(one.guide, photo(number))
    assert not test[1].depth.valid.any()  # 0 is a hole
    first = next(find_depth_set("nyu-train").read(tmp_path / "nyu_depth_v2_labeled.mat"))
    assert first.name == "0000"
    assert values(first.depth) == pytest.approx(metres(0), rel=1e-6)


def test_nyu_labelled_with_too_few_frames_is_refused(tmp_path):
    put_nyu(tmp_path / "other.mat", frames=1003)
    with h5py.File(tmp_path / "other.mat", "a") as file:
        del file["images"]
        file["images"] = h5py.ExternalLink("elsewhere.mat", "images")
    with pytest.raises(PictureError, match=r"holds no `images`"):
        next(find_depth_set("nyu-train").read(tmp_path / "other.mat"))
    with h5py.File(tmp_path / "few.mat", "w") as file:
        file["depths"] = np.ones((5, WIDTH, HEIGHT), "f4")
        file["images"] = np.ones((5, 3, WIDTH, HEIGHT), "u1")
    for part in ("nyu-train", "nyu-test"):
        with pytest.raises(PictureError, match=r"holds 5 frames, expected 1449"):
            next(find_depth_set(part).read(tmp_path / "few.mat"))
    with h5py.File(tmp_path / "few.mat", "a") as file:
        del file["images"]
        file["images"] = np.ones((4, 3, WIDTH, HEIGHT), "u1")
    with pytest.raises(PictureError, match=r"which do not fit"):
        next(find_depth_set("nyu-test").read(tmp_path / "few.mat"))
    (tmp_path / "text.mat").write_text("no")
    with pytest.raises(PictureError, match=r"no MATLAB 7\.3 file"):
        next(find_depth_set("nyu-test").read(tmp_path / "text.mat"))
    with pytest.raises(UsageError, match=r"is missing"):
        next(find_depth_set("nyu-test").read(tmp_path))


@pytest.fixture
def dkn(tmp_path):
    """Three frames to train and two to measure, stretched to [0, 1] as DKN's authors did."""
    depths = np.stack([metres(n) for n in range(5)])
    low, high = (f(depths, axis=(1, 2)) for f in (np.min, np.max))
    stretched = ((depths - low[:, None, None]) / (high - low)[:, None, None]).astype(np.float32)
    photos = np.stack([photo(n) for n in range(5)])
    np.save(tmp_path / "train_depth_split.npy", stretched[:3])
    np.save(tmp_path / "train_images_split.npy", (photos[:3] / 255).astype(np.float32))
    np.save(tmp_path / "test_depth.npy", stretched[3:])
    np.save(tmp_path / "test_images_v2.npy", photos[3:])
    np.save(tmp_path / "test_minmax.npy", np.stack([high[3:], low[3:]]))
    return tmp_path


def test_dkn_arrays_come_back_in_metres(dkn):
    test = scenes("nyu-dkn-test", dkn)
    assert [one.name for one in test] == ["1000", "1001"]
    for number, one in enumerate(test, 3):
        assert one.depth.unit == "metre"
        assert values(one.depth) == pytest.approx(metres(number), abs=1e-5)
        assert same_photo(one.guide, photo(number))
    train = scenes("nyu-dkn-train", dkn)
    assert [one.name for one in train] == ["0000", "0001", "0002"]
    assert {one.depth.unit for one in train} == {"relative"}
    assert float(train[1].depth.values.max()) == 1
    assert train[2].guide.pixels.numpy() == pytest.approx(
        photo(2).transpose(2, 0, 1) / 255, abs=1e-6
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("test_depth.npy", np.zeros((2, HEIGHT, WIDTH + 1), np.float32), "were expected"),
        ("test_minmax.npy", np.zeros((3, 2)), r"has shape \(3, 2\), expected \(2, 2\)"),
        ("test_minmax.npy", np.array([[1.0, 1.0], [2.0, 2.0]]), "goes from 2 to 1"),
        ("test_images_v2.npy", np.full((2, HEIGHT, WIDTH, 3), 200.0), "go from 200 to 200"),
        ("test_depth.npy", np.array([object()]), "no array of numbers"),
    ],
)
def test_dkn_arrays_that_do_not_fit_are_named(dkn, name, content, words):
    np.save(dkn / name, content, allow_pickle=True)
    with pytest.raises(PictureError, match=words):
        scenes("nyu-dkn-test", dkn)


def test_a_missing_dkn_array_is_named(dkn):
    (dkn / "test_minmax.npy").unlink()
    with pytest.raises(UsageError, match=r"test_minmax\.npy is missing"):
        scenes("nyu-dkn-test", dkn)


# The seed's layouts


def test_the_seeds_folders(tmp_path):
    for name in ("065", "001"):
        save(tmp_path / "depth_gt" / f"{name}.png", photo(int(name))[:, :, 0])
        save(tmp_path / "images" / f"{name}.png", photo(int(name) + 1))
    found = scenes("seed-folders", tmp_path)
    assert [one.name for one in found] == ["001", "065"]
    assert np.array_equal(values(found[0].depth), photo(1)[:, :, 0])
    assert bool(found[0].depth.valid.all())
    assert found[0].depth.unit == "relative"
    assert same_photo(found[1].guide, photo(66))
    (tmp_path / "images" / "065.png").unlink()
    with pytest.raises(PictureError, match=r"images/065\.png is missing"):
        scenes("seed-folders", tmp_path)
    save(tmp_path / "images" / "065.png", photo(66, width=17))
    with pytest.raises(SizeMismatchError, match=r"photo of 065 is 17x12 .* 16x12"):
        scenes("seed-folders", tmp_path)


def test_depth_in_alpha_keeps_colours_where_it_is_zero(tmp_path):
    depth = photo(3)[:, :, 0]
    depth[:, :5] = 0
    save(tmp_path / "001.png", np.dstack([photo(4), depth]))
    (one,) = scenes("seed-rgbd", tmp_path)
    assert np.array_equal(values(one.depth), depth)
    assert bool(one.depth.valid.all())
    assert same_photo(one.guide, photo(4))
    assert one.guide.alpha is None
    save(tmp_path / "002.png", photo(4))
    with pytest.raises(PictureError, match=r"002\.png has no alpha channel"):
        scenes("seed-rgbd", tmp_path)


# Middlebury

CALIBRATION = """cam0=[3979.911 0 1244.772; 0 3979.911 1019.507; 0 0 1]
cam1=[3979.911 0 1369.115; 0 3979.911 1019.507; 0 0 1]
doffs=124.343
baseline=193.001
width=2964
height=1988
"""


@pytest.mark.parametrize("name", ["disp0GT.pfm", "disp0.pfm"])
def test_middlebury_2014(tmp_path, name):
    disparity = metres() * 10
    disparity[2:4, 5] = np.inf
    for scene in ("Adirondack-perfect", "Zoo"):
        put_pfm(tmp_path / scene / name, disparity)
        save(tmp_path / scene / "im0.png", photo(2))
        (tmp_path / scene / "calib.txt").write_text(CALIBRATION)
    (tmp_path / "notes").mkdir()
    found = scenes("middlebury-2014", tmp_path)
    assert [one.name for one in found] == ["Adirondack-perfect", "Zoo"]
    (alone,) = scenes("middlebury-2014", tmp_path / "Zoo")
    for one in (*found, alone):
        assert one.depth.unit == "disparity_px"
        measured = one.depth.valid[0].numpy()
        assert np.array_equal(measured, np.isfinite(disparity))
        assert values(one.depth)[measured] == pytest.approx(disparity[measured], rel=1e-6)
        assert one.depth.intrinsics.cx == 1244.772
        assert same_photo(one.guide, photo(2))


def test_middlebury_disparity_becomes_metres(tmp_path):
    """Z = baseline * f / (d + doffs), as the authors write; in millimetres, here in metres."""
    (tmp_path / "calib.txt").write_text(CALIBRATION)
    put_pfm(tmp_path / "disp0.pfm", np.array([[0.0, 75.657, np.inf]]))
    save(tmp_path / "im0.png", photo(height=1, width=3))
    (one,) = middlebury_2014(tmp_path)
    depth = read_calibration(tmp_path / "calib.txt").metres(one.depth)
    assert depth.unit == "metre"
    assert depth.valid.tolist() == [[[True, True, False]]]
    expected = 0.193001 * 3979.911 / np.array([124.343, 200.0])
    assert values(depth)[0, :2] == pytest.approx(expected, rel=1e-6)


def test_a_calibration_that_says_nothing_is_named(tmp_path):
    put_pfm(tmp_path / "disp0.pfm", metres())
    save(tmp_path / "im0.png", photo())
    with pytest.raises(PictureError, match=r"calib\.txt is missing or says no cam0"):
        scenes("middlebury-2014", tmp_path)
    (tmp_path / "calib.txt").write_text("cam0=[1 0 1; 0 1 1; 0 0 1]\n")
    with pytest.raises(PictureError, match=r"says no cam0, doffs and baseline"):
        scenes("middlebury-2014", tmp_path)


def test_middlebury_30(tmp_path):
    save(tmp_path / "depth" / "Middlebury_07_output_depth.png", photo()[:, :, 0])
    save(tmp_path / "rgb" / "Middlebury_07_output_color.png", photo(1))
    (one,) = scenes("middlebury-30", tmp_path)
    assert one.name == "Middlebury_07"
    assert bool(one.depth.valid.all())
    assert np.array_equal(values(one.depth), photo()[:, :, 0])


# Sequences


def test_7_scenes_and_its_two_kinds_of_holes(tmp_path):
    depth = np.random.default_rng(0).integers(500, 4000, (HEIGHT, WIDTH), dtype=np.uint16)
    depth[0, :4], depth[1, :4] = 65535, 0
    for sequence in ("seq-01", "seq-02"):
        save(tmp_path / sequence / "frame-000000.depth.png", depth)
        save(tmp_path / sequence / "frame-000000.color.png", photo(5))
    found = scenes("7-scenes", tmp_path)
    assert [one.name for one in found] == ["seq-01/frame-000000", "seq-02/frame-000000"]
    measured = found[0].depth.valid[0].numpy()
    assert (~measured).sum() == 8
    assert values(found[0].depth)[measured] == pytest.approx(depth[measured] / 1000, rel=1e-6)
    assert found[0].depth.intrinsics.fx == 585
    (tmp_path / "seq-02" / "frame-000000.color.png").unlink()
    with pytest.raises(PictureError, match=r"frame-000000\.color\.png is missing"):
        scenes("7-scenes", tmp_path)


def test_times_belong_together_from_the_closest_on():
    assert associate([1.0, 2.0, 3.0], [0.99, 1.005, 2.5, 3.0]) == [(0, 1), (2, 3)]
    # Each is used once: the closest pair goes first, and leaves the next best to the other.
    assert associate([1.0, 1.01], [1.009, 0.995]) == [(0, 1), (1, 0)]
    assert associate([3.0, 1.0], [1.0, 3.0]) == [(1, 0), (0, 1)]
    assert associate([1.0], [1.02]) == []
    assert associate([], [1.0]) == []


def test_tum_sequences_are_associated_by_time(tmp_path):
    depth = np.random.default_rng(0).integers(2500, 20000, (HEIGHT, WIDTH), dtype=np.uint16)
    depth[3, 3] = 0
    for time in ("1.000", "1.033", "1.500"):
        save(tmp_path / "depth" / f"{time}.png", depth)
    for number, time in enumerate(("1.002", "1.040")):
        save(tmp_path / "rgb" / f"{time}.png", photo(number))
    head = "# depth maps\n# timestamp filename\n"
    times = [f"{t} depth/{t}.png\n" for t in ("1.000", "1.033", "1.500")]
    (tmp_path / "depth.txt").write_text(head + "".join(times))
    (tmp_path / "rgb.txt").write_text(head + "1.002 rgb/1.002.png\n\n1.040 rgb/1.040.png\n")
    found = scenes("tum", tmp_path)
    assert [one.name for one in found] == ["1.000", "1.033"]
    assert same_photo(found[1].guide, photo(1))
    measured = found[0].depth.valid[0].numpy()
    assert np.argwhere(~measured).tolist() == [[3, 3]]
    assert values(found[0].depth)[measured] == pytest.approx(depth[measured] / 5000, rel=1e-6)
    (tmp_path / "rgb.txt").write_text("9.0 rgb/1.002.png\n")
    with pytest.raises(UsageError, match=r"within 0\.02 s of a photo"):
        scenes("tum", tmp_path)
    (tmp_path / "rgb.txt").write_text("soon rgb/1.002.png\n")
    with pytest.raises(PictureError, match=r"rgb\.txt has a line 'soon"):
        scenes("tum", tmp_path)
    (tmp_path / "rgb.txt").unlink()
    with pytest.raises(UsageError, match=r"rgb\.txt is missing"):
        scenes("tum", tmp_path)


# DTU


def test_dtu_with_and_without_photos(tmp_path):
    millimetres = 500 + 100 * metres()
    millimetres[0, 0] = 0
    put_pfm(tmp_path / "Depths_raw" / "scan4" / "depth_map_0006.pfm", millimetres)
    (one,) = scenes("dtu", tmp_path / "Depths_raw")
    assert one.name == "scan4_depth_map_0006"
    assert one.guide is None
    measured = one.depth.valid[0].numpy()
    assert np.argwhere(~measured).tolist() == [[0, 0]]
    assert values(one.depth)[measured] == pytest.approx(millimetres[measured] / 1000, rel=1e-6)
    save(tmp_path / "Rectified_raw" / "scan4" / "rect_007_3_r5000.png", photo(3))
    (one,) = scenes("dtu", tmp_path / "Depths_raw")
    assert same_photo(one.guide, photo(3))


# In the layout of training


def put_7_scenes(folder) -> np.ndarray:
    depth = np.random.default_rng(0).integers(500, 4000, (HEIGHT, WIDTH), dtype=np.uint16)
    depth[0, :4], depth[1, :4] = 65535, 0
    for number in range(3):
        save(
            folder / "seq-01" / f"frame-{number:06d}.depth.png", depth if number != 1 else 0 * depth
        )
        save(folder / "seq-01" / f"frame-{number:06d}.color.png", photo(number))
    return depth


def test_a_set_becomes_what_training_reads(tmp_path, capfd):
    depth = put_7_scenes(tmp_path / "raw")
    words = ["data", "convert", "7-scenes", str(tmp_path / "raw"), str(tmp_path / "out")]
    assert main(words) == 0
    stdout, stderr = capfd.readouterr()
    assert stdout == f"{tmp_path / 'out'}\n"
    assert stderr == ("superfine: 2 maps written; 1 passed over: nothing was measured in them.\n")
    first, second = scenes_in(tmp_path / "out", guide_channels=3)
    assert [one.path.stem for one in (first, second)] == [
        "seq-01_frame-000000", "seq-01_frame-000002"
    ]  # fmt: skip
    measured = (depth != 0) & (depth != 65535)
    assert np.array_equal(first.valid[0].numpy(), measured)
    assert np.array_equal(first.values[0].numpy()[measured], depth[measured] * 5)
    assert np.array_equal(second.guide.permute(1, 2, 0).numpy(), photo(2))
    back = read_depth(first.path)
    assert back.unit == "metre"
    assert back.intrinsics.fx == 585


def test_converting_goes_on_where_it_was(tmp_path):
    put_7_scenes(tmp_path / "raw")

    def run(name="7-scenes"):
        return convert(name, tmp_path / "raw", tmp_path / "out", on_progress=lambda done: None)

    run()
    kept = tmp_path / "out" / "depth" / "seq-01_frame-000000.png"
    content = kept.read_bytes()
    kept.unlink()
    again = run()
    assert (again.made, again.kept, again.empty) == (1, 1, 1)
    assert kept.read_bytes() == content
    save(tmp_path / "raw" / "depth_gt" / "1.png", photo()[:, :, 0])
    save(tmp_path / "raw" / "images" / "1.png", photo())
    with pytest.raises(OutputError, match=r"was begun with set '7-scenes', not 'seed-folders'"):
        run("seed-folders")


def test_relative_maps_keep_their_steps_and_lose_no_zero(tmp_path):
    codes = photo()[:, :, 0]
    codes[0, 0], codes[0, 1] = 0, 255
    save(tmp_path / "raw" / "depth_gt" / "1.png", codes)
    save(tmp_path / "raw" / "images" / "1.png", photo())
    convert("seed-folders", tmp_path / "raw", tmp_path / "out", on_progress=lambda done: None)
    (one,) = scenes_in(tmp_path / "out", guide_channels=1)
    assert bool(one.valid.all())
    assert one.values[0].numpy() == pytest.approx(1 + codes / 255 * 65533, abs=0.51)


@pytest.mark.parametrize(("farthest", "codes"), [(13.0, 5000), (20.0, 1000), (65.0, 1000)])
def test_far_maps_have_coarser_codes(tmp_path, farthest, codes):
    put_pfm(
        tmp_path / "raw" / "scan1" / "a.pfm", np.linspace(1, 1000 * farthest, 99).reshape(9, 11)
    )
    done = convert("dtu", tmp_path / "raw", tmp_path / "out", on_progress=lambda done: None)
    assert (done.made, done.alone) == (1, 1)
    back = read_depth(tmp_path / "out" / "depth" / "scan1_a.png")
    assert back.storage.codes_per_unit == codes
    assert float(back.values.max()) == pytest.approx(farthest, abs=0.5 / codes)


def test_what_16_bits_cannot_hold_is_refused(tmp_path):
    put_pfm(tmp_path / "raw" / "scan1" / "a.pfm", np.full((9, 11), 70_000.0))
    with pytest.raises(OutputError, match=r"as far as 70 \(metre\)"):
        convert("dtu", tmp_path / "raw", tmp_path / "out", on_progress=lambda done: None)


# All of them


def test_every_set_is_explained_and_found_by_name():
    text = (ROOT / "docs" / "depth_data.md").read_text(encoding="utf-8")
    names = [entry.name for entry in DEPTH_SETS]
    assert len(set(names)) == len(names)
    assert all(f"`{name}`" in text for name in names)
    with pytest.raises(UnknownNameError, match=r"Did you mean '7-scenes'"):
        find_depth_set("7scenes")


@pytest.mark.parametrize("entry", DEPTH_SETS, ids=lambda entry: entry.name)
def test_a_wrong_folder_is_said_in_one_line(entry, tmp_path):
    for wrong in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SuperfineError) as caught:
            next(entry.read(wrong))
        assert str(wrong) in caught.value.message
        assert "\n" not in caught.value.message
        assert caught.value.hint


def test_only_what_is_not_measured_with_is_trained_on():
    tests = {entry.name for entry in DEPTH_SETS if entry.task == "test"}
    assert tests == {"nyu-test", "nyu-dkn-test", "middlebury-30"}


@pytest.mark.data
def test_real_scenes_of_middlebury(data_root):
    found = scenes("middlebury-2014", data_root / "depth" / "MiddEval3_Q")
    assert len(found) == 10
    (piano,) = (one for one in found if one.name == "Piano")
    assert (piano.depth.width, piano.depth.height) == (707, 481)
    text = (data_root / "depth" / "MiddEval3_Q" / "Piano" / "calib.txt").read_text()
    least, most = (float(re.search(rf"{v}=\s*(\d+)", text)[1]) for v in ("vmin", "vmax"))
    measured = values(piano.depth)[piano.depth.valid[0].numpy()]
    assert least - 1 <= measured.min()
    assert measured.max() <= most + 1
    assert 0.8 < float(piano.depth.valid.double().mean()) < 1
    place = data_root / "depth" / "MiddEval3_Q" / "Piano" / "calib.txt"
    metric = read_calibration(place).metres(piano.depth)
    assert torch.equal(metric.valid, piano.depth.valid)
    assert 1 < float(metric.values[metric.valid].median()) < 4


@pytest.mark.data
def test_real_pairs_of_the_tables(data_root):
    found = scenes("middlebury-30", data_root / "depth" / "Middlebury30")
    assert len(found) == 30
    assert (found[0].depth.width, found[0].depth.height) == (427, 370)


@pytest.mark.data
def test_real_frames_of_7_scenes(data_root):
    found = scenes("7-scenes", data_root / "depth" / "7scenes")
    assert len(found) == 50
    holes = [1 - float(one.depth.valid.double().mean()) for one in found]
    assert np.mean(holes) == pytest.approx(0.11, abs=0.01)
    assert all(float(one.depth.values[one.depth.valid].max()) < 10 for one in found)


@pytest.mark.data
def test_a_real_frame_of_tum(data_root, tmp_path):
    other = data_root / "depth" / "Open3D_samples" / "other_formats"
    for kind in ("depth", "color"):
        (tmp_path / f"{kind}.png").symlink_to(other / f"TUM_{kind}.png")
    (tmp_path / "depth.txt").write_text("1.0 depth.png\n")
    (tmp_path / "rgb.txt").write_text("1.01 color.png\n")
    (one,) = scenes("tum", tmp_path)
    assert (one.depth.width, one.depth.height) == (640, 480)
    depths = values(one.depth)[one.depth.valid[0].numpy()]
    assert 0.3 < depths.min() < np.median(depths) < 5
    assert not bool(one.depth.valid.all())
