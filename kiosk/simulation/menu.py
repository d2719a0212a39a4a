"""What a simulated kiosk's price pages can say: the product's quotes, made once: for every sum a driver may pick, for a tag, and for a
charge that is given away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kiosk.core.pages.prices import account_quote, free_quote, quote
from kiosk.core.pages.view import Offer
from kiosk.pricing.load import load
from kiosk.pricing.quote import Quote
from kiosk.simulation.terms import CURRENCY, Terms
from kiosk.values import Moment, Money
from kiosk.wording.wording import Wording

_ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Menu:
    """One connector's. `paid` are the quotes by the sum that was picked, None when none was; `owed` is that of an RFID tag."""

    paid: Mapping[int | None, Quote]
    gift: Quote | None
    owed: Quote

    def quote(self, picked: int | None, *, free: bool) -> Quote:
        if free and self.gift is not None:
            return self.gift
        return self.paid.get(picked) or self.paid[None]


def menu(terms: Terms, now_ms: int, *, gives: bool) -> Menu:
    """`gives`: the kiosk gives charges away while cards cannot be taken."""
    choices = tuple(_money(minor) for minor in terms.choices)
    step, most = (_money(terms.step), _money(terms.most)) if terms.step else (None, None)
    offer = Offer(load(terms.tariff), _money(terms.hold), choices, step, most)
    at, say = Moment(now_ms, "", 0), Wording("en")
    paid = {picked: quote(offer, at, _ZONE, say, picked) for picked in (None, *terms.choices)}
    return Menu(paid, free_quote(offer, at, _ZONE, say) if gives else None, account_quote(offer, at, _ZONE, say))


def _money(minor: int) -> Money:
    return Money(minor, CURRENCY)
