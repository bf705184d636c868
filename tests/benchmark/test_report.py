"""What a report says and shows, read as a file; tests/browser opens it."""

import base64
import hashlib
import html
import io
import json
import math
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

from superfine import ledger
from superfine.benchmark.output import Output
from superfine.benchmark.papers import Published
from superfine.benchmark.protocol import find_protocol
from superfine.benchmark.report import Gallery, closeup, views, write_report
from superfine.benchmark.report.cutting import cut
from superfine.benchmark.report.page import page
from superfine.benchmark.report.spread import ticks
from superfine.benchmark.resizes import to_codes
from superfine.benchmark.results import Benchmark, Cell, PictureResult
from superfine.benchmark.verdict.explain import Verdict
from superfine.errors import OutputError, UsageError
from superfine.visual import Box

PROTOCOL = find_protocol("y-matlab")
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>.png"


def figure(value: str, *, metric: str = "psnr", doubtful: bool = False) -> Published:
    return Published(
        model="fsrcnn",
        data_set="set5",
        scale=2,
        metric=metric,
        value=float(value),
        printed=value,
        unit="dB",
        source="paper tables: Dong et al.",
        protocol="y-matlab",
        trained_on="t91",
        doubtful=doubtful,
        note="",
    )


def cell(model: str, *psnrs: float, **changes) -> Cell:
    made = Cell(
        model=model,
        architecture=model,
        weights="",
        data_set="set5",
        scale=2,
        protocol="y-matlab",
        lr="matlab",
        self_ensemble=False,
        pictures=tuple(
            PictureResult(f"picture-{i}", {"psnr": psnr, "ssim": 0.9})
            for i, psnr in enumerate(psnrs)
        ),
        seconds=3.0,
        published={},
    )
    return replace(made, **changes)


def benchmark(*cells: Cell) -> Benchmark:
    return Benchmark(
        cells=cells,
        metrics=("psnr", "ssim"),
        date="2026-01-31T12:00:00Z",
        version="1.2.3",
        commit="0123456789",
        torch="2.13.0",
        machine="Linux x86_64, 2 cores",
    )


def outputs_of(hr: torch.Tensor, sr: torch.Tensor, *, picture: str = "p", scale: int = 2) -> Output:
    return Output(picture, scale, PROTOCOL.lr(hr, scale), sr, hr)


def noise(size: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, size, size), generator=generator, dtype=torch.uint8)


def luma(hr: torch.Tensor) -> torch.Tensor:
    return PROTOCOL.luma(hr).float() / 255


class Read(HTMLParser):
    """Tags with their attributes, the texts of cells, and the bodies of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.bodies: dict[str, list[str]] = {
            "style": [],
            "script": [],
            "td": [],
            "th": [],
            "li": [],
        }
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in self.bodies:
            self._open.append(tag)
            self.bodies[tag].append("")

    def handle_endtag(self, tag):
        if tag in self.bodies:
            assert self._open.pop() == tag

    def handle_data(self, data):
        for tag in self._open[-1:]:
            self.bodies[tag][-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def decoded(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


@pytest.fixture(scope="module")
def whole() -> str:
    """A report with pictures, made without a network: the models are the truth made worse."""
    gallery = Gallery()
    for model, error in (("bicubic", 20.0), ("fsrcnn", 10.0)):
        for seed in range(2):
            hr = noise(96, seed)
            sr = luma(hr) + error / 255 * torch.sign(torch.randn(1, 96, 96))
            output = outputs_of(hr, sr, picture=f"picture-{seed}")
            gallery.add(model, "set5", output, PROTOCOL, {"psnr": 30.0 + seed, "ssim": 0.9})
    cells = (
        cell("bicubic", 30.0, 31.0),
        cell("fsrcnn", 36.0, 37.0, published={"psnr": figure("37.00")}, verdict=VERDICT),
    )
    return page(benchmark(*cells), gallery)


VERDICT = Verdict(37.0, 36.5, "rgb", 37.0, "37.00 is RGB; on Y it is 36.50.")


def test_the_file_needs_nothing_else(whole):
    read = Read(whole)
    for tag, attributes in read.tags:
        assert "style" not in attributes, tag
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "href", "srcset", "action", "data"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:image/")), (tag, address)
    assert not read.named("link")
    assert not re.search(r"url\(|@import", read.bodies["style"][0])


def test_only_its_own_style_and_script_may_run(whole):
    read = Read(whole)
    policy = next(m["content"] for m in read.named("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "unsafe" not in policy
    for kind, body in (("style", read.bodies["style"][0]), ("script", read.bodies["script"][-1])):
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert len(read.bodies["style"]) == 1


def test_every_picture_has_words(whole):
    read = Read(whole)
    assert all(picture["alt"] for picture in read.named("img"))
    drawn = [svg for svg in read.named("svg") if svg.get("aria-hidden") != "true"]
    assert len(drawn) > 8
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in drawn)


def test_names_are_text_wherever_they_stand(tmp_path):
    gallery = Gallery()
    output = outputs_of(noise(48), luma(noise(48, 1)), picture=HOSTILE)
    gallery.add(HOSTILE, HOSTILE, output, PROTOCOL, {"psnr": 9.0})
    one = cell(HOSTILE, 9.0, architecture="fsrcnn", data_set=HOSTILE, lr=HOSTILE, notes=(HOSTILE,))
    pictures = (PictureResult(HOSTILE, {"psnr": 9.0}),)
    verdict = replace(VERDICT, sentence=HOSTILE)
    source = replace(figure("9.50"), source=HOSTILE)
    one = replace(one, pictures=pictures, verdict=verdict, published={"psnr": source})
    run = replace(benchmark(one), commit=HOSTILE, machine=HOSTILE)
    text = page(run, gallery)
    read = Read(text)
    assert len(read.bodies["script"]) == 2
    assert "alert(1)" not in read.bodies["script"][1]
    assert not any(picture.get("src") == "x" for picture in read.named("img"))
    points = json.loads(read.bodies["script"][0])["points"]
    assert points[0]["model"] == HOSTILE
    assert HOSTILE in read.bodies["th"]
    assert HOSTILE in read.bodies["li"]


def test_a_name_that_is_no_text_can_still_be_written(tmp_path):
    """File names are bytes; Python hands on those that are no UTF-8 as lone surrogates."""
    path = tmp_path / "report.html"
    write_report(benchmark(cell("caf\udce9", 30.0)), Gallery(), path, overwrite=False)
    assert "caf?" in path.read_text(encoding="utf-8")


def test_a_score_stands_beside_the_published_one_with_its_sign(whole):
    read = Read(whole)
    row = [text.strip() for text in read.bodies["td"]]
    at = row.index("36.50")
    assert row[at : at + 3] == ["36.50", "37.001", "−0.50 why?"]  # 1: the number of its source
    classes = [td.get("class") for td in read.named("td")]
    assert classes[at + 2] == "number worse"
    assert "paper tables: Dong et al." in read.bodies["li"]
    assert "fsrcnn, set5 ×2 37.00 is RGB; on Y it is 36.50." in read.bodies["li"]


@pytest.mark.parametrize(
    ("published", "difference", "tone"),
    [
        ("36.00", "+0.50", "better"),
        ("36.46", "+0.04", "near"),
        ("36.50", "0.00", "near"),
        ("36.56", "−0.06", "worse"),
    ],
)
def test_a_difference_is_coloured_from_five_hundredths_on(published, difference, tone):
    text = page(benchmark(cell("fsrcnn", 36.5, published={"psnr": figure(published)})), Gallery())
    assert f'<td class="number {tone}" data-value="{difference}">' in text


def test_a_figure_of_another_protocol_is_called_so():
    known = replace(figure("36.9"), protocol="rgb-div2k")
    items = Read(
        page(benchmark(cell("fsrcnn", 36.5, published={"psnr": known})), Gallery())
    ).bodies["li"]
    assert "paper tables: Dong et al. (measured under rgb-div2k, not y-matlab)" in items


def test_a_doubtful_figure_is_called_so():
    one = cell("fsrcnn", 36.5, published={"psnr": figure("36.9", doubtful=True)})
    assert (
        "paper tables: Dong et al. (doubtful)" in Read(page(benchmark(one), Gallery())).bodies["li"]
    )


def test_what_is_no_number_does_not_stop_the_page():
    """A result equal to the truth has a PSNR without end; a small picture has no MS-SSIM."""
    some = cell("fsrcnn", math.inf, math.inf)
    text = page(replace(benchmark(some), metrics=("psnr", "ms-ssim")), Gallery())
    assert "∞" in text
    assert "–" in Read(text).bodies["td"]
    assert not [point for point in plotted(text)["points"] if not point["source"]]


def test_the_protocol_is_in_words_with_its_warning():
    protocol = find_protocol("seed-holopix")
    text = page(benchmark(cell("fsrcnn", 30.0, protocol="seed-holopix")), Gallery())
    assert protocol.warning.partition("`")[0] in html.unescape(text)
    for said in ("2026-01-31 12:00:00 UTC", "1.2.3", "0123456789", "2.13.0", "2 cores"):
        assert said in text


def test_equal_runs_give_equal_bytes(whole, tmp_path):
    run = benchmark(cell("fsrcnn", 36.0))
    for name in ("a.html", "b.html"):
        write_report(run, Gallery(), tmp_path / name, overwrite=False)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_report_that_exists_is_not_replaced_unasked(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        write_report(benchmark(cell("fsrcnn", 36.0)), Gallery(), path, overwrite=False)
    assert path.read_text() == "mine"
    write_report(benchmark(cell("fsrcnn", 36.0)), Gallery(), path, overwrite=True)
    assert path.read_text().startswith("<!doctype html>")


def test_without_jinja_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UsageError) as caught:
        write_report(benchmark(cell("fsrcnn", 36.0)), Gallery(), tmp_path / "r", overwrite=False)
    assert "superfine[report]" in caught.value.hint
    assert not list(tmp_path.iterdir())


def plotted(text: str):
    return json.loads(Read(text).bodies["script"][0])


def test_the_plot_takes_costs_from_the_ledger():
    cells = (cell("fsrcnn", 36.5), cell("fsrcnn", 36.9, self_ensemble=True))
    alone, ensemble = [
        p for p in plotted(page(benchmark(*cells), Gallery()))["points"] if not p["source"]
    ]
    cost = ledger.read().networks["fsrcnn"].costs[2]
    assert alone["costs"]["parameters"] == ensemble["costs"]["parameters"] == cost.parameters
    assert (alone["costs"]["macs"], ensemble["costs"]["macs"]) == (cost.macs, 8 * cost.macs)
    assert alone["costs"]["memory"] == cost.memory
    assert alone["costs"]["latency"] == ledger.read().latencies["fsrcnn-x2"]
    assert alone["costs"]["run"] == 3.0
    assert ensemble["model"] == "fsrcnn+"


def test_published_figures_of_the_same_set_lie_behind():
    """EDSR's own 38.11 on Set5 x2 (Lim et al., CVPRW 2017, table 3) and VDSR's 37.53."""
    points = plotted(page(benchmark(cell("fsrcnn", 36.5)), Gallery()))["points"]
    behind = {p["model"]: p["quality"] for p in points if p["source"]}
    assert behind["edsr"] == 38.11
    assert behind["vdsr"] == 37.53
    assert {p["group"] for p in points} == {"set5 ×2"}


def crops(text: str) -> list[dict[str, str | None]]:
    read = Read(text)
    return [tag for tag in read.named("image") if tag["href"].startswith("data:image/png")]


def test_the_crops_are_the_pictures_without_loss():
    """The truth of a scene, decoded, is the pixels of the truth; the box tells which."""
    hr = noise(240)
    hr[:, :120] = (
        hr[
            :,
            :120,
            :,
        ]
        // 8
        + 100
    )  # little to lose in the upper half
    gallery = Gallery()
    gallery.add("fsrcnn", "set5", outputs_of(hr, luma(hr)), PROTOCOL, {"psnr": 30.0})
    (scene,) = gallery.scenes()["set5", 2]
    assert scene.focus.top + scene.focus.side / 2 > 120
    region = scene.region
    assert region.side == 192
    inside = np.s_[region.top : region.top + 192, region.left : region.left + 192]
    pixels = hr.permute(1, 2, 0).numpy()
    text = page(benchmark(cell("fsrcnn", 30.0)), gallery)
    lr, bicubic, _, truth = (decoded(tag["href"]) for tag in crops(text))
    assert (truth == pixels[inside]).all()
    assert lr.shape == (96, 96, 3)
    assert (bicubic != truth).any()
    assert region.top <= scene.focus.top <= region.top + 192 - scene.focus.side
    assert region.top % 2 == region.left % 2 == 0


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(48, 72), (312, 96)])
def test_pictures_of_any_size_have_a_crop(scale, size):
    hr = noise(312)[:, : size[0], : size[1]]
    gallery = Gallery()
    output = outputs_of(hr, luma(hr), scale=scale)
    gallery.add("fsrcnn", "set5", output, PROTOCOL, {"psnr": 30.0})
    (scene,) = gallery.scenes()["set5", scale]
    for box in (scene.focus, scene.region):
        assert box.top >= 0
        assert box.left >= 0
        assert box.side % scale == 0
        assert (box.top + box.side, box.left + box.side) <= size
        assert box.left + box.side <= size[1]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", ["y-matlab", "seed-zoo", "seed-holopix"])
def test_a_close_up_is_the_pixels_of_the_whole_picture(scale, name):
    protocol, hr = find_protocol(name), noise(240)
    lr = protocol.lr(hr, scale)[:1]
    output = Output("p", scale, lr, protocol.luma(hr) / 255 + 0.01, hr)
    for corner in (0, 8 * scale, 240 - 20 * scale):
        box = Box(corner, 240 - 20 * scale - corner, 20 * scale)
        assert torch.equal(
            closeup.codes(output, box, protocol), cut(output.picture_codes(protocol), box)
        )
        small = to_codes(protocol.colour_resize.shrink(hr, scale))
        on_lr = Box(box.top // scale, box.left // scale, 20)
        assert torch.equal(closeup.lr_codes(output, box, protocol), cut(small, on_lr))


def test_grey_pictures_and_colour_networks_are_shown_too():
    grey = noise(48)[:1]
    gallery = Gallery()
    gallery.add("fsrcnn", "set5", outputs_of(grey, grey / 255), PROTOCOL, {"psnr": 30.0})
    colour = noise(48)
    lr = PROTOCOL.lr(colour, 2, colour=True)
    output = Output("q", 2, lr, colour / 255, colour)
    gallery.add("fsrcnn", "set5", output, PROTOCOL, {"psnr": 31.0})
    assert len(gallery.scenes()["set5", 2]) == 2
    assert len(crops(page(benchmark(cell("fsrcnn", 30.0)), gallery))) == 8


def test_only_the_hardest_pictures_are_kept_and_for_every_model_the_same():
    gallery = Gallery()
    pictures = [(noise(48, i) // (1 + i % 5), f"p{i}") for i in range(20)]
    for model in ("fsrcnn", "vdsr"):
        for hr, name in pictures:
            gallery.add(model, "set5", outputs_of(hr, luma(hr), picture=name), PROTOCOL, {})
    scenes = gallery.scenes()["set5", 2]
    # Four of the twenty hold a fifth of the contrast; they are what is left out.
    assert {s.picture for s in scenes} == {n for i, (_, n) in enumerate(pictures) if i % 5 != 4}
    assert all([shot.model for shot in s.shots] == ["fsrcnn", "vdsr"] for s in scenes)


def test_a_self_ensemble_has_its_plus_everywhere():
    gallery = Gallery()
    gallery.add("fsrcnn", "set5", outputs_of(noise(48), luma(noise(48))), PROTOCOL, {})
    text = page(benchmark(cell("fsrcnn", 30.0, self_ensemble=True)), gallery)
    assert "LR residual of fsrcnn+ on p at ×2" in text
    assert "fsrcnn<" not in text


def test_the_second_picture_of_a_name_is_left_out():
    """p.png and p.jpg of one folder are called the same."""
    gallery = Gallery()
    for size in (48, 60):
        gallery.add("fsrcnn", "set5", outputs_of(noise(size), luma(noise(size))), PROTOCOL, {})
    (scene,) = gallery.scenes()["set5", 2]
    assert scene.size == (48, 48)
    assert len(scene.shots) == 1


def test_first_come_the_pictures_in_which_the_models_lie_apart():
    gallery = Gallery()
    for model in ("fsrcnn", "vdsr"):
        for seed, error in enumerate((4, 16, 8)):
            hr = noise(48, seed)
            sr = luma(hr) + (error if model == "fsrcnn" else 2) / 255
            gallery.add(model, "set5", outputs_of(hr, sr, picture=f"{error}"), PROTOCOL, {})
    assert [scene.picture for scene in gallery.scenes()["set5", 2]] == ["16", "8", "4"]


def test_a_large_run_stays_below_fifteen_megabytes(tmp_path):
    """Nine models on noise, which nothing compresses, at three scales: every set has its scene."""
    gallery = Gallery()
    hr = noise(240)
    for model in range(9):
        for scale in (2, 3, 4):
            for name in "ab":
                lr = PROTOCOL.lr(hr, scale, colour=True)
                output = Output(name, scale, lr, noise(240, model) / 255, hr)
                gallery.add(f"model {model}", "set5", output, PROTOCOL, {"psnr": 30.0})
    cells = [cell(f"model {m}", 30.0, scale=s) for m in range(9) for s in (2, 3, 4)]
    path = tmp_path / "report.html"
    write_report(benchmark(*cells), gallery, path, overwrite=False)
    assert 5e6 < path.stat().st_size < 15e6
    assert all(wall.views for wall in views.walls(gallery, ()))


def test_sets_share_the_room(monkeypatch):
    monkeypatch.setattr(views, "_ROOM", 1)
    gallery = Gallery()
    gallery.add("fsrcnn", "set5", outputs_of(noise(48), luma(noise(48))), PROTOCOL, {})
    (wall,) = views.walls(gallery, ())
    assert wall.views == []
    assert "No room" in page(benchmark(cell("fsrcnn", 30.0)), gallery)


def test_dots_lie_where_their_values_are():
    read = Read(page(benchmark(cell("fsrcnn", 30.0, 32.0, 34.0)), Gallery()))
    strip = next(svg for svg in read.named("svg") if svg.get("class") == "strip")
    assert strip["aria-label"] == (
        "fsrcnn: PSNR from 30.00 dB (picture-0) to 34.00 dB (picture-2), mean 32.00 dB"
    )
    dots = [float(dot["cx"].rstrip("%")) for dot in read.named("circle")]
    assert dots[1] - dots[0] == pytest.approx(dots[2] - dots[1])
    assert 0 < dots[0] < dots[2] < 100


@pytest.mark.parametrize(
    ("low", "high"), [(30.2, 33.9), (0.9, 0.9), (21.0, 47.3), (0.9412, 0.9433)]
)
def test_marks_are_round_and_hold_what_lies_between(low, high):
    marks = ticks(low, high)
    assert marks[0] <= low + 1e-9
    assert marks[-1] >= high - 1e-9
    assert 2 <= len(marks) <= 8
    step = marks[1] - marks[0]
    assert f"{step:e}"[0] in "125" or f"{step:e}".startswith("9.99")
