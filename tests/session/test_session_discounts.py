"""A sale under discounts: what was agreed to is frozen, what comes later only lowers, and what is captured is the discounted price."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import PER_KWH_AND_STAY, A, World, quote

from kiosk.metering.reading import Reading
from kiosk.pricing.discounts import DiscountLine
from kiosk.pricing.model import PricingError
from kiosk.pricing.rules import read_rules, rules_of, under
from kiosk.session import codec
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.cost import most_at, owes
from kiosk.session.state import Stage
from kiosk.values import Money, SessionId

SILVER = '{"funded_by":"operator","name":"Silver","percent":5,"type":"LOYALTY"}'
BETTER = '{"funded_by":"operator","name":"Silver","percent":10,"type":"LOYALTY"}'
SUN = '{"funded_by":"site","name":"Sun","permille":600,"price":0.3,"type":"SOLAR"}'


def agreed(w: World, *rules: str, tariff: bytes | None = None) -> SessionId:
    """A sale whose quote has these discounts, paid for."""
    plain = quote(tariff) if tariff else quote()
    session = w.ids.session()
    w.give(i.QuoteAccepted(session, A, under(plain, read_rules(f"[{','.join(rules)}]", "EUR", "Europe/Berlin"))))
    w.wait(8)
    w.answer("Preauthorize", i.Done(i.Approval(Money(5_000, "EUR"), "PSP1", "T1", i.CardFacts("mc", "4821"))))
    return session


def offer(w: World, session: SessionId, *rules: str) -> tuple[f.Fact, ...]:
    return w.give(i.DiscountsOffered(session, f"[{','.join(rules)}]", "card"))


def charge(w: World, kwh: int, minutes: int = 10) -> None:
    """From the plug to the end of the sale."""
    w.status(1, i.ConnectorStatus.PREPARING)
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    transaction = w.session.transaction
    assert transaction is not None
    w.skip(minutes * 60)
    w.end(transaction, 100 + kwh)
    w.status(1, i.ConnectorStatus.AVAILABLE)


def test_the_discounts_of_the_quote_are_in_the_final_price_and_exactly_that_is_captured() -> None:
    w = World()
    agreed(w, SILVER, SUN)
    charge(w, 10)
    priced = w.session.priced
    assert priced is not None
    assert [(x.code, x.amount.minor) for x in priced.rating.lines] == [("ENERGY", 500), ("SOLAR", -120), ("LOYALTY", -19)]
    assert priced.charge == priced.rating.total == Money(361, "EUR")
    assert w.session.capture is not None and w.session.capture.amount == priced.charge


def test_a_priced_fact_with_discount_lines_comes_back_from_the_journal() -> None:
    w = World()
    agreed(w, SILVER)
    charge(w, 10)
    (fact,) = [x for x in w.facts if isinstance(x, f.Priced)]
    back = codec.decode(codec.encode(fact))
    assert back == fact and isinstance(back, f.Priced)
    assert [type(line).__name__ for line in back.rating.lines] == ["Line", "DiscountLine"]
    assert isinstance(back.rating.lines[1], DiscountLine) and back.rating.lines[1].funded_by.value == "operator"


def test_a_line_of_no_known_shape_is_refused() -> None:
    w = World()
    agreed(w, SILVER)
    charge(w, 10)
    (fact,) = [x for x in w.facts if isinstance(x, f.Priced)]
    stored = codec.encode(fact)
    with pytest.raises(codec.CodecError, match="Line: fields"):
        codec.decode(replace(stored, body=stored.body.replace(b'"left_mwh":null,', b"")))


def test_a_quote_of_before_there_were_discounts_has_none() -> None:
    w = World()
    agreed(w)
    (fact,) = [x for x in w.facts if isinstance(x, f.QuoteAgreed)]
    stored = codec.encode(fact)
    old = stored.body.replace(b'"discounts_hash":"","discounts_json":"",', b"")
    assert stored.version == 3
    assert codec.decode(replace(stored, version=2, body=old)) == fact


@pytest.mark.parametrize("when", ["paying", "waiting", "charging", "ended"])
def test_until_the_sale_is_priced_its_price_may_fall(when: str) -> None:
    w = World()
    session = w.accept(A, PER_KWH_AND_STAY) if when == "paying" else agreed(w, tariff=PER_KWH_AND_STAY)
    if when in ("charging", "ended"):
        w.status(1, i.ConnectorStatus.PREPARING)
        w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
        w.meter(102)
    if when == "ended":
        assert w.session.transaction is not None
        w.skip(60)
        w.end(w.session.transaction, 104)
        assert w.session.stage is Stage.ENDED
    (fact,) = offer(w, session, SILVER)[:1]
    assert isinstance(fact, f.PriceLowered) and fact.why == "card"
    assert w.session.quote is not None and [r.name for r in rules_of(w.session.quote)] == ["Silver"]


def test_more_of_the_same_is_taken_and_less_is_not() -> None:
    w = World()
    session = agreed(w, SILVER, SUN)
    assert not offer(w, session, SILVER, SUN)
    assert not offer(w, session, BETTER)
    assert not offer(w, session, SUN)
    assert offer(w, session, BETTER, SUN)
    assert not offer(w, session, SILVER, SUN)
    charge(w, 10)
    assert w.session.priced is not None and w.session.priced.charge == Money(342, "EUR")


def test_words_that_are_no_discounts_change_nothing() -> None:
    w = World()
    session = agreed(w)
    for text in ("", "[", "{}", '[{"type":"LOYALTY"}]', '[{"funded_by":"operator","name":"S","percent":-5,"type":"LOYALTY"}]'):
        assert not w.give(i.DiscountsOffered(session, text, "site"))


def test_what_is_priced_given_up_or_unknown_falls_no_more() -> None:
    w = World()
    session = agreed(w)
    charge(w, 10)
    assert not offer(w, session, SILVER)
    assert not offer(w, SessionId("K417-nobody"), SILVER)
    w = World()
    session = w.accept(A)
    w.give(i.DriverCancelled(session))
    assert not offer(w, session, SILVER)


def test_the_charge_stops_at_the_discounted_limit_and_not_before() -> None:
    w = World()
    agreed(w, '{"funded_by":"operator","name":"Half","percent":50,"type":"LOYALTY"}')
    w.status(1, i.ConnectorStatus.PREPARING)
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    end = Reading(w.now.plus(3_600).utc_ms, 250_000_000)
    assert most_at(w.session, end) >= Money(7_500, "EUR")
    assert owes(w.session, end, Money(3_750, "EUR")) and not owes(w.session, end, Money(3_751, "EUR"))
    w.skip(3_600)
    w.meter(250)
    assert not w.session.stops
    w.skip(3_600)
    w.meter(298)
    assert [stop.by for stop in w.session.stops] == ["limit"]


def test_a_quote_whose_discounts_were_changed_after_they_were_hashed_is_not_sold() -> None:
    w = World()
    forged = replace(under(quote(), read_rules(f"[{SILVER}]", "EUR", "UTC")), discounts_json=f"[{BETTER}]")
    with pytest.raises(PricingError, match="do not match their hash"):
        w.give(i.QuoteAccepted(w.ids.session(), A, forged))
