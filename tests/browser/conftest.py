"""A real Chromium without a window, for pages whose script must run.

Where there is none, or no playwright to drive it, these tests skip; with SUPERFINE_BROWSER=required
in the environment, as on our own machines, they fail instead.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

# No sandbox: containers give none, and every page opened here is our own. The rest keeps Chromium
# from asking the network for anything itself.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Opened:
    """A page, and what went wrong in it.

    Attributes:
        page: Playwright's.
        problems: Messages and errors of the console, refusals by the page's policy among them.
        requests: Every address asked for, but those that hold their data themselves.
    """

    page: object
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def _missing(what: str) -> None:
    if os.environ.get("SUPERFINE_BROWSER") == "required":
        pytest.fail(f"{what} is missing, and SUPERFINE_BROWSER says it is required")
    pytest.skip(f"{what} is not here")


# Playwright runs an event loop while it lives: no longer than the tests of one file.
@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        _missing("Chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def open_file(browser) -> Iterator[Callable[..., Opened]]:
    """Opens a file as a user does, by its address on the disk; options are playwright's."""
    contexts = []

    def opened(path: Path, **options: object) -> Opened:
        context = browser.new_context(**options)
        contexts.append(context)
        found = Opened(context.new_page())
        found.page.on("console", lambda message: found.problems.append(message.text))
        found.page.on("pageerror", lambda error: found.problems.append(str(error)))
        found.page.on("request", lambda request: _note(request.url, found.requests))
        found.page.goto(path.as_uri())
        return found

    yield opened
    for context in contexts:
        context.close()


def _note(address: str, requests: list[str]) -> None:
    if not address.startswith("data:"):
        requests.append(address)
