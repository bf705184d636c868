"""The loop: it learns, it goes on as if it had never stopped, and it says when it cannot."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from superfine.benchmark.depth import find_depth_protocol, validation_pairs
from superfine.benchmark.measure import measure
from superfine.benchmark.protocol import find_protocol
from superfine.checkpoints import load
from superfine.data.folders import read_all
from superfine.errors import ModelFileError, OutputError, TrainingError, UsageError
from superfine.models import bicubic, find
from superfine.training import journal
from superfine.training.checkpoint import found_in
from superfine.training.learner import Learner
from superfine.training.loop import train
from superfine.training.processes import Place
from superfine.training.recipe.text import RecipeError
from superfine.training.run_folder import RunFolder
from tests.training.desk import Listener, StopAfter, make_depth, make_photos, make_recipe
from tests.training.kills import log_of, weights_of


@pytest.fixture
def photos(tmp_path):
    return make_photos(tmp_path / "photos")


def test_training_beats_bicubic_and_leaves_an_honest_card(photos, tmp_path):
    recipe = make_recipe(photos, steps=600, validate={"sets": [str(photos)], "every": 300})
    watcher = Listener()
    outcome = train(recipe, tmp_path / "run", watchers=[watcher])
    assert outcome.finished
    assert outcome.step == 600
    model, protocol, pictures = load(outcome.weights), find_protocol("y-matlab"), read_all([photos])
    score = measure(model.network, model.spec, pictures, scale=2, protocol=protocol)
    baseline = measure(bicubic.Bicubic(2), bicubic.SPEC, pictures, scale=2, protocol=protocol)
    assert score.psnr > baseline.psnr
    # Validation is the benchmark: the number in the log is the number of the tables.
    # Read from the file the weights lie in another order in memory, and a few pixels round apart.
    assert model.card.scores["photos"]["psnr"] == pytest.approx(score.psnr, abs=5e-3)
    assert model.card.scores["photos"]["ssim"] == pytest.approx(score.ssim, abs=1e-5)
    assert watcher.records[-1]["scores"] == {"photos": {"x2": model.card.scores["photos"]}}
    assert model.card.protocol == "y-matlab"
    assert model.card.training_data == ("photos (3 files)",)
    losses = [record["loss"] for record in watcher.records if record["kind"] == "train"]
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < np.mean(losses[:10])


def test_the_run_folder_tells_all(photos, tmp_path):
    watcher = Listener()
    train(make_recipe(photos), tmp_path / "run", watchers=[watcher])
    run = tmp_path / "run"
    assert {path.name for path in run.iterdir()} == {
        "recipe.yaml", "data.json", "log.jsonl", "launches.jsonl", "checkpoints",
        "fsrcnn-small-x2.safetensors", "fsrcnn-small-x2-best.safetensors",
    }  # fmt: skip
    files = json.loads((run / "data.json").read_text())
    assert [file["path"] for file in files] == [str(photos / f"{i}.png") for i in range(3)]
    import hashlib

    assert files[0]["sha256"] == hashlib.sha256((photos / "0.png").read_bytes()).hexdigest()
    (launch,) = [json.loads(x) for x in (run / "launches.jsonl").read_text().splitlines()]
    assert launch["from_step"] == 0
    assert launch["torch"] == torch.__version__
    assert "steps: 60" in (run / "recipe.yaml").read_text()
    steps = [(record["kind"], record["step"]) for record in RunFolder(run).records()]
    assert steps == [("train", s) for s in (10, 20, 30)] + [("score", 30)] + [
        ("train", s) for s in (40, 50, 60)
    ] + [("score", 60)]
    assert watcher.steps == 60
    assert watcher.ended
    assert watcher.sheets == [(30, "photos-x2"), (60, "photos-x2")]
    assert watcher.beginning.example[0].shape == (1, 1, 12, 12)


def test_the_same_recipe_gives_the_same_run(photos, tmp_path):
    recipe = make_recipe(photos)
    for name in ("a", "b"):
        train(recipe, tmp_path / name)
    assert log_of(tmp_path / "a") == log_of(tmp_path / "b")
    assert weights_of(tmp_path / "a") == weights_of(tmp_path / "b")
    train(make_recipe(photos, seed=1), tmp_path / "c")
    assert log_of(tmp_path / "a") != log_of(tmp_path / "c")


WAYS = {
    "adam, averaged": {},
    "sgd, adjustable clip, plateau": {
        "optimiser": {"kind": "sgd", "learning_rate": 0.01, "weight_decay": 1e-4},
        "clip": {"kind": "adjustable", "theta": 0.001},
        "schedule": {"kind": "plateau", "patience": 1, "factor": 0.5},
        "averaging": 0,
    },
    "adamw, pieces, two losses": {
        "network": "espcn",
        "optimiser": {"kind": "adamw", "learning_rate": 1e-3},
        "accumulate": 2,
        "loss": [{"kind": "l1"}, {"kind": "ssim", "weight": 0.1}],
    },
    "soap": {
        "network": "espcn",
        "optimiser": {"kind": "soap", "learning_rate": 3e-3, "every": 3},
        "patch": 8,
    },
    "several scales": {
        "network": "srcnn-915",
        "scale": [2, 3],
        "optimiser": {"kind": "adam", "learning_rate": 1e-3},
        "steps": 40,
    },
    "bf16": {
        "network": "espcn",
        "optimiser": {"kind": "adam", "learning_rate": 1e-3},
        "precision": "bf16",
    },
    "bf16, the end in float32": {
        "optimiser": {"kind": "adam", "learning_rate": 1e-3},
        "precision": "bf16",
        "exact_end": 0.5,
    },
    "fp16": {"precision": "fp16", "clip": {"kind": "norm", "at": 1.0}},
    "two sets": {},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_stopped_run_goes_on_as_if_it_had_not(photos, tmp_path, way):
    """Stopped at steps with and without a line of the log, a checkpoint or a score."""
    sets = [str(photos)]
    if way == "two sets":
        sets += [str(make_photos(tmp_path / "more", count=2))]
    recipe = make_recipe(photos, validate={"sets": sets, "every": 30}, **WAYS[way])
    train(recipe, tmp_path / "whole")
    steps = recipe.steps
    for at in (0, 1, 13, 7, 9):  # ends at 0, 1, 14, 21 and 30
        outcome = train(recipe, tmp_path / "parts", stop=StopAfter(at))
        assert not outcome.finished
    assert outcome.step == 30
    assert train(recipe, tmp_path / "parts").step == steps
    assert log_of(tmp_path / "parts") == log_of(tmp_path / "whole")
    assert weights_of(tmp_path / "parts") == weights_of(tmp_path / "whole")


def test_a_network_may_learn_in_its_form_for_use(photos, tmp_path):
    changes = {"network": "span-28", "steps": 3, "batch": 1}
    counts = []
    for wide in (True, False):
        recipe = make_recipe(
            photos, wide=wide, optimiser={"kind": "soap", "learning_rate": 1e-3}, **changes
        )
        run = tmp_path / str(wide)
        assert train(recipe, run).finished
        assert load(run / "span-28-x2.safetensors").spec.name == "span-28"
        newest = max(found_in(run / "checkpoints"))
        counts.append((newest / "network.safetensors").stat().st_size)
    assert counts[0] > 3 * counts[1]


def test_the_last_steps_compute_in_float32(photos):
    """Half of five steps: the first three in bf16, the last two not."""
    recipe = make_recipe(photos, steps=5, precision="bf16", exact_end=0.5)
    learner = Learner(recipe, find("fsrcnn-small"), torch.device("cpu"), Place())
    kinds = []
    for step in range(5):
        learner.progress.step = step
        with learner.autocast():
            kinds.append(learner.network.single()(torch.rand(1, 1, 8, 8)).dtype)
    assert kinds == [torch.bfloat16] * 3 + [torch.float32] * 2


def test_a_finished_run_is_left_as_it_is(photos, tmp_path):
    recipe = make_recipe(photos)
    train(recipe, tmp_path / "run")
    before = weights_of(tmp_path / "run"), log_of(tmp_path / "run")
    assert train(recipe, tmp_path / "run").finished
    assert (weights_of(tmp_path / "run"), log_of(tmp_path / "run")) == before


def test_length_and_learning_rate_may_change_and_are_told(photos, tmp_path):
    train(make_recipe(photos), tmp_path / "run")
    watcher = Listener()
    longer = make_recipe(
        photos,
        steps=80,
        optimiser={"kind": "adam", "learning_rate": 1e-4, "layers": {"enlarge": 0.1}},
    )
    assert train(longer, tmp_path / "run", watchers=[watcher]).step == 80
    assert "Changed: steps: 60 -> 80" in watcher.said
    assert "Changed: optimiser.learning_rate: 0.002 -> 0.0001" in watcher.said
    launches = (tmp_path / "run" / "launches.jsonl").read_text().splitlines()
    assert json.loads(launches[1])["changes"] == [
        "steps: 60 -> 80",
        "optimiser.learning_rate: 0.002 -> 0.0001",
    ]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"batch": 8}, "batch: 4 -> 8"),
        ({"seed": 3}, "seed: 0 -> 3"),
        ({"loss": [{"kind": "l1"}]}, "loss"),
        ({"network": "fsrcnn"}, "network: fsrcnn-small -> fsrcnn"),
    ],
)
def test_any_other_change_is_refused(photos, tmp_path, change, key):
    train(make_recipe(photos, steps=10), tmp_path / "run")
    before = weights_of(tmp_path / "run")
    with pytest.raises(UsageError, match=key):
        train(make_recipe(photos, steps=20, **change), tmp_path / "run")
    assert weights_of(tmp_path / "run") == before


def test_data_that_moved_is_the_same_and_data_that_changed_is_refused(photos, tmp_path):
    train(make_recipe(photos, steps=10), tmp_path / "run")
    moved = photos.rename(tmp_path / "moved")
    assert train(make_recipe(moved, steps=20), tmp_path / "run").step == 20
    PillowImage.new("RGB", (84, 72)).save(moved / "1.png")
    with pytest.raises(UsageError, match=r"1\.png is gone or changed"):
        train(make_recipe(moved, steps=30), tmp_path / "run")


def test_never_refuses_a_used_folder(photos, tmp_path):
    recipe = make_recipe(photos, steps=10)
    train(recipe, tmp_path / "run", resume="never")
    with pytest.raises(OutputError, match="holds a training run") as caught:
        train(recipe, tmp_path / "run", resume="never")
    assert caught.value.code == "E_EXISTS"


def test_an_older_checkpoint_can_be_gone_back_to_and_nothing_is_lost(photos, tmp_path):
    recipe = make_recipe(photos)
    train(recipe, tmp_path / "run")
    before = weights_of(tmp_path / "run")
    older = found_in(tmp_path / "run" / "checkpoints")[0]
    watcher = Listener()
    train(recipe, tmp_path / "run", resume=str(older), watchers=[watcher])
    assert weights_of(tmp_path / "run") == before
    aside = tmp_path / "run" / "abandoned-1"
    assert {path.name for path in aside.iterdir()} == {"log.jsonl", "step-00000060"}
    assert any("abandoned-1" in text for text in watcher.said)


def test_a_checkpoint_of_another_run_starts_a_new_folder(photos, tmp_path):
    recipe = make_recipe(photos)
    train(recipe, tmp_path / "a", stop=StopAfter(30))
    newest = found_in(tmp_path / "a" / "checkpoints")[-1]
    start = shutil.copytree(newest, tmp_path / "kept" / newest.name)
    train(recipe, tmp_path / "a")
    train(recipe, tmp_path / "b", resume=str(start))
    assert weights_of(tmp_path / "a") == weights_of(tmp_path / "b")
    with pytest.raises(ModelFileError, match="not a whole checkpoint"):
        train(recipe, tmp_path / "c", resume=str(tmp_path / "nothing"))


def test_a_torn_checkpoint_is_passed_over(photos, tmp_path):
    recipe = make_recipe(photos)
    train(recipe, tmp_path / "whole")
    # Asked after each of 45 steps and before each of the 3 pictures scored at step 30.
    train(recipe, tmp_path / "run", stop=StopAfter(45 + 3))
    newest = found_in(tmp_path / "run" / "checkpoints")[-1]
    assert newest.name == "step-00000045"
    (newest / "network.safetensors").write_bytes(b"torn")
    train(recipe, tmp_path / "run")
    assert weights_of(tmp_path / "run") == weights_of(tmp_path / "whole")
    assert log_of(tmp_path / "run") == log_of(tmp_path / "whole")


def test_a_run_can_start_from_another_scale(photos, tmp_path):
    start = train(make_recipe(photos, steps=10), tmp_path / "x2").weights
    optimiser = {"kind": "adam", "learning_rate": 1e-12}
    recipe = make_recipe(
        photos,
        scale=3,
        steps=1,
        optimiser=optimiser,
        start_from=str(start),
        schedule={"kind": "constant"},
    )
    body = load(train(recipe, tmp_path / "x3").weights).network.state_dict()
    for name, tensor in load(start).network.state_dict().items():
        assert torch.allclose(body[name], tensor, atol=1e-6), name


@pytest.mark.parametrize("scale", [[2], [2, 3]])
def test_workers_change_nothing(photos, tmp_path, scale):
    recipe = make_recipe(
        photos,
        scale=scale,
        network="srcnn-915",
        steps=12,
        optimiser={"kind": "adam", "learning_rate": 1e-3},
    )
    train(recipe, tmp_path / "none")
    train(recipe, tmp_path / "two", workers=2)
    assert weights_of(tmp_path / "none") == weights_of(tmp_path / "two")


def test_pieces_of_a_batch_add_up_to_it(photos, tmp_path):
    """SGD, so that a gradient twice as large would show; the first ten losses agree."""
    values = {"optimiser": {"kind": "sgd", "learning_rate": 0.01}, "steps": 10, "log_every": 1}
    train(make_recipe(photos, **values), tmp_path / "whole")
    train(make_recipe(photos, accumulate=4, **values), tmp_path / "pieces")
    whole, parts = (
        [r["loss"] for r in log_of(tmp_path / name) if r["kind"] == "train"]
        for name in ("whole", "pieces")
    )
    assert parts == pytest.approx(whole, rel=1e-5)


def test_several_scales_share_their_weights(photos, tmp_path):
    recipe = make_recipe(photos, network="vdsr", scale=[2, 3], patch=8, steps=4, batch=2,
                         optimiser={"kind": "adam", "learning_rate": 1e-3})  # fmt: skip
    outcome = train(recipe, tmp_path / "run")
    assert outcome.weights.name == "vdsr-x2-x3.safetensors"
    model = load(outcome.weights, scale=3)
    assert model.scale == 3
    assert set(model.card.scores) == {"photos x2", "photos x3"}
    score = measure(
        model.network, model.spec, read_all([photos]), scale=3, protocol=find_protocol("y-matlab")
    )
    assert model.card.scores["photos x3"]["psnr"] == pytest.approx(score.psnr, abs=1e-4)


def poisoned(monkeypatch, at: int):
    """From step `at` on, the samples hold a NaN, as a broken float picture would bring it."""
    whole = Learner.step

    def step(self, batch, scale):
        if self.progress.step >= at:
            batch.lr[1, 0, 3, 3] = float("nan")
        whole(self, batch, scale)

    monkeypatch.setattr(Learner, "step", step)


def test_a_nan_stops_the_run_and_is_named(photos, tmp_path, monkeypatch):
    recipe = make_recipe(photos, loss=[{"kind": "l1"}, {"kind": "ssim"}])
    train(recipe, tmp_path / "run", stop=StopAfter(35))
    before = weights_of(tmp_path / "run")
    poisoned(monkeypatch, 41)
    watcher = Listener()
    with pytest.raises(TrainingError, match="step 42") as caught:
        train(recipe, tmp_path / "run", watchers=[watcher])
    message = caught.value.message
    assert "l1" in message
    assert "ssim" in message
    assert "samples were 164 to 167" in message
    assert ".png at LR (" in message
    assert watcher.ended
    # The best weights and the checkpoints are as they were: none holds a NaN.
    after = weights_of(tmp_path / "run")
    best = "fsrcnn-small-x2-best.safetensors"
    assert after[best] == before[best]
    assert np.isfinite(load(tmp_path / "run" / best).network.enlarge.weight.numpy()).all()
    monkeypatch.undo()
    train(recipe, tmp_path / "run")
    train(recipe, tmp_path / "whole")
    assert weights_of(tmp_path / "run") == weights_of(tmp_path / "whole")


def test_compiling_for_a_cpu_is_refused(photos, tmp_path):
    with pytest.raises(UsageError, match="spoilt memory"):
        train(make_recipe(photos, compile=True), tmp_path / "run")


def test_two_runs_in_one_folder_at_once_are_refused(photos, tmp_path):
    recipe = make_recipe(photos)
    folder = RunFolder(tmp_path / "run")
    with folder.opened(), pytest.raises(OutputError, match="Another run works") as caught:
        train(recipe, tmp_path / "run")
    assert caught.value.code == "E_BUSY"


def test_stopping_amid_a_score_loses_nothing(photos, tmp_path, monkeypatch):
    recipe = make_recipe(photos)
    train(recipe, tmp_path / "whole")
    # Asked after each of 30 steps, then before each of the 3 pictures: stops at the second.
    outcome = train(recipe, tmp_path / "run", stop=StopAfter(31))
    assert outcome.step == 30
    assert [r["kind"] for r in log_of(tmp_path / "run")] == ["train"] * 3
    train(recipe, tmp_path / "run")
    assert weights_of(tmp_path / "run") == weights_of(tmp_path / "whole")
    assert log_of(tmp_path / "run") == log_of(tmp_path / "whole")


def test_colour_networks_learn_from_colours(photos, tmp_path):
    recipe = make_recipe(
        photos, network="espcn-rgb", steps=200, validate={"sets": [str(photos)], "every": 100},
        optimiser={"kind": "adam", "learning_rate": 2e-3},
    )  # fmt: skip
    train(recipe, tmp_path / "run")
    scores = [
        r["scores"]["photos"]["x2"]["psnr"]
        for r in log_of(tmp_path / "run")
        if r["kind"] == "score"
    ]
    assert scores[1] > scores[0] > 15


def test_a_progressive_network_is_supervised_at_every_level(photos, tmp_path):
    recipe = make_recipe(
        photos, network="lapsrn", scale=4, patch=8, batch=2, steps=6, log_every=1,
        data={"kind": "pictures", "folders": [str(photos)]},
        loss=[{"kind": "charbonnier"}], optimiser={"kind": "adam", "learning_rate": 1e-3},
    )  # fmt: skip
    train(recipe, tmp_path / "run")
    first = log_of(tmp_path / "run")[0]
    assert set(first["terms"]) == {"charbonnier/1-x2", "charbonnier/2-x4"}
    assert first["loss"] == pytest.approx(sum(first["terms"].values()))


def test_guided_depth_learns_and_is_measured(tmp_path):
    maps = make_depth(tmp_path / "maps")
    recipe = make_recipe(
        tmp_path, network="svlrm", scale=4, patch=8, batch=4, steps=40,
        data={"kind": "depth", "folders": [str(maps)]},
        validate={"sets": [str(maps)], "protocol": "registered-bicubic", "every": 20},
        loss=[{"kind": "charbonnier", "eps": 1e-3}],
        optimiser={"kind": "adam", "learning_rate": 1e-3},
    )  # fmt: skip
    outcome = train(recipe, tmp_path / "run")
    errors = [
        record["scores"]["maps"]["x4"]["rmse"]
        for record in log_of(tmp_path / "run")
        if record["kind"] == "score"
    ]
    assert errors[1] < errors[0]
    assert load(outcome.weights).card.scores["maps"]["rmse"] == errors[1]


def test_a_network_that_refines_begins_at_guided_diffusion(tmp_path):
    maps = make_depth(tmp_path / "maps")
    recipe = make_recipe(
        tmp_path, network="svlrm-plus", scale=4, patch=8, batch=4, steps=30,
        data={"kind": "depth", "folders": [str(maps)], "operators": ["bicubic", "block-mean"]},
        validate={"sets": [str(maps)], "protocol": "registered-bicubic", "every": 15},
        loss=[{"kind": "l1"}], optimiser={"kind": "adam", "learning_rate": 1e-3},
    )  # fmt: skip
    outcome = train(recipe, tmp_path / "run")
    learnt = load(outcome.weights).card.scores["maps"]["rmse"]
    protocol = find_depth_protocol("registered-bicubic")
    pairs = validation_pairs(maps, find("svlrm-plus"), 4, protocol)
    solved = [protocol.score(pair.guide[3:], pair).rmse for pair in pairs]
    assert learnt < sum(solved) / len(solved)


def test_depth_alone_is_supervised_at_four_outputs(tmp_path):
    maps = make_depth(tmp_path / "maps")
    recipe = make_recipe(
        tmp_path, network="dsdmsr", scale=8, patch=4, batch=2, steps=2, log_every=1,
        data={"kind": "depth", "folders": [str(maps)]},
        validate={"sets": [str(maps)], "protocol": "registered-bicubic", "every": 2},
        optimiser={"kind": "adam", "learning_rate": 1e-3},
    )  # fmt: skip
    train(recipe, tmp_path / "run")
    assert set(log_of(tmp_path / "run")[0]["terms"]) == {
        "mse/1-x2", "mse/2-x4", "mse/3-x8", "mse/4-x8",
    }  # fmt: skip


def test_pairs_in_two_folders(tmp_path):
    from superfine.ops.resize import imresize_uint8

    photos = make_photos(tmp_path / "hr")
    (tmp_path / "lr").mkdir()
    for path in photos.iterdir():
        hr = torch.from_numpy(np.array(PillowImage.open(path))).permute(2, 0, 1)
        lr = imresize_uint8(hr, scale=1 / 2).permute(1, 2, 0).contiguous().numpy()
        PillowImage.fromarray(lr).save(tmp_path / "lr" / f"{path.stem}x2.png")
    data = {"kind": "pairs", "hr": str(photos), "lr": str(tmp_path / "lr")}
    recipe = make_recipe(photos, data=data, steps=20)
    assert train(recipe, tmp_path / "run").finished
    files = json.loads((tmp_path / "run" / "data.json").read_text())
    assert len(files) == 6


def test_files_that_are_left_out_are_not_read(photos, tmp_path):
    folder = make_photos(tmp_path / "train")
    (folder / "1.png").write_bytes(b"no picture")
    data = {"kind": "pictures", "folders": [str(folder)], "leave_out": ["1.png"]}
    train(make_recipe(photos, data=data, steps=2), tmp_path / "run")
    files = json.loads((tmp_path / "run" / "data.json").read_text())
    assert [Path(file["path"]).name for file in files] == ["0.png", "2.png"]
    gone = make_recipe(photos, data=data | {"leave_out": ["302003.jpg"]}, steps=2)
    with pytest.raises(RecipeError, match=r"no file of data\.folders is called '302003\.jpg'"):
        train(gone, tmp_path / "other")


def test_the_samples_are_shrunk_as_their_folder_says(photos, tmp_path):
    from superfine.training.sources import make_source

    small = make_photos(tmp_path / "small", count=1)
    data = {"kind": "pictures", "folders": [str(photos), str(small)]}
    recipe = make_recipe(photos, data=data | {"shrink_in": {"small": [0.5, 0.5]}}, patch=4)
    plain = make_recipe(photos, data=data | {"folders": [str(photos)]}, patch=4)
    spec = find("fsrcnn-small")
    extra = make_source(recipe, spec).count(2) - make_source(plain, spec).count(2)
    assert extra == 2 * (36 // 2 - 3) * (42 // 2 - 3)


def test_the_memory_of_a_long_run_stays_flat(photos):
    """Ten thousand batches and a thousand steps; `make bench-training` runs ten thousand steps."""
    import resource

    from superfine.models import find
    from superfine.training.feed import batches, make_schedule
    from superfine.training.processes import Place
    from superfine.training.sources import make_source

    recipe = make_recipe(photos, steps=10**6)
    source, schedule = make_source(recipe, find("fsrcnn-small")), make_schedule(recipe, Place())
    learner = Learner(recipe, find("fsrcnn-small"), torch.device("cpu"), Place())
    feed = batches(source, schedule, start=0, steps=10**6, workers=0, pin=False)

    def go(steps, *, learn):
        for _ in range(steps):
            batch = next(feed)
            if learn:
                learner.step(batch, 2)
                learner.progress.tally.settle()

    go(200, learn=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    go(800, learn=True)
    go(9000, learn=False)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096  # KiB


def test_the_loop_reads_no_clock_into_the_weights(photos, tmp_path, monkeypatch):
    """What depends on the hour stands under `machine` in the log and nowhere else."""
    recipe = make_recipe(photos, steps=10)
    train(recipe, tmp_path / "a")
    monkeypatch.setattr(journal.time, "monotonic", lambda: 12345.0)
    train(recipe, tmp_path / "b")
    assert weights_of(tmp_path / "a") == weights_of(tmp_path / "b")
