"""`superfine data list`, `verify` and `get` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from superfine.cli import main
from superfine.data.catalogue import CATALOGUE

from . import toys
from .toys import encoded, files, written, zipped

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("SUPERFINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SUPERFINE_DATA", raising=False)

    def command(*arguments: object) -> tuple[int, str, str]:
        code = main(["data", *map(str, arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return command


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """There are only two sets in the world."""
    monkeypatch.setattr("superfine.data.catalogue.CATALOGUE", (toys.TOY, toys.DARK))
    with toys.known():
        yield


def test_list_shows_every_set(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split()[:5] == ["name", "pictures", "task", "licence", "here"]
    assert [line.split()[0] for line in lines[1:]] == [entry.name for entry in CATALOGUE]


def test_list_as_json_tells_all(run: Run) -> None:
    code, out, _ = run("list", "--json")
    entries = {(value := json.loads(line))["name"]: value for line in out.splitlines()}
    assert code == 0
    assert list(entries) == [entry.name for entry in CATALOGUE]
    valid = entries["div2k-valid"]
    assert (valid["v"], valid["pictures"], valid["here"]) == (1, 100, None)
    assert valid["archive"]["bytes"] == 448_993_893
    assert entries["set5"]["archive"] is None


@pytest.mark.usefixtures("toy")
def test_list_says_what_is_here(run: Run, tmp_path: Path) -> None:
    def here() -> list[str]:
        return [line.split()[4] for line in run("list", "--root", tmp_path)[1].splitlines()[1:]]

    assert here() == ["no", "no"]
    written(tmp_path / "Toy4", files())
    written(tmp_path / "Dark4", {"a.png": b""})
    assert here() == ["yes", "1"]


@pytest.mark.usefixtures("toy")
def test_verify_says_in_one_line_that_all_is_well(run: Run, tmp_path: Path) -> None:
    folder = written(tmp_path / "Toy4", files())
    for where in ((folder,), ("--root", tmp_path)):
        code, out, err = run("verify", "TOY4", *where)
        assert code == 0
        assert out == f"{folder}: Toy4: 4 of 4 pictures, 4 exact.\n"
        assert err == ""


@pytest.mark.usefixtures("toy")
def test_verify_names_what_is_different(run: Run, tmp_path: Path) -> None:
    content = files() | {"cow.png": encoded(toys.codes()["cow"][:40]), "x.png": b"no picture"}
    del content["ant.png"]
    content["\x1b[1m.png"] = encoded(toys.picture(9))
    folder = written(tmp_path / "Toy4", content)
    code, out, _ = run("verify", "toy4", folder)
    assert code == 3
    lines = out.splitlines()
    assert "other       cow.png: cut or resized: 50x40, not 50x41" in lines
    assert "unknown     \\x1b[1m.png: none of this set" in lines
    assert "missing     ant" in lines
    assert any(line.startswith("unreadable  x.png: ") for line in lines)
    assert lines[-1].endswith(
        "Toy4: 5 of 4 pictures, 2 exact, 1 other than published, 1 not of this set, "
        "1 unreadable, 1 missing."
    )


@pytest.mark.usefixtures("toy")
def test_verify_as_json(run: Run, tmp_path: Path) -> None:
    content = files()
    del content["ant.png"]
    folder = written(tmp_path / "Toy4", content)
    code, out, _ = run("verify", "toy4", folder, "--json")
    *pictures, summary = map(json.loads, out.splitlines())
    assert code == 3
    assert [p["picture"]["name"] for p in pictures] == ["bee", "cow", "dog", "ant"]
    assert pictures[-1]["picture"] == {
        "set": "toy4",
        "file": None,
        "name": "ant",
        "state": "missing",
        "why": "",
    }
    assert summary["summary"] == {
        "set": "toy4",
        "folder": str(folder),
        "pictures": 4,
        "known": 4,
        "exact": 3,
        "other": 0,
        "unknown": 0,
        "unreadable": 0,
        "unchecked": 0,
        "missing": 1,
        "sound": False,
    }


@pytest.mark.usefixtures("toy")
def test_verify_all_takes_what_is_here(run: Run, tmp_path: Path) -> None:
    code, _, err = run("verify", "all")
    assert code == 2
    assert "No data set is here" in err
    written(tmp_path / "Toy4", files())
    written(tmp_path / "Dark4", {f"{i}.png": b"" for i in range(4)})
    code, out, _ = run("verify", "all", "--root", tmp_path)
    assert code == 0
    assert len(out.splitlines()) == 2
    assert "what they show was not looked at" in out.splitlines()[1]
    (tmp_path / "Dark4" / "0.png").unlink()
    assert run("verify", "all", "--root", tmp_path)[0] == 3


@pytest.mark.usefixtures("toy")
def test_a_set_is_looked_for_in_the_variable_and_then_in_the_cache(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run("verify", "toy4")
    assert code == 2
    assert str(tmp_path / "cache" / "data") in err
    assert "superfine data get toy4 --from" in err
    written(tmp_path / "cache" / "data" / "Toy4", files())
    assert run("verify", "toy4")[0] == 0
    other = written(tmp_path / "mine" / "Toy4", files())
    monkeypatch.setenv("SUPERFINE_DATA", str(tmp_path / "mine"))
    assert str(other) in run("verify", "toy4")[1]


@pytest.mark.usefixtures("toy")
def test_get_brings_a_set_where_verify_finds_it(run: Run, tmp_path: Path) -> None:
    source = zipped(tmp_path / "a.zip", files(prefix="deep/down/"))
    code, out, err = run("get", "toy4", "--from", source)
    folder = tmp_path / "cache" / "data" / "Toy4"
    assert code == 0
    assert out == f"{folder}\n"
    assert "Licence: none." in err
    assert "Toy4: 4 of 4 pictures, 4 exact." in err
    assert run("verify", "toy4")[0] == 0
    code, out, _ = run("get", "toy4", "--json")
    assert code == 0
    assert json.loads(out)["here"] == str(folder)


@pytest.mark.usefixtures("toy")
def test_get_ends_with_3_when_pictures_are_not_as_published(run: Run, tmp_path: Path) -> None:
    content = files() | {"ant.png": encoded(toys.codes()["ant"] ^ 1)}
    code, _, err = run("get", "toy4", "--from", written(tmp_path / "in", content), "--to", tmp_path)
    assert code == 3
    assert "3 exact, 1 other than published" in err


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("get", "toy4"), 2, "https://example.org/toys"),
        (("get", "toy5"), 2, "Did you mean 'toys'"),
        (("get", "toy4", "--from", "nowhere"), 2, "no file and no folder"),
        (("get", "toy4", "--from", "a.txt"), 5, "E_HASH"),
        (("get", "toy4", "--from", "http://example.org/a.zip"), 7, "E_NETWORK"),
        (("verify", "all", "folder"), 2, "E_USAGE"),
        (("verify", "toy4", "nowhere"), 2, "is not a folder"),
    ],
)
def test_refusals_are_one_line_and_a_hint(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    word: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("words")
    got, out, err = run(*arguments)
    complaint = [line for line in err.splitlines() if not line.startswith("Toy4: Nobody")]
    assert (got, out) == (code, "")
    assert word in err
    assert len(complaint) == 2
    assert complaint[0].startswith("superfine: ")
    assert complaint[1].startswith("  ")
