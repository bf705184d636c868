"""The two layouts of the SVLRM seed: 8-bit maps that were stretched one by one.

Neither keeps what a code meant in metres, and code 0 is the nearest depth, not a hole.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from superfine.data.depth_sets.scene import SetScene, files_in, read_guide
from superfine.data.maps import read_map
from superfine.errors import PictureError, UsageError
from superfine.types import DepthMap, Image


def seed_folders(folder: Path) -> Iterator[SetScene]:
    """The maps `depth_gt/NAME.png`, each with the photo `images/NAME.png`.

    Raises:
        UsageError: No such folders.
        PictureError: A map or photo that is missing or cannot be read.
        SizeMismatchError: A photo of another size.
    """
    for path in files_in(folder / "depth_gt", "*.png", "depth_gt/ and images/"):
        depth = read_map(path, unit="relative", codes_per_unit=1.0, invalid=())
        yield SetScene(path.stem, depth, read_guide(folder / "images" / path.name))


def rgbd_in_alpha(folder: Path) -> Iterator[SetScene]:
    """Photos `NAME.png` of four channels whose alpha is the depth map.

    Raises:
        UsageError: No PNG there.
        PictureError: One without alpha, or that cannot be read.
    """
    for path in files_in(folder, "*.png", "RGBD pictures"):
        image = read_guide(path)
        if image.alpha is None or image.grey:
            raise PictureError(
                f"{path} has no alpha channel beside its colours, expected depth in it.",
                hint="Maps and photos in folders of their own are the layout depth_gt/, images/.",
            )
        if image.alpha.dtype == torch.float32:
            raise UsageError(f"{path} holds floats, expected integers.", hint="Save it as a PNG.")
        depth = DepthMap(
            values=image.alpha.to(torch.float32).contiguous(),
            valid=torch.ones(1, image.height, image.width, dtype=torch.bool),
            unit="relative",
        )
        yield SetScene(path.stem, depth, Image(image.pixels))
