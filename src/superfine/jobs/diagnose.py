"""Pictures looked at one by one, none of them changed; a bad one does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from superfine import io
from superfine.diagnose import Diagnosis, diagnose, quantisation_tables
from superfine.errors import SuperfineError, UsageError
from superfine.jobs.picture import PICTURES
from superfine.jobs.walk import Walk
from superfine.types import Image

# Bytes at the beginning of a JPEG file that hold its tables, unless a very large profile is before.
_BEGINNING = 1 << 22


@dataclass(frozen=True)
class Looked:
    """One picture, and what was found or why nothing could be.

    Attributes:
        path: The file.
        diagnosis: None where it could not be read.
        error: None where it could.
    """

    path: Path
    diagnosis: Diagnosis | None
    error: SuperfineError | None


def pictures_of(inputs: Sequence[str], *, recursive: bool) -> list[Path]:
    """The files of `inputs`, those in folders by name.

    Raises:
        UsageError: When there is none.
    """
    walk = Walk(PICTURES.read, recursive, set())
    found = []
    for name in inputs:
        path = Path(name)
        found += list(walk.files(path)) if path.is_dir() else [path]
    if not found:
        raise UsageError(
            f"There is no picture in {', '.join(inputs)}.",
            hint=" ".join(walk.notes()) or "Check the folder.",
        )
    return found


def looked_at(
    paths: Sequence[Path], *, scale: int, reference: Path | None, limits: io.Limits
) -> Iterator[Looked]:
    """What `diagnose` finds in each picture.

    Args:
        paths: Pictures; of an animation the first frame counts.
        scale: How many times they are to be enlarged.
        reference: The same scene with `scale` times the pixels, of one picture.
        limits: Of what is read.

    Raises:
        SuperfineError: When the reference cannot be read.
    """
    against = None if reference is None else io.read(reference, limits=limits)
    for path in paths:
        try:
            yield Looked(
                path, diagnose_file(path, scale=scale, reference=against, limits=limits), None
            )
        except SuperfineError as error:
            yield Looked(path, None, error)


def diagnose_file(
    path: Path, *, scale: int, reference: Image | None, limits: io.Limits
) -> Diagnosis:
    """`diagnose` of a file; a JPEG is asked for its own tables.

    Raises:
        SuperfineError: When it cannot be read.
    """
    image = io.read(path, limits=limits)
    tables: tuple[tuple[int, ...], ...] = ()
    if image.metadata.source_format == "jpeg":
        with path.open("rb") as file:
            tables = quantisation_tables(file.read(_BEGINNING))
    return diagnose(image, scale=scale, jpeg_tables=tables, reference=reference)
