"""The scripts behind docs/glean.md, made short: a bank, a GLEAN on it, and every figure."""

import json
import math

import pytest
import torch

from superfine.models.discriminators import StyleGAN2Discriminator
from superfine.training.generator import GeneratorRecipe
from tests.test_bench import loaded, photos


@pytest.mark.slow
def test_a_small_glean_is_trained_from_nothing_and_measured(tmp_path, monkeypatch, capsys):
    script = loaded("glean_small")
    short = GeneratorRecipe(size=64, steps=2, channels=32, batch=4)
    monkeypatch.setattr(script, "BANK", short)
    data = tmp_path / "data"
    for folder, counted in ((script.TRAINING, 8), (script.TESTING, 8)):
        source = photos(tmp_path / folder.parent.name / "photos")
        (source / "a.png").unlink()
        with script.PillowImage.open(script.superfine.demo.PHOTO) as photo:
            photo.crop((60, 60, 316, 316)).save(source / "b.png")
        step = 20
        made = script.cut(source, data / folder, step=step, least=0.0)
        assert made == len(list((data / folder).iterdir())) >= counted
        assert script.cut(source, tmp_path / "none", step=step, least=256.0) == 0
        (tmp_path / "none").rmdir()
    script.write_random_vgg(data / "weights" / "random-vgg16.safetensors")
    script.train_bank(data, data / "weights", print)
    weights = script.train_glean(data, tmp_path / "run", "steps=10", "batch=4", "log_every=1")
    terms = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [line["terms"] for line in terms if line["kind"] == "train"]
    assert set(losses[0]) == {"mse", "perceptual", "adversarial", "discriminator"}
    assert losses[-1]["mse"] < losses[0]["mse"]
    assert losses[-1]["perceptual"] < losses[0]["perceptual"]
    found = script.compare(data, weights, print)
    assert set(found) == {"bicubic", "glean-8-64"}
    for figures in found.values():
        assert set(figures.patches) == {64, 32, 16}
        assert all(
            math.isfinite(v) for v in (figures.psnr, figures.features, *figures.patches.values())
        )
    assert "two halves of the truth" in capsys.readouterr().out
    assert (tmp_path / "results.png").is_file()


def test_the_distance_of_features_is_lpips_with_weights_of_one():
    script = loaded("glean_small")
    torch.manual_seed(0)
    judge = StyleGAN2Discriminator(16, channels=8)
    distance = script.feature_distance(judge)
    one, other = torch.rand(2, 3, 3, 16, 16)
    assert distance(one, one) == 0
    with torch.no_grad():
        levels = []
        for pictures in (one, other):
            x = torch.nn.functional.leaky_relu(judge.from_rgb(pictures * 2 - 1), 0.2) * math.sqrt(2)
            seen = [x := block(x) for block in judge.blocks]
            levels.append([x / x.square().sum(dim=1, keepdim=True).sqrt() for x in seen])
        apart = [(a - b).square().sum(dim=1).mean() for a, b in zip(*levels, strict=True)]
    assert distance(one, other) == pytest.approx(float(sum(apart) / len(apart)), rel=1e-5)


def test_a_forward_pass_is_told_with_its_memory():
    line = loaded("glean_forward").main("glean-8-64")
    assert line.startswith("glean-8-64: 64x64 pixels, 4.0 million values, peak ")
