"""`superfine data list`, `verify` and `get`: the data sets of the field's tables."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superfine.cli.console import put, put_table, say, shown
from superfine.cli.data_lines import Lines
from superfine.cli.options import Debug, Json
from superfine.errors import EXIT_OK, EXIT_SOME_FAILED, UsageError

if TYPE_CHECKING:
    from superfine.data.catalogue import DataSet
    from superfine.data.catalogue.verify import Finding, State, Verified

_MOST_SHOWN = 20  # pictures of one set
_ALL = "all"

_Root = Annotated[
    Path | None,
    typer.Option("--root", help="Folder with data sets in it. [SUPERFINE_DATA, then the cache]"),
]


def show_list(root: _Root = None, as_json: Json = False, debug: Debug = False) -> None:
    """Lists the data sets of the field, which of them are here, and where to get them."""
    from superfine.data.catalogue import CATALOGUE, data_roots

    roots = data_roots(root)
    rows = [("name", "pictures", "task", "licence", "here", "where to get it")]
    for data_set in CATALOGUE:
        folder = _found(data_set, roots)
        if as_json:
            put(json.dumps({"v": 1, **_described(data_set), "here": _text(folder)}).encode())
        pictures = "-" if data_set.pictures is None else f"{data_set.pictures:,}"
        here = "no" if folder is None else _how_many(data_set, folder)
        words = (data_set.name, pictures, data_set.task, data_set.licence)
        rows.append((*words, here, data_set.origin))
    if not as_json:
        put_table(rows)


def verify(
    name: Annotated[str, typer.Argument(metavar="NAME|all", help="Such as set5.")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Folder of its pictures.")
    ] = None,
    *,
    root: _Root = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Holds pictures against what is known of a set; ends with 3 when anything is different."""
    from superfine.data.catalogue import CATALOGUE, data_roots, find_data_set, locate
    from superfine.data.catalogue.verify import verify as look

    if folder is not None and (root is not None or name == _ALL):
        raise UsageError(
            "FOLDER is for one set, and without --root.", hint="Leave one of them out."
        )
    roots = data_roots(root)
    if name == _ALL:
        found = [(entry, _found(entry, roots)) for entry in CATALOGUE]
        places = [(entry, place) for entry, place in found if place is not None]
    else:
        data_set = find_data_set(name)
        places = [(data_set, folder or locate(data_set, roots))]
    if not places:
        raise UsageError(
            f"No data set is here: looked in {', '.join(map(str, roots))}.",
            hint="See where to get them: superfine data list",
        )
    sound, lines = True, Lines()
    for data_set, place in places:
        verified = look(data_set, place, on_progress=partial(lines, f"Looking at {place}"))
        _show(verified, place, as_json=as_json)
        sound &= verified.sound
    raise typer.Exit(EXIT_OK if sound else EXIT_SOME_FAILED)


def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as set5.")],
    *,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL|FOLDER|ARCHIVE",
            help="Take it from there: an address, a folder, a zip or tar file.",
        ),
    ] = None,
    root: Annotated[
        Path | None, typer.Option("--to", help="Folder for data sets. [the cache]")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Brings the pictures of a set, known by their content, into a folder of their own.

    Stopped or cut off, the same command goes on where it was.
    """
    from superfine.data.catalogue import data_roots, find_data_set
    from superfine.data.catalogue.get import Watch
    from superfine.data.catalogue.get import get as bring

    data_set, lines = find_data_set(name), Lines()
    say(f"{data_set.title}: {data_set.paper}. Licence: {data_set.licence}.")
    watch = Watch(
        on_bytes=partial(lines.of_bytes, data_set.title),
        on_fault=lambda text: say(f"{data_set.title}: {shown(text)}; trying again."),
        on_look=partial(lines, f"Looking at {data_set.title}"),
    )
    try:
        place, verified = bring(data_set, root or data_roots(None)[-1], source=source, watch=watch)
    except KeyboardInterrupt:
        say("Stopped. What came is kept: the same command goes on.")
        raise
    say(_summary(verified))
    if as_json:
        put(json.dumps({"v": 1, **_described(data_set), "here": str(place)}).encode())
    else:
        put(os.fsencode(place))
    raise typer.Exit(EXIT_OK if verified.sound else EXIT_SOME_FAILED)


def _found(data_set: DataSet, roots: tuple[Path, ...]) -> Path | None:
    from superfine.data.catalogue import locate

    try:
        return locate(data_set, roots)
    except UsageError:
        return None


def _how_many(data_set: DataSet, folder: Path) -> str:
    from superfine.data.listing import pictures_in

    count = len(pictures_in(folder))
    return "yes" if count == data_set.pictures else f"{count:,}"


def _described(data_set: DataSet) -> dict[str, object]:
    archive = data_set.archive
    return {
        "name": data_set.name,
        "title": data_set.title,
        "aliases": data_set.aliases,
        "pictures": data_set.pictures,
        "task": data_set.task,
        "licence": data_set.licence,
        "paper": data_set.paper,
        "origin": data_set.origin,
        "about": data_set.about,
        "folders": data_set.folders,
        "archive": archive
        and {"url": archive.url, "sha256": archive.sha256, "bytes": archive.size},
    }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _show(verified: Verified, place: Path, *, as_json: bool) -> None:
    different = [f for f in verified.findings if f.state not in ("exact", "unchecked")]
    if as_json:
        for finding in verified.findings:
            values = {"set": verified.data_set.name, **_finding_values(finding)}
            put(json.dumps({"v": 1, "picture": values}).encode())
        put(json.dumps({"v": 1, "summary": _summary_values(verified, place)}).encode())
        return
    for finding in different[:_MOST_SHOWN]:
        file = finding.name if finding.file is None else finding.file.name
        named = f" ({finding.name})" if finding.name not in ("", file.partition(".")[0]) else ""
        why = f": {finding.why}" if finding.why else ""
        put(f"{finding.state:10}  {shown(file)}{named}{shown(why)}".encode())
    if len(different) > _MOST_SHOWN:
        put(f"... and {len(different) - _MOST_SHOWN:,} more; --json shows all".encode())
    put(f"{shown(place)}: {_summary(verified)}".encode())


def _summary(verified: Verified) -> str:
    """One line on a whole set."""
    data_set, files = verified.data_set, sum(f.file is not None for f in verified.findings)
    here = files if data_set.pictures is None else f"{files:,} of {data_set.pictures:,}"
    parts = [f"{data_set.title}: {here} pictures"]
    if not verified.known:
        parts.append("what they show was not looked at, for nothing is known of it")
    else:
        parts.append(f"{verified.count('exact'):,} exact")
    counts = (
        (verified.count("other"), "other than published"),
        (verified.count("unknown"), "not of this set"),
        (verified.count("unreadable"), "unreadable"),
        (verified.count("unchecked") if verified.known else 0, "that nothing is known of"),
        (verified.missing, "missing"),
    )
    parts += [f"{count:,} {what}" for count, what in counts if count]
    return ", ".join(parts) + "."


def _finding_values(finding: Finding) -> dict[str, object]:
    return {
        "file": _text(finding.file),
        "name": finding.name,
        "state": finding.state,
        "why": finding.why,
    }


def _summary_values(verified: Verified, place: Path) -> dict[str, object]:
    states: tuple[State, ...] = ("exact", "other", "unknown", "unreadable", "unchecked")
    return {
        "set": verified.data_set.name,
        "folder": str(place),
        "pictures": verified.data_set.pictures,
        "known": verified.known,
        **{state: verified.count(state) for state in states},
        "missing": verified.missing,
        "sound": verified.sound,
    }
