"""Operators of simulated kiosks: they look at the list when they come by, or never; they decide, refund, and get things wrong.

What they order goes through the product's own office. What they wanted stands in the world's books.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from hardware.simulated.models.acquirer import Acquirer as Bank
from hardware.simulated.models.acquirer_books import Payment
from kiosk.core.office import OfficeError
from kiosk.simulation import faults as bad
from kiosk.simulation.books import Order, Stay
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork
from kiosk.simulation.faults import Faults
from kiosk.simulation.life import Life
from kiosk.simulation.machine import Machine
from kiosk.simulation.wires.checkout import MERCHANT, REFUND_KEY

_DECISIONS = {
    "meter_unproven": (("capture", 0.6), ("release", 0.4)),
    "capture_refused": (("retry", 0.6), ("release", 0.3), ("settled", 0.1)),
    "capture_failed": (("retry", 0.4), ("release", 0.3), ("settled", 0.3)),
    "cancel_refused": (("retry", 0.9), ("settled", 0.1)),
}
_NEVER = 0.25  # of what is on the list nobody ever decides
_REASONS = ("not_delivered", "price", "fault", "goodwill", "dispute", "other")


class Operator:
    """Whoever looks after one kiosk."""

    def __init__(
        self,
        clockwork: Clockwork,
        chance: Chance,
        faults: Faults,
        machine: Machine,
        bank: Bank,
        touched: Callable[[], None],
        stays: Sequence[Stay],
        orders: list[Order],
        say: Callable[[str], None],
    ) -> None:
        self._clockwork = clockwork
        self._chance = chance
        self._faults = faults
        self._machine = machine
        self._bank = bank
        self._touched = touched
        self._stays = stays
        self._orders = orders
        self._say = say

    def come_by(self) -> None:
        """Look at what waits for a decision; sometimes pay something back."""
        life = self._machine.life
        if life is not None and life.ready:
            life.spawn(self._decide(life))
            if self._chance.strikes(0.5):
                life.spawn(self._refund(life))

    # --- reviews --------------------------------------------------------------------------------------------------------------

    async def _decide(self, life: Life) -> None:
        found = await life.office.answer({"do": "reviews"})
        for review in found["reviews"]:
            if self._chance.strikes(_NEVER):
                continue
            code = review["code"]
            what = self._chance.among(_DECISIONS.get(code, (("settled", 1.0),)))
            mwh = self._proven(review["session"]) if what == "capture" else None
            order = Order(self._machine.name, review["session"], what, self._clockwork.now, code, mwh=mwh)
            await self._give(
                life,
                order,
                {
                    "do": "decide",
                    "session": order.sale,
                    "code": code,
                    "decision": what,
                    "by": "anna",
                    "reason": "looked at it",
                    "kwh": None if mwh is None else f"{mwh // 1_000_000}.{mwh % 1_000_000:06}",
                },
            )

    def _proven(self, sale: str) -> int:
        """The energy that the operator read off the pile itself."""
        return sum(charge.truth.mwh for stay in self._stays if stay.sale == sale for charge in stay.charges[:1])

    # --- refunds --------------------------------------------------------------------------------------------------------------

    async def _refund(self, life: Life) -> None:
        paid = [(stay, payment) for stay in self._stays for payment in self._payments(stay) if payment.captured.minor and stay.agreed]
        if not paid:
            return
        stay, payment = self._chance.choice(paid)
        if stay.kiosk != self._machine.name:
            self._faults.note(bad.REFUND_FOREIGN, "refund", payment.merchant_reference)
        kind = self._chance.among((("all", 0.35), ("part", 0.3), ("twice", 0.15), ("too much", 0.2)))
        left = payment.captured.minor - payment.refunded.minor
        minor = {"all": None, "too much": left + self._chance.randint(1, 500)}.get(kind, max(1, left // self._chance.randint(1, 4)))
        if kind == "too much":
            self._faults.note(bad.REFUND_TOO_MUCH, "refund", payment.merchant_reference)
        order = Order(self._machine.name, stay.sale, "refund", self._clockwork.now, minor=minor, command=f"order-{len(self._orders)}")
        for _ in range(2 if kind == "twice" else 1):
            await self._give(
                life,
                order,
                {
                    "do": "refund",
                    "session": order.sale,
                    "amount": None if minor is None else f"{minor // 100}.{minor % 100:02}",
                    "by": "anna",
                    "reason": self._chance.choice(_REASONS),
                    "command": order.command,
                },
            )
        if kind == "twice":
            self._faults.note(bad.REFUND_TWICE, "refund", payment.merchant_reference)

    async def _give(self, life: Life, order: Order, words: dict[str, Any]) -> None:
        if order not in self._orders:
            self._orders.append(order)
        try:
            await life.office.answer({name: word for name, word in words.items() if word is not None})
            order.taken = True
        except OfficeError as no:
            self._say(f"{order.kiosk}: the operator is told: {no}")
            return
        self._say(f"{order.kiosk}: the operator orders: {order.what} {order.code} of {order.sale} {order.minor or ''}")

    # --- in the acquirer's own pages ------------------------------------------------------------------------------------------

    def cancel_by_hand(self, stay: Stay) -> None:
        """While the kiosk may be about to capture."""
        for payment in self._payments(stay):
            if not payment.cancelled and not payment.captured:
                self._faults.note(bad.CANCELLED_BY_HAND, "capture" if stay.over else "charging", payment.merchant_reference)
                self._by_hand(stay, "cancel by hand", payment, "cancels", None)

    def refund_by_hand(self, stay: Stay) -> None:
        for payment in self._payments(stay):
            if left := payment.captured.minor - payment.refunded.minor:
                self._by_hand(stay, "refund by hand", payment, "refunds", max(1, left // self._chance.randint(1, 3)))

    def _by_hand(self, stay: Stay, what: str, payment: Payment, path: str, minor: int | None) -> None:
        order = Order(stay.kiosk, stay.sale, what, self._clockwork.now, minor=minor)
        body: dict[str, object] = {"merchantAccount": MERCHANT}
        if minor is not None:
            body["amount"] = {"value": minor, "currency": payment.captured.currency}
        self._bank.clear_faults()
        answer = self._bank.handle(
            "POST",
            f"/v72/payments/{payment.psp_reference}/{path}",
            {"x-api-key": REFUND_KEY},
            json.dumps(body).encode(),
            self._clockwork.now,
        )
        order.taken = answer.status == 201
        self._orders.append(order)
        self._say(f"{order.kiosk}: {what}: {payment.merchant_reference} {minor or ''}")
        self._touched()

    def _payments(self, stay: Stay) -> list[Payment]:
        return [p for p in self._bank.books().payments if p.merchant_reference in stay.paid_with]
