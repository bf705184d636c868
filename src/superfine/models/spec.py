"""What the rest of the house needs to know of a network, as one frozen value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn

Channels = Literal["rgb", "y", "depth", "depth+guide", "depth+rgb", "depth+start"]


@dataclass(frozen=True)
class ModelSpec:
    """One network of the zoo, before it has weights.

    The contract of what `build` returns: `network(lr) -> sr`, both (b, c, h, w) on [0, 1], `sr`
    exactly `scale` times larger in height and width. A network that wants an enlarged input
    enlarges inside. A guided one is called `network(lr, guide)`, with the photo (b, 1 or 3, h, w)
    on [0, 1] as large as `sr`; one that refines a start finds that as the last channel. While
    training, a deeply supervised network returns a tuple, coarse to fine, whose last is `sr`.

    Attributes:
        name: What users type: lower case, a variant after a dash.
        build: Makes the network for one scale, with its training initialisation.
        scales: Scales it can be built for.
        channels: What the channel axis holds; "y" is BT.601 luma on [16/255, 235/255], "depth" a
            depth map, "depth+guide" one whose network takes a grey guide, "depth+rgb" a colour one,
            "depth+start" a colour one and the guided diffusion of the map, which it refines.
        reach: For each scale, how many LR pixels to each side an output pixel sees; None where it
            sees the whole picture. A tile with this much context equals the whole picture.
        paper: Authors, title, venue, year.
        parameters: Published number of trainable values, for each scale.
        side: Height and width in LR pixels of the only input it takes; None where any will do.
        training: Makes the network in the form it is trained in, where that is another: one with
            more parameters, whose `merged()` gives what `build` makes, with the same results. It
            holds every tensor of `build` under the same name.
    """

    name: str
    build: Callable[[int], nn.Module]
    scales: tuple[int, ...]
    channels: Channels
    reach: Mapping[int, int | None]
    paper: str
    parameters: Mapping[int, int]
    side: int | None = None
    training: Callable[[int], nn.Module] | None = None

    @property
    def lr_channels(self) -> int:
        """Channels of what it enlarges."""
        return 3 if self.channels == "rgb" else 1

    @property
    def guide_channels(self) -> int:
        """Channels of the guide it takes, with the start; 0 where it takes none."""
        return self.photo_channels + self.refines

    @property
    def photo_channels(self) -> int:
        """Channels of the photo in its guide; 0 where it takes none."""
        return {"depth+guide": 1, "depth+rgb": 3, "depth+start": 3}.get(self.channels, 0)

    @property
    def refines(self) -> bool:
        """Whether its guide holds a start: the map as guided diffusion enlarges it."""
        return self.channels == "depth+start"

    @property
    def of_depth(self) -> bool:
        """Whether it enlarges depth maps, not pictures."""
        return self.channels.startswith("depth")


def parameter_count(network: nn.Module) -> int:
    """Number of trainable values in `network`."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
