"""A reader of RFID tags that tells each as a line, and the tags of a few drivers. No I/O: what it says is returned as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class TagKind(Enum):
    """Whose tag is held to the reader."""

    KNOWN = "known"
    COLLEAGUE = "colleague"  # of the same fleet and group as the known one
    FLEET = "fleet"  # a tag of a depot: several cars at once
    BLOCKED = "blocked"
    EXPIRED = "expired"
    STRANGER = "stranger"  # nobody's here
    PHONE = "phone"  # makes up a number


UIDS: Mapping[TagKind, str] = MappingProxyType(
    {
        TagKind.KNOWN: "04A1B2C3D4E5F6",
        TagKind.COLLEAGUE: "04A1B2C3D4E5F7",
        TagKind.FLEET: "DEADBEEF",
        TagKind.BLOCKED: "04B10C4ED0BAD1",
        TagKind.EXPIRED: "04E0E1E2E3E4E5E6E7E8",
        TagKind.STRANGER: "0457A4634E0001",
        TagKind.PHONE: "08D1E2F3",
    }
)


class Fault(Enum):
    """How a reader fails while its cable is in."""

    NONE = "none"
    MUTE = "mute"  # reads nothing any more
    GARBLED = "garbled"  # a loose contact: half a line, noise, then the rest
    CHATTERING = "chattering"  # tells every tag many times


class ReaderModel:
    """Tells tags as `04:a1:b2:c3` and a carriage return, as many readers do from the factory."""

    def __init__(self) -> None:
        self.fault = Fault.NONE
        self.told = 0

    def hold(self, uid: str) -> bytes:
        """What the reader sends while this tag lies on it for a moment."""
        line = ":".join(uid[i : i + 2] for i in range(0, len(uid), 2)).lower().encode() + b"\r\n"
        match self.fault:
            case Fault.MUTE:
                return b""
            case Fault.GARBLED:
                return line[:5] + b"\xfe\x00" + line[5:]
            case Fault.CHATTERING:
                line *= 12
        self.told += 1
        return line
