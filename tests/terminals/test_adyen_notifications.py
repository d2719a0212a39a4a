"""What a terminal tells unasked: who is believed, what is understood, and that nothing else gets through."""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terminal_bench import KEY_IDENTIFIER, KEY_VERSION, PASSPHRASE, POI_ID, SALE_ID

from hardware.api import EventKind, TerminalEvent
from hardware.terminals.adyen import messages
from hardware.terminals.adyen.nexo import NexoKey, seal
from hardware.terminals.adyen.notifications import LARGEST_NOTIFICATION, DisplayListener

KEY = NexoKey.derive(PASSPHRASE, KEY_IDENTIFIER, KEY_VERSION)
REFERENCE = "TransactionID=oLkO001517998574000&TimeStamp=2018-02-07T10%3a16%3a14.000Z&event="
VECTORS = json.loads((Path(__file__).parent.parent / "vectors/payments/nexo.json").read_text())
WAKE_UP = next(vector for vector in VECTORS["message_vectors"] if "SaleWakeUp" in vector["name"])


class Ears:
    """A listener and everything it heard."""

    def __init__(self, key: NexoKey = KEY, poi_id: str = POI_ID, login: tuple[str, str] | None = None) -> None:
        self.heard: list[TerminalEvent] = []
        self.listener = DisplayListener(key, poi_id, SALE_ID, self.heard.append, login=login)

    def tell(self, message: Mapping[str, object], key: NexoKey = KEY) -> int:
        return self.listener.receive(messages.sealed(message, key, bytes(16))).status


def header(**changes: object) -> dict[str, object]:
    fields = {
        "ProtocolVersion": "3.0",
        "MessageClass": "Device",
        "MessageCategory": "Display",
        "MessageType": "Request",
        "ServiceID": "A1",
        "SaleID": SALE_ID,
        "POIID": POI_ID,
        "DeviceID": "1517998562",
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def display(reference: object, **changes: object) -> dict[str, object]:
    content = {"OutputFormat": "MessageRef", "PredefinedContent": {"ReferenceID": reference}}
    output = {"Device": "CashierDisplay", "InfoQualify": "Status", "OutputContent": content, "ResponseRequiredFlag": False}
    return {"SaleToPOIRequest": {"MessageHeader": header(**changes), "DisplayRequest": {"DisplayOutput": [output]}}}


def event(name: object, **changes: object) -> dict[str, object]:
    about = {"MessageClass": "Event", "MessageCategory": "Event", "MessageType": "Notification", "ServiceID": None, "SaleID": "null"}
    told = {"TimeStamp": "2020-11-13T09:02:35.697Z", "EventToNotify": name, "EventDetails": "reason=1"}
    return {"SaleToPOIRequest": {"MessageHeader": header(**{**about, **changes}), "EventNotification": told}}


# --- what is understood ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("TENDER_CREATED", EventKind.READY),
        ("CARD_PRESENTED", EventKind.CARD_PRESENTED),
        ("CARD_SWIPED", EventKind.CARD_PRESENTED),
        ("CARD_INSERTED", EventKind.CARD_INSERTED),
        ("WAIT_FOR_PIN", EventKind.PIN_WANTED),
        ("PIN_ENTERED", EventKind.PIN_ENTERED),
        ("TENDER_FINAL", EventKind.FINAL),
        ("CARD_REMOVED", EventKind.CARD_REMOVED),
        ("ASK_GRATUITY", EventKind.OTHER),
        ("SOMETHING_NEW", EventKind.OTHER),
    ],
)
def test_progress_is_heard_with_the_payment_it_belongs_to(name: str, kind: EventKind) -> None:
    ears = Ears()
    assert ears.tell(display(REFERENCE + name)) == 200
    assert ears.heard == [TerminalEvent(kind, name, "A1", "oLkO001517998574000")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("UseAnotherCardForPreauth", EventKind.ANOTHER_CARD),
        ("CardInserted", EventKind.CARD_INSERTED),
        ("CardRemoved", EventKind.CARD_REMOVED),
        ("Shutdown", EventKind.AWAY),
        ("BeginMaintenance", EventKind.AWAY),
        ("OutOfOrder", EventKind.AWAY),
        ("EndMaintenance", EventKind.BACK),
        ("Initialised", EventKind.BACK),
        ("SecurityAlarm", EventKind.ALARM),
        ("KeyPressed", EventKind.OTHER),
    ],
)
def test_an_event_is_heard_for_no_sale_and_for_ours(name: str, kind: EventKind) -> None:
    ears = Ears()
    assert ears.tell(event(name)) == 200
    assert ears.tell(event(name, SaleID=SALE_ID, ServiceID="A1")) == 200
    assert ears.heard == [TerminalEvent(kind, name), TerminalEvent(kind, name, "A1")]


def test_a_published_event_is_heard() -> None:
    key = NexoKey.derive(WAKE_UP["passphrase"], WAKE_UP["key_identifier"], WAKE_UP["key_version"])
    ears = Ears(key, WAKE_UP["MessageHeader"]["POIID"])
    sent = {name: WAKE_UP[name] for name in ("MessageHeader", "NexoBlob", "SecurityTrailer")}
    reply = ears.listener.receive(json.dumps({"SaleToPOIRequest": sent}).encode())
    assert (reply.status, reply.body) == (200, b"")
    assert ears.heard == [TerminalEvent(EventKind.OTHER, "SaleWakeUp")]


def test_how_a_payment_ended_is_not_read_here() -> None:
    ears = Ears()
    ears.tell(display(REFERENCE + "TENDER_FINAL&result=APPROVED"))
    assert ears.heard == [TerminalEvent(EventKind.FINAL, "TENDER_FINAL", "A1", "oLkO001517998574000")]


def test_the_same_words_on_two_displays_are_one_event() -> None:
    ears = Ears()
    message = display(REFERENCE + "CARD_PRESENTED")
    content = message["SaleToPOIRequest"]
    assert isinstance(content, dict)
    content["DisplayRequest"]["DisplayOutput"] *= 2
    assert ears.tell(message) == 200
    assert len(ears.heard) == 1


def test_a_display_of_something_else_is_taken_and_says_nothing() -> None:
    ears = Ears()
    assert ears.tell(display(None)) == 200
    assert ears.heard == []


# --- who is believed ------------------------------------------------------------------------------------------------------------------


def test_a_replay_is_taken_and_changes_nothing() -> None:
    ears = Ears()
    for _ in range(3):
        assert ears.tell(display(REFERENCE + "CARD_PRESENTED")) == 200
    assert len(ears.heard) == 1
    assert ears.tell(display(REFERENCE + "CARD_PRESENTED", DeviceID="1517998563")) == 200
    assert len(ears.heard) == 2


def test_what_is_remembered_against_replays_is_bounded() -> None:
    ears = Ears()
    for number in range(1_000):
        ears.tell(display(REFERENCE + "WAIT_FOR_PIN", DeviceID=str(number)))
    assert len(ears.heard) == 1_000
    ears.tell(display(REFERENCE + "WAIT_FOR_PIN", DeviceID="999"))
    assert len(ears.heard) == 1_000
    ears.tell(display(REFERENCE + "WAIT_FOR_PIN", DeviceID="0"))
    assert ears.heard[-1].service_id == "A1", "long forgotten, so heard again: its dialogue tells that it is old"


def test_clear_text_is_not_believed() -> None:
    ears = Ears()
    assert ears.listener.receive(messages.encode(display(REFERENCE + "CARD_PRESENTED"))).status == 403
    assert ears.heard == []


@pytest.mark.parametrize(
    "key",
    [
        NexoKey.derive("another", KEY_IDENTIFIER, KEY_VERSION),
        dataclasses.replace(KEY, identifier="else"),
        dataclasses.replace(KEY, version=KEY_VERSION + 1),
    ],
    ids=["passphrase", "identifier", "version"],
)
def test_another_key_is_not_believed(key: NexoKey) -> None:
    ears = Ears()
    assert ears.tell(display(REFERENCE + "CARD_PRESENTED"), key) == 403
    assert ears.heard == []


def test_a_header_exchanged_under_the_seal_is_not_believed() -> None:
    ears = Ears()
    sealed = messages.decode(messages.sealed(display(REFERENCE + "CARD_PRESENTED", ServiceID="A0"), KEY, bytes(16)))
    content = sealed["SaleToPOIRequest"]
    assert isinstance(content, dict)
    content["MessageHeader"]["ServiceID"] = "A1"
    assert ears.listener.receive(messages.encode(sealed)).status == 403
    assert ears.heard == []


@pytest.mark.parametrize(
    "message",
    [
        display(REFERENCE + "CARD_PRESENTED", POIID="S1U2-000000000000001"),
        display(REFERENCE + "CARD_PRESENTED", POIID=None),
        display(REFERENCE + "CARD_PRESENTED", SaleID="Kiosk2"),
        display(REFERENCE + "CARD_PRESENTED", SaleID="null"),
        display(REFERENCE + "CARD_PRESENTED", SaleID=None),
        event("Shutdown", POIID="S1U2-000000000000001"),
        event("UseAnotherCardForPreauth", SaleID="Kiosk2"),
    ],
)
def test_another_terminal_and_another_kiosk_are_refused(message: dict[str, object]) -> None:
    ears = Ears()
    assert ears.tell(message) == 403
    assert ears.heard == []


def test_name_and_password_are_asked_for_when_set() -> None:
    ears = Ears(login=("kiosk", "sécret"))
    body = messages.sealed(display(REFERENCE + "CARD_PRESENTED"), KEY, bytes(16))
    good = base64.b64encode("kiosk:sécret".encode()).decode()
    for wrong in ("", "Basic", f"Bearer {good}", "Basic %%%", "Basic é", "Basic " + base64.b64encode(b"kiosk:").decode()):
        assert ears.listener.receive(body, wrong).status == 403
    assert ears.heard == []
    assert ears.listener.receive(body, f"basic {good}").status == 200
    assert len(ears.heard) == 1


# --- hostile bodies -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"SaleToPOIRequest":',
        b"[" * 60_000,
        b'{"SaleToPOIRequest":{"NexoBlob":NaN}}',
        b'{"a":1,"a":2}',
        b"1" * 50_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    ears = Ears()
    assert ears.listener.receive(body).status == 400
    assert ears.heard == []


def test_a_long_body_is_refused_unread() -> None:
    ears = Ears()
    assert ears.listener.receive(b" " * (LARGEST_NOTIFICATION + 1)).status == 413


@pytest.mark.parametrize(
    "message",
    [
        {"SaleToPOIRequest": {"MessageHeader": header()}},
        {"SaleToPOIRequest": {"MessageHeader": header(), "DisplayRequest": []}},
        {"SaleToPOIRequest": {"MessageHeader": header(), "EventNotification": {"EventToNotify": "Shutdown"}}},
        {"SaleToPOIResponse": {"MessageHeader": header(), "DisplayRequest": {}}},
        display(REFERENCE + "CARD_PRESENTED", MessageType="Notification"),
        display(REFERENCE + "CARD_PRESENTED", MessageCategory="Payment"),
        display("&".join(f"pair{index}=1" for index in range(100))),
        event(None),
        event(["Shutdown"]),
    ],
)
def test_a_sealed_message_of_another_shape_is_refused(message: dict[str, object]) -> None:
    ears = Ears()
    assert ears.tell(message) == 400
    assert ears.heard == []


@pytest.mark.parametrize("output", [None, "text", 7, {}, {"OutputContent": []}, {"OutputContent": {"PredefinedContent": "x"}}])
def test_a_display_without_a_reference_says_nothing(output: object) -> None:
    ears = Ears()
    for outputs in (output, [output]):
        assert ears.tell({"SaleToPOIRequest": {"MessageHeader": header(), "DisplayRequest": {"DisplayOutput": outputs}}}) == 200
    assert ears.heard == []


def test_a_card_number_in_any_field_gets_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    number = "4761739001010119"
    ears = Ears()
    with caplog.at_level(logging.DEBUG):
        ears.tell(display(f"TransactionID={number}&TimeStamp={number}&event={number}", ServiceID=number, DeviceID=number))
        ears.tell(event(number, ServiceID=number))
        ears.tell(event("Shutdown", SaleID=number))
        ears.tell(event("Shutdown", POIID=number))
    assert ears.heard == [TerminalEvent(EventKind.OTHER, "")] * 2
    assert number not in caplog.text
    assert number not in repr(ears.heard)


def test_a_refusal_tells_why_and_the_answer_does_not(caplog: pytest.LogCaptureFixture) -> None:
    reply = Ears().listener.receive(messages.encode(display(REFERENCE + "CARD_PRESENTED")))
    assert reply.body == b""
    assert "switch encryption on" in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON, st.sampled_from(["DisplayRequest", "EventNotification"]))
def test_anything_under_our_seal_gets_an_answer(changed: object, body: object, name: str) -> None:
    ears = Ears()
    about = header(DeviceID=changed, ServiceID=changed, **({"MessageType": changed} if isinstance(changed, list) else {}))
    sealed = seal(messages.encode({"SaleToPOIRequest": {"MessageHeader": about, name: body}}), KEY, bytes(16))
    raw = {"SaleToPOIRequest": {"MessageHeader": about, "NexoBlob": sealed.blob, "SecurityTrailer": sealed.trailer}}
    assert ears.listener.receive(messages.encode(raw)).status in (200, 400)
    assert ears.heard == []


@given(st.binary(max_size=200))
def test_anything_at_all_gets_an_answer(body: bytes) -> None:
    assert Ears().listener.receive(body).status in (400, 403)
