"""Networks under other people's names, on their ranges of values, as plain formulas.

Each writes down what a public layout computes, from the paper and the names in its files, apart
from our networks: weights that are read and converted must give the same pictures.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from superfine.ops.resize import imresize

State = dict[str, Tensor]
DIV2K = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)


@dataclass(frozen=True)
class Original:
    """A network in a layout of others.

    Attributes:
        source: Whose layout it is, as a finding tells it.
        ours: Name of ours.
        scale: HR pixels per LR pixel.
        layers: Name of each layer, its shape and the size of its bias, in no order.
        run: From the weights and a picture on [0, 1] to the picture on [0, 1].
        normed: Keep each weight as a length and a direction.
        span: What 1 of [0, 1] is to the layers.
        strength: What random weights are multiplied by, so that deep networks stay calm.
        called: The name of its file, where that decides.
    """

    source: str
    ours: str
    scale: int
    layers: Callable[[], Iterator[tuple[str, tuple[int, ...], int]]]
    run: Callable[[State, Tensor], Tensor]
    normed: bool = False
    span: float = 255
    strength: float = 1
    called: str = "net"

    def state(self, seed: int = 0) -> State:
        """Random weights, with biases of the size the range of values asks for."""
        generator = torch.Generator().manual_seed(seed)
        state: State = {}
        for name, shape, bias in self.layers():
            weight = torch.randn(shape, generator=generator)
            if len(shape) == 1:  # slopes
                state[f"{name}.weight"] = 0.2 + 0.1 * weight
                continue
            fan_in = max(1, weight[0].numel())
            weight *= self.strength / fan_in**0.5
            if self.normed:
                lengths = weight.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
                state[f"{name}.weight_g"] = lengths
                state[f"{name}.weight_v"] = 3 * weight
            else:
                state[f"{name}.weight"] = weight
            if bias:
                state[f"{name}.bias"] = torch.randn(bias, generator=generator) * self.span / 20
        return state


def _weight(s: State, name: str) -> Tensor:
    if f"{name}.weight" in s:
        return s[f"{name}.weight"]
    return torch._weight_norm(s[f"{name}.weight_v"], s[f"{name}.weight_g"], 0)


def _conv(s: State, name: str, x: Tensor) -> Tensor:
    weight = _weight(s, name)
    return F.conv2d(x, weight, s.get(f"{name}.bias"), padding=weight.shape[-1] // 2)


def _layer(name: str, inputs: int, outputs: int, side: int = 3) -> tuple[str, tuple[int, ...], int]:
    return name, (outputs, inputs, side, side), outputs


def _stages(scale: int) -> list[int]:
    return [3] if scale == 3 else [2] * (scale.bit_length() - 1)


# EDSR: head, residual blocks, sub-pixel stages; names of the block's layers and of the others.
@dataclass(frozen=True)
class _EdsrNames:
    head: str
    block: str  # of block and layer, the second of which is `step` further
    step: tuple[int, int]
    end: str
    stage: str
    stage_step: int
    tail: str


_EDSR_PYTORCH = _EdsrNames("head.0", "body.{}.body.{}", (0, 2), "body.{}", "tail.0.{}", 2, "tail.1")
_BASICSR = _EdsrNames(
    "conv_first", "body.{}.conv{}", (1, 2), "conv_after_body", "upsample.{}", 2, "conv_last"
)
_MMAGIC = _EdsrNames(
    "conv_first", "body.{}.conv{}", (1, 2), "conv_after_body", "upsample.{}.upsample_conv", 1,
    "conv_last",
)  # fmt: skip


def _edsr(source: str, names: _EdsrNames, scale: int, *, span: float) -> Original:
    width, blocks = 64, 16

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield _layer(names.head, 3, width)
        for block, step in itertools.product(range(blocks), names.step):
            yield _layer(names.block.format(block, step), width, width)
        yield _layer(names.end.format(blocks), width, width)
        for i, factor in enumerate(_stages(scale)):
            yield _layer(names.stage.format(i * names.stage_step), width, width * factor**2)
        yield _layer(names.tail, width, 3)

    def run(s: State, lr: Tensor) -> Tensor:
        x = shallow = _conv(s, names.head, span * (lr - DIV2K))
        for block in range(blocks):
            first, second = (names.block.format(block, step) for step in names.step)
            x = x + _conv(s, second, torch.relu(_conv(s, first, x)))
        x = shallow + _conv(s, names.end.format(blocks), x)
        for i, factor in enumerate(_stages(scale)):
            x = F.pixel_shuffle(_conv(s, names.stage.format(i * names.stage_step), x), factor)
        return _conv(s, names.tail, x) / span + DIV2K

    return Original(source, "edsr-baseline", scale, layers, run, span=span)


def _mdsr() -> Original:
    scales, width, blocks = (2, 3, 4), 64, 16

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield _layer("head.0", 3, width)
        for scale, block, step in itertools.product(range(3), range(2), (0, 2)):
            yield _layer(f"pre_process.{scale}.{block}.body.{step}", width, width, 5)
        for block, step in itertools.product(range(blocks), (0, 2)):
            yield _layer(f"body.{block}.body.{step}", width, width)
        yield _layer(f"body.{blocks}", width, width)
        for index, scale in enumerate(scales):
            for i, factor in enumerate(_stages(scale)):
                yield _layer(f"upsample.{index}.{2 * i}", width, width * factor**2)
        yield _layer("tail.0", width, 3)

    def run(s: State, lr: Tensor) -> Tensor:
        x = _conv(s, "head.0", 255 * (lr - DIV2K))
        for block in range(2):
            inner = torch.relu(_conv(s, f"pre_process.2.{block}.body.0", x))
            x = x + _conv(s, f"pre_process.2.{block}.body.2", inner)
        shallow = x
        for block in range(blocks):
            x = x + _conv(
                s, f"body.{block}.body.2", torch.relu(_conv(s, f"body.{block}.body.0", x))
            )
        x = shallow + _conv(s, f"body.{blocks}", x)
        for i in range(2):
            x = F.pixel_shuffle(_conv(s, f"upsample.2.{2 * i}", x), 2)
        return _conv(s, "tail.0", x) / 255 + DIV2K

    return Original("EDSR-PyTorch", "mdsr-baseline", 4, layers, run)


@dataclass(frozen=True)
class _RcanNames:
    head: str
    conv: str  # of group, block and layer 0 or 2
    attention: str  # of group, block and number
    numbers: tuple[int, int]
    group: str
    end: str
    stage: str
    tail: str


_RCAN_AUTHORS = _RcanNames(
    "head.0", "body.{}.body.{}.body.{}", "body.{}.body.{}.body.3.conv_du.{}", (0, 2),
    "body.{}.body.10", "body.5", "tail.0.0", "tail.1",
)  # fmt: skip
_RCAN_BASICSR = _RcanNames(
    "conv_first", "body.{}.residual_group.{}.rcab.{}",
    "body.{}.residual_group.{}.rcab.3.attention.{}", (1, 3),
    "body.{}.conv", "conv_after_body", "upsample.0", "conv_last",
)  # fmt: skip
_RCAN_YJN870 = _RcanNames(
    "sf", "rgs.{}.module.{}.module.{}", "rgs.{}.module.{}.module.3.module.{}", (1, 3),
    "rgs.{}.module.10", "conv1", "upscale.0", "conv2",
)  # fmt: skip


def _rcan(source: str, names: _RcanNames, *, span: float, mean: Tensor) -> Original:
    groups, blocks, width, thin = 5, 10, 64, 4

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield _layer(names.head, 3, width)
        for group in range(groups):
            for block in range(blocks):
                for step in (0, 2):
                    yield _layer(names.conv.format(group, block, step), width, width)
                low, high = names.numbers
                yield _layer(names.attention.format(group, block, low), width, thin, 1)
                yield _layer(names.attention.format(group, block, high), thin, width, 1)
            yield _layer(names.group.format(group), width, width)
        yield _layer(names.end, width, width)
        yield _layer(names.stage, width, 4 * width)
        yield _layer(names.tail, width, 3)

    def attended(s: State, group: int, block: int, x: Tensor) -> Tensor:
        low, high = (names.attention.format(group, block, number) for number in names.numbers)
        means = torch.relu(_conv(s, low, x.mean(dim=(2, 3), keepdim=True)))
        return x * torch.sigmoid(_conv(s, high, means))

    def run(s: State, lr: Tensor) -> Tensor:
        x = shallow = _conv(s, names.head, span * (lr - mean))
        for group in range(groups):
            entered = x
            for block in range(blocks):
                inner = torch.relu(_conv(s, names.conv.format(group, block, 0), x))
                inner = _conv(s, names.conv.format(group, block, 2), inner)
                x = x + attended(s, group, block, inner)
            x = entered + _conv(s, names.group.format(group), x)
        x = shallow + _conv(s, names.end, x)
        x = F.pixel_shuffle(_conv(s, names.stage, x), 2)
        return _conv(s, names.tail, x) / span + mean

    return Original(source, "rcan-light", 2, layers, run, span=span, strength=0.5)


def _rdn(source: str, conv: str, fusion: str, others: tuple[str, ...], span: float) -> Original:
    blocks, deep, growth, width = 20, 6, 32, 64
    first, second, join, smooth, stage, tail = others

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield _layer(first, 3, width)
        yield _layer(second, width, width)
        for block in range(blocks):
            for i in range(deep):
                yield _layer(conv.format(block, i), width + i * growth, growth)
            yield _layer(fusion.format(block), width + deep * growth, width, 1)
        yield _layer(join, blocks * width, width, 1)
        yield _layer(smooth, width, width)
        yield _layer(stage, width, 4 * growth)
        yield _layer(tail, growth, 3)

    def run(s: State, lr: Tensor) -> Tensor:
        shallow = _conv(s, first, span * lr)
        x = _conv(s, second, shallow)
        kept = []
        for block in range(blocks):
            seen = x
            for i in range(deep):
                seen = torch.cat((seen, torch.relu(_conv(s, conv.format(block, i), seen))), dim=1)
            x = x + _conv(s, fusion.format(block), seen)
            kept.append(x)
        x = shallow + _conv(s, smooth, _conv(s, join, torch.cat(kept, dim=1)))
        return _conv(s, tail, F.pixel_shuffle(_conv(s, stage, x), 2)) / span

    return Original(source, "rdn-a", 2, layers, run, span=span)


@dataclass(frozen=True)
class _WdsrNames:
    head: str
    block: str
    tail: str


def _wdsr_a(source: str, names: _WdsrNames, first: int, *, mean: Tensor, span: float) -> Original:
    """`span` is what a picture on [0, 1] is multiplied by; theirs divide [0, 255] by 127.5."""
    blocks, width, scale = 16, 32, 2

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield _layer(names.head, 3, width)
        for block in range(first, first + blocks):
            yield _layer(names.block.format(block, 0), width, 4 * width)
            yield _layer(names.block.format(block, 2), 4 * width, width)
        yield _layer(names.tail, width, 3 * scale**2)
        yield _layer("skip.0", 3, 3 * scale**2, 5)

    def run(s: State, lr: Tensor) -> Tensor:
        given = span * (lr - mean)
        x = _conv(s, names.head, given)
        for block in range(first, first + blocks):
            inner = torch.relu(_conv(s, names.block.format(block, 0), x))
            x = x + _conv(s, names.block.format(block, 2), inner)
        made = F.pixel_shuffle(_conv(s, names.tail, x) + _conv(s, "skip.0", given), scale)
        return made / span + mean

    return Original(source, "wdsr-a", scale, layers, run, normed=True, span=span)


def _wdsr_b() -> Original:
    blocks, width, low, scale = 16, 32, 25, 3

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield _layer("head.0", 3, width)
        for block in range(blocks):
            yield _layer(f"body.{block}.body.0", width, 6 * width, 1)
            yield _layer(f"body.{block}.body.2", 6 * width, low, 1)
            yield _layer(f"body.{block}.body.3", low, width)
        yield _layer("tail.0", width, 3 * scale**2)
        yield _layer("skip.0", 3, 3 * scale**2, 5)

    def run(s: State, lr: Tensor) -> Tensor:
        given = (255 * lr - 255 * DIV2K) / 127.5
        x = _conv(s, "head.0", given)
        for block in range(blocks):
            inner = torch.relu(_conv(s, f"body.{block}.body.0", x))
            x = x + _conv(s, f"body.{block}.body.3", _conv(s, f"body.{block}.body.2", inner))
        made = F.pixel_shuffle(_conv(s, "tail.0", x), scale)
        made = made + F.pixel_shuffle(_conv(s, "skip.0", given), scale)
        return (127.5 * made + 255 * DIV2K) / 255

    return Original("wdsr_ntire2018", "wdsr-b", scale, layers, run, normed=True, span=2)


def _imdn() -> Original:
    width, kept, scale = 64, 16, 2

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield _layer("fea_conv", 3, width)
        for block in range(1, 7):
            for name, inputs, outputs in (("c1", 64, 64), ("c2", 48, 64), ("c3", 48, 64)):
                yield _layer(f"IMDB{block}.{name}", inputs, outputs)
            yield _layer(f"IMDB{block}.c4", 48, kept)
            yield _layer(f"IMDB{block}.c5", width, width, 1)
            yield _layer(f"IMDB{block}.cca.conv_du.0", width, 4, 1)
            yield _layer(f"IMDB{block}.cca.conv_du.2", 4, width, 1)
        yield _layer("c.0", 6 * width, width, 1)
        yield _layer("LR_conv", width, width)
        yield _layer("upsampler.0", width, 3 * scale**2)

    def run(s: State, lr: Tensor) -> Tensor:
        x = shallow = _conv(s, "fea_conv", lr)
        each = []
        for block in range(1, 7):
            rest, parts = x, []
            for number in (1, 2, 3):
                made = F.leaky_relu(_conv(s, f"IMDB{block}.c{number}", rest), 0.05)
                part, rest = made.split((kept, width - kept), dim=1)
                parts.append(part)
            joined = torch.cat((*parts, _conv(s, f"IMDB{block}.c4", rest)), dim=1)
            contrast = joined.std(dim=(2, 3), keepdim=True, correction=0)
            told = contrast + joined.mean(dim=(2, 3), keepdim=True)
            told = torch.relu(_conv(s, f"IMDB{block}.cca.conv_du.0", told))
            weighed = joined * torch.sigmoid(_conv(s, f"IMDB{block}.cca.conv_du.2", told))
            x = x + _conv(s, f"IMDB{block}.c5", weighed)
            each.append(x)
        fused = F.leaky_relu(_conv(s, "c.0", torch.cat(each, dim=1)), 0.05)
        x = shallow + _conv(s, "LR_conv", fused)
        return F.pixel_shuffle(_conv(s, "upsampler.0", x), scale)

    return Original("IMDN's authors", "imdn", scale, layers, run, span=1)


def _srfbn() -> Original:
    width, groups, scale = 32, 3, 2
    side = scale + 4

    def activated(name: str, *shape: int) -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield f"{name}.0", shape, width if name != "conv_in" else 4 * width
        yield f"{name}.1", (1,), 0

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield from activated("conv_in", 4 * width, 3, 3, 3)
        yield from activated("feat_in", width, 4 * width, 1, 1)
        yield from activated("block.compress_in", width, 2 * width, 1, 1)
        for i in range(groups):
            yield from activated(f"block.upBlocks.{i}", width, width, side, side)
            yield from activated(f"block.downBlocks.{i}", width, width, side, side)
        for i in range(groups - 1):
            yield from activated(f"block.uptranBlocks.{i}", width, (i + 2) * width, 1, 1)
            yield from activated(f"block.downtranBlocks.{i}", width, (i + 2) * width, 1, 1)
        yield from activated("block.compress_out", width, groups * width, 1, 1)
        yield from activated("out", width, width, side, side)
        yield "conv_out.0", (3, width, 3, 3), 3
        yield "sub_mean", (3, 3, 1, 1), 3
        yield "add_mean", (3, 3, 1, 1), 3

    def run(s: State, lr: Tensor) -> Tensor:
        def point(name: str, x: Tensor) -> Tensor:
            return F.prelu(_conv(s, f"{name}.0", x), s[f"{name}.1.weight"])

        def up(name: str, x: Tensor) -> Tensor:
            weight, bias = s[f"{name}.0.weight"], s[f"{name}.0.bias"]
            made = F.conv_transpose2d(x, weight, bias, stride=scale, padding=2)
            return F.prelu(made, s[f"{name}.1.weight"])

        def down(name: str, x: Tensor) -> Tensor:
            weight, bias = s[f"{name}.0.weight"], s[f"{name}.0.bias"]
            made = F.conv2d(x, weight, bias, stride=scale, padding=2)
            return F.prelu(made, s[f"{name}.1.weight"])

        def fed(hidden: Tensor) -> Tensor:
            small = [point("block.compress_in", torch.cat((features, hidden), dim=1))]
            large: list[Tensor] = []
            for i in range(groups):
                seen = torch.cat(small, dim=1)
                if i:
                    seen = point(f"block.uptranBlocks.{i - 1}", seen)
                large.append(up(f"block.upBlocks.{i}", seen))
                seen = torch.cat(large, dim=1)
                if i:
                    seen = point(f"block.downtranBlocks.{i - 1}", seen)
                small.append(down(f"block.downBlocks.{i}", seen))
            return point("block.compress_out", torch.cat(small[1:], dim=1))

        x = _conv(s, "sub_mean", 255 * lr)
        skip = F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)
        hidden = features = point("feat_in", point("conv_in", x))
        for _ in range(4):
            hidden = fed(hidden)
        return _conv(s, "add_mean", skip + _conv(s, "conv_out.0", up("out", hidden))) / 255

    return Original("SRFBN's authors", "srfbn-s", scale, layers, run)


def _rrdb(source: str, conv: str, others: tuple[str, ...]) -> Original:
    width, growth, blocks = 64, 32, 6
    first, last, up1, up2, hr, tail = others

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield _layer(first, 3, width)
        for block, dense, i in itertools.product(range(blocks), range(1, 4), range(1, 6)):
            outputs = width if i == 5 else growth
            yield _layer(conv.format(block, dense, i), width + (i - 1) * growth, outputs)
        for name in (last, up1, up2, hr):
            yield _layer(name, width, width)
        yield _layer(tail, width, 3)

    def dense_block(s: State, block: int, dense: int, x: Tensor) -> Tensor:
        seen = x
        for i in range(1, 5):
            made = F.leaky_relu(_conv(s, conv.format(block, dense, i), seen), 0.2)
            seen = torch.cat((seen, made), dim=1)
        return x + 0.2 * _conv(s, conv.format(block, dense, 5), seen)

    def run(s: State, lr: Tensor) -> Tensor:
        x = shallow = _conv(s, first, lr)
        for block in range(blocks):
            made = x
            for dense in range(1, 4):
                made = dense_block(s, block, dense, made)
            x = x + 0.2 * made
        x = shallow + _conv(s, last, x)
        for name in (up1, up2):
            x = F.leaky_relu(_conv(s, name, F.interpolate(x, scale_factor=2)), 0.2)
        return _conv(s, tail, F.leaky_relu(_conv(s, hr, x), 0.2))

    return Original(source, "rrdbnet-6", 4, layers, run, span=1)


def _span() -> Original:
    """The plain form; `tests/test_layouts.py` makes the wide one of it."""
    width, scale = 28, 4

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield _layer("conv_1", 3, width)
        for block, number in itertools.product(range(1, 7), range(1, 4)):
            yield _layer(f"block_{block}.c{number}_r", width, width)
        yield _layer("conv_2", width, width)
        yield _layer("conv_cat", 4 * width, width, 1)
        yield _layer("upsampler.0", width, 3 * scale**2)

    def run(s: State, lr: Tensor) -> Tensor:
        x = shallow = _conv(s, "conv_1", 255 * (lr - DIV2K))
        kept = []
        for block in range(1, 7):
            inner = F.silu(_conv(s, f"block_{block}.c1_r", x))
            made = F.silu(_conv(s, f"block_{block}.c2_r", inner))
            made = _conv(s, f"block_{block}.c3_r", made)
            x = (made + x) * (torch.sigmoid(made) - 0.5)
            kept.append((x, inner))
        joined = (shallow, _conv(s, "conv_2", x), kept[0][0], kept[-1][1])
        x = _conv(s, "conv_cat", torch.cat(joined, dim=1))
        return F.pixel_shuffle(_conv(s, "upsampler.0", x), scale)

    # Its layers answer small values with small ones: biases of the range would drown the rest.
    return Original("SPAN's authors", "span-28", scale, layers, run, span=1)


def _vdsr() -> Original:
    names = ["input", *(f"residual_layer.{i}.conv" for i in range(18)), "output"]

    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        for i, name in enumerate(names):
            shape = (1 if i == 19 else 64, 64 if i else 1, 3, 3)
            yield name, shape, 0

    def run(s: State, lr: Tensor) -> Tensor:
        enlarged = x = imresize(lr, scale=2)
        for name in names[:-1]:
            x = torch.relu(_conv(s, name, x))
        return enlarged + _conv(s, "output", x)

    return Original("twtygqyy", "vdsr-nobias", 2, layers, run, span=1)


def _lapsrn() -> Original:
    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield "conv_input", (64, 1, 3, 3), 0
        for level in (1, 2):
            for i in range(10):
                yield f"convt_F{level}.0.cov_block.{2 * i}", (64, 64, 3, 3), 0
            yield f"convt_F{level}.0.cov_block.20", (64, 64, 4, 4), 0
            yield f"convt_I{level}", (1, 1, 4, 4), 0
            yield f"convt_R{level}", (1, 64, 3, 3), 0

    def run(s: State, lr: Tensor) -> Tensor:
        x, picture = F.leaky_relu(_conv(s, "conv_input", lr), 0.2), lr
        for level in (1, 2):
            block = f"convt_F{level}.0.cov_block"
            for i in range(10):
                x = F.leaky_relu(_conv(s, f"{block}.{2 * i}", x), 0.2)
            larger = F.conv_transpose2d(x, s[f"{block}.20.weight"], stride=2, padding=1)
            x = F.leaky_relu(larger, 0.2)
            weight = s[f"convt_I{level}.weight"]
            picture = F.conv_transpose2d(picture, weight, stride=2, padding=1)
            picture = picture + _conv(s, f"convt_R{level}", x)
        return picture

    return Original("twtygqyy", "lapsrn", 4, layers, run, span=1)


def _drrn(source: str, enter: str, first: str, second: str, last: str) -> Original:
    def layers() -> Iterator[tuple[str, tuple[int, ...], int]]:
        yield enter, (128, 1, 3, 3), 0
        yield first, (128, 128, 3, 3), 0
        yield second, (128, 128, 3, 3), 0
        yield last, (1, 128, 3, 3), 0

    def run(s: State, lr: Tensor) -> Tensor:
        enlarged = imresize(lr, scale=2)
        state = entered = _conv(s, enter, torch.relu(enlarged))
        for _ in range(25):
            inner = torch.relu(_conv(s, first, torch.relu(state)))
            state = entered + _conv(s, second, inner)
        return enlarged + _conv(s, last, torch.relu(state))

    # Its shapes do not tell how often the weights are used; whose names they are may.
    called = "drrn" if source == "yjn870" else "net"
    return Original(source, "drrn", 2, layers, run, span=1, called=called)


ORIGINALS = (
    *(_edsr("EDSR-PyTorch", _EDSR_PYTORCH, scale, span=255) for scale in (2, 3, 4)),
    _edsr("BasicSR", _BASICSR, 4, span=255),
    _edsr("MMagic", _MMAGIC, 4, span=1),
    _mdsr(),
    _rcan("RCAN's authors", _RCAN_AUTHORS, span=255, mean=DIV2K),
    _rcan("BasicSR", _RCAN_BASICSR, span=255, mean=DIV2K),
    _rdn(
        "EDSR-PyTorch",
        "RDBs.{}.convs.{}.conv.0",
        "RDBs.{}.LFF",
        ("SFENet1", "SFENet2", "GFF.0", "GFF.1", "UPNet.0", "UPNet.2"),
        255,
    ),
    _rdn(
        "yjn870",
        "rdbs.{}.layers.{}.conv",
        "rdbs.{}.lff",
        ("sfe1", "sfe2", "gff.0", "gff.1", "upscale.0", "output"),
        1,
    ),
    _wdsr_a(
        "wdsr_ntire2018", _WdsrNames("head.0", "body.{}.body.{}", "tail.0"), 0, mean=DIV2K, span=2
    ),
    _wdsr_a("yjn870", _WdsrNames("head.0", "body.{}.module.{}", "tail.0"), 0, mean=DIV2K, span=2),
    _wdsr_b(),
    _imdn(),
    _srfbn(),
    _rrdb(
        "BasicSR",
        "body.{}.rdb{}.conv{}",
        ("conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"),
    ),
    _rrdb(
        "ESRGAN",
        "RRDB_trunk.{}.RDB{}.conv{}",
        ("conv_first", "trunk_conv", "upconv1", "upconv2", "HRconv", "conv_last"),
    ),
    _rrdb(
        "ESRGAN's first files",
        "model.1.sub.{}.RDB{}.conv{}.0",
        ("model.0", "model.1.sub.6", "model.3", "model.6", "model.8", "model.10"),
    ),
    _span(),
    _vdsr(),
    _lapsrn(),
    _drrn("jt827859032", "input", "conv1", "conv2", "output"),
    _drrn(
        "yjn870",
        "rbs.0.h0.module.1",
        "rbs.0.ru.module.0.module.1",
        "rbs.0.ru.module.1.module.1",
        "rec.module.1",
    ),
)

# Those that take off another colour than ours, so that ours differ a little near the edges.
GREY = torch.full((1, 3, 1, 1), 0.5)
OTHER_COLOURS = (
    _wdsr_a(
        "ychfan/wdsr", _WdsrNames("body.0", "body.{}.body.{}", "body.17"), 1, mean=GREY, span=1
    ),
    _rcan("yjn870", _RCAN_YJN870, span=1, mean=torch.zeros(1, 3, 1, 1)),
)
