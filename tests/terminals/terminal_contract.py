"""The rules every `PaymentTerminal` driver keeps, whatever its protocol. A driver's test class inherits this and gives a `bench`."""

from __future__ import annotations

import asyncio
import re
from typing import Protocol

import pytest
from terminal_bench import identification, order

from hardware.api import AnswerLost, Approved, Card, Declined, DeclineReason, DialogueState, Farewell, NotSent, PaymentTerminal
from kiosk.values import Money


class Bench(Protocol):
    """A terminal and the people and accidents around it."""

    @property
    def terminal(self) -> PaymentTerminal: ...
    async def card_asked_for(self) -> None: ...
    async def present(self, kind: str) -> None: ...
    async def cancel(self) -> None: ...
    async def settled(self) -> None: ...
    def lose_request(self) -> None: ...
    def lose_answer(self) -> None: ...
    def lose_identification(self) -> None: ...
    def lose_release(self) -> None: ...
    def go_offline(self) -> None: ...
    async def card_held(self) -> None: ...
    def host_away(self) -> None: ...
    def host_back(self) -> None: ...
    def allow_offline(self, minor: int, payments: int) -> None: ...
    def reboot(self) -> None: ...
    async def up_again(self) -> None: ...
    @property
    def booked(self) -> int: ...
    def approved(self, reference: str) -> list[Money]: ...


class TerminalContract:
    """Inherit, and define the async fixture `bench`."""

    @pytest.fixture
    async def bench(self) -> Bench:
        raise NotImplementedError("a driver's tests define their bench")

    async def test_a_good_card_reserves_what_was_asked(self, bench: Bench) -> None:
        outcome, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.present("good"))
        assert isinstance(outcome, Approved)
        assert outcome.authorized == Money(4_000, "EUR")
        assert bench.approved(order().reference) == [outcome.authorized]
        assert outcome.psp_reference and outcome.tender_reference
        assert len(outcome.card.last4) == 4

    async def test_a_declining_card_reserves_nothing(self, bench: Bench) -> None:
        outcome, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.present("declining"))
        assert isinstance(outcome, Declined)
        assert outcome.reason is DeclineReason.REFUSED
        assert bench.approved(order().reference) == []

    async def test_a_partial_approval_names_the_lower_amount(self, bench: Bench) -> None:
        outcome, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.present("partial"))
        assert isinstance(outcome, Approved)
        assert outcome.authorized == Money(2_000, "EUR")
        assert bench.approved(order().reference) == [outcome.authorized]

    async def test_the_drivers_cancel_is_told_as_theirs(self, bench: Bench) -> None:
        outcome, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.cancel())
        assert isinstance(outcome, Declined)
        assert outcome.reason is DeclineReason.CANCELLED

    async def test_nobody_with_a_card_is_no_refusal(self, bench: Bench) -> None:
        outcome = await bench.terminal.preauthorize(order())
        assert isinstance(outcome, Declined)
        assert outcome.reason is DeclineReason.NO_CARD

    async def test_an_abort_ends_the_dialogue_with_its_true_outcome(self, bench: Bench) -> None:
        waiting = asyncio.create_task(bench.terminal.preauthorize(order()))
        await bench.card_asked_for()
        await bench.terminal.abort(order(), "A2")
        outcome = await waiting
        assert isinstance(outcome, Declined)
        assert outcome.reason is DeclineReason.ABORTED

    async def test_an_abort_after_the_card_does_not_hide_the_approval(self, bench: Bench) -> None:
        waiting = asyncio.create_task(bench.terminal.preauthorize(order()))
        await bench.present("good")
        await bench.terminal.abort(order(), "A2")
        assert isinstance(await waiting, Approved)

    async def test_a_terminal_in_a_dialogue_is_busy(self, bench: Bench) -> None:
        first = asyncio.create_task(bench.terminal.preauthorize(order()))
        await bench.card_asked_for()
        second = await bench.terminal.preauthorize(order("B1", reference="pp-kiosk-2"))
        assert isinstance(second, Declined)
        assert second.reason is DeclineReason.BUSY
        await bench.present("good")
        assert isinstance(await first, Approved)

    async def test_a_lost_answer_is_lost_and_the_status_tells_it(self, bench: Bench) -> None:
        bench.lose_answer()
        waiting = asyncio.create_task(bench.terminal.preauthorize(order()))
        await bench.present("good")
        with pytest.raises(AnswerLost):
            await waiting
        outcome = await bench.terminal.status(order(), "A2")
        assert isinstance(outcome, Approved)
        assert bench.approved(order().reference) == [outcome.authorized]

    async def test_the_status_tells_a_decline_too(self, bench: Bench) -> None:
        bench.lose_answer()
        waiting = asyncio.create_task(bench.terminal.preauthorize(order()))
        await bench.present("declining")
        with pytest.raises(AnswerLost):
            await waiting
        assert isinstance(await bench.terminal.status(order(), "A2"), Declined)

    async def test_the_same_outcome_is_told_each_time_it_is_asked_for(self, bench: Bench) -> None:
        answered, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.present("good"))
        assert [await bench.terminal.status(order(), service_id) for service_id in ("A2", "A3")] == [answered, answered]

    async def test_a_lost_request_is_not_found(self, bench: Bench) -> None:
        bench.lose_request()
        with pytest.raises(AnswerLost):
            await bench.terminal.preauthorize(order())
        assert await bench.terminal.status(order(), "A2") is DialogueState.NOT_FOUND

    async def test_a_dialogue_under_way_is_in_progress(self, bench: Bench) -> None:
        waiting = asyncio.create_task(bench.terminal.preauthorize(order()))
        await bench.card_asked_for()
        assert await bench.terminal.status(order(), "A2") is DialogueState.IN_PROGRESS
        await bench.present("good")
        await waiting

    async def test_a_terminal_that_cannot_be_reached_was_sent_nothing(self, bench: Bench) -> None:
        terminal = bench.terminal
        bench.go_offline()
        with pytest.raises(NotSent):
            await terminal.preauthorize(order())
        with pytest.raises(NotSent):
            await terminal.status(order(), "A2")
        with pytest.raises(NotSent):
            await terminal.abort(order(), "A3")

    async def test_a_terminal_that_vanishes_while_asked_may_have_acted(self, bench: Bench) -> None:
        waiting = asyncio.create_task(bench.terminal.preauthorize(order()))
        await bench.card_asked_for()
        bench.go_offline()
        with pytest.raises(AnswerLost):
            await waiting

    async def test_health_is_told_and_never_raised(self, bench: Bench) -> None:
        terminal = bench.terminal
        assert (await terminal.diagnose("A1")).ok
        bench.go_offline()
        assert not (await terminal.diagnose("A2")).ok

    async def test_nothing_told_of_a_card_can_be_its_number(self, bench: Bench) -> None:
        outcome, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.present("good"))
        assert isinstance(outcome, Approved)
        assert not re.search(r"(?<![A-Z0-9])\d{12,19}(?!\d)", repr(outcome.card))

    # --- a card that is only recognised -------------------------------------------------------------------------------------------

    async def test_a_card_is_recognised_and_nothing_is_reserved(self, bench: Bench) -> None:
        card = await self.identified(bench, "good")
        assert card.recognition
        assert len(card.last4) == 4
        assert card.recognition not in repr(card)
        assert await bench.terminal.release("r1", Farewell.ACCEPTED) is None
        assert bench.booked == 0

    async def test_the_card_of_a_payment_is_recognised_again(self, bench: Bench) -> None:
        paid, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.present("good"))
        assert isinstance(paid, Approved)
        await bench.settled()
        assert (await self.identified(bench, "good")).recognition == paid.card.recognition
        await bench.terminal.release("r1", Farewell.ACCEPTED)
        assert (await self.identified(bench, "other", "i2")).recognition != paid.card.recognition

    async def test_a_card_whose_account_reference_only_the_host_knows_is_recognised_by_its_alias(self, bench: Bench) -> None:
        paid, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.present("late_reference"))
        assert isinstance(paid, Approved)
        await bench.settled()
        read = await self.identified(bench, "late_reference")
        assert read.recognition != paid.card.recognition
        assert read.recognition == paid.card.alias != ""

    async def test_a_phone_with_the_card_in_it_has_its_account_reference_and_no_alias(self, bench: Bench) -> None:
        plastic = await self.identified(bench, "good")
        await bench.terminal.release("r1", Farewell.ACCEPTED)
        phone = await self.identified(bench, "wallet", "i2")
        assert phone.recognition == plastic.recognition
        assert plastic.alias
        assert not phone.alias

    async def test_a_card_may_have_nothing_to_be_recognised_by(self, bench: Bench) -> None:
        card = await self.identified(bench, "anonymous")
        assert (card.recognition, card.alias) == ("", "")

    async def test_a_card_that_was_read_keeps_the_terminal_busy_until_it_is_let_go(self, bench: Bench) -> None:
        await self.identified(bench, "good")
        busy = await bench.terminal.preauthorize(order())
        assert isinstance(busy, Declined)
        assert (busy.reason, busy.running) == (DeclineReason.BUSY, "i1")
        assert (await bench.terminal.diagnose("A2")).busy
        await bench.terminal.release("r1", Farewell.DECLINED)
        outcome, _ = await asyncio.gather(bench.terminal.preauthorize(order("A3")), bench.present("good"))
        assert isinstance(outcome, Approved)

    async def test_a_card_can_be_let_go_twice_and_when_there_is_none(self, bench: Bench) -> None:
        nothing = await bench.terminal.release("r1", Farewell.DECLINED)
        assert isinstance(nothing, Declined)
        assert nothing.reason is not DeclineReason.BUSY
        await self.identified(bench, "good")
        assert await bench.terminal.release("r2", Farewell.ACCEPTED) is None
        assert isinstance(await bench.terminal.release("r3", Farewell.ACCEPTED), Declined)

    async def test_letting_go_touches_no_payment_and_no_card_that_is_waited_for(self, bench: Bench) -> None:
        paying = asyncio.create_task(bench.terminal.preauthorize(order()))
        await bench.card_asked_for()
        busy = await bench.terminal.release("r1", Farewell.DECLINED)
        assert isinstance(busy, Declined)
        assert (busy.reason, busy.running) == (DeclineReason.BUSY, "A1")
        await bench.present("good")
        assert isinstance(await paying, Approved)

    async def test_nobody_with_a_card_and_the_red_key_end_an_identification(self, bench: Bench) -> None:
        nobody = await bench.terminal.identify(identification())
        cancelled, _ = await asyncio.gather(bench.terminal.identify(identification("i2")), bench.cancel())
        assert isinstance(nobody, Declined)
        assert nobody.reason is DeclineReason.NO_CARD
        assert isinstance(cancelled, Declined)
        assert cancelled.reason is DeclineReason.CANCELLED
        assert not (await bench.terminal.diagnose("A2")).busy

    async def test_an_identification_can_be_aborted_until_a_card_is_there(self, bench: Bench) -> None:
        waiting = asyncio.create_task(bench.terminal.identify(identification()))
        await bench.card_asked_for()
        await bench.terminal.abort(identification(), "A2")
        outcome = await waiting
        assert isinstance(outcome, Declined)
        assert outcome.reason is DeclineReason.ABORTED
        waiting = asyncio.create_task(bench.terminal.identify(identification("i2")))
        await bench.present("good")
        await bench.terminal.abort(identification("i2"), "A3")
        assert isinstance(await waiting, Card)

    async def test_an_identification_whose_answer_is_lost_is_finished_all_the_same(self, bench: Bench) -> None:
        bench.lose_identification()
        with pytest.raises(AnswerLost):
            await asyncio.gather(bench.terminal.identify(identification()), bench.present("good"))
        await bench.card_held()
        assert await bench.terminal.release("r1", Farewell.DECLINED) is None
        assert not (await bench.terminal.diagnose("A2")).busy

    async def test_a_release_whose_answer_is_lost_may_be_said_again(self, bench: Bench) -> None:
        await self.identified(bench, "good")
        bench.lose_release()
        with pytest.raises(AnswerLost):
            await bench.terminal.release("r1", Farewell.ACCEPTED)
        await bench.terminal.release("r2", Farewell.ACCEPTED)
        assert not (await bench.terminal.diagnose("A2")).busy

    async def test_a_reboot_forgets_a_card_that_was_read(self, bench: Bench) -> None:
        await self.identified(bench, "good")
        bench.reboot()
        with pytest.raises(NotSent):
            await bench.terminal.release("r1", Farewell.ACCEPTED)
        await bench.up_again()
        assert not (await bench.terminal.diagnose("A2")).busy

    async def test_an_identification_is_sent_to_nobody_who_is_away(self, bench: Bench) -> None:
        terminal = bench.terminal
        bench.go_offline()
        with pytest.raises(NotSent):
            await terminal.identify(identification())
        with pytest.raises(NotSent):
            await terminal.release("r1", Farewell.DECLINED)
        with pytest.raises(NotSent):
            await terminal.abort(identification(), "A2")

    @staticmethod
    async def identified(bench: Bench, kind: str, service_id: str = "i1") -> Card:
        card, _ = await asyncio.gather(bench.terminal.identify(identification(service_id)), bench.present(kind))
        assert isinstance(card, Card)
        return card

    # --- the host is away ---------------------------------------------------------------------------------------------------------

    async def test_a_terminal_whose_host_is_away_is_well_and_says_so(self, bench: Bench) -> None:
        bench.host_away()
        health = await bench.terminal.diagnose("A1")
        assert health.ok
        assert not health.host
        bench.host_back()
        assert (await bench.terminal.diagnose("A2")).host

    async def test_without_leave_to_do_so_nothing_is_approved_offline(self, bench: Bench) -> None:
        bench.host_away()
        outcome, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.present("good"))
        assert isinstance(outcome, Declined)
        assert outcome.reason is DeclineReason.UNAVAILABLE

    async def test_an_offline_approval_is_told_as_one_also_when_asked_for(self, bench: Bench) -> None:
        bench.allow_offline(5_000, 3)
        bench.host_away()
        outcome, _ = await asyncio.gather(bench.terminal.preauthorize(order()), bench.present("good"))
        assert isinstance(outcome, Approved)
        assert outcome.offline
        assert outcome.authorized == Money(4_000, "EUR")
        assert outcome.psp_reference == ""
        assert outcome.tender_reference
        assert outcome.card.recognition
        assert await bench.terminal.status(order(), "A2") == outcome
        assert bench.approved(order().reference) == []
