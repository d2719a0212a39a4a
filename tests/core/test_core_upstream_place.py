"""The operator's own system in its place in the kiosk: off when absent, apart from the sales, and understood by a stranger's software."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from upstream_bed import A, B, Line, line, until
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from hardware.simulated.csms_server import CsmsServer
from kiosk.__main__ import _tell_upstream, main
from kiosk.config.load import load_config
from kiosk.config.model import Config
from kiosk.core.clock import SystemClock
from kiosk.core.engine import Batch
from kiosk.core.parts import setup
from kiosk.core.upstream import Upstream, words
from kiosk.journal.entry import JournalFailed
from kiosk.journal.journal import Journal
from kiosk.journal.state import Mark
from kiosk.journal.thread import JournalThread
from kiosk.session import facts as f
from kiosk.session.inputs import Input, StopAsked
from kiosk.session.state import Kiosk, Session
from kiosk.values import SessionId

DEMO = Path(__file__).parents[2] / "assets" / "demo"
CONSUMER = "upstream E1"


def configured(folder: Path, url: str = "") -> Config:
    shutil.copytree(DEMO, folder, dirs_exist_ok=True)
    (folder / "secrets").mkdir(exist_ok=True)
    for name in ("terminal.passphrase", "terminal-root.pem", "acquirer.key", "webhook.key"):
        (folder / "secrets" / name).write_text("not a real secret\n")
        (folder / "secrets" / name).chmod(0o600)
    file = folder / "kiosk.toml"
    if url:
        file.write_text(f'{file.read_text()}\n[upstream]\nurl = "{url}"\nidentity = "E1"\n')
    return load_config(file)


@dataclass
class Place:
    """A kiosk that decides nothing; `told` is what it was asked to."""

    upstream: Upstream
    journal: JournalThread
    kiosk: Kiosk
    told: list[Input] = field(default_factory=list)


@asynccontextmanager
async def place(folder: Path, url: str = "", marks: tuple[Mark, ...] = ()) -> AsyncIterator[Place]:
    config = configured(folder, url)
    journal = JournalThread(Journal.open(folder / "journal.db"))
    if marks:
        await journal.advance(CONSUMER, 0, marks)
    now = SystemClock.real().now()
    clock = SystemClock.fast(400, now.mono_ns, now.utc_ms)

    one: Place | None = None

    async def tell(given: Input) -> Batch:
        assert one is not None
        one.told.append(given)
        return Batch((f.SessionClosed(now, SessionId("s")),) if len(one.told) == 1 else (), one.kiosk)

    kiosk = Kiosk(setup(config))
    upstream = Upstream(config, journal, lambda: one.kiosk if one else kiosk, tell, clock)
    one = Place(upstream, journal, kiosk)
    task = asyncio.create_task(one.upstream.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        one.upstream.close()
        await journal.close()


async def test_without_the_table_nothing_runs_and_nothing_is_written(tmp_path: Path) -> None:
    async with place(tmp_path) as one:
        await one.upstream.begin()
        one.upstream.look()
        assert await one.upstream.standing() is None
        assert await one.upstream.again() is None
        assert one.journal.groups == 0


async def test_what_is_remembered_wrongly_ends_no_kiosk_and_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = CsmsServer(SystemClock.real(), "E1")
    await server.start()
    wrong = Mark(CONSUMER, "runs kiosk-x", "not what was written")
    try:
        async with place(tmp_path, server.url, (Mark(CONSUMER, "begun", "1"), wrong)) as one:
            await one.upstream.begin()
            assert "cannot be found out yet" in caplog.text
            assert server.csms.said == []
            await one.journal.advance(CONSUMER, 0, [replace(wrong, value=None)])
            await until(lambda: "StatusNotification" in server.csms.actions, "the station")
    finally:
        await server.stop()


async def test_a_disk_that_takes_nothing_more_is_told_to_the_kiosk(tmp_path: Path) -> None:
    async with place(tmp_path, "ws://127.0.0.1:9/") as one:
        one.journal._journal._health.fail(sqlite3.OperationalError("disk I/O error"), tmp_path)
        with pytest.raises(JournalFailed):
            await one.upstream.begin()


async def test_only_a_running_sale_can_be_ended_from_there_and_as_the_operator_ends_it(tmp_path: Path) -> None:
    async with place(tmp_path, "ws://127.0.0.1:9/") as one:
        sale = SessionId("kiosk-1")
        assert await one.upstream._stop(sale) is False
        assert await one.upstream._stop("orphan-3") is False
        now = SystemClock.real().now()
        one.kiosk = replace(one.kiosk, sessions={sale: Session(sale, one.kiosk.setup.connectors[0].id, now)})
        assert await one.upstream._stop(sale) is True
        assert await one.upstream._stop(sale) is False  # nothing followed from it: it is being stopped already
        assert one.told == [StopAsked(sale, "operator")] * 2


async def test_how_it_stands_is_one_line_and_one_for_each_charge_that_is_not_as_it_should_be(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=1) as one:
        one.csms.refusals["StartTransaction"] = 1
        one.csms.verdict = "Invalid"
        await one.charge()
        await one.charge(connector=B)
        await one.told(1)
        await one.server.away()
        await one.begins()
        standing = await one.standing()
    told = {**json.loads(json.dumps(asdict(standing))), "since_s": 3, "oldest_s": 7}
    lines = words(told)
    assert lines[0].startswith(f"operator's system {one.server.url} as lindenhof-e0417: ")
    assert "; 1 messages wait, the oldest for 7 s; last error: " in lines[0]
    assert lines[1] == "set aside: charge kiosk-0001 from its StartTransaction: InternalError: not today"
    assert lines[2].startswith("charge kiosk-0002: ")
    assert "Invalid" in lines[2]
    calm = {**told, "waiting": 0, "error": "", "asides": [], "remarks": [], "state": "accepted"}
    assert words(calm) == [f"operator's system {one.server.url} as lindenhof-e0417: accepted for 3 s; nothing waits"]


def test_the_check_says_how_it_stands_and_what_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(tmp_path, "wss://csms.example/ocpp")
    file = tmp_path / "kiosk.toml"
    (tmp_path / "root.pem").write_text("no certificate\n")
    file.write_text(f'{file.read_text()}root_ca = "root.pem"\n')
    main(["check", "--config", str(file)])
    assert "upstream.root_ca: " in capsys.readouterr().out
    _tell_upstream(configured(tmp_path, "wss://csms.example/ocpp").path)
    assert capsys.readouterr().out == "operator's system wss://csms.example/ocpp as E1: not known, the kiosk does not run\n"


# --- strangers ----------------------------------------------------------------------------------------------------------------


class Central(ChargePoint):
    """The operator's side as the `ocpp` package has it: other framing, its own strict validation."""

    def __init__(self, name: str, connection: Any) -> None:
        super().__init__(name, connection, logger=logging.getLogger("tests.ocpp"))
        self.heard: list[tuple[str, dict[str, Any]]] = []

    @on("BootNotification")
    def boot(self, **given: Any) -> call_result.BootNotification:
        self.heard.append(("Boot", given))
        return call_result.BootNotification("2026-09-21T14:13:20Z", 300, "Accepted")

    @on("Heartbeat")
    def heartbeat(self) -> call_result.Heartbeat:
        return call_result.Heartbeat("2026-09-21T14:13:20Z")

    @on("StatusNotification")
    def status(self, **given: Any) -> call_result.StatusNotification:
        self.heard.append(("Status", given))
        return call_result.StatusNotification()

    @on("StartTransaction")
    def start_transaction(self, **given: Any) -> call_result.StartTransaction:
        self.heard.append(("Start", given))
        return call_result.StartTransaction(77, {"status": "Accepted"})

    @on("MeterValues")
    def values(self, **given: Any) -> call_result.MeterValues:
        self.heard.append(("Values", given))
        return call_result.MeterValues()

    @on("StopTransaction")
    def stop_transaction(self, **given: Any) -> call_result.StopTransaction:
        self.heard.append(("Stop", given))
        return call_result.StopTransaction()


async def serving(one: Line, handler: Callable[[ServerConnection], Coroutine[Any, Any, None]]) -> Any:
    """Somebody else is the operator's system from now on."""
    await one.down()
    server = await serve(handler, "127.0.0.1", 0, subprotocols=["ocpp1.6"])  # type: ignore[list-item]
    port = next(iter(server.sockets)).getsockname()[1]
    await one.up(url=f"ws://127.0.0.1:{port}/", tls=None, password=None)
    return server


async def test_another_program_understands_all_of_it(tmp_path: Path) -> None:
    centrals: list[Central] = []

    async def handler(socket: ServerConnection) -> None:
        centrals.append(Central("x", socket))
        try:
            await centrals[-1].start()
        except ConnectionClosed:
            return

    async with line(tmp_path) as one:
        server = await serving(one, handler)
        begin = one.register
        session = await one.begins(A)
        await one.noted(session)
        await until(lambda: centrals and [what for what, _ in centrals[0].heard].count("Values"), "a value")
        answer = await centrals[0].call(call.RemoteStopTransaction(77))
        assert answer.status == "Accepted"
        assert one.stopped == [session]
        answer = await centrals[0].call(call.GetConfiguration())
        assert {"key": "NumberOfConnectors", "readonly": True, "value": "2"} in answer.configuration_key
        assert (await centrals[0].call(call.RemoteStartTransaction("X"))).status == "Rejected"
        assert (await centrals[0].call(call.UnlockConnector(1))).status == "NotSupported"
        assert await centrals[0].call(call.UpdateFirmware("ftp://x.example/", "2026-09-21T14:13:20Z")) is None  # a CALLERROR
        await one.ends(session, begin)
        await until(lambda: "Stop" in [what for what, _ in centrals[0].heard], "the end")
        await one.calm()
        heard = [what for what, _ in centrals[0].heard]
        assert [what for what in heard if what != "Status"] == ["Boot", "Start", "Values", "Stop"]
        assert heard.count("Status") == 3
        (stop,) = [given for what, given in centrals[0].heard if what == "Stop"]
        assert (stop["transaction_id"], stop["reason"]) == (77, "EVDisconnected")
        await one.down()
        server.close()
        await server.wait_closed()


async def test_the_password_is_taken_to_no_other_address(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:9/lindenhof-e0417\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with line(tmp_path) as one:
        await one.down()
        server = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await one.up(url=f"ws://127.0.0.1:{port}/", tls=None)
        await until(lambda: asked, "the request")
        async with asyncio.timeout(8):
            while "302" not in (standing := await one.standing()).error:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        assert standing.state == "away"
        server.close()
        await server.wait_closed()
