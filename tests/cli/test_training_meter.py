"""What a training run shows while it lasts, in each style."""

from __future__ import annotations

import json
import os
import pty
import re
import time
from collections.abc import Callable, Sequence

import pytest
from torch import nn

from superfine.cli.progress import ProgressStyle
from superfine.cli.training_meter import score_line, training_meter
from superfine.training.watching.watcher import Beginning, Record, Watcher


def train_record(step: int) -> Record:
    return {
        "kind": "train",
        "step": step,
        "loss": 1.23e-3,
        "terms": {"mse": 1.23e-3},
        "learning_rate": 1e-3,
        "machine": {"seconds": 1.5, "samples_per_second": 12905.2, "memory_mb": 1410},
    }


def score_record(step: int, psnr: float = 36.1, *, best: bool = False) -> Record:
    set5 = {"x2": {"psnr": psnr, "ssim": 0.95123}, "x3": {"psnr": 32.0, "ssim": 0.9}}
    scores = {"Set5": set5, "Set14": {"x2": {"psnr": 32.1, "ssim": 0.9}}}
    return {"kind": "score", "step": step, "scores": scores, "best": best}


def beginning(step: int = 0, past: Sequence[Record] = ()) -> Beginning:
    return Beginning("fsrcnn-x2", "", step, 2000, 16, past, nn.Identity(), ())


def play(meter: Watcher) -> None:
    """A short run, from the beginning to the end."""
    meter.say("Hello.")
    meter.begin(beginning())
    for step in range(1, 1001):
        meter.step(step)
        if step % 500 == 0:
            meter.record(train_record(step))
    meter.record(score_record(1000, best=True))
    meter.step(1001)
    meter.say("Bye.")
    meter.end()


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], str]:
    """What a function shows on a terminal 80 columns wide, control sequences included."""

    def shown(action: Callable[[], None]) -> str:
        ours, theirs = pty.openpty()
        with monkeypatch.context() as patch, os.fdopen(theirs, "w") as screen:
            for name, value in (("TERM", "xterm"), ("COLUMNS", "80"), ("LINES", "24")):
                patch.setenv(name, value)
            patch.setattr("sys.stderr", screen)
            action()
        seen = b""
        try:
            while piece := os.read(ours, 4096):
                seen += piece
        except OSError:  # how Linux says that the other side has gone
            pass
        os.close(ours)
        return seen.decode()

    return shown


# What is said


def test_a_score_is_one_line_with_every_set_and_scale() -> None:
    assert score_line(score_record(1500, best=True)) == (
        "step 1,500: Set5 x2 36.10 dB, SSIM 0.9512; Set5 x3 32.00 dB, SSIM 0.9000; "
        "Set14 x2 32.10 dB, SSIM 0.9000; the best so far"
    )


def test_a_score_names_its_protocol() -> None:
    record = {**score_record(5), "protocol": "y-rgb"}
    assert score_line(record).startswith("step 5 (y-rgb): Set5 x2 36.10 dB")


def test_a_score_of_depth_is_in_its_own_words() -> None:
    record = {"kind": "score", "step": 5, "scores": {"m": {"x8": {"rmse": 2.5, "mae": 0.51}}}}
    assert score_line(record) == "step 5: m x8 RMSE 2.500, MAE 0.5100"


def test_names_cannot_act_on_the_terminal() -> None:
    record = {"kind": "score", "step": 5, "scores": {"\x1b[31m": {"x2": {"psnr": 30.0}}}}
    assert "\x1b" not in score_line(record)


# The styles


def test_nothing_moves_outside_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    for style in ("auto", "bar", "plain"):
        play(training_meter(style))
        captured = capfd.readouterr()
        assert captured.out == ""
        assert captured.err.splitlines() == [
            "Hello.",
            score_line(score_record(1000, best=True)),
            "Bye.",
        ]


def test_plain_says_how_far_it_is_every_now_and_then(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    meter = training_meter("plain")
    meter.begin(beginning(500))
    for step in range(501, 581):
        now += 0.25
        if step == 520:
            meter.record(train_record(step))
        if step == 560:
            meter.record(score_record(step))
        meter.step(step)
    # 0.25 s for each of the 1460 and 1420 steps that are left.
    assert capfd.readouterr().err.splitlines() == [
        "step 540 of 2,000, 27 %, 0:06:05 left, loss 1.230e-03, 12,905 samples/s, 1,410 MiB",
        score_line(score_record(560)),
        "step 580 of 2,000, 29 %, 0:05:55 left, loss 1.230e-03, "
        "Set5 x2 36.10 dB, x3 32.00 dB, 12,905 samples/s, 1,410 MiB",
    ]


def test_json_is_the_log_and_the_length_of_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    meter = training_meter("json")
    meter.begin(beginning())
    meter.step(500)
    meter.record(train_record(500))
    meter.record(score_record(500))
    meter.end()
    assert [json.loads(line) for line in capfd.readouterr().err.splitlines()] == [
        {"v": 1, "progress": {"steps": 2000, **train_record(500)}},
        {"v": 1, "progress": {"steps": 2000, **score_record(500)}},
    ]


def test_none_shows_messages_only(capfd: pytest.CaptureFixture[str]) -> None:
    play(training_meter("none"))
    assert capfd.readouterr().err == "Hello.\nBye.\n"


@pytest.mark.parametrize("style", ["auto", "bar"])
def test_a_bar_shows_the_last_figures_and_goes_away(
    style: ProgressStyle, on_a_terminal: Callable[[Callable[[], None]], str]
) -> None:
    seen = on_a_terminal(lambda: play(training_meter(style)))
    assert "fsrcnn-x2" in seen
    assert "━━━" in seen
    assert re.search(r"step 1,00[01] of 2,000, 50 %, \d:\d\d:\d\d left", seen)
    figures = "loss 1.230e-03  Set5 x2 36.10 dB, x3 32.00 dB  12,905 samples/s  1,410 MiB"
    assert figures in seen
    # A line longer than the screen is not broken, so that it can be copied.
    assert score_line(score_record(1000, best=True)) in seen
    assert seen.index("Hello.") < seen.index("━━━") < seen.index("Bye.")
    after = seen.rpartition("\x1b[?25h")  # the cursor is back
    assert after[1]
    assert "fsrcnn" not in after[2]


def test_a_bar_that_goes_on_shows_the_last_score(
    on_a_terminal: Callable[[Callable[[], None]], str],
) -> None:
    def resumed() -> None:
        meter = training_meter("bar")
        meter.begin(beginning(500, [score_record(400), train_record(500)]))
        meter.end()

    seen = on_a_terminal(resumed)
    assert "step 500 of 2,000, 25 %" in seen
    assert "left" not in seen  # nothing is known about the speed yet
    assert "loss 1.230e-03  Set5 x2 36.10 dB, x3 32.00 dB" in seen


def test_a_run_that_fails_before_it_begins_leaves_the_terminal_alone(
    on_a_terminal: Callable[[Callable[[], None]], str],
) -> None:
    def failing() -> None:
        meter = training_meter("bar")
        meter.say("No data.")
        meter.end()

    assert on_a_terminal(failing) == "No data.\r\n"


def test_a_step_costs_next_to_nothing(
    on_a_terminal: Callable[[Callable[[], None]], str], capfd: pytest.CaptureFixture[str]
) -> None:
    """Less than 1 % of a run of 1000 steps a second; measured: 0.1 microseconds."""
    costs = []

    def run(style: ProgressStyle) -> None:
        meter = training_meter(style)
        meter.begin(beginning())
        started = time.process_time()
        for step in range(20_000):
            meter.step(step)
        costs.append((time.process_time() - started) / 20_000)
        meter.end()

    for style in ("plain", "json", "none"):
        run(style)
    on_a_terminal(lambda: run("bar"))
    assert max(costs) < 1e-5
