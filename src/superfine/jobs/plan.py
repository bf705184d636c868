"""Which files a job reads and what it will call the results; decided before the first is opened.

Nothing here decodes or writes: a plan can be shown, and every clash of names is found in it.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from superfine.errors import OutputError, UsageError
from superfine.jobs.request import STREAM
from superfine.jobs.walk import Passed, Walk


@dataclass(frozen=True)
class Kind:
    """What a job reads and writes.

    Attributes:
        noun: One of them, in words for the user.
        read: Endings of the files that are taken from a folder.
        written: Endings that can be written.
        format_of: The format that an ending chooses, its dot or not; OutputError when none does.
        usual_ext: Format of the results where nobody says one; "auto" keeps the input's.
    """

    noun: str
    read: frozenset[str]
    written: frozenset[str]
    format_of: Callable[[str], object]
    usual_ext: str


@dataclass(frozen=True)
class Naming:
    """What goes into the names of results.

    Attributes:
        enlargement: "x4", "x2.5" or "800x600".
        model: Name of the model.
        ext: Format of the results, such as "png"; "auto" keeps the one of the input.
        kind: What is made.
    """

    enlargement: str
    model: str
    ext: str | None
    kind: Kind

    def suffix(self, source: Path) -> str:
        """Ending of the result made from `source`."""
        ext = self.ext or self.kind.usual_ext
        if ext != "auto":
            return f".{ext.lower().lstrip('.')}"
        return source.suffix if source.suffix.lower() in self.kind.written else ".png"

    def beside(self, source: Path) -> str:
        """Name of a result that may lie beside its input."""
        return f"{source.stem}.{self.enlargement}.{self.model}{self.suffix(source)}"

    def folder(self, source: Path) -> Path:
        """Folder of the results of the folder `source`."""
        named = source if source.name not in ("", "..") else source.resolve()
        return named.with_name(f"{named.name}-{self.enlargement}-{self.model}")


@dataclass(frozen=True)
class Planned:
    """One picture to make.

    Attributes:
        source: The input; None for standard input.
        output: Where the result goes; None for standard output.
        root: Folder that keeps the manifest for this result; None when there is none.
        label: The input in the manifest: relative to its folder, or as it was given.
    """

    source: Path | None
    output: Path | None
    root: Path | None = None
    label: str = STREAM


@dataclass(frozen=True)
class Plan:
    """Everything a job will do.

    Attributes:
        pictures: In the order they are made.
        passed: What is left alone, with reasons.
        notes: What else the user should know.
        single: True when one picture was asked for, not a folder or several.
    """

    pictures: tuple[Planned, ...]
    passed: tuple[Passed, ...] = ()
    notes: tuple[str, ...] = ()
    single: bool = False

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that keep a manifest, each once."""
        return tuple(dict.fromkeys(p.root for p in self.pictures if p.root is not None))

    def folders(self, root: Path) -> set[Path]:
        """The folders that results of `root` go to."""
        return {p.output.parent for p in self.pictures if p.root == root and p.output is not None}


def make_plan(
    inputs: Sequence[str], output: str | None, naming: Naming, *, recursive: bool
) -> Plan:
    """Finds the pictures of `inputs` and names their results.

    Args:
        inputs: Files, folders or "-", as typed: a `Path` would forget "./-".
        output: A file, a folder (ends with a slash, or exists) or "-", as typed.
        recursive: Whether folders inside folders are visited.

    Raises:
        UsageError: Options that do not go together, or no picture at all.
        OutputError: E_COLLISION when two results, or a result and an input, share a name.
    """
    if naming.ext not in (None, "auto"):
        naming.kind.format_of(str(naming.ext))
    if STREAM in inputs or output == STREAM:
        plan = _plan_streams(inputs, output, naming)
    elif len(inputs) == 1 and not Path(inputs[0]).is_dir():
        plan = Plan((_plan_single(Path(inputs[0]), output, naming),), single=True)
    else:
        plan = _plan_many([Path(name) for name in inputs], output, naming, recursive=recursive)
    _refuse_collisions(plan.pictures)
    return plan


def _plan_streams(inputs: Sequence[str], output: str | None, naming: Naming) -> Plan:
    if len(inputs) != 1:
        raise UsageError("'-' stands for one picture and cannot be mixed with others.")
    source = None if inputs[0] == STREAM else Path(inputs[0])
    if source is not None and source.is_dir():
        raise UsageError(f"{source} is a folder; standard output takes one picture.")
    if output in (None, STREAM):
        return Plan((Planned(source, None, label=inputs[0]),), single=True)
    target = Path(str(output))
    if _means_folder(str(output)):
        raise UsageError(
            "A picture from standard input has no name of its own.",
            hint=f"Give one, such as -o {target / 'picture.png'}.",
        )
    _require_named_format(target, naming)
    return Plan((Planned(None, target),), single=True)


def _plan_single(source: Path, output: str | None, naming: Naming) -> Planned:
    label = os.fspath(source)
    if output is None:
        return Planned(source, source.with_name(naming.beside(source)), label=label)
    target = Path(output)
    if _means_folder(output):
        return Planned(source, target / naming.beside(source), label=label)
    _require_named_format(target, naming)
    return Planned(source, target, label=label)


def _means_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _require_named_format(target: Path, naming: Naming) -> None:
    if not target.suffix:
        raise UsageError(
            f"The output {target} has no ending that names a format.",
            hint=f"Write {target}.png for a file or {target}/ for a folder.",
        )
    named = naming.kind.format_of(target.suffix)
    if naming.ext not in (None, "auto") and naming.kind.format_of(str(naming.ext)) != named:
        raise UsageError(f"The output ends in {target.suffix} but --ext says {naming.ext}.")


def _plan_many(
    sources: Sequence[Path], output: str | None, naming: Naming, *, recursive: bool
) -> Plan:
    if output is not None and Path(output).exists() and not Path(output).is_dir():
        raise UsageError(
            f"The output {output} is a file, but several pictures need a folder.",
            hint="Give -o FOLDER/.",
        )
    base = Path(output) if output is not None else None
    roots = {s: _root(s, base, naming, alone=len(sources) == 1) for s in sources if s.is_dir()}
    for source, root in roots.items():
        if root.resolve() == source.resolve():
            raise UsageError(
                f"The output folder is the input folder {source}; inputs are never changed.",
                hint="Give another folder with --output.",
            )
    walk = Walk(naming.kind.read, recursive, {root.resolve() for root in roots.values()})
    if base is not None:
        walk.own.add(base.resolve())
    pictures: list[Planned] = []
    for source in sources:
        if source not in roots:
            target = source.with_name(naming.beside(source))
            pictures.append(
                Planned(source, base / target.name if base else target, base, os.fspath(source))
            )
            continue
        for path in walk.files(source):
            inside = path.relative_to(source)
            target = (roots[source] / inside).with_suffix(naming.suffix(path))
            pictures.append(Planned(path, target, base or roots[source], os.fspath(inside)))
    if not pictures:
        asked = ", ".join(map(str, sources))
        raise UsageError(
            f"There is no {naming.kind.noun} in {asked}.",
            hint=" ".join(walk.notes()) or "Check the folder.",
        )
    return Plan(tuple(dict.fromkeys(pictures)), tuple(walk.passed), walk.notes())


def _root(source: Path, base: Path | None, naming: Naming, *, alone: bool) -> Path:
    """Top of the tree of results of the folder `source`."""
    if base is None:
        return naming.folder(source)
    return base if alone else base / (source.name or source.resolve().name)


def _refuse_collisions(pictures: Sequence[Planned]) -> None:
    """Refuses results that would replace one another on any file system, or an input.

    Raises:
        OutputError: E_COLLISION.
    """
    inputs = {identity: p for p in pictures if (identity := _identity(p.source))}
    folders: dict[str, Planned] = {}
    outputs: dict[str, Planned] = {}
    for picture in pictures:
        if picture.output is None:
            continue
        key = _caseless(picture.output)
        if key in outputs:
            raise _collision(outputs[key], picture)
        if (hit := _identity(picture.output)) and hit in inputs:
            raise OutputError(
                f"The output {picture.output} is the input {inputs[hit].source}; "
                "inputs are never changed.",
                hint="Give another name with --output.",
                code="E_COLLISION",
            )
        outputs[key] = picture
        folders.setdefault(_caseless(picture.output.parent), picture)
    for key, picture in outputs.items():
        if key in folders:
            raise _collision(picture, folders[key])


def _identity(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def _caseless(path: Path) -> str:
    # macOS and Windows hold names equal that differ in case or in how an accent is composed.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", str(path)).casefold())


def _collision(first: Planned, second: Planned) -> OutputError:
    return OutputError(
        f"{first.source} and {second.source} would both become {second.output}.",
        hint="Rename one, keep the formats apart with --ext auto, or convert them one by one.",
        code="E_COLLISION",
    )
