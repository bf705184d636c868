"""The only readers and writers of depth maps."""

from superfine.io.depth.cameras import read_intrinsics
from superfine.io.depth.conventions import CONVENTIONS, Convention, find_convention
from superfine.io.depth.reader import read_depth, require_some_valid
from superfine.io.depth.sidecar import Made, SideCar, read_side_car, side_car_path
from superfine.io.depth.storage import storage_for
from superfine.io.depth.writer import write_depth

__all__ = [
    "CONVENTIONS",
    "Convention",
    "Made",
    "SideCar",
    "find_convention",
    "read_depth",
    "read_intrinsics",
    "read_side_car",
    "require_some_valid",
    "side_car_path",
    "storage_for",
    "write_depth",
]
