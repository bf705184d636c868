"""What a stranger gets from `pip install .` and from `import superfine`."""

import subprocess
import sys
from pathlib import Path

import pytest

import superfine
from tests.conftest import ROOT


def test_importing_the_package_costs_no_torch():
    code = "import sys, superfine; dir(superfine); print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout == b"False\n"


@pytest.mark.parametrize("name", [n for n in superfine.__all__ if n != "__version__"])
def test_every_public_name_is_there_and_documented(name):
    assert getattr(superfine, name).__doc__


def test_a_wrong_name_is_an_attribute_error_that_lists_the_right_ones():
    with pytest.raises(AttributeError, match="upscale"):
        superfine.upscael  # noqa: B018


@pytest.mark.slow
def test_pip_install_gives_the_command_the_weights_and_the_types(tmp_path):
    """A plain `pip install .` into an empty place; what it depends on is already here."""
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--ignore-installed", "--prefix", str(tmp_path), str(ROOT)],
        check=True,
    )  # fmt: skip
    package = next(tmp_path.rglob("superfine/__init__.py")).parent
    assert (package / "py.typed").is_file()
    assert sorted(p.name for p in (package / "weights").glob("*.safetensors")) == [
        p.name for p in sorted((ROOT / "src/superfine/weights").glob("*.safetensors"))
    ]
    assert (package / "demo" / "coffee.png").is_file()
    command = tmp_path / "bin" / "superfine"
    result = subprocess.run(
        [sys.executable, str(command), "--version"],
        env={"PYTHONPATH": str(package.parent), "PATH": ""},
        capture_output=True,
        check=True,
        text=True,
    )
    assert result.stdout == f"superfine {superfine.__version__}\n"
    assert Path(package).is_relative_to(tmp_path)
