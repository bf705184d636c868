"""Other people's weight files: read as named tensors only, then recognised by their shapes.

Nothing in such a file is ever run. A pickle is not unpickled: its instructions are read as a list
of facts (`pickled.py`), and what would import or call anything is refused by name. Sizes are
checked before memory is taken, and a tensor is read only when its shape belongs to a network.

What is read is then converted: `layouts.py` knows what others call their layers, `convention.py`
on which range of values they work, and `probe.py` tries whether the outcome enlarges a picture.
"""

from __future__ import annotations

from superfine.errors import ModelFileError
from superfine.foreign.adopt import Adopted, adopt
from superfine.foreign.nearest import unrecognised
from superfine.foreign.npz import read_npz
from superfine.foreign.recognise import Recognised, recognise
from superfine.foreign.safetensors_file import is_safetensors, read_safetensors
from superfine.foreign.scale import scale_of
from superfine.foreign.stored import StoredTensor, StoredTensors, is_zip, open_zip
from superfine.foreign.torch_file import is_torch_legacy, read_torch_legacy, read_torch_zip

__all__ = [
    "Adopted",
    "Recognised",
    "StoredTensor",
    "StoredTensors",
    "adopt",
    "is_safetensors",
    "read",
    "recognise",
    "scale_of",
    "unrecognised",
]


def read(data: bytes) -> StoredTensors:
    """The tensors of a weight file with the content `data`, whatever its name was.

    Reads safetensors, `.npz`, and what `torch.save` writes, old and new.

    Raises:
        ModelFileError: When it is none of these, is damaged, or holds unusual tensors.
        UnsafeModelError: When it holds more than tensors.
    """
    if is_safetensors(data):
        return read_safetensors(data)
    if is_zip(data):
        archive = open_zip(data)
        if all(name.endswith(".npy") for name in archive.namelist()):
            return read_npz(archive)
        return read_torch_zip(archive)
    if is_torch_legacy(data):
        return read_torch_legacy(data)
    raise ModelFileError(
        "The file is not a weight file we read.",
        hint="Give .safetensors, .pth, .pt or .npz; convert other formats to safetensors.",
    )
