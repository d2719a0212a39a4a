"""Replies are told apart however they arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.api import PrinterState
from hardware.printers.escpos.replies import CLEARED, PROCESS_ID, Block, Paper, RealTime, Replies, Status

STREAM = b"\x12\x32\x37\x22" + b"0017\x00" + b"\x00\x37\x25\x00\x0f\x7e"
MEANT = [RealTime(0x12), RealTime(0x32), Block(PROCESS_ID, b"0017"), Paper(False), Block(CLEARED, b""), Paper(True), RealTime(0x7E)]


def test_replies_of_all_kinds_in_one_piece() -> None:
    assert Replies().feed(STREAM) == MEANT


@given(st.lists(st.integers(1, 5), max_size=20))
def test_replies_are_the_same_in_any_pieces(sizes) -> None:
    replies, rest, found = Replies(), STREAM, []
    for size in sizes:
        found += replies.feed(rest[:size])
        rest = rest[size:]
    assert found + replies.feed(rest) == MEANT


def test_status_nobody_asked_for_is_passed_over() -> None:
    assert Replies().feed(b"\x18\x00\x0f\x00\x12") == [RealTime(0x12)]


@given(st.binary(max_size=400))
def test_noise_never_stops_the_reading(noise) -> None:
    replies = Replies()
    replies.feed(noise)
    replies.feed(b"\x00" * 8)
    assert replies.feed(b"\x00\x12")[-1] == RealTime(0x12)


@pytest.mark.parametrize(
    ("bytes_", "state"),
    [
        ("12121212", PrinterState.READY),
        ("1212121e", PrinterState.PAPER_LOW),
        ("1a32127e", PrinterState.NO_PAPER),
        ("1a161212", PrinterState.COVER_OPEN),
        ("1a36127e", PrinterState.COVER_OPEN),
        ("1a521a12", PrinterState.OFFLINE),
        ("1a121212", PrinterState.OFFLINE),
        ("121a1212", PrinterState.READY),  # the feed button is held
    ],
)
def test_status_bytes_mean_a_state(bytes_, state) -> None:
    assert Status(*bytes.fromhex(bytes_)).state is state
