"""What every test shares: shape checking switched on, and the measurement pictures."""

import os
from pathlib import Path

# Before torch is imported, and inherited by the processes tests start: on a busy machine a second
# OpenMP thread that has no core to itself makes every layer wait, forty times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from jaxtyping import install_import_hook

import tests.shapes  # noqa: F401  the hook below looks it up by name

# Annotations such as Float[Tensor, "c h w"] are enforced while testing and cost nothing outside.
install_import_hook(
    [
        "superfine.ops",
        "superfine.models",
        "superfine.losses",
        "superfine.metrics",
        "superfine.benchmark",
        "superfine.window",
        "superfine.inference",
        "superfine.types",
        "superfine.io",
        "superfine.data",
        "superfine.diagnose",
        "superfine.blind",
        "superfine.depth",
        "superfine.visual",
        "superfine.demo",
        "superfine.training.objective",
        "superfine.training.patches",
        "superfine.training.perceptual",
    ],
    "tests.shapes.checked",
)

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of measurement pictures; the test skips where it is absent."""
    folder = Path(os.environ.get("SUPERFINE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the measurement pictures are not here (SUPERFINE_DATA)")
    return folder
