"""Streams, exit codes and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from superfine.checkpoints import Card, save
from superfine.models import find

from .conftest import Run, draw, draw_many, names_in, size_of

RESULT_KEYS = {
    "v", "input", "output", "status", "code", "message", "hint", "notes", "scale", "model",
    "width", "height", "ms",
}  # fmt: skip
SUMMARY_KEYS = {
    "ok", "skipped", "failed", "passed", "total", "seconds", "interrupted", "error", "exit_code",
}  # fmt: skip


def test_one_bad_file_among_two_hundred_costs_one_result(upscale: Run, tmp_path: Path) -> None:
    folder = draw_many(tmp_path / "in", 199)
    (folder / "0100b.png").write_text("not a picture")
    outcome = upscale(folder)
    out = tmp_path / "in-x4-bicubic"
    assert outcome.code == 3
    assert len(outcome.paths) == len(list(out.glob("*.png"))) == 199
    assert "0100b.png: " in outcome.err
    assert "(E_FORMAT). Nothing was written." in outcome.err
    assert "Traceback" not in outcome.err
    failures = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert [(f["input"], f["code"]) for f in failures] == [("0100b.png", "E_FORMAT")]

    (folder / "0100b.png").unlink()
    draw(folder / "0100b.png")
    outcome = upscale(folder, "--json")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert [x["input"] for x in lines[:-1] if x["status"] == "ok"] == [str(folder / "0100b.png")]
    assert lines[-1]["summary"]["skipped"] == 199
    assert not (out / "failures.jsonl").exists()


def test_json_has_a_line_for_each_file_and_a_summary(upscale: Run, tmp_path: Path) -> None:
    folder = draw_many(tmp_path / "in", 2)
    (folder / "bad.png").write_bytes(b"")
    outcome = upscale(folder, "--json", "-s", "3")
    *results, last = [json.loads(line) for line in outcome.out.splitlines()]
    assert all(set(result) == RESULT_KEYS for result in results)
    assert [result["status"] for result in results] == ["ok", "ok", "failed"]
    assert results[0]["output"] == str(tmp_path / "in-x3-bicubic" / "0000.png")
    assert (results[0]["width"], results[0]["height"], results[0]["scale"]) == (24, 18, 3)
    assert results[2]["code"] == "E_EMPTY"
    assert set(last) == {"v", "summary"}
    assert set(last["summary"]) == SUMMARY_KEYS
    assert (last["summary"]["ok"], last["summary"]["failed"]) == (2, 1)
    assert last["summary"]["exit_code"] == outcome.code == 3


def test_json_says_why_there_was_no_job(run: Run, tmp_path: Path) -> None:
    outcome = run("upscale", draw(tmp_path / "a.png"), "-m", "bicubi", "--json")
    summary = json.loads(outcome.out)["summary"]
    assert summary["error"]["code"] == "E_UNKNOWN_NAME"
    assert summary["exit_code"] == outcome.code == 2
    assert "Did you mean 'bicubic'?" in outcome.err


def test_all_failed_is_four_and_one_file_keeps_its_own_code(upscale: Run, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"no")
    assert upscale(tmp_path / "a.png", tmp_path / "b.png").code == 4
    assert upscale(tmp_path / "a.png").code == 2
    assert upscale(tmp_path / "nothing.png").code == 2


def test_unsafe_model_is_five(run: Run, tmp_path: Path) -> None:
    evil = tmp_path / "evil.pth"
    evil.write_bytes(b"\x80\x04cposix\nsystem\n(S'touch pwned'\ntR.")
    outcome = run("upscale", draw(tmp_path / "a.png"), "-m", evil)
    assert outcome.code == 5
    assert "E_UNSAFE_MODEL" in outcome.err


def test_full_disk_is_six_and_ends_the_job(
    upscale: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from superfine.errors import DiskFullError
    from superfine.jobs.picture import Enlarger

    def full(*_: object) -> None:
        raise DiskFullError("There is no room for the output.", hint="Free some.")

    monkeypatch.setattr(Enlarger, "make", full)
    outcome = upscale(draw_many(tmp_path / "in", 3))
    assert outcome.code == 6
    assert outcome.err.count("E_DISK_FULL") == 1


def test_a_bug_is_one_line_and_its_traceback_with_debug(
    upscale: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from superfine.jobs.picture import Enlarger

    def broken(*_: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(Enlarger, "make", broken)
    photo = draw(tmp_path / "a.png")
    outcome = upscale(photo)
    assert outcome.code == 1
    assert "RuntimeError: surprise (E_BUG)" in outcome.err
    assert "--debug" in outcome.err
    assert "Traceback" not in outcome.err
    assert "Traceback" in upscale(photo, "--debug").err


def test_memory_that_runs_out_is_six(
    upscale: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from superfine.jobs.picture import Enlarger

    def greedy(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Enlarger, "make", greedy)
    outcome = upscale(draw(tmp_path / "a.png"))
    assert outcome.code == 6
    assert "E_MEMORY" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["upscale"], "Missing argument"),
        (["upscale", "a.png", "--scal", "2"], "Did you mean --scale?"),
        (["upscal", "a.png"], "Did you mean 'upscale'?"),
        (["upscale", "a.png", "-s", "2", "--size", "9x9"], "Both --scale and --size"),
        (["upscale", "a.png", "-s", "0"], "out of range"),
        (["upscale", "a.png", "-s", "nan"], "out of range"),
        (["upscale", "a.png", "--size", "9by9"], "is no size"),
        (["upscale", "a.png", "--size", "x"], "holds no pixel"),
        (["upscale", "a.png", "--tile", "big"], "is no tile size"),
        (["upscale", "a.png", "--tile", "0"], "too small"),
        (["upscale", "a.png", "-q", "-v"], "Both --quiet and --verbose"),
        (["upscale", "a.png", "--progress", "loud"], "'auto', 'bar', 'plain'"),
        (["upscale", "a.png", "-m", "bicubic", "--ext", "jpq"], "Did you mean '.jpg'?"),
        (["upscale", "a.png", "-m", "bicubic", "-o", "b"], "b.png for a file or b/ for a folder"),
        (["upscale", "a.png", "-m", "bicubic", "-o", "b.jpg", "--ext", "png"], "but --ext says"),
        (["upscale", "-", "a.png", "-m", "bicubic"], "cannot be mixed"),
        (["upscale", "a.png", "-m", "bicubic", "-d", "gpu"], "The device 'gpu' cannot be used"),
        (["upscale", "/", "-m", "bicubic", "-o", "-"], "takes one picture"),
    ],
)
def test_usage_errors_are_one_line_and_exit_two(run: Run, arguments: list[str], words: str) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert words in outcome.err
    assert len(outcome.err.splitlines()) <= 2


def test_empty_folder_is_an_error(upscale: Run, tmp_path: Path) -> None:
    outcome = upscale(tmp_path)
    assert outcome.code == 2
    assert "There is no picture in" in outcome.err


def test_quiet_keeps_paths_and_errors_only(upscale: Run, tmp_path: Path) -> None:
    folder = draw_many(tmp_path / "in", 1)
    (folder / "notes.txt").write_text("")
    (folder / "bad.png").write_bytes(b"")
    outcome = upscale(folder, "-q")
    assert len(outcome.paths) == 1
    assert all("bad.png" in line or line.startswith("  ") for line in outcome.err.splitlines())


def test_plain_and_json_progress_go_to_standard_error(
    upscale: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superfine.cli.progress._PLAIN_EVERY", 0.0)
    monkeypatch.setattr("superfine.cli.progress._JSON_EVERY", 0.0)
    folder = draw_many(tmp_path / "in", 2)
    plain = upscale(folder, "--progress", "bar")  # no bar outside a terminal
    assert "1 of 2 done, 50 %" in plain.err
    assert "\x1b" not in plain.err
    as_json = upscale(folder, "--progress", "json", "-o", tmp_path / "other")
    first = next(line for line in as_json.err.splitlines() if line.startswith("{"))
    assert json.loads(first)["progress"]["total"] == 2


def test_model_may_be_a_file_and_names_the_result(run: Run, tmp_path: Path) -> None:
    weights = tmp_path / "mine.safetensors"
    save(find("espcn").build(2), Card("espcn", 2, "y"), weights)
    outcome = run("upscale", draw(tmp_path / "a.png"), "-m", weights)
    assert outcome.paths == [tmp_path / "a.x2.mine.png"]
    assert size_of(outcome.paths[0]) == (16, 12)
    outcome = run("upscale", tmp_path / "a.png", "-m", weights, "-s", "3")
    assert size_of(outcome.paths[0]) == (24, 18)
    assert "bicubic does the rest" in outcome.err


def test_tiles_and_self_ensemble_are_passed_on(run: Run, tmp_path: Path) -> None:
    weights = tmp_path / "mine.safetensors"
    # Chance weights put a sample on the edge between two codes once in a while.
    torch.manual_seed(0)
    save(find("espcn").build(2), Card("espcn", 2, "y"), weights)
    photo = draw(tmp_path / "a.png", width=40, height=30)
    results = []
    for name, options in (
        ("whole", ["-t", "64"]),
        ("tiled", ["-t", "8"]),
        ("views", ["--self-ensemble"]),
    ):
        outcome = run("upscale", photo, "-m", weights, "-o", tmp_path / f"{name}.bmp", *options)
        results.append(outcome.paths[0].read_bytes())
    assert results[0] == results[1] != results[2]


def test_results_are_the_same_bytes_every_time(upscale: Run, tmp_path: Path) -> None:
    photo = draw(tmp_path / "a.png", width=33, height=21)
    made = [upscale(photo, "-o", tmp_path / f"{i}.png").paths[0].read_bytes() for i in range(3)]
    assert len(set(made)) == 1
    assert names_in(tmp_path) == {"a.png", "0.png", "1.png", "2.png"}


def test_the_limit_can_be_lowered_and_raised(upscale: Run, tmp_path: Path) -> None:
    photo = draw(tmp_path / "photo.png", width=120, height=100)  # 0.012 megapixels
    outcome = upscale(photo, "--max-megapixels", "0.01")
    assert outcome.code == 2
    assert "120×100 pixels, 12,000 in all; the limit is 10,000 (E_LIMIT)" in outcome.err
    assert "--max-megapixels" in outcome.err
    assert upscale(photo, "--max-megapixels", "0.012").code == 0
    assert upscale(photo, "--max-megapixels", "-1").code == 2


def test_an_option_can_come_from_the_environment(
    upscale: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERFINE_UPSCALE_SCALE", "3")
    photo = draw(tmp_path / "photo.png")
    assert upscale(photo).paths == [tmp_path / "photo.x3.bicubic.png"]
    assert upscale(photo, "-s", "2").paths == [tmp_path / "photo.x2.bicubic.png"]
