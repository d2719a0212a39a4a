"""The codes of what can go wrong in a sale: one word for the journal, a short one to say on the phone, sentences in `kiosk.wording`.

A letter says where: P payment, S start and delivery, M meter, R receipt, K kiosk.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`code` names it in facts and catalogues (`fault.<code>.title`); `spoken` is what a driver says to the helpline."""

    code: str
    spoken: str
    review: bool = False  # an operator must look at it


FAULTS = {
    f.code: f
    for f in (
        Fault("declined", "P21"),
        Fault("card_not_read", "P22"),
        Fault("wrong_pin", "P23"),
        Fault("cancelled", "P24"),
        Fault("no_card", "P25"),
        Fault("cancelled_reserved", "P26"),
        Fault("terminal_away", "P30"),
        Fault("terminal_silent", "P31"),
        Fault("money_unknown", "P40", review=True),
        Fault("approved_less", "P41"),
        Fault("approved_too_little", "P42"),
        Fault("capture_refused", "P51", review=True),
        Fault("capture_failed", "P52", review=True),
        Fault("cancel_refused", "P53", review=True),
        Fault("cancel_failed", "P54", review=True),
        Fault("money_late", "P55", review=True),
        Fault("refund_refused", "P56", review=True),
        Fault("refund_failed", "P57", review=True),
        Fault("amount_differs", "P58", review=True),
        Fault("hold_expiring", "P59", review=True),
        Fault("offline_not_allowed", "P43"),
        Fault("offline_declined", "P44", review=True),
        Fault("start_failed", "S04"),
        Fault("no_plug", "S05"),
        Fault("pile_refused", "S06"),
        Fault("never_started", "S07"),
        Fault("nothing_delivered", "S08"),
        Fault("pile_silent", "S10"),
        Fault("late_start", "S11", review=True),
        Fault("stop_unanswered", "S12", review=True),
        Fault("late_end", "S13", review=True),
        Fault("energy_unpaid", "S14", review=True),
        Fault("shortfall", "S15", review=True),
        Fault("meter_unproven", "M01", review=True),
        Fault("meter_estimated", "M02", review=True),
        Fault("signed_doubtful", "M03", review=True),
        Fault("no_paper", "R01"),
        Fault("out_of_order", "K01"),
        Fault("journal_broken", "K02"),
        Fault("cards_away", "K04"),
        Fault("disk_low", "K05"),
        Fault("disk_slow", "K06"),
    )
}

# What a terminal's refusal means to the driver (`hardware.api.DeclineReason` values).
OF_DECLINE = {
    "refused": "declined",
    "invalid_card": "card_not_read",
    "wrong_pin": "wrong_pin",
    "cancelled": "cancelled",
    "aborted": "cancelled",
    "no_card": "no_card",
    "busy": "terminal_away",
    "unavailable": "terminal_away",
    "not_allowed": "terminal_away",
    "other": "terminal_silent",  # a word we do not know proves nothing: what may be reserved is released
}
