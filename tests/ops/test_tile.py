"""Cutting pictures into pieces."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from superfine.ops.tile import Span, cut, fitting_tile


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
    assert Span(3, 8).halves() == (Span(3, 5), Span(5, 8))
    assert Span(3, 7).within(Span(1, 9)) == slice(2, 6)
