"""The judge of a simulated world. It sees the world's own books and the numbers the world chose, and knows nothing of how a kiosk works.

Every rule is one function that gives sentences; each sentence is a violation. What the world's faults made unknowable to any kiosk must be
on the operator's list; everything else must be right to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from hardware.simulated.models.acquirer_books import Modification, Payment
from kiosk.simulation.books import Books, Charge, Entry, Order, Stay
from kiosk.simulation.terms import CURRENCY
from kiosk.simulation.upstream_judge import untrue
from kiosk.values import Money

_SLACK_MS = 1_000
_SEEN_LATE_MS = 9 * 86_400_000  # an operator may learn of a charge when the pile comes back
_WATT_HOUR = 1_000
_PARKED_SLACK_MS = 5_000  # what a pile and a kiosk need to tell each other that a cable was pulled
_LEARNT_MS = 300_000  # until a kiosk has learnt that cards can be taken again, and somebody who stands there has agreed
_AHEAD_MWH = 4_000_000  # what may flow before the next report, and until a stop takes effect
_DAYS_MS = 3 * 86_400_000  # without internet, after which reservations fall and keys are old
_UNREPORTED_MWH = 5_000_000  # what may flow after the last report that counts where an end tells no register
_STOPPED_BY_US = "Remote"
_AT_ONCE_MS = 10_000  # so soon after somebody asked it is they who ended it
_NO_LIMIT = 10**9  # what an account without a limit may come to, in minor units
_METER = ("meter_unproven", "meter_estimated", "late_end", "orphan_end")
_STOPPED = ("hold_expiring", "late_start", "offline_declined", "meter_unproven", "meter_estimated")
_REFUSALS = {"refuse_captures", "capture_rejected", "capture_fails_later", "F36", "F41"}  # what makes an acquirer, or us, say no for good
_UNTOLD = {"late_request", "reboot_forgetting", "reboot", "lose_request", "lose_answer", "delay_answer", "F25", "F27", "F28", "F42"}
_ODD_WORDS = {"no_register", "wrong_clock", "lose_start", "no_stop", "stop_twice", "late_meter_values"}


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
        self._by_sale: dict[str, list[Entry]] = {}
        for entry in books.entries:
            if entry.sale:
                self._by_sale.setdefault(entry.sale, []).append(entry)
        self._orphans = [entry for entry in books.entries if entry.code.startswith("orphan")]

    def everything(self) -> Iterator[Violation]:
        for what in self._books.died:
            yield Violation("core lives", what)
        for what in self._books.broken_journals:
            yield Violation("journal verifies", what)
        for payment in self._books.payments:
            yield from self._payment(payment)
            yield from self._refunds(payment)
        yield from self._one_hold()
        for stay in self._books.stays:
            yield from self._gift(stay)
            yield from self._energy(stay)
            yield from self._stops(stay)
        yield from self._for_nobody()
        yield from self._accounts()
        yield from self._receipts()
        yield from self._credit_notes()
        yield from (Violation(rule, what) for rule, what in untrue(self._books))

    # --- each payment ---------------------------------------------------------------------------------------------------------

    def _payment(self, payment: Payment) -> Iterator[Violation]:
        name, stay = payment.merchant_reference, self._stay_of(payment)
        number = stay.number if stay else 0
        captures = [m for m in payment.modifications if m.kind == "capture"]
        if len(captures) > 1 + len(self._ordered(name, "retry")):
            yield Violation("one capture", f"{name} was captured {len(captures)} times over: {_amounts(captures)}", number)
        if payment.captured > payment.authorized:
            yield Violation("captured <= authorized", f"{name}: {payment.captured} of {payment.authorized}", number)
        if payment.held and not self._let_fall(payment):
            yield Violation("every hold ends", f"{name}: {payment.held} is still held and nobody looks after it", number)
        refused = [m for m in captures if m.result != "booked" and self._could_be_known(m)]
        if refused and not self._listed(name, "capture_failed", "capture_refused", "amount_differs"):
            yield Violation("a failed capture is seen", f"{name}: {_amounts(refused)} failed and nobody looks after it", number)
        mine = stay is not None and not self._strayed(name, stay)
        if stay is not None and mine and self._books.first.get(name, 0) > stay.hold:
            yield Violation("reserved == agreed", f"{name}: {self._books.first[name]} reserved, {stay.hold} agreed", number)
        if stay is not None and mine and payment.authorized.minor > max(stay.hold, stay.terms.most):
            yield Violation("reserved == agreed", f"{name}: it grew to {payment.authorized}, beyond {stay.terms.most}", number)

    def _let_fall(self, payment: Payment) -> bool:
        """Whether a reservation falls by itself, with an operator who knows, because no request could end it."""
        name, age = payment.merchant_reference, self._books.ended_ms - payment.at_ms
        struck = self._books.hit.get(name, set())
        refused = struck & _REFUSALS or any(m.result != "booked" for m in payment.modifications)
        if refused and self._listed(name, "cancel_refused", "cancel_failed", "capture_refused", "capture_failed"):
            return True
        away = any(end - begin > _DAYS_MS for begin, end in self._books.outages.get(name.partition("-")[0], ()))
        if away and self._listed(name, "cancel_refused", "capture_refused", "money_late"):
            return True
        if age > self._books.hold_ms and self._listed(name, "hold_expiring", "money_late", "cancel_refused", "capture_refused"):
            return True
        if name in self._books.untold and self._listed(name, "offline_declined"):
            return True
        return bool(struck & _UNTOLD) and self._listed(name, "money_unknown")

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

    # --- refunds --------------------------------------------------------------------------------------------------------------

    def _refunds(self, payment: Payment) -> Iterator[Violation]:
        """Nothing is paid back that nobody ordered, nor twice for one order, nor more than was taken."""
        back = [m for m in payment.modifications if m.kind == "refund"]
        if not back:
            return
        name, stay = payment.merchant_reference, self._stay_of(payment)
        number = stay.number if stay else 0
        if payment.refunded > payment.captured:
            yield Violation("refunded <= captured", f"{name}: {payment.refunded} of {payment.captured}", number)
        orders = self._ordered(name, "refund") + self._ordered(name, "refund by hand")
        if len({m.reference or m.psp_reference for m in back if m.result == "booked"}) > len(orders):
            yield Violation("a refund has its order", f"{name}: {_amounts(back)} for {len(orders)} orders", number)
        named = [order.minor for order in orders if order.minor is not None]
        for m in back:
            minor = m.amount.minor if m.amount else 0
            if minor in named:
                named.remove(minor)
            elif m.result == "booked" and all(order.minor is not None for order in orders):
                yield Violation("a refund has its order", f"{name}: {m.amount} was not ordered", number)

    def _news_lost(self, reference: str, code: str) -> bool:
        """Whether a request was done, its answer and its webhook were lost, and sending it again was refused: then a person has to look."""
        struck = self._books.hit.get(reference, set())
        return "lose_webhook" in struck and bool(struck & _REFUSALS) and self._listed(reference, code)

    def _could_be_known(self, m: Modification) -> bool:
        """Whether the acquirer told anybody what became of a request that it had received: a webhook that never comes leaves only its own
        report."""
        return m.reference not in self._books.untold

    def _credit_notes(self) -> Iterator[Violation]:
        """One for each refund that was made, with its amount; of what was not paid back at most where the acquirer took it on first."""
        kiosks: dict[str, list[int]] = {}
        issued: dict[str, list[int]] = {}
        for note in self._books.notes:
            kiosks.setdefault(note.kiosk, []).append(note.number)
            issued.setdefault(note.request, []).append(note.minor)
        for kiosk, numbers in kiosks.items():
            if numbers != list(range(1, len(numbers) + 1)):
                yield Violation("credit note numbers", f"{kiosk}: {numbers}")
        for payment in self._books.payments:
            name = payment.merchant_reference
            back = [m for m in payment.modifications if m.kind == "refund" and m.amount is not None]
            for m in back:
                said = issued.pop(m.reference or f"{name.rpartition('-')[0]}-F-{m.psp_reference}", [])
                wanted = [m.amount.minor] if m.amount is not None and (m.result == "booked" or said) else []
                if said != wanted and not self._news_lost(name, "refund_refused"):
                    stay = self._stay_of(payment)
                    yield Violation(
                        "credit notes == refunds", f"{name}: notes over {said}, refunds of {wanted}", stay.number if stay else 0
                    )
            if any(m.result != "booked" and m.reference and self._could_be_known(m) for m in back) and not self._listed(
                name, "refund_failed"
            ):
                yield Violation("a failed refund is seen", f"{name}: {_amounts(back)}")
        for request, minors in issued.items():
            yield Violation("credit notes == refunds", f"{request}: notes over {minors} for nothing that was paid back")

    # --- accounts -------------------------------------------------------------------------------------------------------------

    def _accounts(self) -> Iterator[Violation]:
        """A sale is owed once, by somebody who held a tag to the reader, within what the account allows, and with its receipt."""
        slips = {slip.payment: slip.captured for slip in self._books.slips}
        stays = {stay.contract: stay for stay in self._books.stays if stay.contract}
        sales: dict[str, int] = {}
        for owed in self._books.owed:
            stay = stays.get(owed.contract)
            number = stay.number if stay else 0
            sales[owed.sale] = sales.get(owed.sale, 0) + 1
            if sales[owed.sale] == 2:
                yield Violation("one charge on the account", f"{owed.sale} is owed more than once by {owed.contract}", number)
            if stay is None:
                yield Violation("owed by whoever agreed", f"{owed.sale}: {owed.contract} held no tag to the reader")
            elif stay.most is not None and owed.minor > stay.most:
                yield Violation("owed <= allowed", f"{owed.sale}: {owed.minor}, {stay.most} is allowed", number)
            if owed.minor <= 0 or slips.get(f"account {owed.sale}") != owed.minor:
                yield Violation(
                    "receipt == owed", f"{owed.sale}: {owed.minor} is owed, the receipt says {slips.get(f'account {owed.sale}')}", number
                )

    def _owed_by(self, stay: Stay) -> list[Payment]:
        """What is owed for a stay, as if it had been captured of all that the account allows."""
        if not stay.contract:
            return []
        first = {owed.sale: owed for owed in reversed(self._books.owed) if owed.contract == stay.contract}
        nothing = Money.zero(CURRENCY)
        return [
            Payment(f"{o.sale}-K1", "", Money(stay.most or _NO_LIMIT, CURRENCY), Money(o.minor, CURRENCY), nothing, False, o.at_ms, ())
            for o in first.values()
        ]

    # --- energy and money -----------------------------------------------------------------------------------------------------

    def _gift(self, stay: Stay) -> Iterator[Violation]:
        """What is given away costs nothing, and is given away only while no card could be taken."""
        if not stay.free:
            return
        if stay.paid_with:
            yield Violation("a gift costs nothing", f"{', '.join(stay.paid_with)} was reserved for it", stay.number)
        away = self._books.cards_away.get(stay.kiosk, [])
        if not any(begin <= stay.agreed_ms <= (end or stay.agreed_ms) + _LEARNT_MS for begin, end in away):
            yield Violation("a gift has its reason", f"given away at {stay.agreed_ms}, when cards could be taken", stay.number)

    def _energy(self, stay: Stay) -> Iterator[Violation]:
        """Every charge is captured at its price or on the list; every capture has its charge."""
        if stay.free:
            return
        captured = [p for ref in self._refs(stay) for p in self._paid.get(ref, ()) if p.captured] + self._owed_by(stay)
        if captured and any(order.code == "meter_unproven" and order.taken for order in self._of_sale(stay.sale, "release")):
            yield Violation("what was let go is not taken", f"{captured[0].merchant_reference}: {captured[0].captured}", stay.number)
        for charge in stay.charges:
            yield from self._charge(stay, charge, captured)
            yield from self._limit(stay, charge)
        for payment in captured:
            what = f"{payment.merchant_reference}: {payment.captured} was captured for nothing that was delivered at that price"
            most = max((stay.terms.price(c.truth.mwh, c.parked_ms + _PARKED_SLACK_MS) for c in stay.charges), default=0)
            if not any(_unproven(charge) for charge in stay.charges) or not self._listed(payment.merchant_reference, *_METER):
                yield Violation("captured == price", f"{what}; {_charges(stay)}", stay.number)
            elif payment.captured.minor > most:
                yield Violation("captured <= price of the truth", f"{what}; {_charges(stay)}", stay.number)

    def _for_nobody(self) -> Iterator[Violation]:
        """What was captured pays for somebody's stay."""
        known = {ref for stay in self._books.stays for ref in self._refs(stay)}
        for payment in self._books.payments:
            if payment.captured and payment.merchant_reference not in known:
                yield Violation("captured == price", f"{payment.merchant_reference}: {payment.captured} was captured for nobody's stay")

    def _charge(self, stay: Stay, charge: Charge, captured: list[Payment]) -> Iterator[Violation]:
        """Take the payment that paid for `charge` out of `captured`."""
        known = charge.heard and charge.reported is not None
        lied = charge.odd_meter or "stuck_meter" in charge.odd_words
        if known and charge.reported is not None and not lied and abs(charge.reported - charge.truth.mwh) > _WATT_HOUR:
            yield Violation("the pile's books", f"it delivered {charge.truth.mwh} mWh and reported {charge.reported}", stay.number)
        mwh = charge.reported if known and charge.reported is not None else charge.truth.mwh
        decided = [order.mwh for order in self._of_sale(stay.sale, "capture") if order.mwh is not None]
        parked_ms = charge.parked_ms + _PARKED_SLACK_MS + _unseen_ms(charge)
        whole = 0 if known else _WATT_HOUR  # registers count whole ones
        for energy in (mwh, *decided):
            price, most = stay.terms.price(energy, _seen_to_rest_ms(charge)), stay.terms.price(energy + whole, parked_ms)
            told_of = "no_register" in charge.odd_words and self._sale_listed(stay.sale or self._sale_at(stay), *_METER)
            least = stay.terms.price(max(1, energy - _unreported(charge, energy))) if told_of else price
            for payment in captured:
                if min(least, self._spendable(payment, charge)) <= payment.captured.minor <= min(most, payment.authorized.minor):
                    captured.remove(payment)
                    proven = not (_unproven(charge) and self._listed(payment.merchant_reference, *_METER))
                    yield from self._taken(stay, payment, least if proven else 0)
                    return
        owed = stay.terms.price(mwh)
        if owed and not self._excused(stay, charge):
            what = f"{charge.truth.mwh / 1_000_000:.3f} kWh for {owed} minor units were neither captured nor put on the list"
            yield Violation("energy is paid or seen", f"{what}; {_charges(stay)}", stay.number)

    def _limit(self, stay: Stay, charge: Charge) -> Iterator[Violation]:
        """Energy stops flowing where the reserved money does, as far as the pile could be told."""
        truth = charge.truth
        if charge.troubled or charge.wrong_clock or _unproven(charge) or charge.odd_words or stay.declined_later:
            return
        held = [p.authorized.minor for ref in self._refs(stay) for p in self._paid.get(ref, ())]
        most = max([*held, *([] if stay.most is None else [stay.most])], default=None) if held or stay.contract else None
        if most is not None and stay.terms.price(truth.mwh - _AHEAD_MWH) > most and not self._orphan_seen(stay, charge):
            yield Violation("energy ends with the money", f"{truth.mwh} mWh for {most} minor units", stay.number)

    def _taken(self, stay: Stay, payment: Payment, price: int) -> Iterator[Violation]:
        name = payment.merchant_reference
        if payment.captured.minor < price and not self._listed(name, "shortfall"):
            yield Violation("a shortfall is seen", f"{payment.captured} of {price} was captured", stay.number)
        alone = self._books.alone.get(stay.kiosk)
        if self._books.first.get(name) == 0 and alone is not None and payment.captured.minor > alone:
            yield Violation(
                "no more than the rule allows", f"{name}: {payment.captured} without an issuer, {alone} is allowed", stay.number
            )

    def _spendable(self, payment: Payment, charge: Charge) -> int:
        """What a kiosk must have known that it could spend: what was reserved at first, and what it was told of in time."""
        until = (charge.truth.end_ms or 0) + _SLACK_MS
        if charge.heard_ms:  # by then it is priced
            until = min(until, charge.heard_ms)
        grown = (m for m in payment.modifications if m.kind == "adjust" and m.result == "booked" and m.amount is not None)
        told = (m.amount.minor for m in grown if m.amount and self._books.told.get(m.reference, until + 1) <= until)
        return max((self._books.first.get(payment.merchant_reference, payment.authorized.minor), *told))

    def _excused(self, stay: Stay, charge: Charge) -> bool:
        """Whether something that no kiosk could mend explains why this energy was not paid, and the operator was told so."""
        sale, refs = stay.sale or self._sale_at(stay), self._refs(stay)
        struck = {fault for ref in refs for fault in self._books.hit.get(ref, ())}
        by_hand = any(order.taken for order in self._of_sale(sale, "cancel by hand"))
        fallen = any(p.at_ms + self._books.hold_ms < self._books.ended_ms and not p.cancelled for r in refs for p in self._paid.get(r, ()))
        away = any(end - begin > _DAYS_MS for begin, end in self._books.outages.get(stay.kiosk, ()))
        released = self._of_sale(sale, "release") or self._of_sale(sale, "settled")
        excuses = (
            (_unproven(charge), _METER),
            (bool(struck & _REFUSALS) or by_hand or fallen, ("capture_failed", "capture_refused", "energy_unpaid", "cancel_failed")),
            (bool(released), ("meter_unproven", "capture_refused", "capture_failed", *_METER)),
            (stay.declined_later or any(ref in self._books.untold for ref in refs), ("offline_declined",)),
            (charge.wrong_clock, _METER),
            (away, ("capture_refused", "capture_failed")),
            (
                stay.gave_up or not charge.heard or bool(stay.tries) or charge.troubled or charge.begin is None,
                ("late_start", "energy_unpaid"),
            ),
        )
        if any(cause and self._sale_listed(sale, *codes) for cause, codes in excuses):
            return True
        return self._orphan_seen(stay, charge)

    # --- stops ----------------------------------------------------------------------------------------------------------------

    def _stops(self, stay: Stay) -> Iterator[Violation]:
        """A charge that the kiosk ended was ended for its driver, for its limit, because nobody counted it, or for a reason on the list."""
        for charge in stay.charges:
            truth = charge.truth
            if truth.reason != _STOPPED_BY_US or truth.end_ms is None:
                continue
            asked = {who: at for at, who in stay.asked_to_stop if truth.begin_ms <= at <= truth.end_ms + _SLACK_MS}
            if "owner" in asked:
                continue
            unheard = stay.gave_up or charge.troubled or bool(charge.odd_words)  # a pile that nobody counts on is asked to stop
            if unheard and truth.end_ms - asked.get("stranger", truth.begin_ms - _AT_ONCE_MS) >= _AT_ONCE_MS:
                continue
            parked_ms = max(0, truth.end_ms - charge.full_ms) if charge.full_ms is not None else 0
            limit = stay.terms.price(truth.mwh + _AHEAD_MWH, parked_ms) >= self._allowed(stay) - self._books.margin
            if not limit and not self._sale_listed(stay.sale, *_STOPPED) and not self._orphan_seen(stay, charge):
                who = "a stranger" if "stranger" in asked else "nobody"
                yield Violation("stop only by those entitled", f"the charge at {stay.connector} was ended for {who}", stay.number)

    def _allowed(self, stay: Stay) -> int:
        """What the charge may come to before it is ended: no more than the card held at first, or the account allows."""
        refs = self._refs(stay)
        if stay.contract and stay.most is None and not stay.free and not refs:
            return _NO_LIMIT
        return min([stay.hold if stay.most is None else stay.most, *(self._books.first.get(ref, stay.hold) for ref in refs)])

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
            asked = [m.amount.minor for m in payment.modifications if m.kind == "capture" and m.amount]
            if payment.captured and slip is None and not self._news_lost(payment.merchant_reference, "capture_refused"):
                yield Violation("a receipt for every capture", f"{payment.merchant_reference}: {payment.captured} without one", number)
            if slip is not None and slip.captured not in asked:
                yield Violation(
                    "receipt == captured", f"receipt {slip.number} says {slip.captured}, the acquirer was asked for {asked}", number
                )

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

    # --- the operator's list, and what the operator ordered -------------------------------------------------------------------

    def _listed(self, reference: str, *codes: str) -> bool:
        """Whether the operator was told to look at the sale behind a payment, for one of these reasons or for whatever reason."""
        return self._sale_listed(reference.rpartition("-")[0], *codes) or any(entry.text == reference for entry in self._books.entries)

    def _sale_listed(self, sale: str, *codes: str) -> bool:
        return any(entry.sale == sale and (not codes or entry.code in codes) for entry in self._by_sale.get(sale, ()))

    def _orphan_seen(self, stay: Stay, charge: Charge) -> bool:
        """Whether the operator was told of a transaction that no sale explains, and that can only be this one: by its number, or by its
        connector where something went wrong with it."""
        truth = charge.truth
        strange = _unproven(charge) or charge.troubled or charge.wrong_clock or charge.odd_words or stay.gave_up or stay.tries
        until = (truth.end_ms or stay.left_ms or truth.begin_ms) + _SEEN_LATE_MS
        for entry in self._orphans:
            if entry.kiosk != stay.kiosk or not truth.begin_ms <= entry.at_ms <= until:
                continue
            if (strange and entry.connector == stay.connector) or entry.text == f"{stay.pile} {truth.transaction or -1}":
                return True
        return False

    def _ordered(self, reference: str, what: str) -> list[Order]:
        return self._of_sale(reference.rpartition("-")[0], what)

    def _of_sale(self, sale: str, what: str) -> list[Order]:
        return [order for order in self._books.orders if order.sale == sale and order.what == what]

    def _sale_at(self, stay: Stay) -> str:
        """Nobody else's sale at a driver's connector, that the operator was told of: its number never reached the driver's screen."""
        others = {other.sale for other in self._books.stays}
        until = (stay.left_ms or stay.arrived_ms) + _SEEN_LATE_MS
        there = (entry for entry in self._books.entries if entry.kiosk == stay.kiosk and entry.connector == stay.connector)
        return next((e.sale for e in there if e.sale not in others and stay.arrived_ms <= e.at_ms <= until), "")

    def _refs(self, stay: Stay) -> list[str]:
        """The payments that are to pay for what was delivered to this driver. A request that reached the terminal late may have met the
        card of the next one there; it is still for the sale that it names."""
        met = [ref for ref in dict.fromkeys(stay.paid_with) if not self._strayed(ref, stay)]
        others = (other for other in self._books.stays if other is not stay and stay.sale)
        return met + [ref for other in others for ref in other.paid_with if ref.startswith(stay.sale) and self._strayed(ref, other)]

    def _strayed(self, ref: str, stay: Stay) -> bool:
        late = {"late_request", "lose_request"} & self._books.hit.get(ref, set())  # or what should have ended it was lost
        return bool(stay.sale) and not ref.startswith(stay.sale) and bool(late)

    def _stay_of(self, payment: Payment) -> Stay | None:
        return next((s for s in self._books.stays if payment.merchant_reference in s.paid_with), None)


def _unseen_ms(charge: Charge) -> int:
    """By how much a stay may be taken for longer than it was: a pile without a clock tells no time."""
    if "wrong_clock" not in charge.odd_words:
        return 0
    ended_ms = charge.truth.end_ms or charge.heard_ms
    return max(0, charge.heard_ms - ended_ms) + (ended_ms - charge.truth.begin_ms if charge.rests else 0)


def _seen_to_rest_ms(charge: Charge) -> int:
    """How long a kiosk must have seen the car draw nothing by its own plan, when nothing stood between it and the pile."""
    odd = charge.troubled or charge.wrong_clock or charge.odd_meter or charge.odd_words
    return 0 if odd else max(0, charge.rested_ms - _PARKED_SLACK_MS)


def _unproven(charge: Charge) -> bool:
    """Whether the pile's own words cannot prove what it delivered."""
    return charge.odd_meter or not charge.heard or charge.reported is None or bool(charge.odd_words & _ODD_WORDS)


def _unreported(charge: Charge, mwh: int) -> int:
    """What may have flowed since the last register that was told, when the end of the charge tells none."""
    return mwh if "stuck_meter" in charge.odd_words else _UNREPORTED_MWH


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
