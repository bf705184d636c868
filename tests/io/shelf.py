"""A web server on this machine that serves one file, and does as it is told: well, or badly."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

from superfine.io.fetch import Wanted

# Made anew for every run of the tests; nobody else trusts it.
AUTHORITY = trustme.CA()
# No answer without an end is longer; far more than fits into the buffers between two programs.
_ENDLESS = 64 << 20


class Handler(BaseHTTPRequestHandler):
    """Answers a request as the shelf has planned."""

    shelf: Shelf

    def do_GET(self) -> None:
        shelf = self.shelf
        with shelf.lock:
            shelf.requests.append(dict(self.headers))
            plan = shelf.plan.pop(0) if shelf.plan else serve
        # Clients that have seen enough hang up.
        with suppress(ConnectionError, ssl.SSLError):
            plan(self)

    def do_CONNECT(self) -> None:
        """A proxy that lets nobody through."""
        self.shelf.requests.append({"through": self.path})
        self.send_error(403)

    def log_message(self, *_words: object) -> None:
        """Says nothing."""

    def asked(self) -> int:
        """The first byte that is asked for."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))
        assert found
        return int(found[1])

    def head(self, status: int, **headers: str | int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def body(self, data: bytes) -> None:
        """Sends `data` piece by piece, counting what got away."""
        for start in range(0, len(data), 4096):
            piece = data[start : start + 4096]
            self.wfile.write(piece)
            with self.shelf.lock:
                self.shelf.sent += len(piece)


Plan = Callable[[Handler], None]


@dataclass
class Shelf:
    """What lies on the server, and what happened there.

    Attributes:
        content: The file.
        etag: What its version is called; None gives it no name.
        plan: How the next requests are answered, one each; then well.
        requests: The headers of those that came.
        sent: Bytes of the file sent, all answers together.
        over: Set when the test is over, for those who wait.
    """

    content: bytes
    etag: str | None = '"first"'
    plan: list[Plan] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    sent: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/weights.pth"

    def wanted(self, *, sized: bool = True) -> Wanted:
        size = len(self.content) if sized else None
        return Wanted(self.url, sha256(self.content).hexdigest(), size)

    @property
    def ranges(self) -> list[str | None]:
        return [request.get("Range") for request in self.requests]


@contextmanager
def opened(content: bytes, *, tls: bool = False) -> Iterator[Shelf]:
    """A shelf that serves until the block ends."""
    shelf = Shelf(content, scheme="https" if tls else "http")
    kind = type("Handler", (Handler,), {"shelf": shelf, "timeout": 20})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = False
    server.handle_error = lambda *_: None  # a client that refuses our certificate
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    shelf.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield shelf
    finally:
        shelf.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def serve(handler: Handler) -> None:
    """As a good server does: parts, and only of the version the client has."""
    shelf, first = handler.shelf, handler.asked()
    named = {} if shelf.etag is None else {"ETag": shelf.etag}
    if handler.headers.get("If-Range") not in (None, shelf.etag):
        first = 0
    size = len(shelf.content)
    if first >= size:
        handler.head(416, Content_Range=f"bytes */{size}", **named)
        return
    if first:
        named["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
    handler.head(206 if first else 200, Content_Length=size - first, **named)
    handler.body(shelf.content[first:])


def ignore_ranges(handler: Handler) -> None:
    """The whole file, whatever part is asked for."""
    handler.head(200, Content_Length=len(handler.shelf.content))
    handler.body(handler.shelf.content)


def ignore_versions(handler: Handler) -> None:
    """The part asked for, whatever version the client has the start of."""
    del handler.headers["If-Range"]
    serve(handler)


def cut_after(count: int) -> Plan:
    """Promises the rest and hangs up after `count` bytes of it."""

    def plan(handler: Handler) -> None:
        shelf, first = handler.shelf, handler.asked()
        size = len(shelf.content)
        part = {"Content-Range": f"bytes {first}-{size - 1}/{size}"} if first else {}
        etag = {} if shelf.etag is None else {"ETag": shelf.etag}
        handler.head(206 if first else 200, Content_Length=size - first, **part, **etag)
        handler.body(shelf.content[first : first + count])

    return plan


def silent_after(count: int) -> Plan:
    """Promises the whole, sends `count` bytes, and holds the line without a word."""

    def plan(handler: Handler) -> None:
        cut_after(count)(handler)
        handler.wfile.flush()
        handler.shelf.over.wait(20)

    return plan


def drip(handler: Handler) -> None:
    """A byte now and then."""
    handler.head(200, Content_Length=len(handler.shelf.content))
    for byte in handler.shelf.content:
        if handler.shelf.over.wait(0.02):
            return
        handler.wfile.write(bytes([byte]))


def another_part(handler: Handler) -> None:
    """The first half, whatever part is asked for."""
    half, size = len(handler.shelf.content) // 2, len(handler.shelf.content)
    handler.head(206, Content_Length=half, Content_Range=f"bytes 0-{half - 1}/{size}")
    handler.body(handler.shelf.content[:half])


def endless(handler: Handler) -> None:
    """Bytes for ever, and no word of how many."""
    handler.head(200)
    handler.body(bytes(_ENDLESS))


def saying(length: int) -> Plan:
    """The whole file, said to be `length` bytes."""

    def plan(handler: Handler) -> None:
        handler.head(200, Content_Length=length)
        handler.body(handler.shelf.content)

    return plan


def sending(content: bytes) -> Plan:
    """Other bytes."""

    def plan(handler: Handler) -> None:
        handler.head(200, Content_Length=len(content))
        handler.body(content)

    return plan


def answering(status: int, **headers: str | int) -> Plan:
    """A status without a file."""

    def plan(handler: Handler) -> None:
        handler.head(status, Content_Length=0, **headers)

    return plan


def leading_to(url: str, status: int = 302) -> Plan:
    """A redirect, with a page that never ends."""

    def plan(handler: Handler) -> None:
        handler.head(status, Location=url)
        handler.body(bytes(_ENDLESS))

    return plan


def babble(handler: Handler) -> None:
    """Nothing that is HTTP."""
    handler.wfile.write(b"220 mail.example.org ready\r\n" * 10)
