"""What a wish from the screen may mean, and what means nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from test_core_pages import CHOOSING, PLACE, rule
from world import A, B, World, approval, code_digest

from kiosk.core.counter import Counter
from kiosk.core.pages.view import Place
from kiosk.protocol import Intent
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.facts import Fact
from kiosk.session.inputs import ConnectorStatus, Input
from kiosk.session.visit import CardShown, Times, page
from kiosk.values import Digest, Moment, Money, SessionId


@dataclass
class Glass:
    """A counter over a world, and a person who presses."""

    w: World = field(default_factory=World)
    place: Place = PLACE
    counter: Counter = field(init=False)
    ids: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.counter = Counter(self.place, Times(), self, self, lambda: self.w.k, self.tell)

    def now(self) -> Moment:
        return self.w.now

    def session(self) -> SessionId:
        return self.w.ids.session()

    def typed_digest(self, session: SessionId, typed: str) -> Digest:
        return code_digest(session, typed)

    async def tell(self, given: Input) -> tuple[Fact, ...]:
        return self.w.give(given)

    async def press(self, kind: str, **args: str) -> str:
        return await self.counter.intent(Intent(f"i{next(self.ids)}", self.counter.visit.number, 1, kind, args))

    @property
    def page(self) -> str:
        return page(self.counter.visit, self.w.k, self.w.now)


async def test_accepting_freezes_the_words_and_the_tariff_that_were_shown() -> None:
    glass = Glass()
    await glass.press("language", code="de")
    await glass.press("choose", connector=A)
    assert await glass.press("accept") == "done"
    quote = glass.w.session.quote
    assert quote is not None
    assert (quote.language, quote.hold, quote.zone) == ("de", PLACE.offers[A].hold, "Europe/Berlin")
    assert any("0,50" in text for text in quote.texts)
    assert any("50,00" in text for text in quote.texts)


async def test_the_chosen_maximum_is_what_is_reserved() -> None:
    glass = Glass(place=CHOOSING)
    await glass.press("choose", connector=A)
    await glass.press("hold", minor="8000")
    assert await glass.press("accept") == "done"
    quote = glass.w.session.quote
    assert quote is not None
    assert quote.hold == Money(8_000, "EUR")
    assert any("You decide how much is reserved at most." in text for text in quote.texts)


@pytest.mark.parametrize("minor", ["1", "999999", "x", "-2000", "٣", ""])
async def test_a_maximum_that_was_not_offered_is_not_reserved(minor: str) -> None:
    glass = Glass(place=CHOOSING)
    await glass.press("choose", connector=A)
    await glass.press("hold", minor=minor)
    await glass.press("accept")
    quote = glass.w.session.quote
    assert quote is not None
    assert quote.hold == CHOOSING.offers[A].hold


async def test_a_maximum_is_forgotten_with_the_plug_it_was_chosen_for() -> None:
    glass = Glass(place=CHOOSING)
    await glass.press("choose", connector=A)
    await glass.press("hold", minor="8000")
    await glass.press("back")
    await glass.press("choose", connector=A)
    assert glass.counter.visit.hold is None


async def test_a_gift_is_agreed_to_in_its_own_words() -> None:
    glass = Glass()
    rule("free")(glass)
    glass.w.give(i.TerminalHealth(True, False))
    glass.counter.shown(1, glass.w.now)
    await glass.press("choose", connector=A)
    assert await glass.press("accept") == "done"
    quote = glass.w.session.quote
    assert glass.w.session.free
    assert quote is not None
    assert quote.texts[-1] == "Cards cannot be taken now. This charge is free, up to 50.00\u00a0€."
    assert not any("eserve" in text for text in quote.texts)


@pytest.mark.parametrize("host", [True, False])
async def test_terms_that_changed_while_they_were_read_are_not_agreed_to(host: bool) -> None:
    glass = Glass()
    rule("free")(glass)
    glass.w.give(i.TerminalHealth(True, not host))
    await glass.press("choose", connector=A)
    glass.counter.shown(1, glass.w.now)
    glass.w.give(i.TerminalHealth(True, host))
    assert await glass.press("accept") == "refused"
    assert not glass.w.k.sessions
    assert glass.page == "price"


async def test_a_repeated_wish_is_stale() -> None:
    glass = Glass()
    wish = Intent("same", 1, 1, "choose", {"connector": A})
    assert await glass.counter.intent(wish) == "done"
    assert await glass.counter.intent(wish) == "stale"


async def test_a_wish_of_an_earlier_visit_is_stale() -> None:
    glass = Glass()
    await glass.press("choose", connector=A)
    await glass.press("leave")
    assert await glass.counter.intent(Intent("late", 1, 9, "choose", {"connector": A})) == "stale"
    assert glass.page == "idle"


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("accept", {}),
        ("digit", {"digit": "1"}),
        ("digit", {}),
        ("language", {"code": "xx"}),
        ("language", {"code": "../../etc"}),
    ],
)
async def test_a_wish_without_sense_is_refused(kind: str, args: dict[str, str]) -> None:
    glass = Glass()
    assert await glass.press(kind, **args) == "refused"
    assert glass.page == "idle"


@pytest.mark.parametrize("digit", ["", "12", "x", "٣", "²"])
async def test_only_one_digit_of_ours_is_a_digit(digit: str) -> None:
    glass = Glass()
    glass.w.deliver(A)
    await glass.press("choose", connector=A)
    await glass.press("type_code")
    assert await glass.press("digit", digit=digit) == "refused"
    assert glass.counter.visit.typed == ""


async def test_a_charge_is_stopped_with_the_code_alone() -> None:
    glass = Glass()
    glass.w.deliver(A)
    await glass.press("choose", connector=A)
    await glass.press("type_code")
    for digit in "4719":
        assert await glass.press("digit", digit=digit) == "done"
    await glass.press("confirm_stop")
    assert [s.by for s in glass.w.session.stops] == ["code"]


async def test_a_cable_in_a_car_brings_up_its_price() -> None:
    glass = Glass()
    facts = glass.w.status(1, ConnectorStatus.PREPARING)
    await glass.counter.changed(facts)
    assert (glass.page, glass.counter.visit.connector) == ("price", A)


async def test_other_news_of_a_connector_brings_up_nothing() -> None:
    glass = Glass()
    await glass.counter.changed(glass.w.status(1, ConnectorStatus.FINISHING))
    assert glass.page == "idle"


async def test_nobody_at_the_glass_and_the_visit_ends() -> None:
    glass = Glass()
    await glass.press("choose", connector=A)
    glass.w.wait(30)
    await glass.counter.waited()
    assert (glass.page, glass.counter.visit.number) == ("idle", 2)


async def test_what_follows_at_once_is_on_the_page_when_the_wish_is_done() -> None:
    glass = Glass()
    await glass.press("choose", connector=A)
    await glass.press("accept")
    glass.w.answer("Preauthorize", i.Refused("refused"))
    await glass.counter.changed(())
    assert glass.page == "trouble"
    await glass.press("another_card")
    assert glass.page == "pay"
    assert len(glass.w.all_of(f.PreauthorizationRequested)) == 2


async def _left_by_a_power_cut(code: str) -> Glass:
    """A charge that was bought in a language, and a kiosk that has started anew since."""
    glass = Glass()
    await glass.press("language", code=code)
    await glass.press("choose", connector=A)
    await glass.press("accept")
    glass.w.answer("Preauthorize", i.Done(approval()))
    glass.w.status(1, ConnectorStatus.PREPARING)
    glass.w.give(i.TxStarted("PILE-1", 1, glass.w.session.starts[-1].id_tag, glass.w.reading(100)))
    return Glass(glass.w)


async def test_a_charge_found_again_by_its_card_after_a_power_cut_speaks_its_drivers_language() -> None:
    glass = await _left_by_a_power_cut("pl")
    await glass.press("show_card")
    assert glass.counter.visit.language == "en"
    await glass.counter.shown_card(CardShown(glass.w.session.id), glass.counter.visit.number)
    assert (glass.page, glass.counter.visit.language) == ("stop", "pl")
    await glass.press("finish")
    assert glass.counter.visit.language == "en"  # of whoever comes next


async def test_a_charge_found_again_by_its_code_speaks_its_drivers_language_from_then_on() -> None:
    glass = await _left_by_a_power_cut("tr")
    await glass.press("choose", connector=A)
    await glass.press("type_code")
    assert glass.counter.visit.language == "en"
    for digit in "4719":
        await glass.press("digit", digit=digit)
    assert (glass.page, glass.counter.visit.language) == ("stop", "tr")


async def test_a_charge_found_again_by_unplugging_speaks_its_drivers_language() -> None:
    glass = await _left_by_a_power_cut("de")
    transaction = glass.w.session.transaction
    assert transaction is not None
    glass.w.skip(600)
    facts = glass.w.end(transaction, 110)
    await glass.counter.changed((*facts, *glass.w.status(1, ConnectorStatus.AVAILABLE)))
    assert (glass.page, glass.counter.visit.language) == ("finished", "de")


async def test_a_language_that_somebody_picked_is_kept_when_a_charge_is_found() -> None:
    glass = await _left_by_a_power_cut("pl")
    await glass.press("language", code="en")
    await glass.press("show_card")
    await glass.counter.shown_card(CardShown(glass.w.session.id), glass.counter.visit.number)
    assert glass.counter.visit.language == "en"


async def test_a_language_that_somebody_picked_is_kept_when_they_go_back_first() -> None:
    glass = await _left_by_a_power_cut("pl")
    await glass.press("language", code="en")
    await glass.press("choose", connector=B)
    await glass.press("back")
    await glass.press("show_card")
    await glass.counter.shown_card(CardShown(glass.w.session.id), glass.counter.visit.number)
    assert (glass.page, glass.counter.visit.language) == ("stop", "en")


async def test_a_language_that_somebody_picked_is_not_the_next_ones() -> None:
    glass = await _left_by_a_power_cut("pl")
    await glass.press("language", code="en")
    glass.w.skip(60)
    await glass.counter.waited()
    await glass.press("show_card")
    await glass.counter.shown_card(CardShown(glass.w.session.id), glass.counter.visit.number)
    assert (glass.page, glass.counter.visit.language) == ("stop", "pl")


async def test_a_language_that_is_not_spoken_here_any_more_is_not_turned_to() -> None:
    glass = await _left_by_a_power_cut("pl")
    glass = Glass(glass.w, replace(PLACE, languages=("en", "de")))
    await glass.press("show_card")
    await glass.counter.shown_card(CardShown(glass.w.session.id), glass.counter.visit.number)
    assert glass.counter.visit.language == "en"
