"""What in a recipe contradicts itself, its network or its data; looked for before any step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from torch import nn

from superfine.benchmark.depth import find_depth_protocol
from superfine.benchmark.protocol import find_protocol
from superfine.checkpoints import serves_every_scale
from superfine.errors import SuperfineError
from superfine.metrics.ssim import WINDOW
from superfine.models import ModelSpec, find, parameter_count
from superfine.models.mdsr import MDSR
from superfine.ops.depth_lr import DEPTH_OPERATORS
from superfine.schema import build_empty, shapes_of
from superfine.training.bank import wanted_by
from superfine.training.recipe.cost import output_scales
from superfine.training.recipe.survey import Survey, survey
from superfine.training.recipe.text import RecipeError
from superfine.training.recipe.types import (
    DepthData,
    MultiStep,
    PairData,
    PatchData,
    Perceptual,
    PictureData,
    Quality,
    Recipe,
    Recursive,
)


def check(recipe: Recipe) -> Survey:
    """What there is to train on, when `recipe` can be trained.

    Reads headers of pictures, decodes none, writes nothing.

    Raises:
        RecipeError: With everything that is wrong.
    """
    faults = list(contradictions(recipe))
    if faults:
        raise RecipeError(*faults)
    spec = find(recipe.network)
    found = survey(recipe, spec)
    faults = [*_missing_files(recipe), *found.faults]
    fewest = min(found.samples.values(), default=0)
    if not faults and recipe.batch > fewest:
        faults.append(f"batch: {recipe.batch} patches are asked for, there are only {fewest}")
    if faults:
        raise RecipeError(*faults, hint="Relative folders lie under --data FOLDER.")
    return found


def contradictions(recipe: Recipe) -> tuple[str, ...]:
    """What is wrong with a recipe whatever its data hold; no file is looked at."""
    faults = [*_of_the_schedule(recipe)]
    if recipe.batch % recipe.accumulate:
        faults.append(
            f"accumulate: a batch of {recipe.batch} is not computed in {recipe.accumulate} equal "
            "pieces"
        )
    if recipe.exact_end and recipe.precision == "fp32":
        faults.append("exact_end: with precision fp32 all steps are exact; leave it out")
    try:
        spec = find(recipe.network)
    except SuperfineError as error:
        return (f"network: {error.message}", *faults)
    network = build_empty(spec, spec.scales[0])
    if not parameter_count(network):
        return (f"network: {spec.name} has no weights to train", *faults)
    # Of another kind of data the protocol is another too.
    faults += list(_of_the_data(recipe, spec)) or list(_of_the_protocols(recipe, spec))
    faults += [*_of_the_bank(recipe, network), *_of_the_discriminator(recipe)]
    scales = list(_of_the_scales(recipe, spec, network))
    return (*scales, *faults, *(() if scales else _of_the_network(recipe, spec)))


def _of_the_schedule(recipe: Recipe) -> Iterator[str]:
    steps, schedule = recipe.steps, recipe.schedule
    if schedule.warm_up > steps:
        yield f"schedule.warm_up: {schedule.warm_up} steps, but there are only {steps} in all"
    if isinstance(schedule, MultiStep) and schedule.at[-1] >= steps:
        yield f"schedule.at: step {schedule.at[-1]} never comes, there are only {steps}"
    adversarial = recipe.adversarial
    if adversarial is not None and adversarial.start >= steps:
        yield f"adversarial.start: step {adversarial.start} never comes, there are only {steps}"


def _of_the_bank(recipe: Recipe, network: nn.Module) -> Iterator[str]:
    wanted = wanted_by(network)
    if wanted is None:
        if recipe.bank is not None:
            yield f"bank: {recipe.network} has no bank; leave it out"
    elif recipe.bank is None and recipe.start_from is None:
        yield f"bank: {recipe.network} needs {wanted}; give its file"


def _of_the_discriminator(recipe: Recipe) -> Iterator[str]:
    if recipe.adversarial is None:
        return
    kind = recipe.adversarial.discriminator
    sides = [scale * recipe.patch for scale in recipe.scale]
    told = " and ".join(map(str, sides))
    if kind == "patch" and min(sides) < 32:
        # Below, batch statistics may be those of a single value.
        yield f"adversarial.discriminator: patch needs 32 HR pixels on a side, a patch has {told}"
    if kind == "stylegan2" and (len(sides) > 1 or sides[0] < 8 or sides[0].bit_count() != 1):
        yield (
            "adversarial.discriminator: stylegan2 takes one size, a power of two from 8 on; a "
            f"patch has {told} HR pixels on a side"
        )


def _of_the_scales(recipe: Recipe, spec: ModelSpec, network: nn.Module) -> Iterator[str]:
    known = ", ".join(map(str, spec.scales))
    for scale in recipe.scale:
        if scale not in spec.scales:
            yield f"scale: {spec.name} has no scale {scale}; it has {known}"
            return
    if len(recipe.scale) > 1 and not serves_every_scale(spec):
        yield (
            f"scale: {spec.name} learns one scale at a time, {len(recipe.scale)} are asked for; "
            "train them apart"
        )
    if isinstance(network, MDSR) and len(recipe.scale) < len(spec.scales):
        yield (
            f"scale: the weights of {spec.name} serve every scale, each by layers of its own that "
            f"all have to learn; use [{known}]"
        )


def _of_the_data(recipe: Recipe, spec: ModelSpec) -> Iterator[str]:
    data, depth = recipe.data, spec.of_depth
    if depth and isinstance(data, PictureData):
        yield f"data.kind: {spec.name} is trained on depth maps, not on pictures; use depth"
    if not depth and isinstance(data, DepthData):
        yield f"data.kind: {spec.name} is trained on pictures, not on depth maps; use pictures"
    if spec.guide_channels and isinstance(data, PairData | PatchData):
        yield f"data.kind: {spec.name} needs photos beside its depth maps; use depth"
    if isinstance(data, PictureData):
        for name in data.shrink_in.keys() - {folder.name for folder in data.folders}:
            yield f"data.shrink_in: no folder of data.folders is called {name!r}"


def _of_the_protocols(recipe: Recipe, spec: ModelSpec) -> Iterator[str]:
    seek: Callable[[str], object] = find_protocol
    if spec.of_depth:
        seek = find_depth_protocol
    named = {"validate.protocol": recipe.validate_on.protocol}
    if isinstance(recipe.data, PictureData | DepthData):
        named["data.protocol"] = recipe.data.protocol
    for key, name in named.items():
        try:
            seek(name)
        except SuperfineError as error:
            yield f"{key}: {error.message}"
    for name in recipe.data.operators if isinstance(recipe.data, DepthData) else ():
        if name not in DEPTH_OPERATORS:
            yield f"data.operators: no {name!r}; there are {', '.join(DEPTH_OPERATORS)}"


def _of_the_network(recipe: Recipe, spec: ModelSpec) -> Iterator[str]:
    """What is wrong with the form, the patches and with how outputs are compared."""
    if not recipe.wide and spec.training is None:
        yield f"wide: {spec.name} has no wider form; leave it out"
    if spec.side is not None and recipe.patch != spec.side:
        yield f"patch: {spec.name} takes {spec.side} LR pixels on a side, not {recipe.patch}"
        return
    outputs = [output_scales(spec, scale) for scale in recipe.scale]
    answer = outputs[0]
    if isinstance(recipe.supervision, Recursive) and (len(answer) < 3 or len(set(answer)) > 1):
        yield f"supervision.kind: {spec.name} has no recursions to supervise; use all"
    if isinstance(recipe.data, PairData) and len(set(answer)) > 1:
        levels = ", ".join(map(str, sorted(set(answer))))
        yield (
            f"data.kind: {spec.name} is compared at scales {levels}, pairs hold one; use pictures "
            "or h5"
        )
    side = recipe.patch * min(level for levels in outputs for level in levels)
    for number, term in enumerate(recipe.loss):
        if isinstance(term, Quality) and term.kind != "psnr" and side < WINDOW:
            yield (
                f"loss.{number}: {term.kind} needs {WINDOW} pixels on a side, the smallest output "
                f"of a patch has {side}; use a larger patch"
            )
    names = list(shapes_of(spec, recipe.scale[0]))
    for beginning in recipe.optimiser.layers:
        if not any(name.startswith(beginning) for name in names):
            known = ", ".join(dict.fromkeys(name.split(".")[0] for name in names))
            yield f"optimiser.layers: nothing in {spec.name} begins with {beginning!r}; {known} do"


def _missing_files(recipe: Recipe) -> Iterator[str]:
    named: dict[str, Path | None] = {"start_from": recipe.start_from, "bank": recipe.bank}
    if recipe.adversarial is not None:
        named["adversarial.start_from"] = recipe.adversarial.start_from
    for number, term in enumerate(recipe.loss):
        if isinstance(term, Perceptual):
            named[f"loss.{number}.file"] = term.file
    for key, path in named.items():
        if path is not None and not path.is_file():
            yield f"{key}: {path} is not a file"
