"""Requests as the Terminal API wants them, and JSON that never rounds money."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terminal_bench import KEY_IDENTIFIER, KEY_VERSION, PASSPHRASE, POI_ID, SALE_ID, identification, order

from hardware.api import Farewell
from hardware.terminals.adyen import messages
from hardware.terminals.adyen.messages import MessageError
from hardware.terminals.adyen.nexo import NexoError, NexoKey
from kiosk.values import Money

KEY = NexoKey.derive(PASSPHRASE, KEY_IDENTIFIER, KEY_VERSION)
NONCE = bytes(16)


def test_a_payment_is_a_preauthorization_captured_later() -> None:
    message = messages.payment(order(), SALE_ID, POI_ID).message()
    assert message == {
        "SaleToPOIRequest": {
            "MessageHeader": {
                "ProtocolVersion": "3.0",
                "MessageClass": "Service",
                "MessageCategory": "Payment",
                "MessageType": "Request",
                "ServiceID": "A1",
                "SaleID": "Kiosk1",
                "POIID": "S1U2-000158215131748",
            },
            "PaymentRequest": {
                "SaleData": {
                    "SaleTransactionID": {"TransactionID": "pp-kiosk-1", "TimeStamp": "2026-09-21T14:13:20.123Z"},
                    "TokenRequestedType": "Customer",
                    "SaleToAcquirerData": "authorisationType=PreAuth&manualCapture=true",
                },
                "PaymentTransaction": {
                    "AmountsReq": {"Currency": "EUR", "RequestedAmount": Decimal("40.00")},
                    "TransactionConditions": {"CustomerLanguage": "de"},
                },
            },
        }
    }


def test_status_and_abort_name_the_dialogue_they_are_about_and_have_their_own() -> None:
    reference = {"MessageCategory": "Payment", "SaleID": "Kiosk1", "ServiceID": "A1"}
    for build in (messages.transaction_status, messages.abort):
        request = build(order(), "A2", SALE_ID, POI_ID)
        assert request.service_id == "A2"
        assert request.body["MessageReference"] == reference


def test_a_card_is_asked_for_without_a_payment_and_with_an_amount_of_nothing_so_that_contactless_ones_are_read() -> None:
    request = messages.card_acquisition(identification(), SALE_ID, POI_ID)
    assert request.category == "CardAcquisition"
    assert request.body == {
        "SaleData": {
            "SaleTransactionID": {"TransactionID": "i1", "TimeStamp": "2026-09-21T14:13:20.123Z"},
            "TokenRequestedType": "Customer",
        },
        "CardAcquisitionTransaction": {"TotalAmount": Decimal(0), "CustomerLanguage": "de"},
    }
    named = replace(identification(), amount=Money(4_000, "EUR"), language="")
    assert messages.card_acquisition(named, SALE_ID, POI_ID).body["CardAcquisitionTransaction"] == {"TotalAmount": Decimal("40.00")}


@pytest.mark.parametrize(("farewell", "picture"), [(Farewell.ACCEPTED, "AcceptedAnimated"), (Farewell.DECLINED, "DeclinedAnimated")])
def test_a_release_ends_the_transaction_with_a_picture(farewell: Farewell, picture: str) -> None:
    request = messages.release("r1", farewell, SALE_ID, POI_ID)
    assert request.category == "EnableService"
    assert request.body == {
        "TransactionAction": "AbortTransaction",
        "DisplayOutput": {
            "Device": "CustomerDisplay",
            "InfoQualify": "Display",
            "OutputContent": {"OutputFormat": "MessageRef", "PredefinedContent": {"ReferenceID": picture}},
        },
    }


def test_an_identification_is_aborted_as_what_it_is() -> None:
    reference = messages.abort(identification(), "A2", SALE_ID, POI_ID).body["MessageReference"]
    assert reference == {"MessageCategory": "CardAcquisition", "SaleID": "Kiosk1", "ServiceID": "i1"}


def test_a_diagnosis_asks_for_the_host_too() -> None:
    assert messages.diagnosis("A1", SALE_ID, POI_ID).body == {"HostDiagnosisFlag": True}


@pytest.mark.parametrize("service_id", ["", "12345678901", "A-1", "Ä1", "A 1"])
def test_a_service_id_that_the_terminal_would_refuse_is_not_sent(service_id: str) -> None:
    with pytest.raises(MessageError, match="ServiceID"):
        messages.payment(order(service_id), SALE_ID, POI_ID)


def test_an_amount_is_written_with_every_digit_of_its_currency() -> None:
    assert messages.encode({"a": Money(4_000, "EUR").decimal(), "b": Money(7, "JPY").decimal(), "c": Money(1, "KWD").decimal()}) == (
        b'{"a":40.00,"b":7,"c":0.001}'
    )


@given(st.integers(0, 10**12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_survives_the_wire(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    assert messages.money(messages.decode(messages.encode({"a": amount.decimal()}))["a"], currency) == amount


@pytest.mark.parametrize(
    "value",
    [
        Decimal("10.001"),
        Decimal("1E+400"),
        Decimal("1E-400"),
        Decimal("NaN"),
        Decimal("Infinity"),
        "10.00",
        True,
        None,
        10.0,
        [10],
        10**400,
    ],
)
def test_what_is_no_amount_is_refused(value: object) -> None:
    with pytest.raises(MessageError):
        messages.money(value, "EUR")


@pytest.mark.parametrize("currency", ["", "eur", "EURO", None, 978])
def test_what_is_no_currency_is_refused(currency: object) -> None:
    with pytest.raises(MessageError):
        messages.money(Decimal(1), currency)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1,"a":2}',
        b"\xff\xfe\x00",
        b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a":' + b"9" * 10_000 + b"}",
    ],
    ids=lambda raw: str(raw[:12]),
)
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(MessageError):
        messages.decode(raw)


def test_a_float_has_no_place_in_a_message() -> None:
    with pytest.raises(MessageError, match="float"):
        messages.encode({"a": 40.0})


def test_a_sealed_message_opens_to_itself() -> None:
    message = messages.payment(order(), SALE_ID, POI_ID).message()
    opened = messages.opened(messages.sealed(message, KEY, NONCE), KEY)
    assert opened.sealed
    assert opened.message == message


@pytest.mark.parametrize("name", ["MessageCategory", "MessageType", "ServiceID", "SaleID", "POIID"])
def test_the_clear_header_must_be_the_sealed_one(name: str) -> None:
    outer = messages.decode(messages.sealed(messages.payment(order(), SALE_ID, POI_ID).message(), KEY, NONCE))
    content = outer["SaleToPOIRequest"]
    assert isinstance(content, dict)
    content["MessageHeader"][name] = "other"
    with pytest.raises(NexoError, match="header"):
        messages.opened(messages.encode(outer), KEY)


def test_a_sealed_response_cannot_be_passed_off_as_a_request() -> None:
    outer = messages.decode(messages.sealed(messages.payment(order(), SALE_ID, POI_ID).message(), KEY, NONCE))
    with pytest.raises(NexoError, match="header"):
        messages.opened(messages.encode({"SaleToPOIResponse": outer["SaleToPOIRequest"]}), KEY)
