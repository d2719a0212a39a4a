"""The rules every `PaymentTerminal` driver keeps, whatever its protocol. A driver's test class inherits this and gives a `bench`."""

from __future__ import annotations

import asyncio
import re
from typing import Protocol

import pytest
from terminal_bench import order

from hardware.api import AnswerLost, Approved, Declined, DeclineReason, DialogueState, NotSent, PaymentTerminal
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
    def go_offline(self) -> None: ...
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
