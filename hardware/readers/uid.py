"""What a tag is known by, whichever reader read it: its UID in wire order, upper-case hex, nothing between the digits.

A UID is a name, not a proof: it can be copied. And not every number that a reader tells is one. A phone, or a card that hides its UID,
makes up a new number each time (four bytes, the first 08: NXP AN10927); a reader that stops half-way through a long UID tells the cascade
tag 88 and three bytes of it (ISO/IEC 14443-3 6.5.4).
"""

from __future__ import annotations

import re

_LENGTHS = (4, 7, 10)
_BETWEEN = re.compile(r"[\s:.-]")
_HEX = re.compile(r"(?:[0-9A-F]{2})+")
_RANDOM = 0x08
_CASCADE = 0x88


class UidError(ValueError):
    """No UID to know a tag by. Its message never shows what was read."""


class RandomUid(UidError):
    """The tag made this number up: it will be another one next time."""


def normal(text: str, *, backwards: bool = False) -> str:
    """The UID in `text`, which may be of either case, with separators, with a 0x before it; `backwards` where the last byte comes first.

    Raises `RandomUid`, or `UidError` for everything else that is none.
    """
    digits = _BETWEEN.sub("", text).upper().removeprefix("0X")
    if not _HEX.fullmatch(digits):
        raise UidError("is no UID: hexadecimal digits are wanted, two for each byte")
    uid = bytes.fromhex(digits)
    if len(uid) not in _LENGTHS:
        raise UidError(f"has {len(uid)} bytes, a UID has 4, 7 or 10: see whether the reader cuts or pads it")
    if backwards:
        uid = uid[::-1]
    if len(set(uid)) == 1 and uid[0] in (0x00, 0xFF):
        raise UidError("is nothing but zeros or ones: the reader saw no tag")
    if len(uid) == 4 and uid[0] == _RANDOM:
        raise RandomUid("is a number that a phone or a private card made up, and another one next time")
    if len(uid) == 4 and uid[0] == _CASCADE:
        raise UidError("is the beginning of a longer UID: set the reader to tell all seven bytes")
    return uid.hex().upper()
