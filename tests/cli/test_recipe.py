"""`superfine recipe`, the dry run of `superfine train`, and the document about both."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from superfine.training.recipe.faults import keys_of, kinds_of, sections_in
from superfine.training.recipe.text import load_recipe, parse_recipe, shipped_recipes
from superfine.training.recipe.types import Recipe
from tests.conftest import ROOT

from .conftest import Run, draw

RECIPE = """\
# A small one.
network: espcn
scale: 2
data: {kind: pictures, folders: [photos]}
validate: {sets: [photos]}
patch: 8
batch: 4
steps: 100
optimiser: {kind: adam, learning_rate: 1e-3}
schedule: {kind: constant}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    draw(tmp_path / "photos" / "a.png", width=24, height=30)
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE)
    return path


def test_list_names_every_shipped_recipe(run: Run) -> None:
    outcome = run("recipe", "list")
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()] == ["name", *shipped_recipes()]
    values = [json.loads(line) for line in run("recipe", "list", "--json").out.splitlines()]
    assert [value["name"] for value in values] == list(shipped_recipes())
    first = next(value for value in values if value["name"] == "fsrcnn-x2")
    assert (first["network"], first["scale"]) == ("fsrcnn", [2])
    assert first["about"].startswith("FSRCNN x2 on T91, as shipped")


def test_show_writes_the_whole_recipe_out(run: Run) -> None:
    outcome = run("recipe", "show", "fsrcnn-x2", "steps=7", "schedule.warm_up=3")
    assert outcome.code == 0
    values = yaml.safe_load(outcome.out)
    assert parse_recipe(values) == load_recipe(
        shipped_recipes()["fsrcnn-x2"], ["steps=7", "schedule.warm_up=3"]
    )
    assert (values["steps"], values["averaging"], values["keep"]) == (7, 0.999, 2)


def test_show_refuses_what_is_no_recipe(run: Run, tmp_path: Path) -> None:
    outcome = run("recipe", "show", "fsrcn-x2")
    assert (outcome.code, outcome.out) == (2, "")
    assert "Did you mean 'fsrcnn-x2'" in outcome.err
    assert "Did you mean 'steps'" in run("recipe", "show", "fsrcnn-x2", "step=7").err
    (tmp_path / "bad.yaml").write_text("a: [")
    outcome = run("recipe", "show", tmp_path / "bad.yaml")
    assert outcome.code == 2
    assert "(E_YAML)" in outcome.err


def test_validate_lists_every_fault_a_line_each(run: Run, recipe: Path, tmp_path: Path) -> None:
    text = RECIPE.replace("steps: 100", "steps: x\nstep: 5")
    (tmp_path / "typos.yaml").write_text(text)
    (tmp_path / "wrong.yaml").write_text(
        RECIPE.replace("scale: 2", "scale: 9").replace(
            "{kind: constant}", "{kind: poly, warm_up: 101}"
        )
    )
    outcome = run("recipe", "validate", recipe, tmp_path / "typos.yaml", tmp_path / "wrong.yaml")
    assert outcome.code == 2
    assert outcome.out == f"{recipe}: sound\n"
    said = [line.removeprefix(f"{tmp_path}/") for line in outcome.err.splitlines()]
    assert said == [
        "typos.yaml line 9: there is no key 'step'. Did you mean 'steps'?",
        "typos.yaml line 8: steps is 'x'; expected a whole number",
        "wrong.yaml: scale: espcn has no scale 9; it has 1, 2, 3, 4",
        "wrong.yaml: schedule.warm_up: 101 steps, but there are only 100 in all",
    ]


def test_validate_takes_names_of_shipped_recipes(run: Run) -> None:
    outcome = run("recipe", "validate", "recipe:fsrcnn-x2", "fsrcnn-x4")
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split("/")[-1] for line in outcome.out.splitlines()] == [
        "fsrcnn-x2.yaml: sound",
        "fsrcnn-x4.yaml: sound",
    ]


def test_schema_is_json(run: Run) -> None:
    schema = json.loads(run("recipe", "schema").out)
    assert set(schema["properties"]) == set(keys_of(Recipe))


def test_the_dry_run_shows_the_plan_and_writes_nothing(run: Run, recipe: Path) -> None:
    before = sorted(recipe.parent.rglob("*"))
    arguments = ("train", recipe, "--data", recipe.parent, "--dry-run", "-o", recipe.parent / "out")
    outcome = run(*arguments, "batch=2")
    assert outcome.code == 0, outcome.err
    lines = dict(line.split(maxsplit=1) for line in outcome.out.splitlines())
    assert lines["network"] == "espcn x2, 21,284 parameters"
    assert lines["patches"] == "2 a step, 8x8 LR, 16x16 HR"
    assert lines["data"] == "1 pictures or patches, 40 different samples"
    assert lines["memory"].startswith("about ")
    assert " on this machine " in lines["time"]
    values = json.loads(run(*arguments, "--json").out)
    assert (values["v"], values["parameters"], values["samples"]) == (1, 21_284, {"2": 40})
    assert sorted(recipe.parent.rglob("*")) == before


def test_the_dry_run_refuses_what_cannot_be_trained(run: Run, recipe: Path) -> None:
    outcome = run("train", recipe, "--data", recipe.parent / "other", "--dry-run")
    assert outcome.code == 2
    assert "photos is not a folder" in outcome.err
    assert "(E_RECIPE)" in outcome.err


def test_showing_recipes_needs_no_torch() -> None:
    code = (
        "import sys; from superfine.cli import main\n"
        "assert main(['recipe', 'list']) == 0 == main(['recipe', 'show', 'fsrcnn-x2'])\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_recipes_are_packed_into_the_wheel() -> None:
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["recipes"] == "superfine/recipes"


DOCUMENT = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")


def shown(value: object) -> str:
    """A default as the document writes it."""
    if isinstance(value, BaseModel):
        written = value.model_dump(include={"kind"}) | value.model_dump(exclude_unset=True)
        return "{" + ", ".join(f"{key}: {inner}" for key, inner in written.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def default(field: FieldInfo) -> str | None:
    """How a default is documented; None for a key that must be given."""
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True)
    return f"`{shown(value)}`" if value not in (None, {}) else "none"


def test_every_key_stands_in_the_document_with_its_default() -> None:
    table = DOCUMENT.split("## Keys\n")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", table, re.MULTILINE)
    assert rows == [(key, default(f) or "required") for key, f in keys_of(Recipe).items()]


@pytest.mark.parametrize(
    "key", [key for key, field in keys_of(Recipe).items() if sections_in(field.annotation)]
)
def test_every_kind_of_section_stands_in_the_document_with_its_keys(key: str) -> None:
    text = DOCUMENT.split(f"### `{key}`\n")[1].split("\n### ")[0]
    rows = re.findall(r"^\| (.*?)\| (.*?)\| .+ \|$", text, re.MULTILINE)[1:]
    expected = []
    for section in sections_in(keys_of(Recipe)[key].annotation):
        kinds = ", ".join(f"`{kind}`" for kind in kinds_of(section))
        keys = [
            f"`{name}`" + (f" = {default(field)}" if default(field) else "")
            for name, field in keys_of(section).items()
            if name != "kind"
        ]
        expected.append((kinds, ", ".join(keys)))
    assert [(kinds.strip(), keys.strip()) for kinds, keys in rows] == expected


def test_the_example_of_the_document_is_a_recipe() -> None:
    example = DOCUMENT.split("```yaml\n")[1].split("```")[0]
    assert parse_recipe(yaml.safe_load(example.replace("2e-3", "0.002"))).network == "fsrcnn"
