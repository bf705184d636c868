"""A room imports its own floor or a lower one; docs/decisions/0001 draws the floors."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "superfine"

FLOORS = {
    "types": 0,
    "errors": 0,
    "ops": 1,
    "models": 2,
    "adversarial": 2,
    "losses": 2,
    "metrics": 2,
    "io": 3,
    "card": 3,
    "schema": 3,
    "unfilled": 3,
    "foreign": 3,
    "own_file": 3,
    "community": 3,
    "ledger": 3,
    "purposes": 3,
    "elsewhere": 3,
    "budget": 3,
    "checkpoints": 3,
    "inspection": 3,
    "conversion": 3,
    "window": 3,
    "tiling": 3,
    "inference": 3,
    "data": 3,
    "depth": 3,
    "diagnose": 3,
    "visual": 3,
    "yaml_text": 3,
    "benchmark": 4,
    "training": 4,
    "jobs": 4,
    "demo": 4,
    "blind": 4,
    "diagnosis": 4,
    "cli": 5,
}

# Floors 0 to 2 are pure: no files, processes, network, clock or environment.
IMPURE = {"pathlib", "os", "io", "time", "datetime", "socket", "subprocess", "tempfile", "shutil"}


def room_of(file: Path) -> str:
    inside = file.relative_to(SOURCE)
    return inside.parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    """Every module `file` imports, at the top or inside a function, in dotted form."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_imported(file: Path) -> set[str]:
    modules = (name.split(".") for name in imports(file))
    return {parts[1] for parts in modules if parts[0] == "superfine" and len(parts) > 1}


FILES = [f for f in sorted(SOURCE.rglob("*.py")) if f.parent != SOURCE or f.stem[:2] != "__"]


def test_every_room_has_a_floor():
    assert {room_of(file) for file in FILES} == set(FLOORS)


def test_nobody_imports_from_a_higher_floor():
    wrong = [
        f"{file.relative_to(SOURCE)} (floor {FLOORS[room_of(file)]}) imports {room}"
        for file in FILES
        for room in rooms_imported(file)
        if room in FLOORS and FLOORS[room] > FLOORS[room_of(file)]
    ]
    assert not wrong


def test_the_lower_floors_touch_nothing_outside():
    wrong = [
        f"{file.relative_to(SOURCE)} imports {name}"
        for file in FILES
        if FLOORS[room_of(file)] <= 2
        for name in imports(file)
        if name.split(".")[0] in IMPURE
    ]
    assert not wrong


def test_the_checker_sees_a_wrong_import(tmp_path):
    """The check above can fail: an import of a higher room is found wherever it hides."""
    file = tmp_path / "x.py"
    file.write_text("def f():\n    from superfine.jobs import run\n")
    assert "jobs" in rooms_imported(file)
