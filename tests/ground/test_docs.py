"""What the pages say of the product is so: its commands and options, files, doors, facts, codes, keys and defaults."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import subprocess
import sys
from functools import cache

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from tree import ROOT, product_modules, texts

from kiosk.__main__ import _parser
from kiosk.config.model import Connector, File, Pile, Policies
from kiosk.session import facts
from kiosk.session.faults import FAULTS

PAGES = ("README.md", "docs/architecture.md", "docs/installer.md", "docs/operator.md", "docs/integration.md")
_FENCED = re.compile(r"^```[a-z]*\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_SECOND = "show|verify|export|price|compare|lint|explain|list|decide|sales|reviews"
_COMMAND = re.compile(rf"(?:^|bin/|-- |\$ )pilepay ([a-z]+(?: (?:{_SECOND})\b)?)([^|&]*)")
_MADE = re.compile(r'make ([a-z]+) ARGS="([^"]*)"')
_OURS = re.compile(r"(?:README|CONTRIBUTING|SECURITY|CHANGELOG)\.md|(?:kiosk|hardware|tests|docs|assets|packaging)/[\w./-]+")
_ROW = re.compile(r"^\| `([^`]+)`.*", flags=re.MULTILINE)
_MOST_PICTURE_BYTES = 200_000


def _page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _decisions() -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/adr").glob("*.md"))


def _lines_of_code(page: str) -> list[str]:
    """What stands in blocks, by line, and what stands in running text."""
    text = _page(page)
    return [line.strip() for block in _FENCED.findall(text) for line in block.splitlines()] + _CODE.findall(_FENCED.sub("", text))


def _rows(page: str) -> dict[str, str]:
    """The rows of all tables that begin with something in code, by that."""
    return {row[1]: row[0] for row in _ROW.finditer(_page(page))}


@cache
def _help(command: str) -> str:
    asked = [sys.executable, "-m", "kiosk", *command.split(), "--help"]
    answer = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=30)
    return answer.stdout if answer.returncode == 0 else ""


# --- the first page -----------------------------------------------------------------------------------------------------------


def test_the_readme_is_one_page() -> None:
    assert len(_page("README.md").splitlines()) <= 100


def test_every_command_of_the_readme_exists() -> None:
    lines = _lines_of_code("README.md")
    targets = set(re.findall(r"^([a-z]+):", texts()["Makefile"], flags=re.MULTILINE))
    made = {match for line in lines for match in re.findall(r"^make ([a-z]+)", line)}
    run = {match[1] for line in lines for match in _COMMAND.finditer(line)}
    assert {"demo", "test"} <= made <= targets
    assert run
    assert not [command for command in run if not _help(command)]


def _commands(parser: argparse.ArgumentParser) -> set[str]:
    """Every command there is, with its subcommands."""
    found = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                found |= {f"{name} {sub}" for sub in _commands(inner)} or {name}
    return found


def test_the_readme_names_every_command() -> None:
    named = set()
    for row in re.findall(r"^\| (`pilepay [^|]+) \|", _page("README.md"), flags=re.MULTILINE):
        first, *more = _CODE.findall(row)
        group = " ".join(first.split()[1:-1])  # what follows `pilepay tariff price` is of `tariff`, too
        named |= {first.removeprefix("pilepay "), *(f"{group} {word}".strip() for word in more)}
    assert named == _commands(_parser())


@pytest.mark.parametrize("picture", ["price.png", "charging.png", "receipt.png", "architecture.svg"])
def test_pictures_are_small_enough_for_a_page(picture: str) -> None:
    assert 0 < (ROOT / "docs/pictures" / picture).stat().st_size < _MOST_PICTURE_BYTES


# --- what the pages name ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_option_of_a_command_is_one_it_has(page: str) -> None:
    told = {(match[1], match[2]) for line in _lines_of_code(page) for match in _COMMAND.finditer(line)}
    told |= {(match[1], match[2]) for line in _lines_of_code(page) for match in _MADE.finditer(line) if match[1] == "demo"}
    unknown = [
        f"pilepay {command} {option}"
        for command, rest in told
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest)
        if option not in _help(command)
    ]
    assert not unknown


@pytest.mark.parametrize("page", [*PAGES, *_decisions()])
def test_every_file_that_is_named_exists(page: str) -> None:
    named = {word for line in _lines_of_code(page) for word in _OURS.findall(line) if "<" not in line}
    assert not [path for path in named if not (ROOT / path.rstrip(".")).exists()]


def test_every_front_door_of_the_rooms_opens() -> None:
    rows = {room: row for room, row in _rows("docs/architecture.md").items() if _OURS.fullmatch(room)}
    assert {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "kiosk").glob("*/__init__.py")} <= set(rows)
    for room, row in rows.items():
        for door in _CODE.findall(row.rpartition(" | ")[2]):
            if door.endswith(".py"):
                assert (ROOT / room / door).is_file(), f"{room}: {door}"
                continue
            module, _, name = f"{room.removesuffix('.py').replace('/', '.')}.{door}".rpartition(".")
            assert hasattr(importlib.import_module(module), name) or importlib.util.find_spec(f"{module}.{name}"), f"{room}: {door}"


def test_every_class_that_is_named_exists() -> None:
    defined = {name for path in product_modules() for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}
    for page in ("docs/architecture.md", "docs/operator.md"):
        words = {word for word in _CODE.findall(_FENCED.sub("", _page(page))) if re.fullmatch(r"(?:[A-Z][a-z]+)+", word)}
        assert words
        assert not words - defined - {"Decimal"}, page


def test_the_sale_of_the_architecture_is_told_in_real_facts() -> None:
    (told,) = [block for block in _FENCED.findall(_page("docs/architecture.md")) if "SessionOpened" in block]
    words = [line.split()[0] for line in told.splitlines() if line and not line.startswith(" ")]
    kinds = {name for name, kind in vars(facts).items() if isinstance(kind, type) and kind.__module__ == facts.__name__}
    assert words[0] == "SessionOpened"
    assert words[-1] == "SessionClosed"
    assert not set(words) - kinds


# --- what the operator looks up -----------------------------------------------------------------------------------------------


def test_every_review_has_its_row_for_the_operator() -> None:
    rows = _rows("docs/operator.md")
    for fault in FAULTS.values():
        if fault.review:
            cells = [cell.strip() for cell in rows.get(fault.code, "").strip("|").split("|")]
            assert cells[:2] == [f"`{fault.code}`", fault.spoken], fault.code
            assert all(len(cell) > 20 for cell in cells[2:4]), f"{fault.code}: what it means, and what to do"


def test_every_code_a_driver_may_say_is_explained() -> None:
    _, _, phone = _page("docs/operator.md").partition("## On the phone")
    assert not [fault.code for fault in FAULTS.values() if f"`{fault.code}`" not in phone]


# --- what the installer writes ------------------------------------------------------------------------------------------------


def _keys() -> list[tuple[str, str]]:
    """Every key of kiosk.toml with its table."""
    found = []
    tables: list[tuple[str, type[BaseModel]]] = [("piles", Pile), ("connectors", Connector)]
    for name, field in File.model_fields.items():
        kinds = [kind for kind in (field.annotation, *getattr(field.annotation, "__args__", ())) if isinstance(kind, type)]
        tables += [(name, kind) for kind in kinds if issubclass(kind, BaseModel) and kind is not Pile]
    for table, model in tables:
        found += [(table, key) for key in model.model_fields if key != "connectors"]
    return found


def test_every_key_of_the_configuration_is_told() -> None:
    page = _page("docs/installer.md")
    assert len(_keys()) > 60
    assert not [f"{table}.{key}" for table, key in _keys() if not re.search(rf"`(?:{table})?\.?{key}`", page)]


def test_every_default_of_the_policies_is_told_rightly() -> None:
    rows = [row.split("|") for row in _page("docs/installer.md").splitlines() if row.startswith("| `")]
    row_of = {key: row for row in rows for key in _CODE.findall(row[1])}
    for key, field in Policies.model_fields.items():
        if field.default is PydanticUndefined:
            continue
        keys, defaults = _CODE.findall(row_of[key][1]), re.findall(r"\d+", row_of[key][2])
        assert defaults[keys.index(key)] == str(field.default), key
