"""YAML from strangers: plain values as YAML 1.2 has them; all else is refused, and quickly."""

import json
import math
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from superfine.errors import SuperfineError
from superfine.yaml_text import LARGEST_TEXT, YamlError, parse_value, parse_yaml, read_yaml

# An anchor of nine values, repeated nine times, nine levels deep: 9 ** 10 values from 400 bytes.
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)
# The hostile list of the project's threat model, and what libyaml itself is slow or strange at.
HOSTILE = {
    "object": (b'a: !!python/object/apply:os.system ["echo"]', "line 1 column 4: the tag !!python"),
    "own tag": (b"a: 1\nb: !foo 3", "line 2 column 4: the tag !foo"),
    "binary": (b"a: !!binary aGk=", "the tag !!binary"),
    "wrong tag": (b"a: !!int abc", "'abc' is no !!int"),
    "bomb": (BOMB.encode(), "line 5 column 15: more than 20,000 values"),
    "aliases": (b"a: &a x\nb: [" + b"*a," * 200 + b"]", "more than 100 aliases"),
    "circle": (b"a: &a [*a]", "stands inside what it repeats"),
    "no anchor": (b"a: *b", "nothing before is marked &b"),
    "deep flow": (b"a: " + b"[" * 1100 + b"]" * 1100, "more than 32 levels"),
    "deep block": ("".join(" " * i + "a:\n" for i in range(1100)).encode(), "more than 32 levels"),
    "deep dashes": (b"a:\n" + b"- " * 400_000, "more than 32 levels"),
    "deep mix": (b"a: " + b"[b: " * 200_000, "more than 32 levels"),
    "deep by aliases": (
        b"".join(b"a%d: &a%d [%s]\n" % (i, i, b"*a%d" % (i - 1) if i else b"1") for i in range(60)),
        "more than 32 levels",
    ),
    "50 MB": (b"a: " + b"x" * 50_000_000, "1,000,000 are read"),
    "many values": (b"a: [" + b"1," * 490_000 + b"]", "more than 20,000 values"),
    "many keys": (b"".join(b"k%d: 1\n" % i for i in range(80_000)), "more than 20,000 values"),
    "many directives": (b"%TAG !x! tag:x\n" * 60_000 + b"--- a", "line 1: %TAG"),
    "open quote": (b'a: "' + b"x" * 990_000, "not YAML: found unexpected end of stream"),
    "long key": (b"x" * 900_000 + b": 1", "line 1 column 900001: not YAML"),
    "key of keys": (b"? " * 400_000, "a key that is not plain text"),
    "duplicate": (b"a: 1\nb:\n  c: 1\n  c: 2\n", "line 4 column 3: the key 'c' again; .*line 3"),
    "tab": (b"a:\n\tb: 1\n", "line 2 column 1: a tab"),
    "reserved": (b"a: 1\nb: `x`", "line 2 column 4: no value begins with `; put it in quotes"),
    "tab after spaces": (b"a:\n  b: 1\n\tc: 1\n", "line 3 column 1: a tab"),
    "UTF-16": ("a: 1".encode("utf-16"), "not UTF-8"),
    "Latin-1": ("a: 1\nb: é".encode("latin-1"), "line 2: not UTF-8"),
    "control character": (b"a: 1\nb: x\x00", "line 2 column 5: the character"),
    "escaped zero": (b'a: "x\\0"', "zero character"),
    "two documents": (b"a: 1\n---\nb: 1", "line 2 column 1: a second document"),
    "unclosed": (b"a: [1, 2\nb: 3\n", "line 2 .*while parsing a flow sequence of line 1"),
    "list": (b"- a", "holds no keys"),
    "empty": (b"", "holds no keys"),
    "only a comment": (b"# nothing\n", "holds no keys"),
}


@pytest.mark.parametrize(("data", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_in_one_line_within_half_a_second(data, message):
    started = time.process_time()
    with pytest.raises(YamlError, match=message) as caught:
        parse_yaml(data, name="recipe.yaml")
    assert time.process_time() - started < 0.5
    assert caught.value.message.startswith("recipe.yaml")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "data",
    [b"a: " + b"x" * 990_000, b"a: 1\n" + b"\n" * 900_000, b"a: '" + b"''" * 400_000 + b"'"],
    ids=["long text", "empty lines", "quotes"],
)
def test_large_harmless_text_is_read_within_half_a_second(data):
    started = time.process_time()
    assert list(parse_yaml(data, name="x")) == ["a"]
    assert time.process_time() - started < 0.5


def test_nothing_is_opened_or_run_by_what_looks_like_a_command():
    """`_target_` is a key as any other, and what looks like a variable stays text."""
    text = b"_target_: os.system\nhome: ${oc.env:HOME}\n<<: {a: 1}\n"
    assert parse_yaml(text, name="x") == {
        "_target_": "os.system",
        "home": "${oc.env:HOME}",
        "<<": {"a": 1},
    }


# YAML 1.2.2, section 10.3.2; what is text there stays text.
SCALARS = {
    "on": "on", "off": "off", "yes": "yes", "no": "no", "y": "y", "tRue": "tRue",
    "true": True, "FALSE": False, "null": None, "~": None, "Null": None,
    "1e-4": 1e-4, "2e-3": 2e-3, "2.0e-3": 2e-3, "1E5": 1e5, ".5": 0.5, "5.": 5.0, "-.25": -0.25,
    "12": 12, "+3": 3, "-7": -7, "017": 17, "0o17": 15, "0x1F": 31, "0o8": "0o8",
    "1_000": "1_000", "12:30": "12:30", "2020-01-01": "2020-01-01", "1.2.3": "1.2.3",
    ".": ".", "e5": "e5", "-": "-", "'5'": "5", '"1e-4"': "1e-4", "!!str 5": "5",
    "!!float 5": 5, "!!int '5'": 5, "! 5": "5", "": None, "''": "",
    "9" * 64: int("9" * 64), "9" * 5000: "9" * 5000,
}  # fmt: skip


@pytest.mark.parametrize("text", SCALARS)
def test_plain_text_means_what_yaml_1_2_says(text):
    if text == "-":
        assert parse_yaml(b"a: '-'", name="x")["a"] == "-"
        return
    for value in (parse_value(text, name="x"), parse_yaml(f"a: {text}".encode(), name="x")["a"]):
        assert value == SCALARS[text]
        assert type(value) is type(SCALARS[text])


def test_numbers_that_are_none_are_read_as_such():
    """They are refused where a number is expected, with the name of the key."""
    found = parse_yaml(b"a: .inf\nb: -.Inf\nc: .nan\nd: 1e400\n", name="x")
    assert (found["a"], found["b"], found["d"]) == (math.inf, -math.inf, math.inf)
    assert math.isnan(found["c"])


def test_windows_line_ends_and_a_byte_order_mark_change_nothing():
    plain = b"a: 1\nb:\n  - on\n  - {c: 2}\n"
    expected = {"a": 1, "b": ["on", {"c": 2}]}
    assert parse_yaml(plain, name="x") == expected
    assert parse_yaml(plain.replace(b"\n", b"\r\n"), name="x") == expected
    assert parse_yaml(b"\xef\xbb\xbf" + plain, name="x") == expected


def test_keys_are_their_text():
    assert parse_yaml(b"on: 1\nnull: 2\n5: 3\n1e-4: 4\n", name="x") == {
        "on": 1, "null": 2, "5": 3, "1e-4": 4,
    }  # fmt: skip


def test_lines_are_told_for_every_key_and_item():
    text = read_yaml(b"# header\na: 1\nb:\n  c:\n  - x\n  - {d: 5}\n", name="x")
    assert text.lines == {
        ("a",): 2, ("b",): 3, ("b", "c"): 4, ("b", "c", 0): 5, ("b", "c", 1): 6,
        ("b", "c", 1, "d"): 6,
    }  # fmt: skip


def test_an_alias_gives_a_copy():
    found = parse_yaml(b"a: &x {k: [1]}\nb: *x\n", name="x")
    assert found == {"a": {"k": [1]}, "b": {"k": [1]}}
    found["a"]["k"].append(2)
    assert found["b"] == {"k": [1]}


def test_a_text_of_the_largest_size_is_read():
    text = b"a: 1\n" + b"#" * (LARGEST_TEXT - 5)
    assert parse_yaml(text, name="x") == {"a": 1}
    with pytest.raises(YamlError):
        parse_yaml(text + b"#", name="x")


# YAML 1.1, which libyaml reads, breaks lines at the separators Zl and Zp.
LETTERS = st.characters(
    exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff"
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(LETTERS)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab c", min_size=1), inner),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1), PLAIN, min_size=1))
def test_what_json_writes_is_read_back(values):
    """JSON is YAML 1.2: another writer's idea of the same values."""
    data = json.dumps(values, ensure_ascii=False).encode()
    assert parse_yaml(data, name="x") == values


@settings(max_examples=300, deadline=None)
@given(st.text("ab:-[]{}&*!|>'\"%#? \n\t,1.0e", max_size=60).map(str.encode) | st.binary())
def test_any_bytes_are_values_or_one_clear_line(data):
    try:
        said = str(type(parse_yaml(data, name="x")))
    except SuperfineError as error:
        said = error.message
    assert said == "<class 'dict'>" or (said.startswith("x") and "\n" not in said)


def test_the_loader_of_pyyaml_would_have_fallen_into_these_traps():
    """So the tests above test something."""
    loaded = yaml.safe_load("a: on\nb: 1e-4\na: off\nc: 12:30\n")
    assert loaded == {"a": False, "b": "1e-4", "c": 750}
