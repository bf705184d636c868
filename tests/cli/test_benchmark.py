"""`superfine benchmark`."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image as PillowImage

from superfine.data.folders import read_all
from superfine.metrics import psnr
from superfine.ops.resize import imresize_uint8
from tests.benchmark.desk import make_set

from .conftest import Run, names_in


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_set(tmp_path / "photos")


def test_a_table_on_standard_output_and_the_protocol_beside_it(run: Run, photos: Path) -> None:
    outcome = run("benchmark", "bicubic", "fsrcnn", "--data", photos, "-s", "2,3")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["model", "set", "scale", "protocol", "PSNR", "dB", "SSIM"]
    assert [line.split()[:3] for line in lines[1:]] == [
        [model, "photos", scale] for model in ("bicubic", "fsrcnn") for scale in ("x2", "x3")
    ]
    assert "y-matlab: The papers' tables" in outcome.err


def test_the_means_are_written_down_unless_told_not_to(run: Run, photos: Path) -> None:
    run("benchmark", "bicubic", "--data", photos, "-s", "2", "--no-record")
    assert not Path("results").exists()
    run("benchmark", "bicubic", "--data", photos, "-s", "2")
    run("benchmark", "fsrcnn", "--data", photos, "-s", "2", "--record", "mine.csv")
    with Path("results/measured.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["model"], row["metric"]) for row in rows] == [
        ("bicubic", "psnr"), ("bicubic", "ssim"),
    ]  # fmt: skip
    assert "fsrcnn" in Path("mine.csv").read_text()


def test_pictures_json_csv_and_latex(run: Run, photos: Path) -> None:
    given = ("benchmark", "bicubic", "--data", photos, "-s", "2", "--no-record")
    assert run(*given, "--pictures").out.splitlines()[1].split()[:2] == ["picture", "PSNR"]
    told = json.loads(run(*given, "--json").out)
    assert [p["picture"] for p in told["cells"][0]["pictures"]] == ["0", "1", "2"]
    rows = list(csv.DictReader(run(*given, "--csv").out.splitlines()))
    assert [row["picture"] for row in rows] == ["0", "1", "2", "mean"]
    assert run(*given, "--latex").out.splitlines()[-1] == r"\end{tabular}"


def test_somebodys_results_are_scored_and_their_figure_explained(run: Run, tmp_path: Path) -> None:
    """Results saved as RGB pictures, and the PSNR of their RGB claimed."""
    photos = make_set(tmp_path / "photos", count=4)
    (photos / "0.png").unlink()
    theirs, figures = tmp_path / "theirs", []
    theirs.mkdir()
    for index, whole in enumerate(read_all([photos]), start=1):
        hr = whole[:, :48, :60]
        sr = imresize_uint8(imresize_uint8(hr, scale=1 / 2), scale=2)
        PillowImage.fromarray(sr.permute(1, 2, 0).numpy()).save(theirs / f"{index}_x2_SR.png")
        inner = (..., slice(2, -2), slice(2, -2))
        figures.append(psnr(sr[inner].double(), hr[inner].double(), data_range=255.0))
    claimed = f"{float(torch.stack(figures).mean()):.2f}"
    outcome = run(
        "benchmark", "--outputs", theirs, "--data", photos, "-s", "2", "--claimed", claimed,
        "--no-record",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[1].split()[:3] == ["theirs", "photos", "x2"]
    assert f"Verdict: theirs, photos, x2: {claimed} is RGB" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Give either models or --outputs"),
        (("fsrcnn", "--outputs", "photos"), "Give either models or --outputs"),
        (("fsrcnn", "--claimed", "36.21"), "--claimed and --as belong to --outputs"),
        (("--outputs", "photos", "--data", "photos/"), "--scale takes exactly one"),
        (("--outputs", "photos", "--data", "a/,b/", "-s", "2"), "--data takes exactly one"),
        (("fsrcnn", "-s", "two"), "'two' is no list of scales"),
        (("fsrcnn", "--data", "photos/,"), "names nothing"),
        (("fsrcnn", "--json", "--csv"), "Several of --json, --csv and --latex"),
        (("fsrcnn", "--metrics", "psnr,pnsr", "--data", "photos/"), "Did you mean 'psnr'"),
        (("fsrcnn", "--data", "nowhere/"), "is not a folder"),
        (("fsrcn", "--data", "photos/"), "Did you mean 'fsrcnn'"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_2(
    run: Run, photos: Path, arguments: tuple[str, ...], said: str
) -> None:
    before = names_in(photos.parent)
    outcome = run("benchmark", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.strip().splitlines()) <= 2
    assert names_in(photos.parent) == before


def test_a_set_that_is_not_here_says_how_to_get_it(run: Run, tmp_path: Path) -> None:
    outcome = run("benchmark", "bicubic", "--data", "urban100", "--root", tmp_path)
    assert outcome.code == 2
    assert "superfine data get urban100" in outcome.err


def test_a_broken_picture_ends_it_with_its_name(run: Run, photos: Path) -> None:
    (photos / "1.png").write_bytes((photos / "1.png").read_bytes()[:200])
    outcome = run("benchmark", "bicubic", "--data", photos, "-s", "2", "--no-record")
    assert outcome.code == 2
    assert "1.png" in outcome.err


def test_ctrl_c_ends_it_without_a_traceback(photos: Path) -> None:
    big = make_set(photos.parent / "big", count=60, width=640, height=480)
    process = subprocess.Popen(
        [sys.executable, "-m", "superfine", "benchmark", "fsrcnn", "--data", f"{big}/"],
        stderr=subprocess.PIPE,
    )
    time.sleep(8)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, err = process.communicate(timeout=100)
    assert process.returncode == 130
    assert time.monotonic() - started < 20
    assert b"Traceback" not in err
    assert not (photos.parent / "results").exists()


def test_a_depth_protocol_measures_depth_maps(run: Run, tmp_path: Path) -> None:
    from tests.benchmark.test_depth_suite import make_set

    folder = make_set(tmp_path / "walls")
    record = tmp_path / "measured.csv"
    outcome = run(
        "benchmark", "guided-filter", "--data", folder, "--protocol", "registered-bicubic",
        "-s", "4", "--record", record,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert "edge RMSE" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["bicubic", "guided-filter"]
    assert len(record.read_text().splitlines()) == 1 + 2 * 6 - 1  # bicubic has no residual
    refused = run("benchmark", "nearest", "--protocol", "direct-last", "--self-ensemble")
    assert refused.code == 2
    assert "for pictures" in refused.err
