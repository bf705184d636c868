"""Names by purpose: the rule on made-up cards, and on those that are shipped."""

import json
from pathlib import Path

import pytest

from superfine import ledger
from superfine.card import Card, shipped_cards
from superfine.checkpoints import load_model
from superfine.errors import UnknownNameError
from superfine.purposes import BALANCED, PURPOSES, shipped_for


def shipped(*networks: tuple[str, int, float | None]) -> list[tuple[Path, Card]]:
    """Files of these networks, at these scales, with this PSNR on Set5."""
    return [
        (
            Path(f"{name}-x{scale}.safetensors"),
            Card(name, scale, "y", scores={} if psnr is None else {"Set5": {"psnr": psnr}}),
        )
        for name, scale, psnr in networks
    ]


def chosen(*networks: tuple[str, int, float | None]) -> dict[str, dict[int, str]]:
    cards = shipped(*networks)
    return {
        p: {scale: path.stem for scale, path in shipped_for(p, cards).items()} for p in PURPOSES
    }


def test_few_multiplications_are_fast_and_high_psnr_is_best():
    # 0.72, 24 and 917 thousand millions at x4.
    found = chosen(("span-48", 4, 32.2), ("rcan", 4, 32.6), ("fsrcnn", 4, 30.7))
    assert found == {
        "fast": {4: "fsrcnn-x4"},
        "balanced": {4: "span-48-x4"},
        "best": {4: "rcan-x4"},
    }


def test_slow_and_worse_is_nothing():
    found = chosen(("fsrcnn", 2, 37.0), ("drcn", 2, 36.9))
    assert {names[2] for names in found.values()} == {"fsrcnn-x2"}


def test_each_scale_is_chosen_for_itself():
    found = chosen(("fsrcnn", 2, 37.0), ("fsrcnn", 3, 33.0), ("edsr", 3, 34.6))
    assert found["best"] == {2: "fsrcnn-x2", 3: "edsr-x3"}
    assert found["balanced"] == {2: "fsrcnn-x2", 3: "fsrcnn-x3"}


def test_of_equals_the_better_is_fast_and_the_faster_best():
    assert chosen(("vdsr", 2, 37.4), ("vdsr-nobias", 2, 37.5))["fast"] == {2: "vdsr-nobias-x2"}
    assert chosen(("edsr", 2, 38.1), ("rcan", 2, 38.1))["best"] == {2: "rcan-x2"}


def test_what_was_not_measured_or_is_for_something_else_is_left_out():
    found = chosen(("fsrcnn", 4, None), ("svlrm", 4, 40.0), ("glean-16-256", 16, 20.0))
    assert found == {"fast": {}, "balanced": {}, "best": {}}


def test_the_shipped_weights_obey_the_rule():
    cards = dict(shipped_cards())
    costs = {
        path: ledger.read().networks[card.architecture].costs[card.scale].macs
        for path, card in cards.items()
    }
    scales = {card.scale for card in cards.values()}
    for purpose in PURPOSES:
        assert set(shipped_for(purpose)) == scales
    for scale in scales:
        same = [path for path, card in cards.items() if card.scale == scale]
        fast, balanced, best = (shipped_for(purpose)[scale] for purpose in PURPOSES)
        psnr = {path: cards[path].scores["Set5"]["psnr"] for path in same}
        assert costs[fast] == min(costs[path] for path in same)
        assert psnr[best] == max(psnr.values())
        assert psnr[fast] <= psnr[balanced] <= psnr[best]
        assert costs[balanced] <= BALANCED * costs[fast]


def test_a_purpose_is_loaded_like_a_network():
    best = shipped_for("best")
    for scale, path in best.items():
        assert load_model("best", scale=scale).card.sha256 == dict(shipped_cards())[path].sha256
        assert load_model(f"best-x{scale}", scale=None).scale == scale
    assert load_model("fast", scale=None).scale == max(best)
    assert load_model("fast", scale=2.5).scale == 3
    with pytest.raises(UnknownNameError, match="No weights of best-x16 are shipped"):
        load_model("best-x16", scale=None)
    with pytest.raises(UnknownNameError, match="Did you mean 'balanced'"):
        load_model("balancd", scale=2)


def test_a_purpose_is_no_file_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("best").write_bytes(b"not weights")
    assert load_model("best", scale=2).scale == 2


def test_the_ledger_can_be_read_without_its_reader():
    """Its layout is a promise to other programs."""
    values = json.loads(ledger.PATH.read_text(encoding="utf-8"))
    assert (values["v"], values["size"]) == (1, [1280, 720])
    first = next(n for n in values["networks"] if n["name"] == "fsrcnn")
    assert first["costs"]["2"]["parameters"] == 12_809
