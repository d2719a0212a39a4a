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
    `hold` in minor units."""

    name: str
    kwh: int
    flat: int = 0
    hold: int = 5_000

    @property
    def tariff(self) -> bytes:
        """The same as OCPI 2.3.0 JSON."""
        parts = [f'{{"type": "ENERGY", "price": {self.kwh // 10_000}.{self.kwh % 10_000:04}, "vat": 19, "step_size": 1}}']
        if self.flat:
            parts.append(f'{{"type": "FLAT", "price": {self.flat // 100}.{self.flat % 100:02}, "vat": 19, "step_size": 1}}')
        return (
            f'{{"country_code": "DE", "party_id": "LND", "id": "{self.name}", "currency": "{CURRENCY}", "tax_included": "YES",'
            f' "elements": [{{"price_components": [{", ".join(parts)}]}}], "last_updated": "2026-01-01T00:00:00Z"}}'
        ).encode()

    def price(self, mwh: int) -> int:
        """Minor units for this much energy, half up. A watt-hour that began counts whole; nothing delivered costs nothing."""
        if mwh <= 0:
            return 0
        exact = Fraction(-(-mwh // 1_000) * self.kwh, 100_000) + self.flat
        return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def draw(chance: Chance, name: str) -> Terms:
    """Terms as they are found in the field, and holds that a charge can use up."""
    flat = chance.among(((0, 0.7), (chance.randint(1, 200), 0.3)))
    hold = chance.among(((5_000, 0.5), (8_000, 0.2), (chance.randint(600, 3_000), 0.3)))
    return Terms(name, chance.randint(1_900, 8_900), flat, hold)
