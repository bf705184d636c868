"""`superfine diagnose`: words, JSON, folders with a bad file in them, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from superfine.cli import main
from superfine.demo import PHOTO


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    Image.open(PHOTO).save("photo.png")
    return tmp_path


def run(capfd, *words):
    code = main(["diagnose", *map(str, words)])
    out, err = capfd.readouterr()
    return code, out, err


def test_a_picture_is_told_in_words_with_a_plan(desk, capfd):
    code, out, err = run(capfd, "photo.png")
    first, *lines = out.splitlines()
    assert (code, first, err) == (0, "photo.png", "")
    assert lines[0] == "  480x360 pixels, for x2"
    assert [line.split(":")[0].strip() for line in lines[1:6]] == [
        "blur", "noise", "JPEG", "enlarged before", "sampling",
    ]  # fmt: skip
    assert lines[6].startswith("  1. ")
    assert sorted(path.name for path in desk.iterdir()) == ["photo.png"]


def test_a_jpeg_is_asked_for_its_own_tables(desk, capfd):
    Image.open("photo.png").convert("RGB").save("photo.jpg", quality=60)
    code, out, _ = run(capfd, "photo.jpg", "--json")
    found = json.loads(out)
    assert (code, found["v"], found["status"], found["input"]) == (0, 1, "ok", "photo.jpg")
    assert (found["jpeg"]["quality"], found["jpeg"]["from_file"]) == (60, True)
    assert found["plan"][0]["action"] == "undo-jpeg"
    assert not found["blur"]["trusted"]


def test_noise_is_measured_and_the_plan_names_it(desk, capfd):
    codes = np.asarray(Image.open("photo.png").convert("RGB")).astype(float)
    noisy = codes + np.random.default_rng(0).normal(0, 12, codes.shape)
    Image.fromarray(noisy.clip(0, 255).round().astype(np.uint8)).save("noisy.png")
    _, out, _ = run(capfd, "noisy.png", "--json")
    found = json.loads(out)
    assert found["noise_sigma"] == pytest.approx(12, abs=1.5)
    assert "denoise" in [step["action"] for step in found["plan"]]


def test_a_larger_picture_of_the_scene_tells_where_samples_lie(desk, capfd):
    whole = np.asarray(Image.open("photo.png").convert("L")).astype(float)
    mean = whole.reshape(180, 2, 240, 2).mean(axis=(1, 3))
    Image.fromarray(mean.round().astype(np.uint8)).save("half.png")
    _, out, _ = run(capfd, "half.png", "--reference", "photo.png", "--json")
    phase = json.loads(out)["phase"]
    assert abs(phase["rows"]) < 0.5
    assert abs(phase["columns"]) < 0.5


def test_a_bad_file_does_not_stop_a_folder(desk, capfd):
    (desk / "photos").mkdir()
    Image.open("photo.png").save("photos/b.png")
    (desk / "photos" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    code, out, err = run(capfd, "photos", "--json")
    bad, good = map(json.loads, out.splitlines())
    assert code == 3
    assert (bad["status"], good["status"]) == ("failed", "ok")
    assert bad["code"] in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none.png",), 2, "none.png: There is no such file"),
        (("photo.png", "-s", "5"), 2, "--scale 5 is none of 2, 3 and 4"),
        (("photo.png", "photo.png", "--reference", "photo.png"), 2, "there are 2 pictures"),
        (("empty",), 2, "There is no picture in empty"),
        (("photo.png", "--max-megapixels", "0.1"), 2, "photo.png: The picture has 480×360 pixels"),
    ],
)
def test_what_is_refused_in_one_line(desk, capfd, words, code, said):
    (desk / "empty").mkdir()
    found, out, err = run(capfd, *words)
    assert (found, out) == (code, "")
    assert said in err
    assert len(err.splitlines()) <= 2
