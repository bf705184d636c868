"""A job of pictures from its request: the model, and a plan of every output."""

from __future__ import annotations

from dataclasses import replace

from superfine.budget.forecast import Picture, Way, fit
from superfine.inference import load_picture_model, pick_device
from superfine.jobs.choice import choose
from superfine.jobs.job import Job
from superfine.jobs.outline import outline
from superfine.jobs.picture import Enlarger
from superfine.jobs.request import DEFAULT_MODEL, Request


def prepare(request: Request) -> Job:
    """Loads the model of `request`, or chooses it, and plans every output; writes nothing.

    What a choice measures of the machine is kept in the user's cache.

    Raises:
        SuperfineError: Whatever makes the whole job impossible.
    """
    pick_device(request.device)
    notes: tuple[str, ...] = ()
    if choice := choose(request) if request.chooses else None:
        notes = (choice.note,)
        asked, model, job = choice.taken.model, choice.taken.loaded, choice.taken.job
    else:
        asked = request.model or DEFAULT_MODEL
        model = load_picture_model(asked, scale=request.scale)
        job = outline(request, asked, model)
        if request.max_memory is not None:
            # What the process takes before its first picture is looked at now.
            fit(model, Picture(1, 1), Way(device=request.device))
    notes = (*model.findings, *notes, *job.plan.notes)
    if job.scale is not None and job.scale > model.scale:
        notes += (
            f"{job.model_name} enlarges {model.scale} times; bicubic does the rest of "
            f"x{job.scale:g}.",
        )
    # Of the budget nothing is left but the model.
    enlarger = Enlarger(replace(request, model=asked, budget=None), model, job.scale)
    return Job(
        maker=enlarger,
        model_name=job.model_name,
        naming=job.naming,
        plan=job.plan,
        options=job.options,
        overwrite=request.overwrite,
        notes=notes,
        choice=choice,
    )
