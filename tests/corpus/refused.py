"""The awkward pictures that are refused, each with the code of its error."""

from __future__ import annotations

import struct

from . import bytes as raw
from . import makers
from .awkward import AwkwardPicture, file

REFUSED: tuple[AwkwardPicture, ...] = (
    AwkwardPicture(
        "01 truncated PNG", file("a.png", lambda: makers.half(makers.png())), "E_TRUNCATED"
    ),
    AwkwardPicture(
        "01 PNG cut in its header", file("a.png", lambda: makers.png()[:20]), "E_TRUNCATED"
    ),
    AwkwardPicture(
        "01 PNG without its end", file("a.png", lambda: makers.png()[:-12]), "E_TRUNCATED"
    ),
    AwkwardPicture(
        "02 truncated JPEG", file("a.jpg", lambda: makers.half(makers.jpeg())), "E_TRUNCATED"
    ),
    AwkwardPicture(
        "02 JPEG without its end", file("a.jpg", lambda: makers.jpeg()[:-2]), "E_TRUNCATED"
    ),
    AwkwardPicture(
        "02 truncated progressive JPEG",
        file("a.jpg", lambda: makers.half(makers.progressive())),
        "E_TRUNCATED",
    ),
    AwkwardPicture(
        "02 truncated WebP",
        file("a.webp", lambda: makers.half(makers.animation("WEBP"))),
        "E_TRUNCATED",
    ),
    AwkwardPicture(
        "02 truncated GIF",
        file("a.gif", lambda: makers.half(makers.animation("GIF"))),
        "E_TRUNCATED",
    ),
    AwkwardPicture(
        "02 truncated TIFF", file("a.tif", lambda: makers.half(makers.paged_tiff())), "E_TRUNCATED"
    ),
    AwkwardPicture("02 truncated AVIF", file("a.avif", lambda: makers.avif()[:-40]), "E_TRUNCATED"),
    AwkwardPicture("02 truncated BMP", file("a.bmp", lambda: raw.bmp_header(9, 9)), "E_TRUNCATED"),
    AwkwardPicture(
        "02 truncated PPM", file("a.ppm", lambda: b"P6 9 9 255\n" + bytes(80)), "E_TRUNCATED"
    ),
    AwkwardPicture("03 zero bytes", file("a.png", lambda: b""), "E_EMPTY"),
    AwkwardPicture("04 text named .png", file("a.png", lambda: b"hello, world\n" * 9), "E_FORMAT"),
    AwkwardPicture("08 no columns", file("a.png", lambda: raw.png(0, 5, b"")), "E_DIM"),
    AwkwardPicture("08 no rows", file("a.ppm", lambda: b"P6 5 0 255\n"), "E_DIM"),
    AwkwardPicture(
        "09 2^31 - 1 columns", file("a.png", lambda: makers.giant(2**31 - 1, 2**31 - 1)), "E_LIMIT"
    ),
    AwkwardPicture(
        "09 2^31 - 1 rows of BMP", file("a.bmp", lambda: raw.bmp_header(2**31 - 1, 9)), "E_LIMIT"
    ),
    AwkwardPicture(
        "09 PPM of 10^18 pixels", file("a.ppm", lambda: b"P6 999999999 999999999 255\n"), "E_LIMIT"
    ),
    AwkwardPicture(
        "10 400 megapixels in a few bytes", file("a.png", makers.square_bomb), "E_LIMIT"
    ),
    AwkwardPicture("11 zTXt bomb", file("a.png", lambda: makers.text_bomb(b"zTXt")), "E_LIMIT"),
    AwkwardPicture("11 iTXt bomb", file("a.png", lambda: makers.text_bomb(b"iTXt")), "E_LIMIT"),
    AwkwardPicture("12 wrong checksum", file("a.png", makers.wrong_checksum), "E_CORRUPT"),
    AwkwardPicture(
        "27 TIFF that points behind itself",
        file("a.tif", lambda: b"II*\0" + struct.pack("<I", 10**6) + bytes(9)),
        "E_TRUNCATED",
    ),
    AwkwardPicture(
        "29 arithmetic-coded JPEG", file("a.jpg", lambda: makers.jpeg_frame(0xC9, 8)), "E_FORMAT"
    ),
    AwkwardPicture(
        "29 12-bit JPEG", file("a.jpg", lambda: makers.jpeg_frame(0xC1, 12)), "E_FORMAT"
    ),
    AwkwardPicture(
        "29 lossless JPEG", file("a.jpg", lambda: makers.jpeg_frame(0xC3, 8)), "E_FORMAT"
    ),
    *(
        AwkwardPicture(
            f"30 {name} named .png",
            file("a.png", lambda start=start: start + bytes(2000)),
            "E_FORMAT",
        )
        for name, start in (
            ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"),
            ("EPS", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
            ("PDF", b"%PDF-1.7\n"),
            ("PSD", b"8BPS\0\1"),
            ("FITS", b"SIMPLE  =                    T"),
        )
    ),
    AwkwardPicture(
        "32 HEIC",
        file("a.heic", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99)),
        "E_FORMAT",
    ),
    AwkwardPicture(
        "34 NaN", file("a.tif", lambda: makers.float_tiff(wrong=float("nan"))), "E_VALUES"
    ),
    AwkwardPicture(
        "34 infinity", file("a.tif", lambda: makers.float_tiff(wrong=float("inf"))), "E_VALUES"
    ),
    AwkwardPicture("35 gone", lambda folder: folder / "gone.png", "E_VANISHED"),
    AwkwardPicture("36 pipe", makers.pipe, "E_NOT_A_FILE"),
    AwkwardPicture("36 socket", makers.socket_file, "E_NOT_A_FILE"),
    AwkwardPicture("36 device", makers.device_link, "E_NOT_A_FILE"),
    AwkwardPicture("36 folder", makers.folder, "E_NOT_A_FILE"),
    AwkwardPicture("36 link to itself", makers.link_to_itself, "E_UNREADABLE"),
)
