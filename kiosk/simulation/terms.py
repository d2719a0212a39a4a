"""The prices of the simulated world: numbers the world chose, the OCPI tariff a kiosk is given for them, and what they cost.

The checker prices with these numbers and a formula of its own, and never with the product's engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from kiosk.simulation.chance import Chance

CURRENCY = "EUR"


@dataclass(frozen=True, slots=True)
class Terms:
    """What one connector costs, VAT included: `kwh` in hundredths of a minor unit, `flat` (once, for a session that delivered) and the
    `hold` in minor units, or what the driver picks of `choices`. A car that only stays costs `minute` minor units a minute after `grace_s`,
    at most `cap`. With `step` the hold grows by that much while the charge goes on, up to `most`. With `night` the tariff changes at 02:30
    local time to another one of the same prices: whoever counts an hour of that night twice, or not at all, will be seen."""

    name: str
    kwh: int
    flat: int = 0
    hold: int = 5_000
    minute: int = 0
    grace_s: int = 0
    cap: int = 0
    choices: tuple[int, ...] = ()
    step: int = 0
    most: int = 0
    night: bool = False

    @property
    def tariff(self) -> bytes:
        """The same as OCPI 2.3.0 JSON."""
        parts = [f'{{"type": "ENERGY", "price": {self.kwh // 10_000}.{self.kwh % 10_000:04}, "vat": 19, "step_size": 1}}']
        if self.flat:
            parts.append(f'{{"type": "FLAT", "price": {self.flat // 100}.{self.flat % 100:02}, "vat": 19, "step_size": 1}}')
        if self.minute:
            hour = self.minute * 60
            parts.append(f'{{"type": "PARKING_TIME", "price": {hour // 100}.{hour % 100:02}, "vat": 19, "step_size": 1}}')
        sale = (
            f', "x_pilepay": {{"idle_grace_seconds": {self.grace_s}, "idle_cap": {self.cap // 100}.{self.cap % 100:02}}}'
            if self.minute
            else ""
        )
        return (
            f'{{"country_code": "DE", "party_id": "LND", "id": "{self.name}", "currency": "{CURRENCY}", "tax_included": "YES",'
            f' "elements": [{self._elements(", ".join(parts))}], "last_updated": "2026-01-01T00:00:00Z"{sale}}}'
        ).encode()

    def _elements(self, components: str) -> str:
        if not self.night:
            return f'{{"price_components": [{components}]}}'
        hours = (("00:00", "02:30"), ("02:30", "00:00"))
        return ", ".join(
            f'{{"price_components": [{components}], "restrictions": {{"start_time": "{a}", "end_time": "{b}"}}}}' for a, b in hours
        )

    def price(self, mwh: int, parked_ms: int = 0) -> int:
        """Minor units for this much energy and this long a stay, half up. Watt-hours that began count whole; without any, nothing does."""
        if mwh <= 0:
            return 0
        stay = min(Fraction(self.cap), Fraction(max(0, parked_ms - self.grace_s * 1_000) * self.minute, 60_000))
        exact = Fraction(-(-mwh // 1_000) * self.kwh, 100_000) + self.flat + stay
        return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def draw(chance: Chance, name: str, *, night: bool = False) -> Terms:
    """Terms as they are found in the field, and holds that a charge can use up."""
    flat = chance.among(((0, 0.7), (chance.randint(1, 200), 0.3)))
    hold = chance.among(((5_000, 0.5), (8_000, 0.2), (chance.randint(600, 3_000), 0.3)))
    minute = chance.among(((0, 0.65), (chance.randint(1, 50), 0.35)))
    grace_s = chance.choice((0, 60, 300, 600))
    step = chance.among(((0, 0.7), (chance.randint(200, 1_000), 0.3)))
    if step:
        hold = chance.randint(600, 1_000)
    choices = (hold, 2 * hold, 4 * hold) if not step and chance.strikes(0.25) else ()
    return Terms(
        name,
        chance.randint(1_900, 8_900),
        0 if night else flat,
        hold,
        minute,
        grace_s,
        chance.randint(100, 1_500),
        choices,
        step,
        hold + chance.randint(1, 4) * step if step else 0,
        night,
    )
