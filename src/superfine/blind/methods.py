"""The ways to correct a picture of unknown blur, one contract for all.

A method sees the picture and the kernel that is believed, and answers with the picture as bicubic
would have made it. None has a parameter for the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from superfine.blind.correction import PairPlan
from superfine.blind.darsr import darsr
from superfine.blind.kernelgan import DEFAULT, ShouldStop, Step, Watch, kernelgan
from superfine.checkpoints import LoadedModel
from superfine.errors import find_named
from superfine.ops.correction import correct
from superfine.ops.kernels import covariance
from superfine.types import Kernel


@dataclass(frozen=True, eq=False)
class Task:
    """A picture to correct.

    Attributes:
        lr: On [0, 1], 1 or 3 channels.
        kernel: What it was probably made with.
        noise_sigma: Standard deviation of its noise, on [0, 1].
        model: What will enlarge it.
        seed: Of methods that draw numbers.
        steps: Of methods that learn; None for their usual number.
        watch: Called after each step.
        should_stop: Asked before each step; True ends the method with the best so far.
    """

    lr: Float[Tensor, "c m n"]
    kernel: Kernel
    noise_sigma: float
    model: LoadedModel
    seed: int
    steps: int | None
    watch: Watch | None
    should_stop: ShouldStop | None


@dataclass(frozen=True, eq=False)
class Answer:
    """What a method made.

    Attributes:
        corrected: The picture as bicubic would have made it; not clipped.
        kernel: The blur that was corrected.
        steps: How many were taken; 0 of a method that learns nothing.
    """

    corrected: Float[Tensor, "c m n"]
    kernel: Kernel
    steps: int


@dataclass(frozen=True)
class BlindMethod:
    """One way to correct a picture.

    Attributes:
        name: What users type.
        about: One line for people.
        answer: Does it.
        scales: Those it knows.
    """

    name: str
    about: str
    answer: Callable[[Task], Answer]
    scales: tuple[int, ...]


def _correction(task: Task) -> Answer:
    made = correct(task.lr, task.kernel, noise_sigma=task.noise_sigma)
    return Answer(made, task.kernel, 0)


def _kernelgan(task: Task) -> Answer:
    taken = _Counted(task.watch)
    kernel = kernelgan(
        task.lr,
        scale=task.kernel.scale,
        start=covariance(task.kernel.values),
        seed=task.seed,
        plan=DEFAULT if task.steps is None else replace(DEFAULT, steps=task.steps),
        watch=taken,
        should_stop=task.should_stop,
    )
    made = correct(task.lr, kernel, noise_sigma=task.noise_sigma)
    return Answer(made, kernel, taken.steps)


def _darsr(task: Task) -> Answer:
    plan = PairPlan()
    found = darsr(
        task.lr,
        task.model.network,
        task.model.spec,
        scale=task.kernel.scale,
        start=covariance(task.kernel.values),
        seed=task.seed,
        plan=plan if task.steps is None else replace(plan, steps=task.steps),
        watch=task.watch,
        should_stop=task.should_stop,
    )
    return Answer(found.picture, found.kernel, found.steps)


class _Counted:
    """Passes steps on and counts them."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch
        self.steps = 0

    def __call__(self, step: Step) -> None:
        self.steps += 1
        if self._watch is not None:
            self._watch(step)


_ANY = (2, 3, 4)

METHODS: tuple[BlindMethod, ...] = (
    BlindMethod("correction", "one filter in closed form for the whole picture", _correction, _ANY),
    BlindMethod("kernelgan", "the same for a kernel that a small GAN refined", _kernelgan, (2, 4)),
    BlindMethod("darsr", "72 filters, mixed for each pixel as the picture teaches", _darsr, (2, 4)),
)
METHOD_NAMES = tuple(method.name for method in METHODS)


def find_method(name: str) -> BlindMethod:
    """The method called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return find_named("method", name, METHODS, listing="superfine blind --help")
