"""Makes the weights of finished runs part of the package, each with its whole card.

    python bench/ship.py --data FOLDER RUN [RUN ...]

RUN is the folder of a run of a shipped recipe: `superfine train recipe:NAME --data FOLDER -o RUN`.
What is written is refused unless a newcomer could make it again: the recipe is the one that comes
with the package, the training files are those of the run, the run has ended, and no picture of a
test set is among the training pictures. The weights are rounded to float16 and scored as they will
be loaded, under y-matlab, on every test set that lies in FOLDER.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from superfine.benchmark.measure import measure
from superfine.benchmark.protocol import find_protocol
from superfine.benchmark.sets import PictureSet, find_set
from superfine.card import SHIPPED, read_card
from superfine.checkpoints import load, save
from superfine.data.catalogue.sets import CATALOGUE, DataSet
from superfine.data.check.check import check
from superfine.data.folders import read_uint8
from superfine.data.source import describe
from superfine.errors import SuperfineError, UsageError
from superfine.training.recipe.text import (
    load_recipe,
    resolved,
    shipped_recipes,
    with_data_root,
)
from superfine.training.recipe.types import PictureData, Recipe
from superfine.training.run_folder import LAUNCHES, RECIPE, RunFolder, refuse_changed_data
from superfine.training.sources import files_of
from superfine.training.weights import weight_file

PROTOCOL = "y-matlab"
TESTS = ("set5", "set14", "bsd100", "urban100")

# What the makers of training pictures allow, where the catalogue of data sets does not say it.
TERMS = {
    "photos2k": "photos under the licences of Unsplash and Pexels, CC0 or in the public domain",
}

LIMITS = (
    "For pictures that were shrunk cleanly, as by bicubic. Not trained for noise, JPEG blocks or "
    "unknown blur, which it leaves or sharpens. It sees the luma alone; colours are enlarged by "
    "bicubic."
)


def recipe_of(run: RunFolder, data: Path) -> tuple[str, Recipe]:
    """The text of the shipped recipe that `run` followed, and what it means.

    Raises:
        UsageError: When no shipped recipe gives what the run was told.
    """
    asked = load_recipe(run.root / RECIPE)
    for path in shipped_recipes().values():
        recipe = with_data_root(load_recipe(path), data)
        if resolved(recipe) == resolved(asked):
            return path.read_text(encoding="utf-8"), recipe
    raise UsageError(f"{run.root} follows no recipe that is shipped, with data in {data}.")


def refuse_unfinished(run: RunFolder, recipe: Recipe) -> None:
    """Raises UsageError unless the run went to its last step on the files that are there now."""
    steps = max((int(str(record["step"])) for record in run.records()), default=0)
    if steps != recipe.steps:
        raise UsageError(f"{run.root} stopped at step {steps} of {recipe.steps}.")
    assert isinstance(recipe.data, PictureData)
    refuse_changed_data(run.recorded_data(), describe(files_of(recipe.data)))


def leaks(folder: Path, tests: Sequence[PictureSet], left_out: Sequence[str]) -> list[str]:
    """In words, the pictures of `tests` that lie in `folder` and are used."""
    folders = [test.folder for test in tests]
    found = check(folder, lr=None, scale=None, test=folders, on_progress=lambda done, total: None)
    return [
        f"{finding.files[0].name} {finding.message}"
        for finding in found.findings
        if finding.kind == "leak" and finding.files[0].name not in left_out
    ]


def terms_of(names: Sequence[str]) -> dict[str, str]:
    """Name of each training set -> what its makers allow."""
    known = {s.title: s.licence for s in CATALOGUE} | TERMS
    return {
        name: "licence not stated" if known[name] == "not stated" else known[name] for name in names
    }


def ship(run: RunFolder, told: tuple[str, Recipe], data: Path, out: Path) -> Path:
    """Writes the weights of `run` with their card into `out`, named as the run named them."""
    text, recipe = told
    name = weight_file(recipe, best=False)
    found = load(run.root / name)
    card = replace(
        found.card,
        training=f"{found.card.training}; {_effort(run)}",
        recipe=text,
        terms=terms_of([name.partition(" (")[0] for name in found.card.training_data]),
        apart_from=tuple(_catalogued(test).title for test in TESTS),
        history=_history(run),
        limits=LIMITS,
        protocol=PROTOCOL,
        scores={},
    )
    path = out / name
    save(found.network, card, path, overwrite=True, half=True)
    # Scored as they will be loaded, which is rounded.
    scored = replace(card, scores=_scores(path, recipe, data))
    save(found.network, scored, path, overwrite=True, half=True)
    return path


def _history(run: RunFolder) -> tuple[tuple[int, float], ...]:
    """Steps and PSNR on the first validation set, mean over its scales."""
    found = []
    for record in run.records():
        if record["kind"] == "score":
            first = next(iter(record["scores"].values()))
            values = [metrics["psnr"] for metrics in first.values()]
            found.append((record["step"], round(sum(values) / len(values), 3)))
    return tuple(found)


def _effort(run: RunFolder) -> str:
    """How long the run took, from its log; the clock begins anew when a run goes on."""
    seconds, before = 0.0, 0.0
    for record in run.records():
        now = record["machine"]["seconds"]
        seconds += now - before if now >= before else now
        before = now
    launch = json.loads((run.root / LAUNCHES).read_text().splitlines()[-1])
    count = launch["processes"] * launch["threads"]
    threads = "1 thread" if count == 1 else f"{count} threads"
    return (
        f"{seconds / 60:.0f} minutes with {threads} of {launch['device']}, "
        f"torch {launch['torch'].partition('+')[0]}"
    )


def _scores(path: Path, recipe: Recipe, data: Path) -> dict[str, dict[str, float]]:
    """PSNR and SSIM of the weights at `path` on every test set; sets of several scales apart."""
    scores = {}
    for name in TESTS:
        pictures = [read_uint8(picture) for picture in find_set(name, root=data).pictures]
        for scale in recipe.scale:
            model = load(path, scale=scale)
            score = measure(
                model.network, model.spec, pictures, scale=scale, protocol=find_protocol(PROTOCOL)
            )
            title = _title(name, len(pictures)) + (f" x{scale}" if len(recipe.scale) > 1 else "")
            scores[title] = {"psnr": round(score.psnr, 5), "ssim": round(score.ssim, 5)}
    return scores


def _title(name: str, count: int) -> str:
    """The set as tables name it, and how many of its pictures are at hand."""
    data_set = _catalogued(name)
    some = "" if count == data_set.pictures else f" ({count} of {data_set.pictures} pictures)"
    return data_set.title + some


def _catalogued(name: str) -> DataSet:
    return next(s for s in CATALOGUE if s.name == name)


def ship_all(folders: Sequence[Path], data: Path, out: Path) -> list[Path]:
    """Ships every run, after a look for leaks in each folder that any of them learned from.

    Raises:
        UsageError: When anything speaks against any of them; nothing is written then.
    """
    runs = [RunFolder(path) for path in folders]
    tests = [find_set(name, root=data) for name in TESTS]
    told = [recipe_of(run, data) for run in runs]
    for run, (_, recipe) in zip(runs, told, strict=True):
        refuse_unfinished(run, recipe)
    looked_in = {
        (folder, recipe.data.leave_out)
        for _, recipe in told
        if isinstance(recipe.data, PictureData)
        for folder in recipe.data.folders
    }
    if found := [leak for folder, left_out in looked_in for leak in leaks(folder, tests, left_out)]:
        raise UsageError("; ".join(found))
    return [ship(run, what, data, out) for run, what in zip(runs, told, strict=True)]


def main() -> None:
    """Reads the command line and says what was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    try:
        shipped = ship_all(given.runs, given.data.resolve(), SHIPPED)
    except SuperfineError as error:
        sys.exit(str(error))
    for path in shipped:
        card = read_card(path)
        assert card is not None
        scores = ", ".join(f"{name} {values['psnr']:.3f}" for name, values in card.scores.items())
        print(f"{path.name}: {path.stat().st_size:,} bytes; {scores}")  # noqa: T201


if __name__ == "__main__":
    main()
