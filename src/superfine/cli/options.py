"""Options that mean the same wherever they stand."""

from __future__ import annotations

from typing import Annotated

import typer

from superfine.cli.progress import ProgressStyle

Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and stop.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
JsonOfFiles = Annotated[
    bool, typer.Option("--json", help="One JSON object a file on standard output.")
]
MaxMegapixels = Annotated[
    float | None,
    typer.Option(
        "--max-megapixels",
        metavar="N",
        help="Refuse larger inputs unread. Usual: 120.",
        show_default=False,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")]
Progress = Annotated[ProgressStyle, typer.Option(help="How progress is shown.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Errors only.")]
Recursive = Annotated[bool, typer.Option("-r", "--recursive", help="Folders inside folders too.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more.")]
