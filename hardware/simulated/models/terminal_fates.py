"""What is to be seen of a simulated terminal, how it and the wire to it go wrong, and how an answer then reaches the kiosk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class TerminalState(Enum):
    """What a person in front of the terminal sees."""

    IDLE = "idle"
    PRESENT_CARD = "present_card"
    AUTHORIZING = "authorizing"
    READING = "reading"
    ONE_MOMENT = "one_moment"  # a card was read for the kiosk, which has not yet said what now
    DONE = "done"
    REBOOTING = "rebooting"
    OFFLINE = "offline"


class Fault(Enum):
    """How the terminal, or the wire to it, goes wrong."""

    LOSE_REQUEST = "lose_request"  # the terminal never sees it
    LATE_REQUEST = "late_request"  # the kiosk has given up when the terminal sees it
    LOSE_ANSWER = "lose_answer"  # it acted, and its answer is lost
    DELAY_ANSWER = "delay_answer"
    WRONG_MAC = "wrong_mac"
    CLEAR_SUCCESS = "clear_success"  # the answer is not sealed
    DUPLICATE_ANSWER = "duplicate_answer"
    FOREIGN_HEADER = "foreign_header"  # it answers another dialogue
    PARTIAL_APPROVAL = "partial_approval"
    LOSE_NOTIFICATIONS = "lose_notifications"  # all of the next payment's; the payment itself goes on
    REBOOT = "reboot"  # while authorizing; what the host decided is found afterwards
    REBOOT_FORGETTING = "reboot_forgetting"  # the same, but the terminal knows nothing of it
    OFFLINE = "offline"  # from now on: connections are refused
    ONLINE = "online"
    HOST_AWAY = "host_away"  # from now on: it hears us, and cannot ask an issuer
    HOST_BACK = "host_back"  # what it approved by itself is forwarded


ON_REQUEST = (Fault.LOSE_REQUEST, Fault.LATE_REQUEST)
ON_ANSWER = (
    Fault.LOSE_ANSWER,
    Fault.DELAY_ANSWER,
    Fault.WRONG_MAC,
    Fault.CLEAR_SUCCESS,
    Fault.DUPLICATE_ANSWER,
    Fault.FOREIGN_HEADER,
)
ON_REBOOT = (Fault.REBOOT, Fault.REBOOT_FORGETTING)


class Delivery(Enum):
    """How an answer reaches the kiosk."""

    SEALED = "sealed"
    CLEAR = "clear"
    WRONG_MAC = "wrong_mac"
    TWICE = "twice"
    DROPPED = "dropped"  # the connection ends without one


DELIVERIES = {Fault.WRONG_MAC: Delivery.WRONG_MAC, Fault.CLEAR_SUCCESS: Delivery.CLEAR, Fault.DUPLICATE_ANSWER: Delivery.TWICE}


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of the request with this ticket. No message in a sealed delivery: the request was taken and has no answer of its own."""

    ticket: int
    message: dict[str, object] | None
    delivery: Delivery
