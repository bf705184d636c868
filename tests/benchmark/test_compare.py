"""Two pictures set against each other: what differs, how much, and which is nearer to the truth."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from skimage.metrics import structural_similarity

from superfine.benchmark.compare import PairOfPictures, compare_pictures, matched, tally
from superfine.benchmark.figure.difference import difference_sheet
from superfine.benchmark.metric import METRICS
from superfine.benchmark.protocol import Protocol, find_protocol
from superfine.errors import PictureError, SizeMismatchError, UsageError
from superfine.io import write
from superfine.types import Image

PROTOCOL = find_protocol("y-matlab")


def codes(
    *, height: int = 40, width: int = 56, seed: int = 0, channels: int = 3, bits: int = 8
) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(0, 2**bits, (channels, height, width), generator=generator)
    return drawn.to(torch.uint8) if bits == 8 else drawn.to(torch.int32).to(torch.uint16)


def saved(path: Path, pixels: torch.Tensor, **values: object) -> Path:
    write(Image(pixels.contiguous(), **values), path, overwrite=True)
    return path


def nudged(pixels: torch.Tensor, by: int, seed: int = 3) -> torch.Tensor:
    """The picture with noise of up to `by` codes."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randint(-by, by + 1, pixels.shape, generator=generator)
    return (pixels.int() + noise).clamp(0, 255).to(torch.uint8)


def compared(
    *paths: Path, scale: int | None = None, protocol: Protocol | None = None
) -> PairOfPictures:
    return compare_pictures(*paths, scale=scale, protocol=protocol)


def test_psnr_and_ssim_of_two_pictures_are_everybodys(tmp_path: Path) -> None:
    x, y = codes(), nudged(codes(), 20)
    found = compared(saved(tmp_path / "a.png", x), saved(tmp_path / "b.png", y))
    error = float((x.double() - y.double()).square().mean())
    assert found.mutual["psnr"] == pytest.approx(10 * math.log10(255**2 / error), abs=1e-9)
    _, whole = structural_similarity(
        x.numpy(), y.numpy(), channel_axis=0, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, data_range=255, full=True,
    )  # fmt: skip
    assert found.mutual["ssim"] == pytest.approx(whole[:, 5:-5, 5:-5].mean(), abs=1e-6)
    apart = (x.int() - y.int()).abs().amax(dim=0)
    assert found.difference.largest == pytest.approx(float(apart.max()))
    column, row = found.difference.at
    assert apart[row, column] == apart.max()
    assert found.difference.pixels == int((apart > 0).sum())
    assert not found.difference.identical
    assert found.scores == {}


def test_sixteen_bits_stay_sixteen(tmp_path: Path) -> None:
    """A single code of 65535 is found; squeezed to 8 bits it would not be."""
    deep = codes(bits=16).to(torch.int32)
    deep[1, 7, 9] = 300
    other = deep.clone()
    other[1, 7, 9] = 301
    a = saved(tmp_path / "a.png", deep.to(torch.uint16))
    b = saved(tmp_path / "b.png", other.to(torch.uint16))
    found = compared(a, b)
    assert (found.difference.largest, found.difference.largest_code) == (pytest.approx(1), 65535)
    assert found.difference.at == (9, 7)
    assert found.difference.pixels == 1
    error = (1 / 65535) ** 2 / deep.numel()
    assert found.mutual["psnr"] == pytest.approx(-10 * math.log10(error), abs=1e-6)
    with pytest.raises(PictureError, match="y-matlab compares pictures of 8 bits; A has 16"):
        compared(a, b, scale=2, protocol=PROTOCOL)


def test_eight_bits_against_sixteen(tmp_path: Path) -> None:
    small = codes()
    a = saved(tmp_path / "a.png", small)
    b = saved(tmp_path / "b.png", (small.to(torch.int32) * 257).to(torch.uint16))
    found = compared(a, b)
    assert found.remarks == ("A has 8 bits a sample, B has 16.",)
    assert (found.difference.pixels, found.difference.identical) == (0, False)
    assert found.facts == ("56x40, 8 bits, colour", "56x40, 16 bits, colour")


def test_identical_means_every_sample_of_everything(tmp_path: Path) -> None:
    alpha = codes(channels=1, seed=5)
    a = saved(tmp_path / "a.png", codes(), alpha=alpha)
    assert compared(a, saved(tmp_path / "b.png", codes(), alpha=alpha)).difference.identical
    other = compared(a, saved(tmp_path / "c.png", codes(), alpha=alpha.flip(-1)))
    assert not other.difference.identical
    assert other.difference.pixels == 0
    assert "Their transparency differs." in other.remarks
    without = compared(a, saved(tmp_path / "d.png", codes()))
    assert not without.difference.identical
    assert without.remarks == ("Only A has transparency.", "Transparency is not compared.")
    assert without.facts == ("56x40, 8 bits, colour, transparency", "56x40, 8 bits, colour")


def test_grey_against_colour(tmp_path: Path) -> None:
    """Grey stored in colour equals grey, under a protocol too, where its luma would not."""
    grey = codes(channels=1)
    a = saved(tmp_path / "a.png", grey)
    b = saved(tmp_path / "b.png", grey.expand(3, -1, -1))
    stored = compared(b, b, a)
    assert stored.scores["psnr"] == (math.inf, math.inf)
    found = compared(a, b)
    assert found.remarks == ("A is grey, B is colour.",)
    assert found.difference.pixels == 0
    scored = compared(b, saved(tmp_path / "c.png", nudged(grey, 9)), a, scale=2, protocol=PROTOCOL)
    assert scored.scores["psnr"][0] == math.inf
    assert 30 < scored.scores["psnr"][1] < 50


def test_profiles_that_differ_are_told(tmp_path: Path, data_profile: bytes) -> None:
    a = saved(tmp_path / "a.png", codes(), profile=data_profile)
    found = compared(a, saved(tmp_path / "b.png", codes()))
    assert found.remarks == ("Their colour profiles differ; codes are compared as they stand.",)


@pytest.fixture
def data_profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_what_cutting_to_multiples_takes_off_may_be_missing(tmp_path: Path) -> None:
    whole = codes()
    a = saved(tmp_path / "a.png", whole)
    b = saved(tmp_path / "b.png", whole[:, :39, :54])
    found = compared(a, b)
    assert found.difference.pixels == 0
    assert not found.difference.identical
    assert found.size == (54, 39)
    assert found.remarks == ("Only the 54x39 pixels from the upper left were compared.",)
    assert compared(a, b, scale=4, protocol=PROTOCOL).size == (52, 36)
    with pytest.raises(SizeMismatchError, match="A is 56x40, B is 54x39"):
        compared(a, b, scale=2, protocol=PROTOCOL)
    small = saved(tmp_path / "c.png", whole[:, :32])
    with pytest.raises(SizeMismatchError, match="the truth is 56x32"):
        compared(a, a, small)


def test_a_protocol_scores_as_a_benchmark_does(tmp_path: Path) -> None:
    truth = codes(height=60, width=80)
    better, worse = nudged(truth, 5), nudged(truth, 15)
    paths = [
        saved(tmp_path / f"{name}.png", pixels)
        for name, pixels in (("worse", worse), ("better", better), ("truth", truth))
    ]
    found = compared(*paths, scale=4, protocol=PROTOCOL)
    for index, pixels in enumerate((worse, better)):
        score = PROTOCOL.score(pixels, truth, 4)
        assert found.scores["psnr"][index] == pytest.approx(score.psnr)
        assert found.scores["ssim"][index] == pytest.approx(score.ssim)
    assert set(found.scores) <= {metric.name for metric in METRICS}
    assert "ms-ssim" not in found.scores  # the picture is too small for it
    against = PROTOCOL.score(worse, better, 4)
    assert found.mutual["psnr"] == pytest.approx(against.psnr)


def test_the_truth_tells_which_is_nearer(tmp_path: Path) -> None:
    truth = codes(height=180, width=170)
    a = saved(tmp_path / "a.png", nudged(truth, 15))
    b = saved(tmp_path / "b.png", nudged(truth, 5))
    found = compared(a, b, saved(tmp_path / "t.png", truth))
    assert set(found.scores) == {"psnr", "ssim", "ms-ssim"}
    assert all(first < second for first, second in found.scores.values())


def test_folders_are_matched_by_name(tmp_path: Path) -> None:
    for folder, names in (("A", "xyz"), ("B", "wxy"), ("T", "xyz")):
        (tmp_path / folder).mkdir()
        for name in names:
            saved(tmp_path / folder / f"{name}.{'bmp' if folder == 'T' else 'png'}", codes())
    files, alone = matched(tmp_path / "A", tmp_path / "B", tmp_path / "T")
    assert [[path.name for path in row] for row in files] == [
        ["x.png", "x.png", "x.bmp"],
        ["y.png", "y.png", "y.bmp"],
    ]
    assert {Path(path).name for path in alone} == {"w.png", "z.png", "z.bmp"}
    (tmp_path / "C").mkdir()
    saved(tmp_path / "C" / "v.png", codes())
    with pytest.raises(UsageError, match="no name in common"):
        matched(tmp_path / "A", tmp_path / "C", None)


def test_the_tally_of_a_folder() -> None:
    found = tally("psnr", [(30.0, 31.0), (28.0, 28.5), (25.0, 24.0), (27.0, 27.0)])
    assert found.means == (27.5, 27.625)
    assert found.wins == (1, 2)
    assert found.gain == pytest.approx(0.125)
    # Sample standard deviation of 1, 0.5, -1, 0 over the root of 4.
    assert found.error == pytest.approx(math.sqrt(2.1875 / 3) / 2)
    alone = tally("psnr", [(30.0, 31.0)])
    assert (alone.gain, math.isnan(alone.error)) == (1.0, True)
    equal = tally("psnr", [(math.inf, math.inf), (30.0, 30.5)])
    assert (equal.gain, equal.wins) == (0.25, (0, 1))


def test_the_sheet_shows_the_place_pixel_by_pixel(tmp_path: Path) -> None:
    x = codes(height=120, width=150)
    y = x.clone()
    y[:, 60:100, 70:110] ^= 64
    found = compared(saved(tmp_path / "a.png", x), saved(tmp_path / "b.png", y))
    drawn = difference_sheet(found, ["A: a.png", "B: b.png"])
    assert drawn.dtype == torch.uint8
    top = left = 12
    panel = drawn[:, top : top + 288, left : left + 288]
    shown = panel[:, ::6, ::6]
    assert torch.equal(panel, shown.repeat_interleave(6, -1).repeat_interleave(6, -2))
    places = [
        (i, j)
        for i in range(120 - 48 + 1)
        for j in range(150 - 48 + 1)
        if torch.equal(x[:, i : i + 48, j : j + 48], shown)
    ]
    ((i, j),) = places
    assert i <= 60 <= i + 8  # all of what differs is inside
    assert j <= 70 <= j + 8
    change = drawn[:, top : top + 288, left + 2 * 300 : left + 2 * 300 + 288][:, ::6, ::6]
    inside = torch.zeros(48, 48, dtype=torch.bool)
    inside[60 - i : 100 - i, 70 - j : 110 - j] = True
    white = (change.int() - 247).abs().amax(dim=0) == 0
    assert torch.equal(white, ~inside)
    brighter = y[0, i : i + 48, j : j + 48] > x[0, i : i + 48, j : j + 48]
    alike = (x[:, :, :] & 64)[:, i : i + 48, j : j + 48]
    one_sign = inside & (alike == alike[:1]).all(dim=0)
    assert torch.equal((change[0] > change[2])[one_sign], brighter[one_sign])


def test_the_sheet_of_equal_pictures_and_of_long_names(tmp_path: Path) -> None:
    a = saved(tmp_path / "a.png", codes(channels=1, height=20, width=20))
    short = difference_sheet(compared(a, a, a), ["A", "B", "T"])
    long = difference_sheet(compared(a, a, a), ["A" * 200, "B" * 200, "T" * 200])
    assert short.shape == long.shape
    left = 12 + 3 * (120 + 12)
    assert (short[:, 12:132, left : left + 120] == 247).all()
