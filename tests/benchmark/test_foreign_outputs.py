"""A folder of somebody else's results is matched with its truth, whatever the names."""

import math

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from superfine.benchmark.metric import Compared, find_metric
from superfine.benchmark.protocol import find_protocol
from superfine.benchmark.theirs.matching import outputs_in
from superfine.benchmark.theirs.symptoms import inspect_outputs
from superfine.benchmark.verdict.explain import explain
from superfine.data.folders import read_uint8
from superfine.demo import PHOTO
from superfine.errors import PictureError, SizeMismatchError, UsageError
from superfine.io import write
from superfine.types import Image

PROTOCOL = find_protocol("y-rgb")
NAMES = ("baby", "img_001", "0801", "100039")


def save(path, codes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = codes.permute(1, 2, 0).contiguous().numpy()
    PillowImage.fromarray(rows[..., 0] if rows.shape[2] == 1 else rows).save(path)


def pieces() -> list[torch.Tensor]:
    photo = read_uint8(PHOTO)
    return [
        photo[:, y : y + 72, x : x + 96].contiguous()
        for y, x in ((0, 0), (90, 200), (200, 60), (250, 330))
    ]


@pytest.fixture
def truth(tmp_path):
    """Four true pictures of 96x72."""
    for name, piece in zip(NAMES, pieces(), strict=True):
        save(tmp_path / "HR" / f"{name}.png", piece)
    return [tmp_path / "HR" / f"{name}.png" for name in NAMES]


def enlarged(codes: torch.Tensor, scale: int) -> torch.Tensor:
    """The bicubic result for a true picture, by Pillow."""
    array = codes.permute(1, 2, 0).contiguous().numpy()
    array = array[..., 0] if array.shape[2] == 1 else array
    picture, bicubic = PillowImage.fromarray(array), PillowImage.Resampling.BICUBIC
    small = picture.resize((codes.shape[2] // scale, codes.shape[1] // scale), bicubic)
    large = np.array(small.resize((small.width * scale, small.height * scale), bicubic))
    rows = large[..., None] if large.ndim == 2 else large
    return torch.from_numpy(rows).permute(2, 0, 1).contiguous()


def fill(folder, pattern: str, *, scale: int = 2) -> None:
    for name, piece in zip(NAMES, pieces(), strict=True):
        save(folder / pattern.format(name), enlarged(piece, scale))


@pytest.mark.parametrize(
    "pattern",
    [
        "{}.png",
        "{}x2.png",
        "{}_x2.png",
        "{}_x2_SR.png",
        "{}_SRF_2_SRCNN.png",
        "{}x2_EDSR.png",
        "{}_fsrcnn.png",
        "{}-out.PNG",
        "{}_HRNet_x2.png",
        "SR_{}.png",
        "X2/{}.png",
        "Set5/x2/{}_SwinIR.png",
        "image_SRF_2/{}.png",
    ],
)
def test_the_usual_namings_are_understood(tmp_path, truth, pattern):
    fill(tmp_path / "out", pattern)
    found = outputs_in(tmp_path / "out", truth, scale=2, protocol=PROTOCOL)
    assert [(t.stem, r) for t, r in found.pairs] == [
        (name, tmp_path / "out" / pattern.format(name)) for name in NAMES
    ]
    assert found.notes == ()
    made = list(found)
    assert [output.picture for output in made] == list(NAMES)
    for output, piece in zip(made, pieces(), strict=True):
        assert torch.equal((output.sr * 255).round().to(torch.uint8), enlarged(piece, 2))
        assert torch.equal(output.hr, piece)
        assert output.lr.shape == (3, 36, 48)


def test_names_of_the_truth_may_say_so(tmp_path):
    """As the SelfExSR files: img_001_SRF_2_HR.png beside img_001_SRF_2_SRCNN.png and _LR.png."""
    (piece, *_) = pieces()
    save(tmp_path / "img_001_SRF_2_HR.png", piece)
    for method, codes in (("SRCNN", enlarged(piece, 2)), ("LR", piece[:, ::2, ::2]), ("HR", piece)):
        save(tmp_path / "out" / f"img_001_SRF_2_{method}.png", codes.contiguous())
    truth = [tmp_path / "img_001_SRF_2_HR.png"]
    found = outputs_in(tmp_path / "out", truth, scale=2, protocol=PROTOCOL)
    assert [result.name for _, result in found.pairs] == ["img_001_SRF_2_SRCNN.png"]


def test_a_longer_name_is_not_taken_for_a_shorter_one(tmp_path):
    for name in ("img_1", "img_10"):
        save(tmp_path / "HR" / f"{name}.png", pieces()[0])
    save(tmp_path / "out" / "img_10_x2.png", enlarged(pieces()[0], 2))
    truth = [tmp_path / "HR" / "img_1.png", tmp_path / "HR" / "img_10.png"]
    found = outputs_in(tmp_path / "out", truth, scale=2, protocol=PROTOCOL)
    assert [t.stem for t, _ in found.pairs] == ["img_10"]
    assert found.notes == ("No result for img_1.png: the mean is over the other 1.",)


def test_results_of_other_scales_are_left_out(tmp_path, truth):
    fill(tmp_path / "out", "X2/{}.png")
    fill(tmp_path / "out", "X3/{}.png", scale=3)
    fill(tmp_path / "out", "all/{}_x4.png", scale=4)
    found = outputs_in(tmp_path / "out", truth, scale=3, protocol=PROTOCOL)
    assert {result.parent.name for _, result in found.pairs} == {"X3"}
    assert found.notes == ()
    with pytest.raises(UsageError, match="no result for any of the 4") as caught:
        outputs_in(tmp_path / "out" / "all", truth, scale=2, protocol=PROTOCOL)
    assert caught.value.hint == "0801_x4.png speaks of another scale: measure at that one."


def test_two_results_for_one_picture_are_refused(tmp_path, truth):
    fill(tmp_path / "out", "{}_edsr.png")
    fill(tmp_path / "out", "{}_rcan.png")
    with pytest.raises(
        UsageError, match=r"Both 0801_edsr.png and 0801_rcan.png are named after 08"
    ):
        outputs_in(tmp_path / "out", truth, scale=2, protocol=PROTOCOL)


def test_results_without_names_are_known_by_their_looks(tmp_path, truth):
    for number, piece in zip((4, 2, 3, 1), pieces(), strict=True):
        save(tmp_path / "out" / f"result-{number}.png", enlarged(piece, 2))
    found = outputs_in(tmp_path / "out", truth, scale=2, protocol=PROTOCOL)
    assert [result.stem[-1] for _, result in found.pairs] == ["4", "2", "3", "1"]
    assert found.notes[0] == "result-4.png is taken for baby.png, which it looks like."


def test_missing_and_further_files_are_told(tmp_path, truth):
    fill(tmp_path / "out", "{}.png")
    (tmp_path / "out" / "baby.png").unlink()
    noise = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 72, 96), np.uint8))
    save(tmp_path / "out" / "diagram.png", noise)
    found = outputs_in(tmp_path / "out", truth, scale=2, protocol=PROTOCOL)
    assert [output.picture for output in found] == list(NAMES[1:])
    assert found.notes == (
        "No result for baby.png: the mean is over the other 3.",
        "Left out, since no picture is called so: diagram.png.",
    )


def test_a_folder_of_other_things_is_refused(tmp_path, truth):
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="no result for any of the 4 pictures at scale 2"):
        outputs_in(tmp_path / "out", truth, scale=2, protocol=PROTOCOL)
    with pytest.raises(UsageError, match="is not a folder"):
        outputs_in(tmp_path / "none", truth, scale=2, protocol=PROTOCOL)


@pytest.mark.parametrize(
    ("scale", "size", "common"),
    [
        (2, (71, 95), (70, 94)),  # the whole picture, not cut
        (3, (72, 96), (69, 93)),  # LR had one pixel more
        (4, (60, 84), (60, 84)),  # cut to multiples of 12
    ],
)
def test_another_cut_of_the_truth_is_compared_where_both_are(tmp_path, scale, size, common):
    piece = pieces()[0][:, :71, :95].contiguous()
    save(tmp_path / "baby.png", piece)
    wide = torch.nn.functional.pad(piece, (0, 1, 0, 1))
    save(tmp_path / "out" / "baby.png", wide[:, : size[0], : size[1]].contiguous())
    found = outputs_in(tmp_path / "out", [tmp_path / "baby.png"], scale=scale, protocol=PROTOCOL)
    (output,) = found
    assert output.hr.shape == output.sr.shape == (3, *common)
    assert torch.equal((output.sr * 255).round().to(torch.uint8), output.hr)
    assert found.notes == (f"Not cut to multiples of {scale}, compared where both are: baby.png.",)


@pytest.mark.parametrize(
    ("size", "hint"),
    [
        ((36, 48), "That is the size of the LR picture"),
        ((68, 92), "If 2 pixels were shaved on each side"),
        ((144, 192), "Give results of this scale"),
    ],
)
def test_another_size_is_refused(tmp_path, truth, size, hint):
    save(tmp_path / "out" / "baby.png", torch.zeros((3, *size), dtype=torch.uint8))
    with pytest.raises(SizeMismatchError) as caught:
        outputs_in(tmp_path / "out", truth, scale=2, protocol=PROTOCOL)
    says = f"baby.png is {size[1]}x{size[0]}, but a result for baby.png at scale 2 is 96x72."
    assert caught.value.message.endswith(says)
    assert caught.value.hint.startswith(hint)


def test_16_bits_are_read_as_such(tmp_path, truth):
    codes = (pieces()[0].to(torch.int32) * 257 - 100).clamp(0, 65535).to(torch.uint16)
    (tmp_path / "out").mkdir()
    write(Image(codes), tmp_path / "out" / "baby.png")
    (output,) = outputs_in(tmp_path / "out", truth[:1], scale=2, protocol=PROTOCOL)
    expected = codes.to(torch.float64) / 65535
    assert torch.equal(output.sr, expected)


def test_grey_results_in_colour_files_are_grey(tmp_path):
    grey = pieces()[0][:1].contiguous()
    save(tmp_path / "bridge.png", grey)
    save(tmp_path / "out" / "bridge.png", enlarged(grey, 2).expand(3, -1, -1).contiguous())
    found = outputs_in(tmp_path / "out", [tmp_path / "bridge.png"], scale=2, protocol=PROTOCOL)
    assert found.notes == ("Stored in colour, but compared in grey as the truth: bridge.png.",)
    (output,) = found
    assert torch.equal((output.sr * 255).round().to(torch.uint8), enlarged(grey, 2))
    assert output.lr.shape == (1, 36, 48)


def test_luma_results_are_compared_as_luma(tmp_path, truth):
    luma = PROTOCOL.luma(enlarged(pieces()[0], 2))
    save(tmp_path / "out" / "baby.png", luma)
    protocol = find_protocol("y-matlab")
    found = outputs_in(tmp_path / "out", truth[:1], scale=2, protocol=protocol)
    assert found.notes == ("Grey, and so taken for luma: baby.png.",)
    (output,) = found
    assert output.sr.shape == (1, 72, 96)
    assert output.lr.shape == (1, 36, 48)


def test_damaged_files_are_named(tmp_path, truth):
    fill(tmp_path / "out", "{}.png")
    (tmp_path / "out" / "baby.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(PictureError, match=r"baby\.png"):
        list(outputs_in(tmp_path / "out", truth, scale=2, protocol=PROTOCOL))


def test_a_folder_can_be_judged(tmp_path, truth):
    """Measured in RGB with NumPy; nothing else is wrong with the pictures."""
    fill(tmp_path / "out", "{}_bicubic.png")
    found = outputs_in(tmp_path / "out", truth, scale=2, protocol=PROTOCOL)
    errors = [
        np.mean((a[2:-2, 2:-2].astype(float) - b[2:-2, 2:-2]) ** 2)
        for a, b in (
            (np.array(PillowImage.open(r)), np.array(PillowImage.open(t))) for t, r in found.pairs
        )
    ]
    rgb = np.mean([10 * math.log10(255**2 / error) for error in errors])
    said = explain(lambda: found, PROTOCOL, f"{rgb:.2f}")
    assert said is not None
    assert said.cause == "rgb"
    psnr = find_metric("psnr")
    ours = [psnr.measure(Compared(output, PROTOCOL)) for output in found]
    assert said.ours == pytest.approx(sum(ours) / 4, abs=1e-9)
    assert inspect_outputs(found, PROTOCOL) == ()
