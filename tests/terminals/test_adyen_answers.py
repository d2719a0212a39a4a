"""What a terminal's answer is worth: strict about money and identity, lenient about the rest, and never a card number."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from terminal_bench import KEY_IDENTIFIER, KEY_VERSION, PASSPHRASE, POI_ID, SALE_ID, identification, order

from hardware.api import AnswerLost, Approved, Card, Declined, DeclineReason, DialogueState, PreauthorizationOrder
from hardware.terminals.adyen import answers, messages
from hardware.terminals.adyen.messages import Opened, Request
from hardware.terminals.adyen.nexo import NexoKey
from kiosk.values import Money

KEY = NexoKey.derive(PASSPHRASE, KEY_IDENTIFIER, KEY_VERSION)
NONCE = bytes(16)
ORDER = order()
REQUEST = messages.payment(ORDER, SALE_ID, POI_ID)
STATUS = messages.transaction_status(ORDER, "A2", SALE_ID, POI_ID)
VECTORS = {
    vector["name"]: vector
    for vector in json.loads((Path(__file__).parent.parent / "vectors/payments/nexo.json").read_text())["message_vectors"]
}

type_of_body = dict[str, Any]


def approved_body() -> type_of_body:
    return {
        "Response": {"Result": "Success", "AdditionalResponse": "pspReference=PSPREF1234567890&PaymentAccountReference=5001PAR&alias=K1"},
        "SaleData": {"SaleTransactionID": {"TransactionID": ORDER.reference, "TimeStamp": "2026-09-21T14:13:20.123Z"}},
        "POIData": {"POITransactionID": {"TransactionID": "AbCd001790000000123.PSPREF1234567890", "TimeStamp": "2026-09-21T14:13:25.000Z"}},
        "PaymentResult": {
            "AmountsResp": {"AuthorizedAmount": Decimal("40.00"), "Currency": "EUR"},
            "PaymentAcquirerData": {"AcquirerTransactionID": {"TransactionID": "PSPREF1234567890"}, "ApprovalCode": "123456"},
            "PaymentInstrumentData": {"CardData": {"PaymentBrand": "mc", "MaskedPan": "541333 **** 9999", "EntryMode": ["Contactless"]}},
        },
    }


def failed_body(condition: str | None, additional: str = "") -> type_of_body:
    response = {"Result": "Failure", "AdditionalResponse": additional}
    return {"Response": response if condition is None else {**response, "ErrorCondition": condition}}


def status_body(payment: type_of_body, service_id: str = "A1") -> type_of_body:
    header = Request("Payment", service_id, SALE_ID, POI_ID, {}).header("Response")
    repeated = {"MessageHeader": header, "RepeatedResponseMessageBody": {"PaymentResponse": payment}}
    return {"Response": {"Result": "Success"}, "RepeatedMessageResponse": repeated}


def answer(body: type_of_body, request: Request = REQUEST, **header: Any) -> dict[str, object]:
    return {"SaleToPOIResponse": {"MessageHeader": {**request.header("Response"), **header}, f"{request.category}Response": body}}


# --- real terminals ---------------------------------------------------------------------------------------------------------------


def real(name: str, reference: str, amount: Money) -> Approved | Declined:
    vector = VECTORS[name]
    header = vector["MessageHeader"]
    key = NexoKey.derive(vector["passphrase"], vector["key_identifier"], vector["key_version"])
    raw = {vector["wrapper"]: {name: vector[name] for name in ("MessageHeader", "NexoBlob", "SecurityTrailer")}}
    asked = PreauthorizationOrder(reference, header["ServiceID"], amount, "en", 0)
    request = messages.payment(asked, header["SaleID"], header["POIID"])
    return answers.preauthorized(answers.received(json.dumps(raw).encode(), request, key), asked)


def test_a_real_terminals_answer_of_2019_is_understood() -> None:
    assert real("payment-response-local-2019", "999", Money(100, "EUR")) == Approved(
        authorized=Money(100, "EUR"),
        psp_reference="8815573255107661",
        tender_reference="4r7i001557325515012",
        card=Card(
            brand="mc",
            last4="0010",
            auth_code="123456",
            application_id="A0000000041010",
            entry_mode="CLESS_CHIP",
            recognition="K182596230843790",
        ),
    )


def test_a_real_terminals_answer_of_2018_is_understood() -> None:
    outcome = real("payment-response-success-2018", "22485", Money(1_099, "EUR"))
    assert isinstance(outcome, Approved)
    assert outcome.authorized == Money(1_099, "EUR")
    assert outcome.card.last4 == "3511"


def test_a_real_answer_to_another_sale_is_not_ours() -> None:
    with pytest.raises(AnswerLost, match="another sale"):
        real("payment-response-local-2019", "998", Money(100, "EUR"))


# --- money ------------------------------------------------------------------------------------------------------------------------


def test_an_approval_is_what_the_answer_names() -> None:
    assert answers.preauthorized(approved_body(), ORDER) == Approved(
        Money(4_000, "EUR"),
        "PSPREF1234567890",
        "AbCd001790000000123",
        Card("mc", "9999", "123456", "", "Contactless", "5001PAR", "K1"),
    )


@pytest.mark.parametrize("result", ["Success", "Partial"])
def test_less_than_asked_is_approved_as_less(result: str) -> None:
    body = approved_body()
    body["Response"]["Result"] = result
    body["PaymentResult"]["AmountsResp"]["AuthorizedAmount"] = Decimal("12.5")
    outcome = answers.preauthorized(body, ORDER)
    assert isinstance(outcome, Approved)
    assert outcome.authorized == Money(1_250, "EUR")


def broken(change: Callable[[type_of_body], None]) -> type_of_body:
    body = approved_body()
    change(body)
    return body


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body["PaymentResult"]["AmountsResp"].update(AuthorizedAmount=Decimal("40.01")),
        lambda body: body["PaymentResult"]["AmountsResp"].update(AuthorizedAmount=0),
        lambda body: body["PaymentResult"]["AmountsResp"].update(AuthorizedAmount=-40),
        lambda body: body["PaymentResult"]["AmountsResp"].update(AuthorizedAmount=Decimal("39.999")),
        lambda body: body["PaymentResult"]["AmountsResp"].update(AuthorizedAmount="40.00"),
        lambda body: body["PaymentResult"]["AmountsResp"].update(AuthorizedAmount=Decimal("1E+999999")),
        lambda body: body["PaymentResult"]["AmountsResp"].pop("AuthorizedAmount"),
        lambda body: body["PaymentResult"]["AmountsResp"].update(Currency="USD"),
        lambda body: body["PaymentResult"].pop("AmountsResp"),
        lambda body: body.pop("PaymentResult"),
        lambda body: body["Response"].update(AdditionalResponse="posAuthAmountCurrency=EUR&posAuthAmountValue=3999"),
        lambda body: body["Response"].update(AdditionalResponse="pspReference=ANOTHER"),
        lambda body: body["PaymentResult"]["PaymentAcquirerData"]["AcquirerTransactionID"].update(TransactionID="ANOTHER"),
        lambda body: body["POIData"]["POITransactionID"].update(TransactionID=""),
        lambda body: body["POIData"]["POITransactionID"].update(TransactionID="AbCd.no such reference"),
        lambda body: body["SaleData"]["SaleTransactionID"].update(TransactionID="pp-kiosk-2"),
        lambda body: body.pop("SaleData"),
        lambda body: body["Response"].update(Result="Perhaps"),
        lambda body: body["Response"].pop("Result"),
        lambda body: body.pop("Response"),
    ],
)
def test_an_approval_that_does_not_add_up_is_no_answer(change: Callable[[type_of_body], None]) -> None:
    with pytest.raises(AnswerLost):
        answers.preauthorized(broken(change), ORDER)


def test_an_online_approval_without_the_acquirers_reference_is_no_answer() -> None:
    def nameless(body: type_of_body) -> None:
        body["Response"]["AdditionalResponse"] = ""
        body["PaymentResult"].pop("PaymentAcquirerData")
        body["POIData"]["POITransactionID"]["TransactionID"] = "AbCd001790000000123"

    with pytest.raises(AnswerLost, match="reference"):
        answers.preauthorized(broken(nameless), ORDER)
    offline = broken(nameless)
    offline["Response"]["AdditionalResponse"] = "offline=true"
    outcome = answers.preauthorized(offline, ORDER)
    assert isinstance(outcome, Approved)
    assert outcome.offline
    assert outcome.psp_reference == ""


@pytest.mark.parametrize("flag", [False, "false"])
def test_an_offline_approval_says_so(flag: object) -> None:
    outcome = answers.preauthorized(broken(lambda body: body["PaymentResult"].update(OnlineFlag=flag)), ORDER)
    assert isinstance(outcome, Approved)
    assert outcome.offline


# --- declines ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "additional", "reason"),
    [
        ("Refusal", "refusalReason=210%20Not%20enough%20balance", DeclineReason.REFUSED),
        ("InvalidCard", "", DeclineReason.INVALID_CARD),
        ("WrongPIN", "", DeclineReason.WRONG_PIN),
        ("Cancel", "refusalReason=108%20Shopper%20cancelled", DeclineReason.CANCELLED),
        ("Cancel", "refusalReason=126%20Shopper%20did%20not%20present%20card", DeclineReason.NO_CARD),
        ("Cancel", "refusalReason=104%20Merchant%20cancelled", DeclineReason.ABORTED),
        ("Aborted", "", DeclineReason.ABORTED),
        ("Busy", "", DeclineReason.BUSY),
        ("DeviceOut", "", DeclineReason.UNAVAILABLE),
        ("UnreachableHost", "", DeclineReason.UNAVAILABLE),
        ("NotAllowed", "", DeclineReason.NOT_ALLOWED),
        ("MessageFormat", "errors=field%20Currency%3a%20Missing", DeclineReason.NOT_ALLOWED),
        ("SomethingNew", "", DeclineReason.OTHER),
        (None, "", DeclineReason.OTHER),
    ],
)
def test_a_decline_is_told_by_its_error_condition(condition: str | None, additional: str, reason: DeclineReason) -> None:
    outcome = answers.preauthorized(failed_body(condition, additional), ORDER)
    assert isinstance(outcome, Declined)
    assert outcome.reason is reason


@pytest.mark.parametrize("condition", ["InProgress", "Communication timeout"])
def test_what_is_not_settled_is_no_decline(condition: str) -> None:
    with pytest.raises(AnswerLost, match="settled"):
        answers.preauthorized(failed_body(condition), ORDER)


def test_the_operator_reads_why_in_either_encoding() -> None:
    pairs = {"refusalReason": "210 Not enough balance"}
    for text in (
        "refusalReason=210%20Not%20enough%20balance",
        base64.b64encode(json.dumps(pairs).encode()).decode(),
        base64.b64encode(json.dumps({"additionalData": pairs, "store": "x"}).encode()).decode(),
    ):
        assert answers.preauthorized(failed_body("Refusal", text), ORDER) == Declined(
            DeclineReason.REFUSED, "Refusal: 210 Not enough balance"
        )


def test_the_operator_reads_which_dialogue_keeps_the_terminal_busy() -> None:
    outcome = answers.preauthorized(failed_body("Busy", "message=Forbidden%20Request&serviceId=A7"), ORDER)
    assert outcome == Declined(DeclineReason.BUSY, "Busy: Forbidden Request (dialogue A7)", "A7")


# --- status -----------------------------------------------------------------------------------------------------------------------


def test_the_inner_result_decides_not_the_outer() -> None:
    assert isinstance(answers.status(status_body(approved_body()), ORDER, STATUS), Approved)
    assert answers.status(status_body(failed_body("Refusal")), ORDER, STATUS) == Declined(DeclineReason.REFUSED, "Refusal")


@pytest.mark.parametrize(
    ("condition", "state"), [("NotFound", DialogueState.NOT_FOUND), ("InProgress", DialogueState.IN_PROGRESS)], ids=str
)
def test_a_question_without_a_result_has_a_state(condition: str, state: DialogueState) -> None:
    assert answers.status(failed_body(condition), ORDER, STATUS) is state


def test_an_unsettled_payment_in_a_status_is_in_progress() -> None:
    assert answers.status(status_body(failed_body("InProgress")), ORDER, STATUS) is DialogueState.IN_PROGRESS


@pytest.mark.parametrize("condition", ["Busy", "UnavailableService", "MessageFormat", "SomethingNew"])
def test_a_question_that_failed_says_nothing_of_the_payment(condition: str) -> None:
    with pytest.raises(AnswerLost, match="did not say"):
        answers.status(failed_body(condition), ORDER, STATUS)


def test_the_status_of_another_dialogue_is_not_ours() -> None:
    with pytest.raises(AnswerLost, match="another payment"):
        answers.status(status_body(approved_body(), service_id="A9"), ORDER, STATUS)


def test_a_status_with_nothing_repeated_is_no_answer() -> None:
    with pytest.raises(AnswerLost):
        answers.status({"Response": {"Result": "Success"}}, ORDER, STATUS)


# --- who says so ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        {"ServiceID": "A2"},
        {"SaleID": "other"},
        {"POIID": "S1U2-000158215131749"},
        {"MessageCategory": "Reversal"},
        {"MessageType": "Request"},
    ],
    ids=str,
)
def test_a_sealed_answer_to_another_request_is_not_ours(header: dict[str, Any]) -> None:
    with pytest.raises(AnswerLost, match="another message"):
        answers.received(messages.sealed(answer(approved_body(), **header), KEY, NONCE), REQUEST, KEY)


def test_an_answer_of_another_kind_is_not_ours() -> None:
    with pytest.raises(AnswerLost, match="no PaymentResponse"):
        answers.received(messages.sealed(answer(status_body(approved_body()), STATUS), KEY, NONCE), REQUEST, KEY)


@pytest.mark.parametrize("body", [approved_body(), failed_body("Refusal"), failed_body("Aborted"), failed_body("Busy")])
def test_what_a_terminal_can_only_say_sealed_is_not_believed_in_clear(body: type_of_body) -> None:
    with pytest.raises(AnswerLost, match="unsealed") as caught:
        answers.received(messages.encode(answer(body)), REQUEST, KEY)
    assert not isinstance(caught.value, answers.NotUnderstood)


@pytest.mark.parametrize(
    "message",
    [
        {"errors": ["Nexo Service: crypto error (9)"], "ServiceID": "-NULL-"},
        {"SaleToPOIRequest": {"MessageHeader": {}, "EventNotification": {"EventToNotify": "Reject", "EventDetails": "message=no"}}},
        answer(failed_body("MessageFormat")),
        answer(failed_body("NotAllowed")),
    ],
    ids=["crypto", "reject", "format", "not allowed"],
)
def test_a_clear_error_is_a_hint_and_settles_nothing(message: dict[str, object]) -> None:
    with pytest.raises(answers.NotUnderstood, match="in clear"):
        answers.body_of(Opened(message, sealed=False), REQUEST)
    assert issubclass(answers.NotUnderstood, AnswerLost)


def test_a_clear_error_to_another_dialogue_says_nothing() -> None:
    with pytest.raises(AnswerLost, match="unsealed"):
        answers.body_of(Opened(answer(failed_body("MessageFormat"), ServiceID="A9"), sealed=False), REQUEST)


# --- the card ---------------------------------------------------------------------------------------------------------------------

PAN = "5413330089099999"


def test_words_that_no_file_can_hold_are_not_taken_over() -> None:
    half = "\ud83d"
    body = approved_body()
    card = body["PaymentResult"]["PaymentInstrumentData"]["CardData"]
    card.update(PaymentBrand=f"m{half}c", PaymentAccountRef=f"par{half}")
    body["Response"].pop("AdditionalResponse")
    outcome = answers.preauthorized(body, ORDER)
    assert isinstance(outcome, Approved)
    assert (outcome.card.brand, outcome.card.recognition) == ("m c", "")
    failed = failed_body("Refusal")
    failed["Response"]["ErrorCondition"] = f"Refusal{half}"
    refused = answers.preauthorized(failed, ORDER)
    assert isinstance(refused, Declined)
    refused.detail.encode()
    body["POIData"]["POITransactionID"]["TransactionID"] = f"T{half}.PSP"
    with pytest.raises(AnswerLost):
        answers.preauthorized(body, ORDER)


@pytest.mark.parametrize("masked", [PAN, "5413 3300 8909 9999", "5413-3300-8909-9999"])
def test_an_unmasked_card_number_is_not_even_looked_at(masked: str) -> None:
    body = approved_body()
    body["PaymentResult"]["PaymentInstrumentData"]["CardData"]["MaskedPan"] = masked
    outcome = answers.preauthorized(body, ORDER)
    assert isinstance(outcome, Approved)
    assert outcome.card.last4 == ""


def test_a_card_number_in_any_other_place_is_hidden() -> None:
    body = approved_body()
    body["Response"]["AdditionalResponse"] = "&".join(
        f"{name}={PAN}" for name in ("AID", "authCode", "posEntryMode", "PaymentAccountReference", "alias", "cardSummary")
    )
    body["PaymentResult"]["PaymentInstrumentData"]["CardData"].update(PaymentBrand=f"mc {PAN}", MaskedPan="")
    outcome = answers.preauthorized(body, ORDER)
    assert isinstance(outcome, Approved)
    assert PAN not in repr(outcome)
    assert outcome.card.recognition == ""
    declined = answers.preauthorized(failed_body("Refusal", "refusalReason=card 5413 3300 8909 9999 blocked"), ORDER)
    assert declined == Declined(DeclineReason.REFUSED, "Refusal: card **** blocked")


def test_a_wallet_is_recognised_by_its_account_reference_and_a_card_without_one_by_its_alias() -> None:
    for additional, recognition in (
        ("PaymentAccountReference=5001PAR&alias=K1", "5001PAR"),
        ("PaymentAccountReference=5001PAR", "5001PAR"),
        ("alias=K1", "K1"),
        ("", ""),
    ):
        outcome = answers.preauthorized(broken(lambda body, text=additional: body["Response"].update(AdditionalResponse=text)), ORDER)  # type: ignore[misc]
        assert isinstance(outcome, Approved)
        assert outcome.card.recognition == recognition


# --- approved offline -------------------------------------------------------------------------------------------------------------


def form(pairs: dict[str, Any]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs.items())


def base64_json(pairs: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps({"additionalData": pairs}).encode()).decode()


@pytest.mark.parametrize("told", ["additional", "flag", "flag as a word", "both"])
@pytest.mark.parametrize("encoded", [form, base64_json])
def test_an_offline_approval_is_read_wherever_it_is_told(encoded: Callable[[dict[str, Any]], str], told: str) -> None:
    body = approved_body()
    body["Response"]["AdditionalResponse"] = encoded({"alias": "K1", **({"offline": "true"} if told in ("additional", "both") else {})})
    body["POIData"]["POITransactionID"]["TransactionID"] = "AbCd001790000000123"
    body["PaymentResult"]["PaymentAcquirerData"] = {}
    if told != "additional":
        body["PaymentResult"]["OnlineFlag"] = "false" if told == "flag as a word" else False
    outcome = answers.preauthorized(body, ORDER)
    assert isinstance(outcome, Approved)
    assert outcome.offline
    assert (outcome.psp_reference, outcome.tender_reference) == ("", "AbCd001790000000123")
    assert answers.status(status_body(body), ORDER, STATUS) == outcome


@pytest.mark.parametrize("encoded", [form, base64_json])
def test_an_online_approval_is_not_taken_for_an_offline_one(encoded: Callable[[dict[str, Any]], str]) -> None:
    body = approved_body()
    body["Response"]["AdditionalResponse"] = encoded({"offline": "false", "pspReference": "PSPREF1234567890"})
    body["PaymentResult"]["OnlineFlag"] = True
    outcome = answers.preauthorized(body, ORDER)
    assert isinstance(outcome, Approved)
    assert not outcome.offline


def test_an_offline_approval_may_already_have_the_acquirers_reference() -> None:
    body = approved_body()
    body["PaymentResult"]["OnlineFlag"] = False
    outcome = answers.preauthorized(body, ORDER)
    assert isinstance(outcome, Approved)
    assert (outcome.offline, outcome.psp_reference) == (True, "PSPREF1234567890")


# --- a card that is only recognised -----------------------------------------------------------------------------------------------

IDENTIFY = identification()


def read_body(additional: str = "", **card: str) -> type_of_body:
    return {
        "Response": {"Result": "Success", "AdditionalResponse": additional},
        "SaleData": {"SaleTransactionID": {"TransactionID": IDENTIFY.reference, "TimeStamp": "2026-09-21T14:13:20.123Z"}},
        "POIData": {"POITransactionID": {"TransactionID": "AbCd001790000000123", "TimeStamp": "2026-09-21T14:13:25.000Z"}},
        "PaymentInstrumentData": {"PaymentInstrumentType": "Card", "CardData": {"MaskedPan": "541333 **** 9999", **card}},
    }


@pytest.mark.parametrize(
    ("additional", "card", "known_by"),
    [
        ("PaymentAccountReference=5001PAR&alias=K1", {}, ("5001PAR", "K1")),
        ("PaymentAccountReference=5001PAR", {}, ("5001PAR", "")),
        ("alias=K1", {"PaymentAccountRef": "5001PAR"}, ("5001PAR", "K1")),
        ("alias=K1", {}, ("K1", "")),
        ("", {}, ("", "")),
        (f"PaymentAccountReference={PAN}&alias=5413 3300 8909 9999", {"PaymentAccountRef": PAN}, ("", "")),
    ],
    ids=["both", "wallet", "in the card data", "alias only", "neither", "a card number"],
)
def test_a_card_is_recognised_by_its_account_reference_then_its_alias(
    additional: str, card: dict[str, str], known_by: tuple[str, str]
) -> None:
    read = answers.identified(read_body(additional, **card), IDENTIFY)
    assert isinstance(read, Card)
    assert (read.recognition, read.alias) == known_by
    assert not any(known and known in repr(read) for known in known_by)


def test_the_reading_of_another_request_is_not_ours() -> None:
    body = read_body()
    body["SaleData"]["SaleTransactionID"]["TransactionID"] = "i9"
    with pytest.raises(AnswerLost, match="another"):
        answers.identified(body, IDENTIFY)


@pytest.mark.parametrize("body", [failed_body("InProgress"), failed_body("Communication timeout"), {"Response": {"Result": "Partial"}}, {}])
def test_a_reading_that_is_not_settled_is_lost(body: type_of_body) -> None:
    with pytest.raises(AnswerLost):
        answers.identified(body, IDENTIFY)


def test_a_terminal_that_is_busy_names_the_dialogue_it_is_in_and_nothing_that_is_none() -> None:
    for told, running in (("serviceId=i7", "i7"), ("serviceId=no%20id", ""), ("message=busy", "")):
        for judged in (answers.identified(failed_body("Busy", told), IDENTIFY), answers.released(failed_body("Busy", told))):
            assert isinstance(judged, Declined)
            assert (judged.reason, judged.running) == (DeclineReason.BUSY, running)


def test_a_release_without_a_result_is_lost() -> None:
    assert answers.released({"Response": {"Result": "Success"}}) is None
    with pytest.raises(AnswerLost):
        answers.released({"Response": {}})


# --- health -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "ok"),
    [
        ({"GlobalStatus": "OK"}, True),
        ({"GlobalStatus": "Busy"}, True),
        ({"GlobalStatus": "Maintenance"}, False),
        ({"GlobalStatus": "Unreachable"}, False),
        ({"GlobalStatus": "OK", "CardReaderOKFlag": "false"}, False),
        ({"GlobalStatus": "OK", "CommunicationOKFlag": False}, False),
        ({}, True),
    ],
    ids=str,
)
def test_health_is_what_the_diagnosis_says(status: dict[str, object], ok: bool) -> None:
    assert answers.health({"Response": {"Result": "Success"}, "POIStatus": status}).ok is ok


@pytest.mark.parametrize(
    ("hosts", "reached"),
    [
        ([{"AcquirerID": 1, "IsReachableFlag": True}], True),
        ([{"AcquirerID": 1}], True),
        ([{"AcquirerID": "0", "IsReachableFlag": True}], True),
        ([{"AcquirerID": 1, "IsReachableFlag": True}, {"AcquirerID": 2, "IsReachableFlag": False}], True),
        ([{"AcquirerID": 1, "IsReachableFlag": False}, {"AcquirerID": 2, "IsReachableFlag": True}], True),
        ([{"AcquirerID": 1, "IsReachableFlag": False}, {"AcquirerID": 2, "IsReachableFlag": False}], False),
        ([{"AcquirerID": 1, "IsReachableFlag": False}, {"AcquirerID": 2}], True),
        ([{"AcquirerID": 1, "IsReachableFlag": "false"}], False),
        ([], True),
        ("nonsense", True),
        (["nonsense"], True),
    ],
    ids=str,
)
@pytest.mark.parametrize("status", ["OK", "Busy"])
def test_a_host_out_of_reach_is_no_fault_of_the_terminal(status: str, hosts: object, reached: bool) -> None:
    health = answers.health({"Response": {"Result": "Success"}, "POIStatus": {"GlobalStatus": status}, "HostStatus": hosts})
    assert (health.ok, health.host, health.busy) == (True, reached, status == "Busy")


def test_a_diagnosis_refused_for_a_dialogue_is_a_sign_of_life() -> None:
    health = answers.health(failed_body("Busy", "serviceId=A1"))
    assert (health.ok, health.busy) == (True, True)


def test_a_failed_diagnosis_is_no_health() -> None:
    assert not answers.health(failed_body("LoggedOut")).ok


# --- anything at all --------------------------------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=30)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))


def paths(value: object, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here] if here else []
    if isinstance(value, dict):
        for name, item in value.items():
            found += paths(item, (*here, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += paths(item, (*here, index))
    return found


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_answer_breaks_the_driver_or_approves_more_than_asked(data: st.DataObject) -> None:
    body = status_body(data.draw(st.sampled_from([approved_body(), failed_body("Refusal", "refusalReason=no"), failed_body("NotFound")])))
    body = copy.deepcopy(body)
    for _ in range(data.draw(st.integers(1, 3))):
        *above, last = data.draw(st.sampled_from(paths(body)))
        parent: Any = body
        for step in above:
            parent = parent[step]
        parent[last] = data.draw(VALUES)
        if not paths(body):
            break
    try:
        outcome = answers.status(answers.received(messages.sealed(answer(body, STATUS), KEY, NONCE), STATUS, KEY), ORDER, STATUS)
    except AnswerLost:
        return
    if isinstance(outcome, Approved):
        assert Money(0, "EUR") < outcome.authorized <= ORDER.amount
