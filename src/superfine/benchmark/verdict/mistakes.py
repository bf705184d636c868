"""The usual ways to get another PSNR from the same results, in plain sight.

The verdict scores a set under each of them and names the one that fits a figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from superfine.benchmark.comparison import Comparison
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.resizes import (
    MATLAB,
    MATLAB_8BIT,
    MATLAB_OLD,
    NO_ANTIALIAS,
    OPENCV,
    PILLOW,
    Resize,
)
from superfine.benchmark.verdict.setting import Setting, setting_of

# What a range of 255 adds for values on [0, 1], in dB.
RANGE = 20 * math.log10(255)


# By how many dB results may move when their LR pictures alias: bicubic's gain a little by the
# sharper input, those of networks lose much.
_ALIASED_LEAST, _ALIASED_GAIN, _ALIASED_LOSS = 0.2, 0.8, 15.0
# When LR pictures are only rounded or bordered otherwise: at most so far.
_ALMOST_RIGHT = 0.4


def may_bring(resize: Resize, gain: float) -> bool:
    """Whether LR pictures of `resize` can change a PSNR by `gain` dB."""
    if resize in (OPENCV, NO_ANTIALIAS):
        return abs(gain) >= _ALIASED_LEAST and -_ALIASED_LOSS <= gain <= _ALIASED_GAIN
    return abs(gain) <= _ALMOST_RIGHT


@dataclass(frozen=True)
class Mistake:
    """One usual wrong setting.

    Attributes:
        name: What programs and tables say.
        says: For people: goes on from "36.21 is".
        right: What goes before the right figure: "on Y it is 38.40".
        about: Who does it, in one line.
        made: The right setting and the scale -> the wrong one; the same where the protocol itself
            says so.
    """

    name: str
    says: str
    right: str
    about: str
    made: Callable[[Setting, int], Setting]


def _compared(change: Callable[[Comparison], Comparison]) -> Callable[[Setting, int], Setting]:
    """The setting with another comparison."""
    return lambda right, _: replace(right, comparison=change(right.comparison))


def _in_colour(change: Callable[[Comparison], Comparison]) -> Callable[[Setting, int], Setting]:
    """The setting with another comparison, of results that have colours."""
    return lambda right, _: replace(right, comparison=change(right.comparison), as_pictures=True)


_IN_LUMA = _in_colour(lambda c: replace(c, channel="y"))


def _shaved(times: int, more: int) -> Mistake:
    """Another border: `times` the scale and `more` pixels."""
    terms = [{0: "", 1: "scale"}.get(times, f"{times}-scale"), str(more) if more else ""]
    pixels = "pixel" if (times, more) == (0, 1) else "pixels"
    words = [{0: "", 1: "the scale"}.get(times, f"{times} times the scale"), terms[1]]
    return Mistake(
        "shave-" + "+".join(filter(None, terms)),
        f"with {' + '.join(filter(None, words))} {pixels} shaved on each side",
        "with the right border",
        "The border of another table.",
        _compared(lambda c: replace(c, shave=times, shave_more=more)),
    )


def _shrunk(resize: Resize, says: str, about: str) -> Mistake:
    """LR pictures made by another program."""
    return Mistake(
        f"lr-{resize.name}",
        f"what LR pictures made by {says} give",
        "on the right ones",
        about,
        lambda right, _: replace(right, resize=resize),
    )


# Most plausible first: of two that fit equally well the first is the cause, and both are told.
MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "rgb",
        "RGB",
        "on Y",
        "All three channels compared, as BasicSR's tables and most code for colour networks do.",
        _in_colour(lambda c: replace(c, channel="rgb")),
    ),
    Mistake(
        "y",
        "Y",
        "on RGB",
        "Luma compared where the table is of RGB, as that of DIV2K.",
        lambda right, scale: _IN_LUMA(right, scale) if right.comparison.channel == "rgb" else right,
    ),
    Mistake(
        "no-shave",
        "without shaving the border",
        "with the right border",
        "Whole pictures compared.",
        _compared(lambda c: replace(c, shave=0, shave_more=0)),
    ),
    Mistake(
        "full-luma",
        "luma of full range, as Pillow's and OpenCV's",
        "on luma of studio range",
        'convert("L") or COLOR_BGR2GRAY in place of rgb2ycbcr: black at 0 and white at 255.',
        _in_colour(lambda c: replace(c, channel="y", luma="full")),
    ),
    _shrunk(
        OPENCV,
        "OpenCV's bicubic",
        "cv2.resize, or torch's interpolate without antialias.",
    ),
    _shrunk(PILLOW, "Pillow's bicubic", "Pillow's resize: MATLAB's kernel, another border."),
    _shrunk(
        NO_ANTIALIAS,
        "bicubic without antialiasing",
        "imresize without antialiasing, or a port of it that forgets to widen the kernel.",
    ),
    Mistake(
        "no-rounding",
        "without rounding anything to 8 bits",
        "rounded",
        "The network's floats compared with float luma, as inside a training loop.",
        _compared(lambda c: replace(c, rounds_result=False, rounds_luma=False)),
    ),
    Mistake(
        "float-result",
        "without rounding the result to 8 bits",
        "rounded",
        "The network's floats compared.",
        _compared(lambda c: replace(c, rounds_result=False)),
    ),
    Mistake(
        "float-luma",
        "with luma that is not rounded",
        "with rounded luma",
        "rgb2ycbcr of floats; that of 8-bit pictures rounds.",
        _compared(lambda c: replace(c, rounds_luma=False)),
    ),
    Mistake(
        "rounded-luma",
        "with rounded luma",
        "with luma that is not rounded",
        "rgb2ycbcr of 8-bit pictures; that of floats does not round.",
        _compared(lambda c: replace(c, rounds_luma=True)),
    ),
    Mistake(
        "stored-in-colour",
        "luma that was stored in an RGB picture first",
        "for luma as the network gave it",
        "A luma result saved in colour and turned to luma again is rounded twice.",
        lambda right, _: replace(right, as_pictures=True),
    ),
    Mistake(
        "straight-luma",
        "luma as the network gave it",
        "for results that were stored in RGB pictures first",
        "A luma result compared without ever having been a picture.",
        lambda right, _: replace(right, as_pictures=right.comparison.channel == "rgb"),
    ),
    _shaved(1, 0),
    _shaved(0, 4),
    _shaved(0, 6),
    _shaved(1, 6),
    _shaved(1, 2),
    _shaved(2, 0),
    _shaved(0, 1),
    Mistake(
        "mean-error",
        "the PSNR of the mean squared error",
        "as the mean of the pictures' PSNR",
        "Errors averaged over the set before the logarithm.",
        lambda right, _: replace(right, mean="error"),
    ),
    Mistake(
        "span",
        "with the span of each true picture as range",
        "with range 255",
        "data_range=hr.max() - hr.min(), as examples of scikit-image have it.",
        lambda right, _: replace(right, peak="span"),
    ),
    Mistake(
        "grey-expanded",
        "with grey pictures made RGB before luma is taken",
        "with grey pictures as they stand",
        "One picture of Set14 is grey: its luma is itself.",
        _compared(lambda c: replace(c, expands_grey=True)),
    ),
    Mistake(
        "against-input",
        "compared with the enlarged input in place of the truth",
        "with the truth",
        "psnr(inputs, predictions) in a training loop.",
        lambda right, _: replace(right, against="input"),
    ),
    Mistake(
        "bicubic",
        "the figure of bicubic",
        "for the results",
        "The bicubic line taken for the network's, or a network that changes nothing.",
        lambda right, _: replace(right, scored="bicubic"),
    ),
    _shrunk(
        MATLAB_8BIT, "MATLAB's bicubic on 8-bit pictures", "LR pictures stored, or made of RGB."
    ),
    _shrunk(MATLAB, "MATLAB's bicubic on floats", "LR pictures that are never rounded."),
    _shrunk(MATLAB_OLD, "the bicubic of old MATLABs", "The border repeated, not mirrored."),
)

# A wrong range is plain from the figure alone, and comes with any of the others.
RANGES: tuple[Mistake, ...] = (
    Mistake(
        "range-255",
        "48.13 dB too high, since range 255 was used for values on [0, 1]",
        "with the right range",
        "10 log10(255² / error) of values on [0, 1].",
        lambda right, _: replace(right, added=RANGE),
    ),
    Mistake(
        "range-1",
        "48.13 dB too low, since range 1 was used for values on 0..255",
        "with the right range",
        "10 log10(1 / error) of 8-bit codes.",
        lambda right, _: replace(right, added=-RANGE),
    ),
)

# Two at a time are tried only if none alone fits, and only these: with all pairs, some pair would
# fit any figure.
PAIRS: tuple[tuple[str, str], ...] = (
    ("rgb", "no-shave"),
    ("rgb", "shave-scale+6"),
    ("full-luma", "no-shave"),
    ("no-rounding", "no-shave"),
    ("y", "float-luma"),
    ("y", "shave-scale"),
    ("y", "no-shave"),
    ("rgb", "lr-opencv"),
    ("rgb", "lr-pillow"),
    ("no-shave", "lr-opencv"),
    ("no-shave", "lr-pillow"),
    ("full-luma", "lr-opencv"),
    ("full-luma", "lr-pillow"),
    ("no-rounding", "lr-opencv"),
    ("no-rounding", "lr-pillow"),
)


def combined(protocol: Protocol, scale: int) -> Iterator[tuple[tuple[Mistake, ...], Setting]]:
    """Every mistake and pair that changes something under `protocol`, each with every range.

    Single ones come first. Where two come to the same, as 4 pixels and twice the scale at x2, only
    the first is there.
    """
    by_name = {mistake.name: mistake for mistake in MISTAKES}
    together: list[tuple[Mistake, ...]] = [(), *((mistake,) for mistake in MISTAKES)]
    together += [(by_name[first], by_name[second]) for first, second in PAIRS]
    right = setting_of(protocol)
    seen = {right.with_border_in_pixels(scale)}
    for mistakes in together:
        for ranges in ((), *((wrong,) for wrong in RANGES)):
            setting = right
            for mistake in (*mistakes, *ranges):
                setting = mistake.made(setting, scale)
            same = setting.with_border_in_pixels(scale)
            if same not in seen and setting.resize is not protocol.resize:
                seen.add(same)
                yield (*mistakes, *ranges), setting
