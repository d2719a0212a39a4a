"""The simulated printer does what a real one does to its host."""

import pytest

from hardware.simulated.models.printer import PrinterModel
from hardware.simulated.paper import text

ASK = bytes.fromhex("100401 100402 100403 100404")
CLEAR = bytes.fromhex("10140801031401060208")


def run(model: PrinterModel) -> bytes:
    said = b""
    while True:
        more, mm = model.work()
        if not more and not mm:
            return said
        said += more


@pytest.mark.parametrize(
    ("knobs", "status"),
    [
        ({}, "12121212"),
        ({"paper_mm": 3_000}, "1212121e"),
        ({"paper_mm": 0}, "1a32127e"),
        ({"cover_open": True}, "1a161212"),
        ({"jammed": True}, "1a521a12"),
    ],
)
def test_real_time_status_bytes(knobs, status) -> None:
    assert PrinterModel(**knobs).receive(ASK).hex() == status


def test_real_time_commands_are_answered_while_a_job_waits_and_in_any_pieces() -> None:
    model = PrinterModel()
    assert model.receive(b"half a li") == b""
    assert model.receive(b"\x10") == b""
    assert model.receive(b"\x04") == b""
    assert model.receive(b"\x04") == b"\x12"
    model.receive(b"ne\n")
    run(model)
    assert text(model.printing) == "half a line"


def test_a_byte_that_looks_like_a_real_time_lead_stays_in_the_job() -> None:
    model = PrinterModel()
    model.receive(b"\x1d!\x10wide\n")
    run(model)
    assert model.printing == b"\x1d!\x10wide\n"


def test_a_process_id_comes_when_all_before_it_is_printed() -> None:
    model = PrinterModel()
    model.receive(b"one\ntwo\n\x1d(H\x06\x0000" + b"0042" + b"\x1dr\x01")
    assert model.work() == (b"", 3)
    assert model.work() == (b"", 3)
    assert model.work() == (b"\x37\x220042\x00", 0)
    assert model.work() == (b"\x00", 0)


def test_a_job_that_ran_out_of_paper_goes_on_after_a_refill() -> None:
    model = PrinterModel(paper_mm=10)
    model.receive(b"1\n2\n3\n4\n5\n\x1dV\x00")
    run(model)
    assert text(model.printing) == "1\n2"
    model.refill()
    run(model)
    assert [text(r) for r in model.receipts] == ["1\n2", "3\n4\n5"]


def test_what_is_printed_after_a_refill_looks_as_it_would_have() -> None:
    model = PrinterModel(paper_mm=5)
    model.receive(b"\x1b@\x1bt\x13\xd5\n\xd5\n\x1dV\x00")
    run(model)
    model.refill()
    run(model)
    assert [text(r) for r in model.receipts] == ["€", "€"]


def test_a_cleared_job_does_not_go_on() -> None:
    for command, said in ((CLEAR, b"\x37\x25\x00"), (b"\x10\x05\x02", b"")):
        model = PrinterModel(paper_mm=10)
        model.receive(b"1\n2\n3\n4\n")
        run(model)
        assert model.receive(command) == said
        model.refill()
        assert run(model) == b""
        assert model.printing == b""


def test_recovering_from_no_trouble_clears_nothing() -> None:
    model = PrinterModel()
    model.receive(b"1\n")
    model.receive(b"\x10\x05\x02")
    run(model)
    assert text(model.printing) == "1"


def test_an_open_cover_stops_and_a_closed_one_goes_on() -> None:
    model = PrinterModel(cover_open=True)
    model.receive(b"1\n")
    assert run(model) == b""
    assert model.printing == b""
    model.cover_open = False
    run(model)
    assert text(model.printing) == "1"


def test_power_loss_forgets_the_job_and_keeps_the_paper() -> None:
    model = PrinterModel()
    model.receive(b"1\n2\n")
    model.work()
    model.power_off()
    run(model)
    assert text(model.printing) == "1"


def test_paper_is_used_by_the_dot() -> None:
    model = PrinterModel(paper_mm=1_000)
    model.receive(b"\n" * 8 + b"\x1d!\x11big\n" + b"\x1bd\x06")
    run(model)
    assert model.paper_mm == 1_000 - (8 * 30 + 54 + 6 * 30) // 8


def test_a_mute_printer_prints_and_says_nothing() -> None:
    model = PrinterModel(mute=True)
    assert model.receive(ASK) == b""
    model.receive(b"1\n\x1dr\x01")
    assert run(model) == b""
    assert text(model.printing) == "1"


def test_identity_and_status_back_for_a_foreign_host() -> None:
    model = PrinterModel(paper_mm=0)
    model.receive(b"\x1dIB\x1da\xff")
    assert run(model) == b""  # a stopped printer works on nothing
    model.refill()
    assert run(model) == b"_EPSON\x00\x10\x00\x00\x00"
