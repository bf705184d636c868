"""Middlebury: the stereo scenes of 2014 with their calibration, and the 30 pairs of the tables.

Source: vision.middlebury.edu/stereo: Scharstein et al., GCPR 2014 (2014 and MiddEval3);
web.cecs.pdx.edu/~fliu/project/depth-enhance (Lu, Ren, Liu, CVPR 2014) for the 30 pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from superfine.data.depth_sets.scene import SetScene, files_in, read_guide
from superfine.data.maps import read_map
from superfine.errors import PictureError, UsageError
from superfine.ops.disparity import depth_from_disparity
from superfine.types import DepthMap, Intrinsics

_MAPS = ("disp0GT.pfm", "disp0.pfm")  # MiddEval3 has the first name, the sets of 2014 the second
_NUMBER = r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"
_CAMERA = re.compile(rf"cam0\s*=\s*\[((?:[\s;]*{_NUMBER}){{9}})[\s;]*\]")
_VALUE = re.compile(rf"^\s*(doffs|baseline)\s*=\s*({_NUMBER})\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Calibration:
    """What `calib.txt` says of a stereo pair.

    Attributes:
        camera: The left camera, in pixels.
        baseline: Between the cameras, in metres.
        offset: By how much farther right the axis meets the right picture, in pixels.
    """

    camera: Intrinsics
    baseline: float
    offset: float

    def metres(self, disparity: DepthMap) -> DepthMap:
        """A map of disparity as depth; its camera is the same."""
        values, valid = depth_from_disparity(
            disparity.values,
            disparity.valid,
            focal=self.camera.fx,
            baseline=self.baseline,
            offset=self.offset,
        )
        return replace(disparity, values=values, valid=valid, unit="metre", storage=None)


def middlebury_2014(folder: Path) -> Iterator[SetScene]:
    """Scenes in folders of their own, or the one that `folder` is: disparity in pixels.

    A scene holds `disp0GT.pfm` or `disp0.pfm`, where infinity is unknown, `im0.png`, and
    `calib.txt`, whose camera the map carries; `read_calibration` gives the rest.

    Raises:
        UsageError: No scene there.
        PictureError: A file of a scene that is missing or cannot be read.
        SizeMismatchError: A photo of another size.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", hint="Give the folder with the scenes.")
    places = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    found = [(place, place / name) for place in places for name in _MAPS]
    scenes = [(place, path) for place, path in found if path.is_file()]
    if not scenes:
        raise UsageError(
            f"{folder} holds no scene: no disp0GT.pfm, no disp0.pfm.",
            hint="Give the folder with the scenes, each in a folder of its own.",
        )
    for place, path in scenes:
        disparity = read_map(path, convention="middlebury-disparity")
        disparity = replace(disparity, intrinsics=read_calibration(place / "calib.txt").camera)
        yield SetScene(place.name, disparity, read_guide(place / "im0.png"))


def middlebury_30(folder: Path) -> Iterator[SetScene]:
    """The 30 pairs that depth tables are made of: 8-bit codes of disparity, holes painted in.

    `depth/Middlebury_NN_output_depth.png` and `rgb/Middlebury_NN_output_color.png`. A code is a
    disparity times a factor that differs from scene to scene, so the unit is relative. For
    measuring only: they are the test set.

    Raises:
        UsageError: No such files.
        PictureError: A file that is missing or cannot be read.
    """
    pattern = "Middlebury_*_output_depth.png"
    for path in files_in(folder / "depth", pattern, "depth/ and rgb/"):
        name = path.name.removesuffix("_output_depth.png")
        depth = read_map(path, unit="relative", codes_per_unit=1.0, invalid=())
        yield SetScene(name, depth, read_guide(folder / "rgb" / f"{name}_output_color.png"))


def read_calibration(path: Path) -> Calibration:
    """What a `calib.txt` of 2014 says.

    Raises:
        PictureError: It is missing, or says no camera, baseline or offset.
    """
    text = path.read_text(encoding="ascii", errors="replace") if path.is_file() else ""
    camera = _CAMERA.search(text)
    values = {name: float(number) for name, number in _VALUE.findall(text)}
    if camera is None or values.keys() != {"doffs", "baseline"}:
        raise PictureError(
            f"{path} is missing or says no cam0, doffs and baseline.",
            hint="Copy it again from the set; each scene has its own.",
            code="E_CORRUPT",
        )
    fx, _, cx, _, fy, cy, *_ = (float(number) for number in re.findall(_NUMBER, camera[1]))
    return Calibration(Intrinsics(fx, fy, cx, cy), values["baseline"] / 1000, values["doffs"])
