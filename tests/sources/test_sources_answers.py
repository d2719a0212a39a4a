"""What sources say, and what is made of it: JSON in files and over HTTP, spot prices, a simulated sun, sources of other packages."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from kiosk.pricing.discounts import LoyaltyTier, OffPeakBonus, SolarShare, Subscription
from kiosk.sources.answers import LARGEST, answer_in
from kiosk.sources.api import Answer, Question, SourceError
from kiosk.sources.file import FileSource
from kiosk.sources.http import HttpSource
from kiosk.sources.kinds import plugin
from kiosk.sources.sun import ClearSky
from kiosk.values import Digest

NOW = 1_795_000_000_000
SILVER = {"type": "LOYALTY", "name": "Silver", "funded_by": "operator", "percent": 5}
GOLD = {"type": "SUBSCRIPTION", "name": "Gold", "funded_by": "operator", "kwh_left": 20}
SUN = {"type": "SOLAR", "name": "Sun", "funded_by": "site", "price": 0.29, "permille": 600}
CARD = Digest("ab" * 32)
BOOK = {"for_seconds": 900, "groups": {"silver": [SILVER], "gold": [GOLD]}, "cards": {CARD: "gold", "cd" * 32: "silver"}}


def question(*cards: Digest, zone: str = "Europe/Berlin") -> Question:
    return Question(NOW, "EUR", zone, cards)


def answered(body: object, *cards: Digest, zone: str = "Europe/Berlin") -> Answer:
    return answer_in(json.dumps(body).encode(), question(*cards, zone=zone))


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000


# --- JSON -----------------------------------------------------------------------------------------------------------------------


def test_everybody_gets_the_discounts_and_a_card_those_of_its_group() -> None:
    assert [type(r) for r in answered({"for_seconds": 900, "discounts": [SUN]}).discounts] == [SolarShare]
    assert answered(BOOK).discounts == ()
    assert [type(r) for r in answered(BOOK, CARD).discounts] == [Subscription]
    both = answered(BOOK, CARD, Digest("cd" * 32), Digest("ef" * 32))
    assert [type(r) for r in both.discounts] == [Subscription, LoyaltyTier]


def test_an_answer_says_how_long_it_is_good() -> None:
    assert answered({"for_seconds": 900}).until_utc_ms == NOW + 900_000
    assert answered({"until": "2026-12-01T00:00:00Z", "as_of": "2026-11-01T00:00:00+01:00"}) == Answer(
        (), utc("2026-12-01T00:00"), utc("2026-10-31T23:00")
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "is not an object"),
        ({"for_seconds": 900, "discount": []}, "discount: unknown key"),
        ({"discounts": []}, "until or for_seconds is missing"),
        ({"for_seconds": 900, "until": "2026-12-01T00:00:00Z"}, "by one of them"),
        ({"for_seconds": 0}, "write whole seconds"),
        ({"for_seconds": 1.5}, "write whole seconds"),
        ({"until": "tomorrow"}, "until: is no moment"),
        ({"until": "2026-12-01T00:00:00"}, "until: has no time zone"),
        ({"for_seconds": 900, "groups": []}, "groups and cards: are objects"),
        ({"for_seconds": 900, "cards": {"ab": "platin"}}, "there is no group 'platin'"),
        ({"for_seconds": 900, "groups": {"silver": [{**SILVER, "percent": 500}]}}, "500 % is no discount"),
        ({"for_seconds": 900, "discounts": {}}, "discounts are a list"),
        ({"for_seconds": 900, "spot": {"slots": [], "price": 3}}, "spot: is an object of"),
        ({"for_seconds": 900, "spot": {"slots": [{"start": 1}]}}, "each is an object of start, end and price"),
    ],
)
def test_each_fault_of_an_answer_is_named(body: object, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        answered(body)


def test_what_is_no_json_or_too_much_of_it_is_no_answer() -> None:
    for data in (b"", b"{", b"\xff\xfe", b" " * (LARGEST + 1)):
        with pytest.raises(SourceError):
            answer_in(data, question())


# --- spot prices ----------------------------------------------------------------------------------------------------------------


def spot(*slots: tuple[str, str, float], **more: Any) -> tuple[OffPeakBonus, ...]:
    rows = [{"start": f"{start}Z", "end": f"{end}Z", "price": price} for start, end, price in slots]
    body = {"for_seconds": 900, "spot": {"from_price": 0.49, "markup": 0.21, "slots": rows} | more}
    found = answer_in(json.dumps(body).encode(), Question(utc("2026-11-22T10:00"), "EUR", "Europe/Berlin")).discounts
    assert all(isinstance(rule, OffPeakBonus) for rule in found)
    return tuple(rule for rule in found if isinstance(rule, OffPeakBonus))


def test_where_the_market_is_cheaper_the_driver_gets_the_difference() -> None:
    one, two = spot(
        ("2026-11-22T10:00", "2026-11-22T10:15", 0.08),
        ("2026-11-22T10:15", "2026-11-22T11:00", 0.08),
        ("2026-11-22T11:00", "2026-11-22T12:00", -0.05),
        ("2026-11-22T12:00", "2026-11-22T13:00", 0.40),
        ("2026-11-22T08:00", "2026-11-22T09:00", 0.00),
        ("2026-11-24T08:00", "2026-11-24T09:00", 0.00),
    )
    assert (one.name, one.per_kwh, one.when.start_time, one.when.end_time) == ("Spot 22.11. 11:00", Decimal("0.20"), 11 * 60, 12 * 60)
    assert (two.per_kwh, two.when.start_time, two.when.end_time) == (Decimal("0.33"), 12 * 60, 13 * 60)
    (least,) = spot(("2026-11-22T11:00", "2026-11-22T12:00", -5), least=0.10)
    assert least.per_kwh == Decimal("0.39")


def test_a_slot_over_midnight_is_cut_there() -> None:
    first, second = spot(("2026-11-22T22:00", "2026-11-23T01:00", 0.0))
    assert (first.when.start_time, first.when.end_time, str(first.when.start_date), str(first.when.end_date)) == (
        23 * 60,
        0,
        "2026-11-22",
        "2026-11-23",
    )
    assert (second.when.start_time, second.when.end_time, str(second.when.start_date)) == (0, 2 * 60, "2026-11-23")


def test_slots_that_overlap_are_no_answer() -> None:
    with pytest.raises(SourceError, match="two of them overlap"):
        spot(("2026-11-22T10:00", "2026-11-22T11:00", 0.1), ("2026-11-22T10:30", "2026-11-22T11:30", 0.1))


# --- the simulated sun ----------------------------------------------------------------------------------------------------------


async def test_the_sun_rises_is_strongest_at_one_and_sets() -> None:
    sun = ClearSky(Decimal("0.29"))
    shares = [sun.share(utc(f"2026-06-21T{hour:02}:00"), "UTC") for hour in (5, 6, 9, 13, 17, 20, 23)]
    assert shares[0] == shares[1] == shares[-1] == shares[-2] == 0
    assert 0 < shares[2] == shares[4] < shares[3] == 800
    answer = await sun.ask(Question(utc("2026-06-21T13:00"), "EUR", "UTC"))
    assert [(r.permille, r.price) for r in answer.discounts if isinstance(r, SolarShare)] == [(800, Decimal("0.29"))]
    assert (await sun.ask(Question(utc("2026-06-21T23:00"), "EUR", "UTC"))).discounts == ()


# --- a file ---------------------------------------------------------------------------------------------------------------------


async def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "sun.json"
    source = FileSource(file)
    with pytest.raises(SourceError, match=r"sun.json cannot be read: No such file"):
        await source.ask(question())
    file.write_text(json.dumps({"for_seconds": 900, "discounts": [SUN]}))
    assert len((await source.ask(question())).discounts) == 1
    fresh = tmp_path / "new.json"
    fresh.write_text(json.dumps({"for_seconds": 900, "discounts": []}))
    fresh.replace(file)
    assert (await source.ask(question())).discounts == ()
    file.write_text("{ half")
    with pytest.raises(SourceError, match="not JSON"):
        await source.ask(question())


async def test_what_a_file_says_is_left_was_so_when_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "cards.json"
    file.write_text(json.dumps(BOOK))
    os.utime(file, (NOW / 1_000 - 3_600, NOW / 1_000 - 3_600))
    assert (await FileSource(file).ask(question(CARD))).as_of_utc_ms == NOW - 3_600_000


# --- over HTTP ------------------------------------------------------------------------------------------------------------------

Handler = Callable[[bytes], bytes | None]


@asynccontextmanager
async def server(answer: Handler) -> AsyncIterator[str]:
    """A real socket; `answer` makes the whole response from the request's head, None hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = answer(await reader.readuntil(b"\r\n\r\n"))
        if reply is not None:
            writer.write(reply)
            await writer.drain()
        writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/discounts"


def reply(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n".encode() + body


async def test_an_address_is_asked_with_the_cards_hash_and_the_token() -> None:
    heard: list[bytes] = []

    def answer(head: bytes) -> bytes:
        heard.append(head)
        return reply(json.dumps({"for_seconds": 60, "discounts": [SILVER]}).encode())

    async with server(answer) as url:
        found = await HttpSource(url, "s3cret").ask(question(CARD))
    assert [r.name for r in found.discounts] == ["Silver"]
    assert heard[0].startswith(f"GET /discounts?card={CARD} ".encode())
    assert b"\r\nauthorization: bearer s3cret\r\n" in heard[0].lower()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _: reply(b"", "500 Internal Server Error"), "answered 500"),
        (lambda _: reply(b"", "302 Found", "Location: http://127.0.0.1:1/elsewhere\r\n"), "answered 302"),
        (lambda _: reply(b"x" * (LARGEST + 1)), "more than 1000000 bytes"),
        (lambda _: None, "cannot be asked: RemoteProtocolError"),
        (lambda _: reply(b"<html>"), "not JSON"),
    ],
    ids=["error", "redirect", "flood", "hang-up", "no JSON"],
)
async def test_an_address_that_answers_badly_is_no_answer_and_the_card_is_not_named(answer: Handler, told: str) -> None:
    async with server(answer) as url:
        with pytest.raises(SourceError, match=told) as caught:
            await HttpSource(url).ask(question(CARD))
    assert CARD not in str(caught.value)


async def test_nobody_at_the_address_is_no_answer() -> None:
    with pytest.raises(SourceError, match="cannot be asked: ConnectError"):
        await HttpSource("http://127.0.0.1:1/").ask(question())


# --- other packages -------------------------------------------------------------------------------------------------------------


class Twice:
    """A source as another package would bring it."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self.percent = Decimal(str(options["percent"]))

    async def ask(self, question: Question) -> Answer:
        return Answer((), question.utc_ms + 1_000)


def points(value: str) -> Callable[[], tuple[EntryPoint, ...]]:
    return lambda: (EntryPoint("twice", value, "pilepay.sources"),)


def test_a_source_of_another_package_is_made_with_its_options() -> None:
    source = plugin("twice", {"percent": 5}, points(f"{__name__}:Twice"))
    assert isinstance(source, Twice) and source.percent == 5


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("thrice", "x:y", "no installed package offers a source 'thrice': there are twice"),
        ("twice", f"{__name__}:Nobody", "'twice' cannot be made: AttributeError"),
        ("twice", f"{__name__}:Twice", "'twice' cannot be made: KeyError"),
        ("twice", "builtins:dict", "'twice' has no ask: it is a dict"),
    ],
)
def test_a_source_that_cannot_be_made_is_named(name: str, value: str, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        plugin(name, {}, points(value))


def test_what_is_not_installed_is_not_found() -> None:
    with pytest.raises(SourceError, match="no installed package offers"):
        plugin("moon", {})
