"""A small data set that is nobody's, its pictures, and the archives it comes in."""

from __future__ import annotations

import io
import os
import signal
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image

from superfine.data.catalogue import DataSet, contents
from superfine.data.catalogue import get as module
from superfine.data.catalogue.contents import Portrait, portrait

NAMES = ("ant", "bee", "cow", "dog")
TOY = DataSet(
    name="toy4",
    title="Toy4",
    aliases=("toys",),
    pictures=len(NAMES),
    folders=("Toy4", "testsets/Toy4"),
    licence="none",
    paper="Nobody, nowhere",
    origin="https://example.org/toys",
    about="",
    task="test",
    parts=("toy4",),
)
# The same, of which nobody knows what the pictures show.
DARK = replace(TOY, name="dark4", title="Dark4", folders=("Dark4",), parts=())
# Of six pictures, four are known.
HALF = replace(TOY, name="half6", title="Half6", folders=("Half6",), pictures=6)


def picture(seed: int, *, width: int = 50, height: int = 41) -> np.ndarray:
    """A smooth picture in colour; every seed another one."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def codes() -> dict[str, np.ndarray]:
    """The pictures; the last is grey."""
    pictures = {name: picture(seed) for seed, name in enumerate(NAMES)}
    return pictures | {"dog": pictures["dog"][:, :, 1]}


def encoded(array: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, **options)
    return file.getvalue()


def files(*, prefix: str = "", suffix: str = ".png") -> dict[str, bytes]:
    return {f"{prefix}{name}{suffix}": encoded(array) for name, array in codes().items()}


def written(folder: Path, content: Mapping[str, bytes]) -> Path:
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def zipped(path: Path, content: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, content: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def portraits() -> tuple[Portrait, ...]:
    return tuple(
        portrait(name, torch.from_numpy(np.atleast_3d(array).transpose(2, 0, 1).copy()))
        for name, array in codes().items()
    )


@contextmanager
def known() -> Iterator[None]:
    """While this lasts, the pictures above are known."""
    with mock.patch.object(contents, "_known", return_value={"toy4": portraits()}):
        yield


def tree(folder: Path) -> dict[str, bytes]:
    """All that lies in `folder`, hidden files too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


def get_and_die(root: Path, source: str, after: int) -> None:
    """`get`, killed as it comes to write its picture number `after`."""
    write, count = module.write_bytes_atomic, 0

    def deadly(path: Path, data: bytes, *, overwrite: bool) -> None:
        nonlocal count
        if count == after:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        write(path, data, overwrite=overwrite)

    with known(), mock.patch.object(module, "write_bytes_atomic", deadly):
        module.get(TOY, root, source=source)
