"""`superfine diagnose`: what is wrong with pictures, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superfine.cli.console import complaint, put, say, shown
from superfine.cli.options import Debug, JsonOfFiles, MaxMegapixels, Recursive
from superfine.errors import EXIT_ALL_FAILED, EXIT_SOME_FAILED, SuperfineError, UsageError

if TYPE_CHECKING:
    from superfine.jobs.diagnose import Looked

_SCALES = (2, 3, 4)


def diagnose(
    inputs: Annotated[list[str], typer.Argument(metavar="PICTURE", help="Files or folders.")],
    *,
    scale: Annotated[
        int,
        typer.Option("-s", "--scale", help="How many times it is to be enlarged: 2, 3 or 4."),
    ] = 2,
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="PICTURE", help="The same scene with SCALE times the pixels.",
            show_default=False,
        ),
    ] = None,
    recursive: Recursive = False,
    max_megapixels: MaxMegapixels = None,
    as_json: JsonOfFiles = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Tells blur, noise, JPEG and earlier enlargement of pictures, and what to do about them.

    Nothing is changed or written.
    """
    if scale not in _SCALES:
        raise UsageError(f"--scale {scale} is none of 2, 3 and 4.", hint="Such as: -s 2")
    from superfine.io import Limits
    from superfine.jobs.diagnose import looked_at, pictures_of

    paths = pictures_of(inputs, recursive=recursive)
    if reference is not None and len(paths) > 1:
        raise UsageError(
            f"--reference shows one scene, but there are {len(paths)} pictures.",
            hint="Give them one by one.",
        )
    limits = Limits() if max_megapixels is None else Limits(max_pixels=round(max_megapixels * 1e6))
    failed: list[SuperfineError] = []
    for looked in looked_at(paths, scale=scale, reference=reference, limits=limits):
        if looked.error is not None:
            failed.append(looked.error)
            say(complaint(looked.error.code, looked.error.message, looked.error.hint,
                          about=str(looked.path)))  # fmt: skip
        if as_json:
            put(json.dumps(_values(looked), allow_nan=False).encode())
        elif looked.diagnosis is not None:
            put(shown(looked.path).encode())
            for line in looked.diagnosis.in_words():
                put(f"  {shown(line)}".encode())
    if len(paths) == 1 and failed:
        raise typer.Exit(failed[0].exit_code)
    if failed:
        raise typer.Exit(EXIT_ALL_FAILED if len(failed) == len(paths) else EXIT_SOME_FAILED)


def _values(looked: Looked) -> dict[str, object]:
    head: dict[str, object] = {"v": 1, "input": str(looked.path)}
    if looked.diagnosis is not None:
        return {**head, "status": "ok", **looked.diagnosis.as_json()}
    assert looked.error is not None
    return {
        **head,
        "status": "failed",
        "code": looked.error.code,
        "message": looked.error.message,
        "hint": looked.error.hint,
    }
