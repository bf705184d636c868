"""From text to a recipe: every slip is named with its line and the nearest right word."""

import os
from pathlib import Path

import pytest
import yaml

from superfine.errors import UnknownNameError, UsageError
from superfine.training.recipe.text import (
    RecipeError,
    find_recipe,
    headline,
    load_recipe,
    parse_recipe,
    recipe_schema,
    resolved,
    shipped_recipes,
    with_data_root,
)
from superfine.training.recipe.types import AdamW, ClipNorm, Cosine, Recipe
from superfine.yaml_text import YamlError

TEXT = """\
# A header
network: fsrcnn
scale: 2
data:
  kind: pictures
  folders: [train/T91]
  shrink: [1.0, 0.8]
validate:
  sets: [testsets/Set5]
steps: 1000
optimiser:
  kind: adam
  learning_rate: 2e-3
  layers: {enlarge: 0.1}
schedule: {kind: cosine, warm_up: 50}
loss: [{kind: mse}]
"""


@pytest.fixture
def write(tmp_path):
    """Writes a recipe with pieces of the text above replaced."""

    def written(**changes):
        text = TEXT
        for old, new in changes.get("change", {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "r.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_recipe_is_read_as_it_is_written(write):
    recipe = load_recipe(write())
    assert (recipe.network, recipe.scale, recipe.steps) == ("fsrcnn", (2,), 1000)
    assert recipe.data.folders == (Path("train/T91"),)
    assert recipe.optimiser.learning_rate == 2e-3
    assert recipe.optimiser.layers == {"enlarge": 0.1}
    assert recipe.schedule == Cosine(warm_up=50)


# What is written instead of what -> what is said; the line is the one of the slip.
SLIPS = [
    ("scale: 2", "scal: 2", 3, "there is no key 'scal'. Did you mean 'scale'?"),
    ("shrink:", "shrnk:", 7, "where the kind is pictures. Did you mean 'data.shrink'?"),
    ("learning_rate:", "learningrate:", 13, "Did you mean 'optimiser.learning_rate'?"),
    ("loss: [{kind: mse}]", "loss:\n- kind: mse\n  wieght: 2", 18, "Did you mean 'loss.0.weight'?"),
    ("steps: 1000", "steps: 1000\nwarm_up: 5", 11, "Did you mean 'schedule.warm_up'?"),
    ("steps: 1000", "steps: 1000\nvalidate_on: a", 11, "Did you mean 'validate'?"),
    ("warm_up: 50", "every: 50", 15, "there are kind, floor, warm_up"),
    ("2e-3", "le-4", 13, "'le-4'; expected a number. Did you mean 1e-4?"),
    ("2e-3", "'1e-4'", 13, "text in quotes; expected a number"),
    ("2e-3", "-1", 13, "is -1; expected greater than 0"),
    ("2e-3", ".nan", 13, "is nan; expected a finite number"),
    ("2e-3", ".inf", 13, "is inf; expected a finite number"),
    ("1000", "1O00", 10, "steps is '1O00'; expected a whole number. Did you mean 1000?"),
    ("1000", "7.5", 10, "steps is 7.5; expected a whole number"),
    ("1000", "true", 10, "steps is true; expected a number"),
    ("1000", "0", 10, "expected greater than or equal to 1"),
    ("scale: 2", "scale: true", 3, "scale is true; expected a number"),
    ("scale: 2", "scale: [2, 2]", 3, "scales are different whole numbers"),
    ("scale: 2", "scale: 2\nviews: on", 4, "views is 'on'; expected true or false"),
    ("scale: 2", "scale: 2\ncompile: 1", 4, "compile is 1; expected true or false"),
    ("scale: 2", "scale: 2\nprecision: fp8", 4, "'fp8'; expected one of fp32, bf16, fp16"),
    ("kind: adam", "kind: adagrad", 12, "kind is 'adagrad'; expected one of sgd, adam"),
    ("kind: adam", "kind: admaw", 12, "Did you mean 'adamw'?"),
    ("  kind: adam\n", "", 11, "optimiser.kind is missing; one of sgd, adam, adamw, soap"),
    ("{kind: cosine, warm_up: 50}", "cosine", 15, "expected keys, such as {kind: cosine}"),
    ("{kind: cosine, warm_up: 50}", "{kind: multistep, at: [3, 2]}", 15, "the steps must grow"),
    ("[{kind: mse}]", "mse", 16, "expected a list, such as [{kind: mse}]"),
    ("[{kind: mse}]", "[]", 16, "loss is []; expected at least one item"),
    ("[{kind: mse}]", "[{kind: mse}, {kind: ssm}]", 16, "loss.1.kind is 'ssm'; .*Did you mean"),
    ("[train/T91]", "train/T91", 6, "expected a list, such as [train/T91]"),
    ("[train/T91]", "[2018]", 6, "data.folders.0 is 2018; expected text, in quotes"),
    ("enlarge: 0.1", "enlarge: x", 14, "optimiser.layers.enlarge is 'x'; expected a number"),
    ("network: fsrcnn", "network: 5", 2, "network is 5; expected text"),
    ("learning_rate: 2e-3", "learning_rate: 2e-3\n  betas: [0.9, 0, 0]", 14, "expected 2 items"),
    ("validate:\n  sets: [testsets/Set5]", "validate: x", 8, "keys: sets, protocol, every"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "message"), SLIPS, ids=lambda x: str(x)[:30])
def test_a_slip_is_named_with_its_line(write, old, new, line, message):
    path = write(change={old: new})
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    said = caught.value.message
    assert said.startswith(f"{path} line {line}: ")
    assert all(part in said for part in message.split(".*"))
    assert "\n" not in said
    assert len(caught.value.faults) == 1


def test_a_missing_key_is_named_with_what_it_is_for(write):
    with pytest.raises(RecipeError, match=r"r\.yaml: steps is missing \(Optimiser steps\)"):
        load_recipe(write(change={"steps: 1000\n": ""}))


def test_a_misspelt_key_is_not_also_called_missing(write):
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(change={"steps:": "stepps:"}))
    assert len(caught.value.faults) == 1


def test_every_fault_is_told(write):
    path = write(change={"steps: 1000": "steps: x\nfoo: 1", "2e-3": "0", "kind: mse": "kind: m"})
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert len(caught.value.faults) == 4
    assert caught.value.message.endswith("; and 1 more.")


def test_the_keys_of_old_recipes_are_refused(write):
    old = "network: fsrcnn\nscale: 2\ntrain: [a]\nvalidate_on: b\ntail_rate: 0.1\nsteps: 5\n"
    path = write()
    path.write_text(old)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    told = "\n".join(caught.value.faults)
    assert all(f"no key '{key}'" in told for key in ("train", "validate_on", "tail_rate"))


def test_text_that_is_no_yaml_is_refused_with_its_line(write):
    with pytest.raises(YamlError, match=r"r\.yaml line 4 column 5: not YAML"):
        load_recipe(write(change={"scale: 2": "scale: [2"}))


def test_files_that_are_none(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, said in {
        "none.yaml": "does not exist",
        "": "not a file",
        "pipe.yaml": "not a file",
    }.items():
        with pytest.raises(UsageError, match=said):
            load_recipe(tmp_path / name)


def test_overrides_reach_every_place(write):
    recipe = load_recipe(
        write(),
        [
            "optimiser.learning_rate=1e-4", "data.folders=[a, b]", "scale=[2, 3]", "steps=1e5",
            "loss.0.weight=2", "validate.every=7", "clip={kind: norm, at: 0.4}", "seed = 3",
            "optimiser.layers.enlarge.weight=0.3", "start_from=", "data.shrink.1=0.5",
        ],
    )  # fmt: skip
    assert recipe.optimiser.learning_rate == 1e-4
    assert recipe.data.folders == (Path("a"), Path("b"))
    assert (recipe.scale, recipe.steps, recipe.seed) == ((2, 3), 100_000, 3)
    assert (recipe.loss[0].weight, recipe.validate_on.every) == (2.0, 7)
    assert recipe.clip == ClipNorm(at=0.4)
    assert recipe.optimiser.layers == {"enlarge": 0.1, "enlarge.weight": 0.3}
    assert recipe.start_from is None
    assert recipe.data.shrink == (1.0, 0.5)


def test_overrides_reach_into_sections_that_are_there_by_default(write):
    path = write(
        change={"schedule: {kind: cosine, warm_up: 50}\n": "", "loss: [{kind: mse}]\n": ""}
    )
    recipe = load_recipe(path, ["schedule.floor=0.1", "loss.0.sum=true"])
    assert recipe.schedule == Cosine(warm_up=500, floor=0.1)
    assert (recipe.loss[0].kind, recipe.loss[0].sum) == ("mse", True)


def test_a_later_override_wins_and_a_whole_section_can_be_replaced(write):
    changes = ["optimiser={kind: adamw, learning_rate: 1}", "optimiser.learning_rate=2", "steps=1"]
    recipe = load_recipe(write(), [*changes, "steps=2"])
    assert recipe.optimiser == AdamW(learning_rate=2.0)
    assert recipe.steps == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stepss=5", "^stepss=5: there is no key 'stepss'. Did you mean 'steps'?"),
        (
            "optimser.eps=1",
            "^optimser.eps=1: there is no key 'optimser'. Did you mean 'optimiser'?",
        ),
        ("schedule.warmup=1", "Did you mean 'schedule.warm_up'?"),
        ("steps=abc", "^steps=abc: steps is 'abc'; expected a whole number"),
        ("optimiser.learning_rate=le-4", "Did you mean 1e-4?"),
        ("optimiser={kind: sgd}", "learning_rate is missing"),
        ("loss.1.weight=2", "'1' is no item of loss; loss has items 0 to 0"),
        ("loss.first.weight=2", "'first' is no item of loss"),
        ("steps", "'steps' is no override"),
        ("=5", "'=5' is no override"),
    ],
)
def test_a_wrong_override_is_named(write, override, message):
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(), [override])
    said = caught.value.message
    assert said.startswith(message[1:]) if message.startswith("^") else message in said


def test_an_override_that_is_no_yaml_is_named(write):
    with pytest.raises(YamlError, match=r"^data\.folders=\[a line"):
        load_recipe(write(), ["data.folders=[a"])


def test_what_is_resolved_loads_back_to_the_same_recipe(write, tmp_path):
    names = ["1e-4", "on", "0o17", "a: b", "#x", "é", "12:30", "*a", "null", " ", "5", "~", "x\ty"]
    recipe = load_recipe(write(), [f"scale=[{', '.join('234')}]"])
    data = recipe.data.model_copy(update={"folders": tuple(map(Path, names))})
    adversarial = {"kind": "vanilla", "weight": 1e-300, "learning_rate": 1e22}
    recipe = parse_recipe(
        recipe.model_dump(by_alias=True)
        | {"data": data.model_dump(), "adversarial": adversarial, "seed": (1 << 63) - 1}
    )
    text = resolved(recipe)
    again = tmp_path / "again.yaml"
    again.write_text(text, encoding="utf-8")
    assert load_recipe(again) == recipe
    assert set(yaml.safe_load(text)) == {f.alias or n for n, f in Recipe.model_fields.items()}


def test_relative_folders_lie_under_the_data_root(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = with_data_root(load_recipe(write(), ["data.folders=[a, /b]"]), Path("data"))
    assert recipe.data.folders == (tmp_path / "data" / "a", Path("/b"))
    assert recipe.validate_on.sets == (tmp_path / "data" / "testsets" / "Set5",)
    kinds = {"pairs": ("hr", "lr"), "h5": ("file",)}
    for kind, keys in kinds.items():
        values = f"data={{kind: {kind}, {', '.join(f'{key}: {key}' for key in keys)}}}"
        data = with_data_root(load_recipe(write(), [values]), Path("/r")).data
        assert [getattr(data, key) for key in keys] == [Path("/r") / key for key in keys]


def test_every_shipped_recipe_is_sound_and_says_what_it_is():
    found = shipped_recipes()
    assert {"fsrcnn-x2", "fsrcnn-x3", "fsrcnn-x4"} <= set(found)
    for name, path in found.items():
        recipe = load_recipe(path)
        assert len(headline(path)) > 20, name
        assert not any(folder.is_absolute() for folder in recipe.validate_on.sets)


@pytest.mark.parametrize("name", ["recipe:fsrcnn-x2", "fsrcnn-x2"])
def test_a_shipped_recipe_is_found_by_its_name(name):
    assert find_recipe(name) == shipped_recipes()["fsrcnn-x2"]


def test_a_file_comes_before_a_shipped_recipe_unless_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fsrcnn-x2").write_text(TEXT)
    assert find_recipe("fsrcnn-x2") == Path("fsrcnn-x2")
    assert find_recipe("recipe:fsrcnn-x2") == shipped_recipes()["fsrcnn-x2"]


def test_a_recipe_that_is_nowhere_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'fsrcnn-x2'"):
        find_recipe("recipe:fsrcn-x2")
    with pytest.raises(UsageError, match="does not exist") as caught:
        find_recipe("elsewhere/fsrcnn-x2.yaml")
    assert "recipe:fsrcnn-x2" in caught.value.hint


def test_the_schema_knows_every_key_and_both_ways_to_write_a_scale():
    schema = recipe_schema()
    assert set(schema["properties"]) == {f.alias or n for n, f in Recipe.model_fields.items()}
    assert [way["type"] for way in schema["properties"]["scale"]["anyOf"]] == ["integer", "array"]
    assert schema["additionalProperties"] is False
    assert "kind" in schema["$defs"]["Adam"]["required"]
    assert set(schema["required"]) == {
        n for n, f in Recipe.model_fields.items() if f.is_required() and not f.alias
    } | {"validate"}
