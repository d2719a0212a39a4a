"""The roads on which a price falls: the sun of the site, a member's card, an entitlement; and what is left of all that after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pytest
from stand import Stand, settled, until

from kiosk.pricing.discounts import DiscountLine
from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def roof(site: Stand) -> Iterator[Stand]:
    yield site
    site.house.roof.shine(0)


def cents(value: Fraction | Decimal) -> int:
    return int(Fraction(value) * 100 + Fraction(1, 2))


def energy(site: Stand) -> Fraction:
    """Of the delivery, in kWh as it is billed."""
    return Fraction(-(-site.delivery.mwh // 1_000), 1_000)


def lines(site: Stand) -> list[tuple[str, int]]:
    (priced,) = site.facts(f.Priced)
    return [(line.name, line.amount.minor) for line in priced.rating.lines if isinstance(line, DiscountLine)]


async def test_sun_is_promised_before_the_tap_and_a_member_pays_less_after_it(roof: Stand):
    site = roof
    site.house.roof.shine(600)
    await site.driver.press("choose", letter="A")
    price = await site.driver.sees(lambda s: s.page == "price" and s.prices[0].glyph == "sun", "the sun on the price page")
    assert price.prices[0].note == "With sun: 0.37\xa0€/kWh"
    await site.driver.press("accept")
    await site.tap("silver")
    fell = await site.driver.sees(lambda s: s.page == "plug_in" and bool(s.subtitle), "that the price fell")
    assert fell.subtitle.startswith("Your price fell to ") and fell.subtitle.endswith("kWh: Silver.")
    site.house.roof.shine(0)  # a cloud: what was promised holds
    await site.plug()
    await site.energy(2_000_000)
    await site.end()
    shown = await site.receipt_shown()
    await site.closed()
    full = cents(energy(site) * Fraction(49, 100))
    sun = cents(Fraction(site.delivery.mwh * 600 // 1_000 * 20, 10**8) * energy(site) * 10**6 / site.delivery.mwh)
    (_, taken), (_, member) = lines(site)
    assert abs(taken + sun) <= 1 and member == -cents(Fraction(full + taken, 2_000))
    settled(site.payment, full + taken + member)
    assert "Sun" in shown.sum_line and "Silver" in shown.sum_line
    await until(lambda: bool(site.receipts), "the paper")
    assert "Solar bonus, paid by the site" in site.receipts[-1] and "Loyalty discount, paid by the operator" in site.receipts[-1]


async def test_an_entitlement_covers_a_charge_and_is_used_up_by_it(site: Stand):
    await site.pay(card="gold")
    await site.plug()
    await site.energy(1_000_000)
    await site.end()
    await site.closed()
    ((name, taken),) = lines(site)
    (priced,) = site.facts(f.Priced)
    assert (name, priced.rating.total.minor) == ("Gold", 0) and taken < 0
    assert site.payment.cancelled and site.payment.captured.minor == 0
    used = site.delivery.mwh
    await site.calm()
    await site.pay(card="gold")
    await site.noted(f.PriceLowered)
    (lowered,) = site.facts(f.PriceLowered)
    left = Fraction(lowered.discounts_json.partition('"kwh_left":')[2].partition(",")[0])
    assert abs(left - (20 - Fraction(used, 10**6))) < Fraction(1, 100)
    await site.driver.press("cancel")


async def test_sun_that_comes_while_it_charges_lowers_the_bill_also_over_a_kill(roof: Stand):
    site = roof
    await site.pay()
    await site.plug()
    await site.energy(500_000)
    site.house.roof.shine(1_000)
    await site.noted(f.PriceLowered)
    await site.house.core.kill()
    await site.energy(2_500_000)
    site.pile.unplug(1)
    await site.closed()
    (priced,) = site.facts(f.Priced)
    ((name, taken),) = lines(site)
    assert name == "Sun" and taken < 0
    assert {fact.why for fact in site.facts(f.PriceLowered)} == {"site"}
    settled(site.payment, priced.rating.total.minor)
    assert priced.rating.total.minor == cents(energy(site) * Fraction(49, 100)) + taken
