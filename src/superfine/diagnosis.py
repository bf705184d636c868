"""What this machine offers, and whether superfine works on it."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from superfine import __version__, io
from superfine.checkpoints import load_model
from superfine.inference import upscale_image
from superfine.io.formats import FORMATS
from superfine.io.outputs import OUTPUTS
from superfine.io.vips import load_vips
from superfine.types import LARGEST_CODE, Image

_WIDTH, _HEIGHT = 200, 150
_ROUNDING = 1  # codes: a sum in another order may fall to the other side of a half


@dataclass(frozen=True)
class Check:
    """One part of the self-test.

    Attributes:
        name: What was tried.
        ok: Whether it came out as it must.
        detail: What came out.
        seconds: What it took.
    """

    name: str
    ok: bool
    detail: str
    seconds: float


def environment() -> dict[str, str]:
    """Versions, devices and room, in words for a bug report."""
    import numpy

    vips = load_vips()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "superfine": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "libvips": ".".join(str(vips.version(part)) for part in range(3)),
        "devices": ", ".join(_devices()),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{free / 2**30:.1f} of {memory / 2**30:.1f} GiB free",
        "disk here": f"{shutil.disk_usage(Path.cwd()).free / 2**30:.1f} GiB free",
        "reads": ", ".join(known.name for known in FORMATS),
        "writes": ", ".join(dict.fromkeys(known.name for known in OUTPUTS)),
    }


def _devices() -> list[str]:
    names = ["cpu"]
    for index in range(torch.cuda.device_count()):
        names.append(f"cuda:{index} ({torch.cuda.get_device_name(index)})")
    return names


def self_test() -> tuple[Check, ...]:
    """Tries what must work everywhere; takes a few seconds."""
    return (
        _checked("tiles equal the whole", _tiles_equal_the_whole),
        _checked("8-bit PNG is exact", lambda: _png_is_exact(torch.uint8)),
        _checked("16-bit PNG is exact", lambda: _png_is_exact(torch.uint16)),
    )


def _checked(name: str, attempt: Callable[[], tuple[bool, str]]) -> Check:
    started = time.monotonic()
    try:
        ok, detail = attempt()
    except Exception as error:  # the report is the purpose, whatever went wrong
        ok, detail = False, f"{type(error).__name__}: {error}"
    return Check(name, ok, detail, time.monotonic() - started)


def _tiles_equal_the_whole() -> tuple[bool, str]:
    image = _generated(torch.uint8)
    model = load_model("fsrcnn", scale=None)
    whole = upscale_image(image, model, tile=image.width).pixels.int()
    tiled = upscale_image(image, model, tile=48).pixels.int()
    largest = int((whole - tiled).abs().max())
    size = f"{image.width}×{image.height} to {whole.shape[2]}×{whole.shape[1]}"
    return largest <= _ROUNDING, f"{size}, largest difference {largest} of 255"


def _png_is_exact(dtype: torch.dtype) -> tuple[bool, str]:
    image = _generated(dtype)
    data = io.encode(image, "png")
    same = torch.equal(io.read(data).pixels.int(), image.pixels.int())
    return same, f"{len(data):,} bytes, {'every' if same else 'not every'} sample came back"


def _generated(dtype: torch.dtype) -> Image:
    """A colour picture of waves and noise, always the same."""
    y, x = torch.meshgrid(torch.arange(_HEIGHT), torch.arange(_WIDTH), indexing="ij")
    waves = torch.stack([torch.sin(x / (3 + c) + y / (5 - c)) for c in range(3)])
    noise = torch.rand(waves.shape, generator=torch.Generator().manual_seed(0))
    values = (0.4 * waves + 0.2 * noise + 0.4).clamp(0, 1)
    return Image((values * LARGEST_CODE[dtype]).to(torch.int32).to(dtype))
