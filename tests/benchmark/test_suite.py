"""Models on sets at scales: the numbers, what stands beside them, and what is refused."""

import math
import shutil
from dataclasses import replace

import pytest
import torch
from PIL import Image as PillowImage

from superfine.benchmark.measure import measure, measure_each
from superfine.benchmark.metric import METRICS
from superfine.benchmark.protocol import find_protocol
from superfine.benchmark.resizes import MATLAB, to_codes
from superfine.benchmark.suite import run_benchmark
from superfine.card import SHIPPED
from superfine.checkpoints import load_model
from superfine.data.folders import read_all
from superfine.errors import SizeMismatchError, UnknownNameError, UsageError
from superfine.ops.views import self_ensemble
from tests.benchmark.desk import make_set


@pytest.fixture
def photos(tmp_path):
    return make_set(tmp_path / "photos")


def test_the_mean_is_that_of_the_function_training_uses(photos):
    found = run_benchmark(["fsrcnn"], [str(photos)], scales=(2, 3))
    for cell in found.cells:
        model = load_model("fsrcnn", scale=cell.scale)
        protocol = find_protocol("y-matlab")
        pictures = read_all([photos])
        mean = measure(model.network, model.spec, pictures, scale=cell.scale, protocol=protocol)
        # The order of the channels in memory decides the last bits, and so a code here and there.
        assert cell.mean("psnr") == pytest.approx(mean.psnr, abs=2e-3)
        assert cell.mean("ssim") == pytest.approx(mean.ssim, abs=2e-5)
        assert [picture.picture for picture in cell.pictures] == ["0", "1", "2"]


def test_every_choice_is_named(photos):
    (cell,) = run_benchmark(["fsrcnn"], [str(photos)], scales=(4,), protocol="y-rgb").cells
    model = load_model("fsrcnn", scale=4)
    assert (cell.model, cell.architecture, cell.weights) == ("fsrcnn", "fsrcnn", model.card.sha256)
    assert (cell.data_set, cell.scale, cell.protocol) == ("photos", 4, "y-rgb")
    assert (cell.lr, cell.self_ensemble, cell.published) == ("matlab-8bit", False, {})


def test_without_a_scale_each_model_runs_at_those_it_has(photos):
    cells = run_benchmark(["fsrcnn-x3", "bicubic"], [str(photos)]).cells
    assert [(c.model, c.scale) for c in cells] == [
        ("fsrcnn-x3", 3), ("bicubic", 2), ("bicubic", 3), ("bicubic", 4),
    ]  # fmt: skip


def test_a_file_goes_by_its_name_unless_two_are_called_so(photos, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(SHIPPED / "fsrcnn-x2.safetensors", tmp_path / folder / "mine.safetensors")
    first, second = (tmp_path / folder / "mine.safetensors" for folder in "ab")
    (cell,) = run_benchmark([first], [str(photos)], scales=(2,)).cells
    assert cell.model == "mine.safetensors"
    cells = run_benchmark([first, first, second], [str(photos)], scales=(2,)).cells
    assert [cell.model for cell in cells] == [str(first), str(second)]


def test_a_scale_the_model_has_not_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(UsageError, match="fsrcnn has no weights for x8"):
        run_benchmark(["fsrcnn"], [str(make_set(tmp_path / "p"))], scales=(2, 8))


def test_bicubic_is_the_protocols_own(photos):
    for name in ("y-matlab", "seed-zoo", "y-rgb", "rgb-div2k", "seed-holopix"):
        protocol = find_protocol(name)
        (cell,) = run_benchmark(["bicubic"], [str(photos)], scales=(2,), protocol=name).cells
        scores = []
        for picture in read_all([photos]):
            hr = protocol.crop(picture, 2)
            sr = protocol.bicubic(protocol.lr(hr, 2), 2)
            scores.append(protocol.score(sr, hr, 2).psnr)
        assert [p.values["psnr"] for p in cell.pictures] == pytest.approx(scores, abs=1e-9), name


def test_a_self_ensemble_is_the_mean_of_eight_views(photos):
    (cell,) = run_benchmark(["fsrcnn"], [str(photos)], scales=(2,), self_ensemble=True).cells
    model = load_model("fsrcnn", scale=2)

    class Ensemble(torch.nn.Module):
        forward = staticmethod(self_ensemble(model.network))

    protocol, pictures = find_protocol("y-matlab"), read_all([photos])
    each = measure_each(Ensemble(), model.spec, pictures, scale=2, protocol=protocol)
    ours = [p.values["psnr"] for p in cell.pictures]
    assert ours == pytest.approx([score.psnr for score in each], abs=2e-3)
    assert cell.self_ensemble


def test_results_and_progress_come_in_order(photos):
    progress, results = [], []
    run_benchmark(
        ["bicubic", "fsrcnn"],
        [str(photos)],
        scales=(2,),
        on_progress=lambda done, total: progress.append((done, total)),
        on_output=lambda model, data_set, output, protocol, values: results.append(
            (model, data_set, output.picture, protocol.name, set(values))
        ),
    )
    assert progress == [(n, 6) for n in range(1, 7)]
    assert results == [
        (model, "photos", picture, "y-matlab", {"psnr", "ssim"})
        for model in ("bicubic", "fsrcnn")
        for picture in "012"
    ]


def test_lr_pictures_are_made_once_for_all_models(photos):
    shrunk = []

    def counting(hr, scale):
        shrunk.append(hr.shape)
        return MATLAB.shrink(hr, scale)

    protocol = replace(find_protocol("y-matlab"), resize=replace(MATLAB, shrink=counting))
    run_benchmark(["fsrcnn", "fsrcnn-x2"], [str(photos)], scales=(2,), protocol=protocol)
    assert len(shrunk) == 3


@pytest.mark.parametrize("inner", ["", "X2"])
def test_lr_pictures_of_a_folder_are_taken_as_they_are(photos, tmp_path, inner):
    protocol = find_protocol("y-rgb")
    folder = tmp_path / "lr" / inner
    folder.mkdir(parents=True)
    for index, picture in enumerate(read_all([photos])):
        codes = to_codes(protocol.lr(protocol.crop(picture, 2), 2)).permute(1, 2, 0).numpy()
        PillowImage.fromarray(codes.squeeze()).save(folder / f"{index}x2.png")
    made = run_benchmark(["fsrcnn"], [str(photos)], scales=(2,), protocol="y-rgb").cells[0]
    (read,) = run_benchmark(
        ["fsrcnn"], [str(photos)], scales=(2,), protocol="y-rgb", lr=tmp_path / "lr"
    ).cells
    assert read.lr == str(tmp_path / "lr")
    assert [p.values for p in read.pictures] == [p.values for p in made.pictures]


def test_lr_pictures_that_are_missing_or_of_another_size_are_refused(photos, tmp_path):
    folder = tmp_path / "lr"
    folder.mkdir()
    for index in range(3):
        PillowImage.new("RGB", (30, 23)).save(folder / f"{index}.png")
    with pytest.raises(SizeMismatchError, match="is 30x23, but the truth cut to multiples of 2"):
        run_benchmark(["fsrcnn"], [str(photos)], scales=(2,), lr=folder)
    (folder / "2.png").unlink()
    with pytest.raises(UsageError, match=r"2\.png has no LR picture of scale 2"):
        run_benchmark(["fsrcnn"], [str(photos)], scales=(2,), lr=folder)
    with pytest.raises(UsageError, match="belong to one set"):
        run_benchmark(["fsrcnn"], [str(photos), "set5"], scales=(2,), lr=folder)


def test_a_set_that_is_not_whole_is_set_beside_nothing(tmp_path):
    make_set(tmp_path / "Set5", count=2)
    (cell,) = run_benchmark(["bicubic"], ["set5"], scales=(2,), root=tmp_path).cells
    assert cell.published == {}
    assert cell.verdict is None
    assert "Set5 has 5 pictures" in cell.notes[0]


def test_a_whole_set_is_set_beside_the_published_figure_and_explained(tmp_path):
    make_set(tmp_path / "Set5", count=5)
    (cell,) = run_benchmark(["bicubic"], ["set5"], scales=(2,), root=tmp_path).cells
    assert cell.published["psnr"].printed == "33.66"
    assert cell.published["psnr"].protocol == "y-matlab"
    assert cell.difference("psnr") == pytest.approx(cell.mean("psnr") - 33.66)
    # These are other pictures, so that no mistake explains it.
    assert cell.verdict is not None
    assert cell.verdict.ours == pytest.approx(cell.mean("psnr"), abs=1e-6)


def test_a_slow_network_is_not_run_again_to_explain_it(tmp_path, monkeypatch):
    make_set(tmp_path / "Set5", count=5)
    monkeypatch.setattr("superfine.benchmark.suite._RUN_AGAIN_UP_TO", 0.0)
    (cell,) = run_benchmark(["bicubic"], ["set5"], scales=(2,), root=tmp_path).cells
    assert cell.verdict is not None
    assert cell.verdict.cause == ""
    assert "was not tried" in cell.notes[-1]


def test_a_metric_that_small_pictures_have_not_is_missing_not_wrong(photos):
    (cell,) = run_benchmark(["bicubic"], [str(photos)], scales=(2,), metrics=("ms-ssim",)).cells
    assert [picture.values for picture in cell.pictures] == [{}, {}, {}]
    assert math.isnan(cell.mean("ms-ssim"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"models": ["fsrcn"]}, "Did you mean 'fsrcnn'"),
        ({"data": ["set6"]}, "Did you mean"),
        ({"protocol": "y-matlba"}, "Did you mean 'y-matlab'"),
        ({"metrics": ["pnsr"]}, "Did you mean 'psnr'"),
    ],
)
def test_what_nobody_knows_is_named_with_the_nearest(photos, arguments, said):
    given = {"models": ["bicubic"], "data": [str(photos)], **arguments}
    with pytest.raises(UnknownNameError, match=said):
        run_benchmark(given.pop("models"), given.pop("data"), **given)


def test_metrics_have_names_of_their_own():
    assert len({metric.name for metric in METRICS}) == len(METRICS)


# The SelfExSR tables, column "bicubic": set, scale -> PSNR, SSIM, IFC, and the digits they have.
SEED_ZOO = {
    ("set5", 2): ("33.6404", "0.9292", "5.7156"),
    ("set5", 3): ("30.3864", "0.8678", "3.4528"),
    ("set5", 4): ("28.4177", "0.8101", "2.2787"),
    ("set14", 2): ("30.22", "0.8683", "5.74"),
    ("set14", 3): ("27.53", "0.7737", "3.33"),
    ("set14", 4): ("25.99", "0.7023", "2.18"),
    ("bsd100", 2): ("29.55", "0.8425", "5.2583"),
    ("bsd100", 3): ("27.20", "0.7382", "3.0034"),
    ("bsd100", 4): ("25.96", "0.6672", "1.9076"),
}
# Picture by picture: baby bird butterfly head woman.
SEED_ZOO_SET5 = {
    2: {
        "psnr": (37.026, 36.773, 27.430, 34.838, 32.135),
        "ssim": (0.9510, 0.9715, 0.9149, 0.8618, 0.9468),
        "ifc": (5.920, 6.027, 5.808, 5.286, 5.537),
    },
    3: {
        "psnr": (33.900, 32.572, 24.038, 32.862, 28.560),
        "ssim": (0.9035, 0.9253, 0.8214, 0.7994, 0.8892),
        "ifc": (3.613, 3.748, 3.484, 3.068, 3.351),
    },
    4: {
        "psnr": (31.771, 30.175, 22.099, 31.579, 26.465),
        "ssim": (0.8563, 0.8727, 0.7368, 0.7531, 0.8315),
        "ifc": (2.413, 2.456, 2.318, 1.972, 2.234),
    },
}
SEED_ZOO_SET14 = {
    2: (24.858, 27.996, 26.570, 29.122, 26.014, 34.810, 30.356, 34.132, 34.677, 29.238, 32.925,
        34.942, 26.802, 30.639),
    3: (23.209, 26.248, 24.402, 26.549, 23.113, 32.801, 27.225, 31.175, 31.671, 27.002, 29.424,
        32.371, 23.645, 26.623),
    4: (22.437, 25.145, 23.146, 25.479, 21.691, 31.548, 25.519, 29.411, 29.829, 25.691, 27.456,
        30.580, 21.916, 24.059),
}  # fmt: skip
TOLERANCE = {"psnr": 1e-3, "ssim": 1e-4, "ifc": 1e-3}


@pytest.mark.data
@pytest.mark.parametrize(("data_set", "scale"), SEED_ZOO)
def test_the_bicubic_table_of_selfexsr(data_root, data_set, scale):
    (cell,) = run_benchmark(
        ["bicubic"],
        [data_set],
        scales=(scale,),
        protocol="seed-zoo",
        metrics=tuple(TOLERANCE),
        root=data_root,
    ).cells
    for (metric, tolerance), printed in zip(
        TOLERANCE.items(), SEED_ZOO[data_set, scale], strict=True
    ):
        # Where the table has fewer digits than the tolerance, its own last one decides.
        half = 0.5 * 10.0 ** -len(printed.partition(".")[2])
        assert cell.mean(metric) == pytest.approx(float(printed), abs=max(tolerance, half + 1e-4))
    each = {metric: [p.values[metric] for p in cell.pictures] for metric in TOLERANCE}
    if data_set == "set5":
        for metric, expected in SEED_ZOO_SET5[scale].items():
            assert each[metric] == pytest.approx(expected, abs=TOLERANCE[metric]), metric
    if data_set == "set14":
        # The table goes by another order of names.
        assert sorted(each["psnr"]) == pytest.approx(sorted(SEED_ZOO_SET14[scale]), abs=1e-3)
