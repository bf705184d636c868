"""models, doctor and train."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from superfine.card import shipped_cards
from superfine.checkpoints import Card, save
from superfine.models import find

from .conftest import Run, draw


def test_models_list_shows_what_is_shipped(run: Run) -> None:
    outcome = run("models", "list")
    assert outcome.code == 0
    assert outcome.out.splitlines()[0].split()[:4] == ["name", "scale", "channels", "parameters"]
    listed = [json.loads(line) for line in run("models", "list", "--json").out.splitlines()]
    shipped = [model["name"] for model in listed if model["shipped"]]
    assert shipped == [path.stem for path, _ in shipped_cards()]


def test_models_info_reads_a_card_and_counts_parameters(run: Run, tmp_path: Path) -> None:
    weights = tmp_path / "mine.safetensors"
    card = Card("fsrcnn", 2, "y", scores={"Set5": {"psnr": 36.5, "ssim": 0.95}}, licence="CC0-1.0")
    save(find("fsrcnn").build(2), card, weights)
    values = json.loads(run("models", "info", weights, "--json").out)
    assert (values["parameters"], values["set5_psnr"], values["scale"]) == (12_809, 36.5, 2)
    assert "licence" in run("models", "info", weights).out


def test_models_info_answers_three_questions(run: Run, tmp_path: Path) -> None:
    card = Card(
        "fsrcnn",
        2,
        "y",
        training_data=("T91 (91 files)", "mine (2 files)"),
        training="6 steps; 2 minutes",
        protocol="y-matlab",
        scores={"Set14": {"psnr": 32.5}, "Set5": {"psnr": 36.5, "ssim": 0.95}},
        licence="CC0-1.0",
        recipe="network: fsrcnn\nscale: 2\n",
        terms={"T91": "licence not stated"},
        apart_from=("Set5", "Set14"),
        history=((3, 36.25), (6, 36.5)),
        limits="Not for noise\x1b[31m.",
    )
    save(find("fsrcnn").build(2), card, tmp_path / "mine.safetensors")
    lines = run("models", "info", tmp_path / "mine.safetensors").out.splitlines()
    assert lines[0].startswith("mine: fsrcnn x2, y; Dong et al.")
    asked = [line for line in lines if line.endswith("?")]
    assert asked == ["May I use it?", "How good is it?", "How was it made?"]
    for line in (
        "  licence       CC0-1.0",
        "  trained on    T91 (91 files): licence not stated",
        "                mine (2 files)",
        "  apart from    Set5, Set14: none of their pictures was found in it",
        "  limits        Not for noise\\x1b[31m.",
        "  cost          2.87 GMACs for a result of 1280x720",
        "  on the way    3: 36.25 dB, 6: 36.50 dB",
        "  recipe        network: fsrcnn",
        "                scale: 2",
    ):
        assert line in lines
    assert lines.index("  Set5          psnr 36.5000, ssim 0.9500") + 1 == lines.index(
        "  Set14         psnr 32.5000"
    )
    assert not any(line.startswith("  speed") for line in lines)


def test_models_info_names_the_nearest(run: Run, tmp_path: Path) -> None:
    outcome = run("models", "info", "fsrcn-x4")
    assert outcome.code == 2
    assert "No model is called 'fsrcn-x4'" in outcome.err
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    assert run("models", "info", tmp_path / "broken.safetensors").code == 5


def test_doctor_finds_this_machine_well(run: Run) -> None:
    outcome = run("doctor")
    assert outcome.code == 0, outcome.out
    assert outcome.out.startswith("```text\nsuperfine")
    values = json.loads(run("doctor", "--json").out)
    assert values["ok"]
    assert {"python", "torch", "libvips", "devices", "cores"} <= set(values["environment"])


def test_doctor_says_what_is_wrong_and_ends_with_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr("superfine.diagnosis.upscale_image", broken)
    monkeypatch.setattr("superfine.diagnosis.load_model", lambda *_, **__: None)
    outcome = run("doctor")
    assert outcome.code == 1
    assert "FAILED: RuntimeError: no luck" in outcome.out
    assert "please report" in outcome.err


def test_train_says_what_is_wrong_with_a_recipe(run: Run, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("network: fsrcnn\nscal: 2\n")
    outcome = run("train", recipe, "-o", tmp_path / "out")
    assert outcome.code == 2
    assert "Did you mean 'scale'?" in outcome.err
    assert run("train", tmp_path / "none.yaml").code == 2


@pytest.mark.parametrize("ext", ["png", "gif", "webp"])
def test_animations_keep_their_frames_and_times(upscale: Run, tmp_path: Path, ext: str) -> None:
    frames = [Image.open(draw(tmp_path / f"{i}.png", seed=i)) for i in range(3)]
    frames[0].save(
        tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=[100, 250, 40]
    )
    outcome = upscale(tmp_path / "a.gif", "--ext", ext, "-s", "2")
    assert outcome.code == 0, outcome.err
    with Image.open(outcome.paths[0]) as picture:
        assert (picture.n_frames, picture.size) == (3, (16, 12))
        times = []
        for index in range(3):
            picture.seek(index)
            picture.load()
            times.append(round(picture.info["duration"]))
    assert times == [100, 250, 40]
    for frame in frames:
        frame.close()


def test_an_animation_that_has_to_stand_still_says_so(upscale: Run, tmp_path: Path) -> None:
    with (
        Image.open(draw(tmp_path / "0.png")) as first,
        Image.open(draw(tmp_path / "1.png", seed=1)) as second,
    ):
        first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    outcome = upscale(tmp_path / "a.gif", "--ext", "jpg")
    assert outcome.code == 0
    assert "An animation of 2 frames: the first was taken." in outcome.err
