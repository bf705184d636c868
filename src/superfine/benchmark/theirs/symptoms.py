"""What is wrong with results, told from the pictures alone.

A symptom is told only when it is plain in every picture that can show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median

from superfine.benchmark.output import Output
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.theirs.looks import BLOCK, Look, Step, look_at

_UNLIKE = 0.7  # correlation of the shrunk pictures, at most
_ALIKE = 0.8  # the same, at least, for anything finer to be told
_MOVED = 0.12  # LR pixels
_CORNER = 0.06  # LR pixels
_AGREES = 0.15  # LR pixels that pictures of one set may differ by
_STUDIO = (219 / 255, 16.0)  # gain and codes added by the step from full to studio range
_FULL = (255 / 219, -16 * 255 / 219)
_GAIN, _ADDED = 0.025, 3.0  # how far the middle picture may be from those
_LOOSE = 3.0  # times further for any other picture
_FLIPPED = 0.25  # of the squared error, at most, when red and blue change places
_SHARE = (0.7, 1.2)  # of the step to another resize that the middle result has taken
_ANY_SHARE = (0.5, 1.4)  # the same of every result
_NEARER = 0.9  # of the distance to the right LR picture, at most, to the other
_FAR_NEARER = 0.5  # the same for results further than ...
_NEAR = 2.0  # codes, root mean square
_SAME_LR = 1.15  # times the least error: LR pictures that are as near
_BLOCKS = 1.25  # times stronger at the edges of blocks of 8 than in the truth
_TRUNCATED, _TRUNCATED_BY = 0.5, 0.08  # codes too dark, and how exactly in the middle picture
_FEWEST = 3  # pictures from which so small a thing is believed


def inspect_outputs(outputs: Iterable[Output], protocol: Protocol) -> tuple[str, ...]:
    """What is plainly wrong with results that somebody else made, in sentences; often nothing.

    Pictures of fewer than 24 LR pixels on a side only tell the coarsest of it.

    Told are: the truth itself, other pictures, floats stored as codes, a wrong range of brightness,
    BGR for RGB, grey for colour, a shift, LR pictures of another resize, JPEG blocks, truncation in
    place of rounding. The shift and the LR pictures cannot be told once something coarser is wrong.
    """
    seen = [look_at(output, protocol) for output in outputs]
    large = [one for one in seen if one.large]
    found = [symptom(seen) for symptom in _COARSE] + [_studio(large), _full(large)]
    if not any(found):
        shift = _shifted(large)
        found += [shift] if shift else [_other_resize(large), _truncated(large)]
    return tuple(sentence for sentence in (*found, _blocky(large)) if sentence)


def _names(seen: Sequence[Look], chosen: Callable[[Look], bool]) -> str:
    """The pictures that have something, or "Every result" when all have."""
    names = [one.picture for one in seen if chosen(one)]
    if not names:
        return ""
    return "Every result" if len(names) == len(seen) > 1 else ", ".join(names)


def _is_truth(seen: Sequence[Look]) -> str:
    names = _names(seen, lambda one: one.truth)
    return f"{names}: the true picture itself." if names else ""


def _other_picture(seen: Sequence[Look]) -> str:
    names = _names(seen, lambda one: one.alike < _UNLIKE and one.largest > 1)
    return f"{names}: does not show what the true picture shows." if names else ""


def _floats_as_codes(seen: Sequence[Look]) -> str:
    if seen and all(one.largest <= 1 for one in seen):
        return (
            "The results are black: values on [0, 1] were stored without being multiplied by 255."
        )
    return ""


def _studio(seen: Sequence[Look]) -> str:
    if _all_near(seen, _STUDIO):
        return (
            "The results have studio range: black at 16 and white at 235, where 0 and 255 are due."
        )
    return ""


def _full(seen: Sequence[Look]) -> str:
    if _all_near(seen, _FULL):
        return (
            "The brightness of the results is stretched: luma of full range, black at 0 and white "
            "at 255, where 16 and 235 are due."
        )
    return ""


def _all_near(seen: Sequence[Look], line: tuple[float, float]) -> bool:
    gain, added = line
    off = sorted(max(abs(o.gain - gain) / _GAIN, abs(o.added - added) / _ADDED) for o in seen)
    return bool(off) and median(off) <= 1 and off[-1] <= _LOOSE


def _swapped(seen: Sequence[Look]) -> str:
    flipped = [one.flipped for one in seen if one.flipped is not None]
    if flipped and max(flipped) < 1 and median(flipped) <= _FLIPPED:
        return "Red and blue have changed places: BGR was stored as RGB."
    return ""


def _colourless(seen: Sequence[Look]) -> str:
    names = _names(seen, lambda one: one.grey)
    return f"{names}: grey stored as colour, though the true picture has colours." if names else ""


# What is wrong with the whole of a picture, of any size.
_COARSE: tuple[Callable[[Sequence[Look]], str], ...] = (
    _is_truth,
    _other_picture,
    _floats_as_codes,
    _swapped,
    _colourless,
)


def _shifted(seen: Sequence[Look]) -> str:
    shifts = [one.shift for one in seen if one.shift is not None and one.shift.agreement >= _ALIKE]
    if not shifts:
        return ""
    scale = seen[0].scale
    right, down = fmean(s.right for s in shifts), fmean(s.down for s in shifts)
    agree = all(max(abs(s.right - right), abs(s.down - down)) <= _AGREES * scale for s in shifts)
    if not agree or max(abs(right), abs(down)) <= _MOVED * scale:
        return ""
    ways = ((right, ("left", "right")), (down, ("up", "down")))
    words = [
        f"{abs(size):.1f} pixels {names[size > 0]}"
        for size, names in ways
        if abs(size) > _MOVED * scale
    ]
    told = f"The results lie {' and '.join(words)} of the truth."
    corner = (scale - 1) / 2
    if max(abs(abs(right) - corner), abs(abs(down) - corner)) <= _CORNER * scale:
        told += " That is (scale - 1) / 2, as when LR is one corner of each cell."
    return told


def _other_resize(seen: Sequence[Look]) -> str:
    names = set.intersection(*(set(one.steps) for one in seen)) if seen else set()
    taken = {name: [one.steps[name] for one in seen] for name in names}
    near = {name: median(s.error for s in steps) for name, steps in taken.items() if _took(steps)}
    if not near:
        return ""
    least = min(near.values())
    same = sorted(name for name, error in near.items() if error <= _SAME_LR * least)
    return f"The LR pictures were not the protocol's: they fit {' or '.join(same)}."


def _took(steps: Sequence[Step]) -> bool:
    """Whether all results lie where LR pictures of the other resize would bring them."""
    shares = sorted(step.share for step in steps)
    if not (_SHARE[0] <= median(shares) <= _SHARE[1]):
        return False
    if shares[0] < _ANY_SHARE[0] or shares[-1] > _ANY_SHARE[1]:
        return False
    error, right = median(s.error for s in steps), median(s.right for s in steps)
    nearer = _NEARER if error <= _NEAR else _FAR_NEARER
    return error <= nearer * right and all(step.error < step.right for step in steps)


def _truncated(seen: Sequence[Look]) -> str:
    off = sorted(abs(one.darker - _TRUNCATED) / _TRUNCATED_BY for one in seen)
    if len(seen) >= _FEWEST and median(off) <= 1 and off[-1] <= _LOOSE:
        return "The results are half a code too dark: cut off in place of rounded."
    return ""


def _blocky(seen: Sequence[Look]) -> str:
    fair = [one for one in seen if one.scale % BLOCK]
    names = _names(fair, lambda one: one.blocks >= _BLOCKS)
    return f"{names}: edges of 8x8 blocks, as JPEG leaves them." if names else ""
