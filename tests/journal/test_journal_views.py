"""Tables made from the facts: the same whenever they are made, never in the journal's way."""

from __future__ import annotations

import io
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from many_sales import grow
from world import quote

from kiosk.journal import cli
from kiosk.journal.entry import Entry
from kiosk.journal.files import Layout
from kiosk.journal.journal import Journal
from kiosk.journal.reader import Reader
from kiosk.journal.sale_rows import Sale, after
from kiosk.journal.views import Views, remove
from kiosk.session import codec
from kiosk.session import facts as f
from kiosk.session.facts import SessionFact
from kiosk.session.inputs import Account, Approval, CardFacts
from kiosk.values import ConnectorId, Digest, Moment, Money, PaymentRef, RequestRef, SessionId

AT = Moment(1_800_000_000_000, "boot", 0)
SESSION = SessionId("K417-1")
PAYMENT, CAPTURE, REFUND = PaymentRef("K417-1-P1"), RequestRef("K417-1-P1-C"), RequestRef("K417-1-R1")
ADJUST = RequestRef("K417-1-P1-J")
TABLES = ("sales", "payments", "requests", "reviews")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Journal.open(tmp_path / "journal.db", reserve_bytes=0) as journal:
        grow(journal, 1_500)
    return tmp_path / "journal.db"


def dump(views: Views) -> dict[str, list[object]]:
    return {table: list(views.rows(table)) for table in TABLES} | {"unread": list(views.unread())}


def entry(fact: f.Fact) -> Entry:
    e = codec.encode(fact)
    return Entry(e.stream, e.kind, e.version, e.at, e.body)


def told(*facts: SessionFact) -> Sale:
    sale = None
    for seq, fact in enumerate(facts, 1):
        sale = after(sale, fact, seq)
    assert sale is not None
    return sale


def test_kept_up_in_pieces_of_any_size_they_are_as_made_at_once(path: Path) -> None:
    with Reader.open(path) as reader:
        results = []
        for piece in (7, 64, 5_000):
            remove(path)
            while True:
                with Views.open(path) as views:  # a program that ended after every piece
                    if not views.follow(reader, piece) and views.seq == reader.head():
                        results.append(dump(views))
                        break
    assert results[0] == results[1] == results[2]
    assert len(results[0]["sales"]) > 40


def test_a_sale_is_one_row_that_tells_how_it_went(path: Path) -> None:
    with Reader.open(path) as reader, Views.in_memory(path) as views:
        views.catch_up(reader)
        first = next(views.rows("sales"))
        captured = [row for row in views.rows("requests", "operation = ?", ("capture",)) if row["session"] == first["session"]]
    assert first["connector"] == "DE*LND*E0417*1"
    assert (first["energy_mwh"], first["price"], first["charged"], first["shortfall"]) == (10_000_000, 500, 500, 0)
    assert (first["capture"], first["receipt"], first["card_brand"], first["card_last4"]) == ("submitted", 1, "mc", "4821")
    assert first["opened_ms"] <= first["started_ms"] < first["ended_ms"] <= first["closed_ms"]
    assert [row["amount"] for row in captured] == [500]


def test_a_refund_counts_once_it_was_taken_and_no_longer_when_it_failed() -> None:
    asked = f.RefundRequested(AT, SESSION, PAYMENT, REFUND, "k", "PSP", Money(300, "EUR"), Digest(""), AT, AT, "anna", "goodwill")
    taken = f.ModificationSubmitted(AT, SESSION, REFUND, "PSP-R")
    noted = f.CreditNoteIssued(AT, SESSION, REFUND, 4)
    failed = f.ModificationFailed(AT, SESSION, REFUND, "refund", "PSP-R", "closed account")
    assert told(asked).sale.refunded == 0
    sale = told(asked, taken, noted)
    assert sale.sale.refunded == 300
    assert (sale.requests[0].asked_by, sale.requests[0].credit_note, sale.requests[0].state) == ("anna", 4, "submitted")
    assert told(asked, taken, noted, failed).sale.refunded == 0


def test_an_amount_in_another_currency_is_not_taken_for_one_in_the_sales_own() -> None:
    hold = f.PreauthorizationRequested(AT, SESSION, PAYMENT, "1", Money(2_000, "EUR"), "en", Digest(""), AT)
    approved = f.PaymentAuthorized(AT, SESSION, PAYMENT, Approval(Money(2_000, "EUR"), "PSP", "T", CardFacts()), True, hold.amount, None)
    more = f.AdjustRequested(AT, SESSION, PAYMENT, ADJUST, "k", "PSP", Money(4_000, "EUR"), Digest(""), AT, AT)
    booked = f.ModificationConfirmed(AT, SESSION, ADJUST, "adjust", "PSP-J", Money(400_000, "JPY"))
    (payment,) = told(hold, approved, more, booked).payments
    assert (payment.authorized, payment.currency) == (2_000, "EUR")
    (payment,) = told(hold, approved, more, replace(booked, amount=Money(3_000, "EUR"))).payments
    assert payment.authorized == 3_000
    strange = replace(approved, approval=replace(approved.approval, authorized=Money(2_000, "JPY")))
    assert told(hold, strange).payments[0].authorized is None
    back = f.RefundReported(AT, SESSION, PAYMENT, REFUND, "PSP-R", Money(900, "JPY"))
    sale = told(f.QuoteAgreed(AT, SESSION, quote()), hold, approved, back)
    assert (sale.sale.refunded, sale.requests[0].amount, sale.requests[0].currency) == (0, 900, "JPY")


def test_a_review_is_open_until_a_person_decides_or_its_time_is_over() -> None:
    opened = f.ReviewOpened(AT, SESSION, "meter_doubtful", "leap", AT.plus(60))
    decided = f.ReviewDecided(AT.plus(9), SESSION, "meter_doubtful", "release", None, "anna", "the meter was replaced")
    assert told(opened).sale.open_reviews == 1
    sale = told(opened, decided)
    assert sale.sale.open_reviews == 0
    (review,) = sale.reviews
    assert (review.decision, review.decided_by, review.decided_ms) == ("release", "anna", AT.plus(9).utc_ms)
    assert told(opened, f.ReviewLapsed(AT, SESSION, "meter_doubtful")).reviews[0].decision == "lapsed"


def test_facts_of_a_newer_program_are_counted_and_passed_over(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.append([Entry("kiosk", "TeleportRequested", 1, AT, b"{}"), Entry("K417-9", "SessionOpened", 99, AT, b"{}")])
        journal.append([entry(f.SessionOpened(AT, SessionId("K417-10"), ConnectorId("DE*LND*E0417*1")))])
    with Reader.open(path) as reader, Views.open(path) as views:
        views.catch_up(reader)
        assert [(u.kind, u.version, u.entries) for u in views.unread()] == [("SessionOpened", 99, 1), ("TeleportRequested", 1, 1)]
        assert [row["session"] for row in views.rows("sales", "session = ?", ("K417-10",))] == ["K417-10"]


def test_tables_of_another_journal_or_shape_or_of_garbage_are_made_anew(path: Path, tmp_path: Path) -> None:
    with Reader.open(path) as reader:
        with Views.open(path) as views:
            views.catch_up(reader)
            right = dump(views)
        file = Layout(path).views
        for harm in ("UPDATE position SET hash='00'", "UPDATE position SET shape='older'", "DROP TABLE sales; DROP TABLE position"):
            with sqlite3.connect(file) as db:
                db.executescript(harm)
            db.close()
            with Views.open(path) as views:
                views.catch_up(reader)
                assert dump(views) == right
        remove(path)
        file.write_bytes(b"no database at all" * 500)
        with Views.open(path) as views:
            views.catch_up(reader)
            assert dump(views) == right


def test_sales_are_listed_whole_beside_tables_that_are_damaged(path: Path) -> None:
    whole = listed("sales", path)
    with Reader.open(path) as reader, Views.open(path) as views:
        views.catch_up(reader)
    file = Layout(path).views
    file.write_bytes(file.read_bytes()[:4_096] + b"\xa5" * (file.stat().st_size - 4_096))
    assert listed("sales", path) == whole


def test_the_journal_does_not_notice_them(path: Path) -> None:
    with Journal.open(path) as journal, Reader.open(path) as reader, Views.open(path) as views:
        views._connection.execute("BEGIN IMMEDIATE")  # somebody hangs in the middle of them
        journal.append([Entry("kiosk", "Odd", 1, AT, b"{}")])
        views._connection.execute("ROLLBACK")
        views.catch_up(reader)
        assert views.seq == journal.head
        assert journal.space().wal < 1 << 20
    with Journal.open(path) as journal:
        assert journal.verify().sound


def listed(what: str, path: Path, **how: object) -> tuple[int, list[str]]:
    out = io.StringIO()
    return getattr(cli, what)(path, out, **how), out.getvalue().splitlines()


def test_sales_are_listed_beside_a_core_that_writes_and_nothing_is_written(path: Path) -> None:
    with Journal.open(path) as journal:
        before = sorted(file.name for file in path.parent.iterdir())
        code, lines = listed("sales", path)
        assert code == 0
        assert "submitted 5.00 EUR, receipt 1, mc 4821" in lines[0]
        journal.append([entry(f.SessionOpened(AT.plus(10**7), SessionId("K417-10"), ConnectorId("X")))])
        code, later = listed("sales", path, since="2027-04-01", as_json=True)
        assert (code, [json.loads(line)["session"] for line in later]) == (0, ["K417-10"])
        assert sorted(file.name for file in path.parent.iterdir()) == before
    assert listed("sales", path, since="yesterday")[0] == 2
    assert listed("sales", path.with_name("none.db"))[0] == 2


def test_reviews_are_listed_open_and_decided(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.append([entry(f.ReviewOpened(AT, SESSION, "meter_doubtful", "leap", AT.plus(60)))])
    code, (line,) = listed("reviews", path)
    assert code == 0
    assert "meter_doubtful" in line
    assert "OPEN until 2027-01-15T08:01:00.000Z" in line
    assert json.loads(listed("reviews", path, as_json=True)[1][0])["decision"] == ""


def test_one_sale_is_found_through_the_index(path: Path) -> None:
    with Reader.open(path) as reader:
        (name,) = reader.streams("00007")
        assert {stored.stream for stored in reader.read(stream=name)} == {name}
        sql = "EXPLAIN QUERY PLAN SELECT * FROM entries WHERE seq > 0 AND stream = 'x' ORDER BY seq LIMIT 256"
        ((*_, plan),) = reader._rows(sql)
    assert "USING INDEX entries_by_stream" in plan


def test_show_says_so_when_there_is_no_such_stream(path: Path) -> None:
    out = io.StringIO()
    assert cli.show(path, out, stream="nonsense") == 2
    assert "has no stream nonsense" in out.getvalue()


def test_a_sale_on_account_names_its_contract_and_what_is_owed_less() -> None:
    charge, credit = RequestRef("K417-1-K1"), RequestRef("K417-1-K1-F1")
    account = Account(Digest("a1" * 32), "C-1001")
    opened = (f.SessionOpened(AT, SESSION, ConnectorId("A")), f.QuoteAgreed(AT, SESSION, quote(hold=0)))
    charged = (
        f.AccountAccepted(AT, SESSION, account),
        f.AccountCharged(AT, SESSION, charge, account.tag, "C-1001", Money(500, "EUR"), 10_000_000),
        f.ReceiptIssued(AT, SESSION, 7),
    )
    row = told(*opened, *charged).sale
    assert (row.contract, row.capture, row.receipt, row.refunded) == ("C-1001", "on account", 7, 0)
    less = told(
        *opened,
        *charged,
        f.AccountCredited(AT, SESSION, credit, "C-1001", Money(200, "EUR"), "olga", "price"),
        f.CreditNoteIssued(AT, SESSION, credit, 3),
    )
    assert (less.sale.refunded, [(r.operation, r.state, r.amount, r.credit_note) for r in less.requests]) == (
        200,
        [("account", "confirmed", 500, None), ("refund", "confirmed", 200, 3)],
    )
