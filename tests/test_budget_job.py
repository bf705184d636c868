"""`upscale --budget` and `--max-memory`: the best of made-up weights that keeps them."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from superfine import card
from superfine.budget import forecast
from superfine.budget.amounts import bytes_of, seconds_of
from superfine.budget.speed import Speed
from superfine.checkpoints import Card, load_model, save
from superfine.cli import main
from superfine.errors import MemoryLimitError
from superfine.io import read
from superfine.jobs.choice import choose
from superfine.jobs.request import Request
from superfine.jobs.results import FileResult
from superfine.models import find

# Weights on the shelf: PSNR on Set5, and seconds for each LR pixel on the machine of these tests.
# Worse and slower is the one that nobody should ever take.
SHELF = {
    "fsrcnn-small": (36.0, 1e-4),
    "espcn": (37.0, 1e-3),
    "srcnn-915": (36.5, 5e-3),
    "vdsr": (38.0, 1e-2),
}
BICUBIC = 1e-5
WIDTH, HEIGHT = 20, 10


@dataclass
class Machine:
    """How fast this machine is made out to be, and how often it was looked at."""

    slower: float = 1.0
    looked: int = 0

    def network_speed(self, model, device, most):
        self.looked += 1
        each = BICUBIC if model.spec.name == "bicubic" else SHELF[model.spec.name][1]
        return Speed(0.0, self.slower * each)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A shelf of random weights at x2, one with a higher PSNR at x3, and a cache of its own."""
    torch.manual_seed(0)
    shelf = tmp_path / "weights"
    shelf.mkdir()
    at = {(name, 2): psnr for name, (psnr, _) in SHELF.items()} | {("espcn", 3): 40.0}
    for (name, scale), psnr in at.items():
        scores = {"Set5": {"psnr": psnr}}
        path = shelf / f"{name}-x{scale}.safetensors"
        save(find(name).build(scale), Card(name, scale, "y", scores=scores), path)
    monkeypatch.setattr(card, "SHIPPED", shelf)
    monkeypatch.setenv("SUPERFINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    made = Machine()
    monkeypatch.setattr(forecast, "network_speed", made.network_speed)
    monkeypatch.setattr(forecast, "writing_speed", lambda suffix: Speed(0.001, 0.0))
    monkeypatch.setattr(forecast, "at_rest", lambda: 300 << 20)
    draw(Path("photo.png"))
    return made


def draw(path: Path, width: int = WIDTH, height: int = HEIGHT) -> Path:
    path.parent.mkdir(exist_ok=True)
    codes = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    PillowImage.fromarray(codes).save(path)
    return path


def chosen(*, scale=2.0, inputs=("photo.png",), **limits):
    limits = {"device": "cpu", **limits}
    return choose(Request(list(inputs), scale=scale, **limits))


@pytest.mark.parametrize(
    ("budget", "model", "better"),
    [
        (60, "vdsr", []),
        (2.1, "vdsr", []),
        (1.9, "espcn", ["vdsr"]),
        (0.21, "espcn", ["vdsr"]),
        (0.19, "fsrcnn-small", ["vdsr", "espcn", "srcnn-915"]),
        (0.01, "bicubic", ["vdsr", "espcn", "srcnn-915", "fsrcnn-small"]),
    ],
)
def test_the_best_that_keeps_the_budget_is_taken(machine, budget, model, better):
    found = chosen(budget=budget)
    assert found.taken.model == model
    assert [offer.model for offer in found.better] == better
    each = BICUBIC if model == "bicubic" else SHELF[model][1]
    assert found.taken.seconds == pytest.approx(WIDTH * HEIGHT * each + 0.001)
    assert found.taken.seconds <= budget < min([o.seconds for o in found.better], default=61)


def test_what_is_worse_and_slower_is_never_taken(machine):
    budgets = [10 ** (i / 2 - 2.5) for i in range(9)]
    taken = {chosen(budget=budget).taken.model for budget in budgets}
    assert taken == {"bicubic", "fsrcnn-small", "espcn", "vdsr"}


def test_a_larger_picture_gets_a_faster_model(machine):
    draw(Path("large.png"), 60, 40)
    assert chosen(budget=2.5).taken.model == "vdsr"
    assert chosen(budget=2.5, inputs=["large.png"]).taken.model == "espcn"
    assert chosen(budget=20, self_ensemble=True).taken.model == "vdsr"
    assert chosen(budget=10, self_ensemble=True).taken.model == "espcn"


def test_each_scale_has_its_own_weights(machine):
    assert chosen(budget=60, scale=3).taken.model == "espcn"
    assert chosen(budget=60, scale=2.5).taken.model == "espcn"
    assert chosen(budget=60, scale=None).taken.loaded.scale == 3
    assert chosen(budget=60, scale=1.5).taken.model == "vdsr"


def test_the_machine_is_measured_once(machine):
    for _ in range(3):
        chosen(budget=0.01)
    assert machine.looked == len(SHELF) + 1


def test_nothing_is_measured_for_memory_alone(machine):
    found = chosen(max_memory=2 << 30)
    assert (found.taken.model, found.taken.seconds, machine.looked) == ("vdsr", None, 0)
    assert found.taken.memory < 2 << 30


def test_memory_and_time_are_both_kept(machine):
    """VDSR at x2 takes several times the memory of ESPCN for its smallest tile."""
    draw(Path("large.png"), 400, 300)
    options = {"inputs": ["large.png"], "budget": 1e5, "device": "cpu"}
    needed = {name: _least("large.png", name) for name in ("vdsr", "espcn")}
    assert needed["espcn"] < needed["vdsr"]
    found = chosen(max_memory=needed["espcn"] << 20, **options)
    assert found.taken.model == "espcn"
    assert [o.model for o in found.better if o.refusal] == ["vdsr"]
    assert "vdsr (more memory)" in found.note
    assert chosen(max_memory=needed["vdsr"] << 20, **options).taken.model == "vdsr"


def _least(path: str, name: str) -> int:
    """MiB with which the weights `name` enlarge the picture, as their refusal says."""
    way = forecast.Way(device="cpu", memory=1)
    with pytest.raises(MemoryLimitError) as caught:
        forecast.fit(load_model(name, scale=2), forecast.picture_of(read(Path(path))), way)
    return bytes_of(caught.value.hint.removeprefix("Give --max-memory ").removesuffix(".")) >> 20


def command(capfd, *arguments):
    """Exit code, lines of standard output, standard error."""
    capfd.readouterr()
    code = main(["upscale", "-d", "cpu", *map(str, arguments)])
    captured = capfd.readouterr()
    return code, captured.out.splitlines(), captured.err


def test_the_command_says_what_it_chose_and_why(machine, capfd):
    code, out, err = command(capfd, "photo.png", "-s", "2", "--budget", "1.9s")
    assert (code, out) == (0, ["photo.x2.espcn.png"])
    assert "Chosen: espcn (201 ms, " in err
    assert "for photo.png. Over the budget: vdsr (2 s, " in err
    assert "taken of 1.9 s, 201 ms foretold." in err
    code, out, err = command(capfd, "photo.png", "-s", "2", "--budget", "1min")
    assert (code, out) == (0, ["photo.x2.vdsr.png"])
    assert "Nothing better is shipped for this scale." in err


def test_json_says_the_same(machine, capfd):
    code, out, _ = command(capfd, "photo.png", "-s", "2", "--budget", "1.9s", "--json")
    result, summary = map(json.loads, out)
    assert (code, summary["summary"]["ok"], result["model"]) == (0, 1, "espcn")
    choice = result["choice"]
    assert (choice["model"], choice["predicted_ms"]) == ("espcn", 201)
    assert choice["predicted_bytes"] > 300 << 20
    assert [(o["model"], o["predicted_ms"]) for o in choice["over_budget"]] == [("vdsr", 2001)]
    assert result["ms"] > 0
    assert "taken of 1.9 s" in result["notes"][-1]


def test_a_dry_run_chooses_too(machine, capfd):
    code, out, err = command(capfd, "photo.png", "-s", "2", "--budget", "10ms", "--dry-run")
    assert (code, out) == (0, ["photo.x2.bicubic.png"])
    assert "Chosen: bicubic" in err
    assert not Path(out[0]).exists()


@pytest.mark.parametrize("limit", ["--budget", "--max-memory"])
def test_what_nothing_keeps_is_refused_with_what_would_do(machine, capfd, limit):
    amount = {"--budget": "1ms", "--max-memory": "1M"}[limit]
    code, out, err = command(capfd, "photo.png", "-s", "2", limit, amount)
    assert (code, out) == ({"--budget": 2, "--max-memory": 6}[limit], [])
    refusal, hint = err.splitlines()
    assert "bicubic" in refusal
    assert refusal.endswith({"--budget": "(E_USAGE).", "--max-memory": "(E_MEMORY)."}[limit])
    enough = hint.strip().removeprefix(f"Give {limit} ").removesuffix(".")
    code, out, _ = command(capfd, "photo.png", "-s", "2", limit, enough)
    assert (code, out) == (0, ["photo.x2.bicubic.png"]) or limit == "--max-memory"
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["photo.png", "--budget", "2"], "'2' is no time"),
        (["photo.png", "--max-memory", "lots"], "'lots' is no amount of memory"),
        (["photo.png", "--budget", "2s", "-m", "vdsr"], "a budget chooses the model"),
        (["-", "--budget", "2s"], "standard input does not tell"),
        (["nothing.png", "--budget", "2s"], "nothing.png"),
    ],
)
def test_what_makes_no_sense_is_one_line(machine, capfd, arguments, words):
    code, out, err = command(capfd, *arguments)
    assert (code, out) == (2, [])
    assert words in err
    assert "Traceback" not in err


def test_a_model_of_ones_own_is_kept_within_memory(machine, capfd):
    """No choice: its tiles are made to fit, and the result is the same."""
    draw(Path("large.png"), 300, 200)
    results = []
    for limit in ([], ["--max-memory", "480M"]):
        options = ["-m", "espcn-x2", "-o", "out.bmp", "--overwrite", *limit]
        code, _, err = command(capfd, "large.png", *options)
        assert (code, err) == (0, "")
        results.append(Path("out.bmp").read_bytes())
    assert results[0] == results[1]
    code, _, err = command(capfd, "large.png", "-m", "espcn-x2", "--max-memory", "310M")
    assert code == 6
    assert "espcn needs about " in err


def folder() -> Path:
    for width in (8, WIDTH, 12):
        draw(Path("in") / f"{width}.png", width)
    return Path("in")


def test_a_folder_has_one_model_for_its_largest_picture(machine, capfd):
    code, out, err = command(capfd, folder(), "-s", "2", "--budget", "1s")
    assert code == 0
    assert sorted(out) == [f"in-x2-espcn/{name}.png" for name in ("12", "20", "8")]
    assert "Chosen: espcn (201 ms, " in err
    assert "for 20.png" in err


def slow_down(machine: Machine, tmp_path: Path, times: float) -> None:
    """The machine is measured anew, and seems slower."""
    machine.slower = times
    (tmp_path / "cache" / "speeds.json").unlink()


@pytest.mark.parametrize("output", [[], ["-o", "out"]])
def test_a_folder_goes_on_with_its_model(machine, capfd, tmp_path, output):
    options = [folder(), "-s", "2", "--budget", "210ms", "--json", *output]
    _, out, _ = command(capfd, *options)
    assert {json.loads(line)["model"] for line in out[:-1]} == {"espcn"}
    for times in (1.3, 0.8):  # as another calibration may find
        slow_down(machine, tmp_path, times)
        code, out, _ = command(capfd, *options)
        results = [json.loads(line) for line in out]
        assert code == 0
        assert [r["status"] for r in results[:-1]] == ["skipped"] * 3
        assert {r["model"] for r in results[:-1]} == {"espcn"}


def test_a_folder_changes_its_model_when_the_budget_says_so(machine, capfd, tmp_path):
    for amount, model in (("210ms", "espcn"), ("60s", "vdsr"), ("25ms", "fsrcnn-small")):
        code, out, _ = command(capfd, folder(), "-s", "2", "--budget", amount)
        assert code == 0
        assert {Path(line).parent.name for line in out} == {f"in-x2-{model}"}


def test_sizes_take_the_weights_of_each_picture(machine, capfd):
    code, out, _ = command(capfd, folder(), "--size", "24x", "--budget", "60s", "--json")
    results = [json.loads(line) for line in out[:-1]]
    assert code == 0
    assert {r["width"] for r in results} == {24}
    assert len({r["model"] for r in results}) == 1


def test_a_picture_over_the_budget_is_told_and_a_wrong_forecast_forgotten(machine):
    choice = chosen(budget=1.9)
    result = FileResult(choice.picture, "ok", scale=2.0, size=(40, 20), seconds=30.0)
    cached = machine.looked
    judged = choice.judged(result, single=False)
    assert judged.notes == ("30 s taken of 1.9 s, 201 ms foretold.",)
    chosen(budget=1.9)
    assert machine.looked == cached + 1
    near = FileResult(choice.picture, "ok", scale=2.0, size=(40, 20), seconds=0.25)
    assert choice.judged(near, single=False) == near
    assert len(choice.judged(near, single=True).notes) == 1


def test_the_environment_can_set_a_budget(machine, capfd, monkeypatch):
    monkeypatch.setenv("SUPERFINE_UPSCALE_BUDGET", "10ms")
    assert command(capfd, "photo.png", "-s", "2")[1] == ["photo.x2.bicubic.png"]
    assert seconds_of("10ms") == 0.01
    assert bytes_of("1M") == 1 << 20
