"""What is committed runs anywhere: no address of somebody's package index, no path of somebody's machine."""

from __future__ import annotations

import ast
import os
import re
import sys
import tomllib
from collections import Counter

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tree import ROOT, committed, name, product_modules, texts

_HERE = "tests/ground/test_clean_tree.py"
_SET_UP = re.compile(
    r"(^|/)(Makefile|run|setup[^/]*|[^/]*\.(lock|toml|cfg|ini|in|sh|service|conf)|debian/[^/]*|\.importlinter|\.editorconfig)$"
)
_INDEX = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host|\bindex-url\s*=|\[\[?tool\.uv\.(index|pip)|/simple/?(\s|\"|'|$)")
_MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(home|root|tmp|work|workspace|builds|Users|mnt)/\w")


def _found(pattern: re.Pattern[str], where: re.Pattern[str] | None = None) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in texts().items()
        if path != _HERE and (where is None or where.search(path))
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_package_index_is_named() -> None:
    assert not _found(_INDEX, _SET_UP)


def test_the_lock_holds_every_library_the_project_names() -> None:
    project = tomllib.loads(texts()["pyproject.toml"])["project"]
    named = [Requirement(line) for lines in (project["dependencies"], *project["optional-dependencies"].values()) for line in lines]
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^ ;\\]+)", texts()["requirements.lock"], flags=re.MULTILINE)
    locked = {canonicalize_name(library): version for library, version in pins}
    missing = [str(r) for r in named if not r.specifier.contains(locked.get(canonicalize_name(r.name), "0"), prereleases=True)]
    assert not missing, f"not in requirements.lock, run `make lock`: {missing}"


def test_no_path_of_one_machine() -> None:
    assert not _found(_MACHINE_PATH)


def test_every_module_says_what_it_is_for() -> None:
    modules = [path for path in (*product_modules(), *(ROOT / "tests").rglob("*.py")) if path in committed()]
    silent = [name(path) for path in modules if len(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "") < 20]
    assert not silent


@pytest.mark.parametrize("script", [".ci/run", "packaging/setup"])
def test_scripts_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def test_modules_of_the_tests_have_names_of_their_own() -> None:
    """The test folders share one name space: two `world.py` would be one module, whichever was imported first."""
    counted = Counter(path.stem for path in (ROOT / "tests").rglob("*.py") if path.stem != "conftest")
    assert not {module for module, count in counted.items() if count > 1 or module in sys.stdlib_module_names}
