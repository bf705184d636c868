"""What depth networks are trained on: ranges, holes, guides, levels, and what is refused."""

import numpy as np
import pytest
import torch
from PIL import Image

from superfine.data.depth import depth_pairs_in, scenes_in
from superfine.data.source import PictureSource
from superfine.errors import PictureError, SizeMismatchError, UsageError
from superfine.ops.depth_lr import BICUBIC, BLOCK_MEAN, DEPTH_OPERATORS, DIRECT_LAST
from superfine.ops.guided_diffusion import guided_diffusion


def save(codes, path):
    """A grey or RGB picture file; 16 bits where `codes` has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(codes).save(path)


def scene_codes(seed=0, *, size=(24, 32), dtype=np.uint16):
    """A map without holes, and an RGB photo of it."""
    generator = np.random.default_rng(seed)
    largest = {np.uint8: 255, np.uint16: 5000}[dtype]
    return (
        generator.integers(largest // 5, largest, size, dtype=dtype),
        generator.integers(0, 256, (*size, 3), dtype=np.uint8),
    )


@pytest.fixture
def folder(tmp_path):
    for name, seed in (("b", 1), ("a", 0), ("c", 2)):
        depth, photo = scene_codes(seed)
        save(depth, tmp_path / "depth" / f"{name}.png")
        save(photo, tmp_path / "guide" / f"{name}.bmp")
    return tmp_path


def read_pairs(
    folder, *, scale=4, operator=BICUBIC, guide_channels=0, starts=False, levels=(), say=None
):
    return depth_pairs_in(
        [folder],
        scale=scale,
        operators=[operator],
        guide_channels=guide_channels,
        starts=starts,
        levels=levels,
        say=say,
    )


def test_a_map_is_stretched_to_its_own_range(folder):
    for seed, pair in enumerate(read_pairs(folder)):
        codes = scene_codes(seed)[0].astype(np.float64)  # sorted by name: a, b, c
        expected = (codes - codes.min()) / (codes.max() - codes.min())
        assert pair.hr[4].dtype == pair.lr.dtype == torch.float32
        assert pair.hr[4][0].numpy() == pytest.approx(expected, abs=1e-6)
        assert pair.guide is None


@pytest.mark.parametrize("operator", DEPTH_OPERATORS.values(), ids=lambda o: o.name)
def test_lr_and_levels_are_made_by_the_operator(folder, operator):
    pair = read_pairs(folder, scale=8, operator=operator, levels=(2, 4, 8))[0]
    assert sorted(pair.hr) == [2, 4, 8]
    assert torch.equal(pair.lr, operator.shrink(pair.hr[8], 8))
    assert torch.equal(pair.hr[4], operator.shrink(pair.hr[8], 2))
    assert torch.equal(pair.hr[2], operator.shrink(pair.hr[8], 4))


def test_maps_are_cut_to_multiples_of_the_scale_before_they_are_stretched(tmp_path):
    codes = np.full((11, 14), 40, dtype=np.uint8)
    codes[0, 0] = 140
    codes[10, 13] = 255  # cut away, so it is no part of the range
    save(codes, tmp_path / "depth" / "x.png")
    pair = read_pairs(tmp_path, scale=4)[0]
    assert pair.lr.shape == (1, 2, 3)
    assert pair.hr[4].shape == (1, 8, 12)
    assert pair.hr[4][0, 0, 0] == 1
    assert pair.hr[4].sum() == 1


@pytest.mark.parametrize(("hole", "dtype"), [(0, np.uint8), (0, np.uint16), (65535, np.uint16)])
def test_holes_take_the_nearest_value_and_do_not_stretch_the_range(tmp_path, hole, dtype):
    codes = np.full((8, 8), 100, dtype=dtype)
    codes[:, 4:] = 200
    codes[2:4, 6] = hole
    save(codes, tmp_path / "depth" / "x.png")
    expected = torch.zeros(8, 8)
    expected[:, 4:] = 1
    lines = []
    pair = read_pairs(tmp_path, say=lines.append)[0]
    assert torch.equal(pair.hr[4][0], expected)
    assert lines == [
        "1 of 1 depth maps have holes (3.1 % of their pixels, at most 3.1 %): "
        "filled with the nearest depth."
    ]


def test_white_of_8_bits_is_a_depth(tmp_path):
    codes = np.full((8, 8), 100, dtype=np.uint8)
    codes[0, 0] = 255
    save(codes, tmp_path / "depth" / "x.png")
    lines = []
    pair = read_pairs(tmp_path, say=lines.append)[0]
    assert pair.hr[4].sum() == 1
    assert lines == []


def test_a_map_of_one_depth_is_zero(tmp_path):
    save(np.full((8, 8), 7, dtype=np.uint16), tmp_path / "depth" / "x.png")
    pair = read_pairs(tmp_path)[0]
    assert not pair.lr.any()
    assert not pair.hr[4].any()


def test_the_guide_is_grey_on_full_range(folder):
    """Pillow's "L" is ITU-R 601-2 luma with weights in 1/65536, so ties may fall otherwise."""
    for seed, scene in enumerate(scenes_in(folder, guide_channels=1)):
        grey = np.array(Image.fromarray(scene_codes(seed)[1]).convert("L")).astype(int)
        apart = np.abs(scene.guide[0].numpy().astype(int) - grey)
        assert scene.guide.dtype == torch.uint8
        assert apart.max() <= 1
        assert (apart > 0).mean() < 0.01


@pytest.mark.parametrize("code", [0, 16, 128, 255])
def test_a_grey_guide_stays_as_it_is(tmp_path, code):
    save(scene_codes()[0], tmp_path / "depth" / "x.png")
    save(np.full((24, 32), code, dtype=np.uint8), tmp_path / "guide" / "x.png")
    (scene,) = scenes_in(tmp_path, guide_channels=1)
    assert bool((scene.guide == code).all())


def test_a_guide_in_colour_keeps_its_colours(folder):
    for seed, scene in enumerate(scenes_in(folder, guide_channels=3)):
        assert np.array_equal(scene.guide.permute(1, 2, 0).numpy(), scene_codes(seed)[1])


def test_a_grey_photo_is_a_guide_in_colour_too(tmp_path):
    save(scene_codes()[0], tmp_path / "depth" / "x.png")
    save(scene_codes(dtype=np.uint8)[0], tmp_path / "guide" / "x.png")
    (scene,) = scenes_in(tmp_path, guide_channels=3)
    assert scene.guide.shape == (3, *scene.values.shape[1:])
    assert torch.equal(scene.guide[0], scene.guide[2])


def test_a_start_is_guided_diffusion_in_16_bits(folder):
    (pair, *_) = read_pairs(folder, scale=4, guide_channels=3, starts=True)
    photo = torch.from_numpy(scene_codes(0)[1]).permute(2, 0, 1)
    assert pair.guide.dtype == torch.uint16
    assert torch.equal(pair.guide[:3].int(), photo.int() * 257)
    start = guided_diffusion(pair.lr, photo / 255, BICUBIC).clamp(0, 1)
    assert (pair.guide[3:].float() / 65535 - start).abs().max() < 1e-5


def test_every_map_is_used_with_every_operator(folder):
    pairs = depth_pairs_in(
        [folder], scale=4, operators=[BICUBIC, BLOCK_MEAN], guide_channels=0, levels=()
    )
    assert len(pairs) == 6
    for bicubic, mean in zip(pairs[::2], pairs[1::2], strict=True):
        assert torch.equal(bicubic.hr[4], mean.hr[4])
        assert torch.equal(bicubic.lr, BICUBIC.shrink(bicubic.hr[4], 4))
        assert torch.equal(mean.lr, BLOCK_MEAN.shrink(mean.hr[4], 4))


def test_patches_of_depth_and_guide_show_the_same_place(tmp_path):
    """The photo is the map itself, so whatever is cut and turned must be equal."""
    codes = scene_codes(dtype=np.uint8)[0]
    codes[0, 0], codes[0, 1] = 0, 255  # the whole range, so that stretching changes nothing
    save(np.maximum(codes, 1), tmp_path / "depth" / "x.png")
    save(np.maximum(codes, 1), tmp_path / "guide" / "x.png")
    pairs = read_pairs(tmp_path, scale=4, operator=DIRECT_LAST, guide_channels=1, levels=(2,))
    source = PictureSource({4: pairs}, patch=2, seed=5, views=True, files=())
    batch = source.batch(np.arange(40, dtype=np.uint64), 4)
    as_stretched = (batch.guide * 255 - 1) / 254
    assert batch.hr[4].shape == batch.guide.shape == (40, 1, 8, 8)
    assert batch.hr[4].numpy() == pytest.approx(as_stretched.numpy(), abs=1e-6)
    assert batch.lr.shape == (40, 1, 2, 2)
    assert batch.hr[2].shape == (40, 1, 4, 4)


def test_sizes_must_match(folder):
    save(scene_codes(size=(30, 20))[1], folder / "guide" / "b.bmp")
    with pytest.raises(SizeMismatchError, match=r"b\.bmp is 20x30 .* depth map is 32x24 pixels"):
        read_pairs(folder, guide_channels=1)


def test_levels_must_divide_the_scale(folder):
    with pytest.raises(ValueError, match=r"levels \[3\] do not divide scale 8"):
        read_pairs(folder, scale=8, levels=(2, 3))


def test_a_photo_that_is_missing_is_named(folder):
    (folder / "guide" / "c.bmp").unlink()
    assert len(read_pairs(folder)) == 3
    with pytest.raises(UsageError, match=r"c\.png has no photo of the same name"):
        read_pairs(folder, guide_channels=1)


def test_two_photos_of_one_map_are_refused(folder):
    save(scene_codes()[1], folder / "guide" / "a.png")
    with pytest.raises(UsageError, match=r"a\.bmp and a\.png are both the photo"):
        read_pairs(folder, guide_channels=1)


@pytest.mark.parametrize("kind", ["depth", "guide"])
def test_a_missing_folder_is_named(folder, kind):
    (folder / kind).rename(folder / "elsewhere")
    with pytest.raises(UsageError, match=f"has no folder `{kind}`"):
        read_pairs(folder, guide_channels=1)


@pytest.mark.parametrize(
    ("name", "codes", "what"),
    [
        ("x.jpg", np.full((8, 8), 9, dtype=np.uint8), "8-bit grey jpeg"),
        ("x.png", np.full((8, 8, 3), 9, dtype=np.uint8), "8-bit colour png"),
    ],
)
def test_what_cannot_be_depth_is_refused(tmp_path, name, codes, what):
    save(codes, tmp_path / "depth" / name)
    with pytest.raises(PictureError, match=f"{what} picture, expected depth as 8- or 16-bit"):
        read_pairs(tmp_path)


@pytest.mark.parametrize(
    ("codes", "what"),
    [
        (np.zeros((8, 8), dtype=np.uint16), "nothing but holes"),
        (np.full((3, 8), 9, dtype=np.uint16), "less than 4x4 pixels"),
    ],
)
def test_what_cannot_be_shrunk_is_refused(tmp_path, codes, what):
    save(codes, tmp_path / "depth" / "x.png")
    with pytest.raises(PictureError, match=rf"x\.png holds {what}"):
        read_pairs(tmp_path)


@pytest.mark.data
def test_7scenes_is_read_with_its_holes(data_root, tmp_path):
    """Millimetres from a real sensor, 11 % holes; two of its frames also hold 65535."""
    for kind, folder in (("depth.png", "depth"), ("color.jpg", "guide")):
        (tmp_path / folder).mkdir()
        for number in (0, 860, 880):
            file = data_root / "depth" / "7scenes" / f"frame-{number:06d}.{kind}"
            (tmp_path / folder / f"{number:06d}{file.suffix}").symlink_to(file)
    lines = []
    pairs = read_pairs(tmp_path, scale=8, guide_channels=1, levels=(2, 4), say=lines.append)
    assert [pair.lr.shape for pair in pairs] == [(1, 60, 80)] * 3
    assert all(pair.guide.shape == pair.hr[8].shape == (1, 480, 640) for pair in pairs)
    assert lines[0].startswith("3 of 3 depth maps have holes")
    scenes = scenes_in(tmp_path, guide_channels=0)
    assert max(float(scene.values[scene.valid].max()) for scene in scenes) < 10_000
