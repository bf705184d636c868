"""MATLAB 7.3 files, which are HDF5: the `depths` of NYU v2. Read only.

Source: the labelled set of NYU Depth V2 (Silberman et al., ECCV 2012): `depths` and `rawDepths` are
480x640xN in MATLAB, so N x 640 x 480 in HDF5, in metres.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from superfine.errors import PictureError, UsageError
from superfine.io.depth.samples import Samples, pick, require_number
from superfine.io.formats.structure import corrupt, unsupported
from superfine.io.gate import Limits, PictureFile, require_size

_HDF5 = b"\x89HDF\r\n\x1a\n"
_USER_BLOCK = 512  # MATLAB's own text stands before the HDF5 signature
_NAMES = ("depths", "depth", "rawDepths")


def looks_like(file: PictureFile) -> bool:
    """Whether this is HDF5 or any file of MATLAB's."""
    starts = file.at(0, 8) == _HDF5 or file.at(_USER_BLOCK, 8) == _HDF5
    return starts or file.at(0, 7) == b"MATLAB "


def read(file: PictureFile, limits: Limits, *, index: int | None) -> Samples:
    """Frame `index` of the variable `depths`, `depth` or `rawDepths`.

    Raises:
        UsageError: h5py is missing.
        PictureError: No such variable, no such frame, an older kind of file, or damaged.
        LimitError: Larger than `limits`.
    """
    if _HDF5 not in (file.at(0, 8), file.at(_USER_BLOCK, 8)):
        raise unsupported(
            "This is a MATLAB file from before version 7.3.",
            "Save it with -v7.3, or save the map as NPY.",
        )
    h5py = _load_h5py()
    try:
        with file.stream() as stream, h5py.File(stream, "r") as content:
            name, variable = _variable(content, h5py)
            require_number(variable.dtype.str)
            count, width, height = (1, *variable.shape)[-3:]
            frame = pick(index, count, f"The variable {name!r}")
            require_size(width, height, frames=1, limits=limits)
            # MATLAB lays columns out first.
            stored = variable[frame] if variable.ndim == 3 else variable[()]
    except (OSError, RuntimeError, KeyError, ValueError, MemoryError) as error:
        file.require_unchanged()
        raise corrupt("MATLAB", "HDF5 cannot read it").error() from error
    rows = np.ascontiguousarray(stored.T, stored.dtype.newbyteorder("="))
    return Samples(rows, "mat", stored.dtype.str, name=name)


def _variable(content: Any, h5py: Any) -> tuple[str, Any]:  # noqa: ANN401 - h5py has no types
    for name in _NAMES:
        link = content.get(name, getlink=True)
        # A link into another file, or samples kept in one, would read what nobody named.
        if isinstance(link, h5py.HardLink) and isinstance(content[name], h5py.Dataset):
            variable = content[name]
            inside = not variable.external and not variable.is_virtual
            if inside and variable.ndim in (2, 3):
                return name, variable
    raise PictureError(
        "The MATLAB file holds no variable `depths`, `depth` or `rawDepths` of two or three sides.",
        hint="Save the map under one of these names.",
        code="E_FORMAT",
    )


def _load_h5py() -> Any:  # noqa: ANN401 - h5py has no types
    try:
        import h5py
    except ImportError:
        raise UsageError(
            "MATLAB files need h5py, which is not installed.",
            hint="pip install 'superfine[train]', or save the map as NPY.",
        ) from None
    return h5py
