"""Asking a web server for a file, or for the rest of one.

Only https is spoken, and http with this machine itself: also after a redirect, of which a few are
followed. Proxies are taken from the environment, as curl takes them. Every wait has an end.
"""

from __future__ import annotations

import re
import socket
import ssl
import string
from contextlib import closing
from http.client import HTTPException, HTTPResponse
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from superfine import __version__
from superfine.errors import NetworkError

_MOST_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
# Answers that may be another one a moment later.
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_WHOLE = 200
_PARTIAL = 206
_UNSATISFIABLE = 416
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


class PassingError(Exception):
    """What ended one connection and may not end the next; says what, as part of a sentence."""


class OtherPartError(PassingError):
    """The server has no such part of the file, or sent another one than was asked for."""


def refused(url: str, reason: str, *, kept: int = 0) -> NetworkError:
    """The error for a download that has come to its end without the file.

    Args:
        kept: Bytes that arrived and stay.
    """
    rest = f"{kept:,} bytes are kept, and the same command goes on from there. " if kept else ""
    return NetworkError(
        f"The download of {url} failed: {reason}.",
        hint=f"{rest}The file can also be brought from another machine: --from FILE.",
    )


def ask(url: str, *, first: int, etag: str | None, timeout: float) -> HTTPResponse:
    """The answer of the server asked for the bytes from `first` on.

    Args:
        etag: The version of the file the bytes before `first` are of, as the server named it; of
            another version it sends the whole. None where that is not known.
        timeout: Seconds to connect, and to wait for the next bytes.

    Raises:
        PassingError: It does not answer now.
        OtherPartError: It has no bytes from `first` on.
        NetworkError: It refuses, or leads to where nothing is fetched from.
    """
    headers = {"User-Agent": f"superfine/{__version__}", "Accept-Encoding": "identity"}
    if first:
        headers["Range"] = f"bytes={first}-"
        if etag is not None:
            headers["If-Range"] = etag
    _require_safe(url, url)
    at = url
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            return _open(Request(at, headers=headers), timeout)
        except HTTPError as answer:
            with closing(answer):
                at = _led_to(url, at, answer)
        except (OSError, HTTPException) as error:
            raise _classified(url, error) from error
    raise refused(url, f"it was redirected more than {_MOST_REDIRECTS} times")


def extent(answer: HTTPResponse, *, asked: int) -> tuple[int, int | None]:
    """The place in the file of the first byte of `answer`, and the size of the file if told.

    Raises:
        OtherPartError: It is neither the start of the file nor the byte `asked`.
        PassingError: The answer is none to such a request.
    """
    if answer.status == _WHOLE:
        return 0, answer.length
    if answer.status != _PARTIAL:
        raise PassingError(f"the server answered {answer.status}")
    told = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if told is None or int(told[1]) != asked:
        raise OtherPartError("the server sent another part of the file than was asked for")
    return asked, None if told[2] == "*" else int(told[2])


def receive(answer: HTTPResponse, most: int) -> bytes:
    """The next bytes of `answer`, at most `most`; none at its end.

    Raises:
        PassingError: The line is cut or silent.
    """
    try:
        return answer.read1(most)
    except (OSError, HTTPException) as error:
        raise PassingError(_in_words(error)) from error


def _open(request: Request, timeout: float) -> HTTPResponse:
    opener = OpenerDirector()
    # No handler of redirects: urllib's own would read the whole of what comes with one.
    for handler in (HTTPHandler(), HTTPSHandler(), HTTPErrorProcessor(), HTTPDefaultErrorHandler()):
        opener.add_handler(handler)
    if not _is_here(request.full_url):  # a proxy for the world is none for this machine
        opener.add_handler(ProxyHandler())
    answer = opener.open(request, timeout=timeout)
    assert isinstance(answer, HTTPResponse)
    return answer


def _led_to(url: str, at: str, answer: HTTPError) -> str:
    """Where `answer` sends us; raises when it is no redirect."""
    location = str(answer.headers.get("Location", ""))
    if answer.code in _MOVED and location:
        try:
            there = urljoin(at, quote(location, safe=string.punctuation))
        except ValueError:
            raise refused(url, "it was redirected to something that is no address") from None
        _require_safe(there, at)
        return there
    if answer.code == _UNSATISFIABLE:
        raise OtherPartError("the server has a shorter file than what is here")
    reason = f"the server answered {answer.code} {answer.reason}".rstrip()
    raise PassingError(reason) if answer.code in _PASSING else refused(url, reason)


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in _LOOPBACK


def _require_safe(url: str, came_from: str) -> None:
    """Refuses what could be read or changed on the way, and ways from the world to this machine."""
    parts, here = urlsplit(url), _is_here(url)
    if here and not _is_here(came_from):
        raise refused(came_from, "it leads back to this machine")
    open_here = here and parts.scheme == urlsplit(came_from).scheme == "http"
    if parts.scheme != "https" and not open_here:
        raise refused(came_from, f"it leads to {url}, and only https is fetched")


def _classified(url: str, error: OSError | HTTPException) -> Exception:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return refused(url, f"the certificate of the server is not valid ({reason.verify_message})")
    if isinstance(reason, socket.gaierror):
        return refused(url, "the server is not found; is this machine online?")
    return PassingError(_in_words(reason))


def _in_words(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "the server was silent for too long"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return f"{type(error).__name__} {error}".strip().splitlines()[0]
