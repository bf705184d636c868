"""`superfine doctor`: what this machine offers, and whether superfine works on it."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from superfine.cli.console import put, say
from superfine.cli.options import Debug, Json
from superfine.errors import EXIT_BUG, EXIT_OK


def doctor(
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Shows versions, devices and room, and runs a self-test of a few seconds."""
    from superfine.diagnosis import environment, self_test

    facts, checks = environment(), self_test()
    well = all(check.ok for check in checks)
    if as_json:
        values = {"v": 1, "ok": well, "environment": facts, "checks": [asdict(c) for c in checks]}
        put(json.dumps(values).encode())
    else:
        say("All is well.\n" if well else "Something is wrong; please report this:\n")
        width = max(map(len, [*facts, *(check.name for check in checks)]))
        # Fences, so that the block can be pasted into a report as it is.
        put(b"```text")
        for name, fact in facts.items():
            put(f"{name.ljust(width)}  {fact}".encode())
        for check in checks:
            verdict = "ok" if check.ok else "FAILED"
            line = f"{check.name.ljust(width)}  {verdict}: {check.detail} ({check.seconds:.2f} s)"
            put(line.encode(errors="replace"))
        put(b"```")
    raise typer.Exit(EXIT_OK if well else EXIT_BUG)
