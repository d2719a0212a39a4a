"""The judge of a simulated world. It sees the world's own books and the numbers the world chose, and knows nothing of how a kiosk works.

Every rule is one function that gives sentences; each sentence is a violation. What the world's faults made unknowable to any kiosk must be
on the operator's list; everything else must be right to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from hardware.simulated.models.acquirer_books import Modification, Payment
from kiosk.simulation.books import Books, Charge, Entry, Stay

_SLACK_MS = 1_000
_SEEN_LATE_MS = 9 * 86_400_000  # an operator may learn of a charge when the pile comes back
_ASKED_MS = 120_000
_WATT_HOUR = 1_000
_PARKED_SLACK_MS = 5_000  # what a pile and a kiosk need to tell each other that a cable was pulled
_STOPPED_BY_US = "Remote"


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken. `stay` is the driver's number, 0 when it concerns nobody's sale alone."""

    rule: str
    what: str
    stay: int = 0


def check(books: Books) -> list[Violation]:
    """Everything that is wrong in a world that has come to rest."""
    judge = _Judge(books)
    return list(judge.everything())


class _Judge:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._paid: dict[str, list[Payment]] = {}
        for payment in books.payments:
            self._paid.setdefault(payment.merchant_reference, []).append(payment)
        self._slips = {slip.payment: slip for slip in books.slips}

    def everything(self) -> Iterator[Violation]:
        for what in self._books.died:
            yield Violation("core lives", what)
        for what in self._books.broken_journals:
            yield Violation("journal verifies", what)
        for payment in self._books.payments:
            yield from self._payment(payment)
        yield from self._one_hold()
        for stay in self._books.stays:
            yield from self._energy(stay)
            yield from self._stops(stay)
        yield from self._receipts()

    # --- each payment ---------------------------------------------------------------------------------------------------------

    def _payment(self, payment: Payment) -> Iterator[Violation]:
        name, stay = payment.merchant_reference, self._stay_of(payment)
        number = stay.number if stay else 0
        captures = [m for m in payment.modifications if m.kind == "capture"]
        if len(captures) > 1:
            yield Violation("one capture", f"{name} was captured {len(captures)} times over: {_amounts(captures)}", number)
        if payment.captured > payment.authorized:
            yield Violation("captured <= authorized", f"{name}: {payment.captured} of {payment.authorized}", number)
        if payment.held and not self._listed(name):
            yield Violation("every hold ends", f"{name}: {payment.held} is still held and nobody looks after it", number)
        refused = [m for m in captures if m.result != "booked"]
        if refused and not self._listed(name):
            yield Violation("a failed capture is seen", f"{name}: {_amounts(refused)} failed and nobody looks after it", number)

    def _one_hold(self) -> Iterator[Violation]:
        """No second hold for one sale while the first is open."""
        sales: dict[str, list[Payment]] = {}
        for payment in self._books.payments:
            sales.setdefault(payment.merchant_reference.rpartition("-")[0], []).append(payment)
        for payments in sales.values():
            ordered = sorted(payments, key=lambda p: p.at_ms)
            for first, second in pairwise(ordered):
                freed = _freed_ms(first)
                if freed is None or freed > second.at_ms:
                    stay = self._stay_of(second)
                    what = f"{second.merchant_reference} was held while {first.merchant_reference} still was"
                    yield Violation("one hold at a time", what, stay.number if stay else 0)

    # --- energy and money -----------------------------------------------------------------------------------------------------

    def _energy(self, stay: Stay) -> Iterator[Violation]:
        """Every charge is captured at its price or on the list; every capture has its charge."""
        captured = [p for ref in dict.fromkeys(stay.paid_with) for p in self._paid.get(ref, ()) if p.captured]
        for charge in stay.charges:
            yield from self._charge(stay, charge, captured)
        for payment in captured:
            what = f"{payment.merchant_reference}: {payment.captured} was captured for nothing that was delivered at that price"
            if not any(charge.odd_meter or not charge.heard for charge in stay.charges) or not self._listed(payment.merchant_reference):
                yield Violation("captured == price", f"{what}; {_charges(stay)}", stay.number)
            elif payment.captured.minor > max(stay.terms.price(c.truth.mwh, c.parked_ms + _PARKED_SLACK_MS) for c in stay.charges):
                yield Violation("captured <= price of the truth", f"{what}; {_charges(stay)}", stay.number)

    def _charge(self, stay: Stay, charge: Charge, captured: list[Payment]) -> Iterator[Violation]:
        """Take the payment that paid for `charge` out of `captured`."""
        known = charge.heard and charge.reported is not None
        if known and charge.reported is not None and not charge.odd_meter and abs(charge.reported - charge.truth.mwh) > _WATT_HOUR:
            yield Violation("the pile's books", f"it delivered {charge.truth.mwh} mWh and reported {charge.reported}", stay.number)
        mwh = charge.reported if known and charge.reported is not None else charge.truth.mwh
        price, most = stay.terms.price(mwh), stay.terms.price(mwh, charge.parked_ms + _PARKED_SLACK_MS)
        for payment in captured:
            hold = payment.authorized.minor
            if min(price, hold) <= payment.captured.minor <= min(most, hold):
                captured.remove(payment)
                if hold < price and not self._listed(payment.merchant_reference):
                    yield Violation("a shortfall is seen", f"{payment.captured} of {price} was captured", stay.number)
                return
        owed = price if known else stay.terms.price(charge.truth.mwh)
        if owed and not self._seen(stay, charge):
            what = f"{charge.truth.mwh / 1_000_000:.3f} kWh for {owed} minor units were neither captured nor put on the list"
            yield Violation("energy is paid or seen", what, stay.number)

    # --- stops ----------------------------------------------------------------------------------------------------------------

    def _stops(self, stay: Stay) -> Iterator[Violation]:
        """A charge that the kiosk ended was ended for its driver, for its limit, or for a reason on the list."""
        for charge in stay.charges:
            truth = charge.truth
            if truth.reason != _STOPPED_BY_US or truth.end_ms is None:
                continue
            asked = [who for at, who in stay.asked_to_stop if truth.begin_ms <= at <= truth.end_ms + _SLACK_MS]
            if "owner" in asked or "stranger" not in asked or stay.gave_up:
                continue
            holds = [p.authorized.minor for ref in stay.paid_with for p in self._paid.get(ref, ())]
            limit = max(holds, default=0) - self._books.margin
            if stay.terms.price(truth.mwh) < limit and not self._seen(stay, charge):
                yield Violation("stop only by those entitled", f"a stranger ended the charge at {stay.connector}", stay.number)

    # --- receipts -------------------------------------------------------------------------------------------------------------

    def _receipts(self) -> Iterator[Violation]:
        kiosks: dict[str, list[int]] = {}
        for slip in self._books.slips:
            kiosks.setdefault(slip.kiosk, []).append(slip.number)
        for kiosk, numbers in kiosks.items():
            if numbers != list(range(1, len(numbers) + 1)):
                yield Violation("receipt numbers", f"{kiosk}: {numbers}")
        yield from self._slips_and_money()
        yield from self._papers()

    def _slips_and_money(self) -> Iterator[Violation]:
        for payment in self._books.payments:
            slip, stay = self._slips.get(payment.psp_reference), self._stay_of(payment)
            number = stay.number if stay else 0
            asked = next((m.amount.minor for m in payment.modifications if m.kind == "capture" and m.amount), 0)
            if payment.captured and slip is None and not self._listed(payment.merchant_reference):
                yield Violation("a receipt for every capture", f"{payment.merchant_reference}: {payment.captured} without one", number)
            if slip is not None and slip.captured != asked:
                yield Violation("receipt == captured", f"receipt {slip.number} says {slip.captured}, the acquirer took {asked}", number)

    def _papers(self) -> Iterator[Violation]:
        issued = {(slip.kiosk, slip.number): slip for slip in self._books.slips}
        originals: set[tuple[str, int]] = set()
        for paper in self._books.papers:
            if paper.number is None:
                continue
            slip = issued.get((paper.kiosk, paper.number))
            if slip is None or (paper.captured is not None and paper.captured != slip.captured):
                yield Violation("paper == receipt", f"a paper of {paper.kiosk} says {paper.number} and {paper.captured}")
            if not paper.copy and paper.whole:
                if (paper.kiosk, paper.number) in originals:
                    yield Violation("one original", f"receipt {paper.number} of {paper.kiosk} was printed twice without the word COPY")
                originals.add((paper.kiosk, paper.number))

    # --- the operator's list --------------------------------------------------------------------------------------------------

    def _listed(self, reference: str) -> bool:
        """Whether the operator was told to look at the sale behind a payment."""
        return any((entry.sale and reference.startswith(entry.sale)) or entry.text == reference for entry in self._books.entries)

    def _seen(self, stay: Stay, charge: Charge) -> bool:
        """Whether the operator was told to look at what happened at this connector in this charge."""
        until = (charge.truth.end_ms or stay.left_ms or charge.truth.begin_ms) + _SEEN_LATE_MS
        return any(self._about(entry, stay, charge) and charge.truth.begin_ms <= entry.at_ms <= until for entry in self._books.entries)

    def _about(self, entry: Entry, stay: Stay, charge: Charge) -> bool:
        if entry.kiosk != stay.kiosk:
            return False
        if entry.sale:
            mine = any(ref.startswith(entry.sale) for ref in stay.paid_with)
            return mine or (entry.connector == stay.connector and entry.at_ms <= (stay.left_ms or entry.at_ms) + _SLACK_MS)
        return entry.connector == stay.connector or entry.text == f"{stay.pile} {charge.truth.transaction or -1}"

    def _stay_of(self, payment: Payment) -> Stay | None:
        return next((s for s in self._books.stays if payment.merchant_reference in s.paid_with), None)


def _freed_ms(payment: Payment) -> int | None:
    """When a hold was let go, None while it stands."""
    ends = [m.at_ms for m in payment.modifications if m.result == "booked" and m.kind in ("capture", "cancel", "technical_cancel")]
    return min(ends, default=None)


def _amounts(modifications: list[Modification]) -> str:
    return ", ".join(f"{m.amount} {m.result} {m.reason}".strip() for m in modifications)


def _charges(stay: Stay) -> str:
    told = (
        f"delivered {c.truth.mwh} mWh, reported {c.reported}, price {stay.terms.price(c.reported or c.truth.mwh)},"
        f" parked {c.parked_ms // 1_000} s, {stay.terms.price(c.reported or c.truth.mwh, c.parked_ms)} in all"
        + (", odd meter" if c.odd_meter else "")
        + ("" if c.heard else ", end never heard")
        for c in stay.charges
    )
    return "; ".join(told) or "nothing was delivered"
