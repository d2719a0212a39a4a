"""Cut a print job into ESC/POS commands, as a printer does: in order, whatever the pieces it arrives in.

Lengths and meanings are from Epson's public command reference and owe nothing to the library that writes our jobs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ESC, GS, FS, DLE = 0x1B, 0x1D, 0x1C, 0x10
LINE_FEED = 0x0A
MODULE_SIZE, CODE_LEVEL, STORE_CODE, PRINT_CODE = 67, 69, 80, 81  # GS ( k functions of the QR code

_TEXT = re.compile(rb"[\x20-\xff]+")

# Bytes a command takes after its two letters.
_ESC = dict.fromkeys("!EaMtdJ3-G{VRp", 1) | {"@": 0, "2": 0, "p": 3}
_GS = dict.fromkeys("!BbHhwfraI", 1) | {"L": 2, "W": 2}


@dataclass(frozen=True, slots=True)
class Command:
    """`name` is the command's letters (`ESC !`), `text` for printable bytes up to the next command, `LF`, or `?` for what no printer knows;
    `args` follow it."""

    name: str
    args: bytes
    raw: bytes


def first(data: bytes) -> Command | None:
    """The command `data` begins with; None while more of it must arrive."""
    if not data:
        return None
    lead = data[0]
    if lead in (ESC, GS, FS):
        return _command(data)
    if lead == LINE_FEED:
        return Command("LF", b"", data[:1])
    if lead < 0x20:
        return Command("?", b"", data[:1])
    found = _TEXT.match(data)
    text = found.group() if found else data[:1]
    return Command("text", text, text)


def _command(data: bytes) -> Command | None:
    if len(data) < 2:
        return None
    letter = chr(data[1])
    if data[0] == GS and letter == "(":
        return _long(data)
    if data[0] == GS and letter == "V":
        if len(data) < 3:
            return None
        return _cut(data, "GS V", 2 if data[2] >= 65 else 1)
    if data[0] == GS and letter == "v":
        return _raster(data)
    table, prefix = (_ESC, "ESC") if data[0] == ESC else (_GS, "GS")
    if data[0] == FS or letter not in table:
        return Command("?", b"", data[:2])
    return _cut(data, f"{prefix} {letter}", table[letter])


def _long(data: bytes) -> Command | None:
    """GS ( x pL pH …"""
    if len(data) < 5:
        return None
    size = data[3] + 256 * data[4]
    if len(data) < 5 + size:
        return None
    return Command(f"GS ( {chr(data[2])}", data[5 : 5 + size], data[: 5 + size])


def _raster(data: bytes) -> Command | None:
    """GS v 0 m xL xH yL yH d1…dk: y rows of x bytes"""
    if len(data) < 8:
        return None
    return _cut(data, "GS v", 6 + (data[4] + 256 * data[5]) * (data[6] + 256 * data[7]))


def _cut(data: bytes, name: str, size: int) -> Command | None:
    return Command(name, data[2 : 2 + size], data[: 2 + size]) if len(data) >= 2 + size else None
