"""The correction network as we train it: on pairs, from the closed form on, with held-out squares.

The public DARSR trains it from random weights through the enlarging network, together with the
generator. Here the kernel is known already, the network begins as one that changes nothing after
the closed form, and sees small pieces only. The state with the least held-out error is kept, the
closed form itself among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.blind.crops import gradient_map
from superfine.blind.pairs import Pair, Pairs, words
from superfine.models.darsr import Attention, CorrectionNetwork

# Of the streams of random numbers of one run.
_SQUARES = 2
# Pixels on a side of the part of the picture that pairs are made of.
_LARGEST = 512
# LR pixels a corrected pixel sees to each side: six layers of 3x3 and the filters.
_REACH = 8
# How fast the last layer learns, against the others. It starts at 0 and sums up 1152 numbers: at
# the full rate its first steps throw the picture away, and with it the layers before.
_TAIL = 0.05
# Pixels that are corrected at once: what lies in the layers is 512 times as much.
_IN_WORK = 2**17


@dataclass(frozen=True)
class PairPlan:
    """How long and on what the correction network learns.

    Attributes:
        steps: Of the network.
        batch: Squares in a step.
        side: Rows and columns of a square; pictures too small for it are seen whole.
        learning_rate: At first, of all layers but the last; it falls to 0 as half a cosine.
        pictures: How many pairs squares are cut from.
        spread: See `superfine.blind.pairs.unlike`.
        check_every: Steps between two looks at the held-out squares.
    """

    steps: int = 120
    batch: int = 8
    side: int = 32
    learning_rate: float = 1e-3
    pictures: int = 24
    spread: float = 0.0
    check_every: int = 20


class Corrector:
    """A correction network that learns from one picture, and the best it has been."""

    def __init__(
        self,
        base: Float[Tensor, "c m n"],
        matrix: Float[Tensor, "2 2"],
        plan: PairPlan,
        *,
        scale: int,
        seed: int,
        codes: int | None,
        keeps_brightness: bool = True,
    ) -> None:
        """The network changes nothing yet.

        Args:
            base: The picture in hand, corrected in closed form, on [0, 1].
            matrix: Covariance of the kernel it was corrected for, HR pixels squared.
            plan: How it is to learn.
            scale: HR pixels per LR pixel.
            seed: Of the run, 0 or more.
            codes: What the picture was rounded to: 255 for 8 bits; None for not.
            keeps_brightness: As of `CorrectionNetwork`.
        """
        self._plan, self._seed = plan, seed
        part = _most_to_see(base, _LARGEST)
        pairs = Pairs(part, matrix, scale=scale, seed=seed, spread=plan.spread, codes=codes)
        self._pairs = [pairs[i] for i in range(plan.pictures)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = CorrectionNetwork(keeps_brightness=keeps_brightness)
        self.network.start_as_nothing()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.first_error = self.best_error = self._held_out_error()
        self._best = _copy(self.network)

    def learn(self) -> Iterator[dict[str, float]]:
        """One step for each that is asked for; every few, the network is looked at."""
        plan = self._plan
        tail = list(self.network.tail.parameters())
        others = [p for p in self.network.parameters() if all(p is not one for one in tail)]
        groups = [{"params": others, "share": 1.0}, {"params": tail, "share": _TAIL}]
        optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99))
        for i in range(plan.steps):
            slow = min(1.0, (i + 1) / 10) * 0.5 * (1 + math.cos(math.pi * i / plan.steps))
            for group in optimiser.param_groups:
                group["lr"] = plan.learning_rate * slow * group["share"]
            seen, wanted, counts = self._squares(i)
            apart = (_corrected(self.network, seen) - wanted).abs()
            loss = (apart * counts).sum() / (counts.sum() * seen.shape[1]).clamp(min=1)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            told = {"forward": float(loss.detach())}
            if (i + 1) % plan.check_every == 0 or i + 1 == plan.steps:
                told["held_out"] = self._look()
            yield told

    def best(self) -> CorrectionNetwork:
        """The network as it was when the held-out squares came out best."""
        self.network.load_state_dict(self._best)
        return self.network

    def _look(self) -> float:
        error = self._held_out_error()
        if error < self.best_error:
            self.best_error, self._best = error, _copy(self.network)
        return error

    @torch.no_grad()
    def _held_out_error(self) -> float:
        """Root of the mean square over the held-out squares of the first pairs, on [0, 1]."""
        squares, count = 0.0, 0.0
        for pair in self._pairs[:3]:
            apart = corrected_whole(self.network, pair.seen) - pair.wanted
            squares += float((apart.square().mean(dim=0) * pair.held_out).sum())
            count += float(pair.held_out.sum())
        return math.sqrt(squares / max(count, 1.0))

    def _squares(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Of step `step`: what is seen, what is wanted, and 1 where it counts."""
        plan, chosen = self._plan, []
        side = min(plan.side, *(n for pair in self._pairs for n in pair.seen.shape[-2:]))
        for i in range(step * plan.batch, (step + 1) * plan.batch):
            which, row, column, _ = words(self._seed, _SQUARES, i)
            pair = self._pairs[which % len(self._pairs)]
            height, width = pair.seen.shape[-2:]
            row, column = row % (height - side + 1), column % (width - side + 1)
            chosen.append(_cut(pair, row, column, side))
        seen, wanted, counts = zip(*chosen, strict=True)
        return torch.stack(seen), torch.stack(wanted), torch.stack(counts)


def corrected_whole(
    network: CorrectionNetwork, picture: Float[Tensor, "c m n"]
) -> Float[Tensor, "c m n"]:
    """`picture` corrected, of any size: in strips, whose channels are weighed as the whole's are.

    One more look at all strips for each of the two blocks; a picture that fits at once needs none.
    """
    with torch.no_grad():
        height, width = picture.shape[-2:]
        if height * width <= _IN_WORK:
            return _corrected(network, picture[None])[0]
        rows = max(_REACH, _IN_WORK // width)
        attention: Attention = ()
        for block in network.blocks:
            mean = torch.zeros(1, dtype=torch.float64)
            for inner, strip in _strips(picture, rows):
                with torch.autocast("cpu", torch.bfloat16):
                    y = network.unweighed(strip[None], attention)
                mean = mean + y[:, :, inner].double().sum(dim=(2, 3), keepdim=True)
            with torch.autocast("cpu", torch.bfloat16):
                attention = (*attention, block.attention((mean / (height * width)).float()))
        made = [
            _corrected(network, strip[None], attention)[0][:, inner]
            for inner, strip in _strips(picture, rows)
        ]
        return torch.cat(made, dim=1)


def _strips(
    picture: Float[Tensor, "c m n"], rows: int
) -> Iterator[tuple[slice, Float[Tensor, "c p n"]]]:
    """Strips with what their pixels see above and below, and which of their rows are their own."""
    for top in range(0, picture.shape[1], rows):
        first = max(0, top - _REACH)
        own = min(rows, picture.shape[1] - top)
        yield (
            slice(top - first, top - first + own),
            picture[:, first : top + own + _REACH],
        )


def _corrected(
    network: CorrectionNetwork, seen: Float[Tensor, "b c m n"], attention: Attention = ()
) -> Float[Tensor, "b c m n"]:
    """All layers but the last in half precision, which is harmless and twice as fast."""
    with torch.autocast("cpu", torch.bfloat16):
        weights = network.weights(seen, attention)
    return network.mixed(seen, weights)


def _most_to_see(picture: Float[Tensor, "c h w"], side: int) -> Float[Tensor, "c p q"]:
    """The part of at most `side` pixels on a side with the most edges."""
    height, width = (min(n, side) for n in picture.shape[-2:])
    if (height, width) == tuple(picture.shape[-2:]):
        return picture
    weight = gradient_map(picture).double()
    total = torch.nn.functional.pad(weight.cumsum(0).cumsum(1), (1, 0, 1, 0))
    inside = (total[height:, width:] - total[:-height, width:] - total[height:, :-width]) + total[
        :-height, :-width
    ]
    top, left = divmod(int(inside.argmax()), inside.shape[1])
    return picture[:, top : top + height, left : left + width]


def _cut(pair: Pair, row: int, column: int, side: int) -> tuple[Tensor, Tensor, Tensor]:
    part = (..., slice(row, row + side), slice(column, column + side))
    return pair.seen[part], pair.wanted[part], (~pair.held_out[None])[part].float()


def _copy(network: CorrectionNetwork) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}
