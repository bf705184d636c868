"""The frozen bank of a network, filled from weights that the user has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from superfine.checkpoints import foreign_tensors
from superfine.errors import UsageError
from superfine.foreign import StoredTensor
from superfine.models.glean import GLEAN, load_generator
from superfine.models.glean_seed import SeedGLEAN, bank_names, load_stylegan
from superfine.models.stylegan1 import pulse_name
from superfine.models.stylegan2_layouts import averaged, generator_tensors
from superfine.own_file import refuse_not_finite


def fill_bank(network: nn.Module, bank: Path | None, copied: Iterable[str] = ()) -> None:
    """Puts the generator in the file `bank` into the bank of `network`, if it has one.

    Args:
        network: Of the zoo, on the CPU.
        bank: The weights of a StyleGAN2 generator, in our names, in those of the public PyTorch
            port or in those of MMagic; for `SeedGLEAN` PULSE's synthesis.pt, with mapping.pt
            beside it, or one file with both. Nothing in a file is run, and only what fits the bank
            is read.
        copied: Tensors of `network` that hold trained weights already.

    Raises:
        ModelFileError: When a file is damaged or holds no generator of the bank's size.
        UnsafeModelError: When it holds more than tensors.
        UsageError: When there is a file and no bank, or a bank and nothing to fill it with.
    """
    wanted = wanted_by(network)
    if wanted is None:
        if bank is not None:
            raise UsageError(
                f"The network has no bank to fill from {bank}.", hint="Leave `bank` out."
            )
    elif bank is not None:
        _fill(network, bank)
    elif not set(_in_bank(network)) <= set(copied):
        raise UsageError(
            f"The bank of the network needs {wanted}.",
            hint="Give its file as `bank`, or start from trained weights of the same network.",
        )


def wanted_by(network: nn.Module) -> str | None:
    """What the bank of `network` is filled from, in words; None where it has no bank."""
    if not isinstance(network, GLEAN | SeedGLEAN):
        return None
    kind = "StyleGAN2" if isinstance(network, GLEAN) else "StyleGAN"
    size = network.scale * network.side
    return f"a trained {kind} generator of {size}x{size} pictures"


def _in_bank(network: nn.Module) -> list[str]:
    if isinstance(network, SeedGLEAN):
        return bank_names(network)
    return [name for name in network.state_dict() if name.startswith("bank.")]


def _fill(network: nn.Module, bank: Path) -> None:
    if isinstance(network, GLEAN):
        wanted = {f"synthesis.{name}": t.shape for name, t in network.bank.state_dict().items()}
        with foreign_tensors(bank) as stored:
            theirs = {n: stored.tensors[full] for n, full in averaged(stored.tensors).items()}
            load_generator(network, _fitting(wanted, theirs, _as_stylegan2))
        return
    assert isinstance(network, SeedGLEAN)
    state = network.state_dict()
    wanted = {name: state[name].shape for name in bank_names(network)}
    found: dict[str, Tensor] = {}
    beside = bank.with_name(f"mapping{bank.suffix}")
    if beside.is_file():
        with foreign_tensors(beside) as stored:
            found = _fitting(wanted, stored.tensors, _as_stylegan)
    with foreign_tensors(bank) as stored:
        load_stylegan(network, found | _fitting(wanted, stored.tensors, _as_stylegan))


def _as_stylegan2(name: str, tensor: Tensor) -> tuple[str, Tensor] | None:
    """Name here, after "synthesis.", and form here of a tensor; None where it has no place."""
    for ours, reshaped in generator_tensors({name: tensor}).items():
        return f"synthesis.{ours.removeprefix('synthesis.')}", reshaped
    return None


def _as_stylegan(name: str, tensor: Tensor) -> tuple[str, Tensor] | None:
    return pulse_name(name), tensor


def _fitting(
    wanted: Mapping[str, torch.Size],
    stored: Mapping[str, StoredTensor],
    as_ours: Callable[[str, Tensor], tuple[str, Tensor] | None],
) -> dict[str, Tensor]:
    """What a file holds, with values only where a tensor has a place in the bank.

    A small file may describe more than memory holds: its tensors may be many views of one.
    """
    found = {}
    for name, tensor in stored.items():
        if 0 in tensor.shape:
            continue
        shape_only = torch.empty(tensor.shape, device="meta")
        ours = as_ours(name, shape_only)
        if ours is not None:
            fits = wanted.get(ours[0]) == ours[1].shape
            found[name] = tensor.read() if fits else shape_only
    refuse_not_finite({name: tensor for name, tensor in found.items() if not tensor.is_meta})
    return found
