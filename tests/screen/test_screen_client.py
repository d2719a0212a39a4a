"""The line to core, against a real local server: greeting, acks, restarts, silence and nonsense."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalServer, QLocalSocket
from pytestqt.qtbot import QtBot
from samples import charging, idle, price

from kiosk.protocol import MAX_LINE, VERSION, Ack, Hello, Intent, Message, Result, Snapshot, decode, encode
from kiosk.screen import client as client_module
from kiosk.screen.app import Options, Screen
from kiosk.screen.client import Client
from kiosk.screen.stage import Panel


class Core:
    """The far end of the socket."""

    def __init__(self, path: Path, qtbot: QtBot) -> None:
        self.path = str(path)
        self._qtbot = qtbot
        self.heard: list[Message] = []
        self.greetings = 0
        self._lines: list[QLocalSocket] = []
        self._server = QLocalServer()
        self._server.newConnection.connect(self._greet)
        self.open()

    def open(self) -> None:
        QLocalServer.removeServer(self.path)
        assert self._server.listen(self.path), self._server.errorString()

    def close(self) -> None:
        self._server.close()
        for line in self._lines:
            line.abort()
        self._lines.clear()

    def say(self, *lines: bytes) -> None:
        for line in lines:
            self._lines[-1].write(line)
        self._lines[-1].flush()

    def hear(self, kind: type[Message], count: int = 1) -> Message:
        self._qtbot.waitUntil(lambda: len(self.all(kind)) >= count)
        return self.all(kind)[count - 1]

    def all(self, kind: type[Message]) -> list[Message]:
        return [m for m in self.heard if isinstance(m, kind)]

    def _greet(self) -> None:
        line = self._server.nextPendingConnection()
        self._lines.append(line)
        line.readyRead.connect(lambda: self._read(line))

    def _read(self, line: QLocalSocket) -> None:
        while line.canReadLine():
            self.heard.append(decode(line.readLine().data()))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "RETRY_MS", 20)
    monkeypatch.setattr(client_module, "AWAY_MS", 150)


@pytest.fixture
def core(tmp_path: Path, qtbot: QtBot) -> Iterator[Core]:
    far = Core(tmp_path / "core.sock", qtbot)
    yield far
    far.close()


@pytest.fixture
def line(core: Core, qtbot: QtBot) -> Iterator[Client]:
    client = Client(core.path, (217, 136), ("en", "de"))
    client.start()
    core.hear(Hello)
    yield client
    client.stop()


@pytest.fixture
def screen(core: Core) -> Iterator[Callable[[], Screen]]:
    made: list[Screen] = []

    def start() -> Screen:
        made.append(Screen(Options(core.path, Panel((800, 480), still=True))))
        made[0].start()
        return made[0]

    yield start
    for one in made:
        one.close()


def test_it_says_hello_with_its_glass_and_its_letters(line: Client, core: Core) -> None:
    assert core.hear(Hello) == Hello(VERSION, (217, 136), ("en", "de"))


def test_a_snapshot_is_acknowledged_after_its_frame(screen: Callable[[], Screen], core: Core) -> None:
    one = screen()
    core.hear(Hello)
    core.say(encode(replace(idle("en"), seq=7)))
    assert core.hear(Ack) == Ack(7)
    assert one.stage.shown.title == "Both plugs are free."


def test_an_unchanged_snapshot_is_acknowledged_too(screen: Callable[[], Screen], core: Core) -> None:
    screen()
    core.hear(Hello)
    for seq in (1, 2, 3):
        core.say(encode(replace(idle("en"), seq=seq)))
        assert core.hear(Ack, seq) == Ack(seq)


def test_a_wish_reaches_core_and_its_answer_frees_the_key(screen: Callable[[], Screen], core: Core, qtbot: QtBot) -> None:
    one = screen()
    core.hear(Hello)
    core.say(encode(replace(price("en"), seq=4, visit=9)))
    core.hear(Ack)
    qtbot.waitUntil(lambda: bool(one.stage.wish.open))
    one.stage.wish.send("pay", {})
    one.stage.wish.send("pay", {})
    wish = core.hear(Intent)
    assert isinstance(wish, Intent)
    assert (wish.kind, wish.visit, wish.seq, len(core.all(Intent))) == ("pay", 9, 4, 1)
    with qtbot.waitSignal(one.stage.wish.answered):
        core.say(encode(Result(wish.id, "done")))


def test_it_comes_back_when_core_does(screen: Callable[[], Screen], core: Core, qtbot: QtBot) -> None:
    one = screen()
    core.hear(Hello)
    core.say(encode(charging("en")))
    core.hear(Ack)
    core.close()
    qtbot.waitUntil(lambda: bool(one.stage.shown.away))
    assert one.stage.shown.sky.helpline == "0800 555 0417"
    core.open()
    core.hear(Hello, 2)
    core.say(encode(replace(charging("en"), seq=8)))
    core.hear(Ack, 2)
    assert not one.stage.shown.away
    assert one.stage.shown.page == "charging"


def test_without_core_from_the_start_it_says_so(tmp_path: Path, qtbot: QtBot) -> None:
    client = Client(str(tmp_path / "nobody.sock"), (1, 1), ())
    with qtbot.waitSignal(client.away):
        client.start()
    client.stop()


def test_a_short_absence_changes_no_page(line: Client, core: Core, qtbot: QtBot) -> None:
    gone: list[bool] = []
    line.away.connect(lambda: gone.append(True))
    core.close()
    core.open()
    core.hear(Hello, 2)
    with qtbot.waitSignal(line.shown):
        core.say(encode(idle("en")))
    qtbot.wait(200)
    assert gone == []


def test_a_silent_core_is_connected_to_again(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "SILENCE_MS", 60)
    client = Client(core.path, (1, 1), ())
    client.start()
    core.hear(Hello, 2)
    client.stop()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\n",
        b"{}\n",
        b"\xff\xfe\n",
        b"[1,2]\n",
        b'{"type":"Snapshot"}\n',
        encode(Ack(1)),
        encode(idle("en")).replace(b'"title":"Both plugs are free."', b'"title":5'),
        encode(idle("en")).replace(b'"buttons":[', b'"buttons":[7,'),
        encode(charging("en")).replace(b'"fact":360', b'"fact":"all"'),
        b"[" * 100_000 + b"\n",
        b"x" * (MAX_LINE + 5) + b"\n",
        b"x" * (3 * MAX_LINE) + b"\n",
    ],
    ids=lambda b: b[:24].decode("ascii", "replace") + f"({len(b)})",
)
def test_nonsense_is_dropped_with_a_word_and_the_line_lives(
    line: Client, core: Core, qtbot: QtBot, caplog: pytest.LogCaptureFixture, nonsense: bytes
) -> None:
    shown: list[Snapshot] = []
    line.shown.connect(shown.append)
    with caplog.at_level(logging.WARNING, "kiosk.screen"):
        core.say(nonsense, encode(idle("en")))
        qtbot.waitUntil(lambda: bool(shown))
    assert [s.title for s in shown] == ["Both plugs are free."]
    assert len([r for r in caplog.records if "dropped" in r.getMessage()]) == 1


def test_a_line_may_arrive_in_pieces(line: Client, core: Core, qtbot: QtBot) -> None:
    whole = encode(idle("de")) + encode(charging("de"))
    shown: list[Snapshot] = []
    line.shown.connect(shown.append)
    for i in range(0, len(whole), 700):
        core.say(whole[i : i + 700])
        qtbot.wait(1)
    qtbot.waitUntil(lambda: len(shown) == 2)
    assert [s.page for s in shown] == ["idle", "charging"]
