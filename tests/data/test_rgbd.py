"""Made-up scenes: the same every time, exact where they say so, and full of what is hard."""

import hashlib
import json
import subprocess
import sys
from dataclasses import astuple, replace

import numpy as np
import pytest
import torch

from superfine.cli import main
from superfine.data.depth import scenes_in
from superfine.data.rgbd import render, scene, shapes
from superfine.data.rgbd.compose import FARTHEST, World, compose
from superfine.data.rgbd.dice import Dice, even_field, normal_field
from superfine.data.rgbd.folder import (
    CODES_PER_METRE,
    CODES_PER_PIXEL,
    FOCAL_TIMES_BASELINE,
    synthesize,
)
from superfine.data.rgbd.render import look
from superfine.data.rgbd.sensor import sensed
from superfine.data.rgbd.shapes import NEAREST, Outline, Shape, nearest
from superfine.data.rgbd.texture import TABLE, Skin, colour_of
from superfine.errors import OutputError, UsageError
from superfine.io.depth import read_depth

SIZE = (64, 48)
TABLE_OF_NOISE = even_field(3, 0, 0, (TABLE, TABLE)).astype(np.float32)
BASELINE = 0.075


def skin(*colour: float, pattern="plain", wavelength=1.0) -> Skin:
    """Without light and shade, so that what is seen is the colour alone."""
    colours = np.array([colour or (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)])
    return Skin(pattern, colours, wavelength, 0.0, np.zeros(2), 0.0, 0.0, relief=0.0)


def shape(kind, *, centre=(0, 0, 3), half=(1, 1, 1), axes=None, look=None, edge="rectangle"):
    axes = np.eye(3) if axes is None else axes
    where, size = np.array(centre, float), np.array(half, float)
    return Shape(kind, where, axes, size, look or skin(), Outline(edge))


def turned(seed: int) -> np.ndarray:
    """Three random directions at right angles."""
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return axes


def rays(width=60, height=40, reach=0.6) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(-reach, reach, width)[None, None]
    return x, np.linspace(-reach, reach, height)[None, :, None]


def world(*things: Shape, width=1.0) -> World:
    return World("sheets", things, 3.0, width, np.array([1.0, -2.0, 0.0]), 0.5, np.ones(3), 0, 0)


def digest(made) -> str:
    parts = (made.depth.values, made.guide, made.sensed().values)
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()


def test_a_scene_is_a_function_of_its_numbers_alone():
    """In another order, after other randomness, and in another process."""
    first = [digest(scene(5, i, SIZE)) for i in (0, 7, 2**39)]
    np.random.seed(1)
    torch.manual_seed(2)
    assert [digest(scene(5, i, SIZE)) for i in (2**39, 7, 0)] == first[::-1]
    program = (
        "import hashlib; from superfine.data.rgbd import scene; m = scene(5, 7, (64, 48));"
        "parts = (m.depth.values, m.guide, m.sensed().values);"
        "print(hashlib.sha256(b''.join(p.numpy().tobytes() for p in parts)).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert other.stdout.decode().strip() == first[1]


def test_seeds_and_indices_give_other_scenes():
    found = {digest(scene(seed, index, (16, 16))) for seed in (0, 1) for index in (0, 1, 2)}
    assert len(found) == 6


def test_a_scene_is_what_it_promises():
    for index in range(8):
        made = scene(11, index, SIZE)
        assert made.guide.shape == (3, 48, 64)
        assert made.guide.dtype == torch.uint8
        assert made.depth.unit == "metre"
        assert bool(made.depth.valid.all())
        assert bool((made.depth.values > 0).all())
        assert float(made.depth.values.max()) <= FARTHEST
        assert float(made.guide.double().std()) > 5
        assert made.facts["nearest_m"] == pytest.approx(float(made.depth.values.min()), abs=1e-4)


def test_a_larger_picture_shows_the_same_depth():
    """Depth is sampled in the middle of a pixel, which of 3x3 smaller ones is the middle one."""
    for index in range(4):
        small = scene(2, index, SIZE).depth
        large = scene(2, index, (3 * SIZE[0], 3 * SIZE[1])).depth
        assert torch.equal(large.values[:, 1::3, 1::3], small.values)
        assert astuple(small.intrinsics.resized(3, 3)) == pytest.approx(astuple(large.intrinsics))


# What each unit shape is, from its definition: negative inside.
INSIDE = {
    "box": lambda p: np.abs(p).max(axis=0) - 1,
    "ball": lambda p: np.sqrt((p * p).sum(axis=0)) - 1,
    "rod": lambda p: np.maximum(np.hypot(p[0], p[1]), np.abs(p[2])) - 1,
}


@pytest.mark.parametrize("kind", INSIDE)
@pytest.mark.parametrize("seed", range(4))
def test_rays_meet_solids_where_walking_along_them_does(kind, seed):
    rng = np.random.default_rng(seed)
    solid = shape(
        kind, centre=(*rng.uniform(-0.3, 0.3, 2), 3), half=rng.uniform(0.3, 0.9, 3),
        axes=turned(seed),
    )  # fmt: skip
    x, y = rays()
    depth, which = nearest([solid], x, y)
    into, eye = solid.frame()
    # A ray is walked in steps of 5 mm until it is inside.
    step = 0.005
    z = np.arange(1.0, 5.0, step)
    ray = np.stack([np.broadcast_to(part, depth.shape[1:]) for part in (x[0], y[0], 1.0)])
    along = np.einsum("ij,jhw->ihw", into, ray)
    inside = INSIDE[kind](along[..., None] * z + eye[:, None, None, None]) < 0
    met, first = inside.any(axis=-1), z[inside.argmax(axis=-1)]
    hit = np.isfinite(depth[0])
    assert met.sum() > 50
    assert hit[met].all()
    assert (hit & ~met).mean() < 0.02  # what is thinner than a step
    assert np.all(np.abs((first - depth[0])[met]) <= step + 1e-9)
    assert np.array_equal(which[0] == 0, hit)


def test_a_slanted_plane_is_exact():
    facing = np.array([0.3, -0.2, 1.0])
    facing /= np.linalg.norm(facing)
    axes = np.stack([*np.linalg.svd(facing[None])[2][1:], facing])
    x, y = rays()
    depth, _ = nearest([shape("plane", axes=axes)], x, y)
    expected = facing[2] * 3 / (facing[0] * x + facing[1] * y + facing[2])
    assert depth == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("edge", "share"),
    [("rectangle", 1.0), ("disc", np.pi / 4), ("ring", np.pi / 4 * 0.75), ("bars", 2 / 3)],
)
def test_boards_are_cut_out_as_their_outline_says(edge, share):
    """Of a board that fills the view; a ring of half its radius; two bars of half their pitch."""
    board = shape("board", half=(3, 3, 1e-6), edge=edge)
    board = replace(board, outline=replace(board.outline, count=2, solid=0.5))
    x, y = rays(width=601, height=601, reach=1)
    depth, _ = nearest([board], x, y)
    assert np.isfinite(depth).mean() == pytest.approx(share, abs=0.01)


def test_blobs_stay_on_their_board():
    outline = Outline("blob", waves=(0.2, 0.1, 0.1), phases=(0.0, 1.0, 4.0))
    board = replace(shape("board", half=(1, 1, 1e-6)), outline=outline)
    depth, _ = nearest([board], *rays(width=201, height=201, reach=0.5))
    assert 0.1 < np.isfinite(depth).mean() < 0.5
    assert not np.isfinite(depth[:, 0]).any()


def test_looking_only_where_a_shape_can_be_changes_nothing(monkeypatch):
    for index in range(6):
        made = compose(Dice(4, index), aspect=0.75)
        x, y = rays(reach=made.width / 2)
        bounded = nearest(made.shapes, x, y)
        with monkeypatch.context() as patch:
            patch.setattr(shapes, "window", lambda *_: (slice(0, 40), slice(0, 60)))
            whole = nearest(made.shapes, x, y)
        assert np.array_equal(bounded[0], whole[0])


def test_colour_is_averaged_over_a_pixel_and_depth_is_not():
    wall = shape("plane", centre=(0, 0, 4), look=skin(0.1, 0.1, 0.1))
    board = shape(
        "board", centre=(0, 0, 2), half=(0.51, 0.43, 1e-6),
        look=skin(0.9, 0.9, 0.9),
    )  # fmt: skip
    board = replace(board, axes=np.array([[0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 1.0]]))
    view = look(world(wall, board), 80, 80, TABLE_OF_NOISE)
    assert sorted(np.unique(view.depth)) == [2, 4]
    light = view.light[..., 0]
    low, high = light.min(), light.max()
    mixed = (light > low + 0.05 * (high - low)) & (light < high - 0.05 * (high - low))
    # About one pixel for each of the edge of 4 * (0.51 + 0.43) / 2 * 80 pixels.
    assert 0.5 * 150 < mixed.sum() < 2 * 150
    covered = ((light - low) / (high - low)).mean()
    assert covered == pytest.approx(0.51 * 0.43, rel=0.01)


def test_shadows_are_edges_of_colour_alone():
    wall = shape("plane", centre=(0, 0, 3), look=replace(skin(), relief=1.0))
    ball = shape("ball", centre=(0.25, -0.4, 2), half=(0.2, 0.2, 0.2), look=skin())
    lit = look(world(wall), 60, 60, TABLE_OF_NOISE).light[..., 0]
    view = look(world(wall, ball), 60, 60, TABLE_OF_NOISE)
    darker = (view.depth == 3) & (view.light[..., 0] < 0.8 * lit)
    assert 20 < darker.sum() < 1000
    # The lamp is right above, so the shadow falls left below.
    rows, columns = np.nonzero(darker)
    seen = np.nonzero(view.depth < 3)
    assert rows.mean() > seen[0].mean()
    assert columns.mean() < seen[1].mean()


@pytest.mark.parametrize("pattern", ["cloud", "stripes", "checks", "bricks", "wood", "speckle"])
def test_patterns_fade_where_they_are_finer_than_a_pixel(pattern):
    at = np.random.default_rng(0).uniform(0, 30, (2, 4000)).astype(np.float32)
    look = skin(0, 0, 0, pattern=pattern)
    fine, coarse = (np.full(4000, size, np.float32) for size in (0.005, 3.0))
    near, far = (colour_of(look, *at, size, TABLE_OF_NOISE) for size in (fine, coarse))
    assert near.std() > 0.05
    assert far.std() < 0.8 * near.std()


def edges(field: np.ndarray, threshold: float) -> np.ndarray:
    return (
        np.abs(np.diff(field, axis=1))[:-1] + np.abs(np.diff(field, axis=0))[:, :-1]
    ) > threshold


def test_colour_and_depth_have_edges_of_their_own():
    """In a few scenes: edges of one with none of the other near, and some that both have."""
    only_colour = only_depth = both = 0
    for index in range(20):
        made = scene(1, index, SIZE)
        inverse = (1 / made.depth.values[0]).numpy()
        in_depth = edges(inverse / (inverse.max() - inverse.min()), 0.1)
        in_colour = edges(made.guide.double().mean(dim=0).numpy(), 16)
        only_colour += int((in_colour & ~in_depth).sum())
        only_depth += int((in_depth & ~in_colour).sum())
        both += int((in_depth & in_colour).sum())
    assert both > 500
    assert only_colour > both
    assert only_depth > 0.1 * both


def test_things_like_what_is_behind_them_are_there():
    facts = [scene(0, index, (16, 16)).facts for index in range(30)]
    assert {fact["layout"] for fact in facts} == {"room", "table", "sheets"}
    assert sum(fact["hidden_in_colour"] > 0 for fact in facts) > 10
    assert sum(fact["posters"] > 0 for fact in facts) > 10
    assert {kind for fact in facts for kind in fact["shapes"]} == {
        "plane", "board", "box", "ball", "rod"
    }  # fmt: skip


def flat(z: float, *, index=0, size=(120, 160)):
    depth, facing = np.full(size, z), np.ones(size)
    values, valid = sensed(depth, facing, 0 * facing, focal=140.0, seed=9, index=index)
    assert valid.mean() > 0.9
    assert not values[~valid].any()
    return values[valid]


@pytest.mark.parametrize("z", [1.0, 2.0, 4.0])
def test_noise_grows_as_the_papers_measured(z):
    values = flat(z)
    step = z * z / (140.0 * BASELINE * 8 / (160 / 640))
    expected = np.hypot(0.0012 + 0.0019 * (z - 0.4) ** 2, step / np.sqrt(12))
    assert values.std() == pytest.approx(expected, rel=0.1)
    assert values.mean() == pytest.approx(z, rel=0.002)


def test_depth_comes_in_steps_of_an_eighth_of_a_pixel_of_disparity():
    disparity = 140.0 * 4 * BASELINE / np.unique(flat(3.0))
    assert disparity * 8 == pytest.approx(np.rint(disparity * 8), abs=1e-9)
    assert len(disparity) < 20


def test_the_shadow_of_the_projector_is_left_of_near_things():
    size, focal = (20, 640), 560.0
    depth = np.full(size, 3.0)
    depth[:, 300:400] = 1.0
    _, valid = sensed(depth, np.ones(size), np.zeros(size), focal=focal, seed=1, index=0)
    measured = np.median(valid, axis=0) > 0
    width = focal * BASELINE * (1 / 1.0 - 1 / 3.0)  # 28 columns
    hidden = np.flatnonzero(~measured)
    assert hidden.min() == pytest.approx(300 - width, abs=1.5)
    assert hidden.max() == pytest.approx(299, abs=1.5)
    assert len(hidden) == pytest.approx(width, abs=2)


def test_the_sensor_sees_no_highlights_nothing_too_near_or_too_far():
    size = (40, 40)
    for z, glare, facing in ((0.2, 0.0, 1.0), (9.5, 0.0, 1.0), (2.0, 0.9, 1.0), (2.0, 0.0, 0.03)):
        fields = (np.full(size, value) for value in (z, facing, glare))
        _, valid = sensed(*fields, focal=40.0, seed=0, index=0)
        assert not valid.any()


def test_random_fields_are_even_and_normal():
    even, (one, other) = even_field(1, 2, 3, (200, 200)), normal_field(1, 2, 4, (200, 200))
    assert even.mean() == pytest.approx(0.5, abs=0.01)
    assert even.std() == pytest.approx(12**-0.5, abs=0.01)
    for field in (one, other):
        assert field.mean() == pytest.approx(0, abs=0.02)
        assert field.std() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02


@pytest.mark.parametrize(
    ("seed", "index", "size", "words"),
    [
        (0, 0, (8, 48), "8x48 pixels cannot be made"),
        (0, 0, (64, 5000), "64x5000"),
        (-1, 0, SIZE, "no scene 0 of seed -1"),
        (0, 2**40, SIZE, "no scene"),
    ],
)
def test_numbers_out_of_range_are_refused(seed, index, size, words):
    with pytest.raises(UsageError, match=words):
        scene(seed, index, size)


def make(out, *, count=2, size=(32, 24), seed=3, with_sensor=False, disparity=False):
    return synthesize(
        out, count=count, size=size, seed=seed, with_sensor=with_sensor, disparity=disparity,
        on_progress=lambda done, total: None,
    )  # fmt: skip


def contents(folder) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_folder_is_what_training_reads(tmp_path):
    make(tmp_path / "out", with_sensor=True)
    found = list(scenes_in(tmp_path / "out", guide_channels=3))
    assert [one.path.name for one in found] == ["000000.png", "000001.png"]
    for index, one in enumerate(found):
        made = scene(3, index, (32, 24))
        assert torch.equal(one.guide, made.guide)
        assert torch.equal(one.valid, made.sensed().valid)
        clean = read_depth(tmp_path / "out" / "clean" / one.path.name)
        assert clean.unit == "metre"
        assert clean.intrinsics == made.depth.intrinsics
        apart = (clean.values - made.depth.values).abs().max()
        assert float(apart) <= 0.5001 / CODES_PER_METRE
        facts = json.loads((tmp_path / "out" / "facts" / f"{index:06d}.json").read_text())
        assert facts == made.facts
    settings = json.loads((tmp_path / "out" / "rgbd.json").read_text())
    assert (settings["unit"], settings["codes_per_unit"], settings["hole"]) == ("metre", 5000, 0)


def test_maps_of_disparity_are_the_inverse_of_depth(tmp_path):
    make(tmp_path / "out", count=1, with_sensor=True, disparity=True)
    (one,) = scenes_in(tmp_path / "out", guide_channels=0)
    made = scene(3, 0, (32, 24))
    assert torch.equal(one.valid, made.sensed().valid)
    clean = read_depth(tmp_path / "out" / "clean" / "000000.png")
    assert clean.unit == "disparity_px"
    expected = FOCAL_TIMES_BASELINE / made.depth.values
    assert float((clean.values - expected).abs().max()) <= 0.5001 / CODES_PER_PIXEL
    settings = json.loads((tmp_path / "out" / "rgbd.json").read_text())
    assert (settings["unit"], settings["focal_times_baseline"]) == ("disparity_px", 50)


def test_all_that_can_be_seen_fits_into_16_bits():
    assert FARTHEST * CODES_PER_METRE < 65535
    assert FOCAL_TIMES_BASELINE / NEAREST * CODES_PER_PIXEL < 65535
    ball = shape("ball", centre=(0, 0, 0.4), half=(0.3, 0.3, 0.3))
    depth, _ = nearest([ball, shape("plane")], *rays())
    assert depth.min() >= NEAREST
    assert 3 in depth


def test_a_folder_goes_on_to_the_same_bytes(tmp_path):
    make(tmp_path / "whole", count=3)
    expected = contents(tmp_path / "whole")
    assert make(tmp_path / "parts", count=1).made == 1
    # As a kill would leave it: scene 1 without its facts, and half of a temporary file.
    make(tmp_path / "parts", count=2)
    (tmp_path / "parts" / "facts" / "000001.json").unlink()
    (tmp_path / "parts" / "guide" / "000001.png").unlink()
    again = make(tmp_path / "parts", count=3)
    assert (again.made, again.kept) == (2, 1)
    assert contents(tmp_path / "parts") == expected
    assert make(tmp_path / "parts", count=3).made == 0


def test_a_folder_is_never_filled_in_two_ways(tmp_path):
    make(tmp_path / "out", count=1)
    before = contents(tmp_path / "out")
    for other in ({"seed": 4}, {"size": (32, 25)}, {"with_sensor": True}, {"disparity": True}):
        with pytest.raises(OutputError, match=r"was begun with"):
            make(tmp_path / "out", **other)
    assert contents(tmp_path / "out") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match=r"holds other files"):
        make(tmp_path / "mine")
    (tmp_path / "out" / "rgbd.json").write_text("{")
    with pytest.raises(OutputError, match=r"damaged"):
        make(tmp_path / "out")
    with pytest.raises(OutputError, match=r"does not exist"):
        make(tmp_path / "no" / "such")


def test_the_command(tmp_path, capfd):
    out = str(tmp_path / "out")
    words = ["data", "synthesize", "rgbd", out, "--size", "32x24", "--count"]
    assert main([*words, "2"]) == 0
    stdout, stderr = capfd.readouterr()
    assert stdout == f"{out}\n"
    assert stderr == "superfine: 2 scenes made.\n"
    assert main([*words, "3", "--sensor"]) == 2
    assert "was begun with sensor False, not True" in capfd.readouterr().err
    assert main([*words, "0"]) == 2
    assert "0 scenes are none" in capfd.readouterr().err
    assert main(["data", "synthesize", "rgbd", out, "--size", "large"]) == 2
    assert "'large' is no size" in capfd.readouterr().err


def test_every_ray_of_a_pixel_lies_in_it():
    offsets = np.array(render._RAYS)
    assert tuple(offsets[0]) == (0, 0)
    assert np.abs(offsets).max() < 0.5
    assert offsets.mean(axis=0) == pytest.approx([0, 0])
