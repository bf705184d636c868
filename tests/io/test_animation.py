"""Animations keep their frames, their times and how often they play."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from PIL import ImageSequence

from superfine.errors import LimitError, OutputError
from superfine.io import Limits, read, read_frames, write_frames
from superfine.types import Image, Metadata
from tests.corpus import bytes as raw

_DELAYS = (40, 100, 250, 30)


def _frames(loop: int, *, alpha: bool = False, dtype: torch.dtype = torch.uint8) -> list[Image]:
    return [
        Image(
            torch.randint(0, 256, (3, 12, 16), generator=torch.Generator().manual_seed(at)).to(
                dtype
            ),
            torch.full((1, 12, 16), 9 * at + 1).to(dtype) if alpha else None,
            metadata=Metadata(delay_ms=delay, loop=loop),
        )
        for at, delay in enumerate(_DELAYS)
    ]


def _file(name: str, loop: int | None) -> bytes:
    pictures = [PillowImage.fromarray(raw.noise(8, 8, 3) // (at + 1)) for at in range(4)]
    options = {} if loop is None else {"loop": loop}
    return raw.packed(
        pictures[0],
        name,
        save_all=True,
        append_images=pictures[1:],
        duration=list(_DELAYS),
        **options,
    )


@pytest.mark.parametrize("loop", [0, 3])
@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG"])
def test_frames_and_times_agree_with_pillow(name: str, loop: int) -> None:
    data = _file(name, loop)
    frames = read_frames(data)
    with PillowImage.open(BytesIO(data)) as picture:
        theirs = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]
    assert [frame.metadata.delay_ms for frame in frames] == list(_DELAYS)
    # GIF counts how often it repeats, the others how often it plays.
    plays = loop + 1 if name == "GIF" and loop else loop
    assert {frame.metadata.loop for frame in frames} == {plays}
    for frame, reference in zip(frames, theirs, strict=True):
        np.testing.assert_array_equal(frame.pixels.permute(1, 2, 0).numpy(), reference)


def test_a_gif_without_repeat_plays_once() -> None:
    assert read_frames(_file("GIF", None))[0].metadata.loop == 1


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("loop", [0, 1, 3])
@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_times_and_plays_come_back(tmp_path: Path, suffix: str, loop: int, alpha: bool) -> None:
    path = tmp_path / f"a{suffix}"
    frames = _frames(loop, alpha=alpha)
    write_frames(frames, path, quality=100)
    back = read_frames(path)
    assert [frame.metadata.delay_ms for frame in back] == list(_DELAYS)
    assert {frame.metadata.loop for frame in back} == {loop}
    if suffix != ".gif":
        for before, after in zip(frames, back, strict=True):
            assert torch.equal(before.pixels, after.pixels)
            assert not alpha or torch.equal(before.alpha, after.alpha)
    with PillowImage.open(path) as picture:
        assert picture.n_frames == len(frames)


def test_apng_keeps_equal_neighbours_and_sixteen_bits(tmp_path: Path) -> None:
    frame = _frames(0, dtype=torch.uint16)[0]
    write_frames([frame] * 3, tmp_path / "a.png")
    assert len(read_frames(tmp_path / "a.png")) == 3
    first = read(tmp_path / "a.png")
    assert torch.equal(first.pixels.to(torch.int32), frame.pixels.to(torch.int32))


def test_gif_times_are_rounded_to_hundredths_with_a_note(tmp_path: Path) -> None:
    frames = [
        Image(frame.pixels, metadata=Metadata(delay_ms=delay))
        for frame, delay in zip(_frames(0), (33, 47, 100, 100), strict=True)
    ]
    notes = write_frames(frames, tmp_path / "a.gif")
    assert "GIF counts in 10 ms: frame times were rounded." in notes
    delays = [frame.metadata.delay_ms for frame in read_frames(tmp_path / "a.gif")]
    assert delays == [30, 50, 100, 100]


def test_a_still_picture_is_an_animation_of_one(tmp_path: Path) -> None:
    frames = read_frames(raw.png_of(raw.noise(8, 8, 3)))
    assert len(frames) == 1
    assert frames[0].notes == ()


def test_all_frames_count_against_the_limit() -> None:
    data = _file("GIF", 0)
    assert read(data, limits=Limits(max_pixels=100)).height == 8
    with pytest.raises(LimitError, match="4 frames"):
        read_frames(data, limits=Limits(max_pixels=4 * 64 - 1))


def test_what_is_no_animation_is_refused(tmp_path: Path) -> None:
    frames = _frames(0)
    with pytest.raises(OutputError, match="JPEG"):
        write_frames(frames, tmp_path / "a.jpg")
    with pytest.raises(OutputError, match="0 frames"):
        write_frames([], tmp_path / "a.gif")
    with pytest.raises(OutputError, match="Frame 1"):
        write_frames([frames[0], Image(frames[1].pixels[:, 1:])], tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []
