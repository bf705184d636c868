"""A download ends with the right file or with one clear error, whatever the server does."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from superfine.errors import (
    DiskFullError,
    NetworkError,
    OutputError,
    SuperfineError,
    UsageError,
    WrongContentError,
)
from superfine.io import fetch as module
from superfine.io import web
from superfine.io.fetch import Patience, Wanted, copy_verified, fetch, is_wanted

from . import shelf as s
from .shelf import Shelf, opened

SIZE = 100_000
HALF = SIZE // 2
QUICK = Patience(timeout=5, attempts=3, pause=0.01)
ONCE = replace(QUICK, attempts=1)
IMPATIENT = replace(QUICK, timeout=0.3)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with opened(os.urandom(SIZE)) as served:
        yield served


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "weights.pth"


def names(target: Path) -> set[str]:
    return {entry.name for entry in target.parent.iterdir()} if target.parent.exists() else set()


def interrupted(shelf: Shelf, target: Path, *, after: int = HALF) -> None:
    """A download that was cut off after `after` bytes."""
    shelf.plan.insert(0, s.cut_after(after))
    with pytest.raises(NetworkError):
        fetch(shelf.wanted(), target, patience=ONCE)
    assert target.with_name("weights.pth.part").read_bytes() == shelf.content[:after]
    shelf.requests.clear()
    shelf.sent = 0


def failing(shelf: Shelf, target: Path, *, patience: Patience = QUICK) -> SuperfineError:
    """The one error a download ends with; there is no file then, and no lock."""
    with pytest.raises(SuperfineError) as caught:
        fetch(shelf.wanted(), target, patience=patience)
    assert not target.exists()
    assert ".weights.pth.lock" not in names(target)
    assert "\n" not in caught.value.message + caught.value.hint
    return caught.value


def test_the_file_arrives_and_nothing_lies_beside_it(shelf: Shelf, target: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    fetch(shelf.wanted(), target, patience=QUICK, on_progress=lambda *at: seen.append(at))
    assert target.read_bytes() == shelf.content
    assert names(target) == {"weights.pth"}
    assert seen == sorted(seen)
    assert seen[-1] == (SIZE, SIZE)
    assert shelf.requests[0]["Accept-Encoding"] == "identity"
    assert shelf.ranges == [None]


def test_a_file_of_unknown_size_arrives(shelf: Shelf, target: Path) -> None:
    fetch(shelf.wanted(sized=False), target, patience=QUICK)
    assert target.read_bytes() == shelf.content


def test_a_cut_line_costs_no_byte_twice(shelf: Shelf, target: Path) -> None:
    shelf.plan = [s.cut_after(30_000), s.cut_after(30_000)]
    faults: list[str] = []
    fetch(shelf.wanted(), target, patience=QUICK, on_fault=faults.append)
    assert target.read_bytes() == shelf.content
    assert shelf.sent == SIZE
    assert shelf.ranges == [None, "bytes=30000-", "bytes=60000-"]
    assert [request.get("If-Range") for request in shelf.requests] == [None, '"first"', '"first"']
    assert faults == [f"the line ended after {n} of 100,000 bytes" for n in ("30,000", "60,000")]


def test_the_next_call_goes_on(shelf: Shelf, target: Path) -> None:
    interrupted(shelf, target)
    fetch(shelf.wanted(), target, patience=ONCE)
    assert target.read_bytes() == shelf.content
    assert shelf.sent == SIZE - HALF
    assert names(target) == {"weights.pth"}


def test_a_download_that_gives_up_says_what_is_kept(shelf: Shelf, target: Path) -> None:
    shelf.plan = [s.cut_after(10_000)] * 3
    error = failing(shelf, target)
    assert (error.code, error.exit_code) == ("E_NETWORK", 7)
    assert shelf.url in error.message
    assert "30,000 bytes are kept" in error.hint
    assert "--from FILE" in error.hint


def test_ctrl_c_keeps_what_came(shelf: Shelf, target: Path) -> None:
    def stop(here: int, _size: int | None) -> None:
        if here >= HALF:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(shelf.wanted(), target, patience=QUICK, on_progress=stop)
    assert names(target) == {"weights.pth.part", "weights.pth.part.etag"}
    shelf.sent = 0
    fetch(shelf.wanted(), target, patience=QUICK)
    assert target.read_bytes() == shelf.content
    assert shelf.sent <= SIZE - HALF


def test_all_bytes_here_need_no_server(shelf: Shelf, target: Path) -> None:
    """A kill between the last byte and the rename."""
    target.parent.mkdir()
    target.with_name("weights.pth.part").write_bytes(shelf.content)
    fetch(shelf.wanted(), target, patience=QUICK)
    assert target.read_bytes() == shelf.content
    assert shelf.requests == []


@pytest.mark.parametrize("sized", [True, False])
def test_more_bytes_than_there_are_start_over(shelf: Shelf, target: Path, sized: bool) -> None:
    target.parent.mkdir()
    target.with_name("weights.pth.part").write_bytes(bytes(SIZE + 1))
    fetch(shelf.wanted(sized=sized), target, patience=QUICK)
    assert target.read_bytes() == shelf.content


def test_a_server_that_knows_no_parts_starts_over(shelf: Shelf, target: Path) -> None:
    interrupted(shelf, target)
    shelf.plan = [s.ignore_ranges]
    fetch(shelf.wanted(), target, patience=ONCE)
    assert target.read_bytes() == shelf.content
    assert shelf.sent == SIZE


def test_another_part_than_asked_for_is_not_used(shelf: Shelf, target: Path) -> None:
    interrupted(shelf, target, after=30_000)
    shelf.plan = [s.another_part]
    faults: list[str] = []
    fetch(shelf.wanted(), target, patience=QUICK, on_fault=faults.append)
    assert target.read_bytes() == shelf.content
    assert faults == ["the server sent another part of the file than was asked for"]
    assert shelf.ranges == ["bytes=30000-", None]


def test_a_file_that_changed_meanwhile_comes_whole(shelf: Shelf, target: Path) -> None:
    interrupted(shelf, target)
    shelf.content, shelf.etag = os.urandom(SIZE), '"second"'
    fetch(shelf.wanted(), target, patience=ONCE)
    assert target.read_bytes() == shelf.content
    assert (shelf.ranges, shelf.sent) == (["bytes=50000-"], SIZE)


def test_the_version_is_looked_at_when_the_server_does_not(shelf: Shelf, target: Path) -> None:
    interrupted(shelf, target)
    shelf.content, shelf.etag = os.urandom(SIZE), '"second"'
    shelf.plan = [s.ignore_versions]
    fetch(shelf.wanted(), target, patience=QUICK)
    assert target.read_bytes() == shelf.content
    assert shelf.ranges == ["bytes=50000-", None]


@pytest.mark.parametrize("etag", [None, 'W/"weak"', '"bro\tken"'])
def test_two_ends_of_two_unnamed_versions_come_once_more_in_one_piece(
    shelf: Shelf, target: Path, etag: str | None
) -> None:
    shelf.etag = etag
    interrupted(shelf, target)
    shelf.content = os.urandom(SIZE)
    fetch(shelf.wanted(), target, patience=ONCE)
    assert target.read_bytes() == shelf.content
    assert shelf.ranges == ["bytes=50000-", None]
    assert "If-Range" not in shelf.requests[0]


def test_a_silent_server_is_left_and_asked_again(shelf: Shelf, target: Path) -> None:
    shelf.plan = [s.silent_after(HALF)]
    faults: list[str] = []
    fetch(shelf.wanted(), target, patience=IMPATIENT, on_fault=faults.append)
    assert target.read_bytes() == shelf.content
    assert (shelf.sent, faults) == (SIZE, ["the server was silent for too long"])


def test_a_dripping_server_is_left(shelf: Shelf, target: Path) -> None:
    shelf.plan = [s.drip] * 3
    started = time.monotonic()
    error = failing(shelf, target, patience=replace(IMPATIENT, attempts=2))
    assert "the server sends next to nothing" in error.message
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("said", [SIZE - 1, SIZE + 1, 0])
def test_another_length_is_another_file(shelf: Shelf, target: Path, said: int) -> None:
    shelf.plan = [s.saying(said)]
    error = failing(shelf, target)
    assert (error.code, error.exit_code) == ("E_HASH", 5)
    assert f"it has {said:,} bytes, not 100,000" in error.message
    assert (names(target), len(shelf.requests)) == (set(), 1)


def test_other_bytes_of_the_right_length_are_not_kept(shelf: Shelf, target: Path) -> None:
    shelf.plan = [s.sending(os.urandom(SIZE))]
    error = failing(shelf, target)
    assert isinstance(error, WrongContentError)
    assert "another sha256" in error.message
    assert (names(target), len(shelf.requests)) == (set(), 1)


def test_one_wrong_bit_is_found(shelf: Shelf, target: Path) -> None:
    content = bytearray(shelf.content)
    content[-1] ^= 1
    shelf.plan = [s.sending(bytes(content))]
    assert failing(shelf, target).code == "E_HASH"


@pytest.mark.parametrize("sized", [True, False])
def test_bytes_without_an_end_are_cut_off(
    shelf: Shelf, target: Path, sized: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LARGEST", SIZE)
    shelf.plan = [s.endless]
    with pytest.raises(WrongContentError, match="it has more than 100,000 bytes"):
        fetch(shelf.wanted(sized=sized), target, patience=QUICK)
    assert names(target) == set()
    assert shelf.sent < 32 << 20


@pytest.mark.parametrize("status", [401, 403, 404, 410, 501])
def test_a_refusal_is_final(shelf: Shelf, target: Path, status: int) -> None:
    shelf.plan = [s.answering(status)] * 3
    error = failing(shelf, target)
    assert (error.exit_code, len(shelf.requests)) == (7, 1)
    assert f"the server answered {status}" in error.message


@pytest.mark.parametrize("status", [204, 408, 429, 500, 502, 503, 504])
def test_a_passing_fault_is_not(shelf: Shelf, target: Path, status: int) -> None:
    shelf.plan = [s.answering(status)] * 2
    fetch(shelf.wanted(), target, patience=QUICK)
    assert target.read_bytes() == shelf.content


@pytest.mark.parametrize(
    "plan", [s.babble, s.answering(500), s.another_part, s.answering(416)], ids=lambda p: p.__name__
)
def test_the_patience_has_an_end(shelf: Shelf, target: Path, plan: s.Plan) -> None:
    shelf.plan = [plan] * 10
    assert failing(shelf, target).exit_code == 7
    assert len(shelf.requests) == QUICK.attempts


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_with_the_part_asked_for(
    shelf: Shelf, target: Path, status: int
) -> None:
    interrupted(shelf, target)
    shelf.plan = [s.leading_to("/elsewhere/a b é.pth", status), s.leading_to(shelf.url, status)]
    fetch(shelf.wanted(), target, patience=ONCE)
    assert target.read_bytes() == shelf.content
    assert shelf.ranges == ["bytes=50000-"] * 3


def test_a_redirect_in_a_circle_ends(shelf: Shelf, target: Path) -> None:
    shelf.plan = [s.leading_to(shelf.url)] * 20
    assert "redirected more than 5 times" in failing(shelf, target).message
    assert len(shelf.requests) == 6


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ("http://example.org/weights.pth", "only https is fetched"),
        ("ftp://127.0.0.1/weights.pth", "only https is fetched"),
        ("file:///etc/passwd", "only https is fetched"),
        ("data:text/plain,weights", "only https is fetched"),
        ("https://[::1/weights.pth", "no address"),
    ],
)
def test_a_redirect_to_what_could_be_changed_on_the_way_is_refused(
    shelf: Shelf, target: Path, there: str, why: str
) -> None:
    shelf.plan = [s.leading_to(there)] * 3
    error = failing(shelf, target)
    assert why in error.message
    assert (error.exit_code, len(shelf.requests)) == (7, 1)


@pytest.mark.parametrize("url", ["http://example.org/w", "ftp://example.org/w", "file:///w", "w"])
def test_only_https_is_fetched(url: str, target: Path) -> None:
    with pytest.raises(NetworkError, match="only https is fetched"):
        fetch(Wanted(url, "0" * 64), target, patience=QUICK)


@pytest.fixture
def safe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shelf]:
    """A server that speaks https, and whose certificate is trusted."""
    s.AUTHORITY.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with opened(os.urandom(SIZE), tls=True) as served:
        yield served


def test_https_is_spoken(safe: Shelf, target: Path) -> None:
    fetch(safe.wanted(), target, patience=QUICK)
    assert target.read_bytes() == safe.content


def test_a_certificate_nobody_vouches_for_is_final(
    safe: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    error = failing(safe, target)
    assert "the certificate of the server is not valid" in error.message
    assert safe.requests == []


def test_https_never_becomes_http(safe: Shelf, shelf: Shelf, target: Path) -> None:
    safe.plan = [s.leading_to(shelf.url)]
    assert "only https is fetched" in failing(safe, target).message
    assert shelf.requests == []


def test_the_world_does_not_lead_into_this_machine(
    safe: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_LOOPBACK", ("127.0.0.1",))  # localhost stands for the world
    safe.plan = [s.leading_to(safe.url)]
    world = replace(safe.wanted(), url=safe.url.replace("127.0.0.1", "localhost"))
    with pytest.raises(NetworkError, match="leads back to this machine"):
        fetch(world, target, patience=QUICK)
    assert len(safe.requests) == 1


def test_a_proxy_is_not_asked_for_this_machine(
    shelf: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    fetch(shelf.wanted(), target, patience=ONCE)
    assert target.read_bytes() == shelf.content


def test_a_proxy_is_asked_for_the_world(
    shelf: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{shelf.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(NetworkError, match="403"):
        fetch(Wanted("https://example.org/w", "0" * 64), target, patience=ONCE)
    assert shelf.requests == [{"through": "example.org:443"}]


def test_a_server_that_is_not_there(target: Path) -> None:
    with opened(b"") as gone:
        wanted = gone.wanted()
    faults: list[str] = []
    with pytest.raises(NetworkError, match="connection refused") as caught:
        fetch(wanted, target, patience=QUICK, on_fault=faults.append)
    assert len(faults) == QUICK.attempts - 1
    assert caught.value.hint.startswith("The file can also be brought")


def test_a_machine_without_a_network_is_told_at_once(
    shelf: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise web.socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(web.socket, "getaddrinfo", unknown)
    error = failing(shelf, target, patience=replace(QUICK, pause=1000))
    assert "is this machine online?" in error.message
    assert "--from FILE" in error.hint


def test_two_downloads_of_one_file_do_not_meet(shelf: Shelf, target: Path) -> None:
    shelf.plan = [s.silent_after(HALF)]
    half_way = threading.Event()
    first = threading.Thread(
        target=fetch,
        args=(shelf.wanted(), target),
        kwargs={
            "patience": replace(QUICK, timeout=0.5),
            "on_progress": lambda here, _: half_way.set() if here == HALF else None,
        },
    )
    first.start()
    try:
        assert half_way.wait(5)
        with pytest.raises(OutputError) as caught:
            fetch(shelf.wanted(), target, patience=QUICK)
        assert caught.value.code == "E_BUSY"
    finally:
        first.join()
    assert target.read_bytes() == shelf.content
    assert names(target) == {"weights.pth"}


def test_a_file_that_is_there_is_not_touched(shelf: Shelf, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"mine")
    with pytest.raises(OutputError) as caught:
        fetch(shelf.wanted(), target, patience=QUICK)
    assert caught.value.code == "E_EXISTS"
    assert (target.read_bytes(), shelf.requests) == (b"mine", [])


def test_bytes_never_go_through_a_link(shelf: Shelf, target: Path, tmp_path: Path) -> None:
    target.parent.mkdir()
    precious = tmp_path / "precious"
    target.with_name("weights.pth.part").symlink_to(precious)
    shelf.plan = [s.answering(500)]
    # A link to nothing is no part; beginning one takes it away.
    fetch(shelf.wanted(), target, patience=QUICK)
    assert target.read_bytes() == shelf.content
    assert not precious.exists()
    target.unlink()
    precious.write_bytes(b"")
    target.with_name("weights.pth.part").symlink_to(precious)
    fetch(shelf.wanted(), target, patience=QUICK)
    assert precious.read_bytes() == b""
    assert not target.is_symlink()


def test_a_full_disk_keeps_what_came(
    shelf: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> None:
        os.write(descriptor, data[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_all", full)
        error = failing(shelf, target)
    assert isinstance(error, DiskFullError)
    assert "goes on" in error.hint
    fetch(shelf.wanted(), target, patience=QUICK)
    assert target.read_bytes() == shelf.content
    assert shelf.ranges == [None, "bytes=100-"]


def test_a_folder_that_cannot_be_made_is_a_clear_error(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError) as caught:
        fetch(shelf.wanted(), tmp_path / "file" / "weights.pth", patience=QUICK)
    assert caught.value.code == "E_OUTPUT"


def test_a_file_brought_along_is_copied_if_it_is_the_right_one(
    shelf: Shelf, target: Path, tmp_path: Path
) -> None:
    source = tmp_path / "stick" / "renamed"
    source.parent.mkdir()
    source.write_bytes(shelf.content)
    copy_verified(shelf.wanted(), source, target)
    assert target.read_bytes() == source.read_bytes() == shelf.content
    assert is_wanted(shelf.wanted(), target)
    with pytest.raises(OutputError):
        copy_verified(shelf.wanted(), source, target)
    assert names(target) == {"weights.pth"}
    assert shelf.requests == []


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b[::-1]])
@pytest.mark.parametrize("sized", [True, False])
def test_a_wrong_file_brought_along_is_not_copied(
    shelf: Shelf, target: Path, tmp_path: Path, change, sized: bool
) -> None:
    source = tmp_path / "weights.pth"
    source.write_bytes(change(shelf.content))
    with pytest.raises(WrongContentError):
        copy_verified(shelf.wanted(sized=sized), source, target)
    assert names(target) == set()
    assert not is_wanted(shelf.wanted(sized=sized), source)


def test_what_is_no_file_is_not_copied(shelf: Shelf, target: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in (tmp_path / "pipe", tmp_path / "nothing", tmp_path):
        with pytest.raises(UsageError, match="is not a file"):
            copy_verified(shelf.wanted(), source, target)
