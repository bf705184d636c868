"""DTU's maps as pyramids and lists: the seed's to the byte, and ours with holes and metres kept."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from superfine.cli import main
from superfine.data.dtu import PyramidOptions, make, make_pyramids, pyramid
from superfine.data.dtu.make import CODES_PER_METRE
from superfine.data.dtu.pyramid import SIZES, levels, seed_levels
from superfine.data.dtu.source import maps_in
from superfine.data.dtu.split import eighty_twenty, split
from superfine.errors import OutputError, PictureError, SuperfineError, UsageError

SMALL = ((64, 48), (32, 24), (16, 12), (8, 6), (4, 3))


def put_pfm(path: Path, rows: np.ndarray, *, order="<") -> None:
    """Bottom row first, as PFM has it; the scale's sign is the byte order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f"Pf\n{rows.shape[1]} {rows.shape[0]}\n{-1 if order == '<' else 1}\n"
    path.write_bytes(head.encode() + rows[::-1].astype(f"{order}f4").tobytes())


def depth_rows(seed=0, *, width=80, height=60) -> np.ndarray:
    """Millimetres: a slope, a nearer disc, and a hole."""
    y, x = np.mgrid[:height, :width].astype(float)
    rows = 600 + 100 * x / width + 30 * np.sin(y / 5 + seed)
    rows[np.hypot(x - 0.7 * width, y - 0.5 * height) < 0.2 * height] = 500.25
    rows[np.hypot(x - 0.25 * width, y - 0.3 * height) < 0.17 * height] = 0
    return rows.astype(np.float32)


@pytest.fixture
def small(monkeypatch):
    """Five sizes that take no time."""
    monkeypatch.setattr(pyramid, "SIZES", SMALL)
    monkeypatch.setattr(make, "SIZES", SMALL)


@pytest.fixture
def source(tmp_path):
    """Depths_raw with five scans of two maps, and what else lies there."""
    for number in (1, 10, 9, 118, 2):
        for view in range(2):
            path = tmp_path / "raw" / f"scan{number}" / f"depth_map_{view:04d}.pfm"
            put_pfm(path, depth_rows(number + view))
        (tmp_path / "raw" / f"scan{number}" / "depth_visual_0000.png").write_bytes(b"no")
    (tmp_path / "raw" / "scan9_old").mkdir()
    return tmp_path / "raw"


def run(source, dest, options=None):
    return make_pyramids(
        source, dest, options or PyramidOptions(), on_progress=lambda done, total: None
    )


def codes(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_split_is_the_one_of_scikit_learn():
    """Its documentation splits five things with test_size=0.33, random_state=42 into these."""
    order = np.random.RandomState(42).permutation(5).tolist()
    assert (order[2:], order[:2]) == ([2, 0, 3], [1, 4])
    assert eighty_twenty(5) == ([4, 2, 0, 3], [1])


def test_the_split_is_the_one_the_seed_published():
    """First rows of valid_dtu_sub.csv and train_dtu_sub.csv of asrimanth/DSDMSR-PyTorch."""
    training, validating = eighty_twenty(7936)
    assert (len(training), len(validating)) == (6348, 1588)
    assert validating[:8] == [7880, 5190, 5845, 3554, 1669, 3320, 2138, 7354]
    assert training[:8] == [622, 1419, 3956, 7850, 2446, 2344, 2997, 2080]


def test_maps_are_numbered_as_the_seed_sorts_them(tmp_path):
    """Of the 124 scans with 64 maps each, those that the seed's lists name."""
    scans = [n for n in range(1, 129) if n not in (78, 79, 80, 81)]
    for scan in scans:
        (tmp_path / f"scan{scan}").mkdir()
        for view in range(64):
            (tmp_path / f"scan{scan}" / f"depth_map_{view:04d}.pfm").touch()
    maps, notes = maps_in(tmp_path)
    assert len(maps) == 7936
    assert notes == []
    published = {
        7880: "scan9_depth_map_0008", 5190: "scan58_depth_map_0006", 622: "scan109_depth_map_0046",
        3554: "scan34_depth_map_0034", 196: "scan103_depth_map_0004",
        1669: "scan124_depth_map_0005",
    }  # fmt: skip
    assert {number: maps[number].name for number in published} == published


def test_scenes_are_never_on_both_sides():
    scans = [f"scan{n // 4}" for n in range(40)]
    training, validating = split(scans, "scene")
    assert sorted(training + validating) == list(range(40))
    assert len(validating) == 8
    assert not {scans[i] for i in training} & {scans[i] for i in validating}
    assert training != sorted(training)
    training, validating = split(scans, "image")
    assert {scans[i] for i in training} & {scans[i] for i in validating}


@pytest.mark.parametrize("shape", [(1200, 1600), (100, 90), (1024, 1280)])
def test_the_seeds_form_is_opencvs(shape):
    cv2 = pytest.importorskip("cv2")
    rows = depth_rows(3, width=shape[1], height=shape[0]).astype(np.float64)
    stretched = (rows - rows.min()) / (rows.max() - rows.min() + 1e-8) * 255.0
    largest = cv2.resize(stretched, SIZES[0], interpolation=cv2.INTER_LINEAR)
    for size, found in zip(SIZES, seed_levels(rows), strict=True):
        small = cv2.resize(largest, size, interpolation=cv2.INTER_LINEAR)
        expected = cv2.imdecode(cv2.imencode(".png", np.rint(small).astype(np.uint8))[1], -1)
        assert np.array_equal(found, expected)


def test_areas_are_exact_means_of_what_was_measured():
    """Against a map blown up until every border falls between pixels."""
    rng = np.random.default_rng(0)
    values, valid = rng.uniform(1, 2, (96, 100)), rng.uniform(size=(96, 100)) > 0.3
    found = levels(values, valid, "area")
    height, width = np.lcm(96, 128), np.lcm(100, 160)
    fine = np.repeat(np.repeat(values, height // 96, axis=0), width // 100, axis=1)
    there = np.repeat(np.repeat(valid, height // 96, axis=0), width // 100, axis=1)
    cells = (128, height // 128, 160, width // 160)
    weight = there.reshape(cells).sum(axis=(1, 3))
    total = (fine * there).reshape(cells).sum(axis=(1, 3))
    shrunk, measured = found[3]
    assert np.array_equal(measured, weight >= 0.5 * cells[1] * cells[3] - 1e-6)
    assert shrunk[measured] == pytest.approx((total / np.maximum(weight, 1))[measured], rel=1e-12)
    assert not shrunk[~measured].any()


def test_nearest_invents_no_depth():
    rows = depth_rows(width=1600, height=1200)
    for resize, invented in (("nearest", False), ("area", True)):
        for values, measured in levels(rows, rows > 0, resize)[1:]:
            assert np.isin(values[measured], rows.astype(float), invert=True).any() == invented


@pytest.mark.parametrize("resize", ["area", "nearest"])
def test_what_stands_in_holes_changes_nothing(resize):
    rows, valid = depth_rows(), depth_rows() > 0
    for garbage in (np.nan, np.inf, -5.0, 1e9):
        planted = np.where(valid, rows, garbage)
        for one, other in zip(
            levels(rows, valid, resize), levels(planted, valid, resize), strict=True
        ):
            assert np.array_equal(one[0], other[0])
            assert np.array_equal(one[1], other[1])


def test_pictures_hold_metres_and_holes(small, source, tmp_path):
    made = run(source, tmp_path / "out")
    assert (made.maps, made.kept) == (10, 0)
    settings = json.loads((tmp_path / "out" / "dtu.json").read_text())
    assert settings["codes_per_unit"] == CODES_PER_METRE
    assert (settings["unit"], settings["hole"], settings["bits"]) == ("metre", 0, 16)
    rows = depth_rows(9).astype(np.float64)
    for (width, height), (values, measured) in zip(
        SMALL, levels(rows, rows > 0, "area"), strict=True
    ):
        name = f"img{width}x{height}/scan9_depth_map_0000_x{height}.png"
        found = codes(tmp_path / "out" / name)
        assert found.shape == (height, width)
        assert np.array_equal(found > 0, measured)
        assert found / CODES_PER_METRE * 1000 == pytest.approx(values, abs=0.02)
    largest = codes(tmp_path / "out" / "img64x48" / "scan9_depth_map_0000_x48.png")
    assert 0.05 < (largest == 0).mean() < 0.12
    assert 500.25 * 32 in largest


def test_the_lists_are_the_seeds(small, source, tmp_path):
    out = tmp_path / "out"
    made = run(source, out, PyramidOptions(split="image"))
    assert [path.name for path in made.lists] == [
        "train_dtu.csv", "train_dtu_sub.csv", "valid_dtu.csv", "valid_dtu_sub.csv"
    ]  # fmt: skip
    head, *training = rows_of(out / "train_dtu.csv")
    _, *validating = rows_of(out / "valid_dtu.csv")
    assert head[:4] == ["", "image_4x3_path", "image_4x3_filename", "image_4x3_dim"]
    assert head[13:] == ["image_64x48_path", "image_64x48_filename", "image_64x48_dim"]
    assert [int(row[0]) for row in validating] == eighty_twenty(10)[1]
    assert [int(row[0]) for row in training] == eighty_twenty(10)[0]
    by_number = {int(row[0]): row for row in training + validating}
    assert by_number[0][2] == "scan10_depth_map_0000_x3.png"
    assert by_number[9][14] == "scan9_depth_map_0001_x48.png"
    for row in by_number.values():
        assert row[3::3] == ["3x4", "6x8", "12x16", "24x32", "48x64"]
        for path, name in zip(row[1::3], row[2::3], strict=True):
            assert Path(path).is_absolute()
            assert Path(path).name == name
            assert Path(path).is_file()


def test_short_lists_are_the_first_rows(small, source, tmp_path, monkeypatch):
    monkeypatch.setattr(make, "_SUB", {"train": 3, "valid": 1})
    run(source, tmp_path / "out")
    for name, rows in (("train", 3), ("valid", 1)):
        whole, short = (rows_of(tmp_path / "out" / f"{name}_dtu{e}.csv") for e in ("", "_sub"))
        assert short == whole[: 1 + rows]


def test_usually_whole_scans_are_held_out(small, source, tmp_path):
    made = run(source, tmp_path / "out")
    assert (made.training, made.validating) == (8, 2)
    said = json.loads((tmp_path / "out" / "split.json").read_text())
    (held_out,) = said["validation_scans"]
    names = [row[2] for row in rows_of(tmp_path / "out" / "train_dtu.csv")]
    assert not any(name.startswith(f"{held_out}_") for name in names)
    assert run(source, tmp_path / "out", PyramidOptions(split="image")).kept == 10
    assert json.loads((tmp_path / "out" / "split.json").read_text())["split"] == "image"


def test_big_and_little_endian_maps_are_one(small, tmp_path):
    for order, name in (("<", "one"), (">", "other")):
        put_pfm(tmp_path / name / "scan1" / "a.pfm", depth_rows(), order=order)
        run(tmp_path / name, tmp_path / f"{name}-out")
    picture = "img64x48/scan1_a_x48.png"
    assert (tmp_path / "one-out" / picture).read_bytes() == (
        tmp_path / "other-out" / picture
    ).read_bytes()


def test_it_goes_on_where_it_was(small, source, tmp_path):
    run(source, tmp_path / "whole")
    expected = contents(tmp_path / "whole")
    broken = source / "scan9" / "depth_map_0001.pfm"
    content = broken.read_bytes()
    broken.write_bytes(content[:1000])
    with pytest.raises(PictureError, match=r"scan9/depth_map_0001\.pfm: .*cut off|truncated|bytes"):
        run(source, tmp_path / "parts")
    assert not (tmp_path / "parts" / "train_dtu.csv").exists()
    broken.write_bytes(content)
    (tmp_path / "parts" / "img8x6" / "scan2_depth_map_0000_x6.png").unlink()
    assert run(source, tmp_path / "parts").kept == 8
    found = contents(tmp_path / "parts")
    pictures = [name for name in expected if name.endswith((".png", ".json"))]
    assert {name: found[name] for name in pictures} == {n: expected[n] for n in pictures}
    assert found.keys() == expected.keys()


def test_another_form_needs_another_folder(small, source, tmp_path):
    run(source, tmp_path / "out")
    with pytest.raises(OutputError, match=r"was begun with resize 'area', not 'nearest'"):
        run(source, tmp_path / "out", PyramidOptions(resize="nearest"))
    with pytest.raises(OutputError, match=r"was begun with bits 16, not 8"):
        run(source, tmp_path / "out", PyramidOptions(seed_form=True))
    with pytest.raises(UsageError, match=r"a way of its own to shrink"):
        run(source, tmp_path / "new", PyramidOptions(seed_form=True, resize="nearest"))


def test_nothing_fails_silently(small, source, tmp_path):
    assert "scan9_old" in run(source, tmp_path / "out").notes[0]
    assert "10 maps are not 1600x1200" in run(source, tmp_path / "out2").notes[1]
    with pytest.raises(UsageError, match=r"is not a folder"):
        run(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(UsageError, match=r"holds no scan"):
        run(source / "scan1", tmp_path / "out")
    put_pfm(source / "scan1" / "depth_map_0000.new.pfm", depth_rows())
    with pytest.raises(UsageError, match=r"would give pictures of one name"):
        run(source, tmp_path / "out")
    (source / "scan7").mkdir()
    with pytest.raises(UsageError, match=r"scan7 holds no PFM file"):
        run(source, tmp_path / "out")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.zeros((60, 80), np.float32), "nothing was measured"),
        (np.full((60, 80), 5000.0, np.float32), r"goes as far as 5\.000 m"),
    ],
)
def test_maps_of_no_use_are_named(small, tmp_path, rows, words):
    put_pfm(tmp_path / "raw" / "scan1" / "depth_map_0000.pfm", rows)
    with pytest.raises(SuperfineError, match=rf"scan1/depth_map_0000\.pfm.*{words}"):
        run(tmp_path / "raw", tmp_path / "out")


def test_the_seeds_pictures_are_written_at_their_sizes(tmp_path, capfd):
    put_pfm(tmp_path / "raw" / "scan4" / "depth_map_0048.pfm", depth_rows(width=1600, height=1200))
    out = tmp_path / "out"
    assert main(["data", "dtu", str(tmp_path / "raw"), str(out), "--seed-form"]) == 0
    stdout, stderr = capfd.readouterr()
    assert stdout.splitlines()[0] == str(out / "train_dtu.csv")
    assert stderr == (
        "superfine: 1 maps at five sizes, 0 for training and 1 for validation, by scene.\n"
    )
    for (width, height), expected in zip(
        SIZES, seed_levels(depth_rows(width=1600, height=1200)), strict=True
    ):
        picture = Image.open(out / f"img{width}x{height}" / f"scan4_depth_map_0048_x{height}.png")
        assert picture.mode == "L"
        assert np.array_equal(np.asarray(picture), expected)


def test_the_command_explains_itself(tmp_path, capfd):
    assert main(["data", "dtu", str(tmp_path), str(tmp_path / "out")]) == 2
    assert "holds no scan" in capfd.readouterr().err
    assert main(["data", "dtu", "a", "b", "--split", "person"]) == 2
    assert "scene" in capfd.readouterr().err
