"""Meter values as they were reported, and what they prove."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of an energy import register, in mWh.

    `utc_ms` is the meter's own time; `power_w` and `soc_percent` are for the eye only.
    """

    utc_ms: int
    mwh: int
    power_w: int | None = None
    soc_percent: int | None = None


class Verdict(Enum):
    VALID = "valid"
    REVIEW = "review"  # implausible: a person decides
    UNVERIFIABLE = "unverifiable"  # nothing that proves an amount


class Validity(Enum):
    """What a signature is worth. Not for us to tell (no key, a curve that cannot be computed with) is neither valid nor forged."""

    VALID = "valid"
    INVALID = "invalid"
    UNVERIFIABLE = "unverifiable"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is physically possible at this connector."""

    max_power_w: int
    tolerance_percent: int = 10


@dataclass(frozen=True, slots=True)
class Delivered:
    """`mwh` is proven energy between `begin` and `end`; `reasons` are codes such as `backwards`, `leap`, `stale`, `no_end`."""

    mwh: int
    begin: Reading | None
    end: Reading | None
    verdict: Verdict
    reasons: tuple[str, ...] = ()
