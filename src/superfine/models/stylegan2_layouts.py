"""What others call the tensors of a StyleGAN2 generator, and what they are called here.

Two layouts are known: that of the PyTorch port by Kim Seonghyeon ("rosinality"), which most public
weights have, and that of MMagic (before it MMGeneration and MMEditing).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

# MMagic's name -> the port's. Both hold the same tensors in the same shapes.
_MMAGIC = (
    (r"constant_input\.input", "input.input"),
    (r"style_mapping\.(\d+)\.linear\.weight_orig", r"style.\1.weight"),
    (r"style_mapping\.(\d+)\.bias", r"style.\1.bias"),
    (r"injected_noise_(\d+)", r"noises.noise_\1"),
    (r"(.+\.conv)\.style_modulation\.linear\.weight_orig", r"\1.modulation.weight"),
    (r"(.+\.conv)\.style_modulation\.bias", r"\1.modulation.bias"),
    (r"(.+\.conv)\.weight_orig", r"\1.weight"),
    (r"(.+)\.noise_injector\.weight", r"\1.noise.weight"),
)

# The port's role of a tensor in its layer -> ours; any other is called the same.
_ROLES = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "noise.weight": "strength",
    "activate.bias": "bias",
}


# Before the names of MMagic's averaged generator; the second word is of its later versions.
_EMA = re.compile(r"generator_ema\.(module\.)?")


def generator_tensors(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`found` under the names and in the shapes of `StyleGAN2Generator`.

    Tensors under any name of no known layout come back as they are. The blur, which both layouts
    hold and which is always the same, is left out.
    """
    names = {own_name(name): name for name in found if not name.endswith(".kernel")}
    return {
        ours: found[name].reshape(own_shape(ours, tuple(found[name].shape)))
        for ours, name in names.items()
    }


def averaged(names: Iterable[str]) -> dict[str, str]:
    """Name in its network -> name in the file, for the averaged generator of MMagic's checkpoints.

    These hold three networks, told apart by what their names begin with. Where none begins as that
    generator, every name stands for itself.
    """
    found = {_EMA.sub("", name): name for name in names if _EMA.match(name)}
    return found or {name: name for name in names}


def own_name(name: str) -> str:
    """What the tensor `name` of another layout is called here; `name` where it is of none."""
    for pattern, port in _MMAGIC:
        if match := re.fullmatch(pattern, name):
            name = match.expand(port)
            break
    if name == "input.input":
        return "synthesis.constant"
    if match := re.fullmatch(r"style\.(\d+)\.(weight|bias)", name):
        return f"mapping.{int(match[1]) - 1}.{match[2]}"  # their number 0 has no weights
    if match := re.fullmatch(r"noises\.noise_(\d+)", name):
        return f"{_conv(int(match[1]))}.noise"
    if match := re.fullmatch(r"conv(?:1|s\.(\d+))\.(.+)", name):
        layer = _conv(0 if match[1] is None else int(match[1]) + 1)
    elif match := re.fullmatch(r"to_rgb(?:1|s\.(\d+))\.(.+)", name):
        block = 0 if match[1] is None else int(match[1]) + 1
        layer = f"synthesis.blocks.{block}.to_rgb"
    else:
        return name
    return f"{layer}.{_ROLES.get(match[2], match[2])}"


def own_shape(ours: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """`shape`, in another layout, of the tensor called `ours` here, with our number of axes."""
    if ours.endswith(".strength") and not shape:
        return (1,)
    if ours.endswith(".to_rgb.bias") and shape == (1, 3, 1, 1):
        return (3,)
    # Their weights of convolutions have an axis for the batch.
    return shape[1:] if ours.endswith(".weight") and len(shape) == 5 and shape[0] == 1 else shape


def _conv(number: int) -> str:
    """The name of the convolution with that number, counted from the coarsest."""
    block = (number + 1) // 2
    return f"synthesis.blocks.{block}.convs.{0 if block == 0 else (number + 1) % 2}"
