"""`pilepay receipt`: a sale's receipt or credit note as a file, at any time after, from the journal and the configuration alone.

It is marked as the kiosk's own next print of it would be: a COPY, unless no paper of it came out yet, nor may have; and it names the signed
state of the journal that includes it. Of a sale with two receipts it is the first. Nothing is written down of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kiosk.config.load import load_to_read
from kiosk.config.problems import ConfigError
from kiosk.core import parts
from kiosk.core.engine import fact_of
from kiosk.core.paper import papers, verification
from kiosk.journal.checkpoint import parse, short
from kiosk.journal.entry import JournalError
from kiosk.journal.reader import Reader, opened
from kiosk.receipts.buyer import Business
from kiosk.receipts.content import Document
from kiosk.receipts.document import credit_note, document
from kiosk.receipts.receipt import Place, Receipt, ReceiptError, Seller
from kiosk.receipts.render import Html, Invoice, InvoiceData, Pdf, Text, render
from kiosk.session.codec import KIOSK_STREAM, CodecError
from kiosk.session.ending import next_copy
from kiosk.session.facts import CreditNoteIssued, PrintEnded, PrintRequested, QuoteAgreed, ReceiptIssued, SessionFact, SessionOpened
from kiosk.session.state import Printing
from kiosk.wording.catalogue import WordingError

GOOD, BAD, WRONG_USE = 0, 1, 2


def run(args: argparse.Namespace) -> int:
    """Write what `args` ask for; the result is the exit code."""
    if args.out is None and args.format not in ("text", "html"):
        sys.stderr.write("--out FILE is missing: this is nothing for a terminal\n")
        return WRONG_USE
    try:
        what, language = _document(args)
        made = _rendered(what, language, args)
    except (ConfigError, JournalError, CodecError, ReceiptError, WordingError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return BAD
    if not what.checkpoint:
        sys.stderr.write(f"{what.label} names no checkpoint: nothing that includes it is signed yet. The kiosk signs when a sale closes\n")
    if args.out is None:
        sys.stdout.write(made.decode())
        return GOOD
    return _written(made, args.out)


def _written(made: bytes, path: Path) -> int:
    try:
        path.write_bytes(made)
    except OSError as error:
        sys.stderr.write(f"--out: {path} cannot be written: {error.strerror}. Name a file in a folder that is there and takes files\n")
        return WRONG_USE
    return GOOD


def _document(args: argparse.Namespace) -> tuple[Document, str]:
    """What was issued, as it would be printed now, and the language it is to be in."""
    config = load_to_read(args.config)
    with opened(config.journal.directory / "journal.db") as reader:
        entries = _sale(reader, args.session)
        facts = [fact for _, fact in entries]
        place = parts.receipt_place(config, next(fact for fact in facts if isinstance(fact, SessionOpened)).connector)
        language = args.language or _language(facts, args.session)
        what = _issued(facts, parts.seller(config), place, args.credit_note)
        kind = ReceiptIssued if args.credit_note is None else CreditNoteIssued
        at, seq = next((i, seq) for i, (seq, fact) in enumerate(entries) if isinstance(fact, kind) and fact.number == what.number)
        signed = reader.signed_with(seq)
    return replace(what, copy=_copy(facts[at:], what), checkpoint=short(parse(signed.note)) if signed else ""), language


def _sale(reader: Reader, name: str) -> list[tuple[int, SessionFact]]:
    streams = [stream for stream in reader.streams(name) if stream != KIOSK_STREAM]
    if len(streams) != 1:
        raise ReceiptError(f"{len(streams)} sales are called {name}: see `pilepay journal sales`")
    stored = reader.read(stream=streams[0])
    return [(one.seq, fact) for one in stored if isinstance(fact := fact_of(one), SessionFact)]


def _issued(facts: Sequence[SessionFact], seller: Seller, place: Place, number: int | None) -> Document:
    if number is not None:
        return credit_note(facts, seller, place, number=number)
    return document(facts, seller, place, verification=verification(facts))


def _copy(since: Sequence[SessionFact], what: Document) -> int:
    """Which copy the kiosk would print next, by the facts `since` its issue: paper of a receipt names its number, and brings every credit
    note along."""
    if not isinstance(what, Receipt):
        return papers(since)
    ended = {fact.request: fact.result for fact in since if isinstance(fact, PrintEnded)}
    asked = (fact for fact in since if isinstance(fact, PrintRequested) and fact.number == what.number)
    return next_copy(Printing(fact.request, fact.copy, ended.get(fact.request, "")) for fact in asked)


def _rendered(what: Document, language: str, args: argparse.Namespace) -> bytes:
    buyer = _buyer(args)
    match args.format:
        case "text":
            return render(what, Text(), language).encode()
        case "html":
            return render(what, Html(buyer), language).encode()
        case "pdf":
            return render(what, Pdf(buyer), language)
    if buyer is None:
        raise ReceiptError("an e-invoice is made out to a company: give --company, --company-address, --company-country and --company-vat")
    return render(what, Invoice(buyer) if args.format == "invoice" else InvoiceData(buyer), language)


def _language(facts: Sequence[SessionFact], session: str) -> str:
    agreed = next((fact for fact in facts if isinstance(fact, QuoteAgreed)), None)
    if agreed is None:
        raise ReceiptError(f"no price was agreed in {session}, so nothing was sold: there is no receipt")
    return agreed.quote.language


def _buyer(args: argparse.Namespace) -> Business | None:
    if args.company is None:
        return None
    lines = tuple(line.strip() for line in args.company_address.split(";") if line.strip())
    return Business(args.company, lines, args.company_country, args.company_vat)
