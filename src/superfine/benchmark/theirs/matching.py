"""A folder of results that somebody else made, beside the truth they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.benchmark.comparison import luma_of
from superfine.benchmark.output import Output, luma_of_lr
from superfine.benchmark.protocol import Protocol
from superfine.data.check.alike import Likeness, likeness
from superfine.data.folders import read_uint8
from superfine.data.listing import SUFFIXES
from superfine.data.pairs import read_named
from superfine.errors import PictureError, SizeMismatchError, UsageError
from superfine.io.pictures import PictureInfo, probe
from superfine.ops.codes import to_unit

# What may end the name of a true picture, and so need not be in the name of its result.
_TRUTH_ENDING = re.compile(r"([_-]srf[_-]\d)?[_-](hr|gt)$")
# A scale in the name of a file, and of a folder.
_SCALE = re.compile(r"x(\d)(?!\d)|srf_?(\d)|(?<![a-z0-9])(\d)x(?![a-z0-9])")
_SCALE_FOLDER = re.compile(r"(?:bi)?x_?(\d)|srf_?(\d)|(\d)x|scale_?(\d)")
# Files that lie beside results, by the words of their names.
_NO_RESULT = frozenset(("hr", "gt", "lr"))
_LOOKS_LIKE = 0.95  # correlation of two pictures on 32 x 32
_DEEPEST = 3  # folders inside one another
_CUT = 16  # the largest number to multiples of which people cut true pictures
_COLOURS = 3  # channels
_NAMED = 3  # files told by name in a note


@dataclass(frozen=True, eq=False)
class ForeignOutputs:
    """Results of somebody else; going through them reads them, one after the other.

    Attributes:
        pairs: The true picture and its result.
        scale: HR pixels per LR pixel.
        protocol: What the truth is cut and shrunk by.
        notes: What had to be decided, in sentences.
    """

    pairs: tuple[tuple[Path, Path], ...]
    scale: int
    protocol: Protocol
    notes: tuple[str, ...]

    def __iter__(self) -> Iterator[Output]:
        """Each result, in the order of the true pictures.

        Raises:
            PictureError: A picture that cannot be read, or a true one that has not 8 bits.
            SizeMismatchError: A result of another size.
        """
        for truth, result in self.pairs:
            yield _output(truth, result, self.scale, self.protocol)


def outputs_in(
    folder: Path, pictures: Sequence[Path], *, scale: int, protocol: Protocol
) -> ForeignOutputs:
    """The results in `folder` that belong to `pictures`.

    Names decide: `baby.png`, `baby_x2_SR.png`, `babyx2.png`, `img_001_SRF_2_SRCNN.png`, and the
    like, also in sub-folders such as `X2`. A result whose name fits no picture is given to the one
    it looks like. What only lacks the last rows and columns is compared without them.

    Args:
        folder: Of results, of any number of bits.
        pictures: The true ones.
        scale: Results named after another scale are left out.
        protocol: How true pictures are cut and shrunk.

    Raises:
        UsageError: When nothing fits, or two results have a right to one picture.
        SizeMismatchError: When a result has another size.
        PictureError: A file that cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", hint="Give a folder of results.")
    found, left, other = _by_name(folder, pictures, scale)
    notes = []
    unmatched = [picture for picture in pictures if picture not in found]
    if unmatched and left:
        seen = _by_look(unmatched, left, scale)
        found |= seen
        left = [path for path in left if path not in seen.values()]
        notes += [f"{r.name} is taken for {p.name}, which it looks like." for p, r in seen.items()]
    if not found:
        raise UsageError(
            f"{folder} holds no result for any of the {len(pictures)} pictures at scale {scale}.",
            hint=f"{other[0].name} speaks of another scale: measure at that one."
            if other
            else f"Name results after their pictures, as {pictures[0].stem}.png.",
        )
    pairs = tuple((picture, found[picture]) for picture in pictures if picture in found)
    missing = [picture.name for picture in pictures if picture not in found]
    if missing:
        notes.append(f"No result for {_listed(missing)}: the mean is over the other {len(pairs)}.")
    if left:
        notes.append(f"Left out, since no picture is called so: {_listed([p.name for p in left])}.")
    return ForeignOutputs(pairs, scale, protocol, (*notes, *_differences(pairs, scale)))


def _by_name(
    folder: Path, pictures: Sequence[Path], scale: int
) -> tuple[dict[Path, Path], list[Path], list[Path]]:
    """Picture -> result, the files that belong to none, and those of other scales."""
    found: dict[Path, Path] = {}
    left: list[Path] = []
    other: list[Path] = []
    bases = {picture: _TRUTH_ENDING.sub("", picture.stem.lower()) for picture in pictures}
    for path in _files(folder):
        named = _picture_of(path, bases)
        rest = path.stem.lower().replace(bases[named], "", 1) if named else path.stem.lower()
        folders = path.relative_to(folder).parts[:-1]
        if not _of_scale(rest, folders, scale):
            other.append(path)
        elif named is None:
            left.append(path)
        elif _NO_RESULT.isdisjoint(re.split(r"[^a-z]+", rest)):
            if named in found:
                raise UsageError(
                    f"Both {found[named].relative_to(folder)} and {path.relative_to(folder)} are "
                    f"named after {named.name}.",
                    hint="Give a folder with the results of one network at one scale.",
                )
            found[named] = path
    return found, left, other


def _files(folder: Path) -> Iterator[Path]:
    """The pictures in `folder` and its sub-folders, by name."""
    for path in sorted(folder.rglob("*")):
        deep = len(path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and deep <= _DEEPEST + 1 and path.is_file():
            yield path


def _picture_of(path: Path, bases: Mapping[Path, str]) -> Path | None:
    """The picture whose name the file holds; the longest such name wins."""
    stem = path.stem.lower()
    fitting = [
        picture
        for picture, base in bases.items()
        if re.fullmatch(rf"(?:.*[_\-. ])?{re.escape(base)}(?:x\d.*|[_\-. (].*)?", stem)
    ]
    return max(fitting, key=lambda picture: len(bases[picture]), default=None)


def _of_scale(rest: str, folders: Iterable[str], scale: int) -> bool:
    """Whether neither the name nor a folder speaks of other scales only."""
    said = {number for match in _SCALE.findall(rest) for number in match if number}
    for name in folders:
        match = _SCALE_FOLDER.fullmatch(name.lower())
        said |= {number for number in (match.groups() if match else ()) if number}
    return not said or str(scale) in said


def _by_look(pictures: Sequence[Path], results: Sequence[Path], scale: int) -> dict[Path, Path]:
    """Picture -> the result that shows the same, for results of about its size."""
    shown = [_look(result) for result in results]
    found: dict[Path, Path] = {}
    for picture in pictures:
        wanted = _look(picture)
        likeness_to = [
            (float(wanted.small @ seen.small), seen.path)
            for seen in shown
            if seen.path not in found.values()
            and _common(_size(picture), _size(seen.path), scale) is not None
        ]
        alike, path = max(likeness_to, default=(0.0, picture))
        if alike >= _LOOKS_LIKE:
            found[picture] = path
    return found


def _look(path: Path) -> Likeness:
    pixels = read_named(path).pixels
    grey = to_unit(pixels, dtype=torch.float64).mean(dim=0) * 255
    return likeness(path, pixels, grey, marks=False)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _size(path: Path) -> tuple[int, int]:
    """Rows and columns."""
    info = probe(path)
    return info.height, info.width


def _common(truth: tuple[int, int], result: tuple[int, int], scale: int) -> tuple[int, int] | None:
    """Rows and columns that both have, where they differ in how the truth was cut at most."""
    for multiple in range(scale, _CUT + 1, scale):
        if all(r == t // multiple * multiple > 0 for t, r in zip(truth, result, strict=True)):
            return result
    cut = truth[0] // scale * scale, truth[1] // scale * scale
    if all(0 < c <= r <= c + scale for c, r in zip(cut, result, strict=True)):
        return cut
    return None


def _differences(pairs: Sequence[tuple[Path, Path]], scale: int) -> tuple[str, ...]:
    """In what files differ that need not be as the truth, in sentences; read from their headers."""
    cut, in_colour, in_grey = [], [], []
    for truth, result in pairs:
        expected, given = probe(truth), _header(result)
        rows, columns = expected.height, expected.width
        size = (given.height, given.width)
        _required(truth, (rows, columns), result, size, scale)
        if size != (rows // scale * scale, columns // scale * scale):
            cut.append(result.name)
        if expected.channels < _COLOURS <= given.channels:
            in_colour.append(result.name)
        if given.channels < _COLOURS <= expected.channels:
            in_grey.append(result.name)
    says = (
        (cut, f"Not cut to multiples of {scale}, compared where both are"),
        (in_colour, "Stored in colour, but compared in grey as the truth"),
        (in_grey, "Grey, and so taken for luma"),
    )
    return tuple(f"{words}: {_listed(names)}." for names, words in says if names)


def _header(result: Path) -> PictureInfo:
    try:
        return probe(result)
    except PictureError as error:
        raise PictureError(
            f"{result}: {error.message}", hint=error.hint, code=error.code
        ) from error


def _required(
    truth: Path, expected: tuple[int, int], result: Path, size: tuple[int, int], scale: int
) -> tuple[int, int]:
    common = _common(expected, size, scale)
    if common is not None:
        return common
    cut = expected[0] // scale * scale, expected[1] // scale * scale
    raise SizeMismatchError(
        f"{result} is {size[1]}x{size[0]}, but a result for {truth.name} at scale {scale} is "
        f"{cut[1]}x{cut[0]}.",
        hint=_advice(cut, size, scale),
    )


def _advice(cut: tuple[int, int], size: tuple[int, int], scale: int) -> str:
    if all(c // scale == s for c, s in zip(cut, size, strict=True)):
        return "That is the size of the LR picture; give the results."
    less = {c - s for c, s in zip(cut, size, strict=True)}
    if len(less) == 1 and (border := less.pop()) > 0 and border % 2 == 0:
        return f"If {border // 2} pixels were shaved on each side, save the results whole."
    return "Give results of this scale, as large as the true pictures."


def _output(truth: Path, result: Path, scale: int, protocol: Protocol) -> Output:
    hr = protocol.crop(read_uint8(truth).contiguous(), scale)
    sr = to_unit(read_named(result).pixels, dtype=torch.float64)
    size = _required(
        truth, (hr.shape[-2], hr.shape[-1]), result, (sr.shape[-2], sr.shape[-1]), scale
    )
    hr, sr = hr[:, : size[0], : size[1]], sr[:, : size[0], : size[1]]
    if hr.shape[0] < sr.shape[0]:
        sr = _grey(sr)
    lr = protocol.lr(hr, scale, colour=sr.shape[0] == 3)
    if lr.shape[0] > sr.shape[0]:
        lr = luma_of_lr(lr, protocol)
    return Output(truth.stem, scale, lr, sr, hr)


def _grey(sr: Float[Tensor, "3 h w"]) -> Float[Tensor, "1 h w"]:
    """A grey result that was stored in colour; exact where the three planes are equal."""
    if bool((sr == sr[:1]).all()):
        return sr[:1]
    return luma_of(sr * 255, "full") / 255
