"""The page's template, its style and its script, and the policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from superfine.errors import UsageError

_FOLDER = Path(__file__).parent


def require_installed() -> None:
    """Returns when a page can be made.

    Raises:
        UsageError: When jinja2 is not installed.
    """
    try:
        import jinja2  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "A report needs jinja2, which is not installed.",
            hint="pip install 'superfine[report]'",
        ) from error


def render(values: Mapping[str, object]) -> str:
    """The page. Every value is escaped; the style and the script are the only ones that run.

    Raises:
        UsageError: When jinja2 is not installed.
    """
    require_installed()
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (
        (_FOLDER / name).read_text(encoding="utf-8") for name in ("report.css", "report.js")
    )
    return environment.get_template("report.html.j2").render(
        **values, style=style, script=script, policy=_policy(style, script)
    )


def _policy(style: str, script: str) -> str:
    """Nothing from anywhere: pictures inside the file, and one style and one script by hash."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
