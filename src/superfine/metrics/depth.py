"""How far a depth map is from the truth, in the unit of the two maps; lower is better."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor


def rmse(
    depth: Float[Tensor, "1 h w"], truth: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"]
) -> Float[Tensor, ""]:
    """Root-mean-square error over the valid pixels, in the unit of the maps, in float64.

    Args:
        depth: The restored map.
        truth: What was measured.
        valid: Where `truth` means something; what both maps hold elsewhere has no influence.

    Raises:
        ValueError: When no pixel is valid.
    """
    return _errors(depth, truth, valid).square().mean().sqrt()


def mae(
    depth: Float[Tensor, "1 h w"], truth: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"]
) -> Float[Tensor, ""]:
    """Mean absolute error over the valid pixels, in the unit of the maps, in float64.

    Args:
        depth: The restored map.
        truth: What was measured.
        valid: Where `truth` means something; what both maps hold elsewhere has no influence.

    Raises:
        ValueError: When no pixel is valid.
    """
    return _errors(depth, truth, valid).abs().mean()


def _errors(
    depth: Float[Tensor, "1 h w"], truth: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"]
) -> Float[Tensor, " n"]:
    if not bool(valid.any()):
        raise ValueError("no pixel is valid")
    # Chosen before subtracting: a hole may hold NaN or infinity.
    return depth[valid].double() - truth[valid].double()
