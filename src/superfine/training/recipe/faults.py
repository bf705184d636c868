"""What is wrong with a recipe, in words: one line for each fault, with the place it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from superfine.training.recipe.types import Recipe, Section
from superfine.yaml_text import Place, resolve

# Places of a recipe -> where they were written, such as "recipe.yaml line 3".
Origins = Mapping[Place, str]

_CLOSE = 0.6
_MOST_NAMES = 12  # more do not fit a line
# What people type for digits.
_LOOKALIKES = str.maketrans("lIOo,", "1100.", "_ ")


@dataclass(frozen=True)
class _Spot:
    """A place of a recipe and what the types say of it.

    Attributes:
        place: The keys that lead there, without the tags pydantic puts between them.
        owners: The types that stand where the last key stands.
        inside: The types that may stand under the last key; none under a plain value.
        kind: The kind of the section the last key stands in, where several may; else empty.
    """

    place: Place
    owners: tuple[type[Section], ...]
    inside: tuple[type[Section], ...]
    kind: str


def faults_of(error: ValidationError, origins: Origins) -> tuple[str, ...]:
    """One line for each fault pydantic found; unknown keys first, as they explain the rest."""
    details = sorted(error.errors(include_url=False), key=lambda d: d["type"] != "extra_forbidden")
    said: list[str] = []
    suggested: set[str] = set()
    for detail in details:
        spot = _follow(detail["loc"])
        if _follows_from_another(detail, dotted(spot.place) in suggested):
            continue
        if detail["type"] == "extra_forbidden":
            near = _nearest_key(spot)
            suggested.add(near)
            text = _unknown_key(spot, near)
        else:
            text = _in_words(spot, detail)
        inside = ("kind",) if detail["type"] == "union_tag_invalid" else ()
        said.append(prefixed(origins, (*spot.place, *inside), text))
    return tuple(dict.fromkeys(said))


def prefixed(origins: Origins, place: Place, text: str) -> str:
    """`text` after where the nearest written part of `place` stands."""
    for length in range(len(place), -1, -1):
        if place[:length] in origins:
            return f"{origins[place[:length]]}: {text}"
    return text


def dotted(place: Place) -> str:
    """A place as overrides write it: "loss.0.weight"."""
    return ".".join(map(str, place))


def mistaken(given: object, kept: object, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Places where pydantic took a word for a number or a truth for a number, and why not.

    Args:
        given: Values as they were written.
        kept: The same after validation, as plain values.
        place: Where the two stand.
    """
    if isinstance(given, Mapping) and isinstance(kept, Mapping):
        for key in given:
            yield from mistaken(given[key], kept[key], (*place, key))
    elif isinstance(given, Sequence) and not isinstance(given, str):
        assert isinstance(kept, Sequence)
        for index, (left, right) in enumerate(zip(given, kept, strict=True)):
            yield from mistaken(left, right, (*place, index))
    elif isinstance(kept, tuple):  # one scale, written without brackets
        yield from mistaken(given, kept[0], place)
    elif isinstance(kept, bool) != isinstance(given, bool):
        wanted = "true or false" if isinstance(kept, bool) else "a number"
        yield place, f"{dotted(place)} is {_shown(given)}; expected {wanted}"
    elif isinstance(given, str) and isinstance(kept, int | float):
        yield place, f"{dotted(place)} is {_shown(given)}, text in quotes; expected a number"


def keys_of(section: type[Section]) -> dict[str, FieldInfo]:
    """The keys of a section as they are written."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def kinds_of(section: type[Section]) -> tuple[str, ...]:
    """The words that choose `section` where several may stand; none where it stands alone."""
    kind = section.model_fields.get("kind")
    return get_args(kind.annotation) if kind is not None else ()


def sections_in(annotation: object) -> tuple[type[Section], ...]:
    """The sections that an annotation allows, however wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return (annotation,)
    if get_origin(annotation) is Literal:
        return ()
    return tuple(found for part in get_args(annotation) for found in sections_in(part))


def _follow(loc: Sequence[str | int]) -> _Spot:
    place: list[str | int] = []
    owners: tuple[type[Section], ...] = ()
    inside: tuple[type[Section], ...] = (Recipe,)
    kind = ""
    for part in loc:
        if len(inside) > 1 and isinstance(part, str):  # the tag of the one that was chosen
            inside = tuple(section for section in inside if part in kinds_of(section))
            kind = part
            continue
        place.append(part)
        if isinstance(part, str):
            owners = inside
            fields = [keys_of(owner).get(part) for owner in owners]
            inside = tuple(s for f in fields if f is not None for s in sections_in(f.annotation))
    return _Spot(tuple(place), owners, inside, kind)


def _follows_from_another(detail: ErrorDetails, misspelt: bool) -> bool:
    """Whether a key is only missing, or a list only too short, because of what was refused."""
    if detail["type"] == "missing":
        return misspelt
    return detail["type"] == "too_short" and bool(detail["input"])


def _nearest_key(spot: _Spot) -> str:
    """The known key that was meant, dotted; empty when none is near."""
    *above, key = spot.place
    known = [name for owner in spot.owners for name in keys_of(owner)]
    near = get_close_matches(str(key), known, n=1, cutoff=_CLOSE)
    if near:
        return dotted((*above, *near))
    if above or len(str(key)) <= 2:  # two letters say too little
        return ""
    return next((path for path in _nested() if path.endswith(f".{key}")), "")


def _nested() -> Iterator[str]:
    """Every dotted key that stands in a section of a recipe."""
    for name, field in keys_of(Recipe).items():
        for section in sections_in(field.annotation):
            yield from (f"{name}.{key}" for key in keys_of(section))


def _unknown_key(spot: _Spot, near: str) -> str:
    text = f"there is no key {_cut(dotted(spot.place))!r}"
    if spot.kind:
        text += f" where the kind is {spot.kind}"
    if near:
        return f"{text}. Did you mean {near!r}?"
    known = [name for owner in spot.owners for name in keys_of(owner)]
    return f"{text}; there are {', '.join(known)}" if len(known) <= _MOST_NAMES else text


def _in_words(spot: _Spot, detail: ErrorDetails) -> str:
    where, given = dotted(spot.place), detail["input"]
    kind, context = detail["type"], detail.get("ctx", {})
    match kind:
        case "missing":
            return f"{where} is missing{_meaning(spot)}"
        case "union_tag_not_found":
            return f"{where}.kind is missing; one of {', '.join(_choices(spot))}"
        case "union_tag_invalid":
            return f"{where}.kind is {_one_of(context['tag'], _choices(spot))}"
        case "literal_error":
            return f"{where} is {_one_of(given, _words(spot))}"
        case "value_error":
            return f"{where} is {_shown(given)}: {context['error']}"
    return f"{where} is {_shown(given)}; expected {_expected(spot, detail)}"


def _expected(spot: _Spot, detail: ErrorDetails) -> str:
    """What a value should have been."""
    kind, given = detail["type"], detail["input"]
    if kind in ("model_attributes_type", "model_type"):
        return _expected_keys(spot, given)
    if kind == "tuple_type":
        item = f"{{kind: {given}}}" if given in _choices(spot) else given
        return f"a list, such as [{_cut(item)}]" if isinstance(item, str) else "a list"
    if kind == "too_long":
        return f"{detail['ctx']['max_length']} items"
    if kind in _EXPECTED:
        return f"{_EXPECTED[kind]}{_meant(given)}"
    return detail["msg"].removeprefix("Input should be ")


_EXPECTED = {
    "dict_type": "keys, each with a value",
    "too_short": "at least one item",
    "path_type": "text, in quotes if it looks like a number",
    "string_type": "text, in quotes if it looks like a number",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
}


def _meaning(spot: _Spot) -> str:
    """What a key is for, as an appendix."""
    fields = [keys_of(owner).get(str(spot.place[-1])) for owner in spot.owners]
    said = [f.description for f in fields if f is not None and f.description]
    return f" ({said[0].rstrip('.')})" if said else ""


def _choices(spot: _Spot) -> tuple[str, ...]:
    return tuple(kind for section in spot.inside for kind in kinds_of(section))


def _words(spot: _Spot) -> tuple[str, ...]:
    """The words that may stand as the value of a key."""
    fields = [keys_of(owner)[str(spot.place[-1])] for owner in spot.owners]
    return tuple(word for field in fields for word in get_args(field.annotation))


def _one_of(given: object, known: Sequence[str]) -> str:
    near = get_close_matches(str(given), known, n=1, cutoff=_CLOSE)
    guess = f". Did you mean {near[0]!r}?" if near else ""
    return f"{_shown(given)}; expected one of {', '.join(known)}{guess}"


def _expected_keys(spot: _Spot, given: object) -> str:
    choices = _choices(spot)
    if given in choices:
        return f"keys, such as {{kind: {given}}}"
    if choices:
        return f"keys, with kind one of {', '.join(choices)}"
    return "keys: " + ", ".join(name for section in spot.inside for name in keys_of(section))


def _meant(given: object) -> str:
    """The number that text with a slip of the finger stands for, as a question."""
    if not isinstance(given, str):
        return ""
    guess = given.translate(_LOOKALIKES)
    return f". Did you mean {guess}?" if isinstance(resolve(guess), int | float) else ""


def _shown(given: object) -> str:
    """A value in a message, as YAML says it, cut where it is long."""
    match given:
        case None:
            return "empty"
        case bool():
            return str(given).lower()
        case str():
            return repr(_cut(given))
        case Mapping():
            return "{" + _cut(", ".join(f"{k}: {v}" for k, v in given.items())) + "}"
    return _cut(str(given))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."
