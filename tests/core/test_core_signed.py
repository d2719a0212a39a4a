"""Signed meter values between pile, evidence, decision and paper: kept with the facts that name them, and found again at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from core_bed import START
from core_shelf import Shelf

from kiosk.core.kernel import Seals
from kiosk.core.paper import verification
from kiosk.journal.evidence import Sealed
from kiosk.journal.journal import Journal
from kiosk.metering.reading import Validity
from kiosk.receipts.receipt import Verification
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.setup import Setup
from kiosk.values import Digest, SessionId

WEIGHED = f.SignedValuesWeighed(
    START, SessionId("K417-1"), Validity.VALID, (), "OCMF", "0123456789abcdef", "G M", 2, None, None, (Digest("a" * 64), Digest("b" * 64))
)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with Journal.open(tmp_path / "journal.db", reserve_bytes=0) as journal:
        one = Shelf(journal)
        setup: Setup = one.w.k.setup
        one.w.reconfigure(replace(setup, policy=replace(setup.policy, signed="check")))
        yield one


def begun(shelf: Shelf, stored: bool = True) -> tuple[i.TxEnded, Digest]:
    """A delivery whose signed begin came apart; how it will end."""
    transaction = shelf.w.deliver()
    sealed = shelf.journal.evidence.seal(b"the begin", None)
    shelf.w.give(i.SignedRead("PILE-1", 1, transaction, (i.SignedData(b"the begin", sealed.digest),)))
    if stored:
        shelf.sealed.append(sealed)
    shelf.keep()
    end = (i.SignedData(b"the end", Digest("e" * 64)),)
    return i.TxEnded("PILE-1", transaction, "", None, shelf.w.reading(101), "Local", None, end), sealed.digest


async def test_the_end_is_told_with_the_begin_that_came_before_it(shelf: Shelf) -> None:
    ended, digest = begun(shelf)
    told = await shelf.archive().with_signed(shelf.w.k, ended)
    assert told == replace(ended, signed=(i.SignedData(b"the begin", digest), *ended.signed))


async def test_a_begin_that_was_erased_holds_no_end_up(shelf: Shelf) -> None:
    ended, digest = begun(shelf)
    shelf.journal.evidence.erase([digest])
    assert await shelf.archive().with_signed(shelf.w.k, ended) == ended


async def test_a_begin_that_is_not_in_evidence_holds_no_end_up(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    ended, _ = begun(shelf, stored=False)
    assert await shelf.archive().with_signed(shelf.w.k, ended) == ended
    assert "cannot be read" in caplog.text


async def test_other_inputs_pass_as_they_are(shelf: Shelf) -> None:
    read = i.MeterRead("PILE-1", 1, 7, shelf.w.reading(1))
    assert await shelf.archive().with_signed(shelf.w.k, read) is read
    nobodys = i.TxEnded("PILE-1", 7, "", None, None, "Local")
    assert await shelf.archive().with_signed(shelf.w.k, nobodys) is nobodys


def test_every_signed_value_goes_to_the_disk_with_the_input_that_tells_it() -> None:
    seals = Seals(lambda data, until: Sealed(Digest(data.hex()), b"", data, until), lambda: START)
    begin, end, frame = (seals.seal(data, 400) for data in (b"begin", b"end", b"frame"))
    early = i.SignedRead("PILE-1", 1, 7, (i.SignedData(b"begin", begin),))
    assert [sealed.data for sealed in seals.of(early)] == [b"begin"]
    signed = (i.SignedData(b"begin", begin), i.SignedData(b"end", end))
    ended = i.TxEnded("PILE-1", 7, "", None, None, "Local", frame, signed)
    assert [sealed.data for sealed in seals.of(ended)] == [b"frame", b"end"]


def test_the_receipt_names_the_key_and_both_ends_of_what_was_signed() -> None:
    assert verification([WEIGHED]) == Verification("OCMF", "0123456789abcdef", f"{'a' * 12} {'b' * 12}")
    many = replace(WEIGHED, evidence=tuple(Digest(digit * 64) for digit in "abc"))
    assert verification([many]) == Verification("OCMF", "0123456789abcdef", f"{'a' * 12} {'c' * 12}")


def test_a_receipt_of_registers_claims_no_signature() -> None:
    assert verification([]) is None
    assert verification([replace(WEIGHED, reasons=("contradicts",))]) is None


async def test_a_signed_end_that_comes_after_the_end_is_told_with_all_that_came_before_it(shelf: Shelf) -> None:
    ended, _ = begun(shelf)
    told = await shelf.archive().with_signed(shelf.w.k, ended)
    assert isinstance(told, i.TxEnded)
    shelf.sealed.append(shelf.journal.evidence.seal(b"the end", None))
    last = i.SignedData(b"the end", shelf.sealed[-1].digest)
    shelf.w.give(replace(told, signed=(told.signed[0], last)))
    shelf.keep()
    late = i.SignedRead("PILE-1", 1, ended.transaction, (i.SignedData(b"one more", Digest("f" * 64)),))
    after = await shelf.archive().with_signed(shelf.w.k, late)
    assert isinstance(after, i.SignedRead)
    assert [one.data for one in after.signed] == [b"the begin", b"the end", b"one more"]


def test_the_receipt_names_what_was_weighed_last_for_the_bill() -> None:
    half = replace(WEIGHED, reasons=("no_end",), evidence=(Digest("a" * 64),))
    assert verification([half]) is None
    assert verification([half, WEIGHED]) == verification([WEIGHED])
    assert verification([WEIGHED, replace(WEIGHED, reasons=("too_late",))]) == verification([WEIGHED])
