"""DTU's multi-view scans as MVSNet's authors rendered their depth.

Source: Jensen et al., CVPR 2014; Yao et al., "MVSNet", ECCV 2018, for the layout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from superfine.data.depth_sets.scene import SetScene, read_guide
from superfine.data.dtu.source import maps_in
from superfine.data.maps import read_map

_VIEW = re.compile(r"depth_map_(\d{4})$")
_LIGHT = 3  # the fourth of seven, evenly lit from everywhere


def dtu(folder: Path) -> Iterator[SetScene]:
    """The maps `Depths_raw/scanN/depth_map_VVVV.pfm`, in metres, 0 where nothing was measured.

    Where `Rectified_raw` lies beside `Depths_raw`, with the photo `scanN/rect_VVV_3_r5000.png`
    (numbered from 1), photos are given too.

    Args:
        folder: `Depths_raw`.

    Raises:
        UsageError: No scans there.
        PictureError: A file that is missing or cannot be read.
        SizeMismatchError: A photo of another size, such as the small ones of MVSNet's training.
    """
    photos = folder.resolve().parent / "Rectified_raw"
    for one in maps_in(folder)[0]:
        view = _VIEW.search(one.path.stem)
        guide = None
        if photos.is_dir() and view is not None:
            name = f"rect_{int(view[1]) + 1:03d}_{_LIGHT}_r5000.png"
            guide = read_guide(photos / one.scan / name)
        yield SetScene(f"{one.scan}_{one.path.stem}", read_map(one.path, convention="dtu"), guide)
