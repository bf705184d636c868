"""Pictures come in exactly as stored; the references are Pillow, OpenCV or our own bytes."""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from PIL import ImageCms, ImageOps

from superfine.errors import LimitError, PictureError
from superfine.io import Limits, probe, read
from superfine.types import Image
from tests.corpus import bytes as raw
from tests.corpus import makers


def _rows(image: Image) -> np.ndarray:
    planes = image.pixels if image.alpha is None else torch.cat([image.pixels, image.alpha])
    return planes.permute(1, 2, 0).numpy()


@settings(max_examples=60, deadline=None)
@given(
    channels=st.integers(1, 4),
    deep=st.booleans(),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    in_tiff=st.booleans(),
)
def test_lossless_codes_come_in_exactly(
    channels: int, deep: bool, height: int, width: int, in_tiff: bool
) -> None:
    codes = raw.noise(height, width, channels, np.uint16 if deep else np.uint8)
    data = makers.vips_tiff(codes) if in_tiff else raw.png_of(codes)
    image = read(data)
    assert image.bit_depth == (16 if deep else 8)
    np.testing.assert_array_equal(_rows(image), codes)


def test_sixteen_bit_colour_agrees_with_opencv() -> None:
    data = raw.png_of(raw.noise(20, 30, 3, np.uint16))
    theirs = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)[..., ::-1]
    np.testing.assert_array_equal(_rows(read(data)), theirs)


@pytest.mark.parametrize("transparency", [None, bytes((0, 128, 7)), 2])
def test_palettes_agree_with_pillow(transparency: bytes | int | None) -> None:
    data = makers.palette(transparency)
    with PillowImage.open(BytesIO(data)) as picture:
        theirs = np.asarray(picture.convert("RGB" if transparency is None else "RGBA"))
    np.testing.assert_array_equal(_rows(read(data)), theirs)


def test_a_transparent_colour_becomes_alpha() -> None:
    codes = raw.noise(9, 9, 3)
    key = raw.chunk(b"tRNS", struct.pack(">HHH", *codes[4, 4].tolist()))
    image = read(raw.png_of(codes, before=key))
    hidden = (codes == codes[4, 4]).all(axis=2)
    np.testing.assert_array_equal(_rows(image)[..., 3], np.where(hidden, 0, 255))
    np.testing.assert_array_equal(_rows(image)[..., :3], codes)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_agrees_with_pillow(name: str, orientation: int) -> None:
    tags = PillowImage.Exif()
    tags[0x0112] = orientation
    options = {"lossless": True} if name == "WEBP" else {}
    data = raw.packed(PillowImage.fromarray(raw.ramp(33, 47)), name, exif=tags, **options)
    with PillowImage.open(BytesIO(data)) as picture:
        theirs = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    image = read(data)
    np.testing.assert_array_equal(_rows(image), theirs)
    if image.metadata.exif is not None:
        kept = PillowImage.Exif()
        kept.load(image.metadata.exif)
        assert kept[0x0112] == 1


def test_orientation_of_large_pictures_is_undone_in_bands() -> None:
    """More samples than are mirrored at a time, and an odd number of rows."""
    codes = raw.noise(2049, 1025, 3)
    for orientation, turned in ((2, codes[:, ::-1]), (3, codes[::-1, ::-1]), (4, codes[::-1])):
        tags = PillowImage.Exif()
        tags[0x0112] = orientation
        image = read(raw.png_of(codes, before=raw.chunk(b"eXIf", tags.tobytes()[6:])))
        np.testing.assert_array_equal(_rows(image), turned)


def test_profiles_come_in_byte_for_byte() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = PillowImage.fromarray(raw.ramp(9, 9))
    for name in ("PNG", "JPEG", "TIFF", "WEBP", "AVIF"):
        assert read(raw.packed(picture, name, icc_profile=profile)).profile == profile


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "BMP"])
def test_resolution_comes_in(name: str) -> None:
    picture = PillowImage.fromarray(raw.ramp(9, 9))
    dpi = read(raw.packed(picture, name, dpi=(300, 150))).metadata.dpi
    assert dpi == pytest.approx((300, 150), abs=0.02)
    assert name == "BMP" or read(raw.packed(picture, name)).metadata.dpi is None


@pytest.mark.parametrize("name", ["JPEG", "TIFF"])
def test_cmyk_goes_through_its_profile_like_littlecms(name: str) -> None:
    import pyvips

    profile = pyvips.Image.profile_load("cmyk")
    ink = PillowImage.merge("CMYK", [PillowImage.fromarray(c) for c in raw.noise(4, 4, 4).T])
    ink = ink.resize((64, 64))
    options = {"quality": 100, "subsampling": 0} if name == "JPEG" else {}
    data = raw.packed(ink, name, icc_profile=profile, **options)
    with PillowImage.open(BytesIO(data)) as picture:
        theirs = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    image = read(data)
    difference = np.abs(_rows(image).astype(int) - np.asarray(theirs).astype(int))
    assert difference.max() <= 3
    assert image.profile is None
    assert image.notes == ("Converted from CMYK to sRGB.",)


def test_lab_becomes_srgb() -> None:
    """L* = 53.24, a* = 80.09, b* = 67.20 is sRGB red (CIE 15, D65)."""
    lab = PillowImage.new("LAB", (4, 4), (round(53.24 * 2.55), 128 + 80, 128 + 67))
    red = _rows(read(raw.packed(lab, "TIFF")))[0, 0]
    assert red[0] > 245
    assert red[1:].max() < 30


def test_premultiplied_tiff_is_divided_by_its_alpha() -> None:
    import pyvips

    codes = np.full((8, 8, 4), 100, np.uint8)
    codes[..., 3] = 200
    file = pyvips.Image.new_from_array(codes).copy(interpretation="srgb")
    data = bytearray(file.tiffsave_buffer())
    at = bytes(data).find(struct.pack("<HHI", 338, 3, 1))
    data[at + 8] = 1  # associated alpha
    image = read(bytes(data))
    assert image.pixels.unique().tolist() == [100 * 255 // 200]


def test_pixels_are_views_of_one_buffer() -> None:
    image = read(raw.png_of(raw.noise(20, 30, 4)))
    assert image.alpha is not None
    assert image.pixels.untyped_storage().data_ptr() == image.alpha.untyped_storage().data_ptr()
    assert image.pixels.stride() == (1, 120, 4)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("largest", [1, 15, 255, 1023, 65535])
def test_pnm_codes_are_stretched_to_the_full_range(largest: int, plain: bool) -> None:
    codes = (raw.noise(5, 7, 3, np.uint16).astype(int) % (largest + 1)).astype(np.uint16)
    if plain:
        data = f"P3\n# comment\n7 5 {largest}\n{' '.join(map(str, codes.ravel()))}".encode()
    else:
        stored = codes.astype(">u2" if largest > 255 else "u1")
        data = f"P6\n7 5\n{largest}\n".encode() + stored.tobytes()
    full = 65535 if largest > 255 else 255
    expected = np.floor(codes * (full / largest) + 0.5)
    np.testing.assert_array_equal(_rows(read(data)), expected)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_bmp_agrees_with_pillow(mode: str) -> None:
    data = raw.packed(PillowImage.fromarray(raw.ramp(9, 11)).convert(mode), "BMP")
    with PillowImage.open(BytesIO(data)) as picture:
        theirs = np.asarray(picture.convert("L" if mode in ("1", "L") else "RGB"))
    np.testing.assert_array_equal(_rows(read(data)).squeeze(), theirs)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF"])
def test_best_effort_decodes_the_upper_part_of_a_truncated_picture(name: str) -> None:
    codes = raw.noise(64, 64, 3)
    data = raw.packed(PillowImage.fromarray(codes), name)
    cut = data[: len(data) * 3 // 4]
    with pytest.raises(PictureError) as caught:
        read(cut)
    assert caught.value.code == "E_TRUNCATED"
    whole, part = _rows(read(data)), read(cut, best_effort=True)
    np.testing.assert_array_equal(_rows(part)[:24, :, :3], whole[:24])
    assert any("stops too early" in note for note in part.notes)


def test_damaged_jpeg_data_is_corrupt_and_stray_bytes_are_not() -> None:
    whole = raw.packed(PillowImage.fromarray(raw.ramp(200, 200)), "JPEG")
    middle = len(whole) - 200
    data = bytearray(whole)
    data[middle : middle + 40] = bytes(range(40))
    with pytest.raises(PictureError) as caught:
        read(bytes(data))
    assert caught.value.code == "E_CORRUPT"
    assert read(bytes(data), best_effort=True).height == 200
    assert read(whole[:-2] + b"\0" * 9 + whole[-2:]).height == 200


def test_limits_count_pixels_sides_and_frames() -> None:
    data = raw.png_of(raw.noise(10, 20, 1))
    assert read(data, limits=Limits(max_pixels=200)).width == 20
    with pytest.raises(LimitError, match="200 in all"):
        read(data, limits=Limits(max_pixels=199))
    with pytest.raises(LimitError):
        probe(data, limits=Limits(max_side=19))
    with pytest.raises(LimitError):
        read(data, limits=Limits(max_file_bytes=99))


@pytest.mark.parametrize("change", ["shorter", "longer"])
def test_a_file_that_changes_while_read_has_vanished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = raw.write(tmp_path, "a.png", raw.png_of(raw.noise(300, 300, 3)))
    pread, calls = os.pread, 0

    def changing(descriptor: int, count: int, offset: int) -> bytes:
        nonlocal calls
        calls += 1
        if calls == 5:
            os.truncate(path, 1000 if change == "shorter" else 10**6)
        return pread(descriptor, count, offset)

    monkeypatch.setattr(os, "pread", changing)
    with pytest.raises(PictureError) as caught:
        read(path)
    assert caught.value.code == "E_VANISHED"


def test_a_file_without_permission_is_unreadable() -> None:
    # Not in tmp_path, whose parents nobody else may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = raw.write(folder, "a.png", raw.png_of(raw.noise(3, 3, 3)))
        path.chmod(0)
        with _as_an_ordinary_user(), pytest.raises(PictureError) as caught:
            read(path)
    assert caught.value.code == "E_UNREADABLE"


@contextlib.contextmanager
def _as_an_ordinary_user() -> Iterator[None]:
    """Without root's right to read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_flipped_bytes_end_in_an_error_of_ours_or_a_picture(data: st.DataObject) -> None:
    """Fuzzing in small: any three bytes of a file of any format are changed."""
    picture = PillowImage.fromarray(raw.ramp(17, 19))
    name = data.draw(st.sampled_from(["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "AVIF"]))
    file = bytearray(raw.packed(picture, name))
    for _ in range(3):
        at = data.draw(st.integers(0, len(file) - 1))
        file[at] = data.draw(st.integers(0, 255))
    for best_effort in (False, True):
        with contextlib.suppress(PictureError, LimitError):
            read(bytes(file), limits=Limits(max_pixels=10**6), best_effort=best_effort)
