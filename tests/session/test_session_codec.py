"""Facts in the journal: what is written is read back, for ever; what is no fact is refused with a word on what to do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from golden import FOLDER, a_long_day, read
from world import SETUP

from kiosk.session import codec
from kiosk.session import facts as f
from kiosk.session.codec import CodecError, Encoded
from kiosk.session.evolve import fold
from kiosk.session.facts import KioskFact, SessionFact
from kiosk.session.requests import open_requests
from kiosk.session.state import Kiosk
from kiosk.values import Moment, SessionId

AT = Moment(1_800_000_000_000, "boot", 7)
SESSION = SessionId("K417-00000000000000000000000001")
REVIEW = codec.encode(f.ReviewOpened(AT, SESSION, "shortfall", "1.00 EUR", AT.plus(60)))

# session: where it stands, why it was given up, what was charged (minor units), the receipt, what went to the acquirer, what a person sees
GOLDEN = {
    "0.1.0": {
        1: ("vacated", "", 737, 1, [("capture", "failed")], ["capture_failed"]),
        6: (
            "given_up",
            "money_unknown",
            None,
            None,
            [("cancel_by_reference", "submitted"), ("cancel", "refused")],
            ["money_unknown", "cancel_refused"],
        ),
        8: ("given_up", "cancelled", None, None, [], []),
        10: ("given_up", "cancelled", None, None, [], []),
        12: ("vacated", "pile_refused", 0, None, [("cancel", "submitted")], ["late_start", "stop_unanswered", "money_late"]),
        17: ("delivering", "", None, None, [], []),
    },
    "0.2.0": {
        10: ("given_up", "cancelled", None, None, [], []),
        12: ("vacated", "pile_refused", 0, None, [("cancel", "submitted")], ["late_start", "stop_unanswered", "money_late"]),
        17: (
            "vacated",
            "",
            700,
            2,
            [("adjust", "confirmed"), ("capture", "submitted"), ("refund", "confirmed"), ("refund", "confirmed")],
            [],
        ),
        21: ("vacated", "", 150, 3, [("capture", "refused"), ("capture", "submitted")], ["capture_refused"]),
        25: ("vacated", "", 200, 4, [("capture", "submitted")], ["meter_unproven"]),
        29: ("vacated", "", 0, None, [("cancel", "submitted")], ["meter_unproven", "hold_expiring"]),
        33: ("vacated", "", 150, 5, [("capture", "submitted")], []),
        37: ("vacated", "", 0, None, [], []),
        40: ("delivering", "", None, None, [], []),
    },
}
# receipts, credit notes, what was asked about sales no longer held
COUNTED = {"0.1.0": (1, 0, []), "0.2.0": (5, 2, [("cancel", "submitted")])}


def test_every_kind_of_fact_happens_on_a_long_day_and_comes_back_the_same() -> None:
    facts = a_long_day().facts
    kinds = {
        kind for kind in vars(f).values() if isinstance(kind, type) and issubclass(kind, KioskFact | SessionFact)
    } - {KioskFact, SessionFact}  # fmt: skip
    assert {type(fact) for fact in facts} == kinds
    assert [codec.decode(codec.encode(fact)) for fact in facts] == facts


@pytest.mark.parametrize("release", GOLDEN)
def test_the_journal_of_a_release_still_adds_up_to_the_same_sales(release: str) -> None:
    k = fold(Kiosk(SETUP), map(codec.decode, read(FOLDER / f"golden-{release}.jsonl")))
    found = {
        int(s.id[-4:]): (
            s.stage.value,
            s.given_up,
            s.priced.charge.minor if s.priced else None,
            s.receipt,
            [(m.operation, m.state.value) for m in s.modifications.values()],
            [r.code for r in s.reviews],
        )
        for s in (*k.recent, *k.sessions.values())
    }
    assert found == GOLDEN[release]
    assert (k.receipts, k.credit_notes, [(m.operation, m.state.value) for m in k.loose.values()]) == COUNTED[release]
    assert (len(k.sessions), k.online, k.stored) == (1, {"PILE-1"}, {})
    assert open_requests(k) == ()


def test_the_bytes_of_a_fact_are_canonical() -> None:
    deadline = b'{"boot_id":"boot","mono_ns":60000000007,"trusted":true,"utc_ms":1800000060000}'
    assert REVIEW.body == b'{"code":"shortfall","deadline":' + deadline + b',"detail":"1.00 EUR","request":null}'
    assert (REVIEW.stream, REVIEW.kind, REVIEW.version, REVIEW.at) == (SESSION, "ReviewOpened", 2, AT)
    assert codec.encode(f.PileOnline(AT, "P-ü")).body == '{"pile":"P-ü"}'.encode()


@pytest.mark.parametrize("release", GOLDEN)
def test_the_journal_of_today_holds_the_bytes_of_the_release(release: str) -> None:
    for stored in read(FOLDER / f"golden-{release}.jsonl"):
        if stored.version == codec.VERSIONS.get(stored.kind, 1):
            assert codec.encode(codec.decode(stored)) == stored


@pytest.mark.parametrize(
    "stored",
    [replace(REVIEW, kind="SolarPanelInstalled"), replace(REVIEW, version=3), replace(REVIEW, kind="SessionFact")],
    ids=["unknown kind", "newer version", "no fact but its base"],
)
def test_what_a_newer_program_wrote_is_refused_and_says_what_to_run(stored: Encoded) -> None:
    with pytest.raises(CodecError, match=r"unknown fact .* in stream K417-.*a newer program wrote it, so run that one"):
        codec.decode(stored)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'["code","deadline","detail"]',
        b"7",
        b'{"code":"shortfall","detail":"","deadline":null',
        b'{"code":"shortfall","detail":""}',
        b'{"code":"shortfall","detail":"","deadline":null,"extra":1}',
        b'{"code":7,"detail":"","deadline":null}',
        b'{"code":"shortfall","detail":"","deadline":"soon"}',
        b'{"code":"shortfall","detail":"","deadline":{"boot_id":"b","mono_ns":"1","trusted":true,"utc_ms":1}}',
        b'{"code":"shortfall","detail":"","deadline":{"boot_id":"b","mono_ns":1,"trusted":1,"utc_ms":1}}',
        b'{"code":"shortfall","detail":"","deadline":{"boot_id":"b","mono_ns":1,"utc_ms":1}}',
    ],
)
def test_a_damaged_body_is_refused_and_says_what_to_do(body: bytes) -> None:
    with pytest.raises(CodecError, match=r"damaged fact ReviewOpened v1 in stream K417-.*pilepay journal verify"):
        codec.decode(replace(REVIEW, version=1, body=body))


@pytest.mark.parametrize(
    ("kind", "path", "wrong"),
    [
        ("Priced", ("rating", "excl"), 12.5),
        ("Priced", ("rating", "excl"), "twelve"),
        ("Priced", ("charge", "minor"), 12.0),
        ("Priced", ("charge", "minor"), True),
        ("QuoteAgreed", ("quote", "texts"), "0.50"),
        ("QuoteAgreed", ("quote", "texts"), {"0": "0.50"}),
        ("ConnectorReported", ("status",), "levitating"),
        ("DeliveryEnded", ("delivered", "verdict"), "perhaps"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(kind: str, path: tuple[str, ...], wrong: object) -> None:
    stored = next(e for e in read(FOLDER / "golden-0.1.0.jsonl") if e.kind == kind)
    body = json.loads(stored.body)
    place = body
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = wrong
    with pytest.raises(CodecError, match=f"damaged fact {kind}"):
        codec.decode(replace(stored, body=json.dumps(body).encode()))


def test_what_has_no_place_in_a_fact_is_not_written() -> None:
    with pytest.raises(CodecError, match="float has no place"):
        codec.encode(f.ReceiptIssued(AT, SESSION, 1.5))


def test_an_old_fact_is_lifted_to_the_shape_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "VERSIONS", {"PileOnline": 3})
    lifts = {("PileOnline", 1): lambda b: {"controller": b["name"]}, ("PileOnline", 2): lambda b: {"pile": b["controller"]}}
    monkeypatch.setattr(codec, "UPCASTERS", lifts)
    assert codec.decode(Encoded("kiosk", "PileOnline", 1, AT, b'{"name":"P1"}')) == f.PileOnline(AT, "P1")
    assert codec.encode(f.PileOnline(AT, "P1")).version == 3


def test_a_fact_without_a_way_up_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "VERSIONS", {"PileOnline": 2})
    with pytest.raises(CodecError, match="damaged fact PileOnline v1"):
        codec.decode(Encoded("kiosk", "PileOnline", 1, AT, b'{"pile":"P1"}'))
