"""Errors of depth maps: over valid pixels, in the unit of the maps."""

import pytest
import torch

from superfine.metrics import mae, rmse


def test_errors_by_hand():
    truth = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    depth = torch.tensor([[[1.0, 5.0, 3.0, 8.0]]])
    everywhere = torch.ones_like(truth, dtype=torch.bool)
    assert float(rmse(depth, truth, everywhere)) == 2.5
    assert float(mae(depth, truth, everywhere)) == 1.75


@pytest.mark.parametrize("garbage", [1e9, float("nan"), float("inf")])
def test_holes_do_not_count(garbage):
    truth = torch.tensor([[[1.0, garbage, 3.0]]])
    depth = torch.tensor([[[2.0, 0.0, 2.0]]])
    valid = torch.tensor([[[True, False, True]]])
    assert float(rmse(depth, truth, valid)) == float(mae(depth, truth, valid)) == 1


@pytest.mark.parametrize("metric", [rmse, mae])
def test_nothing_to_compare(metric):
    x = torch.zeros(1, 2, 2)
    with pytest.raises(ValueError, match="no pixel is valid"):
        metric(x, x, torch.zeros_like(x, dtype=torch.bool))
