"""What is wrong with results is told from the pictures, and nothing of right ones."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch import Tensor

from superfine.benchmark.output import Output, lr_for, restore
from superfine.benchmark.protocol import find_protocol
from superfine.benchmark.resizes import NO_ANTIALIAS, OPENCV, PILLOW, Resize
from superfine.benchmark.theirs.symptoms import inspect_outputs
from superfine.checkpoints import load_model
from superfine.data.folders import read_all, read_uint8
from superfine.demo import PHOTO
from superfine.models import bicubic, fsrcnn

PROTOCOL = find_protocol("y-rgb")


def photos() -> list[Tensor]:
    photo = read_uint8(PHOTO)
    boxes = ((0, 0, 190, 200), (150, 260, 210, 200), (90, 100, 200, 210))
    return [photo[:, y : y + h, x : x + w].contiguous() for y, x, h, w in boxes]


@cache
def loaded(name: str, scale: int):
    if name == "bicubic":
        return bicubic.Bicubic(scale), replace(bicubic.SPEC, channels="y")
    return load_model(name, scale=scale).network, fsrcnn.SPECS[0]


def results(name: str, scale: int, pictures=None, *, resize: Resize | None = None) -> list[Output]:
    """Results in colour, as a folder of pictures gives them."""
    network, spec = loaded(name, scale)
    made = PROTOCOL if resize is None else replace(PROTOCOL, resize=resize, colour_resize=resize)
    found = []
    for number, picture in enumerate(photos() if pictures is None else pictures):
        hr = PROTOCOL.crop(picture, scale)
        output = restore(network, spec, lr_for(spec, hr, scale, made), hr, scale=scale)
        colour = hr.shape[0] == 3
        found.append(
            replace(
                output,
                picture=f"photo{number}",
                lr=PROTOCOL.lr(hr, scale, colour=colour),
                sr=output.picture_codes(made).double() / 255,
            )
        )
    return found


def changed(outputs: list[Output], change: Callable[[Tensor], Tensor]) -> list[Output]:
    """Results whose codes went through `change`."""
    return [
        replace(o, sr=change((o.sr * 255).round().to(torch.uint8)).double() / 255) for o in outputs
    ]


def jpeg(codes: Tensor, quality: int) -> Tensor:
    file = io.BytesIO()
    PillowImage.fromarray(codes.permute(1, 2, 0).contiguous().numpy()).save(
        file, "JPEG", quality=quality
    )
    return torch.from_numpy(np.array(PillowImage.open(file))).permute(2, 0, 1)


def grey(codes: Tensor) -> Tensor:
    rgb = codes.permute(1, 2, 0).contiguous().numpy()
    return torch.from_numpy(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))[None]


@cache
def of_photos(name: str, scale: int, resize: Resize | None = None) -> list[Output]:
    return results(name, scale, resize=resize)


FIRST_OF_EACH = Resize("first", "", lambda hr, s: hr[:, ::s, ::s].double() / 255, OPENCV.enlarge)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", ["bicubic", "fsrcnn"])
def test_nothing_is_told_of_right_of_photos(name, scale):
    assert inspect_outputs(of_photos(name, scale), PROTOCOL) == ()


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", ["bicubic", "fsrcnn"])
def test_nothing_is_told_of_right_results_on_the_sets(data_root, name, scale):
    """Two of Set5, with the grey picture of Set14 and one of B100, which is JPEG itself."""
    sets = data_root / "testsets"
    pictures = [*read_all([sets / "Set5"])[3:], read_uint8(sets / "Set14" / "bridge.png")]
    pictures += [read_uint8(path) for path in sorted((sets / "B100").glob("*.jpg"))[:1]]
    assert inspect_outputs(results(name, scale, pictures), PROTOCOL) == ()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("resize", "told"),
    [
        (PILLOW, "Pillow bicubic"),
        (OPENCV, "OpenCV bicubic"),
        (NO_ANTIALIAS, "without antialiasing"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_resize_of_the_lr_pictures_is_told(resize, told, scale):
    (sentence,) = inspect_outputs(of_photos("fsrcnn", scale, resize), PROTOCOL)
    assert sentence.startswith("The LR pictures were not the protocol's: they fit ")
    assert told in sentence


def test_pillow_is_right_where_the_protocol_says_so():
    protocol = find_protocol("seed-holopix")
    assert inspect_outputs(of_photos("fsrcnn", 2, PILLOW), protocol) == ()
    (sentence,) = inspect_outputs(of_photos("fsrcnn", 2), protocol)
    assert "MATLAB bicubic" in sentence


@pytest.mark.parametrize(("scale", "size"), [(2, "0.5"), (3, "1.0"), (4, "1.5")])
@pytest.mark.parametrize("name", ["bicubic", "fsrcnn"])
def test_the_shift_of_decimated_lr_pictures_is_told(name, scale, size):
    (sentence,) = inspect_outputs(of_photos(name, scale, FIRST_OF_EACH), PROTOCOL)
    number = float(sentence.split()[3])
    assert number == pytest.approx(float(size), abs=0.06 * scale)
    assert "right and" in sentence
    assert "pixels down of the truth. That is (scale - 1) / 2" in sentence


def test_a_shift_by_a_whole_pixel_is_told():
    moved = changed(of_photos("fsrcnn", 3), lambda c: torch.roll(c, -1, 1))
    (sentence,) = inspect_outputs(moved, PROTOCOL)
    assert sentence.endswith("pixels up of the truth.")


CHANGES = [
    ("Red and blue have changed places", lambda c: c.flip(0)),
    ("studio range", lambda c: (c.double() * 219 / 255 + 16.5).to(torch.uint8)),
    ("stored without being multiplied by 255", lambda c: (c >= 128).to(torch.uint8)),
    ("grey stored as colour", lambda c: grey(c).expand(3, -1, -1)),
    ("Every result: edges of 8x8 blocks", lambda c: jpeg(c, 50)),
    ("does not show what the true picture shows", lambda c: c.flip(2)),
]


@pytest.mark.parametrize(("told", "change"), CHANGES, ids=[told for told, _ in CHANGES])
@pytest.mark.parametrize("scale", [2, 4])
def test_a_change_of_the_pictures_is_told(told, change, scale):
    (sentence,) = inspect_outputs(changed(of_photos("fsrcnn", scale), change), PROTOCOL)
    assert told in sentence


def test_luma_of_full_range_is_told_of_grey_results():
    """Pillow's "L" saved for luma; studio luma is right."""
    made = of_photos("bicubic", 2)
    full = [
        replace(o, lr=o.lr[:1], sr=grey((o.sr * 255).round().to(torch.uint8)).double() / 255)
        for o in made
    ]
    (sentence,) = inspect_outputs(full, PROTOCOL)
    assert "luma of full range" in sentence
    studio = [
        replace(o, lr=o.lr[:1], sr=PROTOCOL.luma((o.sr * 255).round().to(torch.uint8)) / 255.0)
        for o in made
    ]
    assert inspect_outputs(studio, PROTOCOL) == ()


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_codes_that_were_cut_off_are_told(scale):
    network, spec = loaded("fsrcnn", scale)
    cut = []
    for output in of_photos("fsrcnn", scale):
        lr = lr_for(spec, output.hr, scale, PROTOCOL)
        made = restore(network, spec, lr, output.hr, scale=scale)
        cut.append(replace(made, sr=torch.floor(made.sr.double().clamp(0, 1) * 255) / 255))
    (sentence,) = inspect_outputs(cut, PROTOCOL)
    assert "cut off in place of rounded" in sentence


def test_the_truth_is_known():
    made = [replace(o, sr=o.hr.double() / 255) for o in of_photos("bicubic", 2)]
    assert inspect_outputs(made, PROTOCOL)[0] == "Every result: the true picture itself."


def test_pictures_that_changed_places_are_named():
    first, second, third = results("fsrcnn", 2, [p[:, :190, :200] for p in photos()])
    swapped = [replace(first, sr=second.sr), replace(second, sr=first.sr), third]
    (sentence,) = inspect_outputs(swapped, PROTOCOL)
    assert sentence == "photo0, photo1: does not show what the true picture shows."


def test_flat_and_tiny_results_say_nothing():
    flat = torch.full((3, 16, 16), 90, dtype=torch.uint8)
    assert inspect_outputs(results("bicubic", 2, [flat]), PROTOCOL) in ((), FLAT)
    assert inspect_outputs([], PROTOCOL) == ()


FLAT = ("photo0: the true picture itself.",)
