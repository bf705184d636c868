"""`superfine demo`: the bundled photo enlarged, and a sheet to judge it by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superfine.cli.console import put, say
from superfine.cli.options import Debug

if TYPE_CHECKING:
    from superfine.demo import Shown


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT", help="Folder for the results.")
    ] = Path("demo-out"),
    debug: Debug = False,
) -> None:
    """Enlarges a bundled photo 2, 3 and 4 times and shows it beside bicubic."""
    from superfine.demo import run_demo

    sheet = run_demo(output, on_scale=_show)
    say("Open this one first, the photo beside bicubic and the original:")
    put(str(sheet).encode(errors="surrogateescape"))


def _show(shown: Shown) -> None:
    say(
        f"x{shown.scale}  {shown.output}  in {shown.seconds:.2f} s. "
        f"Shrunk and brought back: {shown.ours.psnr:.2f} dB, bicubic {shown.bicubic.psnr:.2f} dB."
    )
