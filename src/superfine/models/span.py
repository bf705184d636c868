"""SPAN: thin residual blocks that attend to themselves, without a parameter for the attention.

Source: Wan, Yu, Liang, Zhang, Jiang, Wang, Zhao, "Swift Parameter-free Attention Network for
Efficient Super-Resolution", CVPR Workshops 2024, arXiv:2311.12770; winner of the NTIRE 2024
challenge on efficient super-resolution and its baseline in 2026. `span` has 52 features (498 K
parameters at x4), `span-48` the 48 of most shared weight files, `span-28` the 28 of the challenge
entry (151 K).

Every 3x3 convolution is trained as several whose results are added, and merged into one 3x3
convolution for use. `SPAN` is the merged network; `training_form` builds the wide one, whose
`merged` gives it back.

Convention: the layers see the picture less the mean colour of DIV2K, on a range of 1, and the mean
is added to the result. The authors' code works on a range of 255 and adds nothing: it computes the
same once the first weights are multiplied by 255 and the mean is taken off the last biases.

Differs from the paper: the training form also holds a plain 3x3 kernel, so that training can start
from merged weights, and merges at every step instead of running the wide layers: the results are
the same, border included, and a step costs hardly more than that of the merged network. The start
is ours: three features pass the picture through and the whole is bilinear enlargement; the others
start near He's, with values near 2, where the attention is neither shut nor stuck.
"""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.edsr import div2k_mean
from superfine.models.spec import ModelSpec
from superfine.ops.resize import bilinear_phases

_BLOCKS = 6
# How many times wider the layers of the training form are.
_GAIN = 2
# Standard deviation the features start with.
_FEATURES_STD = 2.0
# That of the picture less its mean, roughly.
_PICTURE_STD = 0.25
# He's weights in the blocks times this: at 1 the features of the sixth block start 1,000 times
# smaller than those of the first, at 1.5 a hundred times larger.
_BLOCK_GAIN = 1.2


class SPAN(nn.Module):
    """Six blocks, of which the first and the last meet the first features before the enlarging."""

    mean: Tensor

    def __init__(self, scale: int, *, width: int, wide: bool = False) -> None:
        """Builds the network.

        Args:
            scale: HR pixels per LR pixel.
            width: Features, 4 or more.
            wide: Build the training form.
        """
        super().__init__()
        self.scale = scale
        self.width = width
        conv = WideConv if wide else partial(nn.Conv2d, kernel_size=3, padding=1)
        self.register_buffer("mean", div2k_mean(), persistent=False)
        self.head = conv(3, width)
        self.blocks = nn.ModuleList(_Block(width, conv) for _ in range(_BLOCKS))
        self.last = conv(width, width)
        self.join = nn.Conv2d(4 * width, width, 1)
        self.enlarge = nn.Conv2d(width, 3 * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)
        self._start()

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        features = self.head(lr - self.mean)
        x, first, inner = features, features, features
        for index, block in enumerate(self.blocks):
            x, inner = block(x)
            if index == 0:
                first = x
        # `inner` is what the first layer of the last block gave.
        x = self.join(torch.cat((features, self.last(x), first, inner), dim=1))
        return self.shuffle(self.enlarge(x)) + self.mean  # type: ignore[no-any-return]

    def merged(self) -> SPAN:
        """The network in its form for use, with the same results; shares no memory."""
        network = SPAN(self.scale, width=self.width)
        state = {k: v.detach().clone() for k, v in self.state_dict().items()}
        for name, layer in self.named_modules():
            if isinstance(layer, WideConv):
                for key in [k for k in state if k.startswith(f"{name}.")]:
                    del state[key]
                kernel, bias = layer.kernel_and_bias()
                state[f"{name}.weight"] = kernel.detach()
                state[f"{name}.bias"] = bias.detach()
        network.load_state_dict(state)
        return network

    @torch.no_grad()
    def _start(self) -> None:
        """Bilinear enlargement by three features, the others as wide as He's."""
        _he(self.head, gain=_FEATURES_STD / _PICTURE_STD)
        _he(self.last)
        for block in self.blocks:
            for conv in block.get_submodule("convs").children():
                _he(conv, gain=_BLOCK_GAIN)
        _he(self.join)
        for layer in (self.join, self.enlarge):
            assert layer.bias is not None
            layer.bias.zero_()
        head = self.head.get_parameter("weight")
        head[:3] = 0
        self.join.weight[:3] = 0
        for colour in range(3):
            head[colour, colour, 1, 1] = 1
            self.join.weight[colour, colour] = 1
        nn.init.normal_(self.enlarge.weight, std=1e-4)
        phases = bilinear_phases(self.scale)
        for colour in range(3):
            own = slice(colour * self.scale**2, (colour + 1) * self.scale**2)
            self.enlarge.weight[own, :3] = 0
            self.enlarge.weight[own, colour] = phases


class _Block(nn.Module):
    """Three convolutions; their result decides how much of itself and of the input remains."""

    def __init__(self, width: int, conv: type[WideConv] | partial[nn.Conv2d]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv(width, width) for _ in range(3))

    def forward(
        self, x: Float[Tensor, "b f h w"]
    ) -> tuple[Float[Tensor, "b f h w"], Float[Tensor, "b f h w"]]:
        """The result, and what the first convolution gave, after its activation."""
        first = F.silu(self.convs[0](x))
        made = self.convs[2](F.silu(self.convs[1](first)))
        return (made + x) * (torch.sigmoid(made) - 0.5), first


class WideConv(nn.Module):
    """A 3x3 convolution that learns as the sum of a plain one, a wide chain and a 1x1 one.

    The chain is 1x1, 3x3, 1x1, with twice the features inside and no activation, so that the whole
    is one kernel. It starts at 0, as the plain kernel alone.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        plain = nn.Conv2d(inputs, outputs, 3)
        self.weight, self.bias = plain.weight, plain.bias
        self.enter = nn.Conv2d(inputs, _GAIN * inputs, 1)
        self.inside = nn.Conv2d(_GAIN * inputs, _GAIN * outputs, 3)
        self.leave = nn.Conv2d(_GAIN * outputs, outputs, 1)
        self.skip = nn.Conv2d(inputs, outputs, 1)
        for layer in (self.leave, self.skip):
            nn.init.zeros_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def kernel_and_bias(self) -> tuple[Float[Tensor, "o i 3 3"], Float[Tensor, " o"]]:
        """The one convolution that all of them are."""
        assert self.bias is not None
        enter, leave = self.enter.weight[:, :, 0, 0], self.leave.weight[:, :, 0, 0]
        inside = torch.einsum("om,mnhw->onhw", leave, self.inside.weight)
        kernel = self.weight + torch.einsum("onhw,ni->oihw", inside, enter)
        kernel = kernel + F.pad(self.skip.weight, (1, 1, 1, 1))
        # Outside the picture the wide layers see the bias of `enter`, so that it counts everywhere.
        bias = torch.einsum("onhw,n->o", inside, _bias(self.enter)) + leave @ _bias(self.inside)
        return kernel, self.bias + bias + _bias(self.leave) + _bias(self.skip)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        """`x` through the merged kernel."""
        return F.conv2d(x, *self.kernel_and_bias(), padding=1)


def _bias(layer: nn.Conv2d) -> Float[Tensor, " o"]:
    assert layer.bias is not None
    return layer.bias


def _he(layer: nn.Module, gain: float = 1.0) -> None:
    """He's start for layers before an activation that lets half through, and no bias."""
    weight = layer.get_parameter("weight")
    nn.init.kaiming_normal_(weight)
    weight.data.mul_(gain)
    nn.init.zeros_(layer.get_parameter("bias"))


def _spec(name: str, *, width: int, parameters: dict[int, int]) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(SPAN, width=width),
        training=partial(SPAN, width=width, wide=True),
        scales=tuple(parameters),
        channels="rgb",
        # Head, three a block, the last, and the enlarging.
        reach=dict.fromkeys(parameters, 3 * _BLOCKS + 3),
        paper="Wan et al., Swift Parameter-free Attention Network for Efficient Super-Resolution, "
        "CVPR Workshops 2024",
        parameters=parameters,
    )


SPECS = (
    _spec("span", width=52, parameters={2: 481_324, 3: 488_359, 4: 498_208}),
    _spec("span-48", width=48, parameters={2: 410_700, 3: 417_195, 4: 426_288}),
    _spec("span-28", width=28, parameters={2: 141_580, 3: 145_375, 4: 150_688}),
)
