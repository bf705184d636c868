"""How LR depth is made from HR depth: the operators of the literature, by name.

Two families of tables exist and cannot be compared. The newer ones shrink properly, so that LR
and HR cover the same ground. The older ones take one sample out of each scale x scale cell and
enlarge it as if it stood in the middle of the cell, which moves the picture. `shift` says by how
much; it is worth 37 to 43 % of the error of bicubic in the older tables.

Convention: HR pixel `i` of a row covers [i, i + 1); the cell of LR pixel `j` covers
[scale * j, scale * (j + 1)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from superfine.ops.resize import imresize


@dataclass(frozen=True)
class DepthOperator:
    """One way to make LR depth.

    Attributes:
        name: What protocols and tables say.
        shrink: (HR map, scale) -> LR map, `scale` times smaller; the range is free.
        shift: For a scale, how many HR pixels right of and below the middle of its cell a LR
            sample was measured. Where it is not 0, a centred enlargement is out of place by it.
    """

    name: str
    shrink: Callable[[Float[Tensor, "1 h w"], int], Float[Tensor, "1 m n"]]
    shift: Callable[[int], float]


def bicubic(hr: Float[Tensor, "1 h w"], scale: int) -> Float[Tensor, "1 m n"]:
    """`hr` shrunk by antialiased bicubic, a = -1/2; stays in place, overshoots a little at edges.

    MATLAB's kernel. At the border it is cut off as Pillow does: the tables since 2021 were made
    with Pillow, and at x16 the mirrored border of MATLAB differs from them by 0.03 grey levels.

    Raises:
        ValueError: When the sides are no multiples of `scale`.
    """
    _require_whole_cells(hr, scale)
    return imresize(hr, scale=1 / scale, border="cut")


def block_mean(hr: Float[Tensor, "1 h w"], scale: int) -> Float[Tensor, "1 m n"]:
    """The mean of each cell of `hr`; stays in place and in range.

    Raises:
        ValueError: When the sides are no multiples of `scale`.
    """
    _require_whole_cells(hr, scale)
    rows, columns = hr.shape[-2] // scale, hr.shape[-1] // scale
    return hr.reshape(1, rows, scale, columns, scale).mean(dim=(2, 4))


def sample_mid(hr: Float[Tensor, "1 h w"], scale: int) -> Float[Tensor, "1 m n"]:
    """The sample just after the middle of each cell of `hr`, as resizing to the nearest does.

    For even scales it lies half a HR pixel right of and below the middle.

    Raises:
        ValueError: When the sides are no multiples of `scale`.
    """
    _require_whole_cells(hr, scale)
    return hr[..., scale // 2 :: scale, scale // 2 :: scale]


def direct_last(hr: Float[Tensor, "1 h w"], scale: int) -> Float[Tensor, "1 m n"]:
    """The last sample of each cell of `hr`: row and column scale - 1, without any low-pass.

    It lies (scale - 1) / 2 HR pixels right of and below the middle. Enlarged about the middle, as
    the papers do, the map is that much too far up and left. A network trained on such pairs
    learns to move it back, and harms properly made LR maps; one trained on those harms these.

    Raises:
        ValueError: When the sides are no multiples of `scale`.

    Source: the training script of Li et al., "Deep Joint Image Filtering", ECCV 2016, followed by
    DKN (2019), PAC (2019) and SVLRM (2019).
    """
    _require_whole_cells(hr, scale)
    return hr[..., scale - 1 :: scale, scale - 1 :: scale]


def _in_place(scale: int) -> float:
    return 0.0


def _mid_shift(scale: int) -> float:
    return scale // 2 - (scale - 1) / 2


def _last_shift(scale: int) -> float:
    return (scale - 1) / 2


BICUBIC = DepthOperator("bicubic", bicubic, _in_place)
BLOCK_MEAN = DepthOperator("block-mean", block_mean, _in_place)
SAMPLE_MID = DepthOperator("sample-mid", sample_mid, _mid_shift)
DIRECT_LAST = DepthOperator("direct-last", direct_last, _last_shift)

DEPTH_OPERATORS: Mapping[str, DepthOperator] = {
    operator.name: operator for operator in (BICUBIC, BLOCK_MEAN, SAMPLE_MID, DIRECT_LAST)
}


def _require_whole_cells(hr: Float[Tensor, "1 h w"], scale: int) -> None:
    height, width = hr.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(f"a {width}x{height} map is not made of {scale}x{scale} cells")
