"""The roads that leave the path at the card: what the driver sees, what becomes of the money, what the operator finds."""

from __future__ import annotations

import pytest
from stand import HOLD, Stand, plain, until

from hardware.simulated.models.terminal import TerminalState
from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLICIES = {"preauth_give_up_seconds": 60, "plug_timeout_seconds": 80}


async def charge_to_the_end(site: Stand, letter: str = "A") -> None:
    await site.plug(letter)
    await site.energy()
    await site.end(letter)
    await site.receipt_shown()
    await site.captured(letter)


async def test_declined_then_a_second_card(site: Stand):
    await site.agree()
    await site.tap("declining")
    page = plain(await site.driver.page("trouble"), "P21")
    assert (page.title, page.what) == ("Your bank said no to this card.", "It does not tell us why.")
    assert page.card.note == "Nothing reserved. Nothing paid."
    assert site.payments == []
    await site.driver.press("another_card")
    await site.tap("good")
    await site.driver.page("plug_in")
    await charge_to_the_end(site)
    assert len(site.facts(f.PreauthorizationRequested)) == 2
    assert site.reviews == []


async def test_cancelled_at_the_screen_before_a_card(site: Stand):
    await site.agree()
    await site.asked_for_card()
    await site.driver.press("cancel")
    page = plain(await site.driver.sees(lambda s: s.page == "trouble" and "othing reserved" in s.card.note, "the end of it"), "P24")
    assert (page.title, page.what) == ("You stopped before charging.", "The plug is open to everybody again.")
    await until(lambda: site.terminal.state() is not TerminalState.PRESENT_CARD, "the terminal to stop asking")
    assert not site.terminal.present_card("good")
    await site.released(holds=0)
    await site.driver.press("finish")
    await site.idle()
    assert site.reviews == []


async def test_cancelled_at_the_terminal(site: Stand):
    await site.agree()
    await until(site.terminal.press_cancel, "a terminal that can be cancelled")
    plain(await site.driver.page("trouble"), "P24")
    await site.driver.press("cancel")
    await site.released(holds=0)


async def test_cancelled_after_the_authorisation(site: Stand):
    await site.pay()
    await site.driver.press("cancel")
    page = plain(await site.driver.sees(lambda s: s.page == "trouble" and "were released" in s.card.note, "the release"), "P26")
    assert (page.title, page.what) == ("You stopped before charging.", "The plug is open to everybody again.")
    assert page.card.note.startswith("Your 50.00\xa0€ were released at ")
    await site.released()
    await site.idle_after("finish")
    assert site.deliveries == []
    assert site.reviews == []


async def test_no_plug_within_the_time(site: Stand):
    await site.pay()
    page = plain(await site.driver.sees(lambda s: s.page == "trouble" and "were released" in s.card.note, "the release"), "S05")
    assert page.title == "Plug A did not come into your car."
    await site.released()
    await site.idle_after("finish")
    assert site.reviews == []


async def test_more_time_to_plug_in(site: Stand):
    before = await site.pay()
    await site.driver.sees(lambda s: s.countdown and s.countdown.left < before.countdown.left - 5, "time that passes")
    await site.driver.press("more_time")
    await site.driver.sees(lambda s: s.countdown and s.countdown.left > 70, "more time")
    await charge_to_the_end(site)


async def test_request_to_the_terminal_lost(site: Stand):
    site.terminal.fault("lose_request")
    await site.agree()
    page = plain(await site.driver.page("trouble"), "P40")
    assert (page.title, page.now) == ("We are asking your bank.", "Please do not pay again yet.")
    page = plain(await site.driver.sees(lambda s: Stand.can(s, "another_card"), "another try"), "P31")
    assert (page.title, page.what) == ("The card reader does not answer us.", "It is not your card.")
    assert page.card.note == "If it was reserved, we told your bank to release it."
    assert site.payments == []
    await site.driver.press("another_card")
    await site.tap()
    await site.driver.page("plug_in")
    await charge_to_the_end(site)
    cancelled = [m for m in site.bank.server.books().strays if m.kind == "technical_cancel"]
    assert cancelled, "the lost one is cancelled by our own reference, should it have been approved after all"
    first, second = (fact.payment for fact in site.facts(f.PreauthorizationRequested))
    assert first != second


async def test_answer_of_the_terminal_lost_is_asked_for_and_the_sale_goes_on(site: Stand):
    site.terminal.fault("lose_answer")
    await site.agree()
    await site.tap()
    await site.driver.page("plug_in")
    assert site.facts(f.PaymentUnknown)
    await charge_to_the_end(site)
    assert len(site.facts(f.PreauthorizationRequested)) == 1
    assert site.reviews == []


async def test_the_screen_says_that_the_bank_is_asked(site: Stand):
    site.terminal.fault("delay_answer")
    await site.agree()
    await site.tap()
    page = await site.driver.page("authorising")
    assert page.title == "Asking your bank."
    assert not Stand.can(page, "cancel")  # nobody can stop it now
    await site.driver.page("plug_in")
    await site.driver.press("cancel")
    await site.released()


@pytest.mark.parametrize("fault", ["wrong_mac", "clear_success", "foreign_header", "duplicate_answer"])
async def test_an_answer_that_proves_nothing_is_asked_for_again(site: Stand, fault: str):
    site.terminal.fault(fault)
    await site.agree()
    await site.tap()
    await site.driver.page("plug_in")
    await site.driver.press("cancel")
    await site.released()
    assert len(site.facts(f.PreauthorizationRequested)) == 1


async def test_terminal_unreachable_then_back(site: Stand):
    site.terminal.fault("offline")
    await site.agree()
    page = plain(await site.driver.page("trouble"), "P30")
    assert (page.title, page.now) == ("The card reader does not answer us.", "Try again in a minute.")
    assert page.card.note == "Nothing reserved. Nothing paid."
    site.terminal.fault("online")
    await site.driver.press("another_card")
    await site.tap()
    await site.driver.page("plug_in")
    await charge_to_the_end(site)
    assert site.facts(f.PreauthorizationNotSent)
    assert site.reviews == []


async def test_approval_after_the_driver_cancelled_is_given_back(site: Stand):
    site.terminal.fault("delay_answer")
    await site.agree()
    await site.tap()
    await until(lambda: site.payments, "the bank's approval, on its way to the kiosk")
    await site.driver.send("cancel")
    page = await site.driver.sees(lambda s: s.page == "trouble" and "were released" in s.card.note, "the release")
    plain(page, "P26")
    assert page.what == "The plug is open to everybody again."
    await site.released()
    assert [fact.wanted for fact in site.facts(f.PaymentAuthorized)] == [False]


async def test_terminal_acts_long_after_its_request_was_given_up(site: Stand):
    site.terminal.fault("late_request")
    await site.agree()
    await site.driver.page("trouble")
    await site.driver.press("cancel")
    await site.tap()  # the terminal asks only now, and somebody holds a card to it
    await until(lambda: site.payments, "an approval nobody wants any more")
    await site.released()
    assert site.payment.authorized.minor == HOLD["A"]


async def test_approval_nobody_ever_told_us_of_is_cancelled_by_our_reference(site: Stand):
    site.terminal.fault("reboot_forgetting")
    await site.agree()
    await site.tap()
    plain(await site.driver.page("trouble"), "P40")
    await until(lambda: site.payments and site.payment.cancelled, "the cancel by reference")
    await site.driver.press("cancel")
    await site.released()
    assert [m.kind for m in site.payment.modifications] == ["technical_cancel"]


async def test_terminal_that_reboots_in_mid_authorisation_is_asked_until_it_knows(site: Stand):
    site.terminal.fault("reboot")
    await site.agree()
    await site.tap()
    await site.driver.page("plug_in")
    await charge_to_the_end(site)
    assert len(site.facts(f.PreauthorizationRequested)) == 1


async def test_money_unknown_to_the_end_frees_the_plug_and_is_told_to_the_operator(site: Stand):
    await site.agree()
    await site.asked_for_card()
    site.terminal.fault("offline")
    page = plain(await site.driver.page("trouble"), "P40")
    assert page.card.line.style == "unknown"
    review = await site.noted(f.ReviewOpened)
    assert review.code == "money_unknown"
    assert review.deadline is not None
    page = plain(await site.driver.sees(lambda s: "we told your bank" in s.card.note, "what we did about it"), "P40")
    await site.released(holds=0)
    assert [m.kind for m in site.bank.server.books().strays][-1] == "technical_cancel"
    await site.driver.press("finish")
    page = await site.driver.page("out_of_order")  # nobody else is sold what no card can pay
    assert (page.title, page.what) == ("Cards cannot be taken now.", "We have no connection to the bank. Running charges go on.")
    assert page.call == "If you call us, say code K04 and E0417."
    site.terminal.fault("online")
    await site.idle()
