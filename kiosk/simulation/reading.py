"""What the world writes into its books of what others said: the pile's registers, the printed paper, the operator's list, the receipts."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from hardware.simulated import paper
from kiosk.journal.journal import Journal
from kiosk.metering.reading import Reading, Verdict
from kiosk.ocpp.frames import Call, Json
from kiosk.receipts.receipt import ReceiptError
from kiosk.session import facts as f
from kiosk.simulation.books import Charge, Charged, Entry, Note, Owed, Paper, Slip
from kiosk.simulation.machine import Machine

# Facts that neither the operator's list nor a receipt is made of.
_NO_NEWS = frozenset(("ConnectorReported", "MeterNoted", "PileOffline", "PileOnline", "PileRebooted", "Started", "StopCodeIssued"))
_OF_CHARGES = frozenset(
    ("SessionOpened", "DeliveryStarted", "MeterNoted", "DeliveryEnded", "OrphanTransactionStarted", "OrphanTransactionEnded")
)
_MONEY = re.compile(r"(\d+)\.(\d\d)\s*€")


# --- piles --------------------------------------------------------------------------------------------------------------------


def meant(charges: list[Charge], call: Call) -> Charge | None:
    """Which of the charges under one tag a StartTransaction or StopTransaction is about; None when it only says again what was said."""
    if call.action == "StartTransaction":
        if any(charge.started == call.payload.get("timestamp") for charge in charges if charge.begin is not None):
            return None
        return next((charge for charge in charges if charge.begin is None), None)
    named = next((charge for charge in charges if charge.truth.transaction == call.payload.get("transactionId")), None)
    return named or next((charge for charge in charges if not charge.heard), None)


def take_registers(charge: Charge, call: Call) -> None:
    """What a StartTransaction or StopTransaction says of the energy, in mWh."""
    if call.action == "StartTransaction":
        charge.begin, charge.started = _wh(call.payload.get("meterStart")), call.payload.get("timestamp")
        return
    charge.heard = True
    found: dict[str, int | None] = {}
    listed = call.payload.get("transactionData")
    for element in listed if isinstance(listed, list) else []:
        samples = element.get("sampledValue") if isinstance(element, dict) else None
        for sample in samples if isinstance(samples, list) else []:
            if isinstance(sample, dict):
                found[str(sample.get("context"))] = _wh(sample.get("value"))
    begin, end = found.get("Transaction.Begin", charge.begin), found.get("Transaction.End", _wh(call.payload.get("meterStop")))
    charge.reported = None if begin is None or end is None else end - begin


def _wh(value: Json) -> int | None:
    return int(Decimal(str(value)).scaleb(3)) if isinstance(value, str | int | Decimal) else None


# --- paper --------------------------------------------------------------------------------------------------------------------


def papers_of(machine: Machine) -> list[Paper]:
    """The receipts that came out of a kiosk's printer."""
    model = machine.printer.model
    return [_read(machine.name, data) for data in (*model.receipts, model.printing) if data]


def _read(kiosk: str, data: bytes) -> Paper:
    lines = paper.text(data).splitlines()
    number = next((int(line.rsplit("-", 1)[-1]) for line in lines if line.startswith("Receipt ")), None)
    paid = next((found for line in lines if line.startswith(("Paid ", "On account ")) and (found := _MONEY.search(line))), None)
    captured = int(paid[1]) * 100 + int(paid[2]) if paid else None
    whole = any(line.startswith("Questions?") for line in lines)
    return Paper(kiosk, number, captured, any("COPY" in line for line in lines), whole)


# --- what the kiosk says ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Said:
    """The operator's list, the receipts, and what accounts owe, of one kiosk; `broken` when its journal does not verify."""

    entries: list[Entry] = field(default_factory=list)
    slips: list[Slip] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def journal_says(machine: Machine) -> Said:
    """Read a kiosk's journal as an operator would."""
    said = Said()
    if machine.life is None:
        said.broken.append(f"{machine.name} never came up again")
        return said
    journal: Journal = machine.life.journal
    verdict = journal.verify()
    if verdict.bad is not None:
        said.broken.append(f"{machine.name}: {verdict.bad}")
    press = machine.press(journal)
    sales: dict[str, list[f.SessionFact]] = {}
    refunds: dict[str, int] = {}
    for stored in journal.read():
        if stored.kind in _NO_NEWS:
            continue
        fact = machine.medium.fact_of(stored)
        if isinstance(fact, f.SessionFact):
            facts = sales.setdefault(fact.session, [])
            facts.append(fact)
            if isinstance(fact, f.ReviewOpened):
                said.entries.append(_entry(machine, stored.seq, fact.code, fact.session, _connector(facts), fact.detail))
            elif isinstance(fact, f.ReceiptIssued):
                try:
                    receipt = press.receipt_of(facts, number=fact.number)
                except ReceiptError as error:
                    said.broken.append(f"{machine.name}: {error}")
                    continue
                paid_by = f"account {fact.session}" if receipt.contract else receipt.references.psp
                said.slips.append(Slip(machine.name, receipt.number, receipt.captured.minor, paid_by, fact.session, receipt.mwh))
            elif isinstance(fact, f.AccountCharged):
                said.owed.append(Owed(machine.name, fact.session, fact.contract, fact.amount.minor, fact.at.utc_ms))
            elif isinstance(fact, (f.RefundRequested, f.RefundReported)):
                refunds[fact.request] = fact.amount.minor
            elif isinstance(fact, f.CreditNoteIssued):
                said.notes.append(Note(machine.name, fact.number, refunds.get(fact.request, 0), fact.session, fact.request))
        elif (entry := _orphan(machine, stored.seq, fact)) is not None:
            said.entries.append(entry)
    return said


def charges_of(machine: Machine) -> list[Charged]:
    """All that was charged at a kiosk, in the order of its journal, whoever paid for it or nobody."""
    if machine.life is None:
        return []
    numbers = {connector.id: number for number, connector in enumerate(machine.setup.connectors, 1)}
    bays: dict[str, int] = {}
    found: dict[str, Charged] = {}
    for stored in machine.life.journal.read():
        if stored.kind not in _OF_CHARGES:
            continue
        match machine.medium.fact_of(stored):
            case f.SessionOpened(session=sale, connector=connector):
                bays[sale] = numbers[connector]
            case f.DeliveryStarted(session=sale, begin=begin, at=at):
                found[sale] = Charged(machine.name, sale, bays[sale], begin.mwh, _moments(begin, at.utc_ms), ())
            case f.OrphanTransactionStarted(pile=pile, number=number, transaction=transaction, begin=begin, at=at):
                bay = numbers[machine.setup.by_number[pile, number].id]
                name = f"orphan-{transaction}"
                found[name] = Charged(machine.name, name, bay, begin.mwh, _moments(begin, at.utc_ms), ())
            case f.MeterNoted(session=sale, reading=reading) if sale in found:
                found[sale] = replace(found[sale], values=(*found[sale].values, reading.mwh))
            case f.DeliveryEnded(session=sale, delivered=delivered) if sale in found:
                proven = delivered.mwh if delivered.verdict is Verdict.VALID else None
                end = delivered.end.mwh if delivered.end else None
                found[sale] = replace(found[sale], ended=True, end_mwh=end, mwh=proven)
            case f.OrphanTransactionEnded(transaction=transaction, end=last) if (name := f"orphan-{transaction}") in found:
                found[name] = replace(found[name], ended=True, end_mwh=last.mwh if last else None)
    return list(found.values())


def _moments(reading: Reading, heard_ms: int) -> tuple[str, ...]:
    each = (datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="milliseconds") for ms in (reading.utc_ms, heard_ms))
    return tuple(at.replace("+00:00", "Z") for at in each)


def _connector(facts: list[f.SessionFact]) -> str:
    opened = facts[0]
    return opened.connector if isinstance(opened, f.SessionOpened) else ""


def _orphan(machine: Machine, seq: int, fact: f.Fact) -> Entry | None:
    """What happened to energy or money that no sale explains."""
    match fact:
        case f.OrphanTransactionStarted(pile=pile, number=number, transaction=transaction):
            connector = machine.setup.by_number.get((pile, number))
            return _entry(machine, seq, "orphan_start", "", connector.id if connector else "", f"{pile} {transaction}")
        case f.OrphanTransactionEnded(pile=pile, transaction=transaction):
            return _entry(machine, seq, "orphan_end", "", "", f"{pile} {transaction}")
        case f.OrphanApproval(reference=reference) | f.OrphanConfirmation(reference=reference):
            return _entry(machine, seq, "orphan_money", "", "", reference)
    return None


def _entry(machine: Machine, seq: int, code: str, sale: str, connector: str, text: str) -> Entry:
    place = bisect_left(machine.commits, (seq, 0))
    at_ms = machine.commits[min(place, len(machine.commits) - 1)][1]
    return Entry(machine.name, at_ms, code, sale, connector, text)
