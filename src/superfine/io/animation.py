"""Animations out: GIF, WebP and APNG that play as long and as often as they came in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from superfine.errors import OutputError
from superfine.io import apng
from superfine.io.atomic import atomic_path, require_writable
from superfine.io.outputs import OutputFormat, output_format
from superfine.io.plan import Plan, require_holds
from superfine.io.rows import RawRows
from superfine.io.verify import Expected, verify
from superfine.io.writer import encode
from superfine.types import Image

_USUAL_DELAY_MS = 100
_LONGEST_DELAY_MS = 65535  # APNG counts milliseconds in 16 bits


def write_frames(
    frames: Sequence[Image], path: Path, *, overwrite: bool = False, quality: int = 95
) -> tuple[str, ...]:
    """Writes an animation: .gif (256 colours a frame), .webp, or .png (APNG, exact, 8 or 16 bits).

    How long a frame is shown is its `Metadata.delay_ms` (100 ms when that is None), exact to the
    millisecond in WebP and APNG and to 10 ms in GIF; WebP joins equal neighbours into one frame.
    How often all of it plays is `Metadata.loop` of the first frame, which also gives the profile
    and what else is carried.

    Returns:
        What the format could not hold, in words for the user.

    Raises:
        OutputError: No animation format, or frames that differ in size, channels or bits.
        DiskFullError: No room; nothing was left behind.
    """
    first = _require_alike(frames)
    output = output_format(path.suffix)
    if output.name not in ("gif", "webp", "png"):
        raise OutputError(
            f"{output.name.upper()} files hold no animation.", hint="Write .gif, .webp or .png."
        )
    require_holds(
        output,
        width=first.width,
        height=first.height,
        channels=first.pixels.shape[0],
        alpha=first.alpha is not None,
        quality=quality,
    )
    require_writable(path, overwrite=overwrite)
    delays = [_delay(frame) for frame in frames]
    with atomic_path(path, overwrite=overwrite) as temporary:
        if output.name == "png":
            temporary.write_bytes(_joined(frames, delays))
            notes = _plan(first, output, quality).notes()
        else:
            notes = _save_stacked(frames, delays, temporary, output, quality)
        verify(temporary, output, _expected(frames, output))
    if output.name == "gif" and any(delay % 10 for delay in delays):
        notes += ("GIF counts in 10 ms: frame times were rounded.",)
    return notes


def _joined(frames: Sequence[Image], delays: Sequence[int]) -> bytes:
    stills = [encode(frame, "png") for frame in frames]
    return apng.join(stills, delays_ms=delays, loop=frames[0].metadata.loop)


def _save_stacked(
    frames: Sequence[Image],
    delays: Sequence[int],
    temporary: Path,
    output: OutputFormat,
    quality: int,
) -> tuple[str, ...]:
    """Frames one below the other, which is how libvips wants an animation."""
    first = frames[0]
    rounded = [round(delay / 10) * 10 for delay in delays] if output.name == "gif" else [*delays]
    fields: dict[str, int | list[int]] = {
        "page-height": first.height,
        "loop": first.metadata.loop,
        "delay": rounded,
    }
    plan = _plan(first, output, quality, fields)
    raw = RawRows(
        temporary,
        width=first.width,
        height=first.height * len(frames),
        channels=first.pixels.shape[0] + (first.alpha is not None),
        dtype=output.stored(first.pixels.dtype),
    )
    try:
        for frame in frames:
            raw.append(frame.pixels, frame.alpha, checksums=False)
        plan.save(raw.image(), temporary, temporary.parent)
    finally:
        raw.close()
    return plan.notes()


def _plan(
    first: Image,
    output: OutputFormat,
    quality: int,
    extra: dict[str, int | list[int]] | None = None,
) -> Plan:
    return Plan(
        output,
        quality,
        first.profile,
        first.metadata,
        channels=first.pixels.shape[0],
        alpha=first.alpha is not None,
        dtype=first.pixels.dtype,
        extra=extra or {},
    )


def _expected(frames: Sequence[Image], output: OutputFormat) -> Expected:
    first = frames[0]
    colours = first.pixels.shape[0] if output.grey else 3
    return Expected(
        first.width,
        first.height * len(frames),
        channels=colours + (first.alpha is not None),
        dtype=output.stored(first.pixels.dtype),
        frames=len(frames),
    )


def _delay(frame: Image) -> int:
    delay = frame.metadata.delay_ms
    return _USUAL_DELAY_MS if delay is None else max(0, min(delay, _LONGEST_DELAY_MS))


def _require_alike(frames: Sequence[Image]) -> Image:
    if not frames:
        raise OutputError("An animation of 0 frames was given.", hint="Give at least one.")
    first = frames[0]
    wanted = _shape(first)
    for number, frame in enumerate(frames):
        if _shape(frame) != wanted:
            raise OutputError(
                f"Frame {number} is {_shape(frame)} and frame 0 is {wanted}.",
                hint="All frames of an animation have one size, depth and transparency.",
            )
    return first


def _shape(image: Image) -> tuple[tuple[int, ...], torch.dtype, bool]:
    return tuple(image.pixels.shape), image.pixels.dtype, image.alpha is not None
