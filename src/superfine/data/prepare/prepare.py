"""Whole pictures into aligned LR and HR patches, in flat memory, to the same bytes every time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from superfine.data.prepare.h5 import H5Output
from superfine.data.prepare.layout import shelf_counts, shelf_of
from superfine.data.prepare.options import PrepareOptions
from superfine.data.prepare.patches import cuts
from superfine.data.prepare.plan import Plan, Planned, load, survey
from superfine.data.prepare.png import FolderOutput
from superfine.data.prepare.record import Record, only_one, remove_working_folder
from superfine.errors import DiskFullError, OutputError, PictureError

__all__ = ["FolderOutput", "H5Output", "PrepareOptions", "Prepared", "prepare"]


Output: TypeAlias = H5Output | FolderOutput


@dataclass(frozen=True)
class Prepared:
    """What was made.

    Attributes:
        paths: Where it is.
        pictures: Pictures used.
        empty: How many of them were too small for any patch.
        patches: Upscale factor -> how many there are.
    """

    paths: tuple[Path, ...]
    pictures: int
    empty: int
    patches: dict[int, int]


def prepare(
    options: PrepareOptions, output: Output, *, on_progress: Callable[[str, int, int], None]
) -> Prepared:
    """Makes the patches of `options.folder` in `output`.

    The same call continues where it was killed, after checking that the pictures are the same,
    and ends with the same bytes as one that was not.

    Args:
        on_progress: Called with what is being done, how many pictures are done, and of how many.

    Raises:
        UsageError: Options that give no patch.
        PictureError: A picture that cannot be read or has not 8 bits, or has changed meanwhile.
        OutputError: E_EXISTS, E_BUSY, E_COLLISION, E_VERIFY.
        DiskFullError: No room.
    """
    if not output.folder.exists():
        output.require_free()
    plan = survey(options, lambda done, total: on_progress("Counting", done, total))
    with only_one(output.folder):
        try:
            _fill(plan, output, on_progress)
        except DiskFullError as error:
            raise DiskFullError(
                error.message, hint="Make room, then run the same command: it goes on from here."
            ) from error
        finally:
            output.close()
        paths = output.finish()
        remove_working_folder(output.folder)
    empty = sum(not any(picture.counts.values()) for picture in plan.pictures)
    return Prepared(paths, len(plan.pictures), empty, plan.counts)


def _fill(plan: Plan, output: Output, on_progress: Callable[[str, int, int], None]) -> None:
    """Puts the patches of every picture that was not done before, and reads all back."""
    record = Record.found(output.folder, plan.fingerprint)
    total = len(plan.pictures)
    if record is not None and record.done == total and output.moved():
        return  # the kill came in the very last steps
    if record is None or not output.open(plan):
        output.require_free()
        output.begin(plan)
        output.open(plan)
        record = Record.begun(output.folder, plan.fingerprint)
    with closing(record):
        done = shelf_counts(Plan(plan.options, plan.pictures[: record.done]))
        for number in range(record.done, total):
            on_progress("Cutting", number, total)
            added = _put_picture(plan, plan.pictures[number], done, output)
            record.add(record.checksum + added, output.sync)
        on_progress("Checking", total, total)
        output.sync()
        try:
            output.verify(plan, record.checksum)
        except OutputError:
            record.discard()
            raise


def _put_picture(plan: Plan, picture: Planned, done: dict[str, int], output: Output) -> int:
    """Puts all patches of a picture after the `done` ones of each shelf; returns the checksum."""
    sha256, codes = load(picture.path)
    if sha256 != picture.sha256:
        raise PictureError(
            f"{picture.path} changed while its folder was being prepared.",
            hint="Run the command again when nobody writes there.",
            code="E_VANISHED",
        )
    checksum = 0
    numbers = dict.fromkeys(plan.options.upscale_factors, 0)
    for cut in cuts(codes, plan.options):
        factor, count = cut.upscale_factor, len(cut.patches["lr"])
        shelf = shelf_of(plan, factor)
        index = np.arange(done[shelf], done[shelf] + count, dtype=np.uint64)
        checksum += output.put(
            plan, cut, stem=picture.path.stem, first=numbers[factor], index=index
        )
        numbers[factor] += count
        done[shelf] += count
    return checksum
