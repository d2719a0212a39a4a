"""A tariff as values: the OCPI 2.3.0 Tariff object in exact units, plus the kiosk's own sale terms.

Energy limits are integer mWh, power W, current mA, durations seconds, times of day minutes, so that no comparison ever rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum


class PricingError(ValueError):
    """A tariff, quote or usage that cannot be priced. The message names the place and the mend."""


class Dimension(Enum):
    """What a price component charges for (OCPI TariffDimensionType)."""

    ENERGY = "ENERGY"  # per kWh; step_size in Wh
    TIME = "TIME"  # charging, per hour; step_size in seconds
    PARKING_TIME = "PARKING_TIME"  # not asking for power, per hour; step_size in seconds
    FLAT = "FLAT"  # once


class TaxIncluded(Enum):
    """Whether the tariff's prices contain the taxes (OCPI 2.3.0 TaxIncluded)."""

    YES = "YES"
    NO = "NO"
    NA = "N/A"  # no taxes apply to this tariff


class TariffType(Enum):
    AD_HOC_PAYMENT = "AD_HOC_PAYMENT"
    PROFILE_CHEAP = "PROFILE_CHEAP"
    PROFILE_FAST = "PROFILE_FAST"
    PROFILE_GREEN = "PROFILE_GREEN"
    REGULAR = "REGULAR"


class Reservation(Enum):
    """Restricts an element to reservation time (OCPI ReservationRestrictionType)."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


@dataclass(frozen=True, slots=True)
class PriceComponent:
    """`price` per kWh, per hour or per session, with or without VAT as `Tariff.tax_included` says; `vat` in percent or None."""

    type: Dimension
    price: Decimal
    vat: Decimal | None
    step_size: int


@dataclass(frozen=True, slots=True)
class Restrictions:
    """When an element applies; all that are given must hold. `min_…` and `start_…` are inclusive, `max_…` and `end_…` exclusive.

    `start_time`, `end_time`: local minutes of the day; an end before the start wraps past midnight, an end of 0 is the end of the day.
    `min_duration`, `max_duration`: seconds since the start of the session (of the reservation, for its elements).
    `day_of_week`: Monday is 0, judged at the instant.
    """

    start_time: int | None = None
    end_time: int | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_mwh: int | None = None
    max_mwh: int | None = None
    min_current_ma: int | None = None
    max_current_ma: int | None = None
    min_power_w: int | None = None
    max_power_w: int | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    day_of_week: tuple[int, ...] = ()
    reservation: Reservation | None = None


@dataclass(frozen=True, slots=True)
class Element:
    components: tuple[PriceComponent, ...]
    restrictions: Restrictions | None = None


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """A least or most a session costs, in major units, on each tax basis."""

    before_taxes: Decimal
    after_taxes: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DisplayText:
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class EnergyShare:
    """A part of the energy mix (`source`, percent) or its impact (`category`, g/kWh)."""

    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class EnergyMix:
    is_green_energy: bool
    energy_sources: tuple[EnergyShare, ...] = ()
    environ_impact: tuple[EnergyShare, ...] = ()
    supplier_name: str = ""
    energy_product_name: str = ""


@dataclass(frozen=True, slots=True)
class Surcharge:
    """What an operator would like to add, in percent, for a kind of payment (`credit`, `debit`, `commercial`, …)."""

    kind: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """What OCPI cannot say (`x_pilepay`): the first seconds of standing still that are free, and the most that standing still may cost
    (major units, VAT included). `payment_surcharge` is read so that it can be refused: the price before the tap is the price after it."""

    idle_grace_seconds: int = 0
    idle_cap: Decimal | None = None
    payment_surcharge: tuple[Surcharge, ...] = ()


@dataclass(frozen=True, slots=True)
class Tariff:
    """OCPI 2.3.0 mod_tariffs#Tariff. Moments are UTC milliseconds. `preauthorize_amount` (payments) is in major units."""

    country_code: str
    party_id: str
    id: str
    currency: str
    elements: tuple[Element, ...]
    tax_included: TaxIncluded
    last_updated_utc_ms: int
    type: TariffType | None = None
    alt_text: tuple[DisplayText, ...] = ()
    alt_url: str = ""
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    preauthorize_amount: Decimal | None = None
    start_utc_ms: int | None = None
    end_utc_ms: int | None = None
    energy_mix: EnergyMix | None = None
    sale: SaleTerms = SaleTerms()
