"""The report in a real browser: it sorts, zooms, copies, turns dark, and asks for nothing."""

import csv
import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import superfine
from superfine import ledger
from superfine.benchmark.report import Gallery, write_report
from superfine.benchmark.suite import run_benchmark
from superfine.data.folders import read_uint8

COFFEE = Path(superfine.__file__).parent / "demo" / "coffee.png"
HOSTILE_MODEL = "<script>document.title='broken'</script>_x2 & 100%"
HOSTILE_PICTURE = "<img src=x onerror=\"document.title='broken'\">"


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """The bundled photo, enlarged by bicubic and by the shipped FSRCNN."""
    return made(tmp_path_factory.mktemp("report"), picture="coffee", model="fsrcnn")


def made(folder: Path, *, picture: str, model: str) -> Path:
    """A report of a real run whose picture and second model have these names."""
    photos = folder / "photos"
    photos.mkdir()
    shutil.copy(COFFEE, photos / f"{picture}.png")
    gallery = Gallery()

    def called(name: str) -> str:
        return model if name == "fsrcnn" else name

    found = run_benchmark(
        ["bicubic", "fsrcnn"],
        [str(photos)],
        scales=[2],
        on_output=lambda name, *rest: gallery.add(called(name), *rest),
    )
    cells = tuple(replace(cell, model=called(cell.model)) for cell in found.cells)
    path = folder / "report.html"
    write_report(replace(found, cells=cells), gallery, path, overwrite=False)
    return path


def models(page) -> list[str]:
    return page.locator("#score-table tbody th").all_text_contents()


def test_nothing_is_asked_for_and_nothing_goes_wrong(open_file, report):
    opened = open_file(report)
    opened.page.wait_for_selector("#plot circle")
    opened.page.locator("#score-table thead button").nth(3).click()
    opened.page.locator(".crop").first.click()
    opened.page.keyboard.press("Escape")
    assert opened.problems == []
    assert opened.requests == [report.as_uri()]


def test_the_policy_of_the_page_stops_what_is_not_its_own(open_file, report):
    """The checks above can fail: a style and a script from elsewhere are refused, and we see it."""
    opened = open_file(report)
    opened.page.evaluate(
        """() => {
            document.body.setAttribute("style", "opacity: .5");
            const script = document.createElement("script");
            script.textContent = "document.title = 'broken'";
            document.body.append(script);
            const picture = new Image();
            picture.src = "https://superfine.invalid/x.png";
            document.body.append(picture);
        }"""
    )
    opened.page.wait_for_timeout(100)
    assert len([p for p in opened.problems if "Content Security Policy" in p]) == 3
    assert opened.page.title() != "broken"
    assert opened.page.evaluate("getComputedStyle(document.body).opacity") == "1"


def test_headings_sort_by_mouse_and_by_keyboard(open_file, report):
    page = open_file(report).page
    assert models(page) == ["bicubic", "fsrcnn"]
    psnr = page.locator("#score-table th", has_text="PSNR").first
    assert psnr.get_attribute("aria-sort") == "none"
    psnr.locator("button").click()
    assert models(page) == ["fsrcnn", "bicubic"]
    assert psnr.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Enter")  # the heading has the focus
    assert models(page) == ["bicubic", "fsrcnn"]
    assert psnr.get_attribute("aria-sort") == "ascending"
    model = page.locator("#score-table th", has_text="Model")
    model.locator("button").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    assert models(page) == ["fsrcnn", "bicubic"]
    assert (model.get_attribute("aria-sort"), psnr.get_attribute("aria-sort")) == (
        "descending",
        "none",
    )


def test_a_crop_opens_zooms_pans_and_closes_by_keyboard(open_file, report):
    page = open_file(report).page
    crop = page.locator(".crop").nth(2)
    crop.focus()
    page.keyboard.press("Enter")
    dialog, pictures = page.locator("dialog"), page.locator("#panes img")
    assert dialog.is_visible()
    assert pictures.count() == 4  # LR, bicubic, FSRCNN, the truth
    side = pictures.nth(1).evaluate("picture => picture.naturalWidth")
    assert widths(page) == {side * 4}
    page.keyboard.press("+")
    assert widths(page) == {side * 8}
    before = positions(page)
    page.keyboard.press("ArrowRight")
    after = positions(page)
    assert len(set(after)) == 1  # all of them show the same place
    assert after[0][0] < before[0][0]
    page.keyboard.press("3")
    assert page.locator("#panes figure:visible").count() == 1
    assert "fsrcnn" in page.locator("#panes figure:visible").inner_text()
    page.keyboard.press("0")
    assert page.locator("#panes figure:visible").count() == 4
    for _ in range(5):
        page.keyboard.press("-")
    assert widths(page) == {side}
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert crop.evaluate("crop => crop === document.activeElement")


def test_a_crop_opens_zooms_pans_and_closes_by_mouse(open_file, report):
    page = open_file(report).page
    page.locator(".crop").first.click()
    side = page.locator("#panes img").nth(1).evaluate("picture => picture.naturalWidth")
    page.get_by_role("button", name="800 %").click()
    assert widths(page) == {side * 8}
    assert page.get_by_role("button", name="800 %").get_attribute("aria-pressed") == "true"
    before = positions(page)
    page.mouse.move(200, 400)
    page.mouse.down()
    page.mouse.move(170, 380)
    page.mouse.up()
    after = positions(page)
    assert len(set(after)) == 1
    assert (after[0][0] - before[0][0], after[0][1] - before[0][1]) == (-30, -20)
    page.mouse.wheel(0, 100)
    page.wait_for_selector('[data-zoom="400"][aria-pressed="true"]')
    assert widths(page) == {side * 4}
    page.get_by_role("button", name="Close").click()
    assert not page.locator("dialog").is_visible()


def widths(page) -> set[float]:
    return set(page.locator("#panes img").evaluate_all("all => all.map((p) => p.clientWidth)"))


def positions(page) -> list[tuple[float, float]]:
    """The corner of each picture inside its frame."""
    found = page.locator("#panes img").evaluate_all(
        "all => all.map((p) => new DOMMatrix(getComputedStyle(p).transform)).map((m) => [m.e, m.f])"
    )
    return [tuple(corner) for corner in found]


def test_the_crops_hold_every_pixel_of_the_truth(open_file, report):
    """What the browser shows of the truth is what the file holds, to the last bit."""
    page = open_file(report).page
    shown = page.evaluate(
        """async () => {
            const image = new Image();
            image.src = [...document.querySelectorAll(".crop image")].at(-1).getAttribute("href");
            await image.decode();
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.width, image.height];
            const paper = canvas.getContext("2d");
            paper.drawImage(image, 0, 0);
            return [image.width, [...paper.getImageData(0, 0, image.width, image.height).data]];
        }"""
    )
    side, codes = shown
    crop = torch.tensor(codes, dtype=torch.uint8).reshape(side, side, 4)[..., :3]
    truth = read_uint8(COFFEE).permute(1, 2, 0)
    corners = [
        (top, left)
        for top in range(0, truth.shape[0] - side + 1, 2)
        for left in range(0, truth.shape[1] - side + 1, 2)
        if torch.equal(truth[top, left : left + 8], crop[0, :8])
    ]
    assert any(torch.equal(truth[t : t + side, m : m + side], crop) for t, m in corners)


def test_the_table_is_copied_as_text(open_file, report):
    opened = open_file(report, permissions=["clipboard-read", "clipboard-write"])
    page = opened.page
    page.get_by_role("button", name="LaTeX").click()
    page.wait_for_selector("#copied:not(:empty)")
    text = page.locator("#copy-text").input_value()
    assert page.locator("#copied").text_content() == "Copied."
    assert page.evaluate("navigator.clipboard.readText()") == text
    lines = text.splitlines()
    assert lines[1] == r"\begin{tabular}{llrrr}"
    assert lines[3] == r"Model & Set & Scale & PSNR, dB & SSIM \\"
    assert re.fullmatch(r"fsrcnn & photos & 2 & 35\.52 & 0\.9531 \\\\", lines[6])
    assert lines[-1] == r"\end{tabular}"
    page.get_by_role("button", name="Markdown").click()
    markdown = page.locator("#copy-text").input_value().splitlines()
    assert markdown[1] == "|---|---|---:|---:|---:|"
    page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(page.locator("#copy-text").input_value())))
    assert [row["SSIM"] for row in rows] == ["0.9241", "0.9531"]
    assert opened.problems == []


def test_the_colours_turn(open_file, report):
    def paper(page) -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = open_file(report, color_scheme="light").page
    dark = open_file(report, color_scheme="dark").page
    bright, dim = paper(light), paper(dark)
    assert bright != dim
    light.get_by_role("button", name="Dark").click()
    assert paper(light) == dim
    assert light.locator("#theme").get_attribute("aria-pressed") == "true"
    dark.get_by_role("button", name="Dark").click()
    assert paper(dark) == bright


def test_the_plot_follows_its_axis_and_names_its_points(open_file, report):
    page = open_file(report).page
    circles = page.locator("#plot circle")
    assert circles.count() == 2
    cost = ledger.read().networks["fsrcnn"].costs[2]
    assert f"fsrcnn: 35.52, {cost.parameters / 1e3:.3g} k (measured here)" in labels(page)
    page.locator("#plot-axis").select_option("macs")
    assert f"fsrcnn: 35.52, {cost.macs / 1e9:.3g} G (measured here)" in labels(page)
    page.locator("#plot-log").uncheck()
    page.locator('#plot circle[tabindex="0"]').focus()
    assert page.locator("#plot .tip").inner_text().startswith("bicubic: 32.36, 0")
    page.keyboard.press("ArrowRight")
    assert page.locator("#plot .tip").inner_text().startswith("fsrcnn")


def labels(page) -> list[str]:
    return page.locator("#plot circle").evaluate_all("all => all.map((c) => c.ariaLabel)")


def test_hostile_names_stay_text(open_file, tmp_path):
    opened = open_file(made(tmp_path, picture=HOSTILE_PICTURE, model=HOSTILE_MODEL))
    page = opened.page
    page.wait_for_selector("#plot circle")
    assert models(page) == ["bicubic", HOSTILE_MODEL]
    assert page.locator(".scene h4").text_content() == HOSTILE_PICTURE
    page.locator(".crop").first.click()
    assert page.locator("#zoom-title").text_content().startswith(HOSTILE_PICTURE)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="LaTeX").click()
    page.wait_for_selector("#copied:not(:empty)")
    latex = page.locator("#copy-text").input_value()
    assert r"\textless{}script\textgreater{}" in latex
    assert r"\_x2 \& 100\%" in latex
    assert page.title().startswith(f"Benchmark: bicubic, {HOSTILE_MODEL} on")
    assert page.locator("script").count() == 2
    assert opened.problems == []


def test_a_phone_shows_the_page_without_scrolling_sideways(open_file, report):
    page = open_file(report, viewport={"width": 390, "height": 844}).page
    page.wait_for_selector("#plot circle")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
