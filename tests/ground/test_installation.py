"""A kiosk gets what it runs on, the same versions that were tested, and no tool of a developer: less on a machine that moves money."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tree import ROOT, texts

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^\n]*?)((?: *\\\n    --hash=\S+)+)\n((?:    #[^\n]*\n)*)", flags=re.MULTILINE)
_ALL, _KIOSK = "requirements.lock", "requirements-kiosk.lock"
_PACKAGES = "packaging/debian-packages.txt"
# What every Debian has, with systemd as its init.
_DEBIAN = set("apt-get cd cp install journalctl ln runuser sed systemctl systemd-sysusers tar timedatectl".split())


def _pins(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Each library's version (with what it is pinned for) and hashes."""
    return {canonicalize_name(pin[1]): (pin[2], frozenset(re.findall(r"sha256:\w+", pin[3]))) for pin in _PIN.finditer(texts()[lock])}


def _asked_by() -> dict[str, set[str]]:
    """For each library of the whole lock, who needs it."""
    return {
        canonicalize_name(pin[1]): set(re.findall(r"^    #(?: via)? +([\w.-]+)", pin[4], re.MULTILINE))
        for pin in _PIN.finditer(texts()[_ALL])
    }


def _named(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def _roots() -> tuple[set[str], set[str]]:
    """What a kiosk is asked to have, its package's builder too; and the developer's tools."""
    file = tomllib.loads(texts()["pyproject.toml"])
    extras = file["project"]["optional-dependencies"]
    wanted = _named([*file["project"]["dependencies"], *extras["screen"], *file["build-system"]["requires"]])
    return wanted, _named(extras["dev"]) - wanted


def _lines_of_the_page() -> list[str]:
    return texts()["docs/installer.md"].splitlines()


def _blocks(page: str) -> list[str]:
    """The commands of a page: its blocks in no language."""
    parts = re.split(r"^```([a-z]*)\n", texts()[page], flags=re.MULTILINE)
    assert not any(parts[3::4]), "each block is closed"
    return [body for language, body in zip(parts[1::4], parts[2::4], strict=True) if not language]


def test_what_a_kiosk_gets_is_pinned_as_it_was_tested() -> None:
    tested = _pins(_ALL)
    assert len(_pins(_KIOSK)) == len(re.findall(r"^[^\s#]", texts()[_KIOSK], re.MULTILINE)), "every line is a pin with its hashes"
    assert not {name for name, pin in _pins(_KIOSK).items() if tested.get(name) != pin}, "run `make lock`"


def test_no_tool_of_a_developer_comes_to_a_kiosk() -> None:
    wanted, tools = _roots()
    asked_by, needed = _asked_by(), set(wanted)
    while more := {name for name, by in asked_by.items() if by & needed} - needed:
        needed |= more
    assert {"pytest", "mypy", "ruff", "uv"} <= tools
    assert not tools & set(_pins(_KIOSK))
    assert wanted <= set(_pins(_KIOSK)) <= needed


def test_the_page_installs_the_lock_of_a_kiosk() -> None:
    (command,) = [line for line in _lines_of_the_page() if "--require-hashes" in line]
    assert re.findall(r"-r (\S+)", command) == [_KIOSK]


def test_the_page_takes_only_the_packages_a_kiosk_needs() -> None:
    (command,) = [line for line in _lines_of_the_page() if _PACKAGES in line and line.startswith("sed ")]
    choose, _, install = command.partition(" | ")
    assert install.startswith("xargs apt-get install ")
    chosen = subprocess.run(["sh", "-c", choose], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10).stdout.split()
    kiosk, _, development = texts()[_PACKAGES].partition("# --- only for development ---\n")
    assert chosen == re.findall(r"^[a-z0-9][\w.+-]*", kiosk, re.MULTILINE)
    assert set(re.findall(r"^[a-z0-9][\w.+-]*", development, re.MULTILINE)) >= {"git", "gcc", "libc6-dev", "e2fsprogs"}


@pytest.mark.parametrize("page", ["docs/installer.md", "docs/operator.md"])
def test_no_step_uses_a_program_that_nothing_brought(page: str) -> None:
    """`git` runs on the installer's own computer; `pilepay` is the link that the steps make."""
    steps = "\n".join(_lines_of_the_page())
    (packages,) = re.findall(r"^apt-get install -y --no-install-recommends (.+)$", steps, re.MULTILINE)
    assert "\nln -sf /opt/pilepay/venv/bin/pilepay /usr/local/bin/pilepay\n" in steps
    brought = {*_DEBIAN, *packages.split(), "git", "pilepay", "python3", "/opt/pilepay/venv/bin/pip"}
    ran = {line.split()[0] for block in _blocks(page) for line in block.splitlines() if line.strip()}
    assert ran
    assert not ran - brought


@pytest.mark.parametrize("lock", [_ALL, _KIOSK])
def test_a_lock_holds_no_address(lock: str) -> None:
    assert "://" not in texts()[lock]
