"""Figures show the pixels they are given, say what a benchmark says, and come out the same."""

from __future__ import annotations

import io
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from superfine.benchmark.figure.boxes import Box, most_different, most_telling, require_usable
from superfine.benchmark.figure.captions import Run, line_width, shortened, wrapped
from superfine.benchmark.figure.columns import Column, emphases, lr_column, wanted
from superfine.benchmark.figure.draw import Format, Sheet, drawn, laid_out
from superfine.benchmark.figure.latex import latex_table
from superfine.benchmark.figure.layout import Layout, Wish, arranged
from superfine.benchmark.figure.make import Made, Request, make_figure
from superfine.benchmark.measure import measure_each
from superfine.benchmark.protocol import find_protocol
from superfine.card import shipped_cards
from superfine.checkpoints import load_model
from superfine.data.folders import read_uint8
from superfine.errors import OutputError, PictureError, SizeMismatchError, UsageError
from superfine.io import write
from superfine.types import Image

PROTOCOL = find_protocol("y-matlab")


def noise(height: int, width: int, *, seed: int = 0, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (channels, height, width), dtype=torch.uint8, generator=generator)


def blobs(path: Path, *, width: int = 66, height: int = 50, mode: str = "RGB") -> Path:
    """A picture with large shapes, which networks enlarge better than noise."""
    rng = np.random.default_rng(1)
    small = PillowImage.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8))
    small.resize((width, height), PillowImage.Resampling.LANCZOS).convert(mode).save(path)
    return path


def columns(*names: str, picture: torch.Tensor) -> tuple[Column, ...]:
    scored = [
        Column(name, noise(*picture.shape[-2:], seed=i), {"psnr": 20.0 + i, "ssim": 0.7 + i / 50})
        for i, name in enumerate(names)
    ]
    return (lr_column(picture, scale=4, protocol=PROTOCOL), *scored, Column("HR", picture))


def sheet(*names: str, boxes: tuple[Box, ...] = (Box(4, 4, 16, 12),), title: str = "p") -> Sheet:
    picture = noise(48, 64, seed=9)
    return Sheet(title, "protocol y-matlab", picture, boxes, columns(*names, picture=picture))


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(PillowImage.open(io.BytesIO(png)).convert("RGB"))


def texts(pdf: bytes) -> list[str]:
    """The pieces of text of a PDF whose letters are stored as UTF-16."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            content = zlib.decompress(stream)
        except zlib.error:
            continue
        for piece in re.findall(rb"BT\n(.*?)\nET", content, re.DOTALL):
            letters = b"".join(re.findall(rb"\(((?:[^()\\]|\\.)*)\)", piece, re.DOTALL))
            found.append(re.sub(rb"\\(.)", rb"\1", letters, flags=re.DOTALL).decode("utf-16-be"))
    return found


def request(tmp_path: Path, *models: str, **values: object) -> Request:
    picture = tmp_path / "photo.png"
    if not picture.exists():
        blobs(picture)
    given = {"scale": 2, "output": tmp_path / "figure.png", **values}
    return Request(picture=picture, models=models, **given)


def make(tmp_path: Path, *models: str, **values: object) -> Made:
    return make_figure(request(tmp_path, *models, **values), on_model=lambda _: None)


def scores(made: Made) -> dict[str, dict[str, float]]:
    return {column.name: dict(column.scores) for column in made.columns if column.scores}


@pytest.mark.parametrize(
    ("boxes", "inches", "asked"),
    [
        ((Box(3, 5, 17, 11),), 7.16, None),
        ((Box(0, 0, 20, 30), Box(44, 18, 20, 30)), 7.16, 3),
        ((Box(1, 2, 33, 9),), 3.5, None),
    ],
)
def test_crops_are_pixel_by_pixel(boxes: tuple[Box, ...], inches: float, asked: int) -> None:
    shown = sheet("Bicubic", "A", "B", boxes=boxes)
    image = pixels(drawn(shown, "png", inches=inches, columns=asked))
    layout, _ = laid_out(shown, inches, asked)
    assert image.shape[:2] == (layout.height, layout.width)
    assert layout.width / layout.dots == pytest.approx(inches, abs=0.005)
    for box, places in zip(boxes, layout.cells, strict=True):
        for column, place in zip(shown.columns, places, strict=True):
            crop = box.cut(column.picture).permute(1, 2, 0).numpy()
            large = crop.repeat(layout.enlarged, axis=0).repeat(layout.enlarged, axis=1)
            bottom, right = place.top + place.height, place.left + place.width
            assert np.array_equal(image[place.top : bottom, place.left : right], large)


def test_the_lr_column_shows_whole_lr_pixels() -> None:
    picture = noise(48, 64)
    column = lr_column(picture, scale=4, protocol=PROTOCOL)
    small = column.picture[:, ::4, ::4]
    assert torch.equal(column.picture, small.repeat_interleave(4, -1).repeat_interleave(4, -2))
    lr = 255 * PROTOCOL.lr(picture, 4, colour=True)
    assert torch.equal(small.double(), lr.round())
    assert column.note == "16×12"


def test_a_pdf_has_its_size_its_fonts_and_its_words() -> None:
    pdf = drawn(sheet("Bicubic", "A_b", "Ours+"), "pdf", inches=7.16, columns=None)
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf)
    assert box is not None
    assert float(box[1]) == pytest.approx(7.16 * 72, abs=0.5)
    assert pdf.count(b"/FontFile2") == 2  # regular, and bold for the best
    assert b"/Type3" not in pdf
    assert b"/CreationDate" not in pdf
    words = texts(pdf)
    for word in (
        "p",
        "protocol y-matlab",
        "LR",
        "Bicubic",
        "A_b",
        "Ours+",
        "22.00",
        "0.7400",
        "HR",
    ):
        assert word in words
    sizes = re.findall(rb"/Subtype /Image[^>]*?/Width (\d+)[^>]*?/Height (\d+)", pdf)
    sizes = sizes or re.findall(rb"/Width (\d+)[^>]*?/Height (\d+)", pdf)
    layout, _ = laid_out(sheet("Bicubic", "A_b", "Ours+"), 7.16, None)
    crop = layout.cells[0][0]
    assert sizes.count((str(crop.width).encode(), str(crop.height).encode())) == 5


def test_an_svg_is_sound_whatever_the_names() -> None:
    names = ("--><script>alert(1)</script>", "a & b $x^2$", "写真")
    svg = drawn(sheet(*names, title="<&>\x1b\ud800"), "svg", inches=7.16, columns=None)
    root = ElementTree.fromstring(svg)
    kinds = {element.tag.partition("}")[2] for element in root.iter()}
    assert {"image", "path"} <= kinds
    assert "script" not in kinds


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_the_same_figure_has_the_same_bytes(kind: Format) -> None:
    first, second = (drawn(sheet("A", "B"), kind, inches=7.16, columns=None) for _ in range(2))
    assert first == second


def test_other_settings_of_matplotlib_change_nothing() -> None:
    import matplotlib as mpl

    plain = drawn(sheet("A", "B"), "png", inches=7.16, columns=None)
    with mpl.rc_context(
        {"font.size": 30, "savefig.bbox": "tight", "image.interpolation": "lanczos"}
    ):
        assert drawn(sheet("A", "B"), "png", inches=7.16, columns=None) == plain
        assert mpl.rcParams["font.size"] == 30


def test_scores_are_those_of_a_benchmark(tmp_path: Path) -> None:
    made = make(tmp_path, "fsrcnn", f"Mine={_shipped(2)}", scale=2)
    picture = read_uint8(tmp_path / "photo.png")
    model = load_model("fsrcnn", scale=2)
    (score,) = measure_each(model.network, model.spec, [picture], scale=2, protocol=PROTOCOL)
    found = scores(made)
    assert found["FSRCNN"] == pytest.approx({"psnr": score.psnr, "ssim": score.ssim}, abs=1e-4)
    assert found["Mine"] == found["FSRCNN"]
    hr = PROTOCOL.crop(picture, 2)
    row = PROTOCOL.score(PROTOCOL.bicubic(PROTOCOL.lr(hr, 2), 2), hr, 2)
    assert found["Bicubic"] == pytest.approx({"psnr": row.psnr, "ssim": row.ssim}, abs=1e-9)
    assert [column.name for column in made.columns] == ["LR", "Bicubic", "FSRCNN", "Mine", "HR"]
    assert torch.equal(made.columns[-1].picture, hr)


def _shipped(scale: int) -> Path:
    shipped = {(card.architecture, card.scale): path for path, card in shipped_cards()}
    return shipped["fsrcnn", scale]


def test_self_ensemble_is_marked_and_bicubic_comes_once(tmp_path: Path) -> None:
    made = make(tmp_path, "bicubic", "fsrcnn", self_ensemble=True, lr="bicubic")
    assert [column.name for column in made.columns] == ["Bicubic", "FSRCNN+", "HR"]
    plain = make(tmp_path, "fsrcnn", overwrite=True)
    assert scores(plain)["FSRCNN"] != scores(made)["FSRCNN+"]


def test_results_that_lie_in_files_are_scored_as_they_are(tmp_path: Path) -> None:
    """The truth itself equals the truth; it is cropped as the truth is."""
    photo = blobs(tmp_path / "photo.png", width=67, height=51)
    same = tmp_path / "same.png"
    same.write_bytes(photo.read_bytes())
    with PillowImage.open(photo) as picture:
        picture.crop((0, 0, 64, 48)).save(tmp_path / "cut.png")
        picture.crop((0, 0, 60, 48)).save(tmp_path / "small.png")
    made = make(tmp_path, f"All of it={same}", str(tmp_path / "cut.png"), scale=4)
    found = scores(made)
    assert found["All of it"] == {"psnr": float("inf"), "ssim": pytest.approx(1.0)}
    assert found["cut"]["psnr"] == float("inf")
    with pytest.raises(SizeMismatchError, match="60x48, the truth 64x48"):
        make(tmp_path, str(tmp_path / "small.png"), scale=4, overwrite=True)


def test_grey_pictures_and_transparent_ones(tmp_path: Path) -> None:
    blobs(tmp_path / "photo.png", mode="L")
    made = make(tmp_path, "fsrcnn", output=tmp_path / "grey.png")
    assert {column.picture.shape[0] for column in made.columns} == {1}
    image = pixels((tmp_path / "grey.png").read_bytes())
    assert (image[:, 600:] == image[:, 600:, :1]).all()  # right of the box, which is red
    blobs(tmp_path / "clear.png", mode="RGBA")
    clear = replace(request(tmp_path), picture=tmp_path / "clear.png", output=tmp_path / "a.svg")
    made = make_figure(clear, on_model=lambda _: None)
    assert {column.picture.shape[0] for column in made.columns} == {3}


def test_pictures_of_16_bits_are_refused(tmp_path: Path) -> None:
    write(Image(torch.zeros(3, 50, 66, dtype=torch.uint16)), tmp_path / "deep.png")
    with pytest.raises(PictureError, match=r"deep\.png has 16 bits"):
        make(tmp_path, str(tmp_path / "deep.png"))
    deep = replace(request(tmp_path), picture=tmp_path / "deep.png")
    with pytest.raises(PictureError, match="16 bits"):
        make_figure(deep, on_model=lambda _: None)


def test_what_cannot_be_done_is_said_before_a_network_runs(tmp_path: Path) -> None:
    ran: list[str] = []
    with pytest.raises(UsageError, match="no weights for x4, but for x2"):
        make_figure(request(tmp_path, "fsrcnn-x2", scale=4), on_model=ran.append)
    with pytest.raises(UsageError, match="names nothing"):
        make_figure(request(tmp_path, "=x.png"), on_model=ran.append)
    blobs(tmp_path / "tiny.png", width=40, height=26)
    tiny = replace(request(tmp_path, scale=8), picture=tmp_path / "tiny.png")
    with pytest.raises(SizeMismatchError, match="scores none smaller than 27x27"):
        make_figure(tiny, on_model=ran.append)
    with pytest.raises(OutputError, match=r"figure\.gif ends in no format"):
        make_figure(request(tmp_path, output=tmp_path / "figure.gif"), on_model=ran.append)
    with pytest.raises(UsageError, match="A width of 1 inches"):
        make_figure(request(tmp_path, inches=1.0), on_model=ran.append)
    (tmp_path / "table.tex").touch()
    with pytest.raises(OutputError, match="exists already"):
        make_figure(request(tmp_path, table=tmp_path / "table.tex"), on_model=ran.append)
    assert not ran
    assert not (tmp_path / "figure.png").exists()


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError) as refused:
        make(tmp_path, "fsrcnn")
    assert "superfine[report]" in refused.value.hint


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ((Box(0, 0, 7, 20),), "too small"),
        ((Box(57, 0, 8, 8),), "reaches out of the picture, which is 64x48"),
        ((Box(0, 41, 8, 8),), "reaches out"),
        ((Box(0, 0, 8, 8), Box(0, 0, 9, 8)), "differ in size"),
    ],
)
def test_boxes_that_cannot_be_shown(boxes: tuple[Box, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        require_usable(boxes, width=64, height=48)
    require_usable((Box(56, 40, 8, 8),), width=64, height=48)


def test_the_box_is_where_results_differ_most_but_not_where_it_is_flat() -> None:
    truth = noise(240, 240)
    truth[:, :, :120] = 100  # the left half is flat
    one, two = truth.clone(), truth.clone()
    two[:, 20:60, 20:60] += 90
    two[:, 128:168, 160:200] //= 2
    box = most_telling([one, two], truth, scale=4)
    assert (box.left, box.top, box.width, box.height) == (160, 128, 40, 40)
    assert most_telling([two], truth, scale=4) == box  # a single one is set against the truth


def test_a_single_pixel_that_differs_stands_in_the_middle() -> None:
    a = torch.zeros(3, 200, 300, dtype=torch.float64)
    b = a.clone()
    b[1, 90, 120] = 1e-5
    assert most_different(a, b, side=48) == Box(96, 66, 48, 48)
    assert most_different(a, a, side=500).width == 200


def test_best_is_bold_and_second_underlined_as_printed() -> None:
    picture = noise(16, 16)

    def marks(*psnrs: float) -> list[str | None]:
        shown = [Column(str(p), picture, {"psnr": p}) for p in psnrs]
        return emphases([*shown, Column("HR", picture)], "psnr")

    assert marks(30.0, 31.0, 32.0) == [None, "second", "best", None]
    assert marks(30.001, 30.004, 29.0) == ["best", "best", "second", None]
    assert marks(30.0, 31.0) == [None, "best", None]
    assert marks(30.0) == [None, None]
    assert marks(float("inf"), 30.0, 29.0) == ["best", "second", None, None]


def test_the_table_is_sound_latex() -> None:
    picture = noise(16, 16)
    rows = [
        Column("LR", picture),
        Column(r"A_b & 50% #1 \x{y}", picture, {"psnr": 30.123, "ssim": 0.91}),
        Column("Truth~^$", picture, {"psnr": float("inf"), "ssim": 1.0}),
        Column("C", picture, {"psnr": 29.0, "ssim": 0.95}),
    ]
    table = latex_table(rows, title="img_004\n", scale=4, protocol="y-matlab")
    lines = [line.strip() for line in table.splitlines()]
    assert lines[0] == r"% \usepackage{booktabs}"
    assert r"\caption{img\_004 , $\times4$, protocol y-matlab.}" in lines
    body = lines[lines.index(r"\midrule") + 1 : lines.index(r"\bottomrule")]
    assert body == [
        r"A\_b \& 50\% \#1 \textbackslash{}x\{y\} & \underline{30.12} & 0.9100 \\",
        r"Truth\textasciitilde{}\textasciicircum{}\$ & \textbf{$\infty$} & \textbf{1.0000} \\",
        r"C & 29.00 & \underline{0.9500} \\",
    ]
    assert table.count("{") == table.count("}")
    assert table.count(r"\begin") == table.count(r"\end") == 2


def test_long_names_are_wrapped_and_then_shortened() -> None:
    for name in ("A method with a quite long name", "x" * 300, "Real-ESRGAN_x4plus_6B"):
        lines = wrapped(name, 60, 2) or shortened(name, 60, 2)
        assert 1 <= len(lines) <= 2
        assert all(line_width((Run(line),)) <= 60 for line in lines)
    assert wrapped("Real-ESRGAN plus", 50, 2) == ("Real-", "ESRGAN plus") or wrapped(
        "Real-ESRGAN plus", 50, 2
    ) == ("Real-ESRGAN", "plus")
    assert wrapped("fits", 50, 1) == ("fits",)
    assert "…" in shortened("x" * 300, 60, 2)[-1] + shortened("x" * 300, 60, 2)[0]


def wishes() -> Iterator[Wish]:
    for inches in (3.5, 7.16):
        for picture in ((2040, 1356), (500, 500), (228, 344), (2000, 300)):
            for box in ((64, 64), (96, 48)):
                for boxes in (1, 2, 3):
                    for count in (3, 4, 7, 12):
                        yield Wish(inches, picture, box, boxes, count, lines=3, narrowest=0.62)


def test_nothing_overlaps_and_nothing_reaches_out() -> None:
    for wish in wishes():
        layout = arranged(wish, columns=None)
        taken = np.zeros((layout.height, layout.width), dtype=np.int8)
        caption = int(layout.pixels(20))
        places = [(layout.overview, True)]
        for cells, captioned in zip(layout.cells, layout.captioned, strict=True):
            places += [(cell, captioned) for cell in cells]
            assert {(cell.width, cell.height) for cell in cells} == {
                (wish.box[0] * layout.enlarged, wish.box[1] * layout.enlarged)
            }
        for place, captioned in places:
            bottom = place.top + place.height + caption * captioned
            assert place.left >= 0
            assert place.left + place.width <= layout.width
            assert bottom <= layout.height
            taken[place.top : bottom, place.left : place.left + place.width] += 1
        assert taken.max() == 1, wish
        assert layout.dots >= 300
        assert places[-1][0].width / layout.dots >= wish.narrowest - 0.01
        level = _bottom(layout) == layout.overview.top + layout.overview.height
        above = layout.overview.top + layout.overview.height < layout.cells[0][0].top
        assert level or above
        shape = layout.overview.width / layout.overview.height
        assert shape == pytest.approx(wish.picture[0] / wish.picture[1], rel=0.02)


def _bottom(layout: Layout) -> int:
    last = layout.cells[-1][-1]
    return last.top + last.height


def test_too_many_columns_for_the_width() -> None:
    wish = Wish(3.5, (500, 500), (64, 64), boxes=1, count=12, lines=2, narrowest=0.62)
    with pytest.raises(UsageError, match=r"12 columns in 3\.5 inches"):
        arranged(wish, columns=12)
    assert len({cell.left for cell in arranged(wish, columns=2).cells[0]}) == 2


def test_what_is_asked_for_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b.pth").touch()
    found = {text: wanted(text) for text in ("fsrcnn", "fsrcnn-x4", "a=b.pth", "x/Mine.png")}
    assert [w.name for w in found.values()] == ["FSRCNN", "FSRCNN", "a=b", "Mine"]
    assert [w.is_picture for w in found.values()] == [False, False, False, True]
    ours = wanted("Ours = really=out/photo.PNG")
    assert (ours.name, ours.source, ours.is_picture) == ("Ours", " really=out/photo.PNG", True)


@pytest.mark.data
def test_the_figure_of_a_real_picture(data_root: Path, tmp_path: Path) -> None:
    """Bicubic scores what the papers' tables say of the butterfly; the box is not flat sky."""
    picture = data_root / "testsets" / "Set5" / "butterfly.png"
    given = Request(picture, ("fsrcnn",), 3, tmp_path / "figure.pdf", protocol="seed-zoo")
    made = make_figure(given, on_model=lambda _: None)
    assert scores(made)["Bicubic"] == pytest.approx({"psnr": 24.038, "ssim": 0.8214}, abs=1e-3)
    assert scores(made)["FSRCNN"]["psnr"] > 27
    crop = made.boxes[0].cut(made.columns[-1].picture).double()
    assert crop.std() > made.columns[-1].picture.double().std() / 2
    assert (tmp_path / "figure.pdf").stat().st_size < 2_000_000
