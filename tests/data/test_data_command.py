"""`superfine data` as it is typed."""

import json
import re

import numpy as np
import pytest

from superfine.cli import main
from tests.conftest import ROOT

from .drawing import draw, draw_scenes, scene

h5py = pytest.importorskip("h5py")


@pytest.fixture
def run(capfd):
    def command(*arguments):
        code = main(["data", *map(str, arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return command


def test_prepare_takes_several_values_in_a_row_as_the_seed_did(run, tmp_path):
    draw_scenes(tmp_path / "in", 1)
    code, out, err = run(
        "prepare", tmp_path / "in", "--h5", tmp_path / "a.h5", "--width", 12, "--height", 12,
        "--stride", 12, "-uf", 2, 3, "--scales", 1, 0.6, "--rotations", 0, -90, "--flips", 0, 1,
        "--upsampling", "nearest", "antialias", "--single-y", "--seed", 7,
    )  # fmt: skip
    assert code == 0, err
    assert out == f"{tmp_path / 'a.h5'}\n"
    # (15 + 6 patches) x 4 views x 2 kernels at x2; 42 x 60 and 24 x 36 hold as many at x3.
    assert err == "superfine: patches: 168 at x2, 168 at x3, from 1 pictures.\n"
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["upsampling"] == "nearest lanczos3"
        assert file.attrs["rotations"].tolist() == [0, -90]
        assert file["x3/lr"].shape == (168, 4, 4)


def test_prepare_writes_pairs_of_folders(run, tmp_path):
    draw_scenes(tmp_path / "in", 1)
    where = ("--hr", tmp_path / "hr", "--lr", tmp_path / "lr")
    code, out, _ = run("prepare", tmp_path / "in", *where, "--width", 24, "--height", 24)
    assert code == 0
    assert out.split() == [str(tmp_path / "hr"), str(tmp_path / "lr")]
    code, _, err = run("prepare", tmp_path / "in", *where)
    assert code == 2
    assert "E_EXISTS" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "Say where patches go"),
        (["--hr", "a"], "Say where patches go"),
        (["--h5", "a.h5", "--width", "41"], "41 is not a multiple of the upscale factor 2"),
        (["--h5", "a.h5", "--upsampling", "bicubik"], "Did you mean 'bicubic'?"),
        (["--hr", "a", "--lr", "a"], "Give two folders"),
        (["--hr", "a", "--lr", "b", "--levels"], "--levels needs --h5"),
        (["--h5", "no/such/folder/a.h5"], "does not exist"),
    ],
)
def test_wrong_usage_is_said_in_a_line_and_a_hint(run, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    draw_scenes(tmp_path / "in", 1, width=60, height=60)
    code, out, err = run("prepare", "in", *options)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) <= 2
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_every_option_is_explained(run):
    explained = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    for command in ("prepare", "check"):
        code, out, _ = run(command, "--help")
        assert code == 0
        options = set(re.findall(r"--[a-z0-9-]+", out)) - {"--help", "--debug"}
        assert len(options) >= 4
        assert {option for option in options if option not in explained} <= {"--json"}


def test_check_ends_with_zero_or_three(run, tmp_path):
    draw_scenes(tmp_path / "in", 2)
    code, out, _ = run("check", tmp_path / "in")
    assert code == 0
    assert out.splitlines() == ["2 HR pictures", "Nothing was found."]
    draw(tmp_path / "in" / "again.png", scene(1))
    code, out, _ = run("check", tmp_path / "in")
    assert code == 3
    assert "duplicate: 1\n" in out


def test_check_says_everything_in_json(run, tmp_path):
    picture = scene(0, width=96, height=72)
    draw(tmp_path / "hr" / "a.png", picture)
    draw(tmp_path / "lr" / "ax2.png", picture[::2, ::2])
    code, out, _ = run("check", tmp_path / "hr", "--lr", tmp_path / "lr", "--json")
    assert code == 3
    pair, finding, summary = (json.loads(line) for line in out.splitlines())
    assert pair["pair"]["made_by"]["names"] == ["nearest (row 0, column 0 of 2×2)"]
    assert np.allclose([pair["pair"]["shift"][side] for side in ("right", "down")], 0.5, atol=0.11)
    assert finding["finding"]["kind"] == "shifted"
    assert summary["summary"]["findings"] == 1
    assert summary["summary"]["scale"] == 2
