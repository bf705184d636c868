"""What can go wrong, in the user's words.

Every error says what came, what was expected and what to do. A command prints `message` and
`hint` on one line each, without a traceback, and ends with `exit_code`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Protocol, TypeVar

# Exit codes of the command line; documented in docs/cli.md.
EXIT_OK = 0
EXIT_BUG = 1
EXIT_INPUT = 2
EXIT_SOME_FAILED = 3
EXIT_ALL_FAILED = 4
EXIT_REFUSED_MODEL = 5
EXIT_RESOURCES = 6
EXIT_NETWORK = 7
EXIT_INTERRUPTED = 130


class SuperfineError(Exception):
    """Anything this package refuses to do, with a reason and a next step.

    Attributes:
        message: What came and what was expected, in one line.
        hint: What to do about it, in one line; may be empty.
        code: Stable word for programs, such as `E_TRUNCATED`.
        exit_code: What the command line ends with when this error ends it.
    """

    code = "E_INPUT"
    exit_code = EXIT_INPUT

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class PictureError(SuperfineError):
    """A file that is not a picture we read, or is damaged.

    Codes: E_EMPTY, E_FORMAT, E_TRUNCATED, E_CORRUPT, E_DIM, E_VALUES, E_VANISHED, E_NOT_A_FILE.
    """

    code = "E_FORMAT"


class LimitError(SuperfineError):
    """An input larger than the limits set before decoding."""

    code = "E_LIMIT"


class OutputError(SuperfineError):
    """An output that exists, collides, cannot be written or did not verify.

    Codes: E_EXISTS, E_COLLISION, E_OUTPUT, E_VERIFY.
    """

    code = "E_OUTPUT"


class DiskFullError(OutputError):
    """No room for an output; nothing was left behind."""

    code = "E_DISK_FULL"
    exit_code = EXIT_RESOURCES


class MemoryLimitError(SuperfineError):
    """Not enough memory even with the smallest tile."""

    code = "E_MEMORY"
    exit_code = EXIT_RESOURCES


class UnknownNameError(SuperfineError):
    """A name that is in none of our lists."""

    code = "E_UNKNOWN_NAME"


class UsageError(SuperfineError):
    """Options that contradict each other or the input."""

    code = "E_USAGE"


class TrainingError(SuperfineError):
    """A training run that cannot go on: its loss is no number any more."""

    code = "E_DIVERGED"


class PeerLostError(SuperfineError):
    """Another process of a training run has gone, and this one cannot go on without it."""

    code = "E_PEER"
    exit_code = EXIT_NETWORK


class ModelFileError(SuperfineError):
    """A weight file that does not fit any network we know, or is damaged."""

    code = "E_MODEL"
    exit_code = EXIT_REFUSED_MODEL


class MissingModelError(ModelFileError):
    """A path where no weight file lies."""

    exit_code = EXIT_INPUT


class UnsafeModelError(SuperfineError):
    """A weight file that holds more than tensors; nothing in it was run."""

    code = "E_UNSAFE_MODEL"
    exit_code = EXIT_REFUSED_MODEL


class NetworkError(SuperfineError):
    """A download that did not come, or not from where it may; what came of it is kept."""

    code = "E_NETWORK"
    exit_code = EXIT_NETWORK


class WrongContentError(SuperfineError):
    """A file that is not the one its name stands for: another size or sha256; it was not kept."""

    code = "E_HASH"
    exit_code = EXIT_REFUSED_MODEL


class SizeMismatchError(SuperfineError):
    """Two tensors or pictures whose sizes do not fit together."""

    code = "E_SHAPE"


def unknown_name(kind: str, name: str, known: Iterable[str], *, listing: str) -> UnknownNameError:
    """The error for `name`, with the nearest known name and the command that lists them all."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownNameError(f"No {kind} is called {name!r}.{guess}", hint=f"See: {listing}")


class Named(Protocol):
    """One entry of our lists."""

    @property
    def name(self) -> str:
        """What users type."""


N = TypeVar("N", bound=Named)


def find_named(kind: str, name: str, known: Sequence[N], *, listing: str) -> N:
    """The entry of `known` called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    for entry in known:
        if entry.name == name:
            return entry
    raise unknown_name(kind, name, (entry.name for entry in known), listing=listing)
