import pytest

from superfine.errors import PictureError
from superfine.io.depth import read_intrinsics
from superfine.types import Intrinsics

KINECT = Intrinsics(585.0, 584.0, 320.5, 240.25)
MIDDLEBURY = """cam0=[585 0 320.5; 0 584.0 240.25; 0 0 1]
cam1=[585 0 351; 0 584.0 240.25; 0 0 1]
doffs=30.5
baseline=176.252
"""


@pytest.mark.parametrize(
    "text",
    [
        "585 584 320.5 240.25\n",
        "# fx, fy, cx, cy\n585, 584, 320.5, 240.25",
        "5.85e+02 0 3.205e+02\n0.0 584 240.25\n0 0 1\n",
        "585 0 320.5 0\n0 584 240.25 0\n0 0 1 0\n0 0 0 1\n",
        MIDDLEBURY,
    ],
)
def test_the_files_that_come_with_depth_data(text, tmp_path):
    (tmp_path / "camera.txt").write_text(text)
    assert read_intrinsics(tmp_path / "camera.txt") == KINECT


@pytest.mark.parametrize(
    "text",
    [
        "585 584 320.5",
        "0 584 320.5 240",
        "585 nan 320.5 240",
        "585 584 inf 240",
        "585 0.1 320 0 584 240 0 0 1",  # skewed pixels
        "585 0 320 0 584 240 0 0 2",
        "a camera",
        "\x00\x01\xff" * 9,
        "1 " * 40_000,
    ],
)
def test_what_is_no_camera(text, tmp_path):
    (tmp_path / "camera.txt").write_text(text)
    with pytest.raises(PictureError) as caught:
        read_intrinsics(tmp_path / "camera.txt")
    assert caught.value.code == "E_FORMAT"
    assert caught.value.hint


@pytest.mark.data
def test_the_cameras_of_7_scenes_and_middlebury(data_root):
    found = read_intrinsics(data_root / "depth/7scenes/camera-intrinsics.txt")
    assert found == Intrinsics(585.0, 585.0, 320.0, 240.0)
    found = read_intrinsics(data_root / "depth/MiddEval3_Q/Adirondack/calib.txt")
    assert found == Intrinsics(1038.018, 1038.018, 322.037, 243.393)
