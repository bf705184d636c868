"""Cutting pictures into pieces."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from superfine.ops.tile import Span, cut, faded, fitting_tile


@given(size=st.integers(1, 5000), longest=st.integers(1, 700))
def test_cut_covers_everything_once_in_equal_pieces(size, longest):
    spans = cut(size, longest)
    assert spans[0].start == 0
    assert spans[-1].stop == size
    assert all(a.stop == b.start for a, b in itertools.pairwise(spans))
    lengths = [s.length for s in spans]
    assert max(lengths) <= longest
    assert max(lengths) - min(lengths) <= 1


@given(
    height=st.integers(1, 20000),
    width=st.integers(1, 20000),
    reach=st.integers(0, 40),
    pixels=st.integers(40_000, 5_000_000),
)
def test_a_fitting_tile_keeps_its_budget_with_its_context(height, width, reach, pixels):
    rows, columns = fitting_tile(height, width, reach=reach, pixels=pixels)
    assert 1 <= rows <= height
    assert 1 <= columns <= width
    whole_width = columns == width
    needed = (rows + 2 * reach) * (columns if whole_width else columns + 2 * reach)
    assert needed <= pixels or (rows <= 16 and columns <= 16) or min(height, width) <= 16


def test_spans_grow_inside_the_axis_and_shrink_outwards():
    assert Span(3, 7).grown(5, 10) == Span(0, 10)
    assert Span(3, 7).shrunk(2) == Span(1, 4)
    assert Span(9, 17).aligned(8, 30) == Span(8, 24)
    assert Span(8, 26).aligned(8, 30) == Span(8, 30)
    assert Span(3, 8).halves() == (Span(3, 5), Span(5, 8))
    assert Span(3, 7).within(Span(1, 9)) == slice(2, 6)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32])
@pytest.mark.parametrize("dim", [1, 2])
def test_pieces_of_one_picture_fade_into_that_picture(dtype, dim):
    picture = (torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0)) * 255).to(dtype)
    spans = [span.grown(3, 40) for span in cut(40, 12)]
    pieces = [picture.narrow(dim, span.start, span.length) for span in spans]
    parts = list(faded(pieces, overlap=6, dim=dim))
    assert all(part.shape[dim] > 0 for part in parts)
    assert torch.equal(torch.cat([p.float() for p in parts], dim=dim), picture.float())


def test_between_two_pieces_the_values_go_over_in_equal_steps():
    black, white = torch.zeros(1, 1, 10), torch.ones(1, 1, 10)
    faded_over = torch.cat(list(faded([black, white], overlap=4, dim=2)), dim=2)
    expected = [0.0] * 6 + [0.125, 0.375, 0.625, 0.875] + [1.0] * 6
    assert faded_over.flatten().tolist() == pytest.approx(expected)


def test_without_overlap_the_pieces_stay_as_they_are():
    pieces = [torch.rand(1, 2, 3), torch.rand(1, 2, 5)]
    assert all(a is b for a, b in zip(faded(pieces, overlap=0, dim=2), pieces, strict=True))
