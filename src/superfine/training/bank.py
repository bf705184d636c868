"""The frozen bank of a network, filled from weights that the user has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from superfine.checkpoints import foreign_tensors
from superfine.errors import UsageError
from superfine.foreign import StoredTensor
from superfine.models.glean import GLEAN, load_generator
from superfine.models.stylegan2 import generator_tensors
from superfine.own_file import refuse_not_finite


def fill_bank(network: nn.Module, bank: Path | None, copied: Iterable[str] = ()) -> None:
    """Puts the generator in the file `bank` into the bank of `network`, if it has one.

    Args:
        network: Of the zoo, on the CPU.
        bank: The weights of a StyleGAN2 generator, in our names or in those of the public PyTorch
            port. Nothing in the file is run, and only what fits the bank is read.
        copied: Tensors of `network` that hold trained weights already.

    Raises:
        ModelFileError: When the file is damaged or holds no generator of the bank's size.
        UnsafeModelError: When it holds more than tensors.
        UsageError: When there is a file and no bank, or a bank and nothing to fill it with.
    """
    if not isinstance(network, GLEAN):
        if bank is not None:
            raise UsageError(
                f"The network has no bank to fill from {bank}.", hint="Leave `bank` out."
            )
        return
    if bank is not None:
        with foreign_tensors(bank) as stored:
            load_generator(network, _fitting(network, stored.tensors))
        return
    if not {f"bank.{name}" for name in network.bank.state_dict()} <= set(copied):
        size = network.scale * network.side
        raise UsageError(
            f"The bank of the network needs a trained StyleGAN2 generator of {size}x{size} "
            "pictures.",
            hint="Give its file as `bank`, or start from trained weights of the same network.",
        )


def _fitting(network: GLEAN, stored: Mapping[str, StoredTensor]) -> dict[str, Tensor]:
    """What a file holds, with values only where a tensor has a place in the bank.

    A small file may describe more than memory holds: its tensors may be many views of one.
    """
    wanted = {f"synthesis.{name}": t.shape for name, t in network.bank.state_dict().items()}
    found = {}
    for name, tensor in stored.items():
        if 0 in tensor.shape:
            continue
        shape_only = torch.empty(tensor.shape, device="meta")
        for ours, renamed in generator_tensors({name: shape_only}).items():
            place = f"synthesis.{ours.removeprefix('synthesis.')}"
            fits = wanted.get(place) == renamed.shape
            found[name] = tensor.read() if fits else shape_only
    refuse_not_finite({name: tensor for name, tensor in found.items() if not tensor.is_meta})
    return found
