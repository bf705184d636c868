"""Every command and every piece of Python in the README and the docs does what it says."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from superfine.errors import SuperfineError
from tests.conftest import ROOT

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)


def commands(document: Path) -> list[str]:
    """The lines after `$` in console blocks."""
    return [
        line.removeprefix("$ ")
        for block in blocks(document, "console")
        for line in block.splitlines()
        if line.startswith("$ ")
    ]


CONSOLE = [
    pytest.param(command, id=f"{document.name}: {command}")
    for document in DOCUMENTS
    for command in dict.fromkeys(commands(document))
]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """What the documents talk of: a photo, folders of photos, HR and LR pairs, depth maps."""
    rng = np.random.default_rng(0)
    photo = PillowImage.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    photo.save(tmp_path / "photo.jpg")
    (tmp_path / "holiday" / "sea").mkdir(parents=True)
    photo.save(tmp_path / "holiday" / "a.png")
    photo.save(tmp_path / "holiday" / "sea" / "b.webp")
    for folder in ("HR", "LR"):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
    other = PillowImage.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    other.save(tmp_path / "pairs" / "HR" / "b.png")
    other.resize((16, 12), PillowImage.Resampling.BICUBIC).save(tmp_path / "pairs/LR/bx2.png")
    (tmp_path / "photos").mkdir()
    for i in range(2):
        large = PillowImage.fromarray(rng.integers(0, 256, (60, 64, 3), dtype=np.uint8))
        large.resize((128, 120)).save(tmp_path / "photos" / f"{i}.png")
    (tmp_path / "scan").mkdir()
    for name in ("depth.png", "scan/0.depth.png"):
        depth = rng.integers(600, 4000, (6, 8), dtype=np.uint16)
        PillowImage.fromarray(depth).save(tmp_path / name)
    photo.save(tmp_path / "scan" / "0.color.jpg")
    for kind, picture in (
        ("depth", PillowImage.fromarray(rng.integers(600, 4000, (24, 32), dtype=np.uint16))),
        ("guide", photo),
    ):
        (tmp_path / "maps" / kind).mkdir(parents=True)
        picture.save(tmp_path / "maps" / kind / "0.png")
    shutil.copy(ROOT / "recipes" / "espcn-x2.yaml", tmp_path / "espcn.yaml")
    monkeypatch.chdir(tmp_path)
    # Nothing is left in the cache of whoever runs the tests.
    monkeypatch.setenv("SUPERFINE_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("command", CONSOLE)
def test_the_command_works(command, desk):
    assert command.startswith("superfine ")
    python = f"{shlex.quote(sys.executable)} -m superfine"
    result = subprocess.run(
        command.replace("superfine", python, 1),
        shell=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout or ">" in command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_the_python_works(document, desk):
    for block in blocks(document, "python"):
        if "import" in block:  # a sketch without imports is not a program
            exec(compile(block, document.name, "exec"), {})


def test_the_readme_shows_commands_and_python():
    """The tests above test something."""
    assert len(commands(ROOT / "README.md")) >= 5
    assert blocks(ROOT / "README.md", "python")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_make_target_exists(document):
    for target in set(re.findall(r"\bmake ([a-z-]+)(?=[\s`])", document.read_text())):
        if re.search(rf"(`|^)make {target}", document.read_text(), re.MULTILINE):
            subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_script_and_recipe_named_exists(document):
    named = re.findall(r"\b((?:bench|recipes|tests)/[\w/.-]+\.(?:py|yaml))", document.read_text())
    for path in set(named) - {"recipes/tinysr-x2.yaml"}:
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_link_leads_somewhere(document):
    for link in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / link).exists(), link


def error_codes() -> set[str]:
    """Every code the source can raise, read from the source."""
    found: set[str] = set()
    for file in (ROOT / "src" / "superfine").rglob("*.py"):
        found |= set(re.findall(r'"(E_[A-Z_]+)"', file.read_text(encoding="utf-8")))
    return found


def test_every_error_code_is_explained():
    explained = set(re.findall(r"\bE_[A-Z_]+", (ROOT / "docs" / "cli.md").read_text()))
    assert error_codes() <= explained
    assert SuperfineError.code in explained


def test_every_option_of_upscale_is_explained():
    help_text = subprocess.run(
        [sys.executable, "-m", "superfine", "upscale", "--help"],
        capture_output=True, text=True, check=True,
        env={"COLUMNS": "120", "NO_COLOR": "1", "PATH": ""},
    ).stdout  # fmt: skip
    options = set(re.findall(r"--[a-z-]+", help_text)) - {"--help"}
    explained = set(re.findall(r"--[a-z-]+", (ROOT / "docs" / "cli.md").read_text()))
    short = {"--quiet", "--verbose"}  # explained by their letters
    assert options - explained <= short


def test_make_is_here():
    assert shutil.which("make")
