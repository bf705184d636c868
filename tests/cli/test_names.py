"""What results are called and which outputs are refused."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from .conftest import Run, draw, names_in, size_of, tree_hash


def test_result_of_one_picture_lies_beside_it(upscale: Run, tmp_path: Path) -> None:
    outcome = upscale(draw(tmp_path / "photo.jpg"))
    assert outcome.code == 0
    assert outcome.paths == [tmp_path / "photo.x4.bicubic.png"]
    assert size_of(outcome.paths[0]) == (32, 24)
    assert outcome.err == ""


@pytest.mark.parametrize(
    ("options", "name", "size"),
    [
        (["-s", "2"], "photo.x2.bicubic.png", (16, 12)),
        (["-s", "2.5"], "photo.x2.5.bicubic.png", (20, 15)),
        (["--size", "80x60"], "photo.80x60.bicubic.png", (80, 60)),
        (["--size", "80x"], "photo.80x.bicubic.png", (80, 60)),
        (["--size", "x30"], "photo.x30.bicubic.png", (40, 30)),
        (["--ext", "auto"], "photo.x4.bicubic.jpg", (32, 24)),
        (["--ext", "webp"], "photo.x4.bicubic.webp", (32, 24)),
        (["--ext", "tif"], "photo.x4.bicubic.tif", (32, 24)),
    ],
)
def test_name_and_size_follow_the_options(
    upscale: Run, tmp_path: Path, options: list[str], name: str, size: tuple[int, int]
) -> None:
    outcome = upscale(draw(tmp_path / "photo.jpg"), *options)
    assert outcome.paths == [tmp_path / name]
    assert size_of(tmp_path / name) == size


def test_output_may_name_a_file_or_a_folder(upscale: Run, tmp_path: Path) -> None:
    photo = draw(tmp_path / "photo.jpg")
    assert upscale(photo, "-o", tmp_path / "big.png").paths == [tmp_path / "big.png"]
    made = upscale(photo, "-o", f"{tmp_path}/new/").paths
    assert made == [tmp_path / "new" / "photo.x4.bicubic.png"]
    assert names_in(tmp_path / "new") == {"photo.x4.bicubic.png"}


def test_folder_gives_the_same_tree(upscale: Run, tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg", "sub/deep/c.png", ".hidden.png", "notes.txt"):
        draw(tmp_path / "in" / name)
    outcome = upscale(tmp_path / "in", "--recursive")
    assert outcome.code == 0
    assert names_in(tmp_path / "in-x4-bicubic") == {
        "a.png", "b.png", "sub/deep/c.png", "superfine-manifest.jsonl",
    }  # fmt: skip
    assert "1 file left out" in outcome.err


def test_folders_inside_are_left_out_with_a_word_unless_recursive(
    upscale: Run, tmp_path: Path
) -> None:
    draw(tmp_path / "in" / "a.png")
    draw(tmp_path / "in" / "sub" / "b.png")
    outcome = upscale(tmp_path / "in")
    assert outcome.paths == [tmp_path / "in-x4-bicubic" / "a.png"]
    assert "1 folder inside left out; --recursive" in outcome.err


def test_dry_run_writes_nothing(upscale: Run, tmp_path: Path) -> None:
    draw(tmp_path / "in" / "a.png")
    outcome = upscale(tmp_path / "in", "--dry-run")
    assert (outcome.code, outcome.paths) == (0, [tmp_path / "in-x4-bicubic" / "a.png"])
    assert names_in(tmp_path) == {"in/a.png"}


@pytest.mark.parametrize(
    "pair",
    [
        ("a.png", "a.jpg"),
        ("a.png", "A.jpg"),
        (unicodedata.normalize("NFC", "é.png"), unicodedata.normalize("NFD", "é.jpg")),
    ],
)
def test_results_that_share_a_name_are_refused_before_the_first_picture(
    upscale: Run, tmp_path: Path, pair: tuple[str, str]
) -> None:
    for name in ("0.png", *pair):
        draw(tmp_path / "in" / name)
    outcome = upscale(tmp_path / "in")
    assert outcome.code == 2
    assert "E_COLLISION" in outcome.err
    assert not (tmp_path / "in-x4-bicubic").exists()


def test_formats_that_stay_apart_do_not_collide(upscale: Run, tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        draw(tmp_path / "in" / name)
    assert upscale(tmp_path / "in", "--ext", "auto").code == 0


@pytest.mark.parametrize("how", ["same name", "hard link", "through a link"])
def test_an_input_is_never_an_output(upscale: Run, tmp_path: Path, how: str) -> None:
    photo = draw(tmp_path / "photo.png")
    target = photo
    if how == "hard link":
        target = tmp_path / "other.png"
        os.link(photo, target)
    if how == "through a link":
        (tmp_path / "link").symlink_to(tmp_path)
        target = tmp_path / "link" / "photo.png"
    before = tree_hash(tmp_path)
    outcome = upscale(photo, "-o", target, "--overwrite")
    assert (outcome.code, tree_hash(tmp_path)) == (2, before)
    assert "E_COLLISION" in outcome.err


def test_results_inside_the_input_folder_are_never_read_again(upscale: Run, tmp_path: Path) -> None:
    draw(tmp_path / "in" / "a.png")
    for _ in range(2):
        outcome = upscale(tmp_path / "in", "-r", "-o", tmp_path / "in" / "large")
        assert outcome.paths == [tmp_path / "in" / "large" / "a.png"]
    outcome = upscale(tmp_path / "in", "-r", "-s", "2", "-o", tmp_path / "in" / "small")
    assert outcome.paths == [tmp_path / "in" / "small" / "a.png"]


def test_existing_files_are_kept_unless_asked(upscale: Run, tmp_path: Path) -> None:
    photo = draw(tmp_path / "photo.png")
    result = tmp_path / "photo.x4.bicubic.png"
    result.write_bytes(b"mine")
    outcome = upscale(photo)
    assert (outcome.code, result.read_bytes()) == (2, b"mine")
    assert "(E_EXISTS). Nothing was written.\n  Give --overwrite" in outcome.err
    assert upscale(photo, "--overwrite").code == 0
    assert size_of(result) == (32, 24)


def test_strange_names_survive(
    upscale: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["日本 🐟.png", "new\nline.png", "-dash.png", "esc\x1b[31m.png", "-"]
    for name in names:
        draw(Path(name))
    if sys.platform == "linux":
        names.append(os.fsdecode(b"latin-\xe9.png"))
        draw(Path(names[-1]))
    outcome = upscale("-o", "out", "--", *(f"./{name}" for name in names))
    assert outcome.code == 0, outcome.err
    made = {name.replace(".png", "") + ".x4.bicubic.png" for name in names}
    assert names_in(Path("out")) == {*made, "superfine-manifest.jsonl"}
    outcome = upscale("--", "-dash.png", "esc\x1b[31m.png")
    assert outcome.code == 0
    assert "\x1b" not in upscale("--", "-dash.png", "esc\x1b[31m.png").err


def test_unusual_things_in_a_folder_are_passed_over(upscale: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    draw(folder / "a.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "device.png").symlink_to("/dev/zero")
    (folder / "loop").symlink_to(folder)
    (folder / "gone.png").symlink_to("nowhere")
    (folder / "folder.png").mkdir()
    outcome = upscale(folder, "-r")
    assert outcome.code == 0
    assert outcome.paths == [tmp_path / "in-x4-bicubic" / "a.png"]
    for name in ("pipe.png", "device.png", "gone.png"):
        assert f"{name}: skipped" in outcome.err


def test_read_only_output_folder_is_one_clear_error(upscale: Run, tmp_path: Path) -> None:
    draw(tmp_path / "in" / "a.png")
    # /proc refuses new folders to everybody, the superuser who may run the tests included.
    outcome = upscale(tmp_path / "in", "-o", "/proc/superfine-out")
    assert outcome.code == 2
    assert "E_OUTPUT" in outcome.err
    assert "Traceback" not in outcome.err
