"""KernelGAN's linear generator and its discriminator of patches, trained anew for every picture.

Source: Bell-Kligler, Shocher, Irani, "Blind Super-Resolution Kernel Estimation using an
Internal-GAN", NeurIPS 2019, arXiv:1909.06581, and the authors' code, from which the sizes of the
layers are. They are no networks of the zoo: their weights are of use for one picture.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from superfine.ops.kernels import composed
from superfine.types import Kernel

_WIDTH = 64
_SIDES = (7, 5, 3, 1, 1, 1)
# Of the kernel all layers together make.
KERNEL_SIDE = 13


class LinearGenerator(nn.Module):
    """Six convolutions with nothing between them: one blur of 13x13, in many more parameters.

    Every colour is shrunk alone, by the same kernel. The kernel is multiplied out before it meets
    a picture, which gives what the layers one after the other would but for rounding, gradients
    included, in a hundredth of the time.

    Deviation: the authors' generator shrinks by 2 only, as this one does; their x4 kernel is the x2
    kernel applied twice, made after training. Here `times=2` does it while training, too.

    Start: Xavier's normal with gain 0.1, as the authors', or `start_as` any kernel.
    """

    def __init__(self, *, stride: int = 2, times: int = 1) -> None:
        """For pictures shrunk by `stride`, `times` times in a row by the same kernel."""
        super().__init__()
        self.stride = stride
        self.times = times
        widths = (1, *([_WIDTH] * 5), 1)
        self.layers = nn.ParameterList(
            nn.Parameter(torch.empty(widths[i + 1], widths[i], side, side))
            for i, side in enumerate(_SIDES)
        )
        for layer in self.layers:
            nn.init.xavier_normal_(layer, gain=0.1)

    @property
    def scale(self) -> int:
        """Pixels of what it is given per pixel of what it makes, along each axis."""
        return int(self.stride**self.times)

    @property
    def margin(self) -> int:
        """Rows and columns that `forward` leaves out at the top and at the left."""
        margin = 0
        for _ in range(self.times):
            margin = (margin + -margin % self.stride + self._anchor) // self.stride
        return margin

    @property
    def _anchor(self) -> int:
        """Which row and column of the kernel meet the pixel a sample is counted at."""
        return KERNEL_SIDE // 2 // self.stride * self.stride

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c m n"]:
        """`x` shrunk where the kernel fits on it: without the first `margin` rows and columns."""
        kernel = self.values()[None, None].to(x)
        planes = x.reshape(-1, 1, *x.shape[-2:])
        margin = 0
        for _ in range(self.times):
            odd = -margin % self.stride
            planes = F.conv2d(planes[..., odd:, odd:], kernel, stride=self.stride)
            margin = (margin + odd + self._anchor) // self.stride
        return planes.reshape(*x.shape[:2], *planes.shape[-2:])

    def values(self) -> Float[Tensor, "13 13"]:
        """The kernel of one time, laid on the picture as it is, not flipped; differentiable."""
        first, second, third, *pointwise = self.layers
        # From the last layer to the first: all that is kept is how the result hangs on the
        # channels there.
        last = pointwise[-1].flatten(1)
        for layer in pointwise[-2::-1]:
            last = last @ layer.flatten(1)
        tail = torch.einsum("o,oihw->ihw", last[0], third)
        tail = _one_more(tail, second)
        return _one_more(tail, first)[0]

    def kernel(self) -> Kernel:
        """What the pictures are blurred with, brought to sum 1, as an explicit value."""
        values = self.values().detach().double()
        single = Kernel(values / values.sum(), self.stride, (self._anchor, self._anchor))
        return single if self.times == 1 else composed(single, self.times)

    @torch.no_grad()
    def start_as(self, kernel: Float[Tensor, "13 13"]) -> None:
        """Make the generator exactly this blur, but for rounding, by its first layer alone.

        The kernel is linear in each layer; of the first layers that give it the one with the least
        squares is taken. The other layers are as random as they were, brought to gain 1, so that
        every one of them can go on learning at once.
        """
        first, second, third, *pointwise = self.layers
        for layer in (second, third, *pointwise):
            layer.mul_((layer.shape[0] / layer.square().sum()).sqrt())
        last = pointwise[-1].flatten(1).double()
        for layer in pointwise[-2::-1]:
            last = last @ layer.flatten(1).double()
        tail = _one_more(torch.einsum("o,oihw->ihw", last[0], third.double()), second.double())
        # Column (i, a, b): where the tail of channel i lands when the first layer is 1 at (a, b).
        side = first.shape[-1]
        columns = torch.zeros(_WIDTH, side, side, KERNEL_SIDE, KERNEL_SIDE, dtype=torch.float64)
        for a in range(side):
            for b in range(side):
                columns[:, a, b, a : a + tail.shape[-2], b : b + tail.shape[-1]] = tail
        matrix = columns.flatten(0, 2).flatten(1).T
        found = torch.linalg.pinv(matrix, rtol=1e-9) @ kernel.double().flatten()
        first.copy_(found.view(first.shape))


def _one_more(
    tail: Float[Tensor, "o h w"], layer: Float[Tensor, "o i n n"]
) -> Float[Tensor, "i p q"]:
    """How the result hangs on the inputs of `layer`, given how it does on its outputs."""
    return F.conv_transpose2d(tail[None], layer)[0]


class PatchDiscriminator(nn.Module):
    """For each 7x7 patch how much it looks like one of the picture, on [0, 1].

    Grey pictures are seen as three equal colours.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_normed(3, _WIDTH, 7)]
        for _ in range(5):
            layers += [_normed(_WIDTH, _WIDTH, 1), nn.BatchNorm2d(_WIDTH), nn.ReLU()]
        self.layers = nn.Sequential(*layers, _normed(_WIDTH, 1, 1), nn.Sigmoid())

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 m n"]:
        """A map 6 pixels smaller than `x` (c = 1 or 3) along each axis."""
        return self.layers(x.expand(-1, 3, -1, -1))  # type: ignore[no-any-return]


def _normed(inputs: int, outputs: int, side: int) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, side)
    nn.init.xavier_normal_(layer.weight, gain=0.1)
    return spectral_norm(layer)
