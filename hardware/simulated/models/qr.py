"""The QR code a printer makes of stored data: how large, and which modules are dark."""

from __future__ import annotations

import segno

_LEVELS = {48: "l", 49: "m", 50: "q", 51: "h"}


def matrix(data: bytes, level: int = 48) -> list[list[bool]]:
    """Dark modules, row by row, without a quiet zone. `level` is the argument of GS ( k function 69."""
    code = segno.make(data.decode("latin-1"), error=_LEVELS[level], micro=False, boost_error=False)
    return [[bool(module) for module in row] for row in code.matrix]


def side(data: bytes, level: int = 48) -> int:
    """Modules along one side; 0 without data."""
    return len(matrix(data, level)) if data else 0
