"""What is written reads back as it was, by our own reader and by others'."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from PIL import ImageCms

import superfine.io.rows
from superfine.errors import OutputError
from superfine.io import PictureWriter, encode, read, write
from superfine.io.rows import convert
from superfine.types import Image, Metadata
from tests.corpus import bytes as raw

_DTYPES = {8: torch.uint8, 16: torch.uint16, 32: torch.float32}


def _image(height: int, width: int, channels: int, bits: int = 8) -> Image:
    codes = torch.from_numpy(raw.noise(height, width, channels, np.uint16).astype(np.int32))
    planes = convert(codes.to(torch.uint16).permute(2, 0, 1), _DTYPES[bits])
    colours = 1 if channels <= 2 else 3
    return Image(planes[:colours], planes[colours:] if channels in (2, 4) else None)


def _same(first: Image, second: Image) -> bool:
    if (first.alpha is None) != (second.alpha is None) or first.bit_depth != second.bit_depth:
        return False
    alphas = first.alpha is None or torch.equal(_wide(first.alpha), _wide(second.alpha))
    return alphas and torch.equal(_wide(first.pixels), _wide(second.pixels))


def _wide(planes: torch.Tensor | None) -> torch.Tensor:
    assert planes is not None
    return planes.to(torch.float64)


@settings(max_examples=60, deadline=None)
@given(
    channels=st.integers(1, 4),
    bits=st.sampled_from([8, 16, 32]),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    name=st.sampled_from(["png", "tif"]),
)
def test_lossless_formats_come_back_exactly(
    channels: int, bits: int, height: int, width: int, name: str
) -> None:
    image = _image(height, width, channels, bits)
    back = read(encode(image, name))
    if bits == 32 and name == "png":
        image = replace(
            image,
            pixels=convert(image.pixels, torch.uint16),
            alpha=None if image.alpha is None else convert(image.alpha, torch.uint16),
        )
    assert _same(image, back)


@pytest.mark.parametrize(
    ("suffix", "channels", "bits"),
    [
        (".webp", 3, 8),
        (".webp", 4, 8),
        (".bmp", 1, 8),
        (".bmp", 3, 8),
        (".ppm", 3, 8),
        (".ppm", 3, 16),
        (".pgm", 1, 16),
        (".pnm", 1, 8),
    ],
)
def test_other_exact_formats_come_back_exactly(
    tmp_path: Path, suffix: str, channels: int, bits: int
) -> None:
    image = _image(21, 33, channels, bits)
    write(image, tmp_path / f"a{suffix}", quality=100)
    assert _same(image, read(tmp_path / f"a{suffix}"))


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_lossy_formats_come_back_closely(tmp_path: Path, suffix: str) -> None:
    codes = torch.from_numpy(raw.ramp(64, 96)).permute(2, 0, 1)
    write(Image(codes), tmp_path / f"a{suffix}")
    back = read(tmp_path / f"a{suffix}")
    assert (back.pixels.int() - codes.int()).abs().max() <= 6


@pytest.mark.parametrize("mode", ["png", "tif", "jpg", "webp", "avif", "bmp", "ppm", "gif"])
def test_pillow_reads_what_we_write(mode: str) -> None:
    codes = raw.ramp(32, 48)
    data = encode(Image(torch.from_numpy(codes).permute(2, 0, 1)), mode)
    with PillowImage.open(BytesIO(data)) as picture:
        theirs = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(theirs - codes).max() <= (0 if mode in ("png", "tif", "bmp", "ppm") else 12)


def _exif() -> bytes:
    tags = PillowImage.Exif()
    tags[0x010E], tags[0x0112], tags[0x8298] = "a bridge", 1, "somebody"
    tags.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    tags.get_ifd(0x8825)[1] = "N"
    return tags.tobytes()[6:]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".avif"])
def test_what_a_picture_carries_is_kept_or_named_in_a_note(tmp_path: Path, suffix: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    carried = Metadata(exif=_exif(), xmp=b"<x:xmpmeta/>", dpi=(300.0, 150.0))
    image = replace(_image(9, 9, 3), profile=profile, metadata=carried)
    path = tmp_path / f"a{suffix}"
    lost = " ".join(write(image, path))
    back = read(path)
    assert back.profile == profile
    assert back.metadata.xmp == carried.xmp
    assert "DPI" in lost or back.metadata.dpi == pytest.approx((300, 150), abs=0.02)
    if "EXIF" in lost:
        assert back.metadata.exif is None
        return
    assert back.metadata.exif is not None
    kept = PillowImage.Exif()
    kept.load(back.metadata.exif)
    assert (kept[0x010E], kept[0x8298], kept[0x0112]) == ("a bridge", "somebody", 1)
    assert kept.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    assert kept.get_ifd(0x8825)[1] == "N"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_resolution_alone_is_kept(tmp_path: Path, suffix: str) -> None:
    image = replace(_image(9, 9, 3), metadata=Metadata(dpi=(300.0, 150.0)))
    assert write(image, tmp_path / f"a{suffix}") == ()
    assert read(tmp_path / f"a{suffix}").metadata.dpi == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_no_resolution_and_no_exif_are_invented(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write(_image(9, 9, 3), path)
    with PillowImage.open(path) as picture:
        assert picture.info.get("dpi", (1, 1))[0] in (1, 72)
        assert suffix == ".tif" or not picture.getexif()


def test_fewer_bits_are_a_note_and_are_rounded(tmp_path: Path) -> None:
    """16-bit codes divided by 257 and rounded to nearest; 65535 stays the largest."""
    codes = torch.tensor([[[0, 128, 129, 32767, 32768, 65406, 65407, 65535]]]).to(torch.uint16)
    notes = write(Image(codes), tmp_path / "a.bmp")
    assert read(tmp_path / "a.bmp").pixels[0, 0].tolist() == [0, 0, 1, 127, 128, 254, 255, 255]
    assert notes == ("BMP holds no 16 bits: rounded to 8 bits.",)


def test_what_a_format_cannot_hold_is_refused_before_any_work(tmp_path: Path) -> None:
    transparent, colour = _image(3, 3, 4), _image(3, 3, 3)
    for image, name in (
        (transparent, "a.jpg"),
        (colour, "a.pgm"),
        (colour, "a.xyz"),
        (colour, "a"),
    ):
        with pytest.raises(OutputError) as caught:
            write(image, tmp_path / name)
        assert caught.value.hint
    with pytest.raises(OutputError, match=r"Did you mean '\.png'"):
        write(colour, tmp_path / "a.pngg")
    with pytest.raises(OutputError):
        write(colour, tmp_path / "a.jpg", quality=0)
    with pytest.raises(OutputError):
        write(_image(1, 65501, 1), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["-x.png", "a [n=2].png", "[strip].tif", "é\n'.png", "e\u0301.jpg"]
)
def test_names_are_only_names(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in [page=3]"
    folder.mkdir()
    write(_image(5, 5, 3), folder / name)
    assert [entry.name for entry in folder.iterdir()] == [name]
    assert read(folder / name).width == 5


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".ppm"])
@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (3, 8), (3, 16)])
def test_spooled_rows_give_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, channels: int, bits: int
) -> None:
    """Slabs of a few rows, the last one shorter, and rows given in uneven pieces."""
    image = _image(101, 50, channels, bits)
    write(image, tmp_path / f"memory{suffix}")
    monkeypatch.setattr(superfine.io.rows, "LARGEST_IN_MEMORY", 0)
    monkeypatch.setattr(superfine.io.rows, "_SLAB", 7 * 50 * channels * bits // 8)
    path = tmp_path / f"spooled{suffix}"
    with PictureWriter(
        path,
        width=50,
        height=101,
        channels=1 if channels == 1 else 3,
        alpha=False,
        dtype=image.pixels.dtype,
    ) as writer:
        for top, bottom in ((0, 1), (1, 40), (40, 100), (100, 101)):
            writer.rows(image.pixels[:, top:bottom])
        assert any(re.search(r"\.tmp$", entry.name) for entry in tmp_path.iterdir())
    assert path.read_bytes() == (tmp_path / f"memory{suffix}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_rows_that_do_not_fit_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    rows = _image(4, 5, 3).pixels
    plan = {"width": 5, "height": 4, "channels": 3, "alpha": False, "dtype": torch.uint8}
    wrong = (rows[:, :3], rows[:1], rows[:, :, :4], rows.to(torch.float32), rows.repeat(1, 2, 1))
    for given_rows in wrong:
        with pytest.raises(ValueError, match="rows"):
            _write_rows(tmp_path / "a.png", given_rows, plan)
    assert list(tmp_path.iterdir()) == []


def _write_rows(path: Path, rows: torch.Tensor, plan: dict[str, object]) -> None:
    with PictureWriter(path, **plan) as writer:  # type: ignore[arg-type]
        writer.rows(rows)


def test_the_same_picture_gives_the_same_bytes() -> None:
    image = _image(30, 30, 3)
    for name in ("png", "jpg", "tif", "webp", "avif"):
        assert encode(image, name) == encode(image, name)


def test_large_tiff_is_big_tiff() -> None:
    """Decided by size alone; a file of 4 GB is too much for a test."""
    from superfine.io import outputs

    small = encode(_image(5, 5, 3), "tif")
    assert small[2] == 42
    before = outputs._CLASSIC_TIFF
    outputs._CLASSIC_TIFF = 10
    try:
        assert encode(_image(5, 5, 3), "tif")[2] == 43
    finally:
        outputs._CLASSIC_TIFF = before


def test_descriptors_are_given_back(tmp_path: Path) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    write(_image(9, 9, 3), tmp_path / "a.png")
    read(tmp_path / "a.png")
    before = open_files()
    for number in range(30):
        write(_image(9, 9, 3), tmp_path / f"{number}.png")
        read(tmp_path / f"{number}.png")
    assert open_files() <= before + 2
