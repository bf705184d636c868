"""models list, inspect and convert."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from superfine.card import read_card, shipped_cards
from superfine.checkpoints import load
from superfine.models import ZOO, find
from superfine.purposes import PURPOSES
from tests.corpus.weight_files import torch_file

from .conftest import Run, draw


def foreign_file(path: Path, name: str = "espcn", scale: int = 3) -> Path:
    """Random weights as `torch.save` leaves them after training on many GPUs."""
    torch.manual_seed(0)
    state = find(name).build(scale).state_dict()
    torch.save({f"module.{key}": tensor for key, tensor in state.items()}, path)
    return path


def test_list_shows_weights_first_and_then_every_network(run: Run) -> None:
    outcome = run("models", "list")
    weights, networks = (part.splitlines() for part in outcome.out.split("\n\n"))
    shipped = [path.stem for path, _ in shipped_cards()]
    assert [line.split()[0] for line in weights] == ["name", *shipped, "bicubic"]
    assert [line.split()[0] for line in networks] == [
        "network",
        *(spec.name for spec in ZOO if spec.name != "bicubic"),
    ]
    assert max(map(len, [*weights, *networks])) <= 100
    for purpose in PURPOSES:
        assert any(purpose in line.split() for line in weights)
    assert "1280x720" in outcome.err


def test_list_tells_programs_all_of_it(run: Run) -> None:
    listed = [json.loads(line) for line in run("models", "list", "--json").out.splitlines()]
    assert {(m["architecture"], m["scale"]) for m in listed} == {
        (spec.name, scale) for spec in ZOO for scale in spec.scales
    }
    assert all(m["v"] == 1 and m.keys() == listed[0].keys() for m in listed)
    fsrcnn, rcan = (next(m for m in listed if m["name"] == n) for n in ("fsrcnn-x2", "rcan-x4"))
    assert fsrcnn["shipped"]
    assert fsrcnn["set5_psnr"] > 36
    assert fsrcnn["licence"] == "Apache-2.0"
    assert (fsrcnn["parameters"], fsrcnn["macs"]) == (12_809, 12_464 * 640 * 360)
    assert not rcan["shipped"]
    assert [rcan[key] for key in ("purposes", "set5_psnr", "bytes")] == [[], None, None]
    assert (rcan["parameters"], rcan["receptive_field"]) == (15_592_355, None)
    assert rcan["memory"] > rcan["size"][0] * rcan["size"][1] * 3 * 4
    assert (rcan["latency"]["size"], rcan["latency"]["seconds"] > 0) == ([256, 256], True)
    assert fsrcnn["machine"].startswith("2 threads, ")
    assert rcan["latency"]["machine"].startswith("1 thread, ")
    glean = next(m for m in listed if m["name"] == "glean-32-256-x8")
    assert (glean["side"], glean["size"]) == (32, [256, 256])


def test_info_knows_purposes_and_networks_without_weights(run: Run) -> None:
    best = json.loads(run("models", "info", "best-x2", "--json").out)
    assert best["scale"] == 2
    outcome = run("models", "info", "rcan")
    assert outcome.code == 2
    assert "superfine models inspect rcan" in outcome.err


def test_inspect_shows_layers_and_totals(run: Run) -> None:
    outcome = run("models", "inspect", "edsr-baseline", "--scale", "2")
    assert outcome.code == 0
    table = [line.split() for line in outcome.out.split("\n\n")[0].splitlines()]
    assert table == [
        ["layer", "kind", "uses", "output", "kernel", "parameters", "MACs"],
        ["head", "Conv2d", "1", "64x360x640", "3x3", "1,792", "398,131,200"],
        ["body.0-15.body.0-2", "Conv2d", "32", "64x360x640", "3x3", "1,181,696", "271,790,899,200"],
        ["body.16", "Conv2d", "1", "64x360x640", "3x3", "36,928", "8,493,465,600"],
        ["enlarge.0", "Conv2d", "1", "256x360x640", "3x3", "147,712", "33,973,862,400"],
        ["tail", "Conv2d", "1", "3x720x1280", "3x3", "1,731", "1,592,524,800"],
    ]
    for told in ("1,369,859", "316,248,883,200", "563,097,600", "73x73 LR pixels", "1280x720"):
        assert told in outcome.out


def test_inspect_tells_programs_every_layer(run: Run) -> None:
    values = json.loads(
        run("models", "inspect", "vdsr", "-s", "3", "--size", "60x30", "--json").out
    )
    assert (values["v"], values["architecture"], values["scale"]) == (1, "vdsr", 3)
    assert (values["lr"], values["sr"]) == ([20, 10], [60, 30])
    assert len(values["layers"]) == 20
    assert sum(layer["macs"] for layer in values["layers"]) == values["macs"] == 664_704 * 1800
    assert values["layers"][0]["output"] == [64, 30, 60]


def test_inspect_says_what_a_foreign_file_is(run: Run, tmp_path: Path) -> None:
    outcome = run("models", "inspect", foreign_file(tmp_path / "net.pth"))
    assert outcome.code == 0, outcome.err
    assert "espcn x3 (y)" in outcome.out
    findings = load(tmp_path / "net.pth").findings
    assert findings
    for finding in findings:
        assert finding in outcome.out
    values = json.loads(run("models", "inspect", tmp_path / "net.pth", "--json").out)
    assert tuple(values["findings"]) == findings


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["rcaan"], "Did you mean 'rcan'"),
        (["rcan", "-s", "5"], "It has: 2, 3, 4, 8"),
        (["rcan", "--size", "0x5"], "no size"),
        (["rcan", "--size", "large"], "no size"),
        (["glean-32-256", "--size", "5x5"], "256x256 only"),
        (["nothing.pth"], "not a file"),
    ],
)
def test_inspect_refuses_in_one_line(run: Run, arguments: list[str], told: str) -> None:
    outcome = run("models", "inspect", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err
    assert len(outcome.err.splitlines()) == 2


def test_convert_makes_a_file_that_describes_itself(run: Run, tmp_path: Path) -> None:
    source = foreign_file(tmp_path / "net.pth")
    outcome = run("models", "convert", source, "--licence", "MIT")
    assert outcome.code == 0, outcome.err
    assert outcome.paths == [tmp_path / "net.safetensors"]
    assert "espcn x3 (y)" in outcome.err
    card = read_card(outcome.paths[0])
    assert card is not None
    assert (card.architecture, card.scale, card.channels, card.licence) == ("espcn", 3, "y", "MIT")
    assert hashlib.sha256(source.read_bytes()).hexdigest() in card.training
    assert "net.pth" in card.training
    assert str(tmp_path) not in card.training
    lr = torch.rand(1, 1, 7, 9)
    before, after = (load(path).network for path in (source, outcome.paths[0]))
    assert isinstance(before, nn.Module)
    assert torch.equal(before(lr), after(lr))


def test_convert_never_replaces_unasked(run: Run, tmp_path: Path) -> None:
    source = foreign_file(tmp_path / "net.pth")
    taken = tmp_path / "taken.safetensors"
    taken.write_bytes(b"mine")
    outcome = run("models", "convert", source, "-o", taken)
    assert (outcome.code, taken.read_bytes()) == (2, b"mine")
    assert "E_EXISTS" in outcome.err
    assert run("models", "convert", source, "-o", taken, "--overwrite").code == 0
    card = read_card(taken)
    assert card is not None
    assert card.licence == "unknown"


def test_convert_refuses_what_is_ours_already_or_itself(run: Run, tmp_path: Path) -> None:
    source = foreign_file(tmp_path / "net.pth")
    assert run("models", "convert", source).code == 0
    ours = tmp_path / "net.safetensors"
    before = ours.read_bytes()
    outcome = run("models", "convert", ours, "-o", tmp_path / "again.safetensors")
    assert outcome.code == 2
    assert "ours already" in outcome.err
    for path in (source, ours):
        outcome = run("models", "convert", path, "-o", path, "--overwrite")
        assert outcome.code == 2
        assert "would replace the file it is made from" in outcome.err
    assert ours.read_bytes() == before


def test_convert_writes_the_scale_it_is_told(run: Run, tmp_path: Path) -> None:
    source = foreign_file(tmp_path / "net.pth", "vdsr", 2)
    assert run("models", "convert", source, "--scale", "3").code == 0
    card = read_card(tmp_path / "net.safetensors")
    assert card is not None
    assert (card.architecture, card.scale) == ("vdsr", 3)


def test_a_network_of_the_community_is_inspected_and_converted(run: Run, tmp_path: Path) -> None:
    """Real-ESRGAN's compact network with two layers between, as its files are shared."""
    torch.manual_seed(0)
    layers = nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.PReLU(8)),
        *(nn.Conv2d(8, 8, 3), nn.PReLU(8)),
        *(nn.Conv2d(8, 8, 3), nn.PReLU(8)),
        nn.Conv2d(8, 48, 3),
    )
    source = tmp_path / "net.pth"
    torch.save({"params": nn.ModuleDict({"body": layers}).state_dict()}, source)
    values = json.loads(run("models", "inspect", source, "--json").out)
    weights = 3 * 8 * 9 + 2 * 8 * 8 * 9 + 8 * 48 * 9
    assert values["macs"] == weights * 320 * 180
    assert values["receptive_field"] == 9
    assert any("Compact" in finding for finding in values["findings"])
    outcome = run("models", "convert", source)
    assert outcome.code == 0, outcome.err
    lr = torch.rand(1, 3, 7, 9)
    before, after = (load(path).network for path in (source, outcome.paths[0]))
    assert torch.equal(before(lr), after(lr))


class Writes:
    """A pickle that makes a file when it is opened without care."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self.mark), "w")


@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_code_in_a_file_is_not_run(run: Run, tmp_path: Path, command: str) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "evil.pth").write_bytes(torch_file({"weight": Writes(mark)}))
    outcome = run("models", command, tmp_path / "evil.pth")
    assert (outcome.code, outcome.out) == (5, "")
    assert not mark.exists()
    assert not (tmp_path / "evil.safetensors").exists()


def test_a_purpose_enlarges(run: Run, tmp_path: Path) -> None:
    photo = draw(tmp_path / "photo.png")
    outcome = run("upscale", photo, "-m", "best", "-s", "2")
    assert outcome.code == 0, outcome.err
    assert outcome.paths[0].is_file()
