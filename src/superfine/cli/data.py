"""`superfine data`: known sets, patches and scenes made, and pictures looked over."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand

from superfine.cli import data_convert, data_dtu, data_sets, data_synthesize
from superfine.cli.console import put, say, shown
from superfine.cli.data_lines import Lines
from superfine.cli.options import Debug, Json
from superfine.errors import EXIT_OK, EXIT_SOME_FAILED, UsageError, unknown_name

if TYPE_CHECKING:
    from superfine.data.check.check import Checked, CheckedPair, Finding
    from superfine.ops.resize import Method

app = typer.Typer(
    help="Brings and checks data sets, makes training data, and looks pictures over.",
    no_args_is_help=True,
)
app.command("list")(data_sets.show_list)
app.command("verify")(data_sets.verify)
app.command("get")(data_sets.get)
app.command("convert")(data_convert.convert)
app.command("dtu")(data_dtu.dtu)
app.add_typer(data_synthesize.app, name="synthesize")

_MOST_SHOWN = 20  # findings of one kind
_SEVERAL = ("-uf", "--upscale-factor", "--scales", "--rotations", "--flips", "--upsampling")
_ALIASES = {"antialias": "lanczos3"}


class SeveralValues(TyperCommand):
    """A command whose options take several values in a row: `-uf 2 3 4`."""

    # typer keeps the type of its own base class to itself.
    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Repeats the option before each further value."""
        spelled: list[str] = []
        option = ""
        for word in args:
            if word in _SEVERAL:
                option = word
            elif option and spelled[-1] != option and _is_value(word):
                spelled.append(option)
            elif option and spelled[-1] != option:
                option = ""
            spelled.append(word)
        return super().parse_args(ctx, spelled)


def _is_value(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        from superfine.data.prepare.options import UPSAMPLINGS

        return word in UPSAMPLINGS or word in _ALIASES
    return True


@app.command(cls=SeveralValues)
def prepare(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="HR pictures.")],
    *,
    h5: Annotated[
        Path | None, typer.Option("--h5", help="Write patches into this HDF5 file.")
    ] = None,
    hr: Annotated[
        Path | None, typer.Option("--hr", help="Or PNG files: folder of HR patches ...")
    ] = None,
    lr: Annotated[Path | None, typer.Option("--lr", help="... and folder of LR patches.")] = None,
    upscale_factor: Annotated[
        list[int] | None,
        typer.Option("-uf", "--upscale-factor", help="HR pixels per LR pixel; one or several. [2]"),
    ] = None,
    number: Annotated[
        int | None, typer.Option("-n", "--number", help="Only the first so many pictures.")
    ] = None,
    width: Annotated[int, typer.Option(help="Of a patch, in HR pixels.")] = 48,
    height: Annotated[int, typer.Option(help="Of a patch, in HR pixels.")] = 48,
    stride: Annotated[int, typer.Option(help="Between patches, in HR pixels.")] = 48,
    scales: Annotated[
        list[float] | None,
        typer.Option(help="Use each picture at these sizes, up to 1. [1]"),
    ] = None,
    rotations: Annotated[
        list[float] | None, typer.Option(help="Degrees, counter-clockwise. [0]")
    ] = None,
    flips: Annotated[
        list[int] | None,
        typer.Option(help="0 none, 1 left-right, 2 top-bottom, 3 both. [0]"),
    ] = None,
    upsampling: Annotated[
        list[str] | None,
        typer.Option(
            metavar="bicubic|bilinear|nearest|lanczos3",
            help="Kernels that make LR; antialias is lanczos3. [bicubic]",
        ),
    ] = None,
    same_size: Annotated[
        bool, typer.Option("--same-size", help="Enlarge LR again; for other tools.")
    ] = False,
    single_y: Annotated[bool, typer.Option("--single-y", help="Luma only.")] = False,
    padding: Annotated[
        int, typer.Option(help="Leave out so many HR pixels on each side of an HR patch.")
    ] = 0,
    blur: Annotated[
        float, typer.Option(metavar="SIGMA", help="Gaussian before shrinking, in HR pixels.")
    ] = 0.0,
    kernel_size: Annotated[
        int | None, typer.Option(help="Its taps on a side. [up to 3 SIGMA]")
    ] = None,
    levels: Annotated[
        bool, typer.Option("--levels", help="Also hr_x2, hr_x4, ... for progressive networks.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Order of the patches in the file.")] = 1234,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    debug: Debug = False,
) -> None:
    """Cuts pictures into aligned LR and HR patches.

    Stopped or killed, the same command goes on where it was, and ends with the same bytes.
    """
    from superfine.data.prepare.prepare import FolderOutput, H5Output, PrepareOptions
    from superfine.data.prepare.prepare import prepare as make

    options = PrepareOptions(
        folder=folder,
        number=number,
        width=width,
        height=height,
        stride=stride,
        upscale_factors=tuple(upscale_factor or (2,)),
        scales=tuple(scales or (1.0,)),
        rotations=tuple(rotations or (0.0,)),
        flips=tuple(flips or (0,)),
        upsampling=tuple(_kernel(name) for name in upsampling or ("bicubic",)),
        same_size=same_size,
        single_y=single_y,
        padding=padding,
        blur=blur,
        kernel_size=kernel_size,
        levels=levels,
        seed=seed,
    )
    output: H5Output | FolderOutput
    if h5 is not None and hr is None and lr is None:
        output = H5Output(h5, overwrite=overwrite)
    elif h5 is None and hr is not None and lr is not None and not overwrite:
        output = FolderOutput(hr, lr)
    else:
        raise UsageError(
            "Say where patches go: --h5 FILE, or --hr FOLDER --lr FOLDER.",
            hint="--overwrite replaces a file, never folders.",
        )
    try:
        made = make(options, output, on_progress=Lines())
    except KeyboardInterrupt:
        say("Stopped; run the same command to go on.")
        raise
    for path in made.paths:
        put(os.fsencode(path))
    counts = ", ".join(f"{count:,} at x{factor}" for factor, count in made.patches.items())
    small = f"; {made.empty} too small for any" if made.empty else ""
    say(f"superfine: patches: {counts}, from {made.pictures} pictures{small}.")


@app.command()
def check(
    hr: Annotated[Path, typer.Argument(metavar="HR", help="Folder of HR pictures.")],
    *,
    lr: Annotated[Path | None, typer.Option("--lr", help="Folder of their LR ones.")] = None,
    scale: Annotated[
        int | None, typer.Option("-s", "--scale", min=1, help="Of the pairs. [from their sizes]")
    ] = None,
    test: Annotated[
        list[Path] | None,
        typer.Option("--test", help="Folder that must not be trained on; may be repeated."),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Looks for pictures that would spoil a training; ends with 3 when there are some."""
    from superfine.data.check.check import check as look

    lines = Lines()
    checked = look(
        hr,
        lr=lr,
        scale=scale,
        test=tuple(test or ()),
        on_progress=lambda done, total: lines("Looking", done, total),
    )
    if as_json:
        _put_json(checked)
    else:
        _put_table(checked)
    raise typer.Exit(EXIT_SOME_FAILED if checked.findings else EXIT_OK)


def _kernel(name: str) -> Method:
    from superfine.data.prepare.options import UPSAMPLINGS

    for kernel in UPSAMPLINGS:
        if kernel == _ALIASES.get(name, name):
            return kernel
    raise unknown_name("kernel", name, UPSAMPLINGS, listing="superfine data prepare --help")


def _put_table(checked: Checked) -> None:
    put(f"{checked.pictures:,} HR pictures".encode())
    if checked.scale is not None:
        put(f"{len(checked.pairs):,} pairs of scale {checked.scale}".encode())
    for name, pairs in checked.resizes().items():
        put(f"{len(pairs):,} LR pictures made by {name}".encode())
    by_kind: dict[str, list[Finding]] = {}
    for finding in checked.findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    for kind, findings in by_kind.items():
        put(f"{kind}: {len(findings):,}".encode())
        for finding in findings[:_MOST_SHOWN]:
            put(f"  {shown(finding.files[0])} {shown(finding.message)}".encode())
        if len(findings) > _MOST_SHOWN:
            put(f"  ... and {len(findings) - _MOST_SHOWN:,} more; --json shows all".encode())
    if not checked.findings:
        put(b"Nothing was found.")


def _put_json(checked: Checked) -> None:
    for pair in checked.pairs:
        put(json.dumps({"v": 1, "pair": _pair_values(pair)}).encode())
    for finding in checked.findings:
        values = {
            "kind": finding.kind,
            "files": [str(path) for path in finding.files],
            "message": finding.message,
        }
        put(json.dumps({"v": 1, "finding": values}).encode())
    summary = {
        "pictures": checked.pictures,
        "pairs": len(checked.pairs),
        "scale": checked.scale,
        "made_by": {name: len(pairs) for name, pairs in checked.resizes().items()},
        "findings": len(checked.findings),
    }
    put(json.dumps({"v": 1, "summary": summary}).encode())


def _pair_values(pair: CheckedPair) -> dict[str, object]:
    by, shift = pair.made_by, pair.shift
    return {
        "hr": str(pair.hr),
        "lr": str(pair.lr),
        "made_by": by and {"names": by.names, "error": round(by.error, 3), "sure": by.sure},
        "shift": shift
        and {
            "right": round(shift.right, 2),
            "down": round(shift.down, 2),
            "agreement": round(shift.agreement, 3),
        },
    }
