"""Discounts on their way to sales: frozen with the price shown, more by card and by sun, never less, and on the screen all the way."""

from __future__ import annotations

import argparse
import io
import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest
from discounted_pages import BY_TIME
from test_core_pages import PLACE
from test_visit_step import Screen
from world import PER_KWH, PER_KWH_AND_STAY, A, World, quote

from kiosk.core import tariff_cli
from kiosk.core.archive import Archive
from kiosk.core.discounting import Bills, Discounting
from kiosk.core.engine import Batch
from kiosk.core.live import Live
from kiosk.core.pages import prices
from kiosk.core.pages.compose import compose
from kiosk.core.pages.view import Offer, View
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.journal.reader import Reader
from kiosk.metering.reading import Reading
from kiosk.pricing.discounts import Coupon, Discount, Funder, LoyaltyTier, OffPeakBonus, SolarShare, Subscription
from kiosk.pricing.load import load
from kiosk.pricing.model import Restrictions
from kiosk.pricing.rating import Rating
from kiosk.pricing.rules import rules_of, under
from kiosk.protocol import Snapshot
from kiosk.session import codec
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.inputs import ConnectorStatus
from kiosk.values import Digest, Moment, Money
from kiosk.wording.wording import Wording

SILVER = LoyaltyTier(name="Silver", funded_by=Funder.OPERATOR, percent=Decimal(5))
GOLD = Subscription(name="Gold", funded_by=Funder.OPERATOR, mwh_left=20_000_000)
SUN = SolarShare(name="Sun", funded_by=Funder.SITE, price=Decimal("0.30"), permille=600)
COUPON = Coupon(name="Welcome", funded_by=Funder.PARTNER, amount=Money(50, "EUR"))
NIGHT = OffPeakBonus(name="Night", funded_by=Funder.OPERATOR, per_kwh=Decimal("0.10"), when=Restrictions(), zone="Europe/Berlin")
CARD = i.CardFacts("mc", "4821", recognition=Digest("cd" * 32))


@dataclass
class Asked:
    """Knows what the test tells it."""

    everybody: tuple[Discount, ...] = ()
    of_card: tuple[Discount, ...] = ()
    cards: list[tuple[Digest, ...]] = field(default_factory=list)
    uses: list[tuple[tuple[Digest, ...], Rating, Moment]] = field(default_factory=list)

    def for_everybody(self) -> tuple[Discount, ...]:
        return self.everybody

    async def for_card(self, cards: tuple[Digest, ...]) -> tuple[Discount, ...]:
        self.cards.append(cards)
        return self.of_card

    knows_cards: bool = True

    def used(self, cards: tuple[Digest, ...], rating: Rating, at: Moment) -> None:
        self.uses.append((cards, rating, at))


def written(w: World, folder: Path) -> Path:
    """The world's journal."""
    file = folder / "journal.db"
    with Journal.open(file) as journal:
        journal.append([Entry(e.stream, e.kind, e.version, e.at, e.body) for e in map(codec.encode, w.facts)])
    return file


@dataclass
class Site:
    """A world with a roof and members, wired as core wires them."""

    w: World = field(default_factory=World)
    asked: Asked = field(default_factory=Asked)
    journal: Path | None = None
    evidence: dict[str, bytes] = field(default_factory=lambda: {"cd" * 32: b"ab12\ncd34"})

    def __post_init__(self) -> None:
        self.discounting = Discounting(self.asked, self._evidence, self, lambda: self.w.k, self._tell, self._entitled)

    async def _entitled(self) -> Bills:
        if self.journal is None:
            return ()
        with Reader.open(self.journal) as reader:
            return await Archive(reader, self.w.k.setup, self._evidence).entitled()

    async def _evidence(self, digest: Digest) -> bytes | None:
        return self.evidence.get(digest)

    async def _tell(self, given: i.Input) -> Batch:
        return Batch(self.w.give(given), self.w.k)

    def now(self) -> Moment:
        return self.w.now

    async def give(self, given: i.Input) -> None:
        await self.discounting.hear(given)
        await self.discounting.follow(self.w.give(given))

    async def pays(self, agreed: tuple[Discount, ...] = (), card: i.CardFacts = CARD) -> None:
        self.w.give(i.QuoteAccepted(self.w.ids.session(), A, under(quote(), agreed)))
        approved = i.Done(i.Approval(Money(5_000, "EUR"), "PSP1", "T1", card))
        await self.give(i.Outcome(self.w.request("Preauthorize").ref, approved))

    def starts(self) -> None:
        self.w.status(1, ConnectorStatus.PREPARING)
        self.w.answer("StartDelivery", i.Done(i.Ok()))
        self.w.give(i.TxStarted("PILE-1", 1, self.w.session.starts[-1].id_tag, self.w.reading(100)))

    async def meter(self, kwh: int) -> None:
        await self.give(i.MeterRead("PILE-1", 1, self.w.session.transaction, self.w.reading(kwh)))

    async def ends(self, kwh: int) -> None:
        transaction = self.w.session.transaction
        assert transaction is not None
        await self.give(i.TxEnded("PILE-1", transaction, "", None, self.w.reading(kwh), "Local"))

    @property
    def rules(self) -> tuple[Discount, ...]:
        agreed = self.w.session.quote
        assert agreed is not None
        return rules_of(agreed)

    @property
    def paid(self) -> Money:
        assert self.w.session.priced is not None
        return self.w.session.priced.charge


# --- by card --------------------------------------------------------------------------------------------------------------------


async def test_a_card_is_asked_for_when_it_pays_and_its_entitlements_lower_the_price() -> None:
    site = Site(asked=Asked(of_card=(SILVER,)))
    await site.pays((SUN,))
    assert site.asked.cards == [(Digest("ab12"), Digest("cd34"))]
    assert set(site.rules) == {SUN, SILVER}
    site.starts()
    site.w.skip(600)
    await site.ends(110)
    assert site.paid == Money(361, "EUR")


async def test_what_a_bill_took_of_an_entitlement_is_told() -> None:
    site = Site(asked=Asked(of_card=(GOLD,)))
    await site.pays()
    site.starts()
    site.w.skip(600)
    await site.ends(105)
    assert site.paid == Money(0, "EUR")
    ((cards, rating, at),) = site.asked.uses
    assert (cards, rating.lines[-1].mwh, at) == ((Digest("ab12"), Digest("cd34")), 5_000_000, site.w.now)


async def test_after_a_restart_what_was_taken_of_entitlements_is_read_from_the_journal(tmp_path: Path) -> None:
    site = Site(asked=Asked(of_card=(GOLD,)))
    await site.pays()
    site.starts()
    site.w.skip(600)
    await site.ends(105)
    again = Site(site.w, Asked(), journal=written(site.w, tmp_path))
    await again.discounting.resume()
    assert again.asked.uses == site.asked.uses
    nobody = Site(site.w, Asked(), journal=tmp_path / "journal.db", evidence={})
    await nobody.discounting.resume()
    assert nobody.asked.uses == []


@pytest.mark.parametrize("card", [i.CardFacts("mc", "4821"), replace(CARD, recognition=Digest("ef" * 32))], ids=["anonymous", "erased"])
async def test_a_card_that_nothing_is_known_by_is_not_asked_for(card: i.CardFacts) -> None:
    site = Site(asked=Asked(of_card=(SILVER,)))
    await site.pays(card=card)
    assert (site.asked.cards, site.rules) == ([], ())


async def test_after_a_restart_the_open_sales_are_asked_for_once_more() -> None:
    site = Site()
    await site.pays()
    site.asked.of_card = (SILVER,)
    await site.discounting.resume()
    await site.discounting.resume()
    assert site.rules == (SILVER,)
    assert len(site.w.all_of(f.PriceLowered)) == 1


# --- the sun --------------------------------------------------------------------------------------------------------------------


async def test_the_share_that_was_promised_holds_when_a_cloud_comes() -> None:
    site = Site()
    await site.pays((SUN,))
    site.starts()
    site.w.skip(600)
    await site.ends(110)
    assert site.paid == Money(380, "EUR")
    assert not site.w.all_of(f.PriceLowered)


async def test_sun_that_comes_later_lowers_what_is_drawn_under_it() -> None:
    site = Site()
    await site.pays()
    site.starts()
    for kwh, shines in ((102, False), (104, True), (106, True), (108, False)):
        site.asked.everybody = (SUN,) if shines else ()
        site.w.skip(60)
        await site.meter(kwh)
    site.asked.everybody = (SUN,)
    site.w.skip(60)
    await site.ends(110)
    (sun,) = site.rules
    assert isinstance(sun, SolarShare) and (sun.mwh, sun.permille) == (3_600_000, 0)
    assert site.paid == Money(500 - 72, "EUR")
    assert {fact.why for fact in site.w.all_of(f.PriceLowered)} == {"site"}


async def test_a_running_sale_is_told_of_sun_every_quarter_minute_and_at_its_end() -> None:
    site = Site(asked=Asked(everybody=(SUN,)))
    await site.pays()
    site.starts()
    for _ in range(30):
        site.w.skip(2)
        await site.give(
            i.MeterRead("PILE-1", 1, site.w.session.transaction, Reading(site.w.now.utc_ms, 100_000_000 + site.w.now.mono_ns // 10_000))
        )
    assert 2 <= len(site.w.all_of(f.PriceLowered)) <= 5
    told = len(site.w.all_of(f.PriceLowered))
    site.w.skip(1)
    await site.ends(120)
    assert len(site.w.all_of(f.PriceLowered)) == told + 1


async def test_after_a_restart_the_sun_that_was_told_is_not_lost_and_not_counted_twice() -> None:
    site = Site(asked=Asked(everybody=(SUN,)))
    await site.pays()
    site.starts()
    site.w.skip(60)
    await site.meter(102)
    again = Site(site.w, site.asked)
    again.w.skip(60)
    await again.ends(104)
    (sun,) = again.rules
    assert isinstance(sun, SolarShare) and sun.mwh == 2_400_000
    assert again.paid == Money(152, "EUR")


async def test_the_end_of_a_transaction_nobody_knows_concerns_no_sale() -> None:
    site = Site(asked=Asked(everybody=(SUN,)))
    await site.give(i.TxEnded("PILE-1", 4_711, "", None, site.w.reading(1), "Local"))
    await site.give(i.MeterRead("PILE-1", 1, None, site.w.reading(1)))
    assert not site.w.all_of(f.PriceLowered)


# --- on the screen --------------------------------------------------------------------------------------------------------------

OFFER = Offer(load(PER_KWH), Money(5_000, "EUR"))
AT = Moment(1_800_000_000_000, "boot", 0)


@pytest.mark.parametrize(
    ("rules", "note", "glyph"),
    [
        ((), "", ""),
        ((SUN,), "With sun: 0.38\N{NO-BREAK SPACE}€/kWh", "sun"),
        ((NIGHT,), "0.40\N{NO-BREAK SPACE}€/kWh with Night", ""),
        ((SUN, NIGHT), "With sun: 0.28\N{NO-BREAK SPACE}€/kWh", "sun"),
        ((replace(SUN, price=Decimal("0.60")),), "", ""),
        ((replace(SUN, price=Decimal("0.299")),), "With sun: 0.38\N{NO-BREAK SPACE}€/kWh", "sun"),
    ],
)
def test_the_price_that_leads_is_the_tariffs_and_what_everybody_pays_less_stands_below(
    rules: tuple[Discount, ...], note: str, glyph: str
) -> None:
    first = prices.table(OFFER, AT, "Europe/Berlin", Wording("en"), rules)[0]
    assert (first.amount, first.note, first.glyph) == ("0.50", note, glyph)
    agreed = prices.quote(OFFER, AT, "Europe/Berlin", Wording("en"), None, rules)
    assert rules_of(agreed) == rules
    assert not note or any(note in text for text in agreed.texts)


def page(s: Screen, discounts: tuple[Discount, ...] = (), language: str = "en") -> Snapshot:
    live = Live()
    live.follow(s.w.k, s.w.now)
    visit = replace(s.v, language=language)
    return compose(View(s.w.k, visit, s.w.now, live, PLACE, Wording(language), "", lambda _: "4719", lambda _: (), discounts), 1)


def test_while_it_charges_the_price_of_now_and_its_reasons_are_shown() -> None:
    s = Screen()
    s.charges()
    sale = s.w.session
    assert sale.quote is not None
    s.w.give(i.DiscountsOffered(sale.id, under(sale.quote, (SILVER,)).discounts_json, "card"))
    s.looks()
    shown = page(s, (SUN,))
    assert shown.page == "charging"
    assert (shown.facts[-1].value, shown.facts[-1].glyph) == ("0.37", "sun")
    assert shown.card is not None and shown.card.note == "Cheaper by Silver."


@pytest.mark.parametrize(
    ("language", "rules", "told"),
    [
        ("en", (SUN, SILVER), "Your price fell to 0.37 €/kWh: Silver."),
        ("de", (SUN, SILVER), "Ihr Preis ist auf 0,37 €/kWh gesunken: Silver."),
        ("tr", (SILVER,), "Yeni fiyatınız €0,48/kWh: Silver."),
        ("en", (GOLD,), "Your price fell: Gold (20.00 kWh)."),
        ("de", (COUPON,), "Ihr Preis ist gesunken: Welcome (0,50 €)."),
        ("en", (SUN, SILVER, GOLD), "Your price fell to 0.37 €/kWh: Gold, Silver."),
        ("en", (SUN,), ""),
    ],
)
def test_after_the_tap_the_screen_says_to_how_much_a_kwh_the_price_fell(language: str, rules: tuple[Discount, ...], told: str) -> None:
    s = Screen()
    s.pays()
    sale = s.w.session
    assert sale.quote is not None
    s.w.give(i.DiscountsOffered(sale.id, under(sale.quote, rules).discounts_json, "card"))
    s.looks()
    shown = page(s, (), language)
    assert (shown.page, shown.subtitle.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")) == ("plug_in", told)


@pytest.mark.parametrize(
    ("name", "language", "told"),
    [("Sun", "en", "Sun"), ("Sun", "de", "Sonne"), ("Sun", "pl", "Słońce"), ("Dach Lindenhof", "pl", "Dach Lindenhof")],
)
def test_a_name_of_ours_is_said_in_the_drivers_language_and_an_operators_as_given(name: str, language: str, told: str) -> None:
    s = Screen()
    s.charges()
    sale = s.w.session
    assert sale.quote is not None and sale.transaction is not None
    sun = replace(SUN, name=name)
    s.w.give(i.DiscountsOffered(sale.id, under(sale.quote, (sun,)).discounts_json, "site"))
    s.looks()
    running = page(s, (), language).card
    assert running is not None and told in running.note
    s.w.skip(600)
    s.w.end(sale.transaction, 110)
    s.looks()
    assert f"− {told} " in page(s, (), language).sum_line


def test_the_end_names_every_discount_in_its_sum() -> None:
    s = Screen()
    s.charges()
    sale = s.w.session
    assert sale.quote is not None and sale.transaction is not None
    s.w.give(i.DiscountsOffered(sale.id, under(sale.quote, (SUN, SILVER)).discounts_json, "card"))
    s.w.skip(600)
    s.w.end(sale.transaction, 110)
    s.looks()
    line = page(s).sum_line.replace("\N{NO-BREAK SPACE}", " ")
    assert line == "10.00 kWh × 0.50 € − Sun 1.20 € − Silver 0.19 € = 3.61 €, VAT 0.58 € included."


def test_the_running_cost_is_lowered_with_the_sale() -> None:
    w, live = World(), Live()
    w.deliver()
    live.follow(w.k, w.now)
    w.skip(60)
    reading = i.MeterRead("PILE-1", 1, w.session.transaction, w.reading(110))
    live.hear(reading, w.k, w.now)
    w.give(reading)
    running = live.of(w.session.id)
    assert running is not None and running.rating.total == Money(500, "EUR")
    assert w.session.quote is not None
    w.give(i.DiscountsOffered(w.session.id, under(w.session.quote, (SILVER,)).discounts_json, "card"))
    live.follow(w.k, w.now)
    assert running.rating.total == Money(475, "EUR")


# --- the dry run ----------------------------------------------------------------------------------------------------------------


async def journalled(folder: Path) -> Path:
    site = Site()
    await site.pays((SILVER,))
    site.starts()
    site.w.skip(600)
    await site.ends(110)
    site.w.settle()
    site.w.deliver(tariff=PER_KWH_AND_STAY, at_kwh=200)
    return written(site.w, folder)


def compared(journal: Path, **options: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    args = argparse.Namespace(**{"journal": journal, "rules": None, "tariff": None, "since": None, "json": False} | options)
    return tariff_cli.run(args, out, err), out.getvalue(), err.getvalue()


async def test_a_dry_run_prices_the_journals_sales_again(tmp_path: Path) -> None:
    journal = await journalled(tmp_path)
    rules, tariff = tmp_path / "rules.json", tmp_path / "tariff.json"
    rules.write_text('[{"type":"LOYALTY","name":"All","funded_by":"operator","percent":20}]')
    tariff.write_bytes(PER_KWH.replace(b"0.50", b"0.60"))
    code, out, err = compared(journal)
    assert (code, err) == (0, "") and "4.75 EUR -> 4.75 EUR  0.00 EUR" in out and out.endswith("1 sales: 4.75 EUR -> 4.75 EUR  0.00 EUR\n")
    assert "4.75 EUR -> 4.00 EUR  -0.75 EUR" in compared(journal, rules=rules)[1]
    assert "4.75 EUR -> 5.70 EUR  +0.95 EUR" in compared(journal, tariff=tariff)[1]
    rows = [json.loads(line) for line in compared(journal, rules=rules, tariff=tariff, json=True)[1].splitlines()]
    assert [(row["before"], row["after"], row["difference"]) for row in rows] == [(475, 480, 5), (475, 480, 5)]
    assert compared(journal, since="2100-01-01")[1] == "no sale was priced in that time\n"


async def test_a_dry_run_says_what_it_cannot_read(tmp_path: Path) -> None:
    journal = await journalled(tmp_path)
    rules = tmp_path / "rules.json"
    rules.write_text("[{}]")
    assert compared(journal, since="yesterday")[0] == 2
    assert (compared(journal, rules=rules)[0], compared(journal, rules=rules)[2]) == (1, f"{rules}: discounts[0].type: is missing\n")
    assert compared(tmp_path / "none.db")[0] == 1
    missing = tmp_path / "none.json"
    for name in ("tariff", "rules"):
        assert compared(journal, **{name: missing}) == (2, "", f"{missing} cannot be read: No such file or directory\n")
        rules.write_text("")
        assert compared(journal, **{name: rules})[0] == 1


@pytest.mark.parametrize(
    ("hour", "first", "then"),
    [
        (9, ("0.50", "Electricity", ""), ("0.39", "12:00–06:00", "")),
        (13, ("0.39", "Electricity", "12:00–06:00"), ("0.50", "Otherwise", "")),
    ],
)
def test_the_price_of_now_leads_and_the_others_say_their_hours(hour: int, first: tuple[str, ...], then: tuple[str, ...]) -> None:
    at = AT.plus((hour - 9) * 3_600)
    rows = prices.table(Offer(BY_TIME, Money(5_000, "EUR")), at, "Europe/Berlin", Wording("en"))
    assert [(row.amount, row.name, row.note) for row in rows[:2]] == [first, then]
    assert [row.first for row in rows[:2]] == [True, False]
