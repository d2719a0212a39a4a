"""A sun that needs no roof: it rises at six, sets at eight, local time, and is strongest in between. To try out tariffs, and for demos."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from kiosk.pricing.discounts import Funder, SolarShare
from kiosk.pricing.localtime import zone_of
from kiosk.sources.api import Answer, Question

_RISES, _SETS = 6 * 60, 20 * 60
_GOOD_FOR_MS = 15 * 60_000


class ClearSky:
    """Its energy costs `price` a kWh. `most` is its share at noon, in thousandths."""

    def __init__(self, price: Decimal, most: int = 800, name: str = "Sun") -> None:
        self._price, self._most, self._name = price, most, name

    async def ask(self, question: Question) -> Answer:
        until = question.utc_ms + _GOOD_FOR_MS
        if question.cards or not (share := self.share(question.utc_ms, question.zone)):
            return Answer((), until)
        return Answer((SolarShare(name=self._name, funded_by=Funder.SITE, price=self._price, permille=share),), until)

    def share(self, utc_ms: int, zone: str) -> int:
        """A parabola over the day."""
        local = datetime.fromtimestamp(utc_ms // 1_000, UTC).astimezone(zone_of(zone))
        up = local.hour * 60 + local.minute - _RISES
        whole = _SETS - _RISES
        return self._most * 4 * up * (whole - up) // (whole * whole) if 0 < up < whole else 0
