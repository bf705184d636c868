"""What `prepare` cuts, and where it puts it."""

import os

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from superfine.data.prepare.patches import counted
from superfine.data.prepare.prepare import FolderOutput, H5Output, PrepareOptions, prepare
from superfine.errors import OutputError, PictureError, UsageError
from superfine.io import probe
from superfine.ops.color import luma_uint8
from superfine.ops.counter import shuffled
from superfine.ops.resize import imresize_uint8

from .drawing import draw, draw_scenes, scene

h5py = pytest.importorskip("h5py")


def made(tmp_path, picture=None, **options):
    """Arrays by name, in the order in which the patches were cut."""
    if picture is not None:
        draw(tmp_path / "in" / "a.png", picture)
    settings = {"width": 12, "height": 12, "stride": 12, "single_y": True, **options}
    path = tmp_path / "out.h5"
    asked = PrepareOptions(tmp_path / "in", **settings)
    prepare(asked, H5Output(path, overwrite=True), on_progress=lambda *_: None)
    arrays = {}
    with h5py.File(path) as file:
        for name, node in file.items():
            inside = node.items() if isinstance(node, h5py.Group) else [("", node)]
            arrays |= {f"{name}/{key}".rstrip("/"): data[...] for key, data in inside}
    counts = {len(x) for x in arrays.values()}
    rows = {n: shuffled(1234, np.arange(n, dtype=np.uint64), n).astype(int) for n in counts}
    return {name: x[rows[len(x)]] for name, x in arrays.items()}


def luma(picture):
    return luma_uint8(torch.from_numpy(picture.copy()).permute(2, 0, 1))


def test_patches_lie_on_the_grid_and_lr_is_matlabs_bicubic_of_the_whole_picture(tmp_path):
    picture = scene(0)
    y = luma(picture)
    small = imresize_uint8(y, scale=1 / 2)[0]
    arrays = made(tmp_path, picture, stride=8)
    corners = [(i, j) for i in range(0, 44 - 11, 8) for j in range(0, 60 - 11, 8)]
    assert len(arrays["hr"]) == len(corners)
    for hr, lr, (i, j) in zip(arrays["hr"], arrays["lr"], corners, strict=True):
        assert np.array_equal(hr, y[0, i : i + 12, j : j + 12])
        assert np.array_equal(lr, small[i // 2 : i // 2 + 6, j // 2 : j // 2 + 6])


def test_colour_patches_have_their_channels_last(tmp_path):
    picture = scene(0)
    arrays = made(tmp_path, picture, single_y=False, upscale_factors=(3,))
    assert arrays["lr"].shape[1:] == (4, 4, 3)
    assert np.array_equal(arrays["hr"][1], picture[:12, 12:24])


def test_each_flip_and_rotation_starts_from_the_picture_itself(tmp_path):
    picture = scene(0, width=24, height=12)
    y = luma(picture)[0].numpy()
    straight = [y[:, :12], y[:, 12:]]
    for flips, rotations, view in (
        ((1,), (0.0,), y[:, ::-1]),
        ((2,), (0.0,), y[::-1]),
        ((3,), (0.0,), y[::-1, ::-1]),
        ((0,), (90.0,), np.rot90(y)),
        ((1,), (270.0,), np.rot90(y[:, ::-1], 3)),
    ):
        arrays = made(tmp_path, picture, flips=flips, rotations=rotations)
        wide = view.shape[1] == 24
        expected = [view[:, :12], view[:, 12:]] if wide else [view[:12], view[12:]]
        assert np.array_equal(arrays["hr"], expected), (flips, rotations)
    assert np.array_equal(made(tmp_path, picture)["hr"], straight)


def test_all_flips_with_all_quarter_turns_are_eight_views_once_each(tmp_path):
    arrays = made(
        tmp_path,
        scene(0, width=12, height=12),
        flips=(0, 1, 2, 3),
        rotations=(0.0, 90.0, 180.0, 270.0),
    )
    assert len({patch.tobytes() for patch in arrays["hr"]}) == len(arrays["hr"]) == 8


def test_a_slanted_picture_is_cut_only_where_there_is_picture(tmp_path):
    flat = np.full((60, 90, 3), 200, np.uint8)
    arrays = made(tmp_path, flat, rotations=(0.0, 30.0, 45.0, 135.0))
    assert set(np.unique(arrays["hr"])) == {int(luma(flat)[0, 0, 0])}
    # Turned by 30 degrees it holds 60 / √3 x 60, by 45 and 135 degrees 60 / √2 on each side.
    assert len(arrays["hr"]) == 5 * 7 + 2 * 4 + 2 * 3 * 3


def test_a_slanted_picture_turns_counter_clockwise(tmp_path):
    picture = scene(0, width=48, height=48)
    slanted = made(tmp_path, picture, rotations=(90.001,), width=24, height=24)["hr"]
    y = np.rot90(luma(picture)[0].numpy()).astype(float)
    # One pixel is lost, the rest cut to even: the same place to within half a pixel or so.
    errors = [
        np.abs(slanted[0] - y[i : i + 24, j : j + 24]).mean() for i in range(3) for j in range(3)
    ]
    assert min(errors) < 3
    assert np.abs(slanted[0] - y[24:, 24:]).mean() > 10


def test_every_kernel_gives_patches_of_its_own(tmp_path):
    picture = scene(0)
    arrays = made(tmp_path, picture, upsampling=("bicubic", "lanczos3", "nearest"))
    third = len(arrays["lr"]) // 3
    assert np.array_equal(arrays["hr"][:third], arrays["hr"][third : 2 * third])
    expected = imresize_uint8(luma(picture), scale=1 / 2, method="lanczos3")[0]
    assert np.array_equal(arrays["lr"][third], expected[:6, :6])


def test_pictures_are_used_at_every_scale(tmp_path):
    arrays = made(tmp_path, scene(0), scales=(1.0, 0.6))
    # 44 x 60 holds 3 x 5 patches, and 26 x 36 holds 2 x 3.
    assert len(arrays["hr"]) == 15 + 6


def test_same_size_enlarges_lr_again_and_notes_each_patchs_scale(tmp_path):
    picture = scene(0)
    arrays = made(tmp_path, picture, upscale_factors=(2, 3), same_size=True)
    assert arrays["lr"].shape == arrays["hr"].shape
    assert arrays["scale"].tolist() == [2] * 15 + [3] * 15
    cut = luma(picture)[:, :42]
    again = imresize_uint8(imresize_uint8(cut, scale=1 / 3), scale=3)[0]
    assert np.array_equal(arrays["lr"][15], again[:12, :12])


def test_several_factors_have_groups_of_their_own(tmp_path):
    arrays = made(tmp_path, scene(0), upscale_factors=(2, 3, 4))
    assert set(arrays) == {f"x{s}/{name}" for s in (2, 3, 4) for name in ("lr", "hr")}
    assert arrays["x3/lr"].shape[1:] == (4, 4)


def test_levels_are_the_truth_at_every_step(tmp_path):
    picture = scene(0)
    arrays = made(tmp_path, picture, upscale_factors=(4,), levels=True)
    assert {name: x.shape[1] for name, x in arrays.items() if name != "hr"} == {
        "lr": 3, "hr_x2": 6, "hr_x4": 12,
    }  # fmt: skip
    half = imresize_uint8(luma(picture), scale=1 / 2)[0]
    assert np.array_equal(arrays["hr_x2"][0], half[:6, :6])
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["hr"] == file["hr_x4"]


def test_padding_leaves_the_middle_of_hr(tmp_path):
    plain = made(tmp_path, scene(0), stride=6)
    padded = made(tmp_path, scene(0), stride=6, padding=2)
    assert np.array_equal(padded["hr"], plain["hr"][:, 2:-2, 2:-2])
    assert np.array_equal(padded["lr"], plain["lr"])


@pytest.mark.parametrize(("side", "reach"), [(None, 3), (3, 1)])
def test_blur_equals_scipys_before_shrinking(tmp_path, side, reach):
    picture = scene(0)
    arrays = made(tmp_path, picture, upscale_factors=(1,), blur=0.73, kernel_size=side)
    weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / 0.73) ** 2)
    blurred = luma(picture)[0].numpy().astype(float)
    for axis in (0, 1):
        blurred = ndimage.correlate1d(blurred, weight / weight.sum(), axis, mode="reflect")
    assert np.array_equal(arrays["lr"][0], np.floor(blurred + 0.5)[:12, :12])


def test_holopix_is_one_call(tmp_path):
    """A 640 x 360 picture gives 4 x 8 patches of 120 at stride 72, as in the seed's script."""
    arrays = made(
        tmp_path, scene(0, width=640, height=360), width=120, height=120, stride=72,
        upscale_factors=(3,), blur=0.73,
    )  # fmt: skip
    assert (arrays["hr"].shape, arrays["lr"].shape) == ((32, 120, 120), (32, 40, 40))


@pytest.mark.data
@pytest.mark.parametrize(
    ("factor", "side", "stride", "published"),
    [(2, 20, 2, 14_632_248), (3, 21, 3, 6_473_984), (4, 24, 4, 3_546_584)],
)
def test_the_91_pictures_give_the_published_number_of_fsrcnn_patches(
    data_root, factor, side, stride, published
):
    options = PrepareOptions(
        data_root, width=side, height=side, stride=stride, upscale_factors=(factor,),
        scales=(1, 0.9, 0.8, 0.7, 0.6), rotations=(0, 90, 180, 270),
    )  # fmt: skip
    infos = [probe(path) for path in (data_root / "train" / "T91").iterdir()]
    counts = (counted((info.height, info.width), options)[factor] for info in infos)
    assert sum(counts) == published


def test_the_seed_changes_the_order_and_nothing_else(tmp_path):
    draw_scenes(tmp_path / "in", 3)
    patches = []
    for seed in (1, 2):
        options = PrepareOptions(tmp_path / "in", width=12, height=12, stride=12, seed=seed)
        path = tmp_path / f"{seed}.h5"
        prepare(options, H5Output(path, overwrite=False), on_progress=lambda *_: None)
        with h5py.File(path) as file:
            assert file.attrs["seed"] == seed
            assert file.attrs["upscale_factors"].tolist() == [2]
            patches.append([patch.tobytes() for patch in file["hr"]])
    assert patches[0] != patches[1]
    assert sorted(patches[0]) == sorted(patches[1])


def test_pairs_of_png_files_hold_the_same_patches(tmp_path):
    picture = scene(0)
    arrays = made(tmp_path, picture, single_y=False, upscale_factors=(2, 3))
    options = PrepareOptions(
        tmp_path / "in", width=12, height=12, stride=12, upscale_factors=(2, 3)
    )
    output = FolderOutput(tmp_path / "hr", tmp_path / "lr")
    prepared = prepare(options, output, on_progress=lambda *_: None)
    assert prepared.paths == (tmp_path / "hr", tmp_path / "lr")
    names = sorted(path.name for path in (tmp_path / "hr").iterdir())
    assert names == sorted(f"a_{i:06d}_x{s}.png" for s in (2, 3) for i in range(15))
    assert names == sorted(path.name for path in (tmp_path / "lr").iterdir())
    for i in (0, 14):
        read = np.asarray(Image.open(tmp_path / "lr" / f"a_{i:06d}_x3.png"))
        assert np.array_equal(read, arrays["x3/lr"][i])
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out.h5", "hr", "lr"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 41}, "width 41 is not a multiple of the upscale factor 2"),
        ({"upscale_factors": (2, 5)}, "width 12 is not a multiple of the upscale factor 5"),
        ({"stride": 3}, "stride 3 is not a multiple"),
        ({"padding": 6}, "leaves nothing"),
        ({"kernel_size": 5}, "without --blur"),
        ({"kernel_size": 4, "blur": 1.0}, "no middle"),
        ({"flips": (4,)}, "--flips has 4; expected 0, 1, 2 or 3"),
        ({"scales": (1.5,)}, "--scales has 1.5"),
        ({"scales": (float("nan"),)}, "--scales has nan"),
        ({"rotations": (0.0, 0.0)}, "several different"),
        ({"number": 0}, "--number is 0"),
        ({"levels": True, "upscale_factors": (3,)}, "needs one upscale factor"),
        ({"levels": True, "same_size": True}, "neither --same-size"),
    ],
)
def test_options_that_contradict_are_refused_in_one_line(tmp_path, options, words):
    with pytest.raises(UsageError, match=words) as caught:
        PrepareOptions(tmp_path, **{"width": 12, "height": 12, "stride": 12, **options})
    assert "\n" not in caught.value.message


def test_pictures_smaller_than_a_patch_are_counted_and_passed(tmp_path):
    draw_scenes(tmp_path / "in", 2)
    draw(tmp_path / "in" / "small.png", scene(0, width=8, height=50))
    options = PrepareOptions(tmp_path / "in", width=12, height=12, stride=12)
    output = H5Output(tmp_path / "out.h5", overwrite=False)
    prepared = prepare(options, output, on_progress=lambda *_: None)
    assert (prepared.pictures, prepared.empty, prepared.patches) == (3, 1, {2: 30})
    large = PrepareOptions(tmp_path / "in", width=100, height=100)
    with pytest.raises(UsageError, match="holds a patch of 100×100"):
        prepare(large, H5Output(tmp_path / "b.h5", overwrite=False), on_progress=lambda *_: None)


def test_a_picture_that_cannot_be_used_is_named_before_anything_is_made(tmp_path):
    draw_scenes(tmp_path / "in", 1)
    (tmp_path / "in" / "x.png").write_bytes(b"no picture")
    options = PrepareOptions(tmp_path / "in", width=12, height=12)
    with pytest.raises(PictureError, match=r"in/x.png: "):
        prepare(options, H5Output(tmp_path / "o.h5", overwrite=False), on_progress=lambda *_: None)
    Image.fromarray(np.zeros((40, 40), np.uint16)).save(tmp_path / "in" / "x.png")
    with pytest.raises(PictureError, match="16 bits"):
        prepare(options, H5Output(tmp_path / "o.h5", overwrite=False), on_progress=lambda *_: None)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_what_exists_is_replaced_only_when_asked(tmp_path):
    draw_scenes(tmp_path / "in", 1)
    options = PrepareOptions(tmp_path / "in", width=12, height=12)
    (tmp_path / "o.h5").write_bytes(b"mine")
    (tmp_path / "hr").mkdir()
    (tmp_path / "hr" / "mine").write_bytes(b"")
    for output in (
        H5Output(tmp_path / "o.h5", overwrite=False),
        FolderOutput(tmp_path / "hr", tmp_path / "lr"),
    ):
        with pytest.raises(OutputError) as caught:
            prepare(options, output, on_progress=lambda *_: None)
        assert caught.value.code == "E_EXISTS"
    assert (tmp_path / "o.h5").read_bytes() == b"mine"
    prepare(options, H5Output(tmp_path / "o.h5", overwrite=True), on_progress=lambda *_: None)
    assert h5py.is_hdf5(tmp_path / "o.h5")


def test_a_folder_whose_name_is_no_text_can_be_prepared(tmp_path):
    folder = draw_scenes(tmp_path / os.fsdecode(b"in\xff"), 1)
    options = PrepareOptions(folder, width=12, height=12)
    prepare(options, H5Output(tmp_path / "o.h5", overwrite=False), on_progress=lambda *_: None)
    with h5py.File(tmp_path / "o.h5") as file:
        assert file.attrs["folder"] == r"in\udcff"


def test_two_pictures_of_one_name_would_collide_as_png(tmp_path):
    draw(tmp_path / "in" / "a.png", scene(0))
    draw(tmp_path / "in" / "a.bmp", scene(1))
    options = PrepareOptions(tmp_path / "in", width=12, height=12)
    with pytest.raises(OutputError, match=r"a.bmp and a.png"):
        prepare(
            options, FolderOutput(tmp_path / "hr", tmp_path / "lr"), on_progress=lambda *_: None
        )
