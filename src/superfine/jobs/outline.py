"""What a job comes to with one model: every result and its name, and what decides its bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from superfine import __version__
from superfine.card import shipped_cards
from superfine.checkpoints import LoadedModel
from superfine.jobs.picture import PICTURES
from superfine.jobs.plan import Naming, Plan, make_plan
from superfine.jobs.request import Request
from superfine.purposes import PURPOSES


@dataclass(frozen=True)
class Outline:
    """A job with one model, before anything is made.

    Attributes:
        model_name: As results are named after it.
        scale: How many times larger; None when an output size was asked for.
        naming: What goes into the names of results.
        plan: Every input and its output.
        options: Stands for the model and every option that changes a result.
    """

    model_name: str
    scale: float | None
    naming: Naming
    plan: Plan
    options: str


def outline(request: Request, asked: str, model: LoadedModel) -> Outline:
    """What `request` comes to with `model`.

    Args:
        request: What was asked.
        asked: What the model was loaded as.
        model: The network.

    Raises:
        SuperfineError: As `make_plan`.
    """
    name = _model_name(asked, model)
    scale = None if request.size else float(request.scale or model.scale)
    naming = Naming(
        str(request.size) if scale is None else f"x{scale:g}", name, request.ext, PICTURES
    )
    plan = make_plan(request.inputs, request.output, naming, recursive=request.recursive)
    return Outline(name, scale, naming, plan, _options_id(request, asked, model, naming))


def _model_name(asked: str, model: LoadedModel) -> str:
    """The zoo's name for what we ship, the file's for a file."""
    own = model.spec.name
    return own if asked in (own, f"{own}-x{model.scale}") else Path(asked).stem


def _options_id(request: Request, asked: str, model: LoadedModel, naming: Naming) -> str:
    """A hash of what decides the bytes of a result; tiles, devices and budgets hardly do."""
    weights = {model.card.sha256}
    if request.size is not None:
        # The picture decides which scale is taken.
        weights |= {
            c.sha256
            for _, c in shipped_cards()
            if c.architecture == model.spec.name or asked in PURPOSES
        }
    values = {
        "version": __version__,
        "model": model.spec.name,
        "weights": sorted(weights),
        "enlargement": naming.enlargement,
        "ext": request.ext,
        "self_ensemble": request.self_ensemble,
        "best_effort": request.best_effort,
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
