"""Crash images lie in memory where the machine has such a place, and play the sales of `tests/session`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "session"))


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A directory whose files need no disk: what is synced there is not the machine's business."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="pilepay-crash-", dir=shared if shared.is_dir() else None) as directory:
        yield Path(directory)
