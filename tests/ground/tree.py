"""The files of the project, as the ground tests see them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NOT_TEXT = {".png", ".ico", ".ttf", ".otf", ".woff2", ".wav", ".ogg", ".gz", ".pdf", ".db", ".bin", ".mo", ".qm"}


@cache
def committed() -> tuple[Path, ...]:
    """What git tracks; in an unpacked archive, which is nothing but that, all but what running it makes."""
    if not (ROOT / ".git").exists():
        made = {".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"}
        return tuple(path for path in ROOT.rglob("*") if path.is_file() and not made.intersection(path.relative_to(ROOT).parts))
    # safe.directory: a clone may be tested by another user than the one who made it.
    asked = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    return tuple(path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file())


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def texts() -> dict[str, str]:
    """Every committed text by its path from the root."""
    return {name(path): path.read_text(encoding="utf-8") for path in committed() if path.suffix not in _NOT_TEXT}


def product_modules() -> tuple[Path, ...]:
    return tuple(sorted(path for room in ("kiosk", "hardware") for path in (ROOT / room).rglob("*.py")))
