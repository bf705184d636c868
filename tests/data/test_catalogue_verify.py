"""A picture is told by what it shows, and a changed one by a single code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from superfine.data.catalogue import find_data_set, locate
from superfine.data.catalogue.verify import Verified, verify

from . import toys
from .toys import TOY, encoded, files, written


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    with toys.known():
        yield


def only(verified: Verified, name: str) -> tuple[str, str]:
    (finding,) = [f for f in verified.findings if f.name == name]
    return finding.state, finding.why


def test_the_set_itself_is_exact(tmp_path: Path) -> None:
    verified = verify(TOY, written(tmp_path, files()))
    assert verified.sound
    assert verified.count("exact") == verified.known == 4
    assert verified.missing == 0


def test_names_formats_and_compression_do_not_matter(tmp_path: Path) -> None:
    kinds = {"ant": "BMP", "bee": "TIFF", "cow": "WEBP", "dog": "PNG"}
    for number, (name, array) in enumerate(toys.codes().items()):
        kind = kinds[name]
        options = {"lossless": True} if kind == "WEBP" else {}
        (tmp_path / f"img_{number}.{kind.lower()}").write_bytes(encoded(array, kind, **options))
    verified = verify(TOY, tmp_path)
    assert verified.sound
    assert [f.name for f in verified.findings] == list(kinds)


def test_one_code_is_enough_to_be_other(tmp_path: Path) -> None:
    content = files()
    changed = toys.codes()["bee"].copy()
    changed[20, 30, 1] ^= 1
    verified = verify(TOY, written(tmp_path, content | {"bee.png": encoded(changed)}))
    state, why = only(verified, "bee")
    assert (state, verified.sound, verified.count("exact")) == ("other", False, 3)
    assert "other codes" in why


@pytest.mark.parametrize("quality", [40, 95])
def test_a_picture_compressed_again_is_the_same_picture(tmp_path: Path, quality: int) -> None:
    content = files()
    del content["cow.png"]
    content["cow.jpg"] = encoded(toys.codes()["cow"], "JPEG", quality=quality)
    assert only(verify(TOY, written(tmp_path, content)), "cow")[0] == "other"


def test_a_cut_picture_says_its_size(tmp_path: Path) -> None:
    cut = toys.codes()["ant"][:40, :48]
    verified = verify(TOY, written(tmp_path, files() | {"ant.png": encoded(cut)}))
    assert only(verified, "ant") == ("other", "cut or resized: 48x40, not 50x41")


def test_a_shrunk_picture_is_no_picture_of_the_set_but_is_known(tmp_path: Path) -> None:
    small = Image.fromarray(toys.codes()["bee"]).resize((25, 20), Image.Resampling.BICUBIC)
    verified = verify(TOY, written(tmp_path, files() | {"bee.png": encoded(np.asarray(small))}))
    assert only(verified, "bee")[1] == "cut or resized: 25x20, not 50x41"


def test_grey_stored_as_rgb_is_told(tmp_path: Path) -> None:
    grey = np.repeat(toys.codes()["dog"][:, :, None], 3, axis=2)
    verified = verify(TOY, written(tmp_path, files() | {"dog.png": encoded(grey)}))
    state, why = only(verified, "dog")
    assert state == "other"
    assert "grey stored as RGB" in why


def test_strangers_gaps_copies_and_wrecks_are_named(tmp_path: Path) -> None:
    content = files() | {
        "copy.png": files()["ant.png"],
        "bee.png": encoded(toys.picture(99)),
        "wreck.png": files()["cow.png"][:200],
        "deep.png": encoded(np.zeros((41, 50), dtype=np.uint16)),
    }
    verified = verify(TOY, written(tmp_path, content))
    seen = {
        f.file.name if f.file else f.name: (f.state, f.why.partition(";")[0])
        for f in verified.findings
        if f.state != "exact"
    }
    assert seen["bee.png"] == ("unknown", "none of this set")
    assert seen["copy.png"] == ("unknown", "ant once more")
    assert seen["wreck.png"][0] == "unreadable"
    assert seen["deep.png"] == ("unreadable", "16 bits per sample, not 8")
    assert seen["bee"] == ("missing", "")
    assert (verified.sound, verified.missing) == (False, 1)


def test_a_copy_does_not_take_the_place_of_the_original(tmp_path: Path) -> None:
    """A cut copy that comes first by name leaves the picture itself to be exact."""
    cut = encoded(toys.codes()["ant"][:40, :48])
    verified = verify(TOY, written(tmp_path, files() | {"aaa.png": cut}))
    assert verified.count("exact") == 4
    assert verified.findings[0].why == "ant once more"


def test_of_a_set_known_in_part_the_rest_is_only_counted(tmp_path: Path) -> None:
    more = {f"more{i}.png": encoded(toys.picture(50 + i)) for i in range(2)}
    verified = verify(toys.HALF, written(tmp_path, files() | more))
    assert verified.sound
    assert (verified.count("exact"), verified.count("unchecked")) == (4, 2)
    (tmp_path / "more0.png").unlink()
    assert verify(toys.HALF, tmp_path).missing == 1
    (tmp_path / "ant.png").unlink()
    assert verify(toys.HALF, tmp_path).missing == 2


def test_of_a_set_nothing_is_known_of_pictures_are_counted(tmp_path: Path) -> None:
    folder = written(tmp_path, {f"{i}.png": b"not looked at" for i in range(4)})
    assert verify(toys.DARK, folder).sound
    (folder / "0.png").unlink()
    verified = verify(toys.DARK, folder)
    assert (verified.sound, verified.missing, verified.known) == (False, 1, 0)


@pytest.mark.data
class TestRealSets:
    """Without the toys."""

    @pytest.fixture(autouse=True)
    def known(self) -> None:
        """The real list."""

    @pytest.mark.parametrize("name", ["set5", "set14", "bsd100", "bsd200", "t91"])
    def test_the_published_set_is_exact(self, data_root: Path, name: str) -> None:
        data_set = find_data_set(name)
        verified = verify(data_set, locate(data_set, (data_root,)))
        assert verified.sound
        assert verified.count("exact") == verified.known == data_set.pictures

    def test_a_part_is_a_part(self, data_root: Path) -> None:
        data_set = find_data_set("urban100")
        verified = verify(data_set, locate(data_set, (data_root,)))
        assert not verified.sound
        assert (verified.count("exact"), verified.missing) == (8, 92)

    def test_one_code_in_a_real_set_is_found(self, data_root: Path, tmp_path: Path) -> None:
        data_set = find_data_set("set5")
        for file in locate(data_set, (data_root,)).iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        codes = np.array(Image.open(tmp_path / "bird.png"))
        codes[-1, -1, 2] ^= 1
        Image.fromarray(codes).save(tmp_path / "bird.png")
        verified = verify(data_set, tmp_path)
        assert verified.count("exact") == 4
        assert only(verified, "bird")[0] == "other"

    @pytest.mark.parametrize("name", ["set14", "bsd100"])
    def test_pictures_cut_to_a_multiple_of_12_are_recognised(
        self, data_root: Path, tmp_path: Path, name: str
    ) -> None:
        """As `GTmod12`, which BasicSR's projects measure on."""
        data_set = find_data_set(name)
        for file in sorted(locate(data_set, (data_root,)).iterdir())[:60]:
            image = Image.open(file)
            size = image.width // 12 * 12, image.height // 12 * 12
            image.crop((0, 0, *size)).save(tmp_path / f"{file.stem}.bmp")
        for finding in verify(data_set, tmp_path).findings:
            if finding.file:
                assert finding.name == finding.file.stem

    def test_pictures_shrunk_to_a_quarter_are_recognised(
        self, data_root: Path, tmp_path: Path
    ) -> None:
        data_set = find_data_set("set14")
        for file in locate(data_set, (data_root,)).iterdir():
            image = Image.open(file)
            size = image.width // 4, image.height // 4
            image.resize(size, Image.Resampling.BICUBIC).save(tmp_path / f"{file.stem}.bmp")
        verified = verify(data_set, tmp_path)
        assert verified.count("other") == 14
        assert all(f.file and f.name == f.file.stem for f in verified.findings)
