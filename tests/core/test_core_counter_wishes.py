"""What a wish from the screen may mean, and what means nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import pytest
from test_core_pages import PLACE
from world import A, World, code_digest

from kiosk.core.counter import Counter
from kiosk.protocol import Intent
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.facts import Fact
from kiosk.session.inputs import ConnectorStatus, Input
from kiosk.session.visit import Times, page
from kiosk.values import Digest, Moment, SessionId


@dataclass
class Glass:
    """A counter over a world, and a person who presses."""

    w: World = field(default_factory=World)
    counter: Counter = field(init=False)
    ids: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.counter = Counter(PLACE, Times(), self, self, lambda: self.w.k, self.tell)

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
