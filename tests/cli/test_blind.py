"""`superfine blind` from the command line: what is written, kept, refused, and done again."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from superfine.cli import main
from superfine.demo import PHOTO
from superfine.io import read, write
from superfine.io.kernels import KERNEL_CONVENTIONS, read_kernel, write_kernel
from superfine.ops.codes import to_codes, to_unit
from superfine.ops.degrade import degrade
from superfine.ops.kernel_shapes import anisotropic
from superfine.ops.kernels import covariance
from superfine.types import Image

BLUR = anisotropic(1.9, 1.2, 0.6, scale=2)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    sharp = to_unit(read(PHOTO).pixels)[:, 40:296, 100:356]
    write(Image(to_codes(degrade(sharp, BLUR), torch.uint8)), Path("photo.png"))
    return tmp_path


def run(capfd, *words):
    code = main(["blind", *map(str, words)])
    out, err = capfd.readouterr()
    return code, out, err


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_everything_found_lies_beside_the_result(desk, capfd):
    code, out, err = run(capfd, "photo.png", "-m", "darsr", "--steps", 2)
    stem = "photo.x2.blind-fsrcnn"
    assert (code, out.splitlines()) == (0, [f"{stem}.png"])
    assert names(desk) == sorted([
        "photo.png", f"{stem}.png", f"{stem}.plain.png", f"{stem}.corrected.png",
        f"{stem}.kernel.npy", f"{stem}.kernel.mat", f"{stem}.kernel.png",
        f"{stem}.losses.jsonl", f"{stem}.report.json",
    ])  # fmt: skip
    for kind, side in (("", 256), (".plain", 256), (".corrected", 128)):
        picture = read(Path(f"{stem}{kind}.png"))
        assert (picture.width, picture.height) == (side, side)
    report = json.loads(Path(f"{stem}.report.json").read_text(encoding="utf-8"))
    assert (report["method"], report["steps"]) == ("darsr", 2)
    assert report["residual"]["result"] < report["residual"]["plain"]
    assert report["diagnosis"]["plan"][0]["action"] == "correct-blur"
    losses = [json.loads(x) for x in Path(f"{stem}.losses.jsonl").read_text("utf-8").splitlines()]
    assert [line["number"] for line in losses] == [1, 2]
    assert all(line["losses"] for line in losses)
    kept = KERNEL_CONVENTIONS[0]
    shapes = [
        read_kernel(Path(f"{stem}.kernel.{e}"), scale=2, convention=kept) for e in ("npy", "mat")
    ]
    assert torch.allclose(covariance(shapes[0].values), covariance(shapes[1].values))
    assert "Corrected: " in err


def test_only_the_result_where_that_is_asked(desk, capfd):
    code, out, _ = run(capfd, "photo.png", "-o", "sharp.png", "--only-result", "--json")
    result, summary = map(json.loads, out.splitlines())
    assert (code, names(desk)) == (0, ["photo.png", "sharp.png"])
    assert (result["status"], result["scale"]) == ("ok", 2.0)
    assert summary["summary"]["ok"] == 1


def test_a_kernel_from_a_file_is_taken(desk, capfd):
    write_kernel(BLUR, Path("kernel.mat"))
    code, _, err = run(capfd, "photo.png", "-o", "a.png", "--kernel", "kernel.mat")
    assert code == 0
    assert "Corrected for the kernel that was given." in err
    run(capfd, "photo.png", "-o", "b.png", "--kernel", "kernel.mat", "--kernel-from", "kernelgan")
    one, other = (read(Path(name)).pixels.int() for name in ("a.png", "b.png"))
    assert (one - other).abs().max() <= 1


def test_a_folder_is_not_done_twice_and_a_new_seed_is(desk, capfd):
    (desk / "photos").mkdir()
    for name in ("a", "b"):
        (desk / "photos" / f"{name}.png").write_bytes((desk / "photo.png").read_bytes())
    options = ("photos", "-m", "kernelgan", "--steps", 1, "--only-result", "--json")
    *first, _ = map(json.loads, run(capfd, *options)[1].splitlines())
    *again, _ = map(json.loads, run(capfd, *options)[1].splitlines())
    assert [line["status"] for line in first] == ["ok", "ok"]
    assert [line["status"] for line in again] == ["skipped", "skipped"]
    same = [(desk / "photos-x2-blind-fsrcnn" / f"{name}.png").read_bytes() for name in ("a", "b")]
    assert same[0] == same[1]
    code, out, _ = run(capfd, *options, "--seed", 1, "--overwrite")
    assert code == 0
    assert [json.loads(line)["status"] for line in out.splitlines()[:-1]] == ["ok", "ok"]


def test_nothing_that_exists_is_replaced_unasked(desk, capfd):
    (desk / "out.kernel.npy").write_bytes(b"mine")
    code, _, err = run(capfd, "photo.png", "-o", "out.png")
    assert code == 2
    assert "out.kernel.npy" in err
    assert names(desk) == ["out.kernel.npy", "photo.png"]
    assert (desk / "out.kernel.npy").read_bytes() == b"mine"


def test_a_plan_writes_nothing(desk, capfd):
    code, out, _ = run(capfd, "photo.png", "--dry-run")
    assert code == 0
    assert "photo.x2.blind-fsrcnn.png" in out
    assert names(desk) == ["photo.png"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("photo.png", "-s", 5), "A scale of 5"),
        (("photo.png", "-m", "magic"), "magic"),
        (("photo.png", "--kernel", "none.mat"), "no such file"),
        (("photo.png", "--kernel", "photo.png"), "a kernel is grey"),
        (("photo.png", "--kernel-from", "nobody", "--kernel", "photo.png"), "nobody"),
        (("photo.png", "--budget", "soon"), "soon"),
        (("-",), "standard input"),
        (("none.png",), "none.png"),
        (("photo.png", "--model", "svlrm"), "svlrm"),
    ],
)
def test_what_is_refused_in_one_line(desk, capfd, words, said):
    code, out, err = run(capfd, *words)
    assert code in (2, 5)
    assert out == ""
    assert said in err
    assert "Traceback" not in err
    assert names(desk) == ["photo.png"]


@pytest.mark.slow
def test_a_signal_keeps_what_was_learned_and_begins_no_other_picture(desk):
    (desk / "photos").mkdir()
    for name in ("a", "b"):
        (desk / "photos" / f"{name}.png").write_bytes((desk / "photo.png").read_bytes())
    command = ["photos", "-m", "darsr", "--steps", "2000", "--progress", "json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "superfine", "blind", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    learning = (line for line in process.stderr if line.startswith("{"))
    assert next(
        share for line in learning if (share := json.loads(line)["progress"]["share"]) > 0.4
    )
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Finishing this picture with what there is" in err
    folder = desk / "photos-x2-blind-fsrcnn"
    report = json.loads((folder / "a.report.json").read_text(encoding="utf-8"))
    assert 0 < report["steps"] < 2000
    assert report["method"] == "darsr"
    assert (folder / "a.png").is_file()
    assert not (folder / "b.png").exists()
    assert out.splitlines() == ["photos-x2-blind-fsrcnn/a.png"]
