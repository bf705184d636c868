"""Memory is counted once for each tensor that is there, and refused before it is taken."""

import pytest
import torch
from torch import nn

from superfine.ops.allocations import Allocations

MEBIBYTE = 1 << 20


def test_views_are_not_counted_and_what_is_gone_is_taken_off():
    before = torch.ones(MEBIBYTE // 4)
    with Allocations() as taken:
        kept = before + 1
        assert taken.live == MEBIBYTE
        same = kept.view(2, -1)[0]
        assert taken.live == MEBIBYTE
        more = kept * 2
        assert taken.live == 2 * MEBIBYTE
        del more
        assert taken.live == MEBIBYTE
        del kept, same
    assert taken.live == 0
    assert taken.peak == 2 * MEBIBYTE


def test_what_was_there_before_is_passed_over():
    before = torch.ones(MEBIBYTE)
    with Allocations() as seen:
        before.view(2, -1)
    taken = Allocations()
    taken.pass_over([before])
    with taken:
        made = before.view(2, -1) + 1
    assert (seen.peak, taken.peak) == (4 * MEBIBYTE, 4 * MEBIBYTE)
    assert made.shape == (2, MEBIBYTE // 2)


def test_tensors_without_memory_can_be_counted_as_if_they_had_it():
    with Allocations() as taken, Allocations(imagined=True) as imagined:
        kept = torch.ones(1 << 40, device="meta") * 2
        torch.ones(4)
    assert (taken.peak, imagined.peak) == (16, 8 << 40)
    assert imagined.live == kept.nbytes


def test_what_layers_make_inside_is_seen():
    """Scores of attention that belong to no layer count like everything else."""
    tokens = torch.rand(256, 8)
    with torch.inference_mode(), Allocations() as taken:
        (tokens @ tokens.T).softmax(dim=-1) @ tokens
    assert taken.peak >= 2 * 256 * 256 * 4


# Each would take a terabyte; the test would not survive one that is made.
HUGE = {
    "empty": lambda: torch.empty(1 << 38),
    "arange": lambda: torch.arange(1 << 38),
    "linspace": lambda: torch.linspace(0, 1, 1 << 38),
    "layer": lambda: nn.Linear(1 << 19, 1 << 19),
    "like another": lambda: torch.zeros(1).expand(1 << 38).contiguous(),
    "outer product": lambda: torch.zeros(1 << 19, 1) * torch.zeros(1, 1 << 19),
    "repeat": lambda: torch.zeros(1 << 10).repeat(1 << 28),
    "table of positions": lambda: torch.zeros(2, 1 << 18, 1) - torch.zeros(2, 1, 1 << 18),
}


@pytest.mark.parametrize("make", HUGE.values(), ids=HUGE)
def test_too_much_is_refused_before_it_is_taken(make):
    with pytest.raises(MemoryError, match="wanted"), Allocations(16 * MEBIBYTE) as taken:
        make()
    assert taken.peak <= 16 * MEBIBYTE


def test_what_fits_is_done_and_gives_the_same():
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 8, 3)
    torch.manual_seed(0)
    with Allocations(MEBIBYTE):
        counted = nn.Conv2d(3, 8, 3)
        result = counted(torch.ones(1, 3, 9, 9))
    assert torch.equal(result, plain(torch.ones(1, 3, 9, 9)))


def test_too_many_operations_are_refused():
    with Allocations(operations=5):
        for _ in range(5):
            torch.empty(1)
        with pytest.raises(MemoryError, match="too many"):
            torch.empty(1)
