"""What TensorBoard and Weights & Biases are told, and that neither can stop or change a run."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from superfine.errors import UsageError
from superfine.models import find
from superfine.training.watching.tensorboard import TensorBoardWatcher, tensorboard_installed
from superfine.training.watching.values import named_values, score_values
from superfine.training.watching.wandb_watcher import ID_FILE, WandbWatcher
from superfine.training.watching.watcher import Beginning, Record

if not tensorboard_installed():
    pytest.skip("needs tensorboard", allow_module_level=True)

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def train_record(step: int, loss: float = 0.5) -> Record:
    return {
        "kind": "train",
        "step": step,
        "loss": loss,
        "terms": {"mse": loss / 2, "ssim": loss / 2},
        "learning_rate": 1e-3,
        "machine": {"seconds": 1.5, "samples_per_second": 900.0, "memory_mb": 410},
    }


def score_record(step: int, psnr: float = 36.0) -> Record:
    return {
        "kind": "score",
        "step": step,
        "scores": {"a/Set5": {"x2": {"psnr": psnr, "ssim": 0.95}, "x3": {"psnr": 32.0}}},
        "best": True,
        "machine": {"seconds": 7.5},
    }


class Tiny(nn.Module):
    """A network with a part that is not trained while the rest is."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 4, 3, padding=1)
        self.frozen = nn.Dropout().eval()

    def forward(self, lr: Tensor) -> Tensor:
        if self.training:
            raise AssertionError("the graph is that of the network in use")
        return self.frozen(self.body(lr)) + torch.rand(1)


class Untraceable(nn.Module):
    def forward(self, lr: Tensor) -> Tensor:
        raise RuntimeError("no way\nthrough here")


def beginning(
    step: int = 0, *, past: Sequence[Record] = (), network: nn.Module | None = None
) -> Beginning:
    return Beginning(
        name="fsrcnn-x2",
        recipe="network: fsrcnn\nsteps: 1000\n",
        step=step,
        steps=1000,
        batch=16,
        past=past,
        network=network or nn.Conv2d(1, 1, 3),
        example=(torch.zeros(1, 1, 8, 8),),
    )


def read_back(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def curve(events: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events.Scalars(tag)]


# The numbers of a record


def test_numbers_are_named_by_where_they_stand() -> None:
    assert named_values(train_record(7)) == {
        "loss": 0.5,
        "loss/mse": 0.25,
        "loss/ssim": 0.25,
        "learning_rate": 1e-3,
        "machine/seconds": 1.5,
        "machine/samples_per_second": 900.0,
        "machine/memory_mb": 410.0,
    }
    assert named_values(score_record(7))["a/Set5/x2/psnr"] == 36.0


def test_a_set_may_have_a_slash_in_its_name() -> None:
    found = score_values(score_record(7))
    assert [(v.set_name, v.scale, v.metric) for v in found] == [
        ("a/Set5", "x2", "psnr"),
        ("a/Set5", "x2", "ssim"),
        ("a/Set5", "x3", "psnr"),
    ]
    assert score_values(train_record(7)) == []


# TensorBoard


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def board(tmp_path: Path, said: list[str]) -> Iterator[TensorBoardWatcher]:
    watcher = TensorBoardWatcher(tmp_path / "board", say=said.append)
    yield watcher
    watcher.end()


def test_tensorboard_reads_numbers_pictures_and_the_graph(
    board: TensorBoardWatcher, tmp_path: Path, said: list[str]
) -> None:
    board.begin(beginning())
    board.record(train_record(100, 0.5))
    board.record(train_record(200, 0.25))
    board.record(score_record(200, 36.5))
    sheet = torch.randint(0, 256, (3, 9, 30), dtype=torch.uint8)
    board.picture(200, "Set5-x2", sheet)
    board.end()
    events = read_back(tmp_path / "board")
    assert curve(events, "loss") == [(100, 0.5), (200, 0.25)]
    assert curve(events, "loss/mse") == [(100, 0.25), (200, 0.125)]
    assert curve(events, "a/Set5/x2/psnr") == [(200, 36.5)]
    assert {"learning_rate", "machine/samples_per_second", "a/Set5/x3/psnr"} <= set(
        events.Tags()["scalars"]
    )
    (picture,) = events.Images("samples/Set5-x2")
    assert (picture.step, picture.height, picture.width) == (200, 9, 30)
    assert len(events.Graph().node) > 3
    (recipe,) = events.Tensors("recipe/text_summary")
    assert b"    network: fsrcnn\n    steps: 1000" in recipe.tensor_proto.string_val[0]
    assert said == []


def test_scores_are_on_the_disk_at_once(board: TensorBoardWatcher, tmp_path: Path) -> None:
    board.begin(beginning())
    board.record(train_record(100))
    board.record(score_record(100))
    assert curve(read_back(tmp_path / "board"), "a/Set5/x2/psnr") == [(100, 36.0)]


def test_what_a_kill_undid_is_hidden(board: TensorBoardWatcher, tmp_path: Path) -> None:
    """Killed after step 300, resumed from the checkpoint at 200."""
    board.begin(beginning())
    for step in (100, 200, 300):
        board.record(train_record(step, step / 1000))
    board.record(score_record(300))
    again = TensorBoardWatcher(tmp_path / "board", say=pytest.fail)
    again.begin(beginning(200, past=[train_record(100), train_record(200)]))
    again.record(train_record(300, 0.75))
    again.end()
    events = read_back(tmp_path / "board")
    assert curve(events, "loss") == [
        (100, pytest.approx(0.1)),
        (200, pytest.approx(0.2)),
        (300, 0.75),
    ]
    assert curve(events, "a/Set5/x2/psnr") == []


def test_a_board_that_joins_later_shows_the_past(board: TensorBoardWatcher, tmp_path: Path) -> None:
    board.begin(beginning(200, past=[train_record(100, 0.5), train_record(200, 0.25)]))
    board.record(train_record(300, 0.125))
    board.end()
    assert curve(read_back(tmp_path / "board"), "loss") == [(100, 0.5), (200, 0.25), (300, 0.125)]


def test_looking_on_changes_nothing(board: TensorBoardWatcher, said: list[str]) -> None:
    network = Tiny().train()
    network.frozen.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    numbers = torch.get_rng_state()
    board.begin(beginning(network=network))
    assert said == []
    assert [m.training for m in (network, network.body, network.frozen)] == [True, True, False]
    assert torch.equal(torch.get_rng_state(), numbers)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


@pytest.mark.parametrize("name", ["fsrcnn", "vdsr"])  # one enlarges at its end, one before
def test_a_network_of_the_zoo_has_a_graph(
    name: str, board: TensorBoardWatcher, tmp_path: Path, said: list[str]
) -> None:
    board.begin(beginning(network=find(name).build(2)))
    board.end()
    assert said == []
    operations = [node.op for node in read_back(tmp_path / "board").Graph().node]
    convolutions = sum(isinstance(m, nn.Conv2d) for m in find(name).build(2).modules())
    assert operations.count("aten::_convolution") >= convolutions


def test_a_network_that_cannot_be_traced_is_trained_all_the_same(
    board: TensorBoardWatcher, tmp_path: Path, said: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    board.begin(beginning(network=Untraceable()))
    board.record(train_record(100))
    board.end()
    assert said == ["TensorBoard gets no graph of the network: RuntimeError: no way"]
    assert capfd.readouterr() == ("", "")
    assert curve(read_back(tmp_path / "board"), "loss") == [(100, 0.5)]


def test_a_folder_that_cannot_be_made_is_said_once(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "board").write_bytes(b"a file")
    watcher = TensorBoardWatcher(tmp_path / "board", say=said.append)
    watcher.begin(beginning())
    watcher.record(train_record(100))
    watcher.picture(100, "Set5", torch.zeros(3, 4, 4, dtype=torch.uint8))
    watcher.end()
    assert len(said) == 1
    assert said[0].startswith("TensorBoard gets nothing from here on: ")


def test_a_disk_that_fills_up_is_said_once(
    board: TensorBoardWatcher, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    def full(self: EventFileWriter) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    board.begin(beginning())
    monkeypatch.setattr(EventFileWriter, "flush", full)
    for step in (100, 200):
        board.record(score_record(step))
    assert said == [
        "TensorBoard gets nothing from here on: [Errno 28] No space left on device",
    ]


def test_names_that_are_no_text_are_written(board: TensorBoardWatcher, said: list[str]) -> None:
    record = {"kind": "score", "step": 1, "scores": {"S\udcff": {"x2": {"psnr": 30.0}}}}
    board.begin(beginning())
    board.record(record)
    board.picture(1, "S\udcff", torch.zeros(3, 4, 4, dtype=torch.uint8))
    assert said == []


def test_a_folder_named_tensorboard_is_not_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tensorboard").mkdir()
    monkeypatch.delitem(sys.modules, "tensorboard")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert not tensorboard_installed()


# Weights & Biases, of which only the five names used here stand in


class FakeService(ModuleType):
    class Error(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("wandb")
        self.began: list[dict[str, object]] = []
        self.sent: list[dict[str, object]] = []
        self.ended = 0
        self.broken: Exception | None = None

    def Settings(self, **settings: object) -> dict[str, object]:  # noqa: N802
        return settings

    def Image(self, pixels: object) -> tuple[str, object]:  # noqa: N802
        return "image", pixels

    def init(self, **arguments: object) -> FakeService:
        self.began.append(arguments)
        self.log_or_raise()
        return self

    def define_metric(self, name: str, step_metric: str | None = None) -> None:
        assert (name, step_metric) in {("step", None), ("*", "step")}

    def log(self, values: dict[str, object]) -> None:
        self.log_or_raise()
        self.sent.append(values)

    def finish(self) -> None:
        self.log_or_raise()
        self.ended += 1

    def log_or_raise(self) -> None:
        if self.broken is not None:
            raise self.broken


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    fake = FakeService()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return fake


def test_the_service_gets_the_log_the_samples_and_the_recipe(
    service: FakeService, tmp_path: Path
) -> None:
    watcher = WandbWatcher("enlarging", tmp_path, say=pytest.fail)
    watcher.begin(beginning())
    watcher.record(train_record(100))
    watcher.record(score_record(100))
    watcher.picture(100, "Set5-x2", torch.zeros(3, 4, 8, dtype=torch.uint8))
    watcher.end()
    (began,) = service.began
    assert began["project"] == "enlarging"
    assert began["name"] == "fsrcnn-x2"
    assert began["config"] == {"network": "fsrcnn", "steps": 1000}
    assert "entity" not in began
    train, score, picture = service.sent
    assert train == {"step": 100, **named_values(train_record(100))}
    assert score["a/Set5/x2/psnr"] == 36.0
    assert picture["samples/Set5-x2"][1].shape == (4, 8, 3)  # as the service wants it
    assert service.ended == 1


def test_a_run_that_goes_on_is_one_run_in_the_service(service: FakeService, tmp_path: Path) -> None:
    for step in (0, 200, 0):
        watcher = WandbWatcher("enlarging", tmp_path, say=pytest.fail)
        watcher.begin(beginning(step))
        watcher.end()
    first, resumed, anew = (began["id"] for began in service.began)
    assert first == resumed != anew
    assert (tmp_path / ID_FILE).read_text() == anew
    assert service.began[1]["resume"] == "allow"


def test_a_service_that_fails_stops_nothing(
    service: FakeService, tmp_path: Path, said: list[str]
) -> None:
    watcher = WandbWatcher("enlarging", tmp_path, say=said.append)
    watcher.begin(beginning())
    service.broken = ConnectionResetError("gone\nfar away")
    watcher.record(train_record(100))
    watcher.record(train_record(200))
    watcher.end()
    assert said == ["Weights & Biases gets nothing from here on: ConnectionResetError: gone"]
    assert (service.sent, service.ended) == ([], 0)


def test_a_service_that_does_not_begin_is_an_error_before_training(
    service: FakeService, tmp_path: Path
) -> None:
    service.broken = service.Error("no API key")
    watcher = WandbWatcher("enlarging", tmp_path, say=pytest.fail)
    with pytest.raises(UsageError, match="did not begin: Error: no API key") as caught:
        watcher.begin(beginning())
    assert "wandb login" in caught.value.hint
    watcher.end()


@pytest.mark.parametrize("found", [None, ModuleType("wandb")], ids=["nothing", "an empty folder"])
def test_a_package_that_is_missing_is_named(
    found: ModuleType | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", found)
    with pytest.raises(UsageError) as caught:
        WandbWatcher("enlarging", tmp_path, say=pytest.fail)
    assert "pip install wandb" in caught.value.hint
