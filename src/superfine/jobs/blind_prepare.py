"""A job of pictures of unknown blur from its request: the network, and a plan of every output."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path

from superfine import __version__
from superfine.blind.believed import given_kernel
from superfine.blind.result import BlindOptions
from superfine.blind.upscale import load_network
from superfine.errors import UsageError
from superfine.inference import pick_device
from superfine.jobs.blind import BlindMaker
from superfine.jobs.blind_request import BlindRequest
from superfine.jobs.job import Job
from superfine.jobs.picture import PICTURES
from superfine.jobs.plan import Naming, make_plan


def prepare_blind(request: BlindRequest, *, should_stop: Callable[[], bool]) -> Job:
    """Loads the network and the kernel of `request` and plans every output; writes nothing.

    Args:
        request: What was asked.
        should_stop: Asked before each step of a method that learns; True makes it go on with what
            it has.

    Raises:
        SuperfineError: Whatever makes the whole job impossible.
    """
    pick_device(request.device)
    options = BlindOptions(
        scale=request.scale,
        method=request.method,
        model=request.model,
        kernel=request.kernel,
        convention=request.convention,
        budget=request.budget,
        steps=request.steps,
        seed=request.seed,
        tile=request.tile,
        device=request.device,
    )
    # A file that cannot be used ends the job before it begins.
    given_kernel(options.kernel, scale=options.scale, convention=options.convention)
    load = cache(load_network)
    model = load(options.model, options.scale)
    if model.scale != options.scale:
        raise UsageError(
            f"{options.model} enlarges x{model.scale}, not x{options.scale}.",
            hint="Give a model with that scale, or another scale.",
        )
    asked = Path(request.model)
    name = f"blind-{asked.stem if asked.suffix else request.model}"
    naming = Naming(f"x{options.scale}", name, request.ext, PICTURES)
    plan = make_plan(request.inputs, request.output, naming, recursive=request.recursive)
    return Job(
        maker=BlindMaker(request, options, load, should_stop),
        model_name=name,
        naming=naming,
        plan=plan,
        options=_options_id(request, model.card.sha256),
        overwrite=request.overwrite,
        notes=(*model.findings, *plan.notes),
    )


def _options_id(request: BlindRequest, weights: str) -> str:
    """A hash of what decides the bytes of a result, beside the files it is made from."""
    values = asdict(request)
    for aside in ("inputs", "output", "recursive", "overwrite", "device", "tile"):
        del values[aside]
    values |= {"version": __version__, "weights": weights}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
