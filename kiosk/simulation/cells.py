"""Where each fault is played: the fault table crossed with the steps of a sale.

A cell is either *played*, and a long run in which it stays empty fails, or it cannot be, and `why` says the reason. The faults of money,
F05 to F15 and F22 to F41, are played at every money step at which they can strike at all: what a fault of one request means at another one
has an id of its own there (before the intent: F05, F10; under way: F07, F11; before the outcome: F08, F12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STEPS = (
    "idle",
    "preauthorize",
    "query",
    "abort",
    "identify",
    "release",
    "start",
    "charging",
    "adjust",
    "stop",
    "capture",
    "cancel",
    "cancel_by_reference",
    "refund",
    "print",
    "review",
    "recovery",
    "waiting",
    "other",
)
MONEY = ("preauthorize", "adjust", "capture", "cancel", "refund")
FROM_SESSIONS = 20_000  # of a run; a smaller one only names its empty cells


@dataclass(frozen=True, slots=True)
class Row:
    """The steps at which a fault is played, and why it cannot be at any other."""

    steps: tuple[str, ...]
    why: str


_TERMINAL = ("preauthorize", "query", "abort")
_ACQUIRER = ("capture", "cancel", "cancel_by_reference", "refund", "adjust")
_ONLY_PREAUTHORIZE = "only a preauthorization is a dialogue that reserves money; for the acquirer's requests see F10 to F12"
_ONLY_TERMINAL = "a fault of the wire to the terminal, and at this step nothing is said to it"
_ONLY_ACQUIRER = "a fault of the wire to the acquirer, and at this step nothing is said to it"
_ONLY_CARD = "only while a card is held to the terminal to pay"
_PILE = ("start", "charging", "stop")
_ONLY_PILE = "a fault of the pile in a transaction; at this step there is none, or nothing is said about it"
_ONLY_METER = "only the display of a meter that counts can lie"

ROWS: Mapping[str, Row] = {
    "F01": Row(
        ("idle", "preauthorize", "start", "charging", "capture", "cancel", "print", "review", "waiting", "other"),
        "the commits at this step have an id of their own (F05 to F15), or it makes none",
    ),
    "F05": Row(("preauthorize", "adjust", "cancel", "refund"), "the intent of a capture is F10; at this step none is written"),
    "F06": Row(("preauthorize",), _ONLY_PREAUTHORIZE),
    "F07": Row(("preauthorize",), _ONLY_PREAUTHORIZE),
    "F08": Row(("preauthorize",), _ONLY_PREAUTHORIZE),
    "F09": Row(("charging",), "no energy flows"),
    "F10": Row(("capture",), "only a capture follows the end of a charge; before other intents see F05"),
    "F11": Row(_ACQUIRER, _ONLY_ACQUIRER),
    "F12": Row(("capture", "cancel", "refund", "adjust"), "the answer to a cancel by reference is kept as a cancel's"),
    "F13": Row(("print", "capture"), "no receipt is about to be printed"),
    "F14": Row(
        ("idle", "preauthorize", "start", "charging", "adjust", "stop", "capture", "cancel", "refund", "print", "recovery", "waiting"),
        "a core that is killed here is counted at the step whose request is under way",
    ),
    "F15": Row(
        ("preauthorize", "adjust", "capture", "cancel", "cancel_by_reference", "refund", "start", "stop", "print", "recovery"),
        "nothing of this step is open when a core begins",
    ),
    "F16": Row(("idle", "preauthorize", "start", "charging", "capture"), "counted at the stage of the sale, not at its requests"),
    "F21": Row(("preauthorize", "start", "stop", "other"), "no button belongs to this step"),
    "F22": Row((*_TERMINAL, "identify", "release"), _ONLY_TERMINAL),
    "F23": Row((*_TERMINAL, "identify", "release"), _ONLY_TERMINAL),
    "F24": Row(("query",), "only a query has this answer"),
    "F25": Row(("query",), "only a query has this answer"),
    "F26": Row(_TERMINAL, _ONLY_TERMINAL),
    "F27": Row(("idle", "preauthorize"), "a terminal that reboots outside a payment is idle to us"),
    "F28": Row(("idle", "preauthorize", "start", "charging", "capture"), "counted at the stage of the sale, not at its requests"),
    "F29": Row(("preauthorize",), "only who wants to pay is told that the terminal is busy; to identify a card is then not tried"),
    "F30": Row(("preauthorize",), _ONLY_CARD),
    "F31": Row(("preauthorize",), "an issuer grants less only when it is asked to reserve"),
    "F32": Row(("capture",), "only a capture can fail after it was received; refunds and adjustments that fail are F41"),
    "F33": Row(("capture", "cancel"), "nothing waits for this reservation at this step"),
    "F34": Row(_ACQUIRER, _ONLY_ACQUIRER),
    "F35": Row(("capture", "cancel"), "an outage of days is only felt by what has to be asked until it is answered"),
    "F36": Row(("capture", "cancel", "refund", "adjust"), "no order with a written body goes out at this step"),
    "F37": Row(("refund",), "only refunds are ordered under a command"),
    "F38": Row(("refund",), "only a refund can ask for too much, or for another kiosk's"),
    "F39": Row(("charging", "capture"), "nothing is, or is about to be, captured"),
    "F40": Row(_ACQUIRER, _ONLY_ACQUIRER),
    "F41": Row(_ACQUIRER, _ONLY_ACQUIRER),
    "F42": Row(
        ("idle", "preauthorize", "query", "start", "charging", "stop", "capture", "cancel", "cancel_by_reference", "refund", "adjust"),
        "nothing goes over a network at this step that is not counted elsewhere",
    ),
    "F47": Row(("idle", "preauthorize", "start", "charging", "capture"), "counted at the stage of the sale or at its commits"),
    "F48": Row(("idle", "preauthorize", "start", "charging", "capture"), "counted at the stage of the sale or at its commits"),
    "F49": Row(("charging",), "local time is used only to price what is delivered"),
    "F50": Row(("charging",), "local time is used only to price what is delivered"),
    "F51": Row(("preauthorize", "start", "charging", "capture", "cancel"), "counted at the commits that found no room"),
    "F52": Row(("preauthorize", "start", "charging", "capture", "cancel", "print"), "counted at the commits that failed"),
    "F53": Row(("preauthorize", "start", "charging", "capture"), "counted at the commits that failed"),
    "F63": Row(("charging",), _ONLY_METER),
    "F65": Row(("charging",), _ONLY_METER),
    "F67": Row(("charging",), _ONLY_METER),
    "F69": Row(("idle", "preauthorize", "start", "charging", "capture"), "counted at the stage of the sale, not at its requests"),
    "F70": Row((*_PILE, "other"), _ONLY_PILE),
    "F71": Row(("start",), _ONLY_PILE),
    "F72": Row(("charging",), "no car is charging"),
    "F73": Row(("charging",), "no energy flows"),
    "F74": Row(("stop",), "nothing is stopped"),
    "F75": Row(("charging",), "no money is used up"),
    "F77": Row(("stop",), "another's card is shown to stop their charge; who pays with one pays"),
    "F78": Row(("print",), "nothing is printed"),
    "F83": Row(_ACQUIRER, "no webhook tells of this step"),
    "F84": Row(_ACQUIRER, "no webhook tells of this step"),
    "F98": Row(("other",), "a slow commit is one wherever it is"),
}


def empty(struck: Mapping[tuple[str, str], int]) -> list[tuple[str, str]]:
    """The cells that are to be played and were not."""
    return [(fault, step) for fault, row in ROWS.items() for step in row.steps if not struck.get((fault, step))]


def impossible() -> dict[tuple[str, str], str]:
    """Every cell that cannot be, with its reason."""
    return {(fault, step): row.why for fault, row in ROWS.items() for step in STEPS if step not in row.steps}
