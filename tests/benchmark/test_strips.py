"""Strips of a picture that is too large equal the whole, and take less."""

import pytest
import torch

from superfine.benchmark.strips import in_strips
from superfine.benchmark.suite import run_benchmark
from superfine.card import Card
from superfine.checkpoints import LoadedModel
from superfine.errors import MemoryLimitError
from superfine.models import find
from superfine.ops.allocations import Allocations
from tests.benchmark.desk import make_set


def model_of(name, scale):
    torch.manual_seed(0)
    spec = find(name)
    network = spec.build(scale).eval().requires_grad_(False)
    return LoadedModel(network, spec, scale, Card(name, scale, spec.channels))


@pytest.mark.parametrize(
    ("name", "scale"), [("fsrcnn", 3), ("vdsr", 2), ("edsr-baseline", 4), ("lapsrn", 2)]
)
def test_strips_equal_the_whole(name, scale):
    model = model_of(name, scale)
    lr = torch.rand(1, 1 if model.spec.channels == "y" else 3, 200, 12)
    sizes = []

    def counted(x):
        sizes.append(x.shape[-2])
        return model.network(x)

    striped = in_strips(counted, model, most=1)(lr)
    assert len(sizes) == 200
    assert max(sizes) < 200
    assert (striped - model.network(lr)).abs().max() < 1e-5


def test_a_strip_takes_what_it_may():
    model = model_of("edsr-baseline", 2)
    lr, peaks = torch.rand(1, 3, 400, 40), []
    for most in (1 << 40, 12 << 20):
        taken = Allocations()
        with torch.inference_mode(), taken:
            in_strips(model.network, model, most)(lr)
        peaks.append(taken.peak)
    assert peaks[1] < 14 << 20 < peaks[0]


def test_a_network_that_sees_everything_is_run_whole():
    model = model_of("rcan-light", 2)
    assert model.spec.reach[2] is None
    assert in_strips(model.network, model, most=1) is model.network


def test_too_little_memory_is_one_line(tmp_path, monkeypatch):
    def full(*_):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("superfine.benchmark.run.in_strips", lambda *_: full)
    with pytest.raises(MemoryLimitError, match=r"Not enough memory for fsrcnn on .*0\.png"):
        run_benchmark(["fsrcnn"], [str(make_set(tmp_path / "p"))], scales=(2,))
