"""`superfine compare`: how two pictures or folders differ, and which is nearer to the truth."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superfine.cli.console import put, put_table, say, shown
from superfine.cli.options import Debug, JsonOfFiles
from superfine.errors import OutputError, UsageError

if TYPE_CHECKING:  # they import torch, which --help does without
    from superfine.benchmark.compare import PairOfPictures, Tally
    from superfine.benchmark.protocol import Protocol


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="A picture, or a folder of them.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another; folders agree in names.")],
    truth: Annotated[
        Path | None, typer.Argument(metavar="[TRUTH]", help="What both should be.")
    ] = None,
    *,
    scale: Annotated[
        int | None,
        typer.Option(
            "-s",
            "--scale",
            min=1,
            max=16,
            help="HR pixels per LR pixel: score under --protocol, which shaves by it.",
            show_default=False,
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With --scale. Usual: y-matlab.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT.png",
            help="Show the place where they differ most, and the difference.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOfFiles = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
    debug: Debug = False,
) -> None:
    """Says how two pictures differ; with the truth, which of them is better and by how much.

    Without --scale every sample counts as it is stored, in 8 or 16 bits, and nothing is shaved.
    """
    if protocol is not None and scale is None:
        raise UsageError("A protocol shaves by the scale.", hint="Give --scale too.")
    folders = {path.is_dir() for path in (a, b, truth) if path is not None}
    if len(folders) == 2:
        raise UsageError("Pictures and folders are mixed.", hint="Give pictures, or folders.")
    if True in folders and output is not None:
        raise UsageError("-o shows two pictures, not folders.", hint="Name one of each folder.")
    from superfine.benchmark.compare import compare_pictures, matched
    from superfine.benchmark.protocol import find_protocol

    chosen = None if scale is None else find_protocol(protocol or "y-matlab")
    if output is not None:
        if output.resolve() in {path.resolve() for path in (a, b, truth) if path}:
            raise OutputError(
                "The output is one of the pictures.", hint="Name another.", code="E_COLLISION"
            )
        from superfine.io.atomic import require_writable

        require_writable(output, overwrite=overwrite)
    if True in folders:
        files, alone = matched(a, b, truth)
        for path in alone:
            say(f"{shown(path)}: not in every folder, left out.")
    else:
        files = [(a, b, *((truth,) if truth else ()))]
    pairs = []
    for paths in files:
        pair = compare_pictures(*paths, scale=scale, protocol=chosen)
        # The pixels of a whole folder would fill the memory.
        pairs.append(replace(pair, pictures=()) if True in folders else pair)
        if as_json:
            put(json.dumps({"v": 1, **_values(pair, chosen, scale)}).encode())
    if not as_json:
        put(_how(chosen, scale).encode())
        _put_folders(pairs) if True in folders else _put_pictures(pairs[0], files[0])
    if output is not None:
        _draw(pairs[0], files[0], output, overwrite=overwrite)


def _how(protocol: Protocol | None, scale: int | None) -> str:
    if protocol is None:
        return "compared as stored: every sample, nothing shaved"
    return f"compared under {protocol.name}, scale {scale}"


def _put_pictures(pair: PairOfPictures, paths: tuple[Path, ...]) -> None:
    names = ("A", "B", "truth")
    rows = [
        (name, shown(os.fspath(path)), facts)
        for name, path, facts in zip(names, paths, pair.facts, strict=False)
    ]
    put_table(rows)
    for remark in pair.remarks:
        put(shown(remark).encode())
    apart = pair.difference
    count = pair.size[0] * pair.size[1]
    if apart.identical:
        put(b"A and B are identical, every sample.")
    elif not apart.pixels:
        put(b"Every colour that was compared is equal in A and B.")
    else:
        put(
            f"A and B differ in {apart.pixels:,} of {count:,} pixels "
            f"({100 * apart.pixels / count:.3g} %), most at x {apart.at[0]}, y {apart.at[1]}: "
            f"by {apart.largest:.6g} of {apart.largest_code:g}.".encode()
        )
    put(f"A against B: {', '.join(_told(m, value) for m, value in pair.mutual.items())}.".encode())
    if pair.scores:
        put(b"")
        put_table([("", "A", "B", "B - A"), *(_score_row(m, pair) for m in pair.scores)])
        put(_verdict(pair).encode())


def _score_row(metric: str, pair: PairOfPictures) -> tuple[str, ...]:
    a, b = pair.scores[metric]
    return (_title(metric), _number(metric, a), _number(metric, b), _signed(metric, b - a))


def _verdict(pair: PairOfPictures) -> str:
    """Which is nearer to the truth, by the usual metrics, of which more is better."""
    from superfine.benchmark.metric import USUAL

    better: dict[str, list[str]] = {"A": [], "B": []}
    for metric in USUAL:
        a, b = pair.scores.get(metric, (0.0, 0.0))
        if math.isinf(a) != math.isinf(b):
            return f"{'A' if math.isinf(a) else 'B'} equals the truth."
        if a != b:
            better["B" if b > a else "A"].append(_gain(metric, abs(b - a)))
    said = [f"{name} is better: {', '.join(by)}" for name, by in better.items() if by]
    return f"{'; '.join(said)}." if said else "Both are equally near to the truth."


def _put_folders(pairs: list[PairOfPictures]) -> None:
    from superfine.benchmark.compare import tally
    from superfine.benchmark.metric import USUAL

    remarks: dict[str, int] = {}
    for pair in pairs:
        for remark in pair.remarks:
            remarks[remark] = remarks.get(remark, 0) + 1
    for remark, count in remarks.items():
        put(f"{count} of {len(pairs)}: {shown(remark)}".encode())
    if not pairs[0].scores:
        top = ("picture", *map(_title, pairs[0].mutual), "largest difference")
        put_table([top, *map(_mutual_row, pairs)])
        same = sum(pair.difference.identical for pair in pairs)
        put(f"{same} of {len(pairs)} pictures are identical.".encode())
        return
    metrics = [m for m in USUAL if all(m in pair.scores for pair in pairs)]
    tallies = [tally(m, [pair.scores[m] for pair in pairs]) for m in metrics]
    head = ["picture"]
    mean = ["mean"]
    for found in tallies:
        head += [f"{_title(found.metric)} A", "B", "B - A"]
        mean += [_number(found.metric, value) for value in found.means]
        mean.append(_signed(found.metric, found.gain))
    rows = [[shown(p.name), *(c for m in metrics for c in _score_row(m, p)[1:])] for p in pairs]
    put_table([head, *rows, mean])
    for found in tallies:
        put(_summary(found, len(pairs)).encode())


def _mutual_row(pair: PairOfPictures) -> tuple[str, ...]:
    apart = pair.difference
    values = (_number(metric, value) for metric, value in pair.mutual.items())
    return (shown(pair.name), *values, f"{apart.largest:.6g} of {apart.largest_code:g}")


def _summary(found: Tally, count: int) -> str:
    a, b = found.wins
    text = (
        f"{_title(found.metric)}: B is better on {b} of {count}, A on {a}; mean of B - A "
        f"{_signed(found.metric, found.gain)}"
    )
    if math.isnan(found.error):
        return f"{text}."
    return f"{text}, standard error {_number(found.metric, found.error)}."


def _title(metric: str) -> str:
    from superfine.benchmark.metric import find_metric

    found = find_metric(metric)
    return f"{found.title} ({found.unit})" if found.unit else found.title


def _told(metric: str, value: float) -> str:
    from superfine.benchmark.metric import find_metric

    found = find_metric(metric)
    return f"{found.title} {_number(metric, value)} {found.unit}".strip()


def _gain(metric: str, value: float) -> str:
    from superfine.benchmark.metric import find_metric

    found = find_metric(metric)
    return " ".join(filter(None, (_signed(metric, value), found.unit, found.title)))


def _number(metric: str, value: float) -> str:
    from superfine.benchmark.metric import find_metric

    return f"{value:.{find_metric(metric).decimals}f}"


def _signed(metric: str, value: float) -> str:
    return "0" if math.isnan(value) else f"{'+' if value >= 0 else ''}{_number(metric, value)}"


def _values(
    pair: PairOfPictures, protocol: Protocol | None, scale: int | None
) -> dict[str, object]:
    apart = pair.difference
    return {
        "picture": pair.name,
        "protocol": None if protocol is None else protocol.name,
        "scale": scale,
        "facts": pair.facts,
        "remarks": pair.remarks,
        "identical": apart.identical,
        "differing_pixels": apart.pixels,
        "largest": {"by": apart.largest, "of": apart.largest_code, "at": apart.at},
        "a_against_b": {metric: _finite(value) for metric, value in pair.mutual.items()},
        "a": {metric: _finite(a) for metric, (a, _) in pair.scores.items()},
        "b": {metric: _finite(b) for metric, (_, b) in pair.scores.items()},
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity, which equal pictures score."""
    return value if math.isfinite(value) else None


def _draw(pair: PairOfPictures, paths: tuple[Path, ...], output: Path, *, overwrite: bool) -> None:
    from superfine.benchmark.figure.difference import difference_sheet
    from superfine.io import write
    from superfine.types import Image

    letters = ("A", "B", "truth")
    names = [f"{x}: {shown(path.name)}" for x, path in zip(letters, paths, strict=False)]
    write(Image(difference_sheet(pair, names)), output, overwrite=overwrite)
    say(f"superfine: {shown(os.fspath(output))} shows the place where they differ most.")
