"""Budgets: what a machine can do is measured, kept, and foretold for each picture."""

import json
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest
import torch
from PIL import Image as PillowImage

from superfine import io
from superfine.budget import forecast, kept, speed
from superfine.budget.amounts import bytes_of, seconds_of, told_bytes, told_seconds
from superfine.budget.forecast import Picture, Way, fit, picture_of, seconds_for
from superfine.budget.speed import Speed, network_speed, writing_speed
from superfine.checkpoints import load_model
from superfine.demo import PHOTO
from superfine.errors import MemoryLimitError, UsageError
from superfine.inference import upscale_image

MEBIBYTE = 2**20


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A user's cache of this test alone."""
    monkeypatch.setenv("SUPERFINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "speeds.json"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2s", 2), ("500ms", 0.5), ("1.5 min", 90), ("1.5min", 90), ("1h", 3600), ("0.25s", 0.25)],
)
def test_times_are_read(text, seconds):
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2G", 2 << 30), ("2GiB", 2 << 30), ("2GB", 2 * 10**9), ("512M", 512 << 20),
        ("1.5 GiB", 3 << 29), ("800 MB", 8 * 10**8), ("64K", 65536), ("1T", 1 << 40),
    ],
)  # fmt: skip
def test_memory_is_read(text, count):
    assert bytes_of(text) == count


@pytest.mark.parametrize(
    "text", ["", "2", "s", "-2s", "+2s", "2 sec", "2S", "1e3s", "nans", "infs", "2s ", "٢s", "2,5s"]
)
def test_what_is_no_time_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="is no time") as caught:
        seconds_of(text)
    assert "2s, 500ms" in caught.value.hint


@pytest.mark.parametrize("text", ["2", "G", "-2G", "2g", "2Gb", "2 G B", "0x2G", "2GIB"])
def test_what_is_no_memory_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="is no amount of memory") as caught:
        bytes_of(text)
    assert "2G, 512M" in caught.value.hint


@pytest.mark.parametrize("text", ["0s", "0.0ms"])
def test_no_time_at_all_is_refused(text):
    with pytest.raises(UsageError, match="out of range"):
        seconds_of(text)


def test_amounts_are_told_in_three_digits():
    told = [told_seconds(s) for s in (0.0001, 0.0854, 1.944, 75, 150, 9000)]
    assert told == ["1 ms", "85 ms", "1.94 s", "75 s", "2.5 min", "2.5 h"]
    assert [told_bytes(b) for b in (1, 480 << 20, 3 << 29)] == ["1 MiB", "480 MiB", "1.5 GiB"]
    assert bytes_of("480M") == 480 << 20


class Clock:
    """A clock that only the work moves."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.mark.parametrize(("start", "each"), [(0.01, 1e-6), (0.0, 3e-7), (0.02, 1e-5)])
def test_a_line_is_found_through_noise_that_only_slows(monkeypatch, start, each):
    clock, turn = Clock(), count()

    def enlarge(photo, model, *, device):
        lost = 0.05 if next(turn) % 3 else 0.0  # two of three turns are disturbed
        clock.now += start + each * photo.width * photo.height + lost

    monkeypatch.setattr(speed, "time", clock)
    monkeypatch.setattr(speed, "upscale_image", enlarge)
    found = network_speed(None, "cpu")
    assert found.start == pytest.approx(start, abs=1e-6)
    assert found.each == pytest.approx(each, rel=1e-6)
    assert clock.now < 3


def test_no_square_is_tried_that_memory_has_no_room_for(monkeypatch):
    sides = set()
    monkeypatch.setattr(speed, "time", Clock())
    monkeypatch.setattr(speed, "upscale_image", lambda photo, *_, device: sides.add(photo.width))
    for most, tried in ((1, {48}), (20_000, {48, 96}), (None, {48, 96, 192, 384, 768})):
        sides.clear()
        network_speed(None, "cpu", most)
        assert sides == tried


def test_what_is_slow_is_tried_twice_only(monkeypatch):
    clock = Clock()

    def enlarge(photo, model, *, device):
        clock.now += 1e-3 * photo.width * photo.height

    monkeypatch.setattr(speed, "time", clock)
    monkeypatch.setattr(speed, "upscale_image", enlarge)
    assert network_speed(None, "cpu") == Speed(0.0, pytest.approx(1e-3))
    assert clock.now == pytest.approx(2 * 48**2 * 1e-3)


class Measuring:
    """Counts how often it is asked."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return Speed(0.5, 0.001 * self.times)


def test_what_was_measured_is_kept(cache):
    measure = Measuring()
    assert kept.remembered("a", measure) == kept.remembered("a", measure) == Speed(0.5, 0.001)
    assert measure.times == 1
    assert kept.remembered("b", measure).each == 0.002
    kept.forget("a")
    kept.forget("never known")
    assert kept.remembered("b", measure).each == 0.002
    assert kept.remembered("a", measure).each == 0.003
    assert [p.name for p in cache.parent.iterdir()] == ["speeds.json"]


def test_another_machine_or_version_is_measured_anew(monkeypatch):
    measure = Measuring()
    kept.remembered("a", measure)
    for name, value in (
        ("__version__", "99.0"),
        ("_machine", lambda: ("other", "x86_64", "CPU", "2", "")),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(kept, name, value)
            before = measure.times
            kept.remembered("a", measure)
            assert measure.times == before + 1
    with monkeypatch.context() as patch:
        patch.setattr(torch, "get_num_threads", lambda: 77)
        kept.remembered("a", measure)
    kept.remembered("a", measure)
    assert measure.times == 4


DAMAGED = {
    "torn": lambda text: text[: len(text) // 2],
    "no JSON": lambda _: "\x00\xff",
    "nested": lambda _: "[" * 5000,
    "a list": lambda _: "[]",
    "another layout": lambda text: text.replace('"v": 1', '"v": 2'),
    "no speeds": lambda _: '{"v": 1}',
    "a word": lambda text: text.replace("0.001", '"fast"'),
    "true": lambda text: text.replace("0.001", "true"),
    "zero": lambda text: text.replace("0.001", "0"),
    "negative": lambda text: text.replace("0.001", "-0.001"),
    "NaN": lambda text: text.replace("0.001", "NaN"),
    "absurd": lambda text: text.replace("0.001", "1e9"),
    "short": lambda text: text.replace("0.5,", ""),
    "old": lambda text: text.replace(text.split()[-3].strip(",]}"), "1000.0"),
    "of the future": lambda text: text.replace(text.split()[-3].strip(",]}"), "1e11"),
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_what_cannot_be_believed_is_measured_anew(cache, damage):
    measure = Measuring()
    kept.remembered("a", measure)
    text = cache.read_text()
    changed = damage(text)
    assert changed != text
    cache.write_text(changed)
    assert kept.remembered("a", measure).each == 0.002
    assert kept.remembered("a", measure).each == 0.002


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SUPERFINE_CACHE", str(tmp_path / "file"))
    measure = Measuring()
    kept.remembered("a", measure)
    kept.remembered("a", measure)
    assert measure.times == 2
    assert (tmp_path / "file").read_text() == ""


class ProcessorTime:
    """Seconds of this process, so that a busy machine changes nothing."""

    perf_counter = staticmethod(time.process_time)


@pytest.mark.parametrize("name", ["fsrcnn-x2", "bicubic-x2"])
def test_a_forecast_is_right_within_a_factor_of_two(name, tmp_path, monkeypatch):
    """From the file to the file in place, of a picture of 0.17 megapixels."""
    monkeypatch.setattr(speed, "time", ProcessorTime)
    model, image = load_model(name, scale=None), io.read(PHOTO)
    way = Way(suffix=".png", device="cpu")
    foretold = seconds_for(model, picture_of(image), way, fit(model, picture_of(image), way))
    started = time.process_time()
    io.write(upscale_image(io.read(PHOTO), model, device="cpu"), tmp_path / "a.png")
    taken = time.process_time() - started
    assert taken / 2 < foretold < taken * 2


def test_a_forecast_counts_views_frames_and_the_way_to_another_size(monkeypatch):
    monkeypatch.setattr(forecast, "network_speed", lambda *_: Speed(0.0, 1.0))
    monkeypatch.setattr(forecast, "writing_speed", lambda suffix: Speed(0.0, 0.1))
    model, picture = load_model("fsrcnn-x2", scale=None), Picture(20, 10)

    def foretold(picture=picture, **changes):
        way = Way(device="cpu", **changes)
        return seconds_for(model, picture, way, fit(model, picture, way))

    plain = 200 + 0.1 * (200 + 800)
    assert foretold() == foretold(size=(40, 20)) == pytest.approx(plain)
    assert foretold(self_ensemble=True) == pytest.approx(plain + 7 * 200)
    assert foretold(size=(30, 15)) == pytest.approx(200 + 200 + 0.1 * (200 + 450))
    assert foretold(Picture(20, 10, frames=3)) == pytest.approx(3 * plain)
    # Tiles of 10x10 with 8 pixels around: each of the two works on 10x18.
    assert foretold(tile=10) == pytest.approx(plain + 2 * 180 - 200)


@pytest.fixture
def small_process(monkeypatch):
    """As if the process had just begun."""
    monkeypatch.setattr(forecast, "at_rest", lambda: 300 * MEBIBYTE)


LARGE = Picture(3000, 2000)


@pytest.mark.parametrize("name", ["fsrcnn-x2", "fsrcnn-x4", "bicubic-x3"])
def test_tiles_are_made_to_fit(small_process, name):
    model = load_model(name, scale=None)
    usual = fit(model, LARGE, Way(device="cpu"))
    assert usual.tile_memory is None
    limits = [usual.memory + MEBIBYTE, 640 * MEBIBYTE, 560 * MEBIBYTE]
    found = [fit(model, LARGE, Way(device="cpu", memory=limit)) for limit in limits]
    assert all(f.memory <= limit for f, limit in zip(found, limits, strict=True))
    assert found[0].load == usual.load
    assert found[2].load.largest < usual.load.largest
    # More of the picture is worked on twice.
    assert found[2].load.pixels >= usual.load.pixels >= 6_000_000


def test_too_little_memory_is_refused_with_what_would_do(small_process):
    model = load_model("fsrcnn-x2", scale=None)
    with pytest.raises(MemoryLimitError, match=r"needs about \d+ MiB .* 3000x2000") as caught:
        fit(model, LARGE, Way(device="cpu", memory=100 * MEBIBYTE))
    enough = caught.value.hint.removeprefix("Give --max-memory ").removesuffix(".")
    limit = bytes_of(enough)
    assert fit(model, LARGE, Way(device="cpu", memory=limit)).memory <= limit


def test_animations_take_all_their_frames(small_process):
    model = load_model("bicubic-x2", scale=None)
    still, moving = (fit(model, Picture(640, 480, frames=n), Way(device="cpu")) for n in (1, 200))
    assert moving.memory - still.memory > 150 * 5 * 640 * 480 * 3


# A process counts what the one that started it took, so a small one stands between.
PEAK = """
import os, sys
pid = os.posix_spawn(sys.executable, [sys.executable, "-m", "superfine", *sys.argv[1:]], os.environ)
_, status, usage = os.wait4(pid, 0)
print(status, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.slow
def test_the_whole_command_stays_within_its_memory(tmp_path):
    """Without a limit the same takes a quarter more than this one allows."""
    with PillowImage.open(PHOTO) as photo:
        photo.resize((1200, 900)).save(tmp_path / "large.png")
    peaks = []
    for limit in ([], ["--max-memory", "440M"]):
        command = ["upscale", "large.png", "-m", "fsrcnn", "-s", "2", "-q", "-o", "out.bmp"]
        printed = subprocess.run(
            [sys.executable, "-c", PEAK, *command, "--overwrite", *limit],
            capture_output=True, text=True, cwd=tmp_path, check=True,
        ).stdout  # fmt: skip
        status, peak = map(int, printed.split()[-2:])
        assert status == 0
        peaks.append(peak)
    assert peaks[1] < 440 * MEBIBYTE < peaks[0]


def test_writing_is_measured_in_the_format_asked_for():
    for suffix in (".png", ".jpg"):
        assert 0 < writing_speed(suffix).each < 1e-3


def test_the_cache_is_plain_to_read(cache):
    kept.remembered("a", Measuring())
    values = json.loads(cache.read_text())
    assert values["v"] == 1
    (line,) = values["speeds"].values()
    assert line[:2] == [0.5, 0.001]
    assert abs(line[2] - time.time()) < 60
    assert Path(cache).stat().st_size < 1000
