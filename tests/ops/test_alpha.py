"""Colour under transparent pixels."""

import torch

from superfine.ops.alpha import bleed


def test_hidden_pixels_take_the_colour_of_the_visible_ones():
    colour = torch.zeros(3, 9, 9)
    colour[0, :, :4] = 0.8
    colour[1, :, 4:] = 1.0  # garbage nobody can see
    alpha = torch.zeros(1, 9, 9)
    alpha[:, :, :4] = 1
    painted = bleed(colour, alpha, radius=8)
    assert torch.allclose(painted[0], torch.full((9, 9), 0.8), atol=1e-6)
    assert painted[1].abs().max() < 1e-6


def test_visible_pixels_are_never_changed():
    colour, alpha = torch.rand(3, 12, 13), (torch.rand(1, 12, 13) > 0.5).float() * 0.3
    painted = bleed(colour, alpha, radius=4)
    assert torch.equal(painted.where(alpha > 0, 0.0), colour.where(alpha > 0, 0.0))


def test_pixels_farther_than_the_radius_stay():
    colour, alpha = torch.rand(1, 1, 20), torch.zeros(1, 1, 20)
    alpha[..., 0] = 1
    painted = bleed(colour, alpha, radius=3)
    assert torch.equal(painted[..., 4:], colour[..., 4:])
    assert torch.allclose(painted[..., 1:4], colour[..., :1].expand(1, 1, 3), atol=1e-6)


def test_an_opaque_picture_is_left_alone():
    colour = torch.rand(3, 4, 4)
    assert bleed(colour, torch.ones(1, 4, 4), radius=2) is colour


def test_a_window_with_context_equals_the_whole():
    colour, alpha = torch.rand(3, 30, 30), (torch.rand(1, 30, 30) > 0.9).float()
    whole = bleed(colour, alpha, radius=5)
    part = bleed(colour[:, 5:25, 5:25], alpha[:, 5:25, 5:25], radius=5)
    assert torch.allclose(part[:, 5:15, 5:15], whole[:, 10:20, 10:20], atol=1e-6)
