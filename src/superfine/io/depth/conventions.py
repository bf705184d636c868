"""What depth files mean, by the name of who writes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from superfine.errors import find_named
from superfine.types import DepthUnit


@dataclass(frozen=True)
class Convention:
    """One way to store depth.

    Attributes:
        name: What users type.
        unit: What a value is.
        codes_per_unit: What a value is multiplied by to be stored.
        holes: Samples that stand for "not measured", beside NaN and infinity, which always do;
            the first is written into a new file.
        samples: The kind of samples it is for.
        about: One line for people.
    """

    name: str
    unit: DepthUnit
    codes_per_unit: float
    holes: tuple[float, ...]
    samples: Literal["integers", "floats"]
    about: str


CONVENTIONS: tuple[Convention, ...] = (
    Convention(
        "7-scenes", "metre", 1000.0, (0.0, 65535.0), "integers",
        "Microsoft 7-Scenes: millimetres; 65535 is invalid, and 0 stands beside it",
    ),
    Convention(
        "tum", "metre", 5000.0, (0.0,), "integers",
        "TUM RGB-D and ICL-NUIM: 5000 codes a metre; 0 is missing",
    ),
    Convention(
        "realsense", "metre", 1000.0, (0.0,), "integers",
        "RealSense Z16 at its usual depth scale of 0.001: millimetres; 0 is no data",
    ),
    Convention(
        "ros-16uc1", "metre", 1000.0, (0.0,), "integers",
        "ROS 16UC1 (REP 118): millimetres; 0 is invalid",
    ),
    Convention(
        "ros-32fc1", "metre", 1.0, (math.nan,), "floats",
        "ROS 32FC1 (REP 118): metres; NaN is invalid",
    ),
    Convention(
        "arkit", "metre", 1000.0, (0.0,), "integers",
        "ARKit maps as ARKitScenes and phone apps save them: millimetres; 0 is missing",
    ),
    Convention(
        "redwood", "metre", 1000.0, (0.0,), "integers",
        "Redwood and the usual depth scale of Open3D: millimetres; 0 is missing",
    ),
    Convention(
        "scannet", "metre", 1000.0, (0.0,), "integers",
        "ScanNet: millimetres; 0 is missing",
    ),
    Convention(
        "nyu", "metre", 1.0, (0.0,), "floats",
        "NYU v2, labelled and raw depth as floats: metres; 0 is missing",
    ),
    Convention(
        "dtu", "metre", 1000.0, (0.0,), "floats",
        "DTU `Depths_raw` PFM: millimetres; 0 is missing",
    ),
    Convention(
        "kitti", "metre", 256.0, (0.0,), "integers",
        "KITTI depth: 256 codes a metre; 0 is missing",
    ),
    Convention(
        "kitti-disparity", "disparity_px", 256.0, (0.0,), "integers",
        "KITTI stereo 2012 and 2015: 256 codes a pixel of disparity; 0 is missing",
    ),
    Convention(
        "middlebury-disparity", "disparity_px", 1.0, (math.inf,), "floats",
        "Middlebury stereo PFM: pixels of disparity; infinity is unknown",
    ),
)  # fmt: skip


def find_convention(name: str) -> Convention:
    """The convention called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return find_named("depth convention", name, CONVENTIONS, listing="docs/depth_files.md")
