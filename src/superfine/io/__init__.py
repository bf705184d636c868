"""The only readers and writers of picture files."""

from superfine.io.animation import write_frames
from superfine.io.gate import Limits
from superfine.io.pictures import PictureInfo, probe, read, read_frames
from superfine.io.writer import PictureWriter, encode, write

__all__ = [
    "Limits",
    "PictureInfo",
    "PictureWriter",
    "encode",
    "probe",
    "read",
    "read_frames",
    "write",
    "write_frames",
]
