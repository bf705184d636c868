"""What the authors' GLEAN files call their tensors, and what they are called here.

The layout is that of `GLEANStyleGANv2` in MMEditing and MMagic, which the published weights have.
They take pictures in RGB on [-1, 1], as our network does inside, so that no value changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from superfine.models import stylegan2_layouts

# Theirs -> ours. The last of `encoder` and of `decoder` are other layers, see `names_in`.
_LAYERS = (
    (r"encoder\.0\.0\.conv_first\.", "encoder.0.first."),
    (r"encoder\.0\.0\.conv_body\.", "encoder.0.last."),
    (r"encoder\.0\.1\.", "encoder.1."),
    (r"fusion_out\.(\d+)\.", r"fuse.\1."),
    (r"fusion_skip\.(\d+)\.", r"fuse_rgb.\1."),
    (r"decoder\.(\d+)\.upsample_conv\.", r"doubling.\1.0."),
    (r"decoder\.\d+\.([02])\.", r"tail.\1."),
)
_DENSE = r"encoder\.0\.0\.body\.(\d+)\.rdb([123])\.conv([1-5])\."


def names_in(names: Iterable[str]) -> dict[str, str]:
    """Our name -> their name of every tensor that has a place in `GLEAN`.

    Args:
        names: Of a file, with or without the `generator.` that precedes those of the network where
            the discriminator lies beside it. What has no place here is passed over: the other
            networks, the bank's mapping of random vectors to latents, and the blur.

    Returns:
        Nothing when the file holds no GLEAN in this layout.
    """
    whole = dict.fromkeys(names)  # in the order of the file
    prefix = "generator." if "generator.encoder.0.0.conv_first.weight" in whole else ""
    if f"{prefix}encoder.0.0.conv_first.weight" not in whole:
        return {}
    inside = {n.removeprefix(prefix): n for n in whole if n.startswith(prefix)}
    # Only the last of the encoder's parts has a layer of this number: the one that makes latents.
    ends = [m[1] for n in inside if (m := re.fullmatch(r"encoder\.(\d+)\.3\.weight", n))]
    last = ends[0] if ends else ""
    renamed = {_own_name(theirs, last): full for theirs, full in inside.items()}
    return {ours: full for ours, full in renamed.items() if ours is not None}


def own_shape(ours: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """`shape`, in that layout, of the tensor called `ours` here, with our number of axes."""
    return stylegan2_layouts.own_shape(ours, shape) if ours.startswith("bank.") else shape


def _own_name(theirs: str, last: str) -> str | None:
    """Our name for `theirs`, in which `last` numbers the part of the encoder that makes latents."""
    if theirs.startswith("generator."):
        return _own_name_in_bank(theirs.removeprefix("generator."))
    if match := re.match(_DENSE, theirs):
        number, dense, conv = (int(digits) for digits in match.groups())
        place = f"encoder.0.blocks.{number}.blocks.{dense - 1}.convs.{conv - 1}."
        return place + theirs[match.end() :]
    for pattern, ours in _LAYERS:
        if match := re.match(pattern, theirs):
            return match.expand(ours) + theirs[match.end() :]
    if match := re.match(r"encoder\.(\d+)\.(\d)\.", theirs):
        part = "to_latents" if match[1] == last else f"halving.{int(match[1]) - 1}"
        return f"{part}.{match[2]}.{theirs[match.end() :]}"
    return None


def _own_name_in_bank(theirs: str) -> str | None:
    ours = stylegan2_layouts.own_name(theirs)
    if theirs.endswith(".kernel") or not ours.startswith("synthesis."):
        return None
    return ours.replace("synthesis.", "bank.", 1)
