"""`pilepay receipt`: what the kiosk would print next, for whoever may read the journal and the configuration, and no secret."""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from core_shelf import Shelf
from pypdf import PdfReader
from test_core_paper import paid_back, printed_again, sold
from test_core_receipt_parts import configured

from kiosk.config.model import Config
from kiosk.core import parts, receipt_cli
from kiosk.core.paper import Press
from kiosk.journal.checkpoint import Checkpoint, short
from kiosk.journal.journal import Journal
from kiosk.session import inputs as i
from kiosk.session.requests import PrintReceipt
from kiosk.values import SessionId

COMPANY = {"company": "Roth GmbH", "company_address": "Am Markt 1; 10115 Berlin", "company_country": "DE", "company_vat": "DE987654321"}


@dataclass
class Site:
    """A kiosk's folder with one sale in its journal, printed and closed."""

    folder: Path
    config: Config
    session: SessionId
    checkpoint: Checkpoint | None

    def run(self, **how: object) -> int:
        plain: dict[str, object] = {"language": None, "credit_note": None, "format": "text", "out": None, "company": None}
        return receipt_cli.run(argparse.Namespace(config=self.folder / "kiosk.toml", **({"session": self.session} | plain | how)))

    def made(self, **how: object) -> bytes:
        out = self.folder / "made"
        assert self.run(out=out, **how) == 0
        return out.read_bytes()

    @property
    def journal(self) -> Path:
        return self.config.journal.directory / "journal.db"


@contextmanager
def shelved(folder: Path) -> Iterator[tuple[Config, Shelf]]:
    folder.mkdir(exist_ok=True)
    config = configured(folder)
    config.journal.directory.mkdir(parents=True, exist_ok=True)
    with Journal.open(config.journal.directory / "journal.db", reserve_bytes=0) as journal:
        yield config, Shelf(journal)


PRINTED, NO_PAPER = i.Done(i.Printed("printed")), i.NotSent("no paper")


def delivered(shelf: Shelf) -> SessionId:
    """A charge that has ended and whose money is asked for."""
    transaction = shelf.w.deliver()
    shelf.w.wait(1_800)
    shelf.w.end(transaction, 110)
    return shelf.w.session.id


def played(folder: Path, more: Callable[[Shelf, SessionId], None] = lambda _shelf, _session: None, *, signed: bool = True) -> Site:
    with shelved(folder) as (config, shelf):
        session = sold(shelf).session
        more(shelf, session)
        return Site(folder, config, session, shelf.journal.checkpoint() if signed else None)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return played(tmp_path)


async def test_it_says_what_the_kiosks_own_reprint_says(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal.open(site.journal, reserve_bytes=0) as journal:

        async def sign() -> Checkpoint:
            return journal.checkpoint()

        press = Press(journal.reader(), sign, parts.seller(site.config), lambda c: parts.receipt_place(site.config, c), 42)
        job = await press.job(PrintReceipt(site.session, 1, 1))
    paper = " ".join(job.decode("ascii", errors="replace").split())
    assert site.run() == 0
    text, errors = capsys.readouterr()
    assert errors == ""
    assert site.checkpoint is not None
    assert short(site.checkpoint) in text
    pieces = {piece.strip() for line in text.splitlines() for piece in line.split("  ") if piece.isascii() and piece.strip("- ")}
    assert {"COPY 1", short(site.checkpoint)} <= pieces
    assert not {piece for piece in pieces if piece not in paper}


@pytest.mark.parametrize("form", ["text", "html", "pdf", "invoice", "xml"])
def test_every_format_says_that_it_is_a_copy(site: Site, form: str) -> None:
    content = site.made(format=form, **COMPANY)
    if form in ("pdf", "invoice"):
        assert "COPY 1" in PdfReader(io.BytesIO(content)).pages[0].extract_text()
    elif form == "xml":
        notes = [element.text or "" for element in ElementTree.fromstring(content).iter() if element.tag.endswith("}Content")]
        assert any(note.startswith("COPY 1\n") for note in notes)
    else:
        assert b"COPY 1" in content


def test_a_credit_note_that_nobody_printed_is_no_copy_and_the_next_one_is(tmp_path: Path) -> None:
    new = played(tmp_path / "new", lambda shelf, session: paid_back(shelf, session, 100, "1"))
    assert b"COPY" not in new.made(credit_note=1)

    def printed(shelf: Shelf, session: SessionId) -> None:
        paid_back(shelf, session, 100, "1")
        printed_again(shelf, session, i.Done(i.Printed("printed")))

    assert b"COPY 1" in played(tmp_path / "old", printed).made(credit_note=1)


@pytest.mark.parametrize("held", [True, False], ids=["held", "long ago"])
@pytest.mark.parametrize(
    ("papers", "copy"),
    [
        ([NO_PAPER], 0),
        ([i.Refused("no printer is configured")], 0),
        ([i.Unknown()], 1),
        ([i.Done(i.Printed("interrupted"))], 1),
        ([NO_PAPER, PRINTED], 1),
        ([PRINTED, NO_PAPER], 1),
        ([PRINTED, PRINTED], 2),
    ],
)
def test_it_is_marked_as_the_kiosks_own_next_print(tmp_path: Path, papers: list[i.Result], copy: int, held: bool) -> None:
    with shelved(tmp_path) as (config, shelf):
        session = delivered(shelf)
        shelf.w.answer("Modify", i.Done(i.Accepted("CAP")))
        shelf.w.answer("PrintReceipt", papers[0])
        shelf.w.status(1, i.ConnectorStatus.AVAILABLE)
        for result in papers[1:]:
            printed_again(shelf, session, result)
        for _ in range(0 if held else 9):
            shelf.w.finish()
        shelf.keep()
        assert (shelf.w.k.find(session) is not None) is held
        made = Site(tmp_path, config, session, None).made()
        assert printed_again(shelf, session, PRINTED).copy == copy
    assert (b"COPY" in made, b"COPY %d" % copy in made) == (copy > 0, copy > 0)


def test_paper_of_another_receipt_of_the_sale_makes_no_copy_of_this_one(tmp_path: Path) -> None:
    with shelved(tmp_path) as (config, shelf):
        w, session = shelf.w, delivered(shelf)
        first = w.request("Modify").ref
        w.answer("Modify", i.Refused("rejected"))
        w.give(i.ReviewClosed(session, "capture_refused", "retry", "Kim", "again"))
        w.answer("Modify", i.Done(i.Accepted("CAP2")))
        w.give(i.Outcome(first, i.Done(i.Accepted("CAP1"))))
        assert w.request("PrintReceipt").body == PrintReceipt(session, 2, 0), "the first came when nobody stood there"
        w.answer("PrintReceipt", PRINTED)
        shelf.keep()
        made = Site(tmp_path, config, session, None).made()
    assert b"E0417-000001" in made
    assert b"COPY" not in made


def test_it_asks_for_no_secret_no_certificate_and_no_tariff(site: Site) -> None:
    for name in ("secrets", "tariffs"):
        (site.folder / name).rename(site.folder / f"no-{name}")
    assert b"COPY 1" in site.made()


def test_a_receipt_that_no_signed_state_includes_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert played(tmp_path, signed=False).run() == 0
    assert "names no checkpoint: nothing that includes it is signed yet" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for out, why in (("no/such.txt", "No such file or directory"), (".", "Is a directory")):
        path = site.folder / out
        assert site.run(out=path) == 2
        assert capsys.readouterr().err == f"--out: {path} cannot be written: {why}. Name a file in a folder that is there and takes files\n"


def test_what_is_nothing_for_a_terminal_is_said_before_any_work(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.run(session="gone", format="pdf") == 2
    assert capsys.readouterr().err.startswith("--out FILE is missing")


def test_the_kiosks_own_stream_is_no_sale(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.run(session="kiosk") == 1
    assert capsys.readouterr().err == "0 sales are called kiosk: see `pilepay journal sales`\n"
