"""What is measured on: a set of the catalogue, or a folder of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from superfine.data.catalogue import data_roots, find_data_set, locate
from superfine.data.listing import pictures_in
from superfine.data.pairs import match
from superfine.errors import UnknownNameError, UsageError


@dataclass(frozen=True)
class PictureSet:
    """Pictures whose truth is known.

    Attributes:
        name: In the catalogue, or of the folder.
        folder: Where the true pictures lie.
        pictures: Their files, by name.
        lr: Folder of LR pictures somebody made; None makes them by the protocol.
        whole: Whether it is a set of the catalogue with all of its pictures, so that its mean may
            stand beside published ones.
        notes: What to know, in sentences.
    """

    name: str
    folder: Path
    pictures: tuple[Path, ...]
    lr: Path | None = None
    whole: bool = False
    notes: tuple[str, ...] = ()

    def lr_files(self, scale: int) -> tuple[Path, ...] | None:
        """The LR file of each picture at `scale`, in their order; None where LR is made.

        They lie in `lr/X2`, `lr/x2` or `lr` itself, as DIV2K and others have them.

        Raises:
            UsageError: When a picture has none.
        """
        if self.lr is None:
            return None
        inside = (self.lr / f"X{scale}", self.lr / f"x{scale}", self.lr)
        folder = next(path for path in inside if path.is_dir() or path == self.lr)
        pairs, alone = match(self.pictures, pictures_in(folder), scale=scale)
        found = dict(pairs)
        missing = [path for path in alone if path in self.pictures]
        if missing or len(found) < len(self.pictures):
            first = missing[0] if missing else self.pictures[0]
            raise UsageError(
                f"{first.name} has no LR picture of scale {scale} in {folder}.",
                hint=f"Names must agree; an LR name may end in x{scale} or _x{scale}.",
            )
        return tuple(found[path] for path in self.pictures)


def find_set(name: str, *, root: Path | None = None, lr: Path | None = None) -> PictureSet:
    """The set called `name`, or the folder `name`.

    Args:
        name: In the catalogue ("set5"), or a folder of pictures; a folder needs a slash where a
            set is called so.
        root: Where sets lie; None takes `SUPERFINE_DATA`, then the cache.
        lr: Folder of LR pictures, instead of making them.

    Raises:
        UsageError: When it is nowhere, or holds no picture.
        UnknownNameError: When it is neither a folder nor in the catalogue.
    """
    if lr is not None and not lr.is_dir():
        raise UsageError(f"{lr} is not a folder.", hint="Give the folder of the LR pictures.")
    path = Path(name)
    try:
        entry = None if "/" in name else find_data_set(name)
    except UnknownNameError:
        if not path.is_dir():
            raise
        entry = None
    if entry is None:
        return PictureSet(path.resolve().name, path, pictures_in(path), lr)
    folder = locate(entry, data_roots(root))
    pictures = pictures_in(folder)
    if len(pictures) == entry.pictures:
        return PictureSet(entry.name, folder, pictures, lr, whole=True)
    note = (
        f"{entry.title} has {entry.pictures or 'an unknown number of'} pictures, {folder} holds "
        f"{len(pictures)}: the mean is set beside no published one."
    )
    return PictureSet(entry.name, folder, pictures, lr, notes=(note,))
