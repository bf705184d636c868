"""The scripts behind the figures run, on pictures small enough to wait for."""

import importlib.util
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
        f"network: fsrcnn-small\nscale: 2\ndata: {{kind: pictures, folders: [{folder}]}}\n"
        f"validate: {{sets: [{folder}], every: 2}}\npatch: 12\nbatch: 2\nsteps: 4\n"
        "optimiser: {kind: adam, learning_rate: 1e-3}\nschedule: {kind: constant}\n"
    )
    assert main(["train", str(recipe), "-o", str(tmp_path / "run")]) == 0
    weights = Path(capsys.readouterr().out.strip())
    assert weights == tmp_path / "run" / "fsrcnn-small-x2.safetensors"
    PillowImage.fromarray(np.zeros((9, 8, 3), np.uint8)).save(tmp_path / "photo.png")
    assert main(["upscale", str(tmp_path / "photo.png"), "-m", str(weights)]) == 0
    with PillowImage.open(capsys.readouterr().out.strip()) as larger:
        assert larger.size == (16, 18)


def loaded(script: str):
    """A script as a module, so that a test can make it short."""
    spec = importlib.util.spec_from_file_location(script, ROOT / "bench" / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[script] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_training_step_is_compared_with_a_bare_one(monkeypatch):
    script = loaded("training_step")
    monkeypatch.setattr(script, "PAIRS", 3)
    monkeypatch.setattr(script, "BLOCK_SECONDS", 0.02)
    ratios = script.measure("espcn")
    assert len(ratios) == 3
    assert all(0.2 < ratio < 5 for ratio in ratios)


def test_every_setting_steps():
    script = loaded("training_settings")
    script.CASES["espcn"] = (8, 2)
    for setting in script.SETTINGS:
        assert script.seconds(script.stepper("espcn", setting), 2) > 0


def test_samples_are_timed(monkeypatch):
    script = loaded("training_data")
    monkeypatch.setattr(script, "TURNS", 2)
    source = script.source()

    def work(batch):
        source.batch(np.arange(batch * 8, batch * 8 + 8, dtype=np.uint64), 2)

    assert script.rate(work, 8, 2) > 100


def test_the_memory_of_a_run_is_told():
    lines = printed("training_memory.py", "40").splitlines()
    assert [line.split()[1] for line in lines] == [str(step) for step in range(4, 41, 4)]
    assert all(float(line.split()[2]) > 50 for line in lines)
