"""The command line: one small file for each verb. A command parses, calls, and shows.

Nothing heavy is imported here, so that `--help` and completion answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from superfine import __version__
from superfine.cli import (
    benchmark,
    blind,
    compare,
    data,
    demo,
    depth,
    diagnose,
    doctor,
    figure,
    models,
    recipe,
    train,
    upscale,
)
from superfine.cli.console import complain, complain_of_bug, say
from superfine.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_OK, SuperfineError

app = typer.Typer(
    name="superfine",
    help="Makes pictures and depth maps sharper, trains the networks, and measures them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "SUPERFINE",
    },
)
app.command()(upscale.upscale)
app.command()(depth.depth)
app.command()(blind.blind)
app.command()(diagnose.diagnose)
app.command()(demo.demo)
app.command()(train.train)
app.command()(benchmark.benchmark)
app.command()(compare.compare)
app.command()(figure.figure)
app.command()(doctor.doctor)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.add_typer(recipe.app, name="recipe")


def _show_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"superfine {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Makes pictures and depth maps sharper, trains the networks, and measures them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: As typed after the program's name; None takes them from the process.

    Returns:
        The exit code, as docs/cli.md lists them.
    """
    # Read by OpenMP when torch is imported, later. Threads that wait by spinning take the cores
    # from each other when anything else runs on the machine: FSRCNN x2 took 2.2 times as long
    # beside two busy processes, and a few hundredths less on an idle machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given, prog_name="superfine", standalone_mode=False)
    except SuperfineError as error:
        complain(error, traceback="--debug" in given)
        return error.exit_code
    except typer.TyperException as error:
        _complain_of_usage(error)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except Exception as error:
        complain_of_bug(error, traceback="--debug" in given)
        return EXIT_BUG
    return code if isinstance(code, int) else EXIT_OK


def _complain_of_usage(error: typer.TyperException) -> None:
    """One line for a mistyped command; with the nearest option where typer found some."""
    near = getattr(error, "possibilities", None)  # only the error for unknown options has it
    guess = f". Did you mean {' or '.join(sorted(near))}?" if near else ""
    message = str(error.message) if near else error.format_message()
    if message:  # empty when the help was shown instead
        say(f"superfine: {message}{guess} (E_USAGE)\n  See: superfine --help")
