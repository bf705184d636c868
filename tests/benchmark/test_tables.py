"""A benchmark as text, and the book of measured figures."""

import csv
import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest

from superfine.benchmark import record, tables
from superfine.benchmark.metric import find_metric
from superfine.benchmark.papers import published_for
from superfine.benchmark.results import Benchmark, Cell, PictureResult
from superfine.errors import OutputError, UsageError

METRICS = {name: find_metric(name) for name in ("psnr", "ssim")}


def cell(model="fsrcnn", psnr=(30.0, 33.0), scale=2, data_set="set5"):
    pictures = tuple(
        PictureResult(f"p{i}", {"psnr": value, "ssim": 0.9}) for i, value in enumerate(psnr)
    )
    return Cell(model, model, "ab", data_set, scale, "y-matlab", "matlab", False, pictures, 1.0, {})


def benchmark(*cells):
    return Benchmark(cells, ("psnr", "ssim"), "2026-01-31T12:00:00Z", "0.1", "c0ffee", "2.13", "m")


def with_published(own):
    return replace(own, published={"psnr": published_for("bicubic", "set5", 2, "psnr")[0]})


def test_the_table_shows_means_beside_published_figures():
    shown = tables.rows(benchmark(with_published(cell("bicubic")), cell("other")), METRICS)
    assert shown == [
        ["model", "set", "scale", "protocol", "PSNR dB", "published", "difference", "SSIM"],
        ["bicubic", "set5", "x2", "y-matlab", "31.50", "33.66", "-2.16", "0.9000"],
        ["other", "set5", "x2", "y-matlab", "31.50", "-", "-", "0.9000"],
    ]


def test_a_self_ensemble_and_a_doubtful_figure_are_marked():
    known = replace(published_for("bicubic", "set5", 2, "psnr")[0], doubtful=True)
    own = replace(cell(), self_ensemble=True, published={"psnr": known})
    row = tables.rows(benchmark(own), METRICS)[1]
    assert (row[0], row[5]) == ("fsrcnn+", "33.66?")


def test_a_figure_of_another_protocol_is_marked():
    own = replace(cell(), protocol="seed-zoo", published=with_published(cell()).published)
    assert tables.rows(benchmark(own), METRICS)[1][5] == "33.66*"
    assert tables.rows(benchmark(with_published(cell())), METRICS)[1][5] == "33.66"


def test_pictures_end_with_their_mean_and_a_missing_number_is_a_dash():
    own = replace(cell(), pictures=(PictureResult("a", {"psnr": math.inf}),))
    assert tables.picture_rows(own, METRICS) == [
        ["picture", "PSNR dB", "SSIM"],
        ["a", "inf", "-"],
        ["mean", "inf", "-"],
    ]


def test_json_holds_everything_and_no_number_json_has_not():
    own = with_published(replace(cell(), pictures=(PictureResult("a", {"psnr": math.inf}),)))
    text = json.dumps(tables.to_json(benchmark(own)), allow_nan=False)
    (told,) = json.loads(text)["cells"]
    assert told["pictures"] == [{"picture": "a", "values": {"psnr": None}}]
    assert told["published"]["psnr"]["printed"] == "33.66"
    assert told["mean"] == {"psnr": None, "ssim": None}
    assert json.loads(text)["commit"] == "c0ffee"


def test_csv_has_a_row_a_picture_and_one_for_the_mean():
    rows = list(csv.DictReader(tables.to_csv(benchmark(with_published(cell()))).splitlines()))
    assert [row["picture"] for row in rows] == ["p0", "p1", "mean"]
    assert (float(rows[2]["psnr"]), rows[2]["published_psnr"]) == (31.5, "33.66")


def test_latex_escapes_names_and_prints_the_best_bold():
    text = tables.to_latex(
        benchmark(cell("a_b&c%#"), cell("x\\y", psnr=(40.0,)), cell("x\\y", data_set="my_set")),
        METRICS,
    )
    assert r"a\_b\&c\%\# & $\times$2 & 31.50 / \textbf{0.9000} & -- \\" in text
    assert r"x\textbackslash{}y & $\times$2 & \textbf{40.00} / \textbf{0.9000} & 31.50 / " in text
    assert text.count("toprule") == text.count("bottomrule") == 1
    assert r"my\_set" in text


def test_the_book_is_begun_once_and_added_to(tmp_path):
    book = tmp_path / "results" / "measured.csv"
    assert record.append(benchmark(cell()), book) == 2
    assert record.append(benchmark(cell(scale=3), cell(scale=4)), book) == 4
    rows = list(csv.DictReader(book.read_text().splitlines()))
    assert tuple(rows[0]) == record.COLUMNS
    assert [(row["scale"], row["metric"]) for row in rows] == [
        (scale, metric) for scale in "234" for metric in ("psnr", "ssim")
    ]
    first = rows[0]
    assert (first["value"], first["pictures"], first["protocol"]) == ("31.500000", "2", "y-matlab")
    assert (first["commit"], first["weights_sha256"]) == ("c0ffee", "ab")


def test_another_table_is_left_alone(tmp_path):
    book = tmp_path / "mine.csv"
    book.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="not a table of measured figures"):
        record.append(benchmark(cell()), book)
    assert book.read_text() == "a,b\n1,2\n"


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        record.append(benchmark(cell()), tmp_path / "file" / "measured.csv")


WRITER = """
import sys
from pathlib import Path
from tests.benchmark.test_tables import benchmark, cell
from superfine.benchmark import record
for _ in range(30):
    record.append(benchmark(*(cell() for _ in range(40))), Path(sys.argv[1]))
"""


def test_processes_that_add_at_once_tear_no_row(tmp_path):
    book = tmp_path / "measured.csv"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(book)]) for _ in range(3)]
    assert [writer.wait(timeout=200) for writer in writers] == [0, 0, 0]
    with book.open(newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 1 + 3 * 30 * 80
    assert {len(row) for row in rows} == {len(record.COLUMNS)}
    assert rows.count(list(record.COLUMNS)) == 1
