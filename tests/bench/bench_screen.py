"""How soon the screen shows a complete idle page, next to a bare QML window; and what both processes weigh after a sale.

The screen's clock starts with its process and stops with its acknowledgement of the first snapshot: prices drawn, frame on the glass. The
bare window is PySide6 and one rectangle. Runs alternate, so that both see the same machine.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bar import Bar

from hardware.simulated.far_ends import Bank, BankKeys
from kiosk.core.clock import SystemClock
from kiosk.protocol import Ack, Snapshot, decode, encode
from kiosk.simulation.house import House
from kiosk.simulation.relay import Person

RUNS = 5
_BARE = """
import sys
from PySide6.QtCore import QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtQuick import QQuickView
app = QGuiApplication([])
view = QQuickView()
view.resize(1280, 800)
view.frameSwapped.connect(lambda: (sys.stdout.write("drawn\\n"), sys.stdout.flush(), app.quit()))
view.setSource(QUrl.fromLocalFile(sys.argv[1]))
view.show()
app.exec()
"""
_ENV = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_QUICK_BACKEND": "software", "QT_QUICK_CONTROLS_STYLE": "Basic"}


def _bare(folder: Path) -> float:
    qml = folder / "bare.qml"
    qml.write_text('import QtQuick\nRectangle { color: "white"; Text { text: "0.49"; anchors.centerIn: parent } }\n')
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _BARE, str(qml)], env=_ENV, check=True, capture_output=True)
    return time.perf_counter() - began


async def _product(folder: Path, snapshot: Snapshot) -> float:
    drawn: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def core(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(encode(snapshot))
        while line := await reader.readline():
            if isinstance(decode(line), Ack) and not drawn.done():
                drawn.set_result(time.perf_counter())

    path = folder / "screen.socket"
    server = await asyncio.start_unix_server(core, path, limit=1 << 20)
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kiosk", "screen", "--socket", str(path), "--offscreen", env=_ENV, stderr=asyncio.subprocess.DEVNULL
    )
    seconds = await drawn - began
    process.terminate()
    await process.wait()
    server.close()
    path.unlink(missing_ok=True)
    return seconds


async def _weights(folder: Path) -> tuple[Snapshot, float, float]:
    """An idle page as core makes it, and the resident memory of both processes in MB after a whole sale."""
    now = SystemClock.real().now()
    clock = SystemClock.fast(20, now.mono_ns, now.utc_ms)
    bank = Bank(BankKeys.fresh("Bench"), clock)
    await bank.server.start()
    house = House(folder / "house", clock, bank)
    bank.server.set_webhook_targets(house.webhook_url)
    await house.start()
    person = Person(folder / "person.socket", house.socket)
    await person.start()
    screen = house.start_screen(("--offscreen",), socket=folder / "person.socket")
    idle = await person.sees(lambda s: s.page == "idle" and all(k.intent for k in s.connectors), "both plugs")
    await person.press("choose", letter="A")
    await person.press("accept")
    await person.page("pay")
    while not house.site.terminal.present_card("good"):  # noqa: ASYNC110 - a reader cannot be awaited
        await asyncio.sleep(0.05)
    await person.page("plug_in")
    house.site.pile.plug(1)
    await person.page("charging")
    house.site.pile.unplug(1)
    await person.sees(lambda s: bool(s.receipt_qr), "the receipt")
    while not house.site.printer_model.receipts:  # noqa: ASYNC110 - nor can paper
        await asyncio.sleep(0.05)
    weights = _megabytes(house.core.pid), _megabytes(screen.pid)
    await person.stop()
    await house.stop()
    await bank.server.stop()
    return idle, *weights


def _megabytes(pid: int | None) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    return int(kilobytes) / 1_024


def bars() -> Iterator[Bar]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        idle, core_mb, screen_mb = asyncio.run(_weights(folder))
        _bare(folder)
        asyncio.run(_product(folder, idle))  # both warm
        pairs = [(_bare(folder), asyncio.run(_product(folder, idle))) for _ in range(RUNS)]
    bare, product = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"first idle page {product:.2f} s, bare window {bare:.2f} s")
    yield Bar("first complete idle page, of a bare QML window", product / bare, 1.8)
    yield Bar("memory of core after a sale", core_mb, 120, "MB")
    yield Bar("memory of screen after a sale", screen_mb, 100, "MB")


if __name__ == "__main__":
    for bar in bars():
        print(*bar.row(), sep="  ")
