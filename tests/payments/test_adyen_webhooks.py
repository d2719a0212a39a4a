"""Only what the acquirer signed is believed, every item of it, and it is acknowledged only once it is kept."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from payments_bed import ACCOUNT, HMAC_KEY, Kept, WallClock, endpoint

from hardware.simulated.models.acquirer_webhooks import signature
from kiosk.payments.api import PaymentsError
from kiosk.payments.webhooks import LARGEST_MESSAGE, BasicAuth, WebhookRefused, Webhooks
from kiosk.session.inputs import Confirmation
from kiosk.values import Money

VECTOR = json.loads((Path(__file__).parents[1] / "vectors/webhooks/adyen_webhook_hmac.json").read_text())
OTHER_KEY = "00" * 32


def item(event: str = "CAPTURE", success: str = "true", key: str = HMAC_KEY, **changed: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "pspReference": "993617894906488A",
        "originalReference": "993617894903480A",
        "merchantAccountCode": ACCOUNT,
        "merchantReference": "K1-S1-CAP",
        "amount": {"value": 1234, "currency": "EUR"},
        "eventCode": event,
        "success": success,
        "reason": "",
        "eventDate": "2026-11-22T10:00:00+01:00",
    } | changed
    return made | {"additionalData": {"hmacSignature": signature(made, bytes.fromhex(key))}}


def message(*items: dict[str, Any]) -> bytes:
    return json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": i} for i in items]}).encode()


def read(body: bytes, **more: Any) -> tuple[Confirmation, ...]:
    return Webhooks([HMAC_KEY], [ACCOUNT], **more).confirmations(body)


def status_of(body: bytes) -> int:
    with pytest.raises(WebhookRefused) as refused:
        read(body)
    return refused.value.status


# --- what is said -------------------------------------------------------------------------------------------------------------------


def test_adyens_own_example_is_signed_as_we_check_it() -> None:
    psp, original, account, reference, value, currency, event, success = VECTOR["signing_string"].split(":")
    example = {
        "pspReference": psp,
        "originalReference": original,
        "merchantAccountCode": account,
        "merchantReference": reference,
        "amount": {"value": int(value), "currency": currency},
        "eventCode": event,
        "success": success,
        "additionalData": {"hmacSignature": VECTOR["hmac_sha256_base64"]},
    }
    webhooks = Webhooks([VECTOR["hmac_key_hex"]], [account])

    assert webhooks.confirmations(message(example)) == (
        Confirmation(reference, psp, "authorisation", True, "", Money(int(value), currency)),
    )
    with pytest.raises(WebhookRefused):
        webhooks.confirmations(message(example | {"amount": {"value": 1131, "currency": "EUR"}}))


@pytest.mark.parametrize(
    ("event", "success", "operation", "confirmed"),
    [
        ("CAPTURE", "true", "capture", True),
        ("CAPTURE", "false", "capture", False),
        ("CAPTURE_FAILED", "true", "capture", False),
        ("CAPTURE_FAILED", "false", "capture", False),
        ("CANCELLATION", "true", "cancel", True),
        ("CANCELLATION", "false", "cancel", False),
        ("TECHNICAL_CANCEL", "true", "cancel", True),
        ("REFUND", "true", "refund", True),
        ("REFUND_FAILED", "true", "refund", False),
        ("REFUNDED_REVERSED", "true", "refund", False),
        ("AUTHORISATION", "true", "authorisation", True),
        ("AUTHORISATION", "false", "authorisation", False),
        ("AUTHORISATION_ADJUSTMENT", "true", "adjust", True),
        ("AUTHORISATION_ADJUSTMENT", "false", "adjust", False),
    ],
)
def test_each_event_confirms_or_denies_its_operation(event: str, success: str, operation: str, confirmed: bool) -> None:
    assert read(message(item(event, success, reason="why"))) == (
        Confirmation("K1-S1-CAP", "993617894906488A", operation, confirmed, "why", Money(1234, "EUR")),
    )


@pytest.mark.parametrize("event", ["REPORT_AVAILABLE", "CHARGEBACK", "CANCEL_OR_REFUND", "SOMETHING_NEW"])
def test_other_events_confirm_nothing(event: str) -> None:
    assert read(message(item(event))) == ()


def test_the_same_message_says_the_same_every_time() -> None:
    assert read(message(item())) == read(message(item()))


def test_another_kiosks_references_are_left_to_it() -> None:
    both = message(item(merchantReference="K2-S1-CAP"), item())

    assert [c.reference for c in read(both, ours=lambda reference: reference.startswith("K1-"))] == ["K1-S1-CAP"]


def test_while_the_key_is_changed_both_are_good() -> None:
    webhooks = Webhooks([OTHER_KEY, HMAC_KEY], [ACCOUNT])

    assert webhooks.confirmations(message(item(), item(key=OTHER_KEY)))


@pytest.mark.parametrize("keys", [[], [""], ["not hex"], ["AB"], [HMAC_KEY, "00"]])
def test_an_unusable_key_is_told_at_once(keys: list[str]) -> None:
    with pytest.raises(PaymentsError, match="HMAC"):
        Webhooks(keys, [ACCOUNT])


# --- what is not believed -----------------------------------------------------------------------------------------------------------


def test_a_forged_second_item_sinks_the_message() -> None:
    forged = item() | {"success": "true", "amount": {"value": 1, "currency": "EUR"}}

    assert status_of(message(item(), forged)) == 401


@pytest.mark.parametrize(
    "change",
    [
        {"success": "false"},
        {"eventCode": "REFUND"},
        {"merchantReference": "K1-S2-CAP"},
        {"pspReference": "OTHER"},
        {"originalReference": "OTHER"},
        {"amount": {"value": 1235, "currency": "EUR"}},
        {"amount": {"value": 1234, "currency": "CHF"}},
        {"merchantAccountCode": "Another"},
    ],
)
def test_no_signed_value_can_be_changed(change: dict[str, Any]) -> None:
    assert status_of(message(item() | change)) == 401


@pytest.mark.parametrize(
    "additional",
    [
        None,
        {},
        [],
        {"hmacSignature": ""},
        {"hmacSignature": None},
        {"hmacSignature": True},
        {"hmacSignature": "ü"},
        {"hmacSignature": "\ud800"},
        {"hmacSignature": item()["additionalData"]["hmacSignature"][:-1]},
    ],
)
def test_an_item_without_a_sound_signature_is_forged(additional: object) -> None:
    assert status_of(message(item() | {"additionalData": additional})) == 401


def test_an_item_signed_with_another_key_is_forged() -> None:
    assert status_of(message(item(key=OTHER_KEY))) == 401


def test_a_value_shifted_across_a_colon_does_not_pass_for_another() -> None:
    """Joined by colons, these values read as the honest ones do."""
    honest = item(merchantReference="K1:X")
    shifted = honest | {"pspReference": f"{honest['pspReference']}:{honest['originalReference']}", "originalReference": ACCOUNT}

    assert status_of(message(shifted)) == 400


def test_a_message_for_another_merchant_account_is_not_ours() -> None:
    assert status_of(message(item(merchantAccountCode="SomebodyElse"))) == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"notificationItems": []}',
        b'{"notificationItems": 3}',
        b'{"notificationItems": [{}]}',
        b'{"notificationItems": [{"NotificationRequestItem": 3}]}',
        b'{"notificationItems": {"NotificationRequestItem": {}}}',
        message(item(success="yes")),
        message(item(success=True)),
        message(item(pspReference="")),
        message(item(eventCode=3)),
        message(item(merchantReference=None)),
        message(item(amount={"value": "1234", "currency": "EUR"})),
        message(item(amount={"value": True, "currency": "EUR"})),
        message(item(amount={"value": 12.5, "currency": "EUR"})),
        message(item(amount={"value": 1234, "currency": "eur"})),
        message(item() | {"amount": None}),
    ],
)
def test_a_malformed_message_is_refused_whole(body: bytes) -> None:
    assert status_of(body) == 400


def test_an_oversize_message_is_refused_unread() -> None:
    assert status_of(b" " * (LARGEST_MESSAGE + 1)) == 413


def test_the_reason_is_only_ever_shown() -> None:
    (confirmation,) = read(message(item(reason="a\x1b[31mb\n" + "x" * 1_000)))

    assert confirmation.reason.isprintable()
    assert len(confirmation.reason) == 200


# --- the endpoint -------------------------------------------------------------------------------------------------------------------


async def post(url: str, body: bytes, **more: Any) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(url, content=body, **more)


async def test_a_kept_confirmation_is_accepted() -> None:
    kept = Kept()
    async with endpoint(kept.receive) as url:
        answer = await post(url, message(item()))

    assert (answer.status_code, answer.text) == (200, "[accepted]")
    assert [c.reference for c in kept.confirmations] == ["K1-S1-CAP"]


async def test_acceptance_waits_for_the_commit() -> None:
    committing = asyncio.Event()

    async def receive(_: Sequence[Confirmation]) -> None:
        await committing.wait()

    async with endpoint(receive) as url:
        answer = asyncio.create_task(post(url, message(item())))
        done, _ = await asyncio.wait([answer], timeout=0.1)
        committing.set()

        assert not done
        assert (await answer).text == "[accepted]"


async def test_what_could_not_be_kept_is_not_accepted() -> None:
    kept = Kept(broken=True)
    async with endpoint(kept.receive) as url:
        assert (await post(url, message(item()))).status_code == 500
        kept.broken = False
        assert (await post(url, message(item()))).status_code == 200

    assert len(kept.confirmations) == 1


async def test_news_we_did_not_ask_for_is_accepted_and_dropped() -> None:
    kept = Kept(broken=True)
    async with endpoint(kept.receive) as url:
        assert (await post(url, message(item("REPORT_AVAILABLE")))).text == "[accepted]"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (message(item(), item(key=OTHER_KEY)), 401),
        (message(item(merchantAccountCode="SomebodyElse")), 403),
        (b"{", 400),
        (b" " * (LARGEST_MESSAGE + 1), 413),
    ],
)
async def test_a_refused_message_reaches_nobody(body: bytes, status: int) -> None:
    kept = Kept()
    async with endpoint(kept.receive) as url:
        assert (await post(url, body)).status_code == status

    assert not kept.confirmations


async def test_a_body_without_end_is_cut_off() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10_000):
            yield b" " * 4096

    async with endpoint(Kept().receive) as url, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(url, content=endless())

    assert answer.status_code == 413


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async with endpoint(Kept().receive, WallClock(rate=100)) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
        writer.write(b"POST /webhooks/adyen HTTP/1.1\r\nHost: kiosk\r\nContent-Length: 100\r\n\r\n{")
        answer = await reader.readline()
        writer.close()

    assert b"408" in answer


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Basic",
        "Basic !",
        "Bearer x",
        "Basic " + base64.b64encode(b"adyen:wrong").decode(),
        "Basic " + base64.b64encode("ü".encode("latin-1")).decode(),
    ],
)
async def test_without_the_right_login_not_even_a_signed_message_is_read(authorization: str | None) -> None:
    kept = Kept()
    headers = {"Authorization": authorization} if authorization else {}
    async with endpoint(kept.receive, login=BasicAuth("adyen", "open sesame")) as url:
        assert (await post(url, message(item()), headers=headers)).status_code == 401

    assert not kept.confirmations


async def test_with_the_right_login_it_is() -> None:
    kept = Kept()
    async with endpoint(kept.receive, login=BasicAuth("adyen", "open sesame")) as url:
        assert (await post(url, message(item()), auth=("adyen", "open sesame"))).text == "[accepted]"

    assert kept.confirmations


def test_the_password_does_not_show() -> None:
    assert "sesame" not in repr(BasicAuth("adyen", "open sesame"))
