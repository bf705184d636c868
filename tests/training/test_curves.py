"""The curves of a run are drawn from its log alone, however odd the log."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from superfine.training.watching.curves import draw_curves


def train_record(step: int, **terms: float) -> dict[str, object]:
    loss = sum(terms.values())
    return {"kind": "train", "step": step, "loss": loss, "terms": terms, "learning_rate": 1e-3}


def score_record(step: int, psnr: float, *sets: str) -> dict[str, object]:
    scores = {name: {"x2": {"psnr": psnr, "ssim": 0.9}} for name in sets}
    return {"kind": "score", "step": step, "scores": scores, "best": True}


def written(folder: Path, records: Iterable[dict[str, object]], torn: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps(r) + "\n" for r in records) + torn, encoding="utf-8")
    return log


def pixels(png: bytes | None) -> NDArray[np.uint8]:
    assert png is not None
    with Image.open(io.BytesIO(png)) as picture:
        return np.array(picture.convert("RGB"))


RECORDS = [train_record(step, mse=1 / step) for step in range(100, 1100, 100)] + [
    score_record(500, 30.0, "Set5"),
    score_record(1000, 31.0, "Set5"),
]


def test_every_set_and_metric_has_a_panel(tmp_path: Path) -> None:
    one = pixels(draw_curves(written(tmp_path / "a", RECORDS)))
    three = pixels(draw_curves(written(tmp_path / "b", [score_record(5, 30.0, "a", "b", "c")])))
    # Loss and learning rate share a row, PSNR and SSIM of each set another.
    assert one.shape[1] == three.shape[1]
    assert three.shape[0] == one.shape[0] * 2


def test_the_curve_lies_where_the_numbers_say(tmp_path: Path) -> None:
    """A learning rate that halves is drawn half as high above zero."""
    records = [
        {**train_record(step, mse=1.0), "learning_rate": 1.0 if step <= 500 else 0.5}
        for step in range(1, 1001)
    ]
    drawn = pixels(draw_curves(written(tmp_path, records)))
    right = drawn[:, drawn.shape[1] // 2 :]
    blue = (np.abs(right.astype(int) - (0x00, 0x72, 0xB2)).sum(-1) < 40).nonzero()
    early = blue[0][blue[1] < np.quantile(blue[1], 0.2)].mean()
    late = blue[0][blue[1] > np.quantile(blue[1], 0.8)].mean()
    black = (right.astype(int).sum(-1) < 60).sum(axis=1)
    axis = len(black) - 1 - black[::-1].argmax()  # the longest dark row: where zero is
    assert (axis - late) / (axis - early) == pytest.approx(0.5, abs=0.02)


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    whole = draw_curves(written(tmp_path / "run", RECORDS))
    torn = draw_curves(written(tmp_path / "run", RECORDS, torn='{"kind": "train", "st'))
    assert whole == torn


def test_a_resumed_run_is_marked(tmp_path: Path) -> None:
    log = written(tmp_path, RECORDS)
    plain, marked = draw_curves(log), draw_curves(log, resumed_at=[400])
    assert pixels(plain).shape == pixels(marked).shape
    assert plain != marked


@pytest.mark.parametrize(
    "records",
    [
        [train_record(100, mse=0.1)],
        [train_record(100, mse=0.0, ssim=-0.5), train_record(200, mse=0.1, ssim=-0.4)],
        [score_record(0, 30.0, "Set5")],
        [train_record(step, mse=1 / step) for step in range(1, 500)],
    ],
    ids=["one", "no logarithm", "no training", "many"],
)
def test_any_log_is_drawn(tmp_path: Path, records: list[dict[str, object]]) -> None:
    drawn = pixels(draw_curves(written(tmp_path, records)))
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 10


def test_names_of_folders_are_no_formulas(tmp_path: Path) -> None:
    """Between dollars matplotlib reads formulas, and refuses broken ones; fonts lack letters."""
    log = written(tmp_path / "a$x^$ 写\udcff", [score_record(1, 30.0, "b$_$")])
    assert pixels(draw_curves(log)).size


def test_an_empty_log_has_no_curves(tmp_path: Path) -> None:
    assert draw_curves(written(tmp_path, [])) is None


def test_without_matplotlib_there_are_no_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert draw_curves(written(tmp_path, RECORDS)) is None
