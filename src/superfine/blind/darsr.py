"""DARSR: a picture of unknown blur, corrected pixel by pixel for a network that knows bicubic.

Source: Zhou, Wei, Wang, Gu, Wang, Zhang, "Learning Correction Filter via Degradation-Adaptive
Regression for Blind Single Image Super-Resolution", ICCV 2023, and the authors' code.

Two ways to learn the same correction network. `PairPlan`, the default, starts from an estimate of
the blur: the picture is corrected in closed form, and the network learns on pairs made of the
picture itself what is left to do; it stops where squares it does not learn from come out best.
`JointPlan` is the authors' way, with all their losses through the enlarging network; `THE_SEED` of
`superfine.blind.joint` with `AS_THE_SEED` of `superfine.blind.mends` is their schedule, and takes
the last iterate. Nothing takes the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from superfine.blind.correction import Corrector, PairPlan, corrected_whole
from superfine.blind.frozen import Frozen
from superfine.blind.joint import Joint, JointPlan
from superfine.blind.kernelgan import ShouldStop, Step, Watch
from superfine.blind.mends import MENDED, Mends
from superfine.models.spec import ModelSpec
from superfine.ops.correction import correct
from superfine.ops.degrade import degrade
from superfine.ops.kernels import gaussian
from superfine.types import Kernel


@dataclass(frozen=True, eq=False)
class Corrected:
    """What DARSR made of a picture.

    Attributes:
        picture: As bicubic would have made it, of the size of LR; not clipped.
        kernel: The blur that was corrected.
        steps: How many were done, of all stages; a run that is stopped after as many is equal.
        held_out: Root of the mean square error, on [0, 1], over the squares of the pairs that were
            not learnt from: of the closed form, and of `picture`'s network. None without pairs.
    """

    picture: Float[Tensor, "c m n"]
    kernel: Kernel
    steps: int
    held_out: tuple[float, float] | None


def darsr(
    lr: Float[Tensor, "c m n"],
    network: nn.Module,
    spec: ModelSpec,
    *,
    scale: int,
    start: Float[Tensor, "2 2"] | None = None,
    seed: int = 0,
    plan: PairPlan | JointPlan | None = None,
    mends: Mends = MENDED,
    watch: Watch | None = None,
    should_stop: ShouldStop | None = None,
) -> Corrected:
    """`lr` as bicubic would have made it, by what `lr` alone tells.

    Seconds are no part of it: who has a budget stops by `should_stop`, and gets what a run of as
    many steps gives, byte for byte. A plan with fewer `steps` is another: its rate falls sooner.

    Args:
        lr: On [0, 1], 1 or 3 channels, of any size.
        network: What will enlarge, of colours or of luma; it does not learn. `JointPlan` looks
            through it, `PairPlan` does not.
        spec: Of `network`.
        scale: HR pixels per LR pixel, that of `network`: 2 or 4.
        start: Covariance of the estimated blur, (row, column), HR pixels squared. With it
            `JointPlan` starts as that Gaussian and as a correction that does nothing; without, as
            the authors' code does.
        seed: The same seed gives the same bytes on one machine with one number of threads.
        plan: None for `PairPlan()` with a start, and for `JointPlan()` without one.
        mends: What of the authors' code is mended; of these, `brightness` alone matters to pairs.
        watch: Called after each step.
        should_stop: Asked before each step; True ends the run with the best so far.

    Raises:
        ValueError: When the scale is neither 2 nor 4, or pairs are to be made without a start.
    """
    if scale not in (2, 4):
        raise ValueError(f"DARSR corrects for networks of x2 and x4, not x{scale}")
    plan = plan or (PairPlan() if start is not None else JointPlan())
    run = _Run(watch, should_stop)
    lr = lr.float()
    if isinstance(plan, JointPlan):
        frozen = Frozen(network, spec)
        joint = Joint(lr, frozen, plan, mends, scale=scale, seed=seed, start=start)
        run.through("score", plan.score_steps, joint.learn_score)
        run.through("all", plan.steps, joint.learn)
        made = corrected_whole(joint.correction(), lr)
        return Corrected(made, joint.kernel(), run.steps, None)
    if start is None:
        raise ValueError("pairs need an estimate of the blur to start from")
    kernel = gaussian(start, scale=scale)
    base = correct(lr, kernel)
    corrector = Corrector(
        base,
        start,
        plan,
        scale=scale,
        seed=seed,
        codes=codes_of(lr),
        keeps_brightness=mends.brightness,
    )
    run.through("correction", plan.steps, corrector.learn)
    made = corrected_whole(corrector.best(), base)
    return Corrected(made, kernel, run.steps, (corrector.first_error, corrector.best_error))


class _Run:
    """Steps taken one by one, told to whoever watches, until all are done or enough is."""

    def __init__(self, watch: Watch | None, should_stop: ShouldStop | None) -> None:
        self._watch, self._should_stop = watch, should_stop
        self._ended = False
        self.steps = 0

    def through(
        self, stage: str, count: int, learn: Callable[[], Iterator[dict[str, float]]]
    ) -> None:
        """All steps of one stage."""
        steps = learn()
        for number in range(1, count + 1):
            self._ended = self._ended or (self._should_stop is not None and self._should_stop())
            if self._ended:
                return
            losses = next(steps)
            self.steps += 1
            if self._watch is not None:
                self._watch(Step(stage, number, count, losses))


def codes_of(lr: Float[Tensor, "c m n"]) -> int | None:
    """255 or 65535 where every value is one of so many codes and 0, else None."""
    for codes in (255, 65535):
        scaled = lr.double() * codes
        if float((scaled - scaled.round()).abs().max()) < 0.01:
            return codes
    return None


def redegradation_error(
    enlarged: Float[Tensor, "c h w"], lr: Float[Tensor, "c m n"], kernel: Kernel
) -> float:
    """Root of the mean square by which `enlarged`, degraded again, differs from `lr`, on [0, 1].

    Needs no truth, and alone proves nothing: it says that nothing was invented that `lr` denies.
    """
    return float((degrade(enlarged, kernel) - lr).square().mean().sqrt())
