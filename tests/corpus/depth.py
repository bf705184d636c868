"""Awkward and hostile depth files, made on the spot: what each is, and how it must end."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from PIL import Image as PillowImage

from superfine.types import DepthMap

from . import bytes as raw


@dataclass(frozen=True)
class AwkwardDepth:
    """One depth file of the corpus.

    Attributes:
        name: A few words.
        make: Writes the file into a folder and says where.
        outcome: "ok", or the code of the error.
        check: What must hold for the map read, where the outcome is "ok".
        options: How it is read.
    """

    name: str
    make: Callable[[Path], Path]
    outcome: str = "ok"
    check: Callable[[DepthMap], bool] = lambda depth: True
    options: dict[str, Any] | None = None


class Canary:
    """Whoever unpickles this leaves a file behind."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("canary",))


def file(name: str, data: Callable[[], bytes]) -> Callable[[Path], Path]:
    return lambda folder: raw.write(folder, name, data())


def pfm(text: bytes, samples: bytes = b"") -> Callable[[Path], Path]:
    return file("map.pfm", lambda: text + samples)


def npy(array: Any, *, pickle: bool = False) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=pickle)
    return content.getvalue()


def npy_saying(header: str, samples: bytes = b"") -> Callable[[Path], Path]:
    text = header.encode() + b"\n"
    return file(
        "map.npy", lambda: b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + samples
    )


def npz(*entries: tuple[str, bytes]) -> Callable[[Path], Path]:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file("map.npz", content.getvalue)


def png(codes: Any, **options: Any) -> Callable[[Path], Path]:
    return file("map.png", lambda: raw.png_of(codes, **options))


def exr(channels: dict[str, Any], **header: Any) -> bytes:
    content = io.BytesIO()
    plain = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File({**plain, **header}, channels).write(content)
    return content.getvalue()


def deep_exr() -> bytes:
    """A flat EXR whose version says that its pixels are deep."""
    data = bytearray(exr({"Z": DEPTHS}))
    data[5] |= 0x08
    return bytes(data)


def exr_of_size(width: int, height: int) -> bytes:
    """A flat EXR whose data window says another size."""
    data = exr({"Z": DEPTHS})
    mark = b"dataWindow\0box2i\0\x10\0\0\0"
    at = data.index(mark) + len(mark)
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    return data[:at] + window + data[at + 16 :]


DEPTHS = (np.arange(20, dtype=np.float32).reshape(4, 5) + 1) / 4
CODES = (np.arange(20, dtype=np.uint16).reshape(4, 5, 1) + 1) * 100
LITTLE, BIG = DEPTHS[::-1].astype("<f4").tobytes(), DEPTHS[::-1].astype(">f4").tobytes()


def same(depth: DepthMap) -> bool:
    """The map is `DEPTHS`, every pixel measured."""
    return bool(depth.valid.all()) and np.array_equal(depth.values[0].numpy(), DEPTHS)


def noted(word: str) -> Callable[[DepthMap], bool]:
    return lambda depth: any(word in note for note in depth.notes)


def holes(count: int) -> Callable[[DepthMap], bool]:
    """So many holes, zero where they are, and no NaN anywhere."""

    def holds(depth: DepthMap) -> bool:
        quiet = bool((depth.values[~depth.valid] == 0).all())
        return int((~depth.valid).sum()) == count and quiet

    return holds


def _with(*samples: float, dtype: str = "<f4") -> bytes:
    """`DEPTHS` with its first pixels replaced, as NPY."""
    array = DEPTHS.astype(dtype)
    array.flat[: len(samples)] = samples
    return npy(array)


def _fifo(folder: Path) -> Path:
    path = folder / "map.pfm"
    os.mkfifo(path)
    return path


def _folder(folder: Path) -> Path:
    path = folder / "map.exr"
    path.mkdir()
    return path


def _eight_bit() -> bytes:
    return raw.packed(PillowImage.fromarray(CODES[:, :, 0].astype(np.uint8)), "PNG")


def _two_pages() -> bytes:
    page = PillowImage.fromarray(CODES[:, :, 0])
    return raw.packed(page, "TIFF", save_all=True, append_images=[page])


def _encrypted() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("depth.npy", npy(DEPTHS))
    data = bytearray(content.getvalue())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def _broken() -> bytes:
    """An NPZ, stored, with one sample changed behind the back of its checksum."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("depth.npy", npy(DEPTHS))
    data = bytearray(content.getvalue())
    data[data.index(DEPTHS.tobytes()) + 3] ^= 1
    return bytes(data)


def _bomb() -> bytes:
    """A gigabyte of zeros in a megabyte: the header of the array says so."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (2**14, 2**14)}
    )
    return header.getvalue() + bytes(2**20)


_BIG_NPY = "{'descr': '<f4', 'fortran_order': False, 'shape': (999999999, 999999999)}"
_NAN, _INF = float("nan"), float("inf")

DEPTHS_OF_ALL_KINDS = (
    AwkwardDepth("all NaN", file("map.npy", lambda: npy(DEPTHS * _NAN)), check=holes(20)),
    AwkwardDepth("all zero", png(CODES * 0), check=holes(20)),
    AwkwardDepth("all 65535", png(CODES * 0 + np.uint16(65535)), check=holes(20)),
    AwkwardDepth("all one value", file("map.npy", lambda: npy(DEPTHS * 0 + 2)), check=holes(0)),
    AwkwardDepth(
        "NaN, both infinities, negative and zero",
        file("map.npy", lambda: _with(_NAN, _INF, -_INF, -1, 0, -0.0)),
        check=holes(6),
    ),
    AwkwardDepth(
        "metres in float64, a mere NaN",
        file("map.npy", lambda: _with(_NAN, dtype="<f8")),
        check=holes(1),
    ),
    AwkwardDepth(
        "millimetres as floats",
        file("map.npy", lambda: npy(DEPTHS * 1000)),
        check=lambda depth: noted("millimetres")(depth) and same(depth),
    ),
    AwkwardDepth(
        "codes that are no plausible millimetres",
        png(CODES * 30),
        check=lambda depth: noted("relative")(depth) and depth.unit == "relative",
    ),
    AwkwardDepth("16 bits saved as 8", file("map.png", _eight_bit), check=noted("256 levels")),
    AwkwardDepth(
        "8 bits stored in 16",
        png(CODES // 100 * np.uint16(257)),
        check=noted("256 levels"),
    ),
    AwkwardDepth("RGB PNG", png(np.repeat(CODES, 3, axis=2)), "E_FORMAT"),
    AwkwardDepth("RGBA PNG", png(np.repeat(CODES, 4, axis=2)), "E_FORMAT"),
    AwkwardDepth("grey and alpha", png(np.repeat(CODES, 2, axis=2)), "E_FORMAT"),
    AwkwardDepth("truncated PNG", file("map.png", lambda: raw.png_of(CODES)[:-30]), "E_TRUNCATED"),
    AwkwardDepth("JPEG", file("map.png", lambda: raw.packed(
        PillowImage.fromarray(raw.ramp(8, 8)), "JPEG")), "E_FORMAT"),
    AwkwardDepth("nothing", file("map.png", lambda: b""), "E_EMPTY"),
    AwkwardDepth("text", file("map.exr", lambda: b"depth of my room\n" * 9), "E_FORMAT"),
    AwkwardDepth("TIFF of two pages", file("map.tif", _two_pages), check=noted("2 pages")),
    AwkwardDepth("PFM, little endian", pfm(b"Pf\n5 4\n-1.0\n", LITTLE), check=same),
    AwkwardDepth("PFM, big endian", pfm(b"Pf\n5 4\n1\n", BIG), check=same),
    AwkwardDepth("PFM whose scale is not 1", pfm(b"Pf\n5 4\n-0.003922\n", LITTLE), check=same),
    AwkwardDepth("PFM with Windows lines", pfm(b"Pf\r\n5 4\r\n-1.0\r\n", LITTLE), check=same),
    AwkwardDepth(
        "PFM with comments", pfm(b"Pf\n# by hand\n5 4 # pixels\n#\n-1.0\n", LITTLE), check=same
    ),
    AwkwardDepth("PFM on one line", pfm(b"Pf 5 4 -1.0\n", LITTLE), check=same),
    AwkwardDepth("PFM named .npy", file("map.npy", lambda: b"Pf\n5 4\n1\n" + BIG), check=noted(
        "but this is PFM")),
    AwkwardDepth("PFM of scale 0", pfm(b"Pf\n5 4\n0\n", LITTLE), "E_CORRUPT"),
    AwkwardDepth("PFM of scale -0.0", pfm(b"Pf\n5 4\n-0.0\n", LITTLE), "E_CORRUPT"),
    AwkwardDepth("PFM of scale NaN", pfm(b"Pf\n5 4\nnan\n", LITTLE), "E_CORRUPT"),
    AwkwardDepth("PFM without scale", pfm(b"Pf\n5 4\n"), "E_CORRUPT"),
    AwkwardDepth("PFM of a negative size", pfm(b"Pf\n-5 4\n-1.0\n", LITTLE), "E_CORRUPT"),
    AwkwardDepth("PFM without rows", pfm(b"Pf\n5 0\n-1.0\n"), "E_DIM"),
    AwkwardDepth("PFM of 999999999 squared", pfm(b"Pf 999999999 999999999\n-1\n"), "E_LIMIT"),
    AwkwardDepth("PFM with a long comment", pfm(b"Pf\n#" + b"x" * 60_000 + b"\n5 4\n-1\n", LITTLE),
        check=same),
    AwkwardDepth("PFM with an endless comment", pfm(b"Pf\n#" + b"x" * 90_000), "E_CORRUPT"),
    AwkwardDepth("PFM of spaces", pfm(b"Pf" + b" " * 90_000 + b"5 4\n-1\n", LITTLE), "E_CORRUPT"),
    AwkwardDepth("PFM of 40 digits", pfm(b"Pf " + b"9" * 40 + b" 4\n-1\n"), "E_CORRUPT"),
    AwkwardDepth("PFM in colour", pfm(b"PF\n5 4\n-1.0\n", LITTLE * 3), "E_FORMAT"),
    AwkwardDepth("PFM that stops early", pfm(b"Pf\n5 4\n-1.0\n", LITTLE[:-1]), "E_TRUNCATED"),
    AwkwardDepth("PGM with its own largest code", file("map.pgm", lambda: b"P5\n# Kinect\n5 4\n"
        b"9999\n" + CODES.astype(">u2").tobytes()), check=lambda depth: noted("millimetres")(depth)
        and bool(depth.values.max() == 2)),
    AwkwardDepth("PGM as text", file("map.pgm", lambda: b"P2 2 1 2000\n1000 2000"), check=lambda
        depth: depth.values.flatten().tolist() == [1, 2]),
    AwkwardDepth("PGM with letters", file("map.pgm", lambda: b"P2 2 1 2000\n1000 2e3"),
        "E_CORRUPT"),
    AwkwardDepth("PGM with too few words", file("map.pgm", lambda: b"P2 2 1 200\n100     "),
        "E_TRUNCATED"),
    AwkwardDepth("PGM above its largest code", file("map.pgm", lambda: b"P5 1 1 300\n\xff\xff"),
        "E_CORRUPT"),
    AwkwardDepth("PPM", file("map.ppm", lambda: b"P6 1 1 255\n123"), "E_FORMAT"),
    AwkwardDepth("EXR, half", file("map.exr", lambda: exr({"Z": DEPTHS.astype("f2")})), check=same),
    AwkwardDepth("EXR with channel R", file("map.exr", lambda: exr({"R": DEPTHS})), check=same),
    AwkwardDepth("EXR with a layer", file("map.exr", lambda: exr({"View.Depth.Z": DEPTHS,
        "View.Combined.B": DEPTHS * 0})), check=lambda depth: same(depth) and noted("Z")(depth)),
    AwkwardDepth("EXR with one other channel", file("map.exr", lambda: exr({"range": DEPTHS})),
        check=same),
    AwkwardDepth("EXR without a channel of depth", file("map.exr", lambda: exr({"G": DEPTHS,
        "B": DEPTHS})), "E_FORMAT"),
    AwkwardDepth("EXR of whole numbers", file("map.exr", lambda: exr({"Z": DEPTHS.astype("u4")})),
        "E_FORMAT"),
    AwkwardDepth("EXR, tiled", file("map.exr", lambda: exr({"Z": DEPTHS}, type=OpenEXR.tiledimage,
        tiles=OpenEXR.TileDescription())), check=same),
    AwkwardDepth("EXR, deep", file("map.exr", deep_exr), "E_FORMAT"),
    AwkwardDepth("EXR that stops early", file("map.exr", lambda: exr({"Z": DEPTHS})[:-20]),
        "E_TRUNCATED"),
    AwkwardDepth("EXR that stops in its list of blocks", file("map.exr", lambda: exr({"Z":
        DEPTHS})[:-70]), "E_TRUNCATED"),
    AwkwardDepth("EXR with a broken block", file("map.exr", lambda: exr({"Z": DEPTHS})[:-30]
        + bytes(30)), "E_CORRUPT"),
    AwkwardDepth("EXR that stops in its header", file("map.exr", lambda: exr({"Z": DEPTHS})[:60]),
        "E_TRUNCATED"),
    AwkwardDepth("EXR of 2^31 pixels", file("map.exr", lambda: exr_of_size(2**17, 2**14)),
        "E_LIMIT"),
    AwkwardDepth("EXR of negative size", file("map.exr", lambda: exr_of_size(-5, 4)), "E_DIM"),
    AwkwardDepth("EXR larger than its pixels", file("map.exr", lambda: exr_of_size(500, 400)),
        "E_TRUNCATED"),
    AwkwardDepth("NPY, float64", file("map.npy", lambda: npy(DEPTHS.astype("<f8"))), check=lambda
        depth: same(depth) and str(depth.values.dtype) == "torch.float64"),
    AwkwardDepth("NPY, big endian", file("map.npy", lambda: npy(DEPTHS.astype(">f4"))), check=same),
    AwkwardDepth("NPY in Fortran order", file("map.npy", lambda: npy(np.asfortranarray(DEPTHS))),
        check=same),
    AwkwardDepth("NPY with one channel", file("map.npy", lambda: npy(DEPTHS[:, :, None])),
        check=same),
    AwkwardDepth("NPY of objects", file("map.npy", lambda: npy(np.array([[Canary()]], object),
        pickle=True)), "E_FORMAT"),
    AwkwardDepth("NPY of complex numbers", file("map.npy", lambda: npy(DEPTHS * 1j)), "E_FORMAT"),
    AwkwardDepth("NPY of texts", file("map.npy", lambda: npy(np.array([["1", "2"]]))), "E_FORMAT"),
    AwkwardDepth("NPY of records", file("map.npy", lambda: npy(np.zeros((2, 2), "<f4,<f4"))),
        "E_FORMAT"),
    AwkwardDepth("NPY of truths", file("map.npy", lambda: npy(DEPTHS > 2)), "E_FORMAT"),
    AwkwardDepth("NPY of 64-bit codes", file("map.npy", lambda: npy(np.full((2, 2), 2**60))),
        "E_VALUES"),
    AwkwardDepth("NPY of colours", file("map.npy", lambda: npy(np.ones((4, 5, 3, 2)))), "E_FORMAT"),
    AwkwardDepth("NPY stack without choice", file("map.npy", lambda: npy(np.stack([DEPTHS] * 3))),
        "E_INPUT"),
    AwkwardDepth("NPY stack", file("map.npy", lambda: npy(np.stack([DEPTHS * 2, DEPTHS, DEPTHS]))),
        check=same, options={"index": 1}),
    AwkwardDepth("NPY stack in Fortran order", file("map.npy", lambda: npy(np.asfortranarray(
        np.stack([DEPTHS * 2, DEPTHS])))), check=same, options={"index": 1}),
    AwkwardDepth("NPY stack, too far", file("map.npy", lambda: npy(np.stack([DEPTHS] * 3))),
        "E_INPUT", options={"index": 3}),
    AwkwardDepth("empty NPY", file("map.npy", lambda: npy(DEPTHS[:0])), "E_DIM"),
    AwkwardDepth("empty stack", file("map.npy", lambda: npy(np.zeros((0, 4, 5)))), "E_DIM"),
    AwkwardDepth("NPY of 10^18 samples", npy_saying(_BIG_NPY), "E_TRUNCATED"),
    AwkwardDepth("NPY of a negative size", npy_saying(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4, 5)}"), "E_CORRUPT"),
    AwkwardDepth("NPY whose header is a call", npy_saying("__import__('os').mkdir('canary')"),
        "E_CORRUPT"),
    AwkwardDepth("NPY whose header is deep", npy_saying("(" * 9000 + ")" * 9000), "E_CORRUPT"),
    AwkwardDepth("NPY that stops early", file("map.npy", lambda: npy(DEPTHS)[:-1]), "E_TRUNCATED"),
    AwkwardDepth("NPY that stops in its header", file("map.npy", lambda: npy(DEPTHS)[:40]),
        "E_CORRUPT"),
    AwkwardDepth("NPZ", npz(("map.npy", npy(DEPTHS))), check=same),
    AwkwardDepth("NPZ with depth among others", npz(("rgb.npy", npy(DEPTHS * 2)),
        ("depth.npy", npy(DEPTHS))), check=same),
    AwkwardDepth("NPZ with two others", npz(("a.npy", npy(DEPTHS)), ("b.npy", npy(DEPTHS))),
        "E_FORMAT"),
    AwkwardDepth("NPZ of objects", npz(("depth.npy", npy(np.array([[Canary()]], object),
        pickle=True))), "E_FORMAT"),
    AwkwardDepth("NPZ that is no array", npz(("depth.npy", b"never mind")), "E_CORRUPT"),
    AwkwardDepth("NPZ bomb", npz(("depth.npy", _bomb())), "E_LIMIT"),
    AwkwardDepth("NPZ longer than it says", npz(("depth.npy", npy(DEPTHS) + b"more")), "E_CORRUPT"),
    AwkwardDepth("NPZ with another checksum", file("map.npz", _broken), "E_CORRUPT"),
    AwkwardDepth("NPZ, encrypted", file("map.npz", _encrypted), "E_FORMAT"),
    AwkwardDepth("ZIP that stops early", file("map.npz", lambda: _encrypted()[:80]), "E_CORRUPT"),
    AwkwardDepth("MATLAB before 7.3", file("map.mat", lambda: b"MATLAB 5.0 MAT-file" + bytes(600)),
        "E_FORMAT"),
    AwkwardDepth("HDF5 of rubbish", file("map.mat", lambda: b"\x89HDF\r\n\x1a\n" + bytes(600)),
        "E_CORRUPT"),
    AwkwardDepth("a pipe", _fifo, "E_NOT_A_FILE"),
    AwkwardDepth("a folder", _folder, "E_NOT_A_FILE"),
    AwkwardDepth("not there", lambda folder: folder / "map.png", "E_VANISHED"),
    AwkwardDepth("a frame of a PNG", png(CODES), "E_INPUT", options={"index": 2}),
)  # fmt: skip
