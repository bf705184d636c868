"""KernelGAN: the blur of a picture, found by shrinking it until its patches look like its own.

Source: Bell-Kligler, Shocher, Irani, "Blind Super-Resolution Kernel Estimation using an
Internal-GAN", NeurIPS 2019, arXiv:1909.06581, and the authors' code.

Deviations: the authors' code adds noise to what the discriminator sees, which stays in the stored
picture and grows from step to step; here nothing is added. No rows are cut off the border. Grey
pictures are seen as three equal colours. With a start, the generator begins as that Gaussian and is
held to it, and nothing is cut off the kernel at the end; `THE_SEED` without a start is the authors'
own schedule. Always the last iterate is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.blind.crops import Places, at_least, gradient_map
from superfine.blind.game import Game, Rules
from superfine.blind.mends import MENDED, Mends
from superfine.models.kernelgan import KERNEL_SIDE
from superfine.ops.kernels import centred, composed
from superfine.ops.resize import imresize
from superfine.types import Kernel

# Of the streams of random numbers of one run.
_FINE, _REAL = 11, 12
# Of the largest value left out, how much is taken off all others, as in the authors' code.
_TAKEN_OFF = 0.75


@dataclass(frozen=True)
class Step:
    """One step of a blind method, for whoever watches it.

    Attributes:
        stage: What is learnt: "score", "kernel", "correction" or "all".
        number: From 1.
        of: Steps of this stage.
        losses: What each loss is, weighted, by name.
    """

    stage: str
    number: int
    of: int
    losses: Mapping[str, float]


Watch = Callable[[Step], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class KernelGanPlan:
    """How long and on what KernelGAN learns.

    Attributes:
        steps: Of generator and discriminator, one after the other.
        side: Rows and columns of the pieces that are shrunk.
        rules: Of the game.
        kept: About as many of the kernel's values are kept at the end; None for all.
    """

    steps: int = 300
    side: int = 64
    rules: Rules = field(default_factory=lambda: Rules(learning_rate=2e-5, free=True, pull=300.0))
    kept: int | None = None


DEFAULT = KernelGanPlan()
THE_SEED = KernelGanPlan(steps=3000, rules=Rules(), kept=40)


def kernelgan(
    lr: Float[Tensor, "c h w"],
    *,
    scale: int,
    start: Float[Tensor, "2 2"] | None = None,
    seed: int = 0,
    plan: KernelGanPlan | None = None,
    mends: Mends = MENDED,
    watch: Watch | None = None,
    should_stop: ShouldStop | None = None,
) -> Kernel:
    """The kernel `lr` was made with, by what `lr` alone tells.

    At x4 the game is for the x2 kernel that was applied twice, which is what a picture tells of
    itself at half its size.

    Args:
        lr: On [0, 1], 1 or 3 channels, of any size.
        scale: HR pixels per LR pixel: 2 or 4.
        start: Covariance the estimate starts from, (row, column), HR pixels squared; None for a
            random start.
        seed: The same seed gives the same bytes on one machine with one number of threads.
        plan: None for `DEFAULT` with a start, and for `THE_SEED` without one.
        mends: Of these `colours` matters here.
        watch: Called after each step.
        should_stop: Asked before each step; True ends the game with what there is. The result is
            that of any other run that ends after as many steps.

    Returns:
        The kernel, which moves nothing.

    Raises:
        ValueError: When the scale is neither 2 nor 4.
    """
    if scale not in (2, 4):
        raise ValueError(f"KernelGAN finds kernels of x2 and x4, not x{scale}")
    plan = plan or (DEFAULT if start is not None else THE_SEED)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first = start if start is None or scale == 2 else start / 5
        game = Game(2, plan.rules, mends, start=first)
    # On [-1, 1], as the authors' pictures: the losses weigh four times what they do on [0, 1].
    picture = at_least(lr.float(), plan.side) * 2 - 1
    fine, real = game_places(picture, plan.side, 2, seed)
    real_side = (plan.side - KERNEL_SIDE) // 2 + 1
    for i in range(plan.steps):
        if should_stop is not None and should_stop():
            break
        made, losses = game.shrunk(fine[i].cut(picture, plan.side)[None])
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        discriminator = game.learn(made, real[i].cut(picture, real_side)[None])
        if watch is not None:
            told = {name: float(loss.detach()) for name, loss in losses.items()}
            watch(Step("kernel", i + 1, plan.steps, told | {"discriminator": discriminator}))
    kernel = game.generator.kernel()
    if plan.kept is not None:
        kernel = largest(kernel, plan.kept)
    kernel = centred(kernel)
    return kernel if scale == 2 else composed(kernel)


def game_places(
    picture: Float[Tensor, "c h w"],
    side: int,
    scale: int,
    seed: int,
    *,
    turned: bool = False,
    real_turned: bool = False,
) -> tuple[Places, Places]:
    """Where pieces to shrink lie, and pieces as large as those are then.

    The first by what the picture shrunk by bicubic has to show, the second by what it has itself.
    """
    height, width = picture.shape[-2:]
    small = gradient_map(imresize(picture, scale=1 / scale).clamp(-1, 1))
    blown = small.repeat_interleave(scale, 0).repeat_interleave(scale, 1)[:height, :width]
    fine = Places(blown, side, step=scale, seed=seed, stream=_FINE, turned=turned)
    weight = gradient_map(picture)
    real = Places(weight, side // scale, step=1, seed=seed, stream=_REAL, turned=real_turned)
    return fine, real


def largest(kernel: Kernel, count: int) -> Kernel:
    """About the `count` largest values of `kernel`, less most of the next, brought to sum 1.

    The authors' end of every run: three quarters of the next largest value are taken off all, and
    what falls below 0 is 0.
    """
    order = kernel.values.flatten().sort(descending=True).values
    next_ = order[min(count, len(order) - 1)].clamp(min=0)
    values = (kernel.values - _TAKEN_OFF * next_).clamp(min=0)
    return Kernel(values / values.sum(), kernel.scale, kernel.anchor)
