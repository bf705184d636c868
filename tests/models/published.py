"""IMDN, SRFBN-S and RRDBNet as their papers and their authors' files have them.

The names of the layers and the range of the values are facts of those files; the formulas are
written from the papers, one function of torch after the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]


def _dense(name: str) -> list[tuple[str, str]]:
    blocks = 6 if name.endswith("6") else 23
    return [
        (f"body.{n}.rdb{d + 1}.conv{c + 1}", f"features.blocks.{n}.blocks.{d}.convs.{c}")
        for n in range(blocks)
        for d in range(3)
        for c in range(5)
    ]


_ENDS = [
    ("conv_first", "features.first"),
    ("conv_body", "features.last"),
    ("conv_up1", "enlarge.0"),
    ("conv_up2", "enlarge.1"),
    ("conv_hr", "tail.0"),
    ("conv_last", "tail.2"),
]

# Network -> (layer in the authors' files, layer of ours).
LAYERS: dict[str, list[tuple[str, str]]] = {
    "imdn": [
        ("fea_conv", "head"),
        *(
            (f"IMDB{n + 1}.{theirs}", f"blocks.{n}.{ours}")
            for n in range(6)
            for theirs, ours in [
                *((f"c{i + 1}", f"layers.{i}") for i in range(4)),
                *((f"cca.conv_du.{i}", f"attention.weigh.{i}") for i in (0, 2)),
                ("c5", "fusion"),
            ]
        ),
        ("c.0", "fusion"),
        ("LR_conv", "last"),
        ("upsampler.0", "tail"),
    ],
    "srfbn-s": [
        ("sub_mean", "mean_off"),
        ("conv_in.0", "features.0"),
        ("conv_in.1", "features.1"),
        ("feat_in.0", "features.2"),
        ("feat_in.1", "features.3"),
        *(
            (f"{theirs}.{i}", f"{ours}.{i}")
            for theirs, ours in [
                ("block.compress_in", "feedback.join"),
                *((f"block.upBlocks.{n}", f"feedback.up.{n}") for n in range(3)),
                *((f"block.downBlocks.{n}", f"feedback.down.{n}") for n in range(3)),
                *((f"block.uptranBlocks.{n}", f"feedback.before_up.{n}") for n in range(2)),
                *((f"block.downtranBlocks.{n}", f"feedback.before_down.{n}") for n in range(2)),
                ("block.compress_out", "feedback.fusion"),
                ("out", "enlarge"),
            ]
            for i in (0, 1)
        ),
        ("conv_out.0", "tail"),
        ("add_mean", "mean_on"),
    ],
    "rrdbnet": [*_ENDS, *_dense("rrdbnet")],
    "rrdbnet-6": [*_ENDS, *_dense("rrdbnet-6")],
}
# What their pictures range up to. Their layers are homogeneous, so that biases grow with it.
RANGE = {"imdn": 1, "srfbn-s": 255, "rrdbnet": 1, "rrdbnet-6": 1}


def with_their_names(name: str, ours: State) -> State:
    """Our weights as the authors' file would hold them."""
    layers = {b: a for a, b in LAYERS[name]}
    return {
        f"{layers[layer]}.{role}": tensor * RANGE[name] if role == "bias" else tensor
        for key, tensor in ours.items()
        for layer, _, role in [key.rpartition(".")]
    }


def _conv(state: State, layer: str, **how: int) -> Callable[[Tensor], Tensor]:
    weight, bias = state[f"{layer}.weight"], state[f"{layer}.bias"]
    how.setdefault("padding", weight.shape[-1] // 2)
    return lambda x: F.conv2d(x, weight, bias, **how)


def imdn(state: State, lr: Tensor) -> Tensor:
    """`lr` on [0, 1] enlarged, from weights in the authors' names."""
    shallow = x = _conv(state, "fea_conv")(lr)
    blocks = []
    for n in range(1, 7):
        rest, kept = x, []
        for i in (1, 2, 3):
            made = F.leaky_relu(_conv(state, f"IMDB{n}.c{i}")(rest), 0.05)
            coarse, rest = made.split((16, 48), dim=1)
            kept.append(coarse)
        kept.append(_conv(state, f"IMDB{n}.c4")(rest))
        joined = torch.cat(kept, dim=1)
        told = joined.mean((2, 3), keepdim=True) + joined.std((2, 3), correction=0, keepdim=True)
        told = F.relu(_conv(state, f"IMDB{n}.cca.conv_du.0")(told))
        weights = torch.sigmoid(_conv(state, f"IMDB{n}.cca.conv_du.2")(told))
        x = x + _conv(state, f"IMDB{n}.c5")(joined * weights)
        blocks.append(x)
    fused = F.leaky_relu(_conv(state, "c.0")(torch.cat(blocks, dim=1)), 0.05)
    made = _conv(state, "upsampler.0")(shallow + _conv(state, "LR_conv")(fused))
    return F.pixel_shuffle(made, round((made.shape[1] / 3) ** 0.5))


def srfbn(state: State, lr: Tensor) -> list[Tensor]:
    """`lr` on [0, 255] enlarged, after each step, from weights in the authors' names."""
    scale = state["out.0.weight"].shape[-1] - 4

    def layer(name: str, x: Tensor) -> Tensor:
        weight, bias = state[f"{name}.0.weight"], state[f"{name}.0.bias"]
        if "upBlocks" in name or name == "out":
            made = F.conv_transpose2d(x, weight, bias, stride=scale, padding=2)
        elif "downBlocks" in name:
            made = F.conv2d(x, weight, bias, stride=scale, padding=2)
        else:
            made = F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)
        return F.prelu(made, state[f"{name}.1.weight"])

    x = _conv(state, "sub_mean")(lr)
    size = (scale * lr.shape[-2], scale * lr.shape[-1])
    enlarged = F.interpolate(x, size, mode="bilinear", align_corners=False)
    features = hidden = layer("feat_in", layer("conv_in", x))
    pictures = []
    for _ in range(4):
        first = layer("block.compress_in", torch.cat((features, hidden), dim=1))
        high_0 = layer("block.upBlocks.0", first)
        low_0 = layer("block.downBlocks.0", high_0)
        lows = torch.cat((first, low_0), dim=1)
        high_1 = layer("block.upBlocks.1", layer("block.uptranBlocks.0", lows))
        highs = torch.cat((high_0, high_1), dim=1)
        low_1 = layer("block.downBlocks.1", layer("block.downtranBlocks.0", highs))
        lows = torch.cat((lows, low_1), dim=1)
        high_2 = layer("block.upBlocks.2", layer("block.uptranBlocks.1", lows))
        highs = torch.cat((highs, high_2), dim=1)
        low_2 = layer("block.downBlocks.2", layer("block.downtranBlocks.1", highs))
        hidden = layer("block.compress_out", torch.cat((low_0, low_1, low_2), dim=1))
        detail = _conv(state, "conv_out.0")(layer("out", hidden))
        pictures.append(_conv(state, "add_mean")(enlarged + detail))
    return pictures


def rrdbnet(state: State, lr: Tensor, scale: int) -> Tensor:
    """`lr` on [0, 1] enlarged, from weights in the names of BasicSR; whole cells only."""
    cell = 4 // scale
    height, width = lr.shape[-2] // cell, lr.shape[-1] // cell
    # (b, 3, h, cell, w, cell) -> (b, 3 cell², h, w), the place in the cell counting fastest.
    cells = lr.view(-1, 3, height, cell, width, cell).permute(0, 1, 3, 5, 2, 4)
    shallow = x = _conv(state, "conv_first")(cells.reshape(-1, 3 * cell**2, height, width))
    blocks = {int(found[1]) for key in state if (found := re.match(r"body\.(\d+)\.", key))}
    for n in sorted(blocks):
        inner = x
        for d in (1, 2, 3):
            seen = inner
            for c in (1, 2, 3, 4):
                made = F.leaky_relu(_conv(state, f"body.{n}.rdb{d}.conv{c}")(seen), 0.2)
                seen = torch.cat((seen, made), dim=1)
            inner = inner + 0.2 * _conv(state, f"body.{n}.rdb{d}.conv5")(seen)
        x = x + 0.2 * inner
    x = shallow + _conv(state, "conv_body")(x)
    for name in ("conv_up1", "conv_up2"):
        doubled = x.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
        x = F.leaky_relu(_conv(state, name)(doubled), 0.2)
    return _conv(state, "conv_last")(F.leaky_relu(_conv(state, "conv_hr")(x), 0.2))
