"""Pictures that can be compared at all."""

from __future__ import annotations

from torch import Tensor

from superfine.errors import SizeMismatchError


def require_one_size(sr: Tensor, hr: Tensor) -> None:
    """Returns when both have one shape.

    Raises:
        SizeMismatchError: When they have not.
    """
    if sr.shape != hr.shape:
        raise SizeMismatchError(
            f"The pictures differ in size: {tuple(sr.shape)} and {tuple(hr.shape)}.",
            hint="Compare pictures of one size.",
        )
