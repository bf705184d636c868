"""A pickle read as a list of facts: nothing is imported and nothing is called.

Python's own unpickler imports and calls what the file says. Here the instructions, as listed by
the standard library's `pickletools`, only ever build dicts, lists, tuples and plain values; what
an import or a call would mean is asked of the caller, who knows the few that stand for tensors.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from superfine.errors import ModelFileError, UnsafeModelError


@dataclass(frozen=True)
class Global:
    """A name the pickle wants to import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Meaning:
    """What the instructions that reach outside the pickle stand for.

    Attributes:
        accept: Raises for a name that may not stand in the file.
        call: Value of calling an accepted name with arguments.
        fetch: Value of a reference to data outside the pickle.
    """

    accept: Callable[[Global], None]
    call: Callable[[Global, tuple[object, ...]], object]
    fetch: Callable[[object], object]


class Opaque:
    """An object we know to be harmless and do not rebuild."""


_MARK = object()

# Instructions that push their argument.
_VALUES = frozenset(
    (
        "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
        "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
        "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    )
)  # fmt: skip
_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": _MARK}
_IGNORED = frozenset(("PROTO", "FRAME"))

# A tensor takes some thirty instructions; each may take a hundred bytes of memory.
_MOST_INSTRUCTIONS = 1 << 19


def read_pickle(stream: BinaryIO, meaning: Meaning) -> object:
    """The value of the pickle at the position of `stream`, which is left behind its end.

    Raises:
        UnsafeModelError: At an import or a call that is not accepted.
        ModelFileError: When the pickle is damaged.
    """
    stack: list[object] = []
    memo: dict[int, object] = {}
    try:
        for opcode, argument, _ in islice(pickletools.genops(stream), _MOST_INSTRUCTIONS):
            if opcode.name == "STOP":
                return stack.pop()
            _step(opcode.name, argument, stack, memo, meaning)
        raise ModelFileError(f"The pickle has more than {_MOST_INSTRUCTIONS:,} instructions.")
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError):
        pass
    raise ModelFileError("The pickle in the file is damaged.", hint="Fetch the file again.")


def _step(
    name: str, argument: object, stack: list[object], memo: dict[int, object], meaning: Meaning
) -> None:
    """Carries out one instruction on `stack` and `memo`."""
    if name in _IGNORED:
        return
    if name in _VALUES:
        stack.append(argument)
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
        memo[len(memo) if name == "MEMOIZE" else _integer(argument)] = stack[-1]
    elif name in ("BINGET", "LONG_BINGET", "GET"):
        stack.append(memo[_integer(argument)])
    elif name in ("GLOBAL", "STACK_GLOBAL", "INST"):
        stack.append(_global(name, argument, stack, meaning))
    elif name in ("REDUCE", "NEWOBJ"):
        arguments, callee = stack.pop(), stack.pop()
        if not isinstance(callee, Global) or not isinstance(arguments, tuple):
            raise UnsafeModelError("The pickle calls something that is not a name.")
        stack.append(meaning.call(callee, arguments))
    elif name == "BINPERSID":
        stack.append(meaning.fetch(stack.pop()))
    elif name == "BUILD":
        stack.pop()  # attributes of an object, such as the versions in a state_dict
    else:
        _collect(name, stack)


def _collect(name: str, stack: list[object]) -> None:
    """Carries out an instruction that makes or fills a container."""
    match name:
        case "EMPTY_DICT":
            stack.append({})
        case "EMPTY_LIST":
            stack.append([])
        case "EMPTY_TUPLE":
            stack.append(())
        case "TUPLE1" | "TUPLE2" | "TUPLE3":
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        case "TUPLE":
            items = _since_mark(stack)
            stack.append(tuple(items))
        case "APPEND":
            item = stack.pop()
            _fill(stack[-1], [item])
        case "APPENDS":
            items = _since_mark(stack)
            _fill(stack[-1], items)
        case "SETITEM":
            value, key = stack.pop(), stack.pop()
            _fill(stack[-1], [key, value])
        case "SETITEMS":
            items = _since_mark(stack)
            _fill(stack[-1], items)
        case _:
            raise UnsafeModelError(f"The pickle uses {name}, which no file of weights needs.")


def _since_mark(stack: list[object]) -> list[object]:
    items = []
    while (item := stack.pop()) is not _MARK:
        items.append(item)
    return items[::-1]


def _fill(container: object, items: list[object]) -> None:
    if isinstance(container, list):
        container.extend(items)
    elif isinstance(container, dict):
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Other keys could hash without end: a tuple nested a million times, say.
            if not isinstance(key, str | int):
                raise ModelFileError(f"The pickle has a key that is {type(key).__name__}.")
            container[key] = value
    elif not isinstance(container, Opaque):
        raise TypeError


def _global(name: str, argument: object, stack: list[object], meaning: Meaning) -> Global:
    if name == "STACK_GLOBAL":
        own, module = stack.pop(), stack.pop()
    else:
        module, _, own = str(argument).partition(" ")
    if not isinstance(module, str) or not isinstance(own, str):
        raise UnsafeModelError("The pickle imports something that is not a name.")
    found = Global(module, own)
    meaning.accept(found)
    if name == "INST":  # an import and a call in one, of Python 2
        raise UnsafeModelError(f"The pickle calls {found}.")
    return found


def _integer(argument: object) -> int:
    if not isinstance(argument, int):
        raise TypeError
    return argument
