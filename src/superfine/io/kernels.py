"""Blur kernels from files and to files: .mat, .npy, .npz, .png and .txt.

A file of a kernel is a matrix of numbers and nothing more: whether it is laid on the picture as it
is or turned round, and which of its values meets the pixel that is kept, is the convention of the
program that wrote it. Half of a pixel of difference costs more than the whole shape.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from superfine.errors import LimitError, OutputError, PictureError, find_named
from superfine.io.atomic import write_bytes_atomic
from superfine.io.depth.arrays import read_npy
from superfine.io.formats.structure import corrupt, unsupported
from superfine.io.gate import Limits, PictureFile
from superfine.io.kernel_files import kernel_npy, kernel_png, read_hdf5, read_png, read_text
from superfine.io.mat5 import MAGIC, Matrix, matrix_file, read_matrices
from superfine.ops.kernels import bicubic_kernel, centred, laid_out, one_after_another
from superfine.types import Kernel

# Far beyond any blur; a picture given by mistake is refused before it is read.
_LIMITS = Limits(max_pixels=2**20, max_side=2**11, max_file_bytes=2**25)
# What programs call the variable, the first that is there.
_NAMES = ("Kernel", "kernel", "k", "PSF", "psf", "kernels")


@dataclass(frozen=True)
class KernelConvention:
    """What a program means by the matrix it stores.

    Attributes:
        name: What users type.
        flip: Whether it is turned round before it is laid on the picture, as a convolution does.
        anchor: (size, scale) -> the row, and likewise the column, of the value that meets the
            pixel that is kept, after it was turned round; None where the kernel is meant to move
            nothing, wherever it lies in its matrix.
        bicubic: Whether bicubic shrinking follows the blur, instead of keeping every pixel in
            `scale`.
        about: One line for people.
    """

    name: str
    flip: bool
    anchor: Callable[[int, int], int] | None
    bicubic: bool
    about: str


def _half(size: int, scale: int) -> int:
    return size // 2


def _around(size: int, scale: int) -> int:
    return (size - scale) // 2


KERNEL_CONVENTIONS: tuple[KernelConvention, ...] = (
    KernelConvention(
        "aligned", False, None, False,
        "only the shape is taken, and put where it moves nothing; for kernels of unknown origin",
    ),
    KernelConvention(
        "kernelgan", False, _half, False,
        "KernelGAN, ZSSR, DIV2KRK: moves nothing with its centre of mass at n // 2 + (s - 1) / 2",
    ),
    KernelConvention(
        "fkp", False, _half, False,
        "FKP: centre of mass (n - s) / 2, so that its LR pictures lie s - 1 pixels off",
    ),
    KernelConvention(
        "dan", False, _half, True,
        "DAN, IKC, Gaussian8: a blur in the middle of its matrix, then bicubic shrinking",
    ),
    KernelConvention(
        "correction-filter", False, _around, False,
        "Correction-Filter: centred in its matrix, which has the parity of the scale",
    ),
    KernelConvention(
        "usrnet", True, _half, False,
        "USRNet, SRMD, BSRGAN: turned round; moves nothing from n // 2 - (s - 1) / 2",
    ),
)  # fmt: skip

CONVENTION_NAMES = tuple(convention.name for convention in KERNEL_CONVENTIONS)


def find_convention(name: str) -> KernelConvention:
    """The convention called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return find_named("convention of kernels", name, KERNEL_CONVENTIONS, listing="docs/kernels.md")


def read_kernel(
    source: Path,
    *,
    scale: int,
    convention: KernelConvention = KERNEL_CONVENTIONS[0],
    flip: bool | None = None,
    anchor: tuple[int, int] | None = None,
) -> Kernel:
    """The kernel in the file `source`, divided by its sum.

    Args:
        source: .mat (MATLAB 5, or 7.3 with h5py), .npy, .npz, .png (grey) or .txt; what it is
            says its content. Among several variables the one called `Kernel` is taken, or `kernel`,
            `k`, `PSF`, `psf`, `kernels`, in this order, or the only one.
        scale: Of the pictures it makes.
        convention: Of the program that wrote it. A PNG of ours knows its own.
        flip: Whether to turn it round, whatever `convention` says.
        anchor: Row and column that meet the pixel that is kept, after turning, whatever
            `convention` says.

    Raises:
        PictureError: Not a kernel: no file of these kinds, damaged, not two-sided, empty, with
            values that are not finite, or with a sum that is not positive.
        LimitError: Larger than any kernel is.
    """
    with PictureFile(source) as file:
        if file.size > _LIMITS.max_file_bytes:
            raise LimitError(
                f"The file has {file.size:,} bytes; a kernel has some thousands.",
                hint="Give the file of a kernel.",
            )
        values, own_anchor = _matrix(file, scale)
    kernel = torch.from_numpy(np.ascontiguousarray(_proper(values)))
    if own_anchor is not None and flip is None and anchor is None:
        return Kernel(kernel / kernel.sum(), scale, own_anchor)
    turned = convention.flip if flip is None else flip
    kernel = kernel.flip(0, 1) if turned else kernel
    rule = convention.anchor or _half
    rows, columns = kernel.shape
    scale_of_blur = 1 if convention.bicubic else scale
    place = anchor or (rule(rows, scale), rule(columns, scale))
    blur = Kernel(kernel / kernel.sum(), scale_of_blur, place)
    if convention.anchor is None and anchor is None:
        blur = centred(blur)
    return one_after_another(blur, bicubic_kernel(scale)) if convention.bicubic else blur


def write_kernel(kernel: Kernel, path: Path, *, overwrite: bool = False) -> None:
    """Writes `kernel` as .mat (variable `Kernel`), .npy or .png, whole or not at all.

    .mat and .npy are in the convention of KernelGAN: an odd matrix with the anchor in its middle.
    A PNG is 16-bit grey, white for the largest value and black for 0, or the least one where it is
    below 0; what they stand for, scale and anchor are in its text, in words that `read_kernel`
    understands.

    Raises:
        OutputError: E_EXISTS, another ending, or it cannot be written.
        DiskFullError: No room; nothing was left behind.
    """
    encoders: dict[str, Callable[[Kernel], bytes]] = {
        ".mat": lambda whole: matrix_file("Kernel", whole.values.numpy()),
        ".npy": lambda whole: kernel_npy(whole.values.numpy()),
        ".png": kernel_png,
    }
    encode = encoders.get(path.suffix.lower())
    if encode is None:
        raise OutputError(
            f"A kernel cannot be written as {path.suffix or 'a file without ending'!r}.",
            hint=f"Choose one of {', '.join(encoders)}.",
        )
    sides = zip(kernel.values.shape, kernel.anchor, strict=True)
    reach = max(max(anchor, n - 1 - anchor) for n, anchor in sides)
    write_bytes_atomic(path, encode(laid_out(kernel, 2 * reach + 1)), overwrite=overwrite)


def _matrix(file: PictureFile, scale: int) -> tuple[Matrix, tuple[int, int] | None]:
    """The matrix in `file`, and the anchor where it says it for this scale."""
    start = file.at(0, 8)
    if start == b"\x89PNG\r\n\x1a\n":
        return read_png(file, _LIMITS, scale=scale)
    if file.at(0, len(MAGIC)) == MAGIC:
        most = 8 * _LIMITS.max_pixels
        return _chosen(read_matrices(file.at(0, file.size), most=most)), None
    if b"\x89HDF" in (file.at(0, 4), file.at(512, 4)):
        return _chosen(read_hdf5(file, _LIMITS)), None
    if start.startswith(b"\x93NUMPY"):
        return _floats(file), None
    if start.startswith(b"PK\x03\x04"):
        return _from_npz(file), None
    if file.suffix == ".txt":
        return read_text(file, _LIMITS), None
    raise unsupported(
        "This is no file of a kernel; .mat, .npy, .npz, .png or .txt was expected.",
        "Save the kernel as a NumPy array or a MATLAB matrix.",
    )


def _floats(file: PictureFile) -> Matrix:
    return read_npy(file, _LIMITS, index=None).rows.astype(np.float64)


def _from_npz(file: PictureFile) -> Matrix:
    try:
        with file.stream() as stream, zipfile.ZipFile(stream) as archive:
            names = [entry for entry in archive.namelist() if entry.endswith(".npy")]
            name = _choice([name.removesuffix(".npy") for name in names])
            with archive.open(f"{name}.npy") as packed:
                data = packed.read(8 * _LIMITS.max_pixels + 2**16)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, struct.error) as error:
        raise corrupt("NPZ", "its archive cannot be unpacked").error() from error
    if not data:
        raise corrupt("NPZ", f"its array {name[:40]!r} is empty").error()
    with PictureFile(data) as content:
        return _floats(content)


def _chosen(found: dict[str, Matrix]) -> Matrix:
    return found[_choice(list(found))]


def _choice(names: list[str]) -> str:
    for name in _NAMES:
        if name in names:
            return name
    if len(names) == 1:
        return names[0]
    listed = ", ".join(repr(name[:40]) for name in names[:8])
    raise PictureError(
        f"The file holds {len(names)} matrices of real numbers ({listed or 'none'}); one called "
        "'Kernel' was expected.",
        hint="Save the kernel alone, as one matrix called 'Kernel'.",
    )


def _proper(values: Matrix) -> Matrix:
    """`values`, checked.

    Raises:
        PictureError: As `read_kernel`.
    """
    if values.size == 0:
        raise PictureError("The kernel is empty.", hint="Give one with values.", code="E_DIM")
    if max(values.shape) > _LIMITS.max_side or values.size > _LIMITS.max_pixels:
        raise LimitError(
            f"The kernel has {values.shape[0]:,}x{values.shape[1]:,} values; at most "
            f"{_LIMITS.max_side:,} on a side were expected.",
            hint="Give the file of a kernel.",
        )
    if not np.isfinite(values).all():
        raise PictureError(
            "The kernel has values that are no finite numbers.",
            hint="Save it again.",
            code="E_VALUES",
        )
    # Divided first: the sum of finite numbers need not be one.
    largest = np.abs(values).max()
    scaled = values / largest if largest > 0 else values
    if not scaled.sum() > 1e-6 * np.abs(scaled).sum():
        raise PictureError(
            f"The values of the kernel sum to {values.sum():g}; a blur has a positive sum.",
            hint="Give the kernel itself, not a difference of two.",
            code="E_VALUES",
        )
    return scaled
