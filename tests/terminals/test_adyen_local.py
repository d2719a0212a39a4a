"""The Adyen local driver on a real socket: whom it trusts, what it sends, and what it makes of a hostile peer."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gzip
import logging
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from terminal_bench import (
    KEY_IDENTIFIER,
    KEY_VERSION,
    PASSPHRASE,
    POI_ID,
    SALE_ID,
    AdyenBench,
    FastClock,
    config,
    identification,
    order,
    until,
)

from hardware.api import AnswerLost, Approved, Declined, DeclineReason, DialogueState, Farewell, NotSent
from hardware.simulated.certificates import issue
from hardware.simulated.models.terminal import DELAY_MS, Fault, TerminalModel
from hardware.simulated.models.terminal_wire import CARDS, CardKind
from hardware.simulated.terminal_server import TerminalServer
from hardware.terminals.adyen import messages
from hardware.terminals.adyen.local import LARGEST_ANSWER, AdyenConfigError, AdyenLocalTerminal
from hardware.terminals.adyen.nexo import NexoKey
from kiosk.values import Money

KEY = NexoKey.derive(PASSPHRASE, KEY_IDENTIFIER, KEY_VERSION)
NAME = f"{POI_ID}.test.terminal.adyen.com"
LEGACY = "legacy-terminal-certificate.test.terminal.adyen.com"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[AdyenBench]:
    async with AdyenBench(tmp_path) as bench:
        yield bench


async def pay(bench: AdyenBench, kind: str = "good") -> Approved | Declined:
    outcome, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.present(kind))
    return outcome


# --- what arrives at the terminal ---------------------------------------------------------------------------------------------------


async def test_the_terminal_is_asked_for_a_preauthorization_captured_by_hand(bench: AdyenBench) -> None:
    outcome = await pay(bench)
    (record,) = bench.model.book
    assert record.preauth
    assert record.manual_capture
    assert record.merchant_reference == "pp-kiosk-1"
    assert isinstance(outcome, Approved)
    assert (outcome.psp_reference, outcome.tender_reference) == (record.psp_reference, record.tender_reference)


@pytest.mark.parametrize("additional_json", [False, True])
async def test_the_card_is_known_as_far_as_it_may_be(tmp_path: Path, additional_json: bool) -> None:
    async with AdyenBench(tmp_path, additional_json=additional_json) as bench:
        outcome = await pay(bench, "wallet")
    assert isinstance(outcome, Approved)
    card = CARDS[CardKind.WALLET]
    assert (outcome.card.brand, outcome.card.last4, outcome.card.application_id) == (card.brand, card.last4, card.application_id)
    assert outcome.card.recognition == card.account_reference
    assert outcome.card.entry_mode == "CLESS_CHIP"
    assert outcome.card.auth_code == bench.model.book[0].auth_code


@pytest.mark.parametrize(
    ("minor", "reason"),
    [
        (4_124, DeclineReason.REFUSED),
        (2_125, DeclineReason.REFUSED),
        (126, DeclineReason.REFUSED),
        (9_127, DeclineReason.REFUSED),
        (4_128, DeclineReason.INVALID_CARD),
        (4_134, DeclineReason.WRONG_PIN),
    ],
)
async def test_the_testers_amounts_are_declined(bench: AdyenBench, minor: int, reason: DeclineReason) -> None:
    outcome, _ = await asyncio.gather(bench.terminal.preauthorize(order(minor=minor)), bench.present("good"))
    assert isinstance(outcome, Declined)
    assert outcome.reason is reason
    assert bench.model.book == []


async def test_a_used_service_id_is_not_allowed_again(bench: AdyenBench) -> None:
    await pay(bench)
    again = await bench.terminal.preauthorize(order())
    assert isinstance(again, Declined)
    assert again.reason is DeclineReason.NOT_ALLOWED
    assert len(bench.model.book) == 1


async def test_a_service_id_that_cannot_be_is_not_sent(bench: AdyenBench) -> None:
    with pytest.raises(NotSent, match="ServiceID"):
        await bench.terminal.preauthorize(order("too-long-by-far"))


# --- whom the driver trusts ---------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def certified(folder: Path, name: str) -> AsyncIterator[AdyenBench]:
    bench = AdyenBench(folder)
    bench.server = TerminalServer(bench.model, bench.clock, KEY, folder, certificate_name=name)
    async with bench:
        yield bench


@pytest.mark.parametrize(
    "name",
    [
        "S1U2-000158215131749.test.terminal.adyen.com",
        f"{POI_ID}.live.terminal.adyen.com",
        "legacy-terminal-certificate.live.terminal.adyen.com",
        "test.terminal.adyen.com",
        "127.0.0.1",
    ],
)
async def test_a_certificate_of_another_name_is_refused_before_anything_is_sent(tmp_path: Path, name: str) -> None:
    async with certified(tmp_path, name) as bench:
        with pytest.raises(NotSent, match="POIID"):
            await bench.terminal.preauthorize(order())
        assert not (await bench.terminal.diagnose("A2")).ok
        assert bench.model.next_due() is None


@pytest.mark.parametrize("name", [NAME, LEGACY])
async def test_the_terminals_own_name_and_the_fleets_old_one_are_accepted(tmp_path: Path, name: str) -> None:
    async with certified(tmp_path, name) as bench:
        assert (await bench.terminal.diagnose("A1")).ok


async def test_a_live_terminal_is_asked_for_by_its_live_name(tmp_path: Path) -> None:
    async with certified(tmp_path, f"{POI_ID}.live.terminal.adyen.com") as bench:
        assert (await bench.driver(environment="live").diagnose("A1")).ok


async def test_a_terminal_of_another_root_is_refused_before_anything_is_sent(bench: AdyenBench, tmp_path: Path) -> None:
    foreign = issue(tmp_path / "foreign", NAME, bench.clock.now().utc_ms).root.read_text()
    with pytest.raises(NotSent, match="certificate was refused"):
        await bench.driver(root_ca_pem=foreign).preauthorize(order())
    assert bench.model.next_due() is None


@pytest.mark.parametrize("change", [{"passphrase": "another passphrase"}, {"key_identifier": "else"}, {"key_version": 2}], ids=str)
async def test_a_terminal_of_another_key_says_so_and_its_health_tells_before_a_card_does(
    bench: AdyenBench, change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(AnswerLost, match="passphrase"):
        await bench.driver(**change).preauthorize(order())
    assert "passphrase" in caplog.text
    health = await bench.driver(**change).diagnose("A2")
    assert not health.ok
    assert "passphrase" in health.detail
    with pytest.raises(AnswerLost):
        await bench.driver(**change).status(order(), "A3")


# --- faults of the terminal -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.WRONG_MAC, Fault.CLEAR_SUCCESS, Fault.FOREIGN_HEADER, Fault.LOSE_ANSWER])
async def test_an_answer_that_proves_nothing_is_lost_and_then_asked_for(bench: AdyenBench, fault: Fault) -> None:
    bench.server.fault(fault)
    with pytest.raises(AnswerLost):
        await pay(bench)
    outcome = await bench.terminal.status(order(), "A2")
    assert isinstance(outcome, Approved)
    assert bench.approved(order().reference) == [outcome.authorized]


@pytest.mark.parametrize("fault", [Fault.WRONG_MAC, Fault.CLEAR_SUCCESS, Fault.FOREIGN_HEADER, Fault.LOSE_ANSWER])
async def test_a_status_that_proves_nothing_is_lost(bench: AdyenBench, fault: Fault) -> None:
    bench.server.fault(fault, "TransactionStatus")
    with pytest.raises(AnswerLost):
        await bench.terminal.status(order(), "A2")
    assert await bench.terminal.status(order(), "A3") is DialogueState.NOT_FOUND


async def test_an_answer_that_comes_twice_counts_once(bench: AdyenBench) -> None:
    bench.server.fault(Fault.DUPLICATE_ANSWER)
    assert isinstance(await pay(bench), Approved)
    assert len(bench.model.book) == 1


async def test_an_answer_that_comes_late_but_in_time_counts(bench: AdyenBench) -> None:
    bench.server.fault(Fault.DELAY_ANSWER)
    assert isinstance(await pay(bench), Approved)


async def test_an_answer_that_comes_too_late_is_lost(bench: AdyenBench) -> None:
    bench.server.fault(Fault.DELAY_ANSWER)
    terminal = bench.driver(payment_seconds=DELAY_MS / 1_000 - 10)
    with pytest.raises(AnswerLost, match="did not finish"):
        await asyncio.gather(terminal.preauthorize(order()), bench.present("good"))
    await until(lambda: len(bench.model.book) == 1)
    assert isinstance(await bench.terminal.status(order(), "A2"), Approved)


async def test_a_request_seen_late_is_not_found_before_and_in_progress_after(bench: AdyenBench) -> None:
    bench.server.fault(Fault.LATE_REQUEST)
    with pytest.raises(AnswerLost):
        await bench.terminal.preauthorize(order())
    assert await bench.terminal.status(order(), "A2") is DialogueState.NOT_FOUND
    await bench.present("good")
    await until(lambda: len(bench.model.book) == 1)
    assert isinstance(await bench.terminal.status(order(), "A3"), Approved)


@pytest.mark.parametrize("fault", [Fault.REBOOT, Fault.REBOOT_FORGETTING])
async def test_a_terminal_that_reboots_while_authorizing_is_asked_when_it_is_back(bench: AdyenBench, fault: Fault) -> None:
    bench.server.fault(fault)
    with pytest.raises(AnswerLost):
        await pay(bench)
    with pytest.raises(NotSent):
        await bench.terminal.status(order(), "A2")
    await until(lambda: bench.model.reachable(bench.server._now_ms()))
    await until(lambda: bench.server._listener is not None)
    outcome = await bench.terminal.status(order(), "A3")
    assert isinstance(outcome, Approved) if fault is Fault.REBOOT else outcome is DialogueState.NOT_FOUND
    assert len(bench.model.book) == 1


async def test_two_dialogues_one_after_the_other_are_two_payments(bench: AdyenBench) -> None:
    assert isinstance(await pay(bench), Approved)
    second = order("B1", 2_500, "pp-kiosk-2")
    outcome, _ = await asyncio.gather(bench.terminal.preauthorize(second), bench.present("wallet"))
    assert isinstance(outcome, Approved)
    assert [record.amount for record in bench.model.book] == [Money(4_000, "EUR"), Money(2_500, "EUR")]


async def test_a_payment_that_is_given_up_by_the_caller_leaves_the_terminal_to_be_asked(bench: AdyenBench) -> None:
    waiting = asyncio.create_task(bench.terminal.preauthorize(order()))
    await bench.card_asked_for()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await bench.terminal.status(order(), "A2") is DialogueState.IN_PROGRESS


# --- secrets ------------------------------------------------------------------------------------------------------------------------


async def test_no_secret_and_nothing_of_the_card_is_logged(bench: AdyenBench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await pay(bench)
    bench.server.fault(Fault.WRONG_MAC, "TransactionStatus")
    with pytest.raises(AnswerLost) as lost:
        await bench.terminal.status(order(), "A2")
    card = CARDS[CardKind.GOOD]
    bench.server.fault(Fault.LOSE_ANSWER, "EnableService")
    await asyncio.gather(bench.terminal.identify(identification()), bench.present("good"))
    with pytest.raises(AnswerLost):
        await bench.terminal.release("r1", Farewell.ACCEPTED)
    written = caplog.text + "".join(map(repr, (record.args for record in caplog.records))) + str(lost.value)
    for secret in (
        PASSPHRASE,
        KEY_IDENTIFIER,
        KEY.hmac_key.hex(),
        repr(KEY.cipher_key),
        card.bin,
        card.account_reference,
        card.alias,
        "AdyenCryptoVersion",
    ):
        assert secret not in written


def test_the_settings_show_no_secret(tmp_path: Path) -> None:
    root = issue(tmp_path, NAME, FastClock().now().utc_ms).root.read_text()
    shown = repr(config(1, root_ca_pem=root))
    assert PASSPHRASE not in shown
    assert KEY_IDENTIFIER not in shown


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"poi_id": "terminal"}, "POIID"),
        ({"poi_id": "S1U2-000158215131748.evil.example"}, "POIID"),
        ({"passphrase": ""}, "passphrase"),
        ({"key_identifier": ""}, "key_identifier"),
        ({"sale_id": ""}, "sale_id"),
        ({"port": 0}, "address"),
        ({"host": ""}, "address"),
        ({"environment": "production"}, "neither test nor live"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(AdyenConfigError, match=said):
        config(**{"port": 8443, "root_ca_pem": "", **change})  # type: ignore[arg-type]


@pytest.mark.parametrize("pem", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_root_that_is_none_is_refused(pem: str) -> None:
    with pytest.raises(AdyenConfigError, match="root certificate"):
        AdyenLocalTerminal(config(8443, root_ca_pem=pem), FastClock())


# --- hostile peers ------------------------------------------------------------------------------------------------------------------

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def peer(folder: Path, behave: Behaviour, *, tls: bool = True) -> AsyncIterator[AdyenLocalTerminal]:
    """A driver before a peer that does as it likes. The driver's clock gives a payment 0.4 s."""
    clock = FastClock()
    files = issue(folder, NAME, clock.now().utc_ms)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    talks: set[asyncio.Task[None]] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await behave(reader, writer)
            await writer.drain()
        writer.transport.abort()

    listener = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=context if tls else None)
    try:
        settings = config(listener.sockets[0].getsockname()[1], root_ca_pem=files.root.read_text(), payment_seconds=20, other_seconds=20)
        yield AdyenLocalTerminal(settings, clock)
    finally:
        listener.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def request_of(reader: asyncio.StreamReader) -> messages.Json:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    return messages.opened(await reader.readexactly(length), KEY).message


def http(body: bytes, *fields: str, length: int | None = None) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body) if length is None else length}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def saying(response: bytes) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(response)

    return behave


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    writer.write(http(b"", length=1_000))
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def pours(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    await reader.read()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.transport.abort()


HOSTILE: dict[str, Behaviour] = {
    "nothing": saying(b""),
    "garbage": saying(b"\x00\xff" * 500),
    "not http": saying(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "no body": saying(http(b"")),
    "no json": saying(http(b"hello")),
    "json of nothing": saying(http(b"{}")),
    "closed mid-body": saying(http(b'{"SaleToPOI', length=5_000)),
    "closed mid-chunk": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{"),
    "too large": saying(http(bytes(LARGEST_ANSWER + 1))),
    "endless headers": saying(b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 300_000 + b"\r\n\r\n"),
    "a zip bomb": saying(http(gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip")),
    "500": saying(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
    "404": saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    "a redirect": saying(b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/nexo\r\nContent-Length: 0\r\n\r\n"),
    "reset": resets,
    "drips": drips,
    "pours": pours,
    "silence": silent,
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_whatever_a_peer_does_after_the_request_the_answer_is_lost(tmp_path: Path, name: str) -> None:
    async with peer(tmp_path, HOSTILE[name]) as terminal:
        with pytest.raises(AnswerLost):
            await terminal.preauthorize(order())
        with pytest.raises(AnswerLost):
            await terminal.status(order(), "A2")
        assert not (await terminal.diagnose("A3")).ok


@pytest.mark.parametrize(
    "change", [{}, {"key": dataclasses.replace(KEY, hmac_key=bytes(32))}, {"ServiceID": "A9"}, {"POIID": "S1U2-999999999"}], ids=str
)
async def test_an_approval_counts_only_with_our_key_and_our_header(tmp_path: Path, change: dict[str, object]) -> None:
    key = change.pop("key", KEY)
    assert isinstance(key, NexoKey)

    async def approves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await request_of(reader)
        content = request["SaleToPOIRequest"]
        assert isinstance(content, dict)
        header = {**content["MessageHeader"], "MessageType": "Response", **change}
        body = {
            "Response": {"Result": "Success"},
            "SaleData": content["PaymentRequest"]["SaleData"],
            "POIData": {"POITransactionID": {"TransactionID": "tender.psp"}},
            "PaymentResult": {"AmountsResp": content["PaymentRequest"]["PaymentTransaction"]["AmountsReq"]},
        }
        body["PaymentResult"]["AmountsResp"]["AuthorizedAmount"] = body["PaymentResult"]["AmountsResp"].pop("RequestedAmount")
        message = {"SaleToPOIResponse": {"MessageHeader": header, "PaymentResponse": body}}
        writer.write(http(messages.sealed(message, key, bytes(16))))

    async with peer(tmp_path, approves) as terminal:
        if not change and key is KEY:
            assert isinstance(await terminal.preauthorize(order()), Approved)
            return
        with pytest.raises(AnswerLost):
            await terminal.preauthorize(order())


@pytest.mark.parametrize(
    "said",
    [
        {"errors": ["Nexo Service: crypto error (3)"], "ServiceID": "-NULL-"},
        {"errors": ["Nexo Service: crypto error (9)"], "ServiceID": "-NULL-"},
        {"SaleToPOIRequest": {"MessageHeader": {}, "EventNotification": {"EventToNotify": "Reject", "EventDetails": "message=no"}}},
        {
            "SaleToPOIResponse": {
                "MessageHeader": messages.payment(order(), SALE_ID, POI_ID).header("Response"),
                "PaymentResponse": {"Response": {"Result": "Failure", "ErrorCondition": "NotAllowed"}},
            }
        },
    ],
    ids=["crypto 3", "crypto 9", "reject", "not allowed"],
)
async def test_an_error_in_clear_may_hide_an_approval_and_so_settles_nothing(tmp_path: Path, said: messages.Json) -> None:
    approved = TerminalModel(POI_ID, random.Random(2))

    async def lets_the_request_pass_and_keeps_the_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        approved.request(await request_of(reader), 0)
        approved.present_card(CardKind.GOOD, 1)
        approved.advance(10_000)
        writer.write(http(messages.encode(said)))

    async with peer(tmp_path, lets_the_request_pass_and_keeps_the_answer) as terminal:
        with pytest.raises(AnswerLost, match="in clear"):
            await terminal.preauthorize(order())
        assert len(approved.book) == 1
        with pytest.raises(AnswerLost):
            await terminal.status(order(), "A2")


async def test_an_abort_is_given_over_whatever_the_body_says(tmp_path: Path) -> None:
    for body in (b"", b"ok", b"{}"):
        async with peer(tmp_path, saying(http(body))) as terminal:
            await terminal.abort(order(), "A2")


async def test_an_abort_that_was_not_taken_is_lost(tmp_path: Path) -> None:
    for name in ("500", "nothing", "silence", "reset"):
        async with peer(tmp_path, HOSTILE[name]) as terminal:
            with pytest.raises(AnswerLost):
                await terminal.abort(order(), "A2")


async def test_a_peer_that_speaks_no_tls_was_sent_nothing(tmp_path: Path) -> None:
    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async with peer(tmp_path, waits, tls=False) as terminal:
        with pytest.raises(NotSent):
            await terminal.preauthorize(order())


async def test_a_peer_that_never_finishes_the_handshake_was_sent_nothing(tmp_path: Path) -> None:
    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4_096):
            pass

    async with peer(tmp_path, waits, tls=False) as terminal:
        with pytest.raises(NotSent, match="did not finish"):
            await terminal.preauthorize(order())


async def test_a_name_that_does_not_resolve_was_sent_nothing(bench: AdyenBench) -> None:
    with pytest.raises(NotSent):
        await bench.driver(host="no..such..host").preauthorize(order())


async def test_a_proxy_in_the_environment_is_not_asked(bench: AdyenBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert (await bench.terminal.diagnose("A1")).ok
