"""Checkpoints: whole or not there, found by looking, and never a pickle."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from superfine.errors import DiskFullError, ModelFileError
from superfine.training import checkpoint
from superfine.training.checkpoint import Checkpoint, clear_up, found_in, newest, read, write


def make(step: int, *, scored: bool = True, size: int = 10) -> Checkpoint:
    tensors = {
        "network": {"w": torch.full((size,), float(step))},
        "optimiser": {"0.step": torch.tensor(3.0)},
    }
    return Checkpoint(step, scored, tensors, {"best": None, "sums": {"mse": 0.1 + 0.2}})


def test_what_is_written_is_read(tmp_path):
    path = write(make(1200), tmp_path)
    assert path.name == "step-00001200"
    found = read(path)
    assert (found.step, found.scored) == (1200, True)
    assert found.state == {"best": None, "sums": {"mse": 0.1 + 0.2}}  # floats to the last bit
    assert torch.equal(found.tensors["network"]["w"], torch.full((10,), 1200.0))
    assert found.tensors["optimiser"]["0.step"].shape == ()
    assert sorted(p.suffix for p in path.iterdir()) == [
        ".json",
        ".json",
        ".safetensors",
        ".safetensors",
    ]


def test_the_newest_is_found_by_looking(tmp_path):
    for step, scored in ((100, True), (200, False), (200, True), (99, True)):
        write(make(step, scored=scored), tmp_path)
    found = newest(tmp_path)
    assert (found.step, found.scored) == (200, True)
    assert newest(tmp_path / "missing") is None


@pytest.mark.parametrize("what", ["truncate", "flip", "remove", "no manifest", "not json"])
def test_a_damaged_one_is_passed_over_and_named_when_asked_for(tmp_path, what):
    write(make(100), tmp_path)
    path = write(make(200), tmp_path)
    victim = path / "network.safetensors"
    if what == "truncate":
        victim.write_bytes(victim.read_bytes()[:-1])
    elif what == "flip":
        data = bytearray(victim.read_bytes())
        data[-3] ^= 1
        victim.write_bytes(data)
    elif what == "remove":
        victim.unlink()
    elif what == "no manifest":
        (path / checkpoint.MANIFEST).unlink()
    else:
        (path / checkpoint.MANIFEST).write_text("{")
    assert newest(tmp_path).step == 100
    with pytest.raises(ModelFileError, match="not a whole checkpoint") as caught:
        read(path)
    assert "\n" not in caught.value.message


def test_the_newest_and_the_best_stay(tmp_path):
    for step in range(100, 800, 100):
        write(make(step), tmp_path)
    write(make(700, scored=False), tmp_path)
    (tmp_path / ".unfinished-step-00000800-1-ab").mkdir()
    clear_up(tmp_path, keep=2, best=300)
    assert [p.name for p in found_in(tmp_path)] == [
        "step-00000300",
        "step-00000600",
        "step-00000700",
    ]
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_writing_the_same_step_again_replaces_it(tmp_path):
    write(make(100), tmp_path)
    write(make(100, size=20), tmp_path)
    assert read(tmp_path / "step-00000100").tensors["network"]["w"].shape == (20,)
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000100"]


def test_a_full_disk_leaves_what_was_there(tmp_path):
    """The file size limit of the system stands for the disk: the write fails in the middle."""
    program = f"""
import resource, signal, sys
from pathlib import Path
from tests.training.test_checkpoint import make, write
write(make(100), Path({str(tmp_path)!r}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    write(make(200, size=100_000), Path({str(tmp_path)!r}))
except Exception as error:
    print(type(error).__name__, error.exit_code)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [DiskFullError.__name__, "6"]
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000100"]
    assert newest(tmp_path).step == 100


SAVER = """
import sys
from pathlib import Path
from superfine.training.checkpoint import clear_up, write
from tests.training.test_checkpoint import make
folder, step = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
while True:
    step += 1
    write(make(step, size=200_000), folder)
    clear_up(folder, keep=2, best=None)
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kills_while_saving_tear_nothing(tmp_path):
    """Ten kills at moments spread over a save; `make kill-saves` does a hundred."""
    torn_after(tmp_path, kills=int(os.environ.get("SUPERFINE_KILLS", "10")))


def torn_after(folder, *, kills: int) -> None:
    last = 0
    for i in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(folder), str(last)], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        time.sleep(0.02 + 0.0137 * (i % 11))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for path in found_in(folder):
            manifest = json.loads((path / checkpoint.MANIFEST).read_bytes())
            assert read(path).step == manifest["step"], "torn under a final name"
        found = newest(folder)
        assert found is not None or last == 0
        last = max(last, found.step if found else 0)
    assert last > kills, "the saver was never let to save"
