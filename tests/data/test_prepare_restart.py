"""A preparation that is killed goes on, ends with the same bytes, and needs no more memory."""

import hashlib
import json
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from superfine.data.prepare.prepare import H5Output, PrepareOptions, prepare
from superfine.errors import DiskFullError, OutputError

from .drawing import draw, draw_scenes, scene
from .preparing import (
    asked,
    code_of,
    make,
    make_and_measure,
    make_on_a_small_disk,
    make_until,
    started,
    to_folders,
    to_h5,
)

pytest.importorskip("h5py")


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def recorded(folder: Path) -> int:
    """How many pictures the record in `folder` says are done; -1 without a record."""
    for record in folder.glob(".*.preparing/progress.jsonl"):
        return record.read_bytes().count(b"\n") - 1
    return -1


@pytest.mark.slow
@pytest.mark.parametrize(("output", "stride"), [(to_h5, 4), (to_folders, 32)])
def test_kills_at_any_moment_change_no_byte(tmp_path, output, stride):
    pictures = draw_scenes(tmp_path / "in", 8)
    options = asked(pictures, stride=stride)
    (tmp_path / "plain").mkdir()
    (tmp_path / "killed").mkdir()

    make(options, output(tmp_path / "plain"))
    rng = np.random.default_rng(0)
    kills = 0
    for pictures_done in (-1, 0, 1, 2, 4, 5, 7, 8):
        process = started(make, options, output(tmp_path / "killed"))
        while process.is_alive() and recorded(tmp_path / "killed") < pictures_done:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        process.kill()
        code = code_of(process)
        assert code in (0, -signal.SIGKILL)
        kills += code != 0
    assert kills >= 6
    left = [path.name for path in (tmp_path / "killed").glob(".*/*")]
    if list((tmp_path / "killed").glob(".*")):
        code = code_of(started(make, options, output(tmp_path / "killed")))
        # A kill amid the clearing up, when the record is gone, leaves what is already finished.
        assert code == 0 or "progress.jsonl" not in left
    assert not list((tmp_path / "killed").glob(".*"))
    assert tree(tmp_path / "killed") == tree(tmp_path / "plain")


def stopped_after(options, output, pictures):
    """Runs until so many pictures are done, then is killed."""
    assert code_of(started(make_until, options, output, pictures)) == -signal.SIGKILL


def test_finished_pictures_are_not_made_again(tmp_path):
    options = asked(draw_scenes(tmp_path / "in", 5))
    stopped_after(options, to_h5(tmp_path), 3)
    made = []
    prepare(options, to_h5(tmp_path), on_progress=lambda *step: made.append(step))
    assert [done for doing, done, _ in made if doing == "Cutting"] == [3, 4]
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out.h5"}


def test_a_line_torn_by_the_kill_is_left_out(tmp_path):
    options = asked(draw_scenes(tmp_path / "in", 5))
    stopped_after(options, to_h5(tmp_path), 3)
    record = tmp_path / ".out.h5.preparing" / "progress.jsonl"
    record.write_bytes(record.read_bytes()[:-4])
    made = []
    prepare(options, to_h5(tmp_path), on_progress=lambda *step: made.append(step))
    assert [done for doing, done, _ in made if doing == "Cutting"] == [2, 3, 4]


def test_after_a_power_cut_only_what_was_on_disk_counts(tmp_path):
    options = asked(draw_scenes(tmp_path / "in", 5))
    stopped_after(options, to_h5(tmp_path), 3)
    record = tmp_path / ".out.h5.preparing" / "progress.jsonl"
    first, *others = record.read_text().splitlines()
    lines = [json.loads(line) | {"boot": "an earlier one"} for line in others]
    for line, synced in zip(lines, (True, False, False), strict=True):
        line["synced"] = synced
    record.write_text("".join(f"{line}\n" for line in [first, *map(json.dumps, lines)]))
    made = []
    prepare(options, to_h5(tmp_path), on_progress=lambda *step: made.append(step))
    assert [done for doing, done, _ in made if doing == "Cutting"] == [1, 2, 3, 4]


@pytest.mark.parametrize("change", ["options", "pictures"])
def test_other_work_does_not_go_on_from_there(tmp_path, change):
    pictures = draw_scenes(tmp_path / "in", 4)
    stopped_after(asked(pictures), to_h5(tmp_path), 2)
    if change == "pictures":
        draw(pictures / "00.png", scene(77))
    options = asked(pictures, padding=1 if change == "options" else 0)
    prepare(options, to_h5(tmp_path), on_progress=lambda *_: None)
    (tmp_path / "plain").mkdir()
    prepare(options, to_h5(tmp_path / "plain"), on_progress=lambda *_: None)
    assert (tmp_path / "out.h5").read_bytes() == (tmp_path / "plain" / "out.h5").read_bytes()


def test_damage_to_the_growing_file_is_found_and_mended(tmp_path):
    options = asked(draw_scenes(tmp_path / "in", 4))
    stopped_after(options, to_h5(tmp_path), 3)
    growing = tmp_path / ".out.h5.preparing" / "patches.h5"
    data = bytearray(growing.read_bytes())
    data[4096:8192] = bytes(x ^ 1 for x in data[4096:8192])
    growing.write_bytes(data)
    with pytest.raises(OutputError) as caught:
        prepare(options, to_h5(tmp_path), on_progress=lambda *_: None)
    assert caught.value.code == "E_VERIFY"
    assert not (tmp_path / "out.h5").exists()
    prepare(options, to_h5(tmp_path), on_progress=lambda *_: None)
    assert (tmp_path / "out.h5").exists()


def test_two_at_a_time_are_kept_apart(tmp_path):
    options = asked(draw_scenes(tmp_path / "in", 2))

    def again(doing, done, total):
        if doing == "Cutting":
            with pytest.raises(OutputError) as caught:
                prepare(options, to_h5(tmp_path), on_progress=lambda *_: None)
            assert caught.value.code == "E_BUSY"

    prepare(options, to_h5(tmp_path), on_progress=again)


def test_a_full_disk_shows_before_the_work_and_leaves_no_file(tmp_path):
    options = asked(draw_scenes(tmp_path / "in", 3))

    process = started(make_on_a_small_disk, options, to_h5(tmp_path))
    assert code_of(process) == DiskFullError.exit_code
    left = [path.name for path in tmp_path.rglob("*") if path.suffix == ".h5"]
    assert left == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_number_of_patches(tmp_path):
    def peak_mib(pictures):
        options = PrepareOptions(
            draw_scenes(tmp_path / f"in{pictures}", pictures, width=100, height=100),
            width=24, height=24, stride=1, upscale_factors=(1,), single_y=True,
        )  # fmt: skip
        target, result = tmp_path / f"{pictures}.h5", tmp_path / "peak"
        output = H5Output(target, overwrite=False)
        assert code_of(started(make_and_measure, options, output, result)) == 0
        return float(result.read_text()), target.stat().st_size / 2**20

    few, small = peak_mib(1)
    many, large = peak_mib(8)
    assert large > 50
    assert large > 7 * small
    assert many < few + 8
