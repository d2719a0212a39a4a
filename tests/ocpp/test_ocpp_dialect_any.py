"""Whatever JSON a transaction message is made of, OCPP 1.6 understands something and answers it to the letter."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kiosk.ocpp import frames
from kiosk.ocpp.dialects.v16 import V16
from kiosk.ocpp.dialects.v16_values import mwh_from_wh, number
from kiosk.ocpp.seam import PileSettings, Reply
from kiosk.session.inputs import MeterRead, TxEnded, TxStarted
from kiosk.values import Moment

NOW = Moment(1_795_000_000_000, "boot", 0)
KEYS = st.sampled_from(
    "connectorId idTag meterStart meterStop timestamp transactionId reason transactionData meterValue sampledValue value unit context "
    "measurand phase format location vendorKey".split()
)
WORDS = st.sampled_from(
    "Wh kWh Transaction.Begin Transaction.End Sample.Periodic Energy.Active.Import.Register Power.Active.Import SoC L1 SignedData "
    "2026-11-18T11:06:41Z 0001-01-01T00:00:00+23:59 1e9 -1 NaN 17.5".split()
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30) | WORDS
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8), max_leaves=25)
PAYLOADS = st.dictionaries(KEYS, JSON, max_size=10)


@given(action=st.sampled_from(["StartTransaction", "StopTransaction", "MeterValues"]), payload=PAYLOADS)
def test_every_transaction_message_is_understood_and_answered(action, payload):
    dialect = V16(PileSettings("P"), lambda tag: False)
    call = frames.decode(json.dumps([2, "m", action, payload]))
    assert isinstance(call, frames.Call)
    dialect.flaw(call)
    heard = dialect.hear(call, NOW, None)
    assert dialect.bad_answer(action, heard.answer(Reply(7))) == ""
    for told in heard.told:
        assert isinstance(told, TxStarted | TxEnded | MeterRead)
        repr(told).encode()  # nothing that a journal could not write
    for note in heard.notes:
        note.encode()


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode(errors="replace")))
def test_every_text_is_a_frame_or_malformed(raw):
    assert isinstance(frames.decode(raw), frames.Frame)


@given(st.integers(min_value=-(10**12), max_value=10**12), st.integers(min_value=0, max_value=3))
def test_a_register_is_converted_to_the_last_milliwatt_hour(mwh, shift):
    text = str(Decimal(mwh).scaleb(-3 - shift))
    found = number(text)
    assert found is not None
    assert mwh_from_wh(str(found.scaleb(shift))) == mwh
