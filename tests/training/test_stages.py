"""What is told of the stages of a cascade: errors on unseen maps, a table, pictures."""

import csv
import math

import pytest
import torch
from torch import nn

from superfine.benchmark.depth import DepthPair, find_depth_protocol
from superfine.models import find
from superfine.training.loop import train
from superfine.training.samples import depth_panels
from superfine.training.stages import report, stage_errors
from tests.training.desk import make_depth, make_recipe
from tests.training.kills import log_of

REGISTERED = find_depth_protocol("registered-bicubic")


class Stages(nn.Module):
    """Answers with maps of 0.25, at x2, x4 and x4 again."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, lr):
        def flat(scale):
            return torch.full((1, 1, lr.shape[-2] * scale, lr.shape[-1] * scale), 0.25)

        return (flat(2), flat(4), flat(4)) if self.training else flat(4)


def a_pair(*, hole=False):
    """A truth of 0.75 in the unit of lr; 100 and 300 are its ends."""
    truth = torch.full((1, 16, 24), 250.0)
    valid = torch.ones_like(truth, dtype=torch.bool)
    if hole:
        valid[:, :8] = False
        truth[:, :8] = torch.nan
    return DepthPair(torch.zeros(1, 4, 6), None, truth, valid, 100.0, 300.0)


@pytest.mark.parametrize("hole", [False, True])
def test_each_stage_is_compared_with_the_truth_of_its_size(hole):
    network = Stages().eval()
    errors = stage_errors(network, find("dsdmsr"), a_pair(hole=hole), REGISTERED)
    assert errors == pytest.approx({"1-x2": 0.25, "2-x4": 0.25, "3-x4": 0.25})
    assert not network.training


def test_a_network_with_one_output_has_no_stages():
    network = find("svlrm").build(4)
    pair = a_pair()
    guided = DepthPair(pair.lr, torch.zeros(1, 16, 24), pair.truth, pair.valid, 100.0, 300.0)
    assert stage_errors(network, find("svlrm"), guided, REGISTERED) == {}


def a_run(tmp_path, *, count=2, **options):
    maps = make_depth(tmp_path / "maps", count=count)
    recipe = make_recipe(
        tmp_path, network="dsdmsr", scale=8, patch=4, batch=2, log_every=1, steps=4,
        data={"kind": "depth", "folders": [str(maps)]},
        validate={"sets": [str(maps)], "protocol": "registered-bicubic", "every": 2},
        optimiser={"kind": "adam", "learning_rate": 1e-3}, **options,
    )  # fmt: skip
    train(recipe, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_writes_the_table_of_twenty_columns(tmp_path):
    run = a_run(tmp_path)
    rows = list(csv.DictReader((run / "stages.csv").read_text().splitlines()))
    assert next(iter(rows[0])) == "Step"
    assert list(rows[0])[1:] == [
        f"{phase}_{what}_{output}"
        for phase in ("Train", "Valid")
        for what in ("Loss", "PSNR")
        for output in ("X2", "X4", "X8", "MSF", "Average")
    ]
    assert [row["Step"] for row in rows] == ["2", "4"]
    records = log_of(run)
    terms = [record["terms"] for record in records if record["kind"] == "train"][-1]
    assert float(rows[-1]["Train_Loss_MSF"]) == terms["mse/4-x8"]
    valid = [record["stages"]["maps"]["x8"] for record in records if record["kind"] == "score"][-1]
    assert float(rows[-1]["Valid_Loss_X4"]) == valid["2-x4"]
    assert float(rows[-1]["Valid_PSNR_X2"]) == pytest.approx(-10 * math.log10(valid["1-x2"]))
    mean = sum(valid.values()) / 4
    assert float(rows[-1]["Valid_Loss_Average"]) == pytest.approx(mean)


def test_the_error_of_the_last_stage_is_that_of_the_score(tmp_path):
    """Two ways to the same figure, one on [0, 1] and one in codes, of a single map."""
    scores = [r for r in log_of(a_run(tmp_path, count=1)) if r["kind"] == "score"]
    rmse = [score["scores"]["maps"]["x8"]["rmse"] for score in scores]
    mse = [score["stages"]["maps"]["x8"]["4-x8"] for score in scores]
    spans = [codes / math.sqrt(unit) for codes, unit in zip(rmse, mse, strict=True)]
    assert rmse[0] != rmse[1]
    assert spans[0] == pytest.approx(spans[1], rel=1e-5)
    assert 2000 < spans[0] < 5000


def test_training_columns_are_empty_where_no_squares_were_minimised(tmp_path):
    run = a_run(tmp_path, loss=[{"kind": "l1"}])
    row = list(csv.DictReader((run / "stages.csv").read_text().splitlines()))[-1]
    assert row["Train_Loss_X2"] == ""
    assert float(row["Valid_Loss_X2"]) > 0


def test_no_stages_no_table(tmp_path):
    assert report([{"kind": "score", "step": 1, "scores": {}}]) == ""


def test_pictures_show_every_stage_at_full_size():
    panels = depth_panels(Stages().eval(), find("dsdmsr"), a_pair())
    assert [panel.caption for panel in panels] == [
        "input x4", "2 times smaller", "before the fusion", "output", "target",
    ]  # fmt: skip
    assert {tuple(panel.picture.shape) for panel in panels} == {(3, 16, 24)}


@pytest.mark.parametrize("name", ["svlrm", "svlrm-plus"])
def test_pictures_of_svlrm_show_its_coefficients_each_over_its_range(name):
    torch.manual_seed(0)
    spec = find(name)
    network = spec.build(4).eval()
    torch.nn.init.normal_(network.last.weight, std=0.1)
    pair = a_pair()
    guide = torch.rand(spec.guide_channels, 16, 24)
    guided = DepthPair(torch.rand(1, 4, 6), guide, pair.truth, pair.valid, 100.0, 300.0)
    with torch.no_grad():
        panels = depth_panels(network, spec, guided)
        alpha = network.coefficients(guided.lr[None], guide[None])[0].mean(1, keepdim=True)
    assert [panel.caption.split(":")[0] for panel in panels] == [
        "input x4", "alpha", "beta", "output", "target",
    ]  # fmt: skip
    low, high = torch.aminmax(alpha)
    assert panels[1].caption == f"alpha: {float(low):.2g} to {float(high):.2g}"
    drawn = panels[1].picture[0].float() / 255
    assert torch.allclose(drawn, (alpha[0, 0] - low) / (high - low), atol=1 / 255)
