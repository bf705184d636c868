"""The authors' own weights give the authors' own figures.

IMDN and SRFBN are scored under `y-rgb`, as SRFBN's code does it, and both papers' figures come out.
Under `y-matlab`, which rounds the luma, the same files score 0.02 dB less at x4 and 0.09 dB less at
x2.
"""

import pytest
import torch

from superfine.benchmark.measure import measure
from superfine.benchmark.protocol import find_protocol
from superfine.checkpoints import load
from superfine.data.folders import read_all
from tests.models.published import imdn, srfbn

FILES = {
    ("imdn", 2): "imdn/IMDN_x2.pth",
    ("imdn", 3): "imdn/IMDN_x3.pth",
    ("imdn", 4): "imdn/IMDN_x4.pth",
    ("srfbn-s", 2): "srfbn/SRFBN-S_x2_BI.pth",
    ("srfbn-s", 4): "srfbn/SRFBN-S_x4_BI.pth",
}


def their_file(data_root, name, scale):
    return data_root / "weights" / FILES[name, scale]


@pytest.mark.data
@pytest.mark.parametrize(("name", "scale"), FILES)
def test_the_authors_weights_compute_the_authors_formula(data_root, name, scale):
    file = their_file(data_root, name, scale)
    model = load(file)
    assert (model.spec.name, model.scale) == (name, scale)
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    theirs = {key.removeprefix("module."): tensor for key, tensor in theirs.items()}
    butterfly = read_all([data_root / "testsets" / "Set5"])[2]
    lr = butterfly[None, :, 100:131, 60:89] / 255
    expected = imdn(theirs, lr) if name == "imdn" else srfbn(theirs, lr * 255)[-1] / 255
    assert (model.network(lr) - expected).abs().max() < 2e-5


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scale", "published"),
    [
        ("imdn", 2, 38.00),
        ("imdn", 3, 34.36),
        ("imdn", 4, 32.21),
        ("srfbn-s", 2, 37.78),
        ("srfbn-s", 4, 31.98),
    ],
)
def test_the_authors_weights_score_what_the_papers_say(data_root, name, scale, published):
    model = load(their_file(data_root, name, scale))
    pictures = read_all([data_root / "testsets" / "Set5"])
    protocol = find_protocol("y-rgb")
    score = measure(model.network, model.spec, pictures, scale=scale, protocol=protocol)
    assert score.psnr == pytest.approx(published, abs=0.01)
