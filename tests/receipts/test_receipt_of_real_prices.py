"""Whatever the price engine makes of a charge, its receipt adds up, fits the paper and survives the code."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.metering.reading import Reading
from kiosk.pricing.load import load
from kiosk.pricing.rate import bill
from kiosk.pricing.usage import usage_from
from kiosk.receipts.compact import compact, expand
from kiosk.receipts.document import document
from kiosk.receipts.render import Paper, Text, render
from kiosk.session import facts as f
from kiosk.values import Money

BEGIN = 1_795_352_883_000
TARIFF = {
    "country_code": "DE",
    "party_id": "LND",
    "id": "mixed",
    "currency": "EUR",
    "tax_included": "YES",
    "elements": [
        {
            "price_components": [{"type": "ENERGY", "price": 0.3947, "vat": 19, "step_size": 1}],
            "restrictions": {"max_kwh": 20},
        },
        {
            "price_components": [
                {"type": "FLAT", "price": 0.35, "vat": 7, "step_size": 1},
                {"type": "ENERGY", "price": 0.4567, "vat": 19, "step_size": 1},
                {"type": "TIME", "price": 1.1, "vat": 19, "step_size": 1},
                {"type": "PARKING_TIME", "price": 6, "step_size": 1},
            ]
        },
    ],
    "min_price": {"before_taxes": 1},
    "last_updated": "2026-11-01T00:00:00Z",
    "x_pilepay": {"idle_grace_seconds": 600, "idle_cap": 12},
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    mwh=st.integers(0, 120_000_000),
    seconds=st.integers(1, 40_000),
    stay=st.integers(0, 40_000),
    hold=st.sampled_from([500, 5_000, 20_000]),
    language=st.sampled_from(["en", "de"]),
    columns=st.sampled_from([32, 42]),
)
def test_a_real_price_makes_a_receipt_that_adds_up(sale, altered, seller, place, mwh, seconds, stay, hold, language, columns) -> None:
    begin, end = Reading(BEGIN, 0), Reading(BEGIN + seconds * 1_000, mwh)
    rating = bill(load(json.dumps(TARIFF).encode()), usage_from(begin, end, vacated_at=end.utc_ms + stay * 1_000), "Europe/Berlin")
    charge = min(rating.total.minor, hold)
    facts = sale(held=hold, captured=charge)
    facts = altered(facts, f.Priced, rating=rating, charge=Money(charge, "EUR"), shortfall=rating.total - Money(charge, "EUR"))

    receipt = document(facts, seller, place)

    assert receipt.priced == rating.total
    assert sum(t.gross.minor for t in receipt.taxes) == receipt.captured.minor == charge
    assert expand(compact(receipt)) == receipt
    assert render(receipt, Paper(columns), language)
    assert render(receipt, Text(columns), language)
