"""YAML that strangers wrote, as plain values: the core of YAML 1.2, with limits on everything.

What YAML can do beyond plain values is refused: tags that make objects, aliases that unfold into
gigabytes, nesting that exhausts the stack. `on`, `off`, `yes` and `no` are text and `1e-4` is a
number, as YAML 1.2 has it (yaml.org/spec/1.2.2, core schema) and PyYAML's own loaders do not.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import yaml

from superfine.errors import SuperfineError

try:  # ten times as fast; missing where PyYAML was built without libyaml
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

LARGEST_TEXT = 1_000_000  # bytes
LARGEST_DEPTH = 32
LARGEST_COUNT = 20_000  # values in one text, aliases unfolded
LARGEST_ALIASES = 100
_LONGEST_NUMBER = 64  # characters; Python refuses to print integers of some thousands of digits

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
Place = tuple[str | int, ...]


class YamlError(SuperfineError):
    """Text that is not YAML, or more of YAML than is read here."""

    code = "E_YAML"


@dataclass(frozen=True)
class YamlText:
    """What a text says, and where.

    Attributes:
        values: The keys of the text; nothing in it is shared between two places.
        lines: Where each key or item stands, counted from 1, by the keys that lead to it. Values
            that came through an alias are left out.
    """

    values: dict[str, Value]
    lines: Mapping[Place, int]


def parse_yaml(data: bytes, *, name: str) -> dict[str, Value]:
    """The keys and values of a YAML text.

    Args:
        data: UTF-8, a byte order mark allowed, at most 1 MB.
        name: What errors call the text; usually the file.

    Raises:
        YamlError: With the line and the column.
    """
    return read_yaml(data, name=name).values


def read_yaml(data: bytes, *, name: str) -> YamlText:
    """The keys and values of a YAML text, and the lines they stand in.

    Raises:
        YamlError: With the line and the column.
    """
    if len(data) > LARGEST_TEXT:
        raise YamlError(f"{name} has {len(data):,} bytes; {LARGEST_TEXT:,} are read.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise YamlError(f"{name} line {line}: not UTF-8 text.", hint="Save it as UTF-8.") from None
    reader = _Reader(name)
    value = reader.read(text)
    if not isinstance(value, dict):
        raise YamlError(f"{name} holds no keys.", hint="Expected lines such as `steps: 1000`.")
    return YamlText(value, MappingProxyType(reader.lines))


def parse_value(text: str, *, name: str) -> Value:
    """The value of a short YAML text, such as "1e-4" or "[2, 3]"; empty text is None.

    Raises:
        YamlError: With the line and the column.
    """
    return _Reader(name).read(text)


class _Mark(Protocol):
    """Where something begins, counted from 0."""

    line: int
    column: int


@dataclass
class _Anchor:
    value: Value
    count: int
    height: int


@dataclass
class _Reader:
    """Builds values from the events of PyYAML's parser, counting as it goes."""

    name: str
    lines: dict[Place, int] = field(default_factory=dict)
    count: int = 0
    aliases: int = 0
    anchors: dict[str, _Anchor | None] = field(default_factory=dict)

    def read(self, text: str) -> Value:
        self._require_harmless(text)
        events = self._events(text)
        value: Value = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(event.start_mark, "a second document; one was expected")
                value, _ = self._value(next(events), events, ())
        return value

    def _require_harmless(self, text: str) -> None:
        strange = _STRANGE.search(text)
        if strange:
            before = text[: strange.start()]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            what = f"the character {strange.group()!r}, which no YAML text holds"
            raise YamlError(f"{self.name} line {line} column {column}: {what}.")
        directive = _TAG_DIRECTIVE.search(text)  # each is compared with all before it
        if directive:
            line = text[: directive.start()].count("\n") + 1
            raise YamlError(f"{self.name} line {line}: %TAG is not read here.")

    def _events(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            raise self._broken(error, text) from None
        except yaml.YAMLError as error:
            raise YamlError(f"{self.name} is not YAML: {' '.join(str(error).split())}.") from None

    def _broken(self, error: yaml.MarkedYAMLError, text: str) -> YamlError:
        mark = error.problem_mark or error.context_mark
        if mark is None:
            return YamlError(f"{self.name} is not YAML: {error.problem}.")
        lines = text.splitlines()
        found = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
        if found == "\t":
            return self._error(mark, "a tab; YAML is indented by spaces")
        if found in tuple("`@%"):
            return self._error(mark, f"no value begins with {found}; put it in quotes")
        begun = error.context_mark
        since = f", {error.context} of line {begun.line + 1}" if begun and error.context else ""
        return self._error(mark, f"not YAML: {error.problem}{since}")

    def _error(self, mark: _Mark | None, problem: str) -> YamlError:
        assert mark is not None  # both parsers mark everything
        return YamlError(f"{self.name} line {mark.line + 1} column {mark.column + 1}: {problem}.")

    def _value(
        self, event: yaml.Event, events: Iterator[yaml.Event], place: Place
    ) -> tuple[Value, int]:
        """The value that begins with `event`, and how many levels it is deep."""
        if isinstance(event, yaml.AliasEvent):
            return self._unfolded(event, len(place))
        assert isinstance(event, yaml.NodeEvent)
        self._add(1, event.start_mark)
        self._require_depth(len(place), event.start_mark)
        before = self.count
        anchor = event.anchor
        if anchor is not None:
            self.anchors[anchor] = None  # known, and not finished: an alias inside is a circle
        value: Value
        if isinstance(event, yaml.MappingStartEvent):
            self._require_tag(event, "map")
            value, height = self._mapping(events, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._require_tag(event, "seq")
            value, height = self._sequence(events, place)
        else:
            assert isinstance(event, yaml.ScalarEvent)
            value, height = self._scalar(event), 0
        if anchor is not None:
            self.anchors[anchor] = _Anchor(value, self.count - before + 1, height)
        return value, height

    def _mapping(self, events: Iterator[yaml.Event], place: Place) -> tuple[dict[str, Value], int]:
        found: dict[str, Value] = {}
        height = 0
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(event.start_mark, "a key that is not plain text")
            self._require_tag(event, "str")
            key = event.value
            inside = (*place, key)
            if key in found:
                problem = f"the key {_shown(key)!r} again; first in line {self.lines[inside]}"
                raise self._error(event.start_mark, problem)
            self.lines[inside] = _line(event)
            found[key], below = self._value(next(events), events, inside)
            height = max(height, below + 1)
        return found, height

    def _sequence(self, events: Iterator[yaml.Event], place: Place) -> tuple[list[Value], int]:
        found: list[Value] = []
        height = 0
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            inside = (*place, len(found))
            self.lines[inside] = _line(event)
            value, below = self._value(event, events, inside)
            found.append(value)
            height = max(height, below + 1)
        return found, height

    def _unfolded(self, event: yaml.AliasEvent, depth: int) -> tuple[Value, int]:
        name, mark = str(event.anchor), event.start_mark
        if name not in self.anchors:
            raise self._error(mark, f"nothing before is marked &{_shown(name)}")
        anchor = self.anchors[name]
        if anchor is None:
            raise self._error(mark, f"*{_shown(name)} stands inside what it repeats")
        self.aliases += 1
        if self.aliases > LARGEST_ALIASES:
            raise self._error(mark, f"more than {LARGEST_ALIASES} aliases")
        self._add(anchor.count, mark)
        self._require_depth(depth + anchor.height, mark)
        return copy.deepcopy(anchor.value), anchor.height

    def _add(self, count: int, mark: _Mark | None) -> None:
        self.count += count
        if self.count > LARGEST_COUNT:
            problem = f"more than {LARGEST_COUNT:,} values, aliases unfolded"
            raise self._error(mark, problem)

    def _require_depth(self, depth: int, mark: _Mark | None) -> None:
        if depth > LARGEST_DEPTH:
            raise self._error(mark, f"more than {LARGEST_DEPTH} levels inside each other")

    def _require_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, kind: str) -> None:
        if event.tag not in (None, "!", _CORE + kind):
            tag = _shown(str(event.tag).replace(_CORE, "!!"))
            raise self._error(event.start_mark, f"the tag {tag}; values here are plain")

    def _scalar(self, event: yaml.ScalarEvent) -> Value:
        text: str = event.value
        if "\0" in text:  # an escape can write it, and no path may hold it
            raise self._error(event.start_mark, "text with a zero character in it")
        if event.tag is None:
            value = resolve(text) if event.implicit[0] else text
        elif event.tag in ("!", _CORE + "str"):
            value = text
        else:
            value = resolve(text)
            types = _TYPES.get(event.tag)
            if types is None:
                self._require_tag(event, "str")
            elif type(value) not in types:
                tag = event.tag.replace(_CORE, "!!")
                raise self._error(event.start_mark, f"{_shown(text)!r} is no {tag}")
        return value


def _line(event: yaml.Event) -> int:
    """Where `event` begins, counted from 1."""
    assert event.start_mark is not None
    return event.start_mark.line + 1


def _shown(text: str) -> str:
    """The beginning of `text`, for a message."""
    return text if len(text) <= 40 else f"{text[:40]}..."


def resolve(text: str) -> Value:
    """What unquoted text stands for: nothing, a truth, a number, or itself.

    Text of more than 64 characters is never a number.
    """
    if len(text) <= _LONGEST_NUMBER:
        for pattern, meaning in _MEANINGS:
            if pattern.fullmatch(text):
                return meaning(text)
    return text


# YAML 1.2.2, section 10.3.2, in its order.
_MEANINGS: tuple[tuple[re.Pattern[str], Callable[[str], Value]], ...] = (
    (re.compile("null|Null|NULL|~|"), lambda _: None),
    (re.compile("true|True|TRUE|false|False|FALSE"), lambda text: text[0] in "tT"),
    (re.compile("[-+]?[0-9]+"), int),
    (re.compile("0o[0-7]+"), lambda text: int(text, 8)),
    (re.compile("0x[0-9a-fA-F]+"), lambda text: int(text, 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda t: float(t.replace(".", ""))),
)
_CORE = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {
    _CORE + "null": (type(None),),
    _CORE + "bool": (bool,),
    _CORE + "int": (int,),
    _CORE + "float": (int, float),
}
# What no YAML text may hold (YAML 1.2.2, section 5.1), surrogates included.
_STRANGE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG_DIRECTIVE = re.compile("^%TAG", re.MULTILINE)
