"""Which maps there are below DTU's `Depths_raw`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from superfine.errors import UsageError


@dataclass(frozen=True)
class DtuMap:
    """One depth map.

    Attributes:
        path: Its PFM file.
        scan: The scan it is of: "scan1".
    """

    path: Path
    scan: str

    @property
    def name(self) -> str:
        """What its pictures are called; as the seed, up to the first dot of the file."""
        return f"{self.scan}_{self.path.name.split('.')[0]}"


def maps_in(source: Path) -> tuple[list[DtuMap], list[str]]:
    """Every PFM of every folder whose name ends in a digit, and what was passed over, in words.

    In the order in which the seed sorts the names of its pictures: scan10 before scan1.

    Raises:
        UsageError: No such folder, one without a PFM, or two maps of one name.
    """
    if not source.is_dir():
        raise UsageError(f"{source} is not a folder.", hint="Give the folder Depths_raw of DTU.")
    folders = [path for path in sorted(source.iterdir()) if path.is_dir()]
    scans = [path for path in folders if path.name[-1].isdigit()]
    if not scans:
        raise UsageError(
            f"{source} holds no scan: no folder whose name ends in a digit.",
            hint="Give the folder Depths_raw of DTU, which holds scan1, scan2, ...",
        )
    maps = []
    for scan in scans:
        files = [path for path in scan.iterdir() if path.suffix == ".pfm"]
        if not files:
            raise UsageError(f"{scan} holds no PFM file.", hint="Copy it again, or take it out.")
        maps += [DtuMap(path, scan.name) for path in files]
    # With an ending, because an underscore sorts behind digits.
    maps.sort(key=lambda one: f"{one.name}_x")
    for one, other in pairwise(maps):
        if one.name == other.name:
            raise UsageError(
                f"{one.path} and {other.path.name} would give pictures of one name.",
                hint="Rename one of them.",
            )
    others = [path.name for path in folders if path not in scans]
    notes = (
        [f"Passed over, for their names end in no digit: {', '.join(others)}."] if others else []
    )
    return maps, notes
