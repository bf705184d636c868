"""Which pictures a second run of the same job makes again."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from superfine.jobs.prepare import prepare
from superfine.jobs.request import Request, Size
from superfine.jobs.results import FileResult, Summary
from superfine.jobs.run import run


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for index, name in enumerate(("a.png", "b.png", "c.png")):
        codes = np.random.default_rng(index).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(codes).save(folder / name)
    return folder


def upscale(folder: Path, **options: object) -> tuple[Summary, dict[str, str]]:
    """The summary, and the status or the code for each input."""
    results: list[FileResult] = []
    request = Request(
        [str(folder)], output=str(folder.parent / "out"), model="bicubic", **options  # type: ignore[arg-type]
    )  # fmt: skip
    summary = run(prepare(request), on_result=results.append, on_progress=lambda _: None)
    return summary, {r.planned.label: r.code or r.status for r in results}


def test_a_second_run_makes_nothing(pictures: Path) -> None:
    assert upscale(pictures)[1] == dict.fromkeys(("a.png", "b.png", "c.png"), "ok")
    assert upscale(pictures)[1] == dict.fromkeys(("a.png", "b.png", "c.png"), "skipped")
    assert upscale(pictures, overwrite=True)[1]["a.png"] == "skipped"


def test_tiles_and_device_make_no_new_job(pictures: Path) -> None:
    upscale(pictures)
    summary, _ = upscale(pictures, tile=4, device="cpu")
    assert (summary.ok, summary.skipped) == (0, 3)


def test_a_touched_input_is_the_same_and_a_changed_one_is_not(pictures: Path) -> None:
    upscale(pictures)
    os.utime(pictures / "a.png", ns=(1, 1))
    (pictures / "b.png").write_bytes((pictures / "c.png").read_bytes())
    expected = {"a.png": "skipped", "b.png": "E_EXISTS", "c.png": "skipped"}
    assert upscale(pictures)[1] == expected
    assert upscale(pictures, overwrite=True)[1] == {**expected, "b.png": "ok"}


def test_a_missing_result_is_made_again_and_a_changed_one_is_kept(pictures: Path) -> None:
    upscale(pictures)
    out = pictures.parent / "out"
    (out / "a.png").unlink()
    (out / "b.png").write_bytes(b"mine")
    expected = {"a.png": "ok", "b.png": "E_EXISTS", "c.png": "skipped"}
    assert upscale(pictures)[1] == expected
    assert (out / "b.png").read_bytes() == b"mine"


@pytest.mark.parametrize(
    "options", [{"scale": 2.0}, {"size": Size(20, None)}, {"self_ensemble": True}]
)
def test_other_options_are_another_job(pictures: Path, options: dict[str, object]) -> None:
    upscale(pictures)
    assert set(upscale(pictures, **options)[1].values()) == {"E_EXISTS"}
    summary, _ = upscale(pictures, **options, overwrite=True)
    assert summary.ok == 3


def test_an_input_that_changes_while_it_is_read_gives_no_result(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from superfine.jobs.picture import Enlarger

    make = Enlarger.make

    def meddled(self: Enlarger, source: Path, *rest: object) -> object:
        made = make(self, source, *rest)  # type: ignore[arg-type]
        os.utime(source, ns=(7, 7))
        return made

    monkeypatch.setattr(Enlarger, "make", meddled)
    summary, results = upscale(pictures)
    assert set(results.values()) == {"E_VANISHED"}
    assert summary.exit_code == 4
    assert not list((pictures.parent / "out").glob("*.png"))


def test_an_interrupt_between_pictures_ends_the_job_cleanly(pictures: Path) -> None:
    def stop(result: FileResult) -> None:
        if result.planned.label == "b.png":
            raise KeyboardInterrupt

    request = Request([str(pictures)], output=str(pictures.parent / "out"), model="bicubic")
    summary = run(prepare(request), on_result=stop, on_progress=lambda _: None)
    assert (summary.interrupted, summary.ok, summary.total) == (True, 1, 3)
    assert upscale(pictures)[0].ok == 1
