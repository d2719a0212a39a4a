"""What goes wrong in the simulated world: the faults of the table that it can play, how often each may strike, and where each struck.

An id is that of the product's fault table; several ways to go wrong can share one. A *step* is where in a sale it strikes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kiosk.simulation.chance import Chance


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong. `odds` is its chance at each opportunity in a world of severity 1; `model` what the far end calls it."""

    id: str
    words: str
    odds: float = 0.0
    model: str = ""


# --- the kiosk's own power ----------------------------------------------------------------------------------------------------
# Before and after a commit, while a call is under way, and in the recovery from the last time.

BEFORE_INTENT = Fault("F05", "power cut before an intent is on the disk", 0.006)
AFTER_INTENT = Fault("F06", "power cut after the preauthorization's intent, before the call", 0.006)
IN_PREAUTHORIZATION = Fault("F07", "power cut while the terminal is asked")
BEFORE_OUTCOME = Fault("F08", "power cut after the terminal's answer, before it is on the disk", 0.006)
WHILE_CHARGING = Fault("F09", "power cut while a car charges", 0.001)
BEFORE_CAPTURE = Fault("F10", "power cut after the stop, before the capture's intent is on the disk", 0.008)
IN_CAPTURE = Fault("F11", "power cut after the capture's intent, before its answer", 0.008)
BEFORE_SUBMITTED = Fault("F12", "power cut after the acquirer's answer, before it is on the disk", 0.008)
IN_PRINT = Fault("F13", "power cut around the receipt's print", 0.004)
PROCESS_KILLED = Fault("F14", "core killed, the machine stays up")
IN_RECOVERY = Fault("F15", "power cut inside the recovery from a power cut", 0.03)
ANY_COMMIT = Fault("F01", "power cut at another commit", 0.001)
DISK_ERROR = Fault("F52", "a commit fails, and the core ends", 0.0008)
DISK_FULL = Fault("F51", "the disk is full, and the room kept back is given to it")
DISK_READ_ONLY = Fault("F53", "the disk can no longer be written, and the core ends")
SLOW_DISK = Fault("F98", "a commit takes seconds", 0.002)

# --- the screen ---------------------------------------------------------------------------------------------------------------

SCREEN_DEAD = Fault("F16", "the screen's process is away")
DOUBLE_TAP = Fault("F21", "a button is pressed twice")

# --- the terminal -------------------------------------------------------------------------------------------------------------

TERMINAL_REQUEST = (
    Fault("F22", "a request to the terminal is lost", 0.010, "lose_request"),
    Fault("F26", "a request reaches the terminal after we gave up on it", 0.006, "late_request"),
    Fault("F23", "the terminal's answer is lost", 0.010, "lose_answer"),
    Fault("F23", "the terminal's answer comes too late", 0.005, "delay_answer"),
    Fault("F23", "the terminal's answer is not authentic", 0.002, "wrong_mac"),
    Fault("F23", "the terminal's answer is not sealed", 0.002, "clear_success"),
    Fault("F23", "the terminal answers another dialogue", 0.002, "foreign_header"),
    Fault("F23", "the terminal's answer comes twice", 0.004, "duplicate_answer"),
)
TERMINAL_CARD = (
    Fault("F31", "the issuer grants less than asked", 0.008, "partial_approval"),
    Fault("F27", "the terminal reboots while it authorizes", 0.008, "reboot"),
    Fault("F27", "the terminal reboots and forgets what it authorized", 0.004, "reboot_forgetting"),
    Fault("F30", "the card is taken away before it is read", 0.015, "torn"),
)
TERMINAL_SWAPPED = Fault("F28", "the terminal is exchanged for another one")
HOST_AWAY = Fault("F42", "the terminal reaches no issuer")
TERMINAL_REBOOT = Fault("F27", "the terminal reboots")
TERMINAL_IN_PROGRESS = Fault("F24", "the terminal says that the payment is in progress")
TERMINAL_NOT_FOUND = Fault("F25", "the terminal has never heard of the payment")
TERMINAL_BUSY = Fault("F29", "the terminal is in another dialogue")
TERMINAL_OFF = Fault("F42", "the terminal cannot be reached", 0.004)

# --- the acquirer -------------------------------------------------------------------------------------------------------------

ACQUIRER_REQUEST = (
    Fault("F42", "a request to the acquirer is lost", 0.010, "drop_request"),
    Fault("F34", "the acquirer's answer is lost, the same key goes out again", 0.012, "drop_answer"),
    Fault("F34", "the acquirer takes longer than we wait", 0.006, "slow"),
    Fault("F40", "the acquirer fails, nothing done", 0.006, "error_500"),
    Fault("F40", "the acquirer fails, although it is done", 0.006, "error_500_after"),
    Fault("F40", "the acquirer has lost its store of keys", 0.004, "unavailable_703"),
    Fault("F40", "the acquirer asks for another try", 0.004, "transient"),
    Fault("F40", "the acquirer has had enough of us", 0.004, "rate_limit"),
    Fault("F40", "a success that says nothing", 0.003, "empty_201"),
    Fault("F40", "a success that is a web page", 0.003, "html_201"),
)
ACQUIRER_TWICE = Fault("F34", "a request reaches the acquirer twice", 0.008)
ACQUIRER_CAPTURE = (
    Fault("F41", "a capture is refused at once", 0.004, "refuse_captures"),
    Fault("F32", "a capture is received, then refused", 0.005, "capture_rejected"),
    Fault("F32", "a capture is confirmed, then fails", 0.005, "capture_fails_later"),
)
ACQUIRER_ADJUST = (Fault("F41", "an adjustment is received, then refused", 0.06, "adjust_rejected"),)
ACQUIRER_KEY = Fault("F41", "the acquirer does not know our key", 0.002)
CHANGED_BODY = Fault("F36", "an order no longer says what was written down of it", 0.0015)
HOLD_EXPIRED = Fault("F33", "the reservation falls before it is captured")
KEY_EXPIRED = Fault("F35", "the acquirer is away for longer than our key is safe")
REFUND_TWICE = Fault("F37", "a refund is ordered twice under one command")
REFUND_FOREIGN = Fault("F38", "a refund is ordered for a sale of another kiosk")
REFUND_TOO_MUCH = Fault("F38", "more is to be paid back than was captured")
CANCELLED_BY_HAND = Fault("F39", "an operator cancels at the acquirer while the kiosk captures")
ACQUIRER_WEBHOOK = (
    Fault("F83", "a webhook never comes", 0.010, "lose_webhook"),
    Fault("F83", "a webhook comes twice", 0.010, "duplicate_webhook"),
    Fault("F84", "a webhook comes a day late", 0.006, "late_webhook"),
    Fault("F84", "a webhook overtakes another", 0.010, "reorder_webhook"),
)
INTERNET_DOWN = Fault("F42", "the site has no internet")

# --- the pile -----------------------------------------------------------------------------------------------------------------

PILE_CALL_LOST = Fault("F70", "a message of the pile is lost", 0.004)
PILE_ANSWER_LOST = Fault("F70", "our answer to the pile is lost", 0.004)
PILE_CALL_TWICE = Fault("F70", "a message of the pile comes twice", 0.004)
PILE_COMMAND_LOST = Fault("F42", "a command to the pile is lost", 0.006)
PILE_REPLY_LOST = Fault("F42", "the pile's reply to a command is lost", 0.008)
PILE_AT_START = (
    Fault("F71", "the pile refuses to start", 0.008, "refuse_start"),
    Fault("F71", "the pile accepts and never starts", 0.008, "accept_never_start"),
    Fault("F71", "the car takes no energy", 0.010, "no_energy"),
    Fault("F70", "the pile forgets its StartTransaction: the stop names transaction -1", 0.006, "lose_start"),
    Fault("F70", "the pile never sends its StopTransaction", 0.006, "no_stop"),
    Fault("F70", "the pile sends its StopTransaction twice", 0.008, "stop_twice"),
    Fault("F70", "a meter value follows the StopTransaction", 0.006, "late_meter_values"),
    Fault("F70", "the StopTransaction tells no register", 0.006, "no_register"),
    Fault("F70", "after its boot the pile repeats what was answered", 0.006, "replay"),
    Fault("F71", "the pile begins twice under one tag", 0.008, "start_twice"),
    Fault("F71", "a start without a cable is refused", 0.010, "needs_cable"),
)
PILE_KEEPS_OWN = Fault("F74", "the pile does not stop what it began by itself", 0.3, "keeps_own")
PILE_METER = (
    Fault("F63", "the register falls", 0.004, "meter_backwards"),
    Fault("F65", "the register leaps", 0.004, "meter_jump"),
    Fault("F67", "the register stands still", 0.004, "stuck_meter"),
)
PILE_CUT = Fault("F42", "the pile's connection breaks")
PILE_HALF_OPEN = Fault("F42", "the pile's connection stands, but nothing passes")
PILE_REBOOT = Fault("F69", "the pile reboots")
PILE_POWER = Fault("F69", "the pile loses power")
PILE_CLOCK = Fault("F48", "the pile's clock counts from 1970")

# --- people, paper, clocks ----------------------------------------------------------------------------------------------------

EMERGENCY = Fault("F73", "the emergency stop is pressed")
UNPLUGGED = Fault("F73", "the plug is pulled while energy flows")
LOCAL_STOP = Fault("F74", "the charge is stopped at the pile while it is stopped at the screen")
CAR_FULL = Fault("F72", "the car is full and stays")
HOLD_USED_UP = Fault("F75", "the charge runs into its limit")
NO_PLUG = Fault("F71", "nobody plugs in")
PRINTER = (
    Fault("F78", "the printer has no paper", 0.010, "no_paper"),
    Fault("F78", "the paper ends in the receipt", 0.008, "ends"),
    Fault("F78", "the printer's cover is open", 0.004, "cover"),
    Fault("F78", "the printer says nothing", 0.006, "mute"),
    Fault("F78", "the printer is off", 0.006, "off"),
)
CLOCK_AHEAD = Fault("F47", "the wall clock jumps ahead")
CLOCK_BACK = Fault("F48", "the wall clock jumps back")
CLOCK_CHANGE = Fault("F49", "an hour of the night comes twice, or not at all")
YEAR_END = Fault("F50", "the year ends")
CARS_SWAPPED = Fault("F69", "one car follows another while the pile is away")
ANOTHER_TRY = Fault("F71", "nothing started, and the driver tries again")
CLONED_CARD = Fault("F77", "somebody else's card is held to the terminal to stop a charge")


# Steps that few sales have are struck more often, so that a run of some size plays every cell.
_RARE = {"refund": 4, "adjust": 4, "identify": 4, "release": 8, "review": 4, "abort": 2}


class Faults:
    """The bad luck of one world. `severity` scales all odds; when `calm`, nothing goes wrong any more."""

    def __init__(self, chance: Chance, severity: float) -> None:
        self._chance = chance
        self.severity = severity
        self.calm = False
        self.struck: Counter[tuple[str, str]] = Counter()
        self.hit: dict[str, set[str]] = {}  # the faults by what they struck: a payment's reference

    def cuts(self, fault: Fault, step: str) -> bool:
        """Whether `fault` is to end a life here; whoever ends it counts it."""
        return not self.calm and self._chance.strikes(fault.odds * self.severity * _RARE.get(step, 1))

    def strikes(self, fault: Fault, step: str, about: str = "") -> bool:
        """Whether `fault` strikes here; if so it is counted."""
        if self.calm or not self._chance.strikes(fault.odds * self.severity * _RARE.get(step, 1)):
            return False
        self.note(fault, step, about)
        return True

    def draw(self, among: Sequence[Fault], step: str, about: str = "") -> Fault | None:
        """At most one of `among`, each by its odds."""
        if self.calm:
            return None
        left, often = self._chance.random(), self.severity * _RARE.get(step, 1)
        for fault in among:
            left -= fault.odds * often
            if left < 0:
                self.note(fault, step, about)
                return fault
        return None

    def note(self, fault: Fault, step: str, about: str = "") -> None:
        """It struck at this step, and the payment `about`."""
        self.struck[fault.id, step] += 1
        if about:
            self.hit.setdefault(about, set()).add(fault.model or fault.id)


WORDS = {
    "F01": "power cut at a commit",
    "F05": "power cut before an intent",
    "F06": "power cut after that intent, before the call",
    "F07": "power cut while the terminal is asked",
    "F08": "power cut before the terminal's answer is kept",
    "F09": "power cut while charging",
    "F10": "power cut before the capture's intent",
    "F11": "power cut while the acquirer is asked",
    "F12": "power cut before the acquirer's answer is kept",
    "F13": "power cut around the print",
    "F14": "core killed",
    "F15": "power cut inside the recovery",
    "F16": "screen process away",
    "F21": "double tap",
    "F22": "terminal request lost",
    "F23": "terminal answer lost, late, twice or not authentic",
    "F24": "terminal says in progress",
    "F25": "terminal says not found",
    "F26": "terminal acts after we gave up",
    "F27": "terminal reboots",
    "F28": "terminal exchanged",
    "F29": "terminal busy",
    "F30": "card taken away early",
    "F31": "partial approval",
    "F32": "capture fails after it was received",
    "F33": "reservation expires",
    "F34": "capture or cancel arrives twice under one key",
    "F35": "key no longer safe",
    "F36": "changed body under a key",
    "F37": "refund ordered twice",
    "F38": "refund too large or foreign",
    "F39": "operator cancels while we capture",
    "F40": "acquirer fails for now",
    "F41": "acquirer refuses for good",
    "F42": "network away or half open",
    "F47": "clock jumps ahead",
    "F48": "clock jumps back or is wrong",
    "F49": "clocks change in the night",
    "F50": "year end",
    "F51": "disk full",
    "F52": "commit fails",
    "F53": "disk read-only",
    "F63": "register falls",
    "F65": "register leaps",
    "F67": "register stands still",
    "F69": "pile reboots or loses power in mid-sale",
    "F70": "pile messages lost, twice, late, or for transaction -1",
    "F71": "nothing starts, or nothing flows",
    "F72": "car full and stays",
    "F73": "plug pulled or emergency stop",
    "F74": "local stop races with ours",
    "F75": "hold used up",
    "F77": "another's card",
    "F78": "printer without paper, open, mute or off",
    "F83": "webhook lost or twice",
    "F84": "webhook late or out of order",
    "F98": "slow disk",
}
