"""What a weight file says of itself; read from its first bytes, without torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from superfine.errors import MissingModelError, ModelFileError

# The weights that come with the package; a file is called NETWORK-xSCALE.safetensors.
SHIPPED = Path(__file__).parent / "weights"

# The key of our JSON in a safetensors header, and the version of its layout.
_KEY = "superfine"
_FORMAT = 1
# safetensors itself allows 100 MB; ours are a few kilobytes.
LARGEST_HEADER = 1 << 20

# A value that JSON keeps as it is; what a network is built with.
Plain = bool | int | float | str | list["Plain"] | None


@dataclass(frozen=True)
class Card:
    """Where weights come from and what they are worth.

    Attributes:
        architecture: Name in the zoo.
        scale: HR pixels per LR pixel.
        channels: "rgb" or "y" (BT.601 luma on [16/255, 235/255]).
        training_data: Sets the weights were trained on.
        training: How, in one line.
        protocol: How the scores were measured.
        scores: Set name -> {"psnr": dB, "ssim": at most 1}.
        licence: Of the weights.
        recipe: The recipe they were trained by, as its file has it, folders below the data folder.
        terms: Name of a training set -> what its makers allow.
        apart_from: Test sets whose pictures were looked for in the training data and not found.
        history: Steps and the PSNR in dB then, on the first set of the recipe.
        limits: What they are not for, in one or two sentences.
        value_range: Smallest and largest value of inputs and outputs.
        hyper_parameters: What the zoo builds the network with; filled in when saved.
        code_version: Version of superfine that wrote them; filled in when saved.
        sha256: Of the tensors, names, types and shapes included; filled in when saved.
    """

    architecture: str
    scale: int
    channels: str
    training_data: tuple[str, ...] = ()
    training: str = ""
    protocol: str = ""
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    licence: str = ""
    recipe: str = ""
    terms: Mapping[str, str] = field(default_factory=dict)
    apart_from: tuple[str, ...] = ()
    history: tuple[tuple[int, float], ...] = ()
    limits: str = ""
    value_range: tuple[float, float] = (0.0, 1.0)
    hyper_parameters: Mapping[str, Plain] = field(default_factory=dict)
    code_version: str = ""
    sha256: str = ""

    def to_metadata(self) -> dict[str, str]:
        """The card as safetensors metadata."""
        return {_KEY: json.dumps({"format": _FORMAT, **asdict(self)}, sort_keys=True)}


def card_from_metadata(metadata: Mapping[str, object]) -> Card | None:
    """The card in safetensors metadata; None when there is none of ours.

    Raises:
        ModelFileError: When the card is damaged or of a newer layout.
    """
    if _KEY not in metadata:
        return None
    try:
        values = json.loads(str(metadata[_KEY]))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise _damaged("it is not a JSON object")
    if values.pop("format", None) != _FORMAT:
        raise ModelFileError(
            "The weight file was written by a newer superfine.", hint="Update superfine."
        )
    return _checked(values)


_TEXTS = (
    *("architecture", "channels", "training", "protocol", "licence", "code_version"),
    *("sha256", "recipe", "limits"),
)

# Fields that cards written before they existed do not have.
_LATER = frozenset(("recipe", "terms", "apart_from", "history", "limits"))


def _checked(values: dict[str, object]) -> Card:
    """The card that `values` spell, each of the type it is declared with."""
    wrong = values.keys() ^ {f.name for f in fields(Card)}
    if wrong - (_LATER - values.keys()):
        raise _damaged(f"missing or unknown: {', '.join(sorted(wrong))}")
    values = {"recipe": "", "terms": {}, "apart_from": [], "history": [], "limits": "", **values}
    if wrong_type := [name for name in _TEXTS if not isinstance(values[name], str)]:
        raise _damaged(f"{wrong_type[0]} is not text")
    scale, span = values["scale"], values["value_range"]
    if not isinstance(scale, int) or isinstance(scale, bool) or scale < 1:
        raise _damaged("scale is not a whole number above 0")
    if not isinstance(span, list) or len(span) != 2 or not all(map(_is_number, span)):
        raise _damaged("value_range is not two numbers")
    if not isinstance(values["hyper_parameters"], dict):
        raise _damaged("hyper_parameters is not an object")
    scores, terms = values["scores"], values["terms"]
    if not isinstance(scores, dict) or not all(
        isinstance(score, dict) and all(map(_is_number, score.values()))
        for score in scores.values()
    ):
        raise _damaged("scores is not numbers by set")
    if not isinstance(terms, dict) or not all(isinstance(words, str) for words in terms.values()):
        raise _damaged("terms is not text by set")
    tuples = {
        "training_data": _names(values, "training_data"),
        "apart_from": _names(values, "apart_from"),
        "history": _history(values["history"]),
        "value_range": (float(span[0]), float(span[1])),
    }
    return Card(**{**values, **tuples})  # type: ignore[arg-type]  # each was checked above


def _names(values: Mapping[str, object], key: str) -> tuple[str, ...]:
    found = values[key]
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise _damaged(f"{key} is not a list of names")
    return tuple(found)


def _history(found: object) -> tuple[tuple[int, float], ...]:
    if not isinstance(found, list) or not all(
        isinstance(pair, list)
        and len(pair) == 2
        and all(map(_is_number, pair))
        and isinstance(pair[0], int)
        for pair in found
    ):
        raise _damaged("history is not pairs of a step and a score")
    return tuple((step, float(score)) for step, score in found)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e9 and math.isfinite(value)


def _damaged(reason: str) -> ModelFileError:
    return ModelFileError(
        f"The card in the weight file is damaged: {reason}.", hint="Fetch the file again."
    )


def header_from_bytes(data: bytes) -> dict[str, object]:
    """The JSON header of a safetensors file that begins with `data`.

    Raises:
        ModelFileError: When `data` does not begin with a sound header.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or not 2 <= length <= LARGEST_HEADER:
        raise ModelFileError(
            f"The safetensors header claims {length:,} bytes; at most {LARGEST_HEADER:,} are read.",
            hint="Fetch the file again.",
        )
    try:
        header = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise ModelFileError(
            "The safetensors header is cut off or damaged.", hint="Fetch the file again."
        )
    return header


def card_from_header(header: Mapping[str, object]) -> Card | None:
    """The card in a safetensors header; None when there is none of ours.

    Raises:
        ModelFileError: When the metadata or the card is damaged.
    """
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict):
        raise ModelFileError("The safetensors metadata is damaged.", hint="Fetch the file again.")
    return card_from_metadata(metadata)


def read_card(path: Path) -> Card | None:
    """The card of a safetensors file; None when it has none of ours.

    Raises:
        ModelFileError: When the file is missing, or its header or card is damaged.
    """
    # A named pipe would block for ever.
    if not path.is_file():
        raise MissingModelError(f"{path} is not a file.", hint="Check the path.")
    with path.open("rb") as file:
        return card_from_header(header_from_bytes(file.read(8 + LARGEST_HEADER)))


def shipped_cards() -> tuple[tuple[Path, Card], ...]:
    """The weight files that come with the package and their cards, by name and scale.

    Raises:
        ModelFileError: When a shipped file is damaged or has no card.
    """
    found = []
    for path in SHIPPED.glob("*.safetensors"):
        card = read_card(path)
        if card is None:
            raise ModelFileError(
                f"{path.name} lies among the shipped weights but has no card of ours.",
                hint="Install superfine again.",
            )
        found.append((path, card))
    return tuple(sorted(found, key=lambda pair: (pair[1].architecture, pair[1].scale)))
