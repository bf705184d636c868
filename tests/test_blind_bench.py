"""The script behind the figures of docs/kernels.md."""

import re

import pytest

from tests.test_bench import printed


def figures(text):
    return {
        found[1].strip(): float(found[2])
        for found in re.finditer(r"^(.{40})\s*(-?[\d.]+)$", text, re.M)
    }


@pytest.mark.data
def test_the_anchors_are_in_their_order(data_root):
    """Of all 60 pictures: 26.45, 28.87 and 27.30 dB; the first two lie 0.4, 0.6 and 0.8 lower."""
    found = figures(printed("blind.py", "anchors", data_root / "testsets", "--count", "2"))
    assert found["bicubic"] == pytest.approx(26.05, abs=0.03)
    assert found["least squares, true kernel"] == pytest.approx(28.27, abs=0.03)
    assert found["least squares, half a pixel off"] == pytest.approx(26.50, abs=0.03)
    assert found["least squares, spectral fit"] > found["least squares, half a pixel off"]


@pytest.mark.data
def test_the_correction_pays(data_root):
    command = ("correction", data_root / "testsets", "--count", "1", "--every", "14")
    found = figures(printed("blind.py", *command))
    assert found["network, true kernel corrected"] > found["network"] + 1.2
    assert found["what correcting for bicubic adds there"] == pytest.approx(0, abs=0.05)


def test_the_cost_is_printed():
    text = printed("blind.py", "memory", "--megapixels", "0.3")
    assert re.fullmatch(r"548x548: [\d.]+ s, peak \d+ MiB, \d+ MiB of it before\n", text)
