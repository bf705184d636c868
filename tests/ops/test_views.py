"""The eight views and the ensemble over them."""

import torch

from superfine.ops.views import VIEWS, self_ensemble, turn, turn_back


def test_the_eight_views_are_distinct_and_undone():
    x = torch.arange(12).reshape(1, 3, 4)
    seen = {tuple(turn(x, view).flatten().tolist()) + turn(x, view).shape for view in VIEWS}
    assert len(seen) == 8
    for view in VIEWS:
        assert torch.equal(turn_back(turn(x, view), view), x)


def test_the_ensemble_of_a_symmetric_function_changes_nothing():
    x = torch.rand(1, 1, 5, 7)
    assert torch.allclose(self_ensemble(lambda t: t.square())(x), x.square())


def test_the_ensemble_commutes_with_every_view():
    """Whatever the network, its ensemble treats left and right, up and down alike."""
    conv = torch.nn.Conv2d(1, 1, 3, padding=1)
    ensemble = self_ensemble(conv)
    x = torch.rand(1, 1, 6, 8)
    for view in VIEWS:
        assert torch.allclose(ensemble(turn(x, view)), turn(ensemble(x), view), atol=1e-6)
