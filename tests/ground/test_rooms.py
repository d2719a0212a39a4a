"""What the import contract cannot say: the pure rooms use only what computes, and no product module knows a simulator or a mutant."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tree import ROOT, name, product_modules

# The only libraries of others that the pure rooms and the screen's protocol may use, and where.
_LIBRARIES = {"kiosk/pricing/load.py": {"pydantic"}, "kiosk/metering/verify.py": {"cryptography"}}
_PURE = ("kiosk/session/", "kiosk/pricing/", "kiosk/metering/", "kiosk/values.py", "kiosk/protocol.py")
_REACHES_OUT = {"open", "input", "print", "exec", "eval", "globals", "__import__", "breakpoint"}
_MAY_SIMULATE = ("kiosk/__main__.py", "kiosk/simulation/", "hardware/simulated/")
_FAR_END = re.compile(r"simulat|mutant", re.IGNORECASE)


def _pure_modules() -> list[Path]:
    return [path for path in product_modules() if name(path).startswith(_PURE)]


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def _prose(tree: ast.Module) -> set[ast.expr]:
    """The docstrings: what explains may name what runs elsewhere."""
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
    firsts = [body[0].value for body in bodies if body and isinstance(body[0], ast.Expr)]
    return {value for value in firsts if isinstance(value, ast.Constant)}


def _words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name, and every string that is a name of something, with its line. A sentence is prose too."""
    prose = _prose(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        for value in (getattr(node, attribute, None) for attribute in ("id", "attr", "name", "arg", "module", "asname")):
            if isinstance(value, str):
                yield line, value
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value and node not in prose:
            yield line, node.value


def test_pure_rooms_use_the_standard_library_and_two_others() -> None:
    foreign = {
        name(path): unknown
        for path in _pure_modules()
        if (unknown := set(_imports(_parse(path))) - sys.stdlib_module_names - {"kiosk"} - _LIBRARIES.get(name(path), set()))
    }
    assert not foreign


def test_pure_rooms_reach_for_nothing_outside() -> None:
    calls = [
        f"{name(path)}:{node.lineno}: {node.func.id}()"
        for path in _pure_modules()
        for node in ast.walk(_parse(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _REACHES_OUT
    ]
    assert not calls


def test_pure_rooms_keep_no_state_between_calls() -> None:
    kept = [f"{name(path)}:{node.lineno}" for path in _pure_modules() for node in ast.walk(_parse(path)) if isinstance(node, ast.Global)]
    assert not kept


def test_a_rooms_command_line_is_nobodys_way_into_the_room() -> None:
    """What others need of a room lies where it is done, not where its commands are."""
    imports = [
        f"{name(path)}:{node.lineno}"
        for path in product_modules()
        if not name(path).startswith(_MAY_SIMULATE)
        for node in ast.walk(_parse(path))
        if isinstance(node, ast.ImportFrom)
        for imported in (node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names))
        if imported.endswith(".cli")
    ]
    assert not imports


def test_no_product_module_names_a_simulator_or_a_mutant() -> None:
    named = [
        f"{name(path)}:{line}: {word[:80]}"
        for path in product_modules()
        if not name(path).startswith(_MAY_SIMULATE)
        for line, word in _words(_parse(path))
        if _FAR_END.search(word)
    ]
    assert not named


def test_only_core_explains_itself_by_what_simulates_it() -> None:
    """Every other room is there for the product alone, also in its own words."""
    told = [
        f"{name(path)}:{value.lineno}"
        for path in product_modules()
        if not name(path).startswith((*_MAY_SIMULATE, "kiosk/core/"))
        for value in _prose(_parse(path))
        if isinstance(value, ast.Constant) and re.search(r"simulator|simulated world|mutant", str(value.value))
    ]
    assert not told


def test_no_screen_file_names_a_simulator_or_a_mutant() -> None:
    assert not [name(path) for path in (ROOT / "kiosk").rglob("*.qml") if _FAR_END.search(path.read_text(encoding="utf-8"))]
