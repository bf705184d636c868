"""What `check` finds in folders made to be wrong, and in folders known to be right."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage.registration import phase_cross_correlation

from superfine.data.check.check import check
from superfine.data.check.resize import (
    box,
    made_by,
    matlab_bicubic,
    opencv_bicubic,
    opencv_bilinear,
    pillow_bicubic,
)
from superfine.data.check.shift import shift_of
from superfine.errors import UsageError
from superfine.ops.color import luma_uint8
from superfine.ops.views import VIEWS, turn

from .drawing import draw, draw_scenes, scene


def tensor(picture):
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)


def rows(codes):
    return codes.permute(1, 2, 0).numpy()


def look(hr, lr=None, *, scale=None, test=()):
    return check(hr, lr=lr, scale=scale, test=test, on_progress=lambda *_: None)


def kinds(checked):
    return [finding.kind for finding in checked.findings]


def draw_pairs(root, resize, count=3, *, scale=2):
    for seed in range(count):
        picture = scene(seed, width=96, height=72)
        draw(root / "hr" / f"{seed}.png", picture)
        draw(root / "lr" / f"{seed}x{scale}.png", rows(resize(tensor(picture), scale)))
    return root / "hr", root / "lr"


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (opencv_bicubic, cv2.INTER_CUBIC),
        (opencv_bilinear, cv2.INTER_LINEAR),
        (box, cv2.INTER_AREA),
    ],
)
def test_opencvs_resizes_are_its_own_to_one_code(ours, theirs, scale):
    picture = scene(5, width=96, height=72)
    real = cv2.resize(picture, (96 // scale, 72 // scale), interpolation=theirs)
    difference = rows(ours(tensor(picture), scale)).astype(int) - real
    assert np.abs(difference).max() <= 1
    assert np.abs(difference).mean() < 0.3


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("name", "resize"),
    [
        ("MATLAB bicubic", matlab_bicubic),
        ("Pillow bicubic", pillow_bicubic),
        ("OpenCV bicubic", lambda hr, s: real_opencv(hr, s, cv2.INTER_CUBIC)),
        ("OpenCV area", lambda hr, s: real_opencv(hr, s, cv2.INTER_AREA)),
        ("OpenCV bilinear", lambda hr, s: real_opencv(hr, s, cv2.INTER_LINEAR)),
        ("nearest (row 0, column 0", lambda hr, s: real_opencv(hr, s, cv2.INTER_NEAREST)),
    ],
)
def test_what_shrank_a_picture_is_recognised(name, resize, scale):
    hr = tensor(scene(7, width=96, height=72))
    found = made_by(hr, resize(hr, scale), scale)
    assert found.sure
    assert any(candidate.startswith(name) for candidate in found.names)
    assert "MATLAB bicubic" not in found.names or name == "MATLAB bicubic"


def real_opencv(hr, scale, how):
    picture = rows(hr)
    size = (picture.shape[1] // scale, picture.shape[0] // scale)
    return tensor(cv2.resize(picture, size, interpolation=how))


def test_a_blurred_picture_is_said_to_be_made_by_none():
    hr = tensor(scene(7, width=96, height=72))
    blurred = cv2.GaussianBlur(rows(hr), (0, 0), 2.0)
    assert not made_by(hr, matlab_bicubic(tensor(blurred), 2), 2).sure


@pytest.mark.data
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_matlabs_own_pictures_are_recognised_all(data_root, scale):
    sets = data_root / "testsets"
    for name in ("Set5", "Set14"):
        checked = look(sets / name, sets / "MATLAB_LR" / name / f"X{scale}", scale=scale)
        assert [*checked.resizes()] == ["MATLAB bicubic"]
        assert len(checked.pairs) == checked.pictures
        # Some of these have sides that are no multiple of the scale.
        assert set(kinds(checked)) <= {"size"}
        shifts = [pair.shift for pair in checked.pairs]
        assert all(max(abs(s.right), abs(s.down)) < 0.05 for s in shifts if s is not None)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (1, 0), (0, -1), (2, 3), (-5, 4)])
@pytest.mark.parametrize("scale", [2, 4])
def test_shifts_are_measured_to_a_fraction_of_a_pixel(right, down, scale):
    y = luma_uint8(tensor(scene(3, width=280, height=220)))
    hr = y[:, 10:210, 10:266]
    moved = y[:, 10 - down : 210 - down, 10 - right : 266 - right]
    found = shift_of(matlab_bicubic(moved, scale)[0].float(), hr[0].float(), scale=scale)
    assert found is not None
    assert (found.right, found.down) == pytest.approx((right, down), abs=0.11 * scale)
    assert found.agreement > 0.7


def test_the_shift_agrees_with_scikit_image():
    y = luma_uint8(tensor(scene(3, width=280, height=220)))
    hr, moved = y[:, 10:210, 10:266], y[:, 8:208, 15:271]
    lr = matlab_bicubic(moved, 2)[0].float()
    small = matlab_bicubic(hr, 2)[0].float()
    (down, right), _, _ = phase_cross_correlation(lr.numpy(), small.numpy(), upsample_factor=20)
    found = shift_of(lr, hr[0].float(), scale=2)
    assert found is not None
    assert (found.right, found.down) == pytest.approx((2 * right, 2 * down), abs=0.25)


def test_flat_and_tiny_pictures_have_no_shift():
    assert shift_of(torch.full((40, 40), 9.0), torch.full((80, 80), 9.0), scale=2) is None
    noise = torch.rand(20, 20) * 255
    assert shift_of(noise, torch.rand(40, 40) * 255, scale=2) is None


def test_a_clean_set_is_clean(tmp_path):
    hr, lr = draw_pairs(tmp_path, matlab_bicubic)
    draw_scenes(tmp_path / "test", 0)
    draw(tmp_path / "test" / "a.png", scene(50, width=96, height=72))
    checked = look(hr, lr, test=[tmp_path / "test"])
    assert checked.findings == []
    assert (checked.scale, checked.pictures, len(checked.pairs)) == (2, 3, 3)
    assert {name: len(pairs) for name, pairs in checked.resizes().items()} == {"MATLAB bicubic": 3}


def test_wrong_pairs_are_found(tmp_path):
    hr, lr = draw_pairs(tmp_path, matlab_bicubic, 7)
    draw(lr / "0x2.png", scene(0, width=40, height=30))
    wider = np.pad(scene(1, width=96, height=72), ((0, 0), (0, 1), (0, 0)))
    draw(hr / "1.png", wider)
    (lr / "2x2.png").write_bytes((lr / "2x2.png").read_bytes()[:200])
    (lr / "3x2.png").unlink()
    picture = scene(4, width=96, height=72)
    draw(lr / "4x2.png", picture[::2, ::2])
    draw(lr / "5x2.png", scene(99, width=48, height=36))
    checked = look(hr, lr)
    about = [(finding.kind, finding.files[0].name) for finding in checked.findings]
    assert about == [
        ("unreadable", "2x2.png"),
        ("alone", "3.png"),
        ("size", "0.png"),
        ("size", "1.png"),
        ("unlike", "5.png"),
        ("shifted", "4.png"),
        ("mixed", "4x2.png"),
    ]
    size, shifted = (checked.findings[i].message for i in (2, 5))
    assert "96×72" in size
    assert "80×60" in size
    assert "+0.5 HR pixels to the right, +0.5 down" in shifted


def test_a_pair_made_by_another_program_stands_out(tmp_path):
    hr, lr = draw_pairs(tmp_path, matlab_bicubic, 4)
    draw(lr / "2x2.png", rows(opencv_bicubic(tensor(scene(2, width=96, height=72)), 2)))
    (finding,) = look(hr, lr).findings
    assert (finding.kind, finding.files) == ("mixed", (lr / "2x2.png",))
    assert finding.message == "was shrunk by OpenCV bicubic, most others by MATLAB bicubic"


def test_repeated_pictures_are_found_also_when_saved_anew(tmp_path):
    for seed in range(4):
        draw(tmp_path / "in" / f"{seed}.png", scene(seed, width=96, height=72))
    draw(tmp_path / "in" / "4.png", scene(1, width=96, height=72))
    Image.fromarray(scene(2, width=96, height=72)).resize((80, 60)).save(
        tmp_path / "in" / "5.jpg", quality=80
    )
    findings = look(tmp_path / "in").findings
    found = [(f.kind, f.files[0].name, f.files[1].name, f.message) for f in findings]
    assert found == [
        ("duplicate", "4.png", "1.png", "shows pixel for pixel the same as 1.png"),
        ("duplicate", "5.jpg", "2.png", "looks the same as 2.png"),
    ]


def test_flat_pictures_are_no_duplicates_of_other_flat_pictures(tmp_path):
    for code in (10, 200):
        draw(tmp_path / "in" / f"{code}.png", np.full((40, 40, 3), code, np.uint8))
    assert look(tmp_path / "in").findings == []


def test_test_pictures_in_the_training_folder_are_found(tmp_path):
    """Whole, at another size, and as a piece, also saved as JPEG."""
    tests = [scene(seed, width=360, height=280) for seed in range(4)]
    for number, picture in enumerate(tests):
        draw(tmp_path / "test" / f"t{number}.png", picture)
    draw(tmp_path / "train" / "clean.png", scene(60, width=360, height=280))
    draw(tmp_path / "train" / "whole.bmp", tests[0])
    smaller = Image.fromarray(tests[1]).resize((180, 140), Image.Resampling.LANCZOS)
    smaller.save(tmp_path / "train" / "smaller.png")
    draw(tmp_path / "train" / "piece.png", tests[2][31:231, 47:297])
    Image.fromarray(tests[3][20:240, 60:330]).save(tmp_path / "train" / "piece.jpg", quality=95)
    checked = look(tmp_path / "train", test=[tmp_path / "test"])
    found = {f.files[0].name: (f.kind, f.files[1].name) for f in checked.findings}
    assert found == {
        "whole.bmp": ("leak", "t0.png"),
        "smaller.png": ("leak", "t1.png"),
        "piece.png": ("leak", "t2.png"),
        "piece.jpg": ("leak", "t3.png"),
    }


@pytest.mark.parametrize("view", VIEWS[1:])
def test_turned_and_mirrored_test_pictures_are_found(tmp_path, view):
    """Whole, smaller and in pieces, in each of the seven views that are not upright."""
    tests = [scene(seed, width=360, height=280) for seed in range(3)]
    for number, picture in enumerate(tests):
        draw(tmp_path / "test" / f"t{number}.png", picture)
        turned = turn(torch.from_numpy(picture).permute(2, 0, 1), view).permute(1, 2, 0).numpy()
        small = Image.fromarray(np.ascontiguousarray(turned)).resize((200, 200))
        kept = (turned, np.asarray(small), turned[31:231, 47:247])[number]
        draw(tmp_path / "train" / f"{number}.png", np.ascontiguousarray(kept))
    checked = look(tmp_path / "train", test=[tmp_path / "test"])
    found = [(f.kind, f.files[0].stem, f.files[1].stem) for f in checked.findings]
    assert found == [("leak", str(n), f"t{n}") for n in range(3)]
    assert all(f.message.endswith(", turned or mirrored") for f in checked.findings)


@pytest.mark.data
def test_the_91_pictures_hold_one_twice(data_root):
    checked = look(data_root / "train" / "T91")
    assert [[path.name for path in f.files] for f in checked.findings] == [["t65.png", "t36.png"]]


def test_a_scale_that_cannot_be_told_is_asked_for(tmp_path):
    draw(tmp_path / "hr" / "a.png", scene(0, width=50, height=40))
    draw(tmp_path / "lr" / "a.png", scene(0, width=2, height=2))
    with pytest.raises(UsageError, match="cannot be told"):
        look(tmp_path / "hr", tmp_path / "lr")
