"""`pilepay receipt`: a sale's receipt or credit note as a file, at any time after, from the journal and the configuration alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from kiosk.config.load import load_config
from kiosk.config.problems import ConfigError
from kiosk.core import parts
from kiosk.core.engine import fact_of
from kiosk.core.paper import verification
from kiosk.journal.entry import JournalError
from kiosk.journal.reader import Reader
from kiosk.receipts.buyer import Business
from kiosk.receipts.content import Document
from kiosk.receipts.document import credit_note, document
from kiosk.receipts.receipt import ReceiptError
from kiosk.receipts.render import Html, Invoice, InvoiceData, Pdf, Text, render
from kiosk.session.codec import CodecError
from kiosk.session.facts import QuoteAgreed, SessionFact, SessionOpened
from kiosk.wording.catalogue import WordingError

GOOD, BAD, WRONG_USE = 0, 1, 2


def run(args: argparse.Namespace) -> int:
    """Write what `args` ask for; the result is the exit code."""
    try:
        made = _made(args)
    except (ConfigError, JournalError, CodecError, ReceiptError, WordingError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return BAD
    if args.out is not None:
        args.out.write_bytes(made)
    elif args.format in ("text", "html"):
        sys.stdout.write(made.decode())
    else:
        sys.stderr.write("--out FILE is missing: this is nothing for a terminal\n")
        return WRONG_USE
    return GOOD


def _made(args: argparse.Namespace) -> bytes:
    config = load_config(args.config)
    with Reader.open(config.journal.directory / "journal.db") as reader:
        streams = reader.streams(args.session)
        if len(streams) != 1:
            raise ReceiptError(f"{len(streams)} sales are called {args.session}: see `pilepay journal sales`")
        facts = [fact for stored in reader.read(stream=streams[0]) if isinstance(fact := fact_of(stored), SessionFact)]
    opened = next(fact for fact in facts if isinstance(fact, SessionOpened))
    language = args.language or _language(facts, args.session)
    seller, place = parts.seller(config), parts.receipt_place(config, opened.connector)
    number = args.credit_note
    what: Document = (
        document(facts, seller, place, verification=verification(facts))
        if number is None
        else credit_note(facts, seller, place, number=number)
    )
    match args.format:
        case "text":
            return render(what, Text(), language).encode()
        case "html":
            return render(what, Html(_buyer(args)), language).encode()
        case "pdf":
            return render(what, Pdf(_buyer(args)), language)
    buyer = _buyer(args)
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
