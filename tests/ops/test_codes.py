"""Codes to floats and back."""

import pytest
import torch

from superfine.ops.codes import to_codes, to_unit


@pytest.mark.parametrize(("dtype", "largest"), [(torch.uint8, 255), (torch.uint16, 65535)])
def test_every_code_comes_back(dtype, largest):
    codes = torch.arange(largest + 1, dtype=torch.int32).to(dtype)
    unit = to_unit(codes)
    assert (unit[0].item(), unit[-1].item()) == (0.0, 1.0)
    assert torch.equal(to_codes(unit, dtype).int(), codes.int())


def test_codes_are_rounded_half_up_and_clipped():
    x = torch.tensor([0.5, 1.5, 2.5, -3.0, 300.0], dtype=torch.float64) / 255
    assert to_codes(x, torch.uint8).tolist() == [1, 2, 3, 0, 255]
    assert to_codes(x, torch.float32).tolist() == pytest.approx(
        [0.5 / 255, 1.5 / 255, 2.5 / 255, 0, 1]
    )
