"""Methods on sets of maps: the row of bicubic, the columns, the sets, what is refused."""

import json
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from superfine.benchmark.depth import find_depth_protocol, validation_pairs
from superfine.benchmark.depth_suite import run_depth_benchmark, scenes_of
from superfine.benchmark.metric import DEPTH_COLUMNS
from superfine.benchmark.report import DepthGallery, write_report
from superfine.errors import UnknownNameError, UsageError
from superfine.models import find

REGISTERED = "registered-bicubic"
CODES = find_depth_protocol(REGISTERED)
CENTIMETRES = find_depth_protocol("nyu-dkn")


def make_set(folder, *, guide=True, count=2):
    """Walls with a step that the photo shows."""
    for i in range(count):
        y, x = np.mgrid[:48, :64]
        step = x > 30 + 6 * np.sin(y / (5 + i))
        for kind, codes in (
            ("depth", (1000 + 8 * x + 2500 * step).astype(np.uint16)),
            ("guide", np.where(step, 200, 60)[..., None].repeat(3, 2).astype(np.uint8)),
        ):
            if kind == "depth" or guide:
                (folder / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(codes).save(folder / kind / f"{i}.png")
    return folder


def means(found, model):
    (cell,) = [cell for cell in found.cells if cell.model == model]
    return {name: cell.mean(name) for name in found.metrics}


def test_bicubic_comes_first_and_a_guide_that_shows_the_edge_beats_it(tmp_path):
    folder = make_set(tmp_path / "walls")
    found = run_depth_benchmark(
        ["guided-diffusion", "nearest"], [str(folder)], protocol=REGISTERED, scales=[4]
    )
    assert [cell.model for cell in found.cells] == ["bicubic", "guided-diffusion", "nearest"]
    assert found.metrics == tuple(column.name for column in DEPTH_COLUMNS)
    bicubic, ours, nearest = (means(found, cell.model) for cell in found.cells)
    for column in ("rmse", "mae", "edge-rmse", "flying"):
        assert ours[column] < 0.5 * bicubic[column]
    assert ours["lr-residual"] < 1e-2
    assert nearest["rmse"] > bicubic["rmse"]


def test_errors_of_edges_and_of_the_rest_make_up_the_whole(tmp_path):
    folder = make_set(tmp_path / "walls", count=1)
    found = run_depth_benchmark([], [str(folder)], protocol=REGISTERED, scales=[4])
    values = means(found, "bicubic")
    assert values["flat-rmse"] < values["rmse"] < values["edge-rmse"]


def test_the_protocol_decides_where_samples_lie(tmp_path):
    folder = make_set(tmp_path / "walls")

    def bicubic(protocol):
        found = run_depth_benchmark([], [str(folder)], protocol=protocol, scales=[4])
        return means(found, "bicubic")["rmse"]

    assert bicubic("direct-last") > 1.4 * bicubic(REGISTERED)


def test_samples_given_as_they_are_float_nowhere(tmp_path):
    folder = make_set(tmp_path / "walls")
    found = run_depth_benchmark(["nearest"], [str(folder)], protocol="direct-last", scales=[4])
    assert means(found, "nearest")["flying"] == 0
    assert means(found, "bicubic")["flying"] > 10


def test_what_cannot_be_measured_is_said(tmp_path):
    bare = make_set(tmp_path / "bare", guide=False)
    run_depth_benchmark(["nearest"], [str(bare)], protocol=REGISTERED, scales=[4])
    with pytest.raises(UsageError, match="needs photos; bare has none"):
        run_depth_benchmark(["guided-filter"], [str(bare)], protocol=REGISTERED, scales=[4])
    with pytest.raises(UsageError, match="no folder of depth maps") as caught:
        scenes_of("nowhere", CODES)
    assert "middlebury-30" in caught.value.hint
    with pytest.raises(UnknownNameError):
        run_depth_benchmark([], [str(bare)], protocol="registered-cubic", scales=[4])
    with pytest.raises(UnknownNameError):
        run_depth_benchmark(["svlrm-large"], [str(bare)], protocol=REGISTERED, scales=[4])


@pytest.mark.data
def test_a_published_set_is_measured_in_the_codes_of_its_files(data_root):
    label, scenes = scenes_of(f"7-scenes={data_root / 'depth/7scenes'}", CODES)
    scene = next(scenes)
    assert label == "7-scenes"
    assert float(scene.values[scene.valid].min()) > 300  # millimetres
    assert scene.guide.shape == (3, 480, 640)


@pytest.mark.data
@pytest.mark.parametrize(("scale", "rmse"), [(4, 3.42), (8, 5.64), (16, 9.36)])
def test_nyu_is_counted_in_centimetres_and_shaved(data_root, tmp_path, scale, rmse):
    """Three frames in the layout of DKN's arrays, against figures measured with Pillow."""
    source = data_root / "depth/NYUv2_3"
    maps = np.stack([np.load(path) for path in sorted((source / "depth").iterdir())])
    photos = np.stack([np.asarray(Image.open(p)) for p in sorted((source / "rgb").iterdir())])
    high, low = (f(maps, axis=(1, 2)) for f in (np.max, np.min))
    stretched = (maps - low[:, None, None]) / (high - low)[:, None, None]
    np.save(tmp_path / "test_depth.npy", stretched.astype(np.float32))
    np.save(tmp_path / "test_images_v2.npy", (photos / 255).astype(np.float32))
    np.save(tmp_path / "test_minmax.npy", np.stack([high, low]).astype(np.float32))
    found = run_depth_benchmark(
        [], [f"nyu-dkn-test={tmp_path}"], protocol="nyu-dkn", scales=[scale]
    )
    assert means(found, "bicubic")["rmse"] == pytest.approx(rmse, abs=0.01)


def test_centimetres_need_metres(tmp_path):
    folder = make_set(tmp_path / "walls")
    with pytest.raises(UsageError, match="counts centimetres"):
        scenes_of(str(folder), CENTIMETRES)
    with pytest.raises(UsageError, match="counts centimetres"):
        validation_pairs(folder, find("dsdmsr"), 4, CENTIMETRES)


@pytest.mark.data
def test_the_fingerprint_of_the_middlebury_maps(data_root):
    """docs/protocols.md: 3.98 at x8; the diffusion at 1.93, far below the 2.55 asked of it."""
    folder = data_root / "depth/Middlebury30"
    found = run_depth_benchmark(
        ["guided-diffusion"], [f"middlebury-30={folder}"], protocol=REGISTERED, scales=[8]
    )
    assert len(found.cells[0].pictures) == 30
    assert means(found, "bicubic")["rmse"] == pytest.approx(3.98, abs=0.01)
    assert means(found, "guided-diffusion")["rmse"] < 2.0
    assert means(found, "guided-diffusion")["flying"] < 4
    assert found.cells[0].published["rmse"].value == pytest.approx(3.98)


def test_a_report_shows_maps_in_colours_and_counts_errors_downwards(tmp_path):
    folder = make_set(tmp_path / "walls", count=3)
    gallery = DepthGallery()
    found = run_depth_benchmark(
        ["guided-diffusion"], [str(folder)], protocol=REGISTERED, scales=[4], on_output=gallery.add
    )
    write_report(found, gallery, tmp_path / "page.html", overwrite=False)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert CODES.about.split(":")[0] in text
    assert "RMSE within 3 pixels of a depth edge." in text
    plot = json.loads(re.search(r'id="plot-data">(.*?)</script>', text, re.DOTALL)[1])
    assert (plot["quality"], plot["higher"]) == ("RMSE", False)
    assert "Nothing above the line" in text
    ((group, scenes),) = gallery.scenes().items()
    assert group == ("walls", 4)
    assert len(scenes) == 3
    for scene in scenes:
        assert [shot.model for shot in scene.shots] == ["bicubic", "guided-diffusion"]
        bicubic, ours = scene.shots
        assert ours.error < 0.5 * bicubic.error
        assert ours.residual.lr_psnr > bicubic.residual.lr_psnr
        # The step of the truth and of the result have the two ends of one range of colours.
        truth, shown = (
            np.array(Image.open(BytesIO(x))).astype(int) for x in (scene.truth, ours.region)
        )
        assert truth.shape == shown.shape == (48, 48, 3)
        assert np.abs(truth[:, -4:] - shown[:, -4:]).mean() < 12
        assert np.abs(truth[:, 0] - truth[:, -1]).max() > 50
    assert text.count('class="scene"') == 3


def test_only_the_hardest_maps_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("superfine.benchmark.report.depth_gallery.KEPT", 2)
    folder = make_set(tmp_path / "walls", count=4)
    gallery = DepthGallery()
    found = run_depth_benchmark(
        ["nearest"], [str(folder)], protocol=REGISTERED, scales=[4], on_output=gallery.add
    )
    (scenes,) = gallery.scenes().values()
    worst = sorted(scene.loss for scene in scenes)
    assert len(scenes) == 2
    assert all(len(scene.shots) == 2 for scene in scenes)
    everything = DepthGallery()
    monkeypatch.setattr("superfine.benchmark.report.depth_gallery.KEPT", 16)
    run_depth_benchmark(
        ["nearest"], [str(folder)], protocol=REGISTERED, scales=[4], on_output=everything.add
    )
    (all_of_them,) = everything.scenes().values()
    assert worst == sorted(scene.loss for scene in all_of_them)[-2:]
    assert len(found.cells[0].pictures) == 4
