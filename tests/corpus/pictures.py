"""Awkward pictures, each made by a few lines, with the outcome that the one gate owes them.

The numbers are those of the list of hostile pictures in the project's specification. The outcome
is "ok" or the code of the error. Every door (library, command line, web) runs the same list.
"""

from __future__ import annotations

import numpy as np

from . import bytes as raw
from . import makers
from .awkward import AwkwardPicture, file, noted, same_codes, shaped, stretched
from .refused import REFUSED

READ: tuple[AwkwardPicture, ...] = (
    AwkwardPicture("05 JPEG named .png", file("a.png", makers.jpeg), check=noted("JPEG")),
    AwkwardPicture(
        "06 one pixel", file("a.png", lambda: raw.png_of(raw.noise(1, 1, 3))), check=shaped(3, 1, 1)
    ),
    AwkwardPicture(
        "07 very wide",
        file("a.png", lambda: raw.png_of(raw.noise(1, 65500, 1))),
        check=shaped(1, 1, 65500),
    ),
    AwkwardPicture(
        "07 very high",
        file("a.png", lambda: raw.png_of(raw.noise(65500, 1, 1))),
        check=shaped(1, 65500, 1),
    ),
    AwkwardPicture(
        "13 broken profile",
        file("a.png", lambda: makers.with_profile(b"not a profile" * 20)),
        check=lambda image: image.profile is None and bool(image.notes),
    ),
    AwkwardPicture(
        "13 profile of 50 MB",
        file("a.png", lambda: makers.with_profile(bytes(50_000_000))),
        check=lambda image: image.profile is None and bool(image.notes),
    ),
    AwkwardPicture("14 CMYK JPEG", file("a.jpg", makers.cmyk), check=noted("CMYK")),
    AwkwardPicture("14 YCCK JPEG", file("a.jpg", makers.ycck), check=noted("CMYK")),
    AwkwardPicture(
        "15 16-bit grey", file("a.png", lambda: makers.sixteen_bits(1)), check=same_codes(1)
    ),
    AwkwardPicture(
        "16 16-bit RGB", file("a.png", lambda: makers.sixteen_bits(3)), check=same_codes(3)
    ),
    AwkwardPicture(
        "17 16-bit RGBA", file("a.png", lambda: makers.sixteen_bits(4)), check=same_codes(4)
    ),
    AwkwardPicture("18 1 bit", file("a.png", lambda: makers.few_bits(1)), check=stretched(1)),
    AwkwardPicture("18 2 bits", file("a.png", lambda: makers.few_bits(2)), check=stretched(2)),
    AwkwardPicture("18 4 bits", file("a.png", lambda: makers.few_bits(4)), check=stretched(4)),
    AwkwardPicture(
        "19 palette", file("a.png", lambda: makers.palette(None)), check=shaped(3, 4, 4)
    ),
    AwkwardPicture(
        "20 palette with transparency",
        file("a.png", lambda: makers.palette(bytes((0, 128)))),
        check=lambda image: (
            image.alpha is not None and image.alpha[0, 0].tolist() == [0, 128, 255, 255]
        ),
    ),
    AwkwardPicture(
        "21 grey and alpha",
        file("a.png", lambda: raw.png_of(raw.noise(8, 8, 2))),
        check=shaped(1, 8, 8, alpha=True),
    ),
    AwkwardPicture(
        "22 invisible with colours beneath",
        file("a.png", makers.invisible),
        check=lambda image: image.pixels.any().item() and not image.alpha.any().item(),
    ),
    *(
        AwkwardPicture(
            f"23 orientation {value}",
            file("a.jpg", lambda value=value: makers.oriented(value)),
            check=shaped(3, *((64, 96) if value < 5 else (96, 64))),
        )
        for value in range(1, 9)
    ),
    AwkwardPicture(
        "24 maker note of 10 MB",
        file("a.png", lambda: makers.exif_in_png(makers.LONG_MAKER_NOTE)),
        check=noted("EXIF"),
    ),
    AwkwardPicture(
        "24 EXIF in a loop",
        file("a.png", lambda: makers.exif_in_png(makers.LOOPING_EXIF)),
        check=noted("EXIF"),
    ),
    AwkwardPicture(
        "25 place in EXIF",
        file("a.jpg", makers.located),
        check=lambda image: image.metadata.exif is not None and b"maker" in image.metadata.exif,
    ),
    *(
        AwkwardPicture(
            f"26 animated {name}",
            file(f"a.{name.lower()}", lambda name=name: makers.animation(name)),
            check=noted("3 frames"),
        )
        for name in ("GIF", "WEBP", "PNG")
    ),
    AwkwardPicture(
        "27 TIFF of three pages", file("a.tif", makers.paged_tiff), check=noted("3 pages")
    ),
    AwkwardPicture(
        "27 tiled TIFF",
        file(
            "a.tif",
            lambda: makers.vips_tiff(
                raw.noise(40, 40, 3), tile=True, tile_width=16, tile_height=16
            ),
        ),
        check=lambda image: np.array_equal(
            image.pixels.permute(1, 2, 0).numpy(), raw.noise(40, 40, 3)
        ),
    ),
    AwkwardPicture(
        "27 BigTIFF",
        file("a.tif", lambda: makers.vips_tiff(raw.noise(8, 8, 3), bigtiff=True)),
        check=shaped(3, 8, 8),
    ),
    AwkwardPicture(
        "27 float TIFF", file("a.tif", makers.float_tiff), check=shaped(3, 16, 16, bits=32)
    ),
    AwkwardPicture(
        "28 progressive JPEG", file("a.jpg", makers.progressive), check=shaped(3, 64, 96)
    ),
    AwkwardPicture(
        "31 PNG with a ZIP behind",
        file("a.png", lambda: raw.png_of(raw.noise(8, 8, 3), tail=b"PK\3\4" + bytes(99))),
    ),
    AwkwardPicture(
        "31 PNG with a script behind",
        file("a.png", lambda: raw.png_of(raw.noise(8, 8, 3), tail=b"<script>alert(1)</script>")),
    ),
    AwkwardPicture(
        "31 JPEG with a ZIP behind", file("a.jpg", lambda: makers.jpeg() + b"PK\3\4" + bytes(99))
    ),
    AwkwardPicture("32 AVIF", file("a.avif", makers.avif), check=shaped(3, 32, 48)),
    AwkwardPicture(
        "33 linear profile",
        file("a.png", lambda: makers.with_profile(makers.linear_profile())),
        check=noted("linear"),
    ),
    AwkwardPicture(
        "33 floats above 1",
        file("a.tif", lambda: makers.float_tiff(scale=4.0)),
        check=noted("clipped"),
    ),
    AwkwardPicture(
        "name that looks like options",
        file("-a [n=2] é\n'\".png", makers.png),
        check=shaped(3, 48, 64),
    ),
)

PICTURES: tuple[AwkwardPicture, ...] = REFUSED + READ
