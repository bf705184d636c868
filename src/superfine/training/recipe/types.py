"""The one thing people type: what to train, on what, for how long.

Every number that decides the weights stands in a `Recipe`; two runs of one recipe on one machine
give the same weights. Text becomes a recipe in `text.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator

Rate = Annotated[FiniteFloat, Field(gt=0)]
Share = Annotated[FiniteFloat, Field(ge=0, lt=1)]


# Sizes of a picture, of its own.
Factors = Annotated[tuple[Annotated[FiniteFloat, Field(gt=0, le=1)], ...], Field(min_length=1)]


class Section(BaseModel):
    """A part of a recipe: frozen, and no key is unknown to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PictureData(Section):
    """Whole HR pictures; LR is made as the protocol says, aligned crops are cut on the fly."""

    kind: Literal["pictures"] = "pictures"
    folders: tuple[Path, ...] = Field(min_length=1, description="Folders of HR pictures.")
    leave_out: tuple[str, ...] = Field(
        default=(), description="Names of files that are not used: pictures of a test set, say."
    )
    protocol: str = Field(default="y-matlab", description="How LR is made.")
    shrink: Factors = Field(
        default=(1.0,), description="Each HR picture is used shrunk by each of these factors."
    )
    shrink_in: dict[str, Factors] = Field(
        default_factory=dict,
        description="Name of a folder -> its own factors; for JPEG pictures, small ones alone.",
    )

    def factors(self, picture: Path) -> tuple[float, ...]:
        """By how much `picture` is shrunk, each time it is used."""
        return self.shrink_in.get(picture.parent.name, self.shrink)


class PairData(Section):
    """Two folders with the same file names: HR pictures and their LR ones."""

    kind: Literal["pairs"] = "pairs"
    hr: Path = Field(description="Folder of HR pictures or patches.")
    lr: Path = Field(description="Folder of LR ones, each exactly `scale` times smaller.")


class PatchData(Section):
    """A file of patches, as `superfine data prepare` writes it."""

    kind: Literal["h5"] = "h5"
    file: Path = Field(description="An HDF5 file with `lr` and `hr`, or `hr_x2`, `hr_x4`, `hr_x8`.")


class DepthData(Section):
    """Depth maps, alone or each with the photo that guides it."""

    kind: Literal["depth"] = "depth"
    folders: tuple[Path, ...] = Field(
        min_length=1,
        description="Folders that hold `depth` and, for guided networks, `guide`: same names.",
    )
    protocol: str = Field(default="registered-bicubic", description="How LR depth is made.")
    operators: tuple[str, ...] = Field(
        default=(), description="Each map is used with LR by each of these, not by the protocol."
    )


Data = Annotated[PictureData | PairData | PatchData | DepthData, Field(discriminator="kind")]


class Validation(Section):
    """What is scored on the way, by the function that makes the tables."""

    sets: tuple[Path, ...] = Field(min_length=1, description="Folders of HR pictures.")
    protocol: str = Field(default="y-matlab", description="How LR is made and results scored.")
    every: int = Field(default=5000, ge=1, description="Steps between scores.")


class Sgd(Section):
    """Stochastic gradient descent."""

    kind: Literal["sgd"] = "sgd"
    learning_rate: Rate
    momentum: Share = 0.9
    nesterov: bool = False
    weight_decay: FiniteFloat = Field(default=0.0, ge=0)
    layers: dict[str, Rate] = Field(
        default_factory=dict,
        description="Factor on the learning rate of the parameters whose names begin so.",
    )


class Adam(Section):
    """Adam; weight decay is added to the gradient."""

    kind: Literal["adam"] = "adam"
    learning_rate: Rate
    betas: tuple[Share, Share] = (0.9, 0.999)
    eps: Rate = 1e-8
    weight_decay: FiniteFloat = Field(default=0.0, ge=0)
    layers: dict[str, Rate] = Field(
        default_factory=dict,
        description="Factor on the learning rate of the parameters whose names begin so.",
    )


class AdamW(Adam):
    """Adam with decoupled weight decay."""

    kind: Literal["adamw"] = "adamw"  # type: ignore[assignment]


class Soap(Section):
    """Adam in the axes in which the gradients of a layer are independent; for small networks."""

    kind: Literal["soap"] = "soap"
    learning_rate: Rate
    betas: tuple[Share, Share] = (0.95, 0.95)
    eps: Rate = 1e-8
    every: int = Field(default=10, ge=1, description="Steps between two sets of axes.")
    layers: dict[str, Rate] = Field(
        default_factory=dict,
        description="Factor on the learning rate of the parameters whose names begin so.",
    )


Optimiser = Annotated[Sgd | Adam | AdamW | Soap, Field(discriminator="kind")]

WarmUp = Annotated[int, Field(ge=0, description="Steps to climb to the learning rate.")]


class Constant(Section):
    """The learning rate stays."""

    kind: Literal["constant"] = "constant"
    warm_up: WarmUp = 0


class Step(Section):
    """The learning rate is multiplied by `factor` every `every` steps, down to `floor` of it."""

    kind: Literal["step"] = "step"
    every: int = Field(ge=1)
    factor: FiniteFloat = Field(default=0.5, gt=0, lt=1)
    floor: FiniteFloat = Field(default=0.0, ge=0, lt=1, description="Smallest share of the rate.")
    warm_up: WarmUp = 0


class MultiStep(Section):
    """The learning rate is multiplied by `factor` at each step of `at`."""

    kind: Literal["multistep"] = "multistep"
    at: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    factor: FiniteFloat = Field(default=0.5, gt=0, lt=1)
    warm_up: WarmUp = 0

    @field_validator("at")
    @classmethod
    def _ascending(cls, at: tuple[int, ...]) -> tuple[int, ...]:
        if list(at) != sorted(set(at)):
            raise ValueError("the steps must grow")
        return at


class Poly(Section):
    """The learning rate falls as (1 - step / steps) ** power."""

    kind: Literal["poly"] = "poly"
    power: Rate = 2.0
    warm_up: WarmUp = 0


class Cosine(Section):
    """The learning rate falls as half a cosine, down to `floor` of it at the last step."""

    kind: Literal["cosine"] = "cosine"
    floor: FiniteFloat = Field(default=0.0, ge=0, lt=1, description="Smallest share of the rate.")
    warm_up: WarmUp = 0


class Plateau(Section):
    """The learning rate is multiplied by `factor` when the score has not risen for a while."""

    kind: Literal["plateau"] = "plateau"
    patience: int = Field(ge=1, description="Scores in a row without a better one.")
    factor: FiniteFloat = Field(default=0.1, gt=0, lt=1)
    better_by: FiniteFloat = Field(default=0.0, ge=0, description="In the unit of the score.")
    floor: FiniteFloat = Field(default=0.0, ge=0, lt=1, description="Smallest share of the rate.")
    warm_up: WarmUp = 0


Course = Constant | Step | MultiStep | Poly | Cosine
Schedule = Annotated[Course | Plateau, Field(discriminator="kind")]


class ClipNorm(Section):
    """The gradient is shortened to this length; its length is over all parameters together."""

    kind: Literal["norm"] = "norm"
    at: Rate


class ClipValue(Section):
    """Every value of the gradient is cut to ±`at`."""

    kind: Literal["value"] = "value"
    at: Rate


class ClipAdjustable(Section):
    """Every value of the gradient is cut to ±`theta` / learning rate, as VDSR does."""

    kind: Literal["adjustable"] = "adjustable"
    theta: Rate


Clip = Annotated[ClipNorm | ClipValue | ClipAdjustable, Field(discriminator="kind")]

Weight = Annotated[FiniteFloat, Field(gt=0, description="Factor in the sum of the terms.")]


class Distance(Section):
    """A mean or summed distance between result and truth."""

    kind: Literal["mse", "l1"]
    weight: Weight = 1.0
    sum: bool = Field(
        default=False, description="Sum over the pixels of a patch instead of their mean."
    )


class Charbonnier(Section):
    """√(d² + ε²), with the ε of the paper at hand."""

    kind: Literal["charbonnier"] = "charbonnier"
    weight: Weight = 1.0
    sum: bool = Field(
        default=False, description="Sum over the pixels of a patch instead of their mean."
    )
    eps: Rate = 1e-3


class Quality(Section):
    """A measure of quality turned into a loss: 100 - PSNR in dB, 1 - SSIM, 1 - MS-SSIM."""

    kind: Literal["psnr", "ssim", "ms-ssim"]
    weight: Weight = 1.0


class Perceptual(Section):
    """Distance between VGG features, from a weight file the user has."""

    kind: Literal["perceptual"] = "perceptual"
    weight: Weight = 1.0
    file: Path = Field(description="VGG16 or VGG19 weights in torchvision's names.")
    layer: int = Field(ge=0, description="Index in `features` whose output is compared.")
    distance: Literal["mse", "l1"] = "mse"


Term = Annotated[Distance | Charbonnier | Quality | Perceptual, Field(discriminator="kind")]


class AllOutputs(Section):
    """Every output of a deeply supervised network is compared, and the losses added."""

    kind: Literal["all"] = "all"


class Recursive(Section):
    """DRCN's: `alpha` times the mean over the recursions plus (1 - `alpha`) times the answer.

    `alpha` falls in a straight line to 0 at step `decay`.
    """

    kind: Literal["recursive"] = "recursive"
    alpha: FiniteFloat = Field(default=1.0, gt=0, le=1)
    decay: int = Field(ge=1)


Supervision = Annotated[AllOutputs | Recursive, Field(discriminator="kind")]


class Adversarial(Section):
    """A discriminator that learns to tell results from truth, and what it tells as a loss."""

    kind: Literal["vanilla", "relativistic"] = Field(
        description="vanilla: Goodfellow et al. 2014; relativistic: Jolicoeur-Martineau 2019."
    )
    weight: Weight
    discriminator: Literal["patch", "stylegan2"] = "patch"
    channels: int = Field(default=512, ge=8, description="Of its widest layers.")
    learning_rate: Rate
    betas: tuple[Share, Share] = (0.9, 0.99)
    start: int = Field(default=0, ge=0, description="Steps before the network listens to it.")
    start_from: Path | None = Field(default=None, description="Weights of the discriminator.")


class Recipe(Section):
    """Everything that decides a training run."""

    network: str = Field(description="A name of the zoo.")
    scale: tuple[int, ...] = Field(
        min_length=1,
        description="HR pixels per LR pixel; several for one network that serves them all.",
    )
    data: Data
    validate_on: Validation = Field(alias="validate")
    patch: int = Field(default=32, ge=4, description="LR pixels on a side of a training patch.")
    views: bool = Field(default=True, description="Show each patch in one of its eight views.")
    upright: bool = Field(
        default=False, description="Only mirror patches, never turn them: for faces and the like."
    )
    batch: int = Field(default=16, ge=1, description="Patches in a step, over all processes.")
    accumulate: int = Field(default=1, ge=1, description="Pieces a batch is computed in.")
    steps: int = Field(ge=1, description="Optimiser steps.")
    optimiser: Optimiser
    schedule: Schedule = Cosine(warm_up=500)
    clip: Clip | None = None
    loss: tuple[Term, ...] = Field(default=(Distance(kind="mse"),), min_length=1)
    supervision: Supervision = AllOutputs()
    averaging: Share = Field(
        default=0.999, description="Weight of the past in the averaged weights; 0 switches it off."
    )
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32", description="In which numbers the network computes while training."
    )
    exact_end: Share = Field(
        default=0.0,
        description="Share of the steps, the last ones, that compute in float32 all the same.",
    )
    compile: bool = Field(default=False, description="Let torch.compile write the step.")
    wide: bool = Field(
        default=True, description="Train in the wider form, where the network has one (SPAN)."
    )
    adversarial: Adversarial | None = None
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    start_from: Path | None = Field(
        default=None,
        description="Weights to start from; tensors of another shape (another scale) are left new.",
    )
    bank: Path | None = Field(
        default=None,
        description="Weights of the StyleGAN2 generator that fill GLEAN's frozen bank.",
    )
    log_every: int = Field(default=100, ge=1, description="Steps between lines of the log.")
    checkpoint_every: int = Field(default=1000, ge=1, description="Steps between checkpoints.")
    keep: int = Field(default=2, ge=1, description="Newest checkpoints kept, beside the best.")

    @field_validator("scale", mode="before")
    @classmethod
    def _one_scale_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, int) else value

    @field_validator("scale")
    @classmethod
    def _sound_scales(cls, scales: tuple[int, ...]) -> tuple[int, ...]:
        if min(scales) < 1 or len(set(scales)) != len(scales):
            raise ValueError("scales are different whole numbers from 1 on")
        return scales
