"""Files of kernels: every kind and convention in, ours out and back, and one line for the rest."""

import contextlib
import struct
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from superfine.errors import OutputError, SuperfineError, UnknownNameError
from superfine.io import read
from superfine.io.kernels import KERNEL_CONVENTIONS, find_convention, read_kernel, write_kernel
from superfine.io.mat5 import matrix_file
from superfine.ops.degrade import degrade
from superfine.ops.kernel_shapes import anisotropic
from superfine.ops.kernels import bicubic_kernel, offset, one_after_another
from superfine.types import Kernel

KERNELGAN = find_convention("kernelgan")
VALUES = np.arange(1, 16, dtype=np.float64).reshape(3, 5)


def same(one, other):
    return torch.allclose(one.values, other.values, atol=1e-12) and one.anchor == other.anchor


@pytest.mark.parametrize("ending", [".mat", ".npy", ".png"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_what_is_written_is_read(ending, scale, tmp_path):
    for kernel in (anisotropic(1.8, 0.7, 0.4, scale=scale), bicubic_kernel(scale)):
        path = tmp_path / f"kernel{ending}"
        write_kernel(kernel, path, overwrite=True)
        first = path.read_bytes()
        back = read_kernel(path, scale=scale, convention=KERNELGAN)
        assert offset(back) == pytest.approx((0, 0), abs=1e-3 if ending == ".png" else 1e-9)
        picture = torch.rand(24, 24, generator=torch.Generator().manual_seed(0)).double()
        tolerance = 1e-3 if ending == ".png" else 1e-12
        torch.testing.assert_close(
            degrade(picture, back), degrade(picture, kernel), atol=tolerance, rtol=0
        )
        write_kernel(kernel, path, overwrite=True)
        assert path.read_bytes() == first


def test_a_png_shows_the_kernel_in_white(tmp_path):
    write_kernel(anisotropic(1.8, 0.7, 0.4, scale=2), tmp_path / "k.png")
    codes = np.asarray(Image.open(tmp_path / "k.png"))
    assert codes.max() == 65535
    assert codes.min() == 0
    text = Image.open(tmp_path / "k.png").text["superfine kernel"]
    assert text.startswith("black 0.0, white 0.1")
    assert "x2, anchor" in text


def test_scipy_reads_our_mat_and_we_read_scipys(tmp_path):
    scipy_io = pytest.importorskip("scipy.io")
    kernel = anisotropic(1.8, 0.7, 0.4, scale=2)
    write_kernel(kernel, tmp_path / "ours.mat")
    theirs = scipy_io.loadmat(tmp_path / "ours.mat")
    assert [name for name in theirs if not name.startswith("__")] == ["Kernel"]
    for packed in (True, False):
        for dtype in (np.float64, np.float32, np.uint16):
            scipy_io.savemat(
                tmp_path / "theirs.mat",
                {"note": "text", "Kernel": VALUES.astype(dtype), "other": np.eye(3)},
                do_compression=packed,
            )
            found = read_kernel(tmp_path / "theirs.mat", scale=2, convention=KERNELGAN)
            np.testing.assert_allclose(found.values.numpy(), VALUES / VALUES.sum())


def test_matlab_7_3(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "k.mat", "w") as file:
        file["Kernel"] = VALUES.T
        file["link"] = h5py.ExternalLink("/etc/hostname", "x")
    found = read_kernel(tmp_path / "k.mat", scale=2, convention=KERNELGAN)
    np.testing.assert_allclose(found.values.numpy(), VALUES / VALUES.sum())


def test_other_files(tmp_path):
    np.save(tmp_path / "a.npy", VALUES.astype(np.float32))
    np.savez(tmp_path / "b.npz", Kernel=VALUES, sigma=np.eye(2))
    (tmp_path / "c.txt").write_text("# a kernel\n1 2 3 4 5\n6,7, 8 9 10\n\n11;12;13;14;15\n")
    (tmp_path / "d.mat").write_bytes(matrix_file("odd name", VALUES))
    Image.fromarray(VALUES.astype(np.uint8)).save(tmp_path / "e.png")
    for path in sorted(tmp_path.iterdir()):
        found = read_kernel(path, scale=2, convention=KERNELGAN)
        np.testing.assert_allclose(found.values.numpy(), VALUES / VALUES.sum(), atol=1e-7)
        assert found.anchor == (1, 2)


def stored(path, values):
    np.save(path, values)
    return path


@pytest.mark.parametrize(
    ("name", "centre"),
    [
        ("kernelgan", lambda n, s: n // 2 + (s - 1) / 2),
        ("usrnet", lambda n, s: n // 2 - (s - 1) / 2),
        ("correction-filter", lambda n, s: (n - 1) / 2),
    ],
)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_conventions_that_move_nothing(name, centre, scale, tmp_path):
    n = 20 if name == "correction-filter" and scale % 2 == 0 else 21
    line = np.arange(n) - centre(n, scale)
    path = stored(tmp_path / "k.npy", np.exp(-(line[:, None] ** 2 + line**2) / 4))
    kernel = read_kernel(path, scale=scale, convention=find_convention(name))
    assert offset(kernel) == pytest.approx((0, 0), abs=1e-3)


@pytest.mark.parametrize("scale", [2, 4])
def test_fkp_moves_the_picture(scale, tmp_path):
    line = np.arange(19) - (19 - scale) / 2
    path = stored(tmp_path / "k.npy", np.exp(-(line[:, None] ** 2 + line**2) / 4))
    kernel = read_kernel(path, scale=scale, convention=find_convention("fkp"))
    assert offset(kernel) == pytest.approx((1 - scale, 1 - scale), abs=1e-3)
    aligned = read_kernel(path, scale=scale)
    assert offset(aligned) == pytest.approx((0, 0), abs=1e-9)


def test_dan_blurs_and_then_shrinks(tmp_path):
    line = np.arange(21) - 10
    values = np.exp(-(line[:, None] ** 2 + line**2) / 4)
    kernel = read_kernel(
        stored(tmp_path / "k.npy", values), scale=4, convention=find_convention("dan")
    )
    blur = Kernel(torch.from_numpy(values / values.sum()), 1, (10, 10))
    assert same(kernel, one_after_another(blur, bicubic_kernel(4)))
    assert kernel.scale == 4


def test_flip_and_anchor_can_be_given(tmp_path):
    path = stored(tmp_path / "k.npy", VALUES)
    plain = read_kernel(path, scale=2, convention=KERNELGAN)
    turned = read_kernel(path, scale=2, convention=KERNELGAN, flip=True, anchor=(0, 3))
    torch.testing.assert_close(turned.values, plain.values.flip(0, 1))
    assert turned.anchor == (0, 3)


def test_a_convention_that_is_not_there():
    with pytest.raises(UnknownNameError, match="kernelgan"):
        find_convention("kernelgn")
    assert len({convention.name for convention in KERNEL_CONVENTIONS}) == len(KERNEL_CONVENTIONS)


def _mat(shape, samples=b""):
    body = b"".join(
        struct.pack("<2I", kind, len(part)) + part + bytes(-len(part) % 8)
        for kind, part in (
            (6, struct.pack("<2I", 6, 0)),
            (5, struct.pack(f"<{len(shape)}i", *shape)),
            (1, b"Kernel"),
            (9, samples),
        )
    )
    return matrix_file("k", np.eye(1))[:128] + struct.pack("<2I", 14, len(body)) + body


def _huge_npy():
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 100000), }"
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(64)


HOSTILE = {
    "nan.npy": lambda p: np.save(p, np.array([[1, np.nan]])),
    "inf.npy": lambda p: np.save(p, np.array([[1, np.inf]])),
    "negative.npy": lambda p: np.save(p, np.array([[1.0, -2.0]])),
    "zero.npy": lambda p: np.save(p, np.zeros((3, 3))),
    "stack.npy": lambda p: np.save(p, np.ones((12, 9, 9))),
    "line.npy": lambda p: np.save(p, np.ones(9)),
    "empty.npy": lambda p: np.save(p, np.ones((0, 4))),
    "objects.npy": lambda p: np.save(p, np.array([[print]]), allow_pickle=True),
    "huge.npy": lambda p: p.write_bytes(_huge_npy()),
    "large.npy": lambda p: np.save(p, np.ones((1, 5000), np.float32)),
    "cut.npy": lambda p: p.write_bytes(_huge_npy()[:50]),
    "two.npz": lambda p: np.savez(p, a=np.eye(3), b=np.eye(3)),
    "none.npz": lambda p: zipfile.ZipFile(p, "w").writestr("readme", "x"),
    "objects.npz": lambda p: np.savez(p, Kernel=np.array([[print]]), allow_pickle=True),
    "broken.npz": lambda p: p.write_bytes(b"PK\x03\x04" + bytes(40)),
    "pickle.mat": lambda p: p.write_bytes(b"\x80\x04\x95" + bytes(40)),
    "lengths.mat": lambda p: p.write_bytes(_mat((3, 3), bytes(8))),
    "sides.mat": lambda p: p.write_bytes(_mat((1, 1, 1), struct.pack("<d", 1))),
    "minus.mat": lambda p: p.write_bytes(_mat((-1, -1), struct.pack("<d", 1))),
    "vast.mat": lambda p: p.write_bytes(_mat((100_000, 100_000))),
    "cut.mat": lambda p: p.write_bytes(matrix_file("Kernel", VALUES)[:200]),
    "order.mat": lambda p: p.write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200)),
    "hdf5.mat": lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600)),
    "colour.png": lambda p: Image.new("RGB", (9, 9), "red").save(p),
    "black.png": lambda p: Image.new("L", (9, 9)).save(p),
    "photo.png": lambda p: Image.new("L", (3000, 9), 5).save(p),
    "ragged.txt": lambda p: p.write_text("1 2 3\n4 5\n"),
    "words.txt": lambda p: p.write_text("a kernel"),
    "nothing.txt": lambda p: p.write_text("# nothing\n"),
    "nan.txt": lambda p: p.write_text("1 nan\n2 3\n"),
    "zero bytes.mat": lambda p: p.write_bytes(b""),
    "unknown.bin": lambda p: p.write_bytes(b"what is this"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_kernel_gets_one_line(name, tmp_path):
    HOSTILE[name](tmp_path / name)
    with pytest.raises(SuperfineError) as caught:
        read_kernel(tmp_path / name, scale=2)
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("seed", range(30))
def test_damaged_mat_files_never_crash(seed, tmp_path):
    draw = np.random.default_rng(seed)
    data = bytearray(matrix_file("Kernel", VALUES))
    for _ in range(4):
        data[draw.integers(120, len(data))] = draw.integers(0, 256)
    (tmp_path / "k.mat").write_bytes(data)
    with contextlib.suppress(SuperfineError):
        assert torch.isfinite(read_kernel(tmp_path / "k.mat", scale=2).values).all()


def test_other_endings_are_not_written(tmp_path):
    with pytest.raises(OutputError, match=r"'\.jpg'"):
        write_kernel(bicubic_kernel(2), tmp_path / "k.jpg")
    write_kernel(bicubic_kernel(2), tmp_path / "k.npy")
    with pytest.raises(OutputError, match="exists"):
        write_kernel(bicubic_kernel(2), tmp_path / "k.npy")


@pytest.mark.data
def test_published_kernels_make_the_published_pictures(data_root):
    """Both are laid on unflipped about n // 2; FKP cut codes off where ZSSR rounded them."""
    blind = data_root / "testsets" / "blind"
    cases = (
        ("kernelgan", 2, 0.5, data_root / "testsets" / "B100" / "97033.jpg",
         blind / "ZSSR" / "kernel_example" / "BSD100_100_lr_rand_ker_c_X2.png",
         blind / "ZSSR" / "kernel_example" / "BSD100_100_lr_rand_ker_c_X2_0.mat"),
        ("fkp", 4, 0.0, blind / "FKP" / "HR" / "102061.png",
         blind / "FKP" / "DIPFKP_lr_x4" / "102061.png",
         blind / "FKP" / "DIPFKP_gt_k_x4" / "102061.mat"),
    )  # fmt: skip
    for name, scale, half, sharp, made, file in cases:
        kernel = read_kernel(file, scale=scale, convention=find_convention(name))
        lr = read(made).pixels.double()
        again = torch.floor(degrade(read(sharp).pixels.double(), kernel) + half).clamp(0, 255)
        # The borders are mirrored in other ways.
        again = again[:, : lr.shape[1], : lr.shape[2]]
        inside = (slice(None), slice(6, -6), slice(6, -6))
        assert float((again[inside] - lr[inside]).abs().mean()) < 0.01
