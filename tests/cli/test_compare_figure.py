"""`superfine compare` and `superfine figure`: what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Run, draw, names_in


@pytest.fixture
def three(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A picture, one with some noise and one with less: worse, better, truth."""
    rng = np.random.default_rng(0)
    truth = rng.integers(30, 226, (36, 48, 3))
    paths = []
    for name, noise in (("worse", 20), ("better", 5), ("truth", 0)):
        codes = truth + rng.integers(-noise, noise + 1, truth.shape)
        paths.append(tmp_path / f"{name}.png")
        Image.fromarray(codes.astype(np.uint8)).save(paths[-1])
    return paths[0], paths[1], paths[2]


def test_two_pictures(run: Run, three: tuple[Path, Path, Path]) -> None:
    a, b, _ = three
    outcome = run("compare", a, b)
    assert outcome.code == 0
    assert outcome.out.startswith("compared as stored: every sample, nothing shaved\nA  ")
    assert "48x36, 8 bits, colour" in outcome.out
    assert "A and B differ in 1,728 of 1,728 pixels (100 %), most at x " in outcome.out
    assert "A against B: PSNR 2" in outcome.out
    assert "better" not in outcome.out.replace("better.png", "")
    assert "A and B are identical, every sample." in run("compare", a, a).out


def test_two_pictures_and_the_truth(run: Run, three: tuple[Path, Path, Path]) -> None:
    outcome = run("compare", *three, "--scale", "2")
    assert outcome.out.startswith("compared under y-matlab, scale 2\n")
    assert "B is better: +1" in outcome.out.splitlines()[-1]
    assert "dB PSNR, +0." in outcome.out.splitlines()[-1]
    colours = run("compare", *three, "-s", "2", "--protocol", "rgb-div2k")
    assert colours.out.startswith("compared under rgb-div2k, scale 2\n")
    a, b, truth = three
    assert "A is better: +1" in run("compare", b, a, truth).out
    assert "A equals the truth." in run("compare", truth, a, truth).out
    assert "Both are equally near to the truth." in run("compare", a, a, truth).out


def test_compare_as_json(run: Run, three: tuple[Path, Path, Path]) -> None:
    values = json.loads(run("compare", *three, "--json").out)
    assert values["v"] == 1
    assert (values["picture"], values["protocol"], values["identical"]) == (
        "worse.png",
        None,
        False,
    )
    assert values["a"]["psnr"] < values["b"]["psnr"]
    a, _, truth = three
    assert json.loads(run("compare", a, truth, truth, "--json").out)["b"]["psnr"] is None


def test_two_folders(run: Run, three: tuple[Path, Path, Path], tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("A", "B", "T")]
    for folder, picture in zip(folders, three, strict=True):
        folder.mkdir()
        for name in ("x", "y"):
            (folder / f"{name}.png").write_bytes(picture.read_bytes())
    (folders[0] / "alone.png").write_bytes(three[0].read_bytes())
    outcome = run("compare", *folders)
    assert outcome.code == 0
    assert "alone.png: not in every folder, left out." in outcome.err
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["x.png", "y.png", "mean"]
    assert lines[5].startswith("PSNR (dB): B is better on 2 of 2, A on 0; mean of B - A +1")
    assert lines[5].endswith(", standard error 0.00.")
    assert "0 of 2 pictures are identical." in run("compare", *folders[:2]).out
    assert len(run("compare", *folders, "--json").out.splitlines()) == 2
    mixed = run("compare", folders[0], three[1])
    assert (mixed.code, "mixed" in mixed.err) == (2, True)
    assert run("compare", *folders, "-o", tmp_path / "o.png").code == 2


def test_compare_draws_what_differs(
    run: Run, three: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    shown = tmp_path / "shown.png"
    assert run("compare", *three, "-o", shown).code == 0
    with Image.open(shown) as picture:
        assert picture.size[0] > 4 * 216
    before = shown.read_bytes()
    again = run("compare", *three, "-o", shown)
    assert (again.code, "E_EXISTS" in again.err, again.out) == (2, True, "")
    assert shown.read_bytes() == before
    assert run("compare", *three, "-o", shown, "--overwrite").code == 0
    assert shown.read_bytes() == before


def test_no_input_is_replaced(run: Run, three: tuple[Path, Path, Path]) -> None:
    a, b, truth = three
    before = [path.read_bytes() for path in three]
    for arguments in (
        ("compare", a, b, truth, "-o", b),
        ("figure", truth, "-s", "2", "-o", truth),
        ("figure", truth, f"A={a}", "-s", "2", "-o", a),
        ("figure", truth, "-s", "2", "-o", "new.pdf", "--table", "./new.pdf"),
    ):
        outcome = run(*arguments, "--overwrite")
        assert (outcome.code, "E_COLLISION" in outcome.err) == (2, True)
    assert [path.read_bytes() for path in three] == before


@pytest.mark.parametrize("name", ["a\x1b[31m.png", "b\n.png"])
def test_names_cannot_act_on_the_terminal(run: Run, tmp_path: Path, name: str) -> None:
    picture = draw(tmp_path / name, width=40, height=30)
    outcome = run("compare", picture, picture, picture, "-o", tmp_path / "o.png")
    assert outcome.code == 0
    assert name not in outcome.out + outcome.err
    assert "\x1b" not in outcome.out + outcome.err
    drawn = run("figure", picture, f"{name}=bicubic", picture, "-s", "2", "-o", tmp_path / "f.svg")
    assert drawn.code == 0, drawn.err
    assert "\x1b" not in drawn.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.png", "none.png"), "none.png: There is no such file (E_VANISHED)"),
        (("a.png", "large.png"), "The sizes differ: A is 8x6, B is 40x30 (E_SHAPE)"),
        (("a.png", "a.png", "--protocol", "y-matlab"), "A protocol shaves by the scale (E_USAGE)"),
        (("a.png", "a.png", "-s", "2", "--protocol", "y-mat"), "Did you mean 'y-matlab'?"),
        (("a.png", "text.png"), "(E_FORMAT)"),
    ],
)
def test_what_cannot_be_compared(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "a.png")
    draw(tmp_path / "large.png", width=40, height=30)
    (tmp_path / "text.png").write_text("no picture")
    outcome = run("compare", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.out == ""


def test_a_figure_and_its_table(run: Run, tmp_path: Path) -> None:
    picture = draw(tmp_path / "photo_1.png", width=48, height=40)
    figure, table = tmp_path / "figure.pdf", tmp_path / "figure.tex"
    outcome = run(
        "figure", picture, "fsrcnn", f"M_y={picture}", "-s", "2", "-o", figure, "--table", table
    )
    assert outcome.code == 0, outcome.err
    assert outcome.paths == [figure, table]
    assert figure.read_bytes().startswith(b"%PDF-1.4")
    assert r"M\_y & \textbf{$\infty$} & \textbf{1.0000} \\" in table.read_text()
    assert r"photo\_1, $\times2$, protocol y-matlab." in table.read_text()
    assert "superfine: the models differ most at --box " in outcome.err
    assert "superfine: M_y: ∞, 1.0000" in outcome.err
    box = outcome.err.split("--box ")[1].split()[0]
    same = run(
        "figure", picture, "fsrcnn", f"M_y={picture}", "-s", "2", "--box", box,
        "-o", tmp_path / "again.pdf",
    )  # fmt: skip
    assert same.code == 0
    assert (tmp_path / "again.pdf").read_bytes() == figure.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--box", "1,2"), "'1,2' is no box (E_USAGE)"),
        (("--box", "1,2,-3"), "'1,2,-3' is no box"),
        (("--box", "1,2,3,4,5"), "'1,2,3,4,5' is no box"),
        (("--box", "40,2,20"), "The box 40,2,20,20 reaches out of the picture, which is 48x40"),
        (("--box", "4,2,3"), "The box 4,2,3,3 is too small"),
        (("-o", "figure.jpg"), "figure.jpg ends in no format of figures (E_OUTPUT)"),
        (("-o", "none/figure.pdf"), "The folder of the output does not exist (E_OUTPUT)"),
        (("--width", "2", "--columns", "4"), "4 columns in 2 inches leave too little"),
        (("none.pth",), "none.pth is not a file (E_MODEL)"),
        (("fsrcn",), "Did you mean 'fsrcnn'?"),
        (("Ours=other.png",), "other.png is 8x6, the truth 48x40 (E_SHAPE)"),
        (("fsrcnn-x3",), "fsrcnn-x3 has no weights for x2, but for x3 (E_USAGE)"),
    ],
)
def test_what_no_figure_can_be_made_of(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "photo.png", width=48, height=40)
    draw(tmp_path / "other.png")
    outcome = run("figure", "photo.png", "-s", "2", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.out == ""
    assert names_in(tmp_path) == {"photo.png", "other.png"}


def test_an_existing_figure_stays(run: Run, tmp_path: Path) -> None:
    picture = draw(tmp_path / "photo.png", width=48, height=40)
    figure = tmp_path / "figure.png"
    figure.write_bytes(b"mine")
    refused = run("figure", picture, "-s", "2", "-o", figure)
    assert (refused.code, "E_EXISTS" in refused.err) == (2, True)
    assert figure.read_bytes() == b"mine"
    assert run("figure", picture, "-s", "2", "-o", figure, "--overwrite").code == 0
    with Image.open(figure) as drawn:
        assert drawn.size[0] > 7.16 * 300
