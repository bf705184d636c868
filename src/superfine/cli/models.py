"""`superfine models`: the networks, their weights, and what a weight file says of itself."""

from __future__ import annotations

import typer

from superfine.cli import get
from superfine.cli.models_convert import convert
from superfine.cli.models_info import show_info
from superfine.cli.models_inspect import show_layers
from superfine.cli.models_list import show_list

app = typer.Typer(help="Shows the networks and their weights.", no_args_is_help=True)
app.command("list")(show_list)
app.command("info")(show_info)
app.command("inspect")(show_layers)
app.command("convert")(convert)
app.command("get")(get.get)
