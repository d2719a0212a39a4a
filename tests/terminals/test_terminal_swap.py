"""A terminal is taken away between the reservation and the capture, and another one, with another POIID, stands in its place."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from terminal_bench import KEY_IDENTIFIER, KEY_VERSION, PASSPHRASE, POI_ID, AdyenBench, FastClock, order

from hardware.api import AnswerLost, Approved, DialogueState, NotSent
from hardware.simulated.acquirer_server import AcquirerServer
from hardware.simulated.models.acquirer import Acquirer, Authorized
from hardware.simulated.models.terminal import Fault
from hardware.simulated.models.terminal_wire import Authorization
from hardware.simulated.terminal_server import TerminalServer
from hardware.terminals.adyen.nexo import NexoKey
from kiosk.payments.adyen_checkout import AdyenCheckout
from kiosk.payments.api import ModificationOrder
from kiosk.values import Money

NEW_POI_ID = "S1U2-000158219999001"
ACCOUNT = "PilePayDE"


async def test_what_was_reserved_at_the_old_terminal_is_captured_with_the_new_one_in_its_place(tmp_path: Path) -> None:
    bank = Acquirer(random.Random(1), merchant_account=ACCOUNT, capture_key="capture", refund_key="refund", hmac_key="00" * 32)

    def learn(record: Authorization) -> None:
        bank.authorized(Authorized(ACCOUNT, record.merchant_reference, record.psp_reference, record.amount, record.at_ms))

    async with AdyenBench(tmp_path / "old", on_authorized=learn) as old:
        outcome, _ = await asyncio.gather(old.terminal.preauthorize(order()), old.present("good"))
    assert isinstance(outcome, Approved)
    clock = FastClock()
    async with AdyenBench(tmp_path / "new", NEW_POI_ID, on_authorized=learn) as new, AcquirerServer(bank, clock) as server:
        acquirer = AdyenCheckout(ACCOUNT, "capture", clock, base_url=server.url, timeout_seconds=300)
        await acquirer.capture(ModificationOrder("pp-kiosk-1-C", outcome.psp_reference, "pp-kiosk-1", Money(1_234, "EUR"), "key-1"))
        acquirer.close()
        second = order("B1", reference="pp-kiosk-2")
        following, _ = await asyncio.gather(new.terminal.preauthorize(second), new.present("good"))
    payment = bank.books().payment("pp-kiosk-1")
    assert payment is not None
    assert payment.captured == Money(1_234, "EUR")
    assert isinstance(following, Approved)
    assert following.card.recognition == outcome.card.recognition


async def test_the_new_terminal_knows_nothing_of_a_dialogue_with_the_old_one(tmp_path: Path) -> None:
    async with AdyenBench(tmp_path / "old") as old:
        old.server.fault(Fault.LOSE_ANSWER)
        with pytest.raises(AnswerLost):
            await asyncio.gather(old.terminal.preauthorize(order()), old.present("good"))
    async with AdyenBench(tmp_path / "new", NEW_POI_ID) as new:
        assert await new.terminal.status(order(), "A2") is DialogueState.NOT_FOUND
        await new.terminal.abort(order(), "A3")
        outcome, _ = await asyncio.gather(new.terminal.preauthorize(order("B1")), new.present("good"))
        assert isinstance(outcome, Approved)


async def test_a_kiosk_that_was_not_told_of_the_new_terminal_sends_it_nothing(tmp_path: Path) -> None:
    async with AdyenBench(tmp_path, NEW_POI_ID) as new:
        with pytest.raises(NotSent, match="POIID"):
            await new.driver(poi_id=POI_ID).preauthorize(order())
        assert not (await new.driver(poi_id=POI_ID).diagnose("A2")).ok


async def test_a_new_terminal_behind_the_fleets_old_certificate_rejects_what_is_for_the_old_one(tmp_path: Path) -> None:
    new = AdyenBench(tmp_path, NEW_POI_ID)
    key = NexoKey.derive(PASSPHRASE, KEY_IDENTIFIER, KEY_VERSION)
    new.server = TerminalServer(new.model, new.clock, key, tmp_path, certificate_name="legacy-terminal-certificate.test.terminal.adyen.com")
    async with new:
        with pytest.raises(AnswerLost, match="rejected"):
            await new.driver(poi_id=POI_ID).preauthorize(order())
        assert new.model.book == []
