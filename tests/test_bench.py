"""The scripts behind the figures run, on pictures small enough to wait for."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from superfine.cli import main
from superfine.demo import PHOTO
from tests.conftest import ROOT


def printed(script: str, *arguments: str | Path) -> str:
    command = [sys.executable, str(ROOT / "bench" / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def photos(folder: Path) -> Path:
    """One crop of the bundled photo."""
    folder.mkdir(parents=True)
    with PillowImage.open(PHOTO) as photo:
        photo.crop((100, 100, 172, 160)).save(folder / "a.png")
    return folder


@pytest.mark.slow
def test_the_quality_table_has_a_line_for_everything(tmp_path):
    for name in ("Set5", "Set14", "B100"):
        photos(tmp_path / name)
    lines = printed("quality.py", tmp_path).splitlines()
    assert len(lines) == 2 * 3 + 3
    figures = {line.split("|")[1].strip(): re.findall(r"(\d+\.\d{3}) /", line) for line in lines}
    assert all(len(values) == 3 for values in figures.values())
    for scale in (2, 3, 4):
        ours, bicubic = (figures[n] for n in (f"fsrcnn-x{scale}", f"bicubic x{scale}, y-matlab"))
        assert float(ours[0]) > float(bicubic[0])


@pytest.mark.slow
def test_the_memory_of_the_whole_command_is_measured(tmp_path):
    line = printed("upscale_memory.py", PHOTO, tmp_path, "--megapixels", "0.3").splitlines()[-1]
    found = re.search(r"peak (\d+) MiB, model (\d+) MiB, above it (-?\d+) MiB", line)
    assert found
    peak, model, above = map(int, found.groups())
    assert abs(peak - model - above) <= 1
    assert peak > 100
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_memory_of_reading_and_writing_is_measured(tmp_path):
    out = printed(
        "picture_memory.py", PHOTO, tmp_path, "--read-megapixels", "1", "--write-megapixels", "1"
    )
    assert len(re.findall(r"^(?:read|write) +\.\w+ 1 MP: +-?\d+ MiB above", out, re.MULTILINE)) >= 4


def test_the_train_command_makes_weights_that_load(tmp_path, capsys):
    folder = photos(tmp_path / "photos")
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(
        f"network: fsrcnn-small\nscale: 2\ntrain: [{folder}]\nvalidate_on: {folder}\n"
        "patch: 12\nbatch: 2\nsteps: 4\nlearning_rate: 1.0e-3\nvalidate_every: 2\n"
    )
    assert main(["train", str(recipe), "-o", str(tmp_path / "run")]) == 0
    weights = Path(capsys.readouterr().out.strip())
    assert weights == tmp_path / "run" / "fsrcnn-small-x2.safetensors"
    PillowImage.fromarray(np.zeros((9, 8, 3), np.uint8)).save(tmp_path / "photo.png")
    assert main(["upscale", str(tmp_path / "photo.png"), "-m", str(weights)]) == 0
    with PillowImage.open(capsys.readouterr().out.strip()) as larger:
        assert larger.size == (16, 18)
