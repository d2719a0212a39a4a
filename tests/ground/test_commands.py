"""Every command that a page tells the reader to run is one that exists."""

from __future__ import annotations

import re
import subprocess
import sys

from tree import ROOT, texts

_FENCED = re.compile(r"^ *```[a-z]*\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_MAKE = re.compile(r"(?:^|&& |\$ )make ([a-z-]+)")
_PILEPAY = re.compile(r"(?:^|&& |\$ |bin/|-- )pilepay ([a-z]+(?: (?:show|verify|export|price|lint|explain)\b)?)")


def _told(command: re.Pattern[str]) -> list[str]:
    """What the pages name, in blocks and in running text."""
    found = set()
    for path, text in texts().items():
        if path.endswith(".md"):
            lines = [line.strip() for block in _FENCED.findall(text) for line in block.splitlines()] + _INLINE.findall(text)
            found |= {match for line in lines for match in command.findall(line)}
    return sorted(found)


def test_make_targets_of_the_pages_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", texts()["Makefile"], flags=re.MULTILINE))
    assert set(_told(_MAKE)) <= targets


def test_pilepay_commands_of_the_pages_exist() -> None:
    unknown = {}
    for command in _told(_PILEPAY):
        asked = [sys.executable, "-m", "kiosk", *command.split(), "--help"]
        answer = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=30)
        if answer.returncode != 0:
            unknown[command] = answer.stderr
    assert not unknown


def test_every_relative_link_leads_somewhere() -> None:
    dead = [
        f"{path}: {target}"
        for path, text in texts().items()
        if path.endswith(".md")
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)
        if not ((ROOT / path).parent / target).exists()
    ]
    assert not dead
