"""Depth sets of the field in the layouts their authors publish: which there are, and readers.

Nothing is downloaded and no picture is shipped. A reader gives one scene at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from superfine.data.depth_sets.dtu import dtu
from superfine.data.depth_sets.middlebury import middlebury_30, middlebury_2014
from superfine.data.depth_sets.nyu import nyu_dkn, nyu_labelled
from superfine.data.depth_sets.scene import SetScene
from superfine.data.depth_sets.seed import rgbd_in_alpha, seed_folders
from superfine.data.depth_sets.streams import seven_scenes, tum
from superfine.errors import find_named

__all__ = ["DEPTH_SETS", "DepthSet", "SetScene", "find_depth_set"]


@dataclass(frozen=True)
class DepthSet:
    """A set of depth maps in one layout.

    Attributes:
        name: What users type.
        layout: Its files.
        unit: What a value is, in words.
        licence: What its authors allow, in a few words.
        task: Whether networks may be trained on it, or are only measured with it.
        read: Its scenes, from a folder or file.
    """

    name: str
    layout: str
    unit: str
    licence: str
    task: Literal["train", "test", "either"]
    read: Callable[[Path], Iterator[SetScene]]


_NYU = "research; the authors state no licence"

DEPTH_SETS: tuple[DepthSet, ...] = (
    DepthSet(
        "nyu-train", "nyu_depth_v2_labeled.mat, frames 0 to 999", "metres", _NYU, "train",
        partial(nyu_labelled, part="train"),
    ),
    DepthSet(
        "nyu-test", "nyu_depth_v2_labeled.mat, frames 1000 to 1448", "metres", _NYU, "test",
        partial(nyu_labelled, part="test"),
    ),
    DepthSet(
        "nyu-dkn-train", "train_depth_split.npy, train_images_split.npy", "relative", _NYU,
        "train", partial(nyu_dkn, part="train"),
    ),
    DepthSet(
        "nyu-dkn-test", "test_depth.npy, test_images_v2.npy, test_minmax.npy", "metres", _NYU,
        "test", partial(nyu_dkn, part="test"),
    ),
    DepthSet(
        "seed-folders", "depth_gt/NAME.png, images/NAME.png", "relative, 8 bits",
        "that of its pictures", "either", seed_folders,
    ),
    DepthSet(
        "seed-rgbd", "NAME.png, depth in alpha", "relative, 8 bits",
        "that of its pictures", "either", rgbd_in_alpha,
    ),
    DepthSet(
        "middlebury-2014", "SCENE/disp0GT.pfm or disp0.pfm, im0.png, calib.txt",
        "pixels of disparity", "not stated; citation asked for", "train", middlebury_2014,
    ),
    DepthSet(
        "middlebury-30", "depth/Middlebury_NN_output_depth.png, rgb/..._color.png",
        "relative, 8 bits", "not stated; citation asked for", "test", middlebury_30,
    ),
    DepthSet(
        "7-scenes", "frame-NNNNNN.depth.png, frame-NNNNNN.color.png", "metres",
        "non-commercial, Microsoft Research licence agreement", "train", seven_scenes,
    ),
    DepthSet(
        "tum", "depth.txt, rgb.txt and the files they list", "metres", "CC BY 4.0", "train", tum
    ),
    DepthSet(
        "dtu", "Depths_raw/scanN/depth_map_VVVV.pfm, Rectified_raw beside it", "metres",
        "not stated; citation asked for", "train", dtu,
    ),
)  # fmt: skip


def find_depth_set(name: str) -> DepthSet:
    """The set called `name`.

    Raises:
        UnknownNameError: With the nearest name there is.
    """
    return find_named("depth set", name, DEPTH_SETS, listing="docs/depth_data.md")
