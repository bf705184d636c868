"""Kills a training run at random moments and lets the same command go on until it is done.

    python -m tests.training.kills KILLS [SEED]

prints what `make kill-training` promises: the log and the weights of a run that was killed KILLS
times, beside one that was not, for 0, 1 and 2 workers.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from superfine.training.checkpoint import found_in

# 3 pictures of 40x44, patches of 24x24 HR: 17 * 21 * 3 places, so that 4 * 300 samples cross an
# epoch; plateau and clipping so that every kind of state is carried over.
RECIPE = """
network: {network}
scale: 2
data: {{kind: pictures, folders: [{photos}]}}
validate: {{sets: [{photos}], every: 45}}
patch: 12
batch: 4
steps: {steps}
optimiser: {{kind: {optimiser}, learning_rate: 1e-3}}
schedule: {{kind: plateau, patience: 1, factor: 0.5, warm_up: 20}}
clip: {{kind: norm, at: 1.0}}
loss: [{{kind: mse}}, {{kind: ssim, weight: 0.01}}]
log_every: 7
checkpoint_every: 20
keep: 2
"""


def make_desk(
    folder: Path, *, network: str = "espcn", optimiser: str = "adam", steps: int = 400
) -> Path:
    """A folder of photos and a recipe for it; returns the recipe."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(3):
        y, x = np.mgrid[:40, :44]
        waves = 0.5 + 0.25 * np.sin(x / (2 + i)) * np.cos(y / 3) + 0.25 * (x > 3 * y)
        noise = rng.normal(0, 0.01, (40, 44, 3))
        codes = 255 * np.clip(waves[..., None] * [1, 0.8, 0.6] + noise, 0, 1)
        PillowImage.fromarray(codes.astype(np.uint8)).save(photos / f"{i}.png")
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        RECIPE.format(photos=photos, network=network, optimiser=optimiser, steps=steps)
    )
    return recipe


def command(recipe: Path, out: Path, *, workers: int = 0) -> list[str]:
    """The command of a run."""
    return [
        sys.executable, "-m", "superfine", "train", str(recipe), "-o", str(out),
        "--workers", str(workers), "--progress", "none", "--no-tensorboard", "--device", "cpu",
    ]  # fmt: skip


def log_of(out: Path) -> list[dict[str, object]]:
    """The log without what depends on the machine and the hour."""
    lines = (out / "log.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [{k: v for k, v in record.items() if k != "machine"} for record in records]


def weights_of(out: Path) -> dict[str, bytes]:
    """Every weight file, and the last checkpoint."""
    found = {path.name: path.read_bytes() for path in sorted(out.glob("*.safetensors"))}
    last = found_in(out / "checkpoints")[-1]
    return found | {path.name: path.read_bytes() for path in sorted(last.iterdir())}


def run_whole(recipe: Path, out: Path) -> None:
    """Runs without a kill."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command(recipe, out), env=environment, check=True, capture_output=True)


def run_with_kills(
    recipe: Path, out: Path, *, kills: int, seed: int, lines: int, workers: int = 0
) -> int:
    """Runs to the end, killed `kills` times on the way; returns how often a kill hit a live run.

    A kill comes a few random milliseconds after the log has grown to a random length below
    `lines`, what the log of a whole run has: a kill while Python still starts tests nothing.
    """
    draw = random.Random(seed)
    hit = 0
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for length in sorted(draw.sample(range(1, lines), kills)):
        process = subprocess.Popen(
            command(recipe, out, workers=workers),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # A log as long from the run before is cut to its checkpoint first, unless that is enough.
        started = _length(out)
        while process.poll() is None and (_length(out) < length or _length(out) == started):
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.05))
        if process.poll() is None:
            hit += 1
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(
        command(recipe, out, workers=workers), env=environment, check=True, capture_output=True
    )
    return hit


def _length(out: Path) -> int:
    log = out / "log.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def main() -> None:
    """Prints the figures."""
    kills = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        recipe = make_desk(root, steps=2000)
        run_whole(recipe, root / "whole")
        whole = log_of(root / "whole")
        for workers in (0, 1, 2):
            out = root / f"killed-{workers}"
            hit = run_with_kills(
                recipe, out, kills=kills, seed=seed + workers, lines=len(whole), workers=workers
            )
            same_log = log_of(out) == whole
            same_weights = weights_of(out) == weights_of(root / "whole")
            print(  # noqa: T201
                f"{workers} workers: {hit} of {kills} kills hit a live run; "
                f"{len(log_of(out))} lines of the log equal: {same_log}; "
                f"weights and last checkpoint equal: {same_weights}",
                flush=True,
            )
            if not (same_log and same_weights):
                sys.exit(1)


if __name__ == "__main__":
    main()
