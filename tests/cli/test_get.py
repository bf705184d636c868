"""Weights of other people come when they are asked for, and only then."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from superfine import elsewhere
from superfine.card import shipped_cards
from superfine.elsewhere import PUBLIC, PublicWeights, cache_folder
from superfine.errors import UsageError
from superfine.io import fetch as fetching
from superfine.models import ZOO, find
from superfine.purposes import PURPOSES
from tests.io import shelf as s
from tests.io.shelf import Shelf, opened

from .conftest import Run, draw, names_in, size_of

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUPERFINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """A server that has the weights of a small network as somebody else would share them."""
    torch.manual_seed(0)
    path = tmp_path / "made.pth"
    torch.save(find("espcn").build(2).state_dict(), path)
    with opened(path.read_bytes()) as served:
        yield served


@pytest.fixture
def entry(shelf: Shelf, cache: Path, monkeypatch: pytest.MonkeyPatch) -> PublicWeights:
    """Their entry in the list, which holds nothing else."""
    entry = PublicWeights(
        name="somebodys-x2",
        file="weights_x2.pth",
        url=shelf.url,
        sha256=shelf.wanted().sha256,
        size=shelf.wanted().size,
        licence="MIT",
        what="tests",
        scale=2,
        network="ESPCN",
        paper="Somebody: Something, 2020",
    )
    monkeypatch.setattr(elsewhere, "PUBLIC", (entry,))
    monkeypatch.setattr(fetching, "Patience", lambda: QUICK)
    return entry


QUICK = fetching.Patience(timeout=5, attempts=3, pause=0.01)


def test_fetched_weights_are_found_by_their_name(
    run: Run, entry: PublicWeights, cache: Path, tmp_path: Path
) -> None:
    done = run("models", "get", "somebodys-x2")
    assert (done.code, done.paths) == (0, [cache / "weights_x2.pth"])
    assert "MIT; Somebody: Something, 2020" in done.err
    assert entry.url in done.err
    assert "superfine upscale photo.jpg -m somebodys-x2" in done.err
    picture = draw(tmp_path / "photo.png")
    assert run("upscale", picture, "-m", "somebodys-x2", "-o", tmp_path / "out.png").code == 0
    assert size_of(tmp_path / "out.png") == (16, 12)
    assert names_in(cache) == {"weights_x2.pth"}


def test_nothing_is_downloaded_unasked(
    run: Run, entry: PublicWeights, shelf: Shelf, cache: Path, tmp_path: Path
) -> None:
    done = run("upscale", draw(tmp_path / "photo.png"), "-m", "somebodys-x2")
    assert done.code == 2
    assert "Fetch them: superfine models get somebodys-x2\n" in done.err
    assert run("models", "get", "--list").code == 0
    assert (shelf.requests, cache.exists()) == ([], False)


def test_what_is_here_is_looked_over_and_left(run: Run, entry: PublicWeights, shelf: Shelf) -> None:
    first = run("models", "get", "somebodys-x2")
    again = run("models", "get", "somebodys-x2")
    assert (again.code, again.out) == (0, first.out)
    assert len(shelf.requests) == 1
    path = first.paths[0]
    path.write_bytes(path.read_bytes()[:-1])
    damaged = run("models", "get", "somebodys-x2")
    assert damaged.code == 2
    assert "E_EXISTS" in damaged.err
    assert "Remove it" in damaged.err


def test_the_same_command_goes_on(run: Run, entry: PublicWeights, shelf: Shelf) -> None:
    shelf.plan = [s.cut_after(9_000)] * 3
    failed = run("models", "get", "somebodys-x2")
    assert (failed.code, failed.out) == (7, "")
    assert "somebodys-x2: the line ended after 9,000 of" in failed.err
    assert "27,000 bytes are kept, and the same command goes on from there" in failed.err
    assert run("models", "get", "somebodys-x2").code == 0
    assert shelf.sent == len(shelf.content)


def test_lies_are_refused(run: Run, entry: PublicWeights, shelf: Shelf, cache: Path) -> None:
    shelf.plan = [s.sending(bytes(len(shelf.content)))]
    done = run("models", "get", "somebodys-x2")
    assert (done.code, done.out, names_in(cache)) == (5, "", set())
    assert "E_HASH" in done.err


@pytest.mark.parametrize("lies", ["weights_x2.pth", "renamed.bin"])
def test_the_file_can_be_brought_along(
    run: Run, entry: PublicWeights, shelf: Shelf, tmp_path: Path, cache: Path, lies: str
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / lies).write_bytes(shelf.content)
    in_folder = run("models", "get", "somebodys-x2", "--from", stick)
    if lies == "renamed.bin":
        assert in_folder.code == 2
        assert "holds no file weights_x2.pth" in in_folder.err
        assert run("models", "get", "somebodys-x2", "--from", stick / lies).code == 0
    else:
        assert in_folder.code == 0
    assert (cache / "weights_x2.pth").read_bytes() == shelf.content
    assert shelf.requests == []


def test_another_file_brought_along_is_refused(
    run: Run, entry: PublicWeights, tmp_path: Path, cache: Path
) -> None:
    (tmp_path / "other.pth").write_bytes(b"other")
    done = run("models", "get", "somebodys-x2", "--from", tmp_path / "other.pth")
    assert (done.code, names_in(cache)) == (5, set())
    assert "it has 5 bytes, not" in done.err
    assert run("models", "get", "somebodys-x2", "--from", tmp_path / "nothing.pth").code == 2


def test_another_folder_can_be_chosen(
    run: Run, entry: PublicWeights, tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "my weights"
    done = run("models", "get", "somebodys-x2", "--to", folder, "--json")
    values = json.loads(done.out)
    assert values["path"] == str(folder / "weights_x2.pth")
    assert values["sha256"] == entry.sha256
    assert not cache.exists()
    picture = draw(tmp_path / "photo.png")
    assert run("upscale", picture, "-m", values["path"], "-o", tmp_path / "out.png").code == 0


def test_a_name_that_is_nearly_right_is_suggested(run: Run, tmp_path: Path) -> None:
    done = run("models", "get", "realesrgan-x4plsu")
    assert done.code == 2
    assert "Did you mean 'realesrgan-x4plus'?" in done.err
    done = run("upscale", draw(tmp_path / "photo.png"), "-m", "realesrgan-x4plsu")
    assert "Did you mean 'realesrgan-x4plus'?" in done.err


@pytest.mark.parametrize("arguments", [(), ("esrgan-x4", "--list")])
def test_either_a_name_or_the_list(run: Run, arguments: tuple[str, ...]) -> None:
    done = run("models", "get", *arguments)
    assert done.code == 2
    assert "E_USAGE" in done.err


def test_the_list_tells_all_that_is_known(run: Run, cache: Path) -> None:
    lines = run("models", "get", "--list", "--json").out.splitlines()
    told = {values["name"]: values for values in map(json.loads, lines)}
    assert len(told) == len(lines) == len(PUBLIC)
    for entry in PUBLIC:
        values = told[entry.name]
        assert values["url"].startswith("https://")
        assert re.fullmatch(r"[0-9a-f]{64}", values["sha256"])
        assert values["licence"] in ("MIT", "BSD-3-Clause", "Apache-2.0")
        assert values["paper"]
        assert values["here"] is False
        # Authors who write the beginning of the sha256 into the name agree with it.
        prefix = re.search(r"-([0-9a-f]{8})\.", entry.file)
        assert prefix is None or entry.sha256.startswith(prefix[1])
    table = run("models", "get", "--list").out
    assert all(entry.name in table for entry in PUBLIC)


def test_no_two_weights_share_a_name_or_a_file() -> None:
    names = [entry.name for entry in PUBLIC]
    others = {*PURPOSES, *(spec.name for spec in ZOO), *(path.stem for path, _ in shipped_cards())}
    assert len(set(names)) == len(names)
    assert not set(names) & others
    for of in (lambda e: e.file, lambda e: e.url, lambda e: e.sha256):
        assert len({of(entry) for entry in PUBLIC}) == len(PUBLIC)


def test_the_cache_lies_where_caches_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SUPERFINE_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for caches in ("", "relative/is/ignored"):
        monkeypatch.setenv("XDG_CACHE_HOME", caches)
        assert cache_folder() == tmp_path / ".cache" / "superfine" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/superfine/models")
    monkeypatch.setenv("SUPERFINE_CACHE", "~/mine")
    assert cache_folder() == tmp_path / "mine" / "models"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("SUPERFINE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(UsageError) as caught:
        cache_folder()
    assert "SUPERFINE_CACHE" in caught.value.hint


@pytest.mark.slow
def test_ctrl_c_keeps_what_came(shelf: Shelf, cache: Path) -> None:
    shelf.plan = [s.silent_after(9_000)]
    program = (
        "import sys\n"
        "from dataclasses import replace\n"
        "from superfine import elsewhere\n"
        "from superfine.cli import main\n"
        f"entry = replace(elsewhere.PUBLIC[0], url={shelf.url!r}, size=None)\n"
        "elsewhere.PUBLIC = (entry,)\n"
        "sys.exit(main(['models', 'get', entry.name]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, cwd=ROOT, env=os.environ
    )
    part = cache / f"{PUBLIC[0].file}.part"
    while not (part.exists() and part.stat().st_size == 9_000):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=10)[1].decode()
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.endswith("Stopped. What came is kept: the same command goes on.\n")
    assert names_in(cache) == {part.name, f"{part.name}.etag"}


@pytest.mark.slow
def test_the_list_comes_without_torch() -> None:
    program = (
        "import sys; from superfine.cli import main; main(['models', 'get', '--list']); "
        "sys.exit(bool({'torch', 'numpy', 'ssl'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
