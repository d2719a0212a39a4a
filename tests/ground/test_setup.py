"""Setting up refuses what cannot work, in words a newcomer understands, and never asks a question."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tree import ROOT, texts


def _set_up(python: Path | str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHON": str(python)}
    command = [str(ROOT / "packaging/setup")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)


def test_an_old_python_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n', encoding="ascii")
    old.chmod(0o755)
    answer = _set_up(old)
    assert answer.returncode != 0
    assert "Python 3.9.2" in answer.stderr
    assert "needs Python 3.11 or newer" in answer.stderr


def test_every_debian_package_stands_on_a_line_of_its_own() -> None:
    lines = [line.partition("#")[0].strip() for line in texts()["packaging/debian-packages.txt"].splitlines()]
    names = [line for line in lines if line]
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.+-]+( \| [a-z0-9][a-z0-9.+-]+)*", line) for line in names)
    assert len(names) == len(set(names))
