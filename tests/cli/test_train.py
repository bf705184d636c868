"""`superfine train` as people run it: real processes, stopped, killed, and out of room."""

import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from superfine.training.checkpoint import found_in, newest
from tests.cli.conftest import Run
from tests.training.kills import (
    command,
    log_of,
    make_desk,
    run_whole,
    run_with_kills,
    weights_of,
)

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def started(recipe: Path, out: Path) -> subprocess.Popen:
    return subprocess.Popen(
        command(recipe, out),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_checkpoint(process: subprocess.Popen, out: Path) -> None:
    while not found_in(out / "checkpoints"):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)


def test_a_run_leaves_its_folder_and_says_where_the_weights_are(run: Run, tmp_path: Path) -> None:
    recipe = make_desk(tmp_path, steps=50)
    out = tmp_path / "out"
    outcome = run("train", recipe, "optimiser.learning_rate=2e-3", "-o", out, "--progress", "plain")
    assert outcome.code == 0, outcome.err
    assert outcome.paths == [out / "espcn-x2.safetensors"]
    assert "photos x2" in outcome.err
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in (out / "samples").iterdir()) == [
        "step-00000045-photos-x2.png",
        "step-00000050-photos-x2.png",
    ]
    assert list((out / "tensorboard").rglob("events.out.tfevents.*"))
    assert "learning_rate: 0.002" in (out / "recipe.yaml").read_text()
    again = run("train", recipe, "optimiser.learning_rate=2e-3", "-o", out)
    assert (again.code, again.paths) == (0, outcome.paths)


def test_the_usual_folder_and_the_data_folder(run: Run, tmp_path: Path, monkeypatch) -> None:
    recipe = make_desk(tmp_path, steps=20)
    recipe.write_text(recipe.read_text().replace(f"{tmp_path}/", ""))
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")
    outcome = run("train", recipe, "--data", tmp_path, "--progress", "none", "--no-tensorboard")
    assert outcome.code == 0, outcome.err
    assert outcome.paths == [Path("runs/recipe/espcn-x2.safetensors")]
    monkeypatch.setenv("SUPERFINE_DATA", str(tmp_path))
    assert run("train", recipe, "--progress", "none", "--no-tensorboard").code == 0
    assert run("train", recipe, "--data", tmp_path / "desk", "-o", "new").code == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["steps=x"], "steps"),
        (["optimiser.learnin_rate=1"], "Did you mean 'optimiser.learning_rate'"),
        (["scale=7"], "scale"),
        (["batch=100000"], "100000 patches are asked for"),
        (["--resume", "/nowhere/step-1"], "not a whole checkpoint"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_line(
    run: Run, tmp_path: Path, changes: list[str], message: str
) -> None:
    outcome = run("train", make_desk(tmp_path), *changes, "-o", tmp_path / "out")
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.glob("out/*.safetensors"))


def test_a_run_that_diverges_says_where(run: Run, tmp_path: Path) -> None:
    recipe = make_desk(tmp_path, optimiser="sgd")
    outcome = run(
        "train", recipe, "optimiser.learning_rate=1e20", "clip=null", "-o", tmp_path / "out",
        "--no-tensorboard",
    )  # fmt: skip
    assert outcome.code == 2
    assert "(E_DIVERGED)" in outcome.err
    assert "The loss is no number at step" in outcome.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_ends(tmp_path: Path, number: int, code: int) -> None:
    recipe = make_desk(tmp_path, steps=100_000)
    out = tmp_path / "out"
    process = started(recipe, out)
    wait_for_checkpoint(process, out)
    before = newest(out / "checkpoints")
    asked = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - asked < 10
    assert process.returncode == code
    assert "the same command goes on" in err
    saved = newest(out / "checkpoints")
    assert before is not None
    assert saved is not None
    assert saved.step >= before.step
    assert f"Stopped after step {saved.step} of 100000" in err


def test_a_full_disk_ends_the_run_and_spoils_nothing(tmp_path: Path) -> None:
    """The largest size of a file, lowered while the run goes on, stands for a disk that fills."""
    recipe = make_desk(tmp_path, steps=300)
    run_whole(recipe, tmp_path / "whole")
    out = tmp_path / "out"
    process = started(recipe, out)
    wait_for_checkpoint(process, out)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (90_000, 90_000))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 6, err
    assert "There is no room for the output" in err
    assert "(E_DISK_FULL)" in err
    assert "Traceback" not in err
    saved = newest(out / "checkpoints")
    assert saved is not None
    assert not [path for path in (out / "checkpoints").iterdir() if path.name.startswith(".")]
    run_whole(recipe, out)
    assert log_of(out) == log_of(tmp_path / "whole")
    assert weights_of(out) == weights_of(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_kills_change_nothing(tmp_path: Path, workers: int) -> None:
    """Three here; `make kill-training` does twenty for each number of workers."""
    recipe = make_desk(tmp_path, steps=300)
    run_whole(recipe, tmp_path / "whole")
    out, lines = tmp_path / "killed", len(log_of(tmp_path / "whole"))
    hit = run_with_kills(recipe, out, kills=3, seed=workers, lines=lines, workers=workers)
    assert hit == 3
    assert log_of(out) == log_of(tmp_path / "whole")
    assert weights_of(out) == weights_of(tmp_path / "whole")
    launches = (out / "launches.jsonl").read_text().splitlines()
    assert len(launches) == 4
    assert json.loads(launches[-1])["from_step"] > 0
