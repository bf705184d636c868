"""A set is brought whole and right, or not at all, whatever it comes out of."""

from __future__ import annotations

import errno
import io
import os
import signal
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from superfine.data.catalogue import Archive, DataSet, find_data_set, locate, sources
from superfine.data.catalogue import get as module
from superfine.data.catalogue.get import get
from superfine.errors import (
    LimitError,
    NetworkError,
    OutputError,
    SuperfineError,
    UsageError,
    WrongContentError,
)
from superfine.io.fetch import Patience
from superfine.io.lock import alone
from tests.io import shelf as s
from tests.io.shelf import Shelf, opened

from . import toys
from .preparing import code_of, started
from .toys import DARK, HALF, TOY, encoded, files, tarred, tree, written, zipped

QUICK = Patience(timeout=5, attempts=2, pause=0.01)
EXPECTED = {f"Toy4{'/' + name if name else ''}": data for name, data in files().items()}


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    with toys.known():
        yield


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "sets"


def whole(root: Path) -> bool:
    """Whether the set lies in `root`, and nothing beside it."""
    return tree(root) == {"Toy4": b"", **EXPECTED}


def refused(root: Path, source: Path | str, data_set: DataSet = TOY) -> SuperfineError:
    """The one error a call ends with; there is no folder of the set then, and no lock."""
    with pytest.raises(SuperfineError) as caught:
        get(data_set, root, source=str(source), patience=QUICK)
    left = {name for name in tree(root) if not name.endswith((".getting", ".part"))}
    assert not left, left
    assert "\n" not in caught.value.message + caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "prefix",
    ["", "Toy4/", "a/b/c/d/", "./Toy4/", "x y/T\u00f6y/"],
    ids=["top", "in", "deep", "dot", "odd"],
)
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "folder"])
def test_out_of_every_kind_of_archive(tmp_path: Path, root: Path, kind: str, prefix: str) -> None:
    content = files(prefix=prefix) | {f"{prefix}README.txt": b"words", "other/a.m": b"code"}
    path = tmp_path / f"in.{kind}"
    if kind == "zip":
        zipped(path, content)
    elif kind == "folder":
        written(path, content)
    else:
        tarred(path, content, f"w:{kind.partition('.')[2]}")
    folder, verified = get(TOY, root, source=str(path))
    assert folder == root / "Toy4"
    assert verified.sound
    assert whole(root)


def test_whatever_they_are_called_they_get_their_names(tmp_path: Path, root: Path) -> None:
    content = {f"img_{i}.bmp": encoded(a, "BMP") for i, a in enumerate(toys.codes().values())}
    get(TOY, root, source=str(zipped(tmp_path / "a.zip", content)))
    assert set(tree(root)) == {"Toy4", *(f"Toy4/{name}.bmp" for name in toys.NAMES)}


def test_pictures_of_several_folders_come_together(tmp_path: Path, root: Path) -> None:
    """As BSDS300 lies in its archive: train and test."""
    content = {
        f"images/{'train' if i % 2 else 'test'}/{name}": data
        for i, (name, data) in enumerate(files().items())
    }
    get(TOY, root, source=str(tarred(tmp_path / "a.tgz", content)))
    assert whole(root)


def test_hr_is_taken_from_beside_lr_and_the_work_of_others(tmp_path: Path, root: Path) -> None:
    content = {}
    for i, array in enumerate(toys.codes().values()):
        for scale in (2, 3, 4):
            height, width = array.shape[0] // scale * scale, array.shape[1] // scale * scale
            where = f"Toy4/image_SRF_{scale}/img_{i}_SRF_{scale}"
            content[f"{where}_HR.png"] = encoded(array[:height, :width])
            content[f"{where}_LR.png"] = encoded(array[::scale, ::scale])
            content[f"{where}_SomeNet.png"] = encoded(array[:height, :width] // 2 * 2)
    # All of these are cut: 50x41 is no multiple of anything.
    error = refused(root, zipped(tmp_path / "cut.zip", content))
    assert isinstance(error, WrongContentError)
    assert "4 of 4 pictures" in error.message
    assert "cut or resized: 50x40, not 50x41" in error.message
    content |= {f"Toy4/image_SRF_2/{name}_HR.png": data for name, data in files(suffix="").items()}
    get(TOY, root, source=str(zipped(tmp_path / "whole.zip", content)))
    assert whole(root)


def test_backslashes_of_windows_tools_are_folders(tmp_path: Path, root: Path) -> None:
    get(TOY, root, source=str(zipped(tmp_path / "a.zip", files(prefix="Toy4\\HR\\"))))
    assert whole(root)


def test_what_macs_add_is_no_picture(tmp_path: Path, root: Path) -> None:
    content = files(prefix="Toy4/")
    content |= {f"__MACOSX/Toy4/._{name}": b"\0\5\x16\7" for name in files()}
    get(TOY, root, source=str(zipped(tmp_path / "a.zip", content)))
    assert whole(root)


def test_the_folder_with_most_of_a_set_nobody_knows_is_hr(tmp_path: Path, root: Path) -> None:
    large = files(prefix="HR/")
    small = {
        f"LR/{i}.png": encoded(array[::4, ::4]) for i, array in enumerate(toys.codes().values())
    }
    other = {f"more/{i}.png": encoded(toys.picture(i)) for i in range(9)}
    folder, verified = get(
        DARK, root, source=str(zipped(tmp_path / "a.zip", large | small | other))
    )
    assert verified.sound
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files()


def test_of_a_set_known_in_part_one_folder_is_taken_as_it_is(tmp_path: Path, root: Path) -> None:
    more = {f"a/more{i}.png": encoded(toys.picture(50 + i)) for i in range(2)}
    stray = {"b/x.png": encoded(toys.picture(60))}
    source = zipped(tmp_path / "a.zip", files(prefix="a/") | more | stray)
    folder, verified = get(HALF, root, source=str(source))
    assert verified.sound
    assert len(list(folder.iterdir())) == 6
    error = refused(root / "2", zipped(tmp_path / "b.zip", files(prefix="a/")), HALF)
    assert "4 of 6 pictures" in error.message


def test_compressed_again_is_brought_but_not_called_exact(tmp_path: Path, root: Path) -> None:
    content = {f"{n}.jpg": encoded(a, "JPEG", quality=95) for n, a in toys.codes().items()}
    folder, verified = get(TOY, root, source=str(written(tmp_path / "in", content)))
    assert not verified.sound
    assert (verified.count("other"), verified.missing) == (4, 0)
    assert len(list(folder.iterdir())) == 4


# What is refused.


def some(**changes: bytes | None) -> dict[str, bytes]:
    content: dict[str, bytes | None] = {**files(), **changes}
    return {name: data for name, data in content.items() if data is not None}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({f"{i}.png": encoded(toys.picture(30 + i)) for i in range(4)}, "none of its pictures"),
        (some(**{"ant.png": None}), "3 of 4 pictures"),
        (some(**{"ant.png": encoded(toys.picture(77))}), "3 of 4 pictures"),
        ({"a.txt": b"words"}, "holds no picture"),
    ],
    ids=["others", "a part", "one wrong", "none"],
)
@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_wrong_pictures_are_not_brought(
    tmp_path: Path, root: Path, content: dict[str, bytes], words: str, kind: str
) -> None:
    make = zipped if kind == "zip" else written
    error = refused(root, make(tmp_path / "in", content))
    assert isinstance(error, WrongContentError)
    assert error.exit_code == 5
    assert words in error.message
    assert TOY.origin in error.hint


@pytest.mark.parametrize("name", ["../out.png", "/etc/out.png", "a/../../out.png"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_path_that_leads_outside(tmp_path: Path, root: Path, kind: str, name: str) -> None:
    content = {name: encoded(toys.picture(0))}
    make = zipped if kind == "zip" else tarred
    error = refused(root, make(tmp_path / "in", files() | content))
    assert isinstance(error, WrongContentError)
    assert "leads outside" in error.message
    assert not (tmp_path / "out.png").exists()


def test_links_and_devices_are_passed_over(tmp_path: Path, root: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(files()["ant.png"])
    path = tarred(tmp_path / "a.tar", some(**{"ant.png": None}), "w")
    with tarfile.open(path, "a") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"ant{kind.decode()}.png")
            member.type, member.linkname = kind, str(secret)
            archive.addfile(member)
    assert "3 of 4" in refused(root, path).message


def test_links_of_a_zip_are_passed_over(tmp_path: Path, root: Path) -> None:
    path = zipped(tmp_path / "a.zip", some(**{"ant.png": None}))
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("ant.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, files()["ant.png"])
    assert "3 of 4" in refused(root, path).message


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, root: Path) -> None:
    size = sources._LARGEST + 1
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("ant.png", "w") as file,
    ):
        for _ in range(0, size, 1 << 20):
            file.write(bytes(1 << 20))
    error = refused(root, path)
    assert isinstance(error, LimitError)
    assert error.exit_code == 2


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_bomb_in_a_header_is_not_read(tmp_path: Path, root: Path, form: int) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz", format=form) as archive:
        member = tarfile.TarInfo("x" * (2 << 20))
        member.size = len(files()["ant.png"])
        archive.addfile(member, io.BytesIO(files()["ant.png"]))
    assert "header of 2,097," in refused(root, tmp_path / "a.tgz").message


@pytest.mark.parametrize("limit", ["_MOST_FILES", "_MOST_BYTES"])
@pytest.mark.parametrize("kind", ["zip", "tar", "folder"])
def test_more_than_a_data_set_is_refused(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, kind: str, limit: str
) -> None:
    source = {"zip": zipped, "tar": tarred, "folder": written}[kind](tmp_path / "in", files())
    monkeypatch.setattr(sources, limit, 3)
    assert isinstance(refused(root, source), LimitError)


def test_a_bomb_inside_a_picture_is_not_decoded(tmp_path: Path, root: Path) -> None:
    """A PNG whose header says a hundred thousand pixels on each side."""
    data = bytearray(files()["ant.png"])
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    assert (
        "3 of 4" in refused(root, zipped(tmp_path / "a", some(**{"ant.png": bytes(data)}))).message
    )


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz", "tar.bz2"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6])
def test_an_archive_cut_short(tmp_path: Path, root: Path, kind: str, part: float) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        zipped(path, files())
    else:
        tarred(path, files(), f"w:{kind.partition('.')[2]}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    error = refused(root, path)
    assert isinstance(error, WrongContentError)
    assert str(path) in error.message


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz"])
def test_a_changed_byte_in_an_archive(tmp_path: Path, root: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    zipped(path, files()) if kind == "zip" else tarred(path, files(), f"w:{kind[4:]}")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    assert isinstance(refused(root, path), WrongContentError)


def test_an_encrypted_archive(tmp_path: Path, root: Path) -> None:
    path = zipped(tmp_path / "a.zip", files())
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + place] |= 1
            at = content.find(mark, at + 4)
    path.write_bytes(content)
    assert "is encrypted" in refused(root, path).message


@pytest.mark.parametrize("content", [b"", b"words", os.urandom(5000)], ids=["0", "text", "noise"])
def test_what_is_no_archive(tmp_path: Path, root: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    error = refused(root, path)
    assert "is no zip and no tar file" in error.message
    assert error.exit_code == 5


def test_a_source_that_is_not_there(tmp_path: Path, root: Path) -> None:
    assert isinstance(refused(root, tmp_path / "nothing"), UsageError)
    os.mkfifo(tmp_path / "pipe.zip")
    assert isinstance(refused(root, tmp_path / "pipe.zip"), UsageError)


def test_without_a_source_it_says_where_to_get_it(root: Path) -> None:
    with pytest.raises(UsageError, match="No address of Toy4") as caught:
        get(TOY, root)
    assert TOY.origin in caught.value.hint


# What is there already.


def test_a_set_that_is_there_is_left_without_a_look_at_the_source(root: Path) -> None:
    written(root / "Toy4", files())
    _, verified = get(TOY, root, source="/nowhere/at/all")
    assert verified.sound
    assert whole(root)


def test_the_rest_of_a_part_is_added(tmp_path: Path, root: Path) -> None:
    written(root / "Toy4", {"ant.png": files()["ant.png"]})
    before = (root / "Toy4" / "ant.png").stat().st_ino
    get(TOY, root, source=str(zipped(tmp_path / "a.zip", files())))
    assert whole(root)
    assert (root / "Toy4" / "ant.png").stat().st_ino == before


@pytest.mark.parametrize("name", ["bee.png", "stranger.png"])
def test_nothing_is_replaced_or_mixed(tmp_path: Path, root: Path, name: str) -> None:
    mine = written(root / "Toy4", {name: encoded(toys.picture(5))})
    before = tree(mine)
    with pytest.raises(OutputError, match=f"holds another {name}") as caught:
        get(TOY, root, source=str(zipped(tmp_path / "a.zip", files())))
    assert caught.value.code == "E_EXISTS"
    assert tree(mine) == before


def test_a_second_call_at_the_same_time_is_refused(tmp_path: Path, root: Path) -> None:
    root.mkdir()
    with (
        alone(root / "Toy4"),
        pytest.raises(OutputError) as caught,
    ):
        get(TOY, root, source=str(zipped(tmp_path / "a.zip", files())))
    assert caught.value.code == "E_BUSY"


# Stopped, killed, out of room.


def test_kills_at_any_picture_change_no_byte(tmp_path: Path, root: Path) -> None:
    """Each call writes one picture more and is killed; the first at the very first."""
    source = str(tarred(tmp_path / "a.tgz", files(prefix="Toy4/")))
    for done, after in enumerate((0, 1, 1, 1)):
        assert code_of(started(toys.get_and_die, root, source, after)) == -signal.SIGKILL
        assert not (root / "Toy4").exists()
        assert len(list((root / ".Toy4.getting").glob("[a-z]*.png"))) == done
    get(TOY, root, source=source)
    assert whole(root)


def test_what_a_killed_call_wrote_is_not_written_again(tmp_path: Path, root: Path) -> None:
    source = str(zipped(tmp_path / "a.zip", files()))
    assert code_of(started(toys.get_and_die, root, source, 2)) == -signal.SIGKILL
    assert not (root / "Toy4").exists()
    kept = {p.name: p.stat().st_ino for p in (root / ".Toy4.getting").glob("[a-z]*.png")}
    assert len(kept) == 2
    get(TOY, root, source=source)
    assert whole(root)
    assert all((root / "Toy4" / name).stat().st_ino == node for name, node in kept.items())


def test_a_full_disk_leaves_no_set(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    source = zipped(tmp_path / "a.zip", files())
    with monkeypatch.context() as patch:
        patch.setattr("superfine.io.atomic._sync", full)
        with pytest.raises(OutputError) as caught:
            get(TOY, root, source=str(source))
    assert caught.value.exit_code == 6
    assert not (root / "Toy4").exists()
    get(TOY, root, source=str(source))
    assert whole(root)


# From the web.


def packed() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files(prefix="Toy4/").items():
            archive.writestr(name, data)
        archive.writestr("filler.bin", os.urandom(60_000))
    return file.getvalue()


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with opened(packed()) as served:
        yield served


def test_from_a_server(shelf: Shelf, root: Path) -> None:
    _, verified = get(TOY, root, source=shelf.url, patience=QUICK)
    assert verified.sound
    assert whole(root)


def test_from_a_server_that_cuts_the_line(shelf: Shelf, root: Path) -> None:
    shelf.plan = [s.cut_after(20_000), s.cut_after(20_000)]
    with pytest.raises(NetworkError) as caught:
        get(TOY, root, source=shelf.url, patience=QUICK)
    assert "40,000 bytes are kept" in caught.value.hint
    assert not (root / "Toy4").exists()
    get(TOY, root, source=shelf.url, patience=QUICK)
    assert whole(root)
    assert shelf.sent == len(shelf.content)


@pytest.mark.parametrize("content", [b"<html>gone</html>", packed()[:30_000]], ids=["page", "part"])
def test_a_wrong_download_is_thrown_away(shelf: Shelf, root: Path, content: bytes) -> None:
    shelf.plan = [s.sending(content)]
    error = refused(root, shelf.url)
    assert isinstance(error, WrongContentError)
    assert shelf.url in error.message
    get(TOY, root, source=shelf.url, patience=QUICK)
    assert whole(root)


def test_a_download_that_came_whole_is_not_fetched_again(
    shelf: Shelf, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_staged", stop)
        with pytest.raises(KeyboardInterrupt):
            get(TOY, root, source=shelf.url, patience=QUICK)
    get(TOY, root, source=shelf.url, patience=QUICK)
    assert whole(root)
    assert len(shelf.requests) == 1


def test_the_authors_archive_is_believed_only_by_its_sha256(shelf: Shelf, root: Path) -> None:
    wanted = shelf.wanted()
    assert wanted.sha256
    official = Archive(shelf.url, wanted.sha256, wanted.size, "this test")
    data_set = DataSet(**{**vars(TOY), "archive": official})
    shelf.plan = [s.sending(os.urandom(len(shelf.content)))]
    with pytest.raises(WrongContentError, match="another sha256"):
        get(data_set, root, patience=QUICK)
    assert tree(root) == {}
    get(data_set, root, patience=QUICK)
    assert whole(root)


def test_only_https_is_fetched_from_the_world(root: Path) -> None:
    error = refused(root, "http://example.org/Toy4.zip")
    assert isinstance(error, NetworkError)
    assert "only https" in error.message


@pytest.mark.data
class TestRealSets:
    """Without the toys."""

    @pytest.fixture(autouse=True)
    def known(self) -> None:
        """The real list."""

    def test_set5_out_of_a_zip(self, data_root: Path, tmp_path: Path, root: Path) -> None:
        set5 = find_data_set("set5")
        content = {p.name: p.read_bytes() for p in locate(set5, (data_root,)).iterdir()}
        path = zipped(tmp_path / "a.zip", {f"Set5/image/{n}": d for n, d in content.items()})
        folder, verified = get(set5, root, source=str(path))
        assert verified.sound
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == content

    def test_b100_out_of_bsds300(self, data_root: Path, tmp_path: Path, root: Path) -> None:
        """As the authors pack it: pictures to train on, of which 20 do here, lie beside."""
        with tarfile.open(tmp_path / "a.tar", "w") as archive:
            for name, part in (("bsds200", "train"), ("bsd100", "test")):
                files = sorted(locate(find_data_set(name), (data_root,)).iterdir())
                for file in files[:20] if part == "train" else files:
                    archive.add(file, f"BSDS300/images/{part}/{file.name}")
        bsd100 = find_data_set("bsd100")
        folder, verified = get(bsd100, root, source=str(tmp_path / "a.tar"))
        assert verified.sound
        here = locate(bsd100, (data_root,))
        assert {p.name for p in folder.iterdir()} == {p.name for p in here.iterdir()}
