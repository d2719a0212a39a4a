"""What became of a print job: said only when it is known, and never printed twice."""

import asyncio
import logging
import socket

import pytest

from hardware.api import NotSent, PrinterState, PrintResult
from hardware.printers.escpos import tcp
from hardware.printers.escpos.build import build
from hardware.printers.escpos.tcp import EscposTcpPrinter
from hardware.simulated.paper import text


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(tcp, "CONFIRM_S", 5.0)


async def _until(true) -> None:
    for _ in range(2_500):
        if true():
            return
        await asyncio.sleep(0.002)
    pytest.fail("it did not happen within 5 s")


# --- printed ----------------------------------------------------------------------------------------------------------------------


async def test_a_job_is_printed_when_the_printer_names_it(printer, model, job) -> None:
    assert await printer.print(job, 17) is PrintResult.PRINTED
    assert len(model.receipts) == 1
    assert text(model.receipts[0]).splitlines()[0].split() == ["line", "00", "12,17", "€"]
    assert model.printing == b""


async def test_a_model_without_process_ids_is_believed_by_its_paper_status(printer, model, job) -> None:
    model.knows_process_ids = False
    assert await printer.print(job, 17) is PrintResult.PRINTED
    assert len(model.receipts) == 1


async def test_one_job_after_the_other_from_the_same_printer(printer, model, words) -> None:
    for number in (9999, 1):
        assert await printer.print(build([words(f"job {number}")], 42), number) is PrintResult.PRINTED
    assert [text(r).strip() for r in model.receipts] == ["job 9999", "job 1"]


async def test_two_jobs_at_once_wait_for_each_other(printer, model, words) -> None:
    results = await asyncio.gather(*(printer.print(build([words(f"job {n}")], 42), n) for n in (1, 2)))
    assert results == [PrintResult.PRINTED] * 2
    assert [text(r).strip() for r in model.receipts] == ["job 1", "job 2"]


async def test_paper_that_is_nearly_gone_still_prints(printer, model, job) -> None:
    model.paper_mm = 2_000
    assert await printer.state() is PrinterState.PAPER_LOW
    assert await printer.print(job, 17) is PrintResult.PRINTED


async def test_a_model_without_a_way_back_prints_and_is_never_believed(server, clock, model, job) -> None:
    model.mute = True
    blind = EscposTcpPrinter("127.0.0.1", server.port, clock, answers=False)
    assert await blind.state() is PrinterState.READY
    assert await blind.print(job, 17) is PrintResult.UNCONFIRMED
    await _until(lambda: len(model.receipts) == 1)
    assert text(model.receipts[0]).count("line") == 40


# --- nothing was sent -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("knob", "value", "state"),
    [("paper_mm", 0, PrinterState.NO_PAPER), ("cover_open", True, PrinterState.COVER_OPEN), ("jammed", True, PrinterState.OFFLINE)],
)
async def test_a_printer_that_cannot_print_is_sent_nothing(printer, model, job, knob, value, state) -> None:
    setattr(model, knob, value)
    assert await printer.state() is state
    with pytest.raises(NotSent, match=state.value):
        await printer.print(job, 17)
    assert not model.busy
    assert model.printing == b""


async def test_a_mute_printer_is_sent_nothing(printer, model, job) -> None:
    model.mute = True
    assert await printer.state() is PrinterState.OFFLINE
    with pytest.raises(NotSent, match="silent"):
        await printer.print(job, 17)
    assert not model.busy
    assert model.printing == b""


async def test_a_stalled_printer_is_sent_nothing_that_it_could_print_later(printer, model, job) -> None:
    model.stalled = True
    with pytest.raises(NotSent):
        await printer.print(job, 17)
    model.stalled = False
    await asyncio.sleep(0.05)
    assert model.receipts == []
    assert model.printing == b""


async def test_nobody_there_is_not_sent(clock, job) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        printer = EscposTcpPrinter("127.0.0.1", free.getsockname()[1], clock)
        assert await printer.state() is PrinterState.OFFLINE
        with pytest.raises(NotSent, match="cannot be reached"):
            await printer.print(job, 17)


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 300, b"\x37" * 300, b""])
async def test_whoever_is_no_printer_is_sent_nothing(clock, job, greeting) -> None:
    heard = bytearray()

    async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(64))
        writer.write(greeting)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(stranger, "127.0.0.1", 0)
    async with server:
        printer = EscposTcpPrinter("127.0.0.1", server.sockets[0].getsockname()[1], clock)
        with pytest.raises(NotSent, match="status"):
            await printer.print(job, 17)
    assert bytes(heard) == tcp.ASK_STATUS


@pytest.mark.parametrize("number", [0, 10_000, -1])
async def test_a_job_has_a_number_of_four_digits(printer, job, number) -> None:
    with pytest.raises(ValueError, match="1 to 9999"):
        await printer.print(job, number)


# --- interrupted ------------------------------------------------------------------------------------------------------------------


async def test_paper_that_ends_in_the_job_interrupts_it_and_leaves_no_ghost(printer, model, job, words) -> None:
    model.paper_mm = 60
    assert await printer.print(job, 17) is PrintResult.INTERRUPTED
    torn = text(model.printing).splitlines()
    assert 0 < len(torn) < 40
    model.refill()
    assert await printer.print(build([words("the next driver")], 42), 18) is PrintResult.PRINTED
    assert [text(r).strip() for r in model.receipts[1:]] == ["the next driver"]


async def test_a_cover_opened_in_the_job_interrupts_it(printer, model, job) -> None:
    printing = asyncio.create_task(printer.print(job, 17))
    await _until(lambda: model.printing)
    model.cover_open = True
    assert await printing is PrintResult.INTERRUPTED
    model.cover_open = False
    await asyncio.sleep(0.05)
    assert not model.busy


async def test_a_jam_in_the_job_interrupts_it(printer, model, job) -> None:
    printing = asyncio.create_task(printer.print(job, 17))
    await _until(lambda: model.printing)
    model.jammed = True
    assert await printing is PrintResult.INTERRUPTED


async def test_a_clone_that_cannot_clear_is_still_reported_truly(printer, model, job) -> None:
    model.clears = False
    model.paper_mm = 60
    assert await printer.print(job, 17) is PrintResult.INTERRUPTED


async def test_paper_that_ends_behind_the_last_line_of_a_clone_is_no_print(printer, model, job) -> None:
    model.knows_process_ids = False
    model.paper_mm = 150  # 40 lines need it all; nothing is left for the cut
    assert await printer.print(job, 17) is PrintResult.INTERRUPTED


# --- no proof ---------------------------------------------------------------------------------------------------------------------


async def test_another_jobs_process_id_proves_nothing(printer, model, job, impatient) -> None:
    model.answers_with = b"0016"
    assert await printer.print(job, 17) is PrintResult.UNCONFIRMED


async def test_a_printer_that_falls_silent_in_the_job_leaves_it_unproven(printer, model, job, impatient) -> None:
    printing = asyncio.create_task(printer.print(job, 17))
    await _until(lambda: model.printing)
    model.mute = True
    assert await printing is PrintResult.UNCONFIRMED
    model.mute = False
    assert await printer.state() is PrinterState.READY


async def test_a_reset_in_the_job_leaves_it_unproven(printer, model, job) -> None:
    model.drop_after = len(tcp.ASK_STATUS) + len(job) // 2
    assert await printer.print(job, 17) is PrintResult.UNCONFIRMED


async def test_a_hang_up_before_the_job_is_not_sent(printer, model, job) -> None:
    model.drop_after = len(tcp.ASK_STATUS)
    with pytest.raises(NotSent):
        await printer.print(job, 17)


async def test_power_lost_after_the_bytes_were_taken_leaves_them_unproven(printer, server, model, job, impatient) -> None:
    printing = asyncio.create_task(printer.print(job, 17))
    await _until(lambda: model.printing)
    await server.power_off()
    assert await printing is PrintResult.UNCONFIRMED
    assert await printer.state() is PrinterState.OFFLINE
    await server.power_on()
    assert await printer.state() is PrinterState.READY
    assert not model.busy


async def test_a_job_given_up_in_the_middle_lets_go_of_the_printer(printer, model, job) -> None:
    printing = asyncio.create_task(printer.print(job, 17))
    await _until(lambda: model.printing)
    printing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await printing
    assert await printer.state() is PrinterState.READY


async def test_the_log_names_the_job_and_nothing_of_what_it_says(printer, model, job, caplog) -> None:
    model.paper_mm = 60
    with caplog.at_level(logging.DEBUG):
        await printer.print(job, 17)
    assert "0017" in caplog.text
    assert "line 0" not in caplog.text
