"""The pages of a sale with discounts, as core makes them: for the eyes, and for the rules of the screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from test_core_pages import PLACE, Shown
from test_visit_step import Screen
from world import PER_KWH_AND_STAY, A

from kiosk.core.live import Live
from kiosk.core.pages.compose import compose
from kiosk.core.pages.view import Offer, View
from kiosk.pricing.canonical import canonical, tariff_hash
from kiosk.pricing.discounts import Coupon, Discount, FleetGroup, Funder, LoyaltyTier, OffPeakBonus, SolarShare, Subscription
from kiosk.pricing.load import load
from kiosk.pricing.model import Restrictions
from kiosk.pricing.quote import Quote
from kiosk.pricing.rules import rules_text, under
from kiosk.protocol import Snapshot
from kiosk.session import inputs as i
from kiosk.session.visit import Agreed
from kiosk.values import Money
from kiosk.wording.wording import Wording

SILVER = LoyaltyTier(name="Silver", funded_by=Funder.OPERATOR, percent=Decimal(5))
GOLD = Subscription(name="Gold", funded_by=Funder.OPERATOR, mwh_left=2_000_000)
SUN = SolarShare(name="Sun", funded_by=Funder.SITE, price=Decimal("0.30"), permille=600)
NIGHT = OffPeakBonus(name="Night bonus", funded_by=Funder.OPERATOR, per_kwh=Decimal("0.05"), when=Restrictions(), zone="Europe/Berlin")
MANY = (
    SUN,
    NIGHT,
    Subscription(name="Ladekarte Lindenhof Plus Haushalt", funded_by=Funder.OPERATOR, mwh_left=2_000_000),
    FleetGroup(name="Stadtwerke Lindenhof Mitarbeitende", funded_by=Funder.EMPLOYER, percent=Decimal(10)),
    Coupon(name="Welcome", funded_by=Funder.PARTNER, amount=Money(50, "EUR")),
)
BY_TIME = load(
    PER_KWH_AND_STAY.replace(
        b'"elements": [',
        b'"elements": [{"price_components": [{"type": "ENERGY", "price": 0.39, "vat": 19.0, "step_size": 1}],'
        b' "restrictions": {"start_time": "12:00", "end_time": "06:00"}},',
    )
)


@dataclass
class Discounted(Shown):
    """`discounts` are what everybody gets now."""

    discounts: tuple[Discount, ...] = ()

    def in_(self, language: str) -> Snapshot:
        w, live = self.screen.w, Live()
        live.follow(w.k, w.now)
        visit = replace(self.screen.v, language=language)
        say = Wording(language)
        return compose(View(w.k, visit, w.now, live, self.place, say, "", lambda _: "4719", lambda _: ("0110",), self.discounts), 1)


def _price(*discounts: Discount) -> Callable[[], Shown]:
    def make() -> Shown:
        s = Screen()
        s.touch("choose", A)
        return Discounted(s, discounts=discounts)

    return make


def _sale(act: Callable[[Screen], object], *rules: Discount, known: tuple[Discount, ...] = ()) -> Callable[[], Shown]:
    def make() -> Shown:
        s = Screen()
        act(s)
        s.w.give(i.DiscountsOffered(s.w.session.id, rules_text(rules), "card"))
        s.looks()
        return Discounted(s, discounts=known)

    return make


def _charges(s: Screen) -> None:
    s.charges()
    s.w.wait(60)
    s.w.meter(102)


def done(*rules: Discount) -> Callable[[], Shown]:
    def make() -> Shown:
        s = Screen()
        _charges(s)
        sale = s.w.session
        assert sale.transaction is not None
        s.w.give(i.DiscountsOffered(sale.id, rules_text(rules), "card"))
        s.w.skip(600)
        s.w.end(sale.transaction, 122)
        s.w.answer("Modify", i.Done(i.Accepted("CAP1")))
        s.looks()
        return Discounted(s)

    return make


def _by_time() -> Shown:
    s = Screen()
    s.touch("choose", A)
    offer = Offer(BY_TIME, Money(5_000, "EUR"))
    quote = Quote("STAY", canonical(BY_TIME), tariff_hash(BY_TIME), "Europe/Berlin", offer.hold, "en", ())
    s.does(Agreed(s.w.ids.session(), under(quote, (SUN,))))
    s.w.answer("Preauthorize", i.Done(i.Approval(offer.hold, "PSP1", "T1", i.CardFacts("mc", "4821"))))
    s.w.status(1, i.ConnectorStatus.PREPARING)
    s.w.give(i.TxStarted("PILE-1", 1, s.w.session.starts[-1].id_tag, s.w.reading(100)))
    s.w.wait(60)
    s.w.meter(102)
    s.looks()
    return Discounted(s, place=replace(PLACE, offers={**PLACE.offers, A: offer}))


def _hours(*discounts: Discount) -> Callable[[], Shown]:
    def make() -> Shown:
        s = Screen()
        s.touch("choose", A)
        place = replace(PLACE, offers={**PLACE.offers, A: Offer(BY_TIME, Money(5_000, "EUR"))})
        return Discounted(s, place=place, discounts=discounts)

    return make


PAGES: dict[str, tuple[str, Callable[[], Shown]]] = {
    "sun": ("price", _price(SUN)),
    "night": ("price", _price(NIGHT)),
    "by the hour": ("price", _hours()),
    "by the hour, sun": ("price", _hours(SUN)),
    "all": ("price", _price(*MANY)),
    "fell": ("plug_in", _sale(Screen.pays, SUN, SILVER, GOLD)),
    "fell much": ("plug_in", _sale(Screen.pays, *MANY)),
    "starting": ("starting", _sale(Screen.plugs_in, SILVER)),
    "charging": ("charging", _sale(_charges, SUN, SILVER)),
    "charging, many": ("charging", _sale(_charges, *MANY, known=(SUN,))),
    "charging, until": ("charging", _by_time),
    "done": ("finished", done(SUN, SILVER)),
    "done, many": ("finished", done(*MANY)),
}
