"""The values every room speaks in: money, energy, moments and ids.

Money is integer minor units (ISO 4217 exponent), energy is integer milliwatt-hours, time is UTC with a monotonic companion.
No float touches any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from typing import NewType, Protocol

SessionId = NewType("SessionId", str)
ConnectorId = NewType("ConnectorId", str)
PaymentRef = NewType("PaymentRef", str)
RequestRef = NewType("RequestRef", str)
PspRef = NewType("PspRef", str)
Digest = NewType("Digest", str)
MilliwattHours = int

MWH_PER_WH = 1_000
MWH_PER_KWH = 1_000_000

# ISO 4217 exponents that are not 2.
_EXPONENTS = dict.fromkeys(("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF").split(), 0) | dict.fromkeys(
    ("BHD IQD JOD KWD LYD OMR TND").split(), 3
)


class ValuesError(ValueError):
    """A value that cannot be what it claims to be, such as money of two currencies in one sum."""


def exponent(currency: str) -> int:
    """Number of minor-unit digits of an ISO 4217 currency (EUR 2, JPY 0, KWD 3)."""
    if len(currency) != 3 or not currency.isascii() or not currency.isupper():
        raise ValuesError(f"{currency!r} is no ISO 4217 currency code: use three capital letters, such as EUR")
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of one currency. May be negative (a credit)."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: Decimal | str, currency: str) -> Money:
        """From major units; half up to the currency's exponent."""
        scaled = Decimal(amount).scaleb(exponent(currency))
        return cls(int(scaled.to_integral_value(ROUND_HALF_UP)), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    def decimal(self) -> Decimal:
        """Major units, with exactly the currency's digits."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValuesError(f"{self} and {other} are of different currencies")
        return other.minor


@dataclass(frozen=True, slots=True, init=False)
class Moment:
    """A point in time as one kiosk knew it.

    `utc_ms` is wall time in milliseconds since 1970 (for people and tariffs); `mono_ns` counts within one boot `boot_id` (for durations);
    `trusted` is false while the wall clock has not been confirmed.
    """

    utc_ms: int
    boot_id: str
    mono_ns: int
    trusted: bool = True

    def __init__(self, utc_ms: int, boot_id: str, mono_ns: int, trusted: bool = True) -> None:
        # Nothing is made as often: the slots are filled directly, which takes half as long as a frozen dataclass's own way.
        _SET_UTC_MS(self, utc_ms)
        _SET_BOOT_ID(self, boot_id)
        _SET_MONO_NS(self, mono_ns)
        _SET_TRUSTED(self, trusted)

    def plus(self, seconds: int) -> Moment:
        """The moment `seconds` later, on both clocks."""
        return Moment(self.utc_ms + seconds * 1_000, self.boot_id, self.mono_ns + seconds * 1_000_000_000, self.trusted)

    def ms_since(self, earlier: Moment) -> int:
        """Milliseconds from `earlier` to here: monotonic within a boot, wall time across boots; never negative."""
        if self.boot_id == earlier.boot_id:
            return max(0, (self.mono_ns - earlier.mono_ns) // 1_000_000)
        return max(0, self.utc_ms - earlier.utc_ms)

    def ms_until(self, later: Moment) -> int:
        """Milliseconds from here to `later`, negative when it has passed; monotonic within a boot, wall time across boots."""
        if self.boot_id == later.boot_id:
            return (later.mono_ns - self.mono_ns) // 1_000_000
        return later.utc_ms - self.utc_ms

    def reached(self, deadline: Moment) -> bool:
        """Whether `deadline` has come."""
        if self.boot_id == deadline.boot_id:
            return self.mono_ns >= deadline.mono_ns
        return self.utc_ms >= deadline.utc_ms


_SET_UTC_MS, _SET_BOOT_ID, _SET_MONO_NS, _SET_TRUSTED = (getattr(Moment, field.name).__set__ for field in fields(Moment))


class Ids(Protocol):
    """Where new ids come from. The pure rooms never make one up."""

    def session(self) -> SessionId:
        """The kiosk's id and 128 random bits. Payment and request references are derived from it, so two kiosks never collide."""
        ...

    def service_id(self) -> str:
        """A terminal dialogue's name: 1-10 alphanumerics, not repeated within 48 h (Adyen Terminal API)."""
        ...

    def id_tag(self) -> str:
        """An OCPP idToken for one sale: at most 20 characters of A-Z and 2-7 (OCPP 1.6 CiString20)."""
        ...

    def transaction(self) -> int:
        """An OCPP 1.6 transactionId: positive, never used before by this kiosk."""
        ...

    def stop_code_digest(self, session: SessionId) -> Digest:
        """Keyed hash of the session's stop code. The code itself is derived, never stored."""
        ...
