"""Several processes: the same samples and the same loss as one, and all of them end together."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.training.kills import command, log_of, make_desk, run_whole

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def together(recipe: Path, out: Path, processes: int = 2) -> list[str]:
    """The documented command, on a port of its own."""
    launcher = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes),
        "--master-port", str(free_port()), "-m",
    ]  # fmt: skip
    return launcher + command(recipe, out)[2:]


def losses_of(out: Path) -> list[float]:
    return [float(record["loss"]) for record in log_of(out) if record["kind"] == "train"]


def scores_of(out: Path) -> list[float]:
    scored = [record["scores"] for record in log_of(out) if record["kind"] == "score"]
    return [found["photos"]["x2"]["psnr"] for found in scored]


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path):
    recipe = make_desk(tmp_path, steps=60)
    run_whole(recipe, tmp_path / "one")
    done = subprocess.run(
        together(recipe, tmp_path / "two"), env=ENVIRONMENT, capture_output=True, text=True,
        check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "two" / "espcn-x2.safetensors")]
    assert losses_of(tmp_path / "two") == pytest.approx(losses_of(tmp_path / "one"), abs=1e-6)
    assert scores_of(tmp_path / "two") == pytest.approx(scores_of(tmp_path / "one"), abs=1e-3)
    (launch,) = (tmp_path / "two" / "launches.jsonl").read_text().splitlines()
    assert json.loads(launch)["processes"] == 2


# As if the interpreter had no occasion to hand its lock to another thread.
GREEDY = """
import sys
from superfine.cli import main
sys.setswitchinterval(1000)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_processes_part_when_no_thread_lets_go_of_pythons_lock(tmp_path):
    """Before the network was given up first, two of five such runs waited for ever at their end."""
    recipe = make_desk(tmp_path, steps=24)
    script = tmp_path / "greedy.py"
    script.write_text(GREEDY)
    for turn in range(2):
        launch = together(recipe, tmp_path / f"two-{turn}")
        end = launch.index("-m", launch.index("--master-port"))
        launch[end : end + 2] = [str(script)]
        done = subprocess.run(launch, env=ENVIRONMENT, capture_output=True, check=False, timeout=90)
        assert done.returncode == 0, done.stderr


def children_of(pid: int) -> list[int]:
    """The processes that `pid` started and that run Python."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


@pytest.mark.slow
def test_when_one_dies_all_end_and_the_run_goes_on(tmp_path):
    """kill -9 of the second process; then one process finishes what two began."""
    recipe = make_desk(tmp_path, steps=1500)
    launcher = subprocess.Popen(
        together(recipe, tmp_path / "two"), env=ENVIRONMENT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    log = tmp_path / "two" / "log.jsonl"
    try:
        while not log.exists() or log.stat().st_size < 4000:
            assert launcher.poll() is None, launcher.stderr.read().decode()
            time.sleep(0.02)
        workers = children_of(launcher.pid)
        assert len(workers) == 2
        os.kill(workers[1], signal.SIGKILL)
        started = time.monotonic()
        launcher.communicate(timeout=60)
        assert time.monotonic() - started < 60
        assert launcher.returncode != 0
        assert not [pid for pid in workers if Path(f"/proc/{pid}/cmdline").exists()]
    finally:
        if launcher.poll() is None:
            os.killpg(launcher.pid, signal.SIGKILL)
            launcher.communicate()
    run_whole(recipe, tmp_path / "one")
    run_whole(recipe, tmp_path / "two")  # goes on alone, from the checkpoint of both
    assert len(log_of(tmp_path / "two")) == len(log_of(tmp_path / "one"))
    # Sums of two processes round apart from those of one, and 1,500 steps carry it on.
    assert losses_of(tmp_path / "two") == pytest.approx(losses_of(tmp_path / "one"), abs=1e-3)
    launches = (tmp_path / "two" / "launches.jsonl").read_text().splitlines()
    assert json.loads(launches[-1])["from_step"] > 0


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    recipe = make_desk(tmp_path, steps=30)
    done = subprocess.run(
        [*together(recipe, tmp_path / "out"), "batch=5"], env=ENVIRONMENT, capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    assert "A batch of 5 cannot be shared evenly by 2 processes" in done.stderr
