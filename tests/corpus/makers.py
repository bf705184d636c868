"""How the awkward pictures are made: each function gives the bytes of one file."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageCms

from . import bytes as raw


def jpeg(**options: object) -> bytes:
    return raw.packed(PillowImage.fromarray(raw.ramp(64, 96)), "JPEG", **options)


def png(**options: object) -> bytes:
    return raw.packed(PillowImage.fromarray(raw.noise(48, 64, 3)), "PNG", **options)


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def giant(width: int, height: int) -> bytes:
    return raw.png(width, height, b"", colour=0, depth=1)


def square_bomb() -> bytes:
    packer = zlib.compressobj(9)
    row = bytes(1 + 20_000 // 8)
    pixels = b"".join(packer.compress(row) for _ in range(20_000)) + packer.flush()
    header = raw.chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0))
    return raw.SIGNATURE + header + raw.chunk(b"IDAT", pixels) + raw.chunk(b"IEND", b"")


def text_bomb(kind: bytes) -> bytes:
    packer = zlib.compressobj(9)
    packed = packer.compress(bytes(64 * 2**20)) + packer.flush()
    before = b"Comment\0\0" if kind == b"zTXt" else b"Comment\0\1\0\0\0"
    return raw.png_of(raw.noise(8, 8, 3), before=raw.chunk(kind, before + packed))


def wrong_checksum() -> bytes:
    header = raw.chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    pixels = raw.chunk(b"IDAT", zlib.compress(bytes(9 * 8)), crc=1)
    return raw.SIGNATURE + header + pixels + raw.chunk(b"IEND", b"")


def with_profile(profile: bytes) -> bytes:
    data = b"icc\0\0" + zlib.compress(profile, 1)
    return raw.png_of(raw.noise(8, 8, 3), before=raw.chunk(b"iCCP", data))


def cmyk() -> bytes:
    picture = PillowImage.fromarray(raw.ramp(32, 32)).convert("CMYK")
    return raw.packed(picture, "JPEG", quality=95)


def ycck() -> bytes:
    # The same four components with the Adobe marker saying that three of them are YCC.
    data = bytearray(cmyk())
    at = data.find(b"Adobe")
    data[at + 11] = 2
    return bytes(data)


def few_bits(depth: int) -> bytes:
    width = 16
    codes = np.arange(width) % 2**depth
    bits = "".join(format(code, f"0{depth}b") for code in codes)
    row = b"\0" + int(bits, 2).to_bytes(width * depth // 8, "big")
    return raw.png(width, 4, row * 4, depth=depth, colour=0)


def palette(transparency: bytes | None) -> bytes:
    picture = PillowImage.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4) % 4, "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    return raw.packed(
        picture, "PNG", **({} if transparency is None else {"transparency": transparency})
    )


def invisible() -> bytes:
    codes = raw.noise(16, 16, 4)
    codes[..., 3] = 0
    return raw.png_of(codes)


def oriented(orientation: int) -> bytes:
    tags = PillowImage.Exif()
    tags[0x0112] = orientation
    return jpeg(exif=tags)


def exif_in_png(block: bytes) -> bytes:
    return raw.png_of(raw.noise(8, 8, 3), before=raw.chunk(b"eXIf", block))


def located() -> bytes:
    tags = PillowImage.Exif()
    tags.get_ifd(0x8825)[1] = "N"
    tags[0x010F] = "maker"
    return jpeg(exif=tags)


def animation(name: str) -> bytes:
    frames = [PillowImage.fromarray(raw.noise(8, 8, 3) // (at + 1)) for at in range(3)]
    return raw.packed(
        frames[0], name, save_all=True, append_images=frames[1:], duration=[40, 50, 60]
    )


def paged_tiff() -> bytes:
    page = PillowImage.fromarray(raw.noise(8, 8, 3))
    return raw.packed(page, "TIFF", save_all=True, append_images=[page, page])


def vips_tiff(codes: np.ndarray, **options: object) -> bytes:
    import pyvips

    return pyvips.Image.new_from_array(codes).tiffsave_buffer(**options)


def float_tiff(*, wrong: float | None = None, scale: float = 1.0) -> bytes:
    codes = (raw.ramp(16, 16) / 255 * scale).astype(np.float32)
    if wrong is not None:
        codes[3, 3, 0] = wrong
    return vips_tiff(codes)


def progressive() -> bytes:
    return jpeg(progressive=True)


def jpeg_frame(marker: int, precision: int) -> bytes:
    data = bytearray(jpeg())
    at = data.find(b"\xff\xc0")
    data[at + 1], data[at + 4] = marker, precision
    return bytes(data)


def linear_profile() -> bytes:
    """An sRGB profile whose red curve is replaced by the identity."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    for at in range(132, 132 + 12 * count, 12):
        name, offset, _ = struct.unpack(">4sII", profile[at : at + 12])
        if name == b"rTRC":
            profile[offset : offset + 12] = b"curv" + bytes(8)
    return bytes(profile)


def pipe(folder: Path) -> Path:
    path = folder / "pipe.png"
    os.mkfifo(path)
    return path


def socket_file(folder: Path) -> Path:
    path = folder / "socket.png"
    # A socket's path may have 108 bytes only, and pytest's folders are longer than that.
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)
    return path


def folder(folder: Path) -> Path:
    path = folder / "folder.png"
    path.mkdir()
    return path


def device_link(folder: Path) -> Path:
    path = folder / "device.png"
    path.symlink_to("/dev/zero")
    return path


def link_to_itself(folder: Path) -> Path:
    path = folder / "loop.png"
    path.symlink_to(path)
    return path


def avif() -> bytes:
    return raw.packed(PillowImage.fromarray(raw.ramp(32, 48)), "AVIF", quality=90)


def sixteen_bits(channels: int) -> bytes:
    return raw.png_of(raw.noise(8, 8, channels, np.uint16))


LONG_MAKER_NOTE = raw.exif([(0x927C, 7, 10_000_000, 26)], rest=bytes(10_000_000))
LOOPING_EXIF = raw.exif([(0x0112, 3, 1, 1)], following=8)
