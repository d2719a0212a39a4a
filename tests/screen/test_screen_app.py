"""The process: its options, its pictures, its end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtNetwork import QLocalServer
from pytestqt.qtbot import QtBot
from samples import charging, idle

from kiosk.protocol import encode
from kiosk.screen import lint
from kiosk.screen.app import options
from kiosk.screen.shots import Shots
from kiosk.screen.stage import Stage, shoot


def test_options_have_a_panel() -> None:
    asked = options(["--socket", "s", "--size", "800x480", "--panel-mm", "152x91", "--night", "--shots", "pictures"])
    assert (asked.socket, asked.panel.px, asked.panel.size_mm, asked.panel.night) == ("s", (800, 480), (152, 91), True)
    assert asked.panel.px_per_mm == pytest.approx(5.26, abs=0.01)
    assert asked.shots == Path("pictures")


@pytest.mark.parametrize("wrong", [[], ["--socket", "s", "--size", "big"], ["--socket", "s", "--unknown"]])
def test_wrong_use_ends_with_two(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        options(wrong)
    assert end.value.code == 2


def test_one_snapshot_becomes_one_picture(qapp: QGuiApplication, tmp_path: Path) -> None:
    shoot(charging("en"), (800, 480), tmp_path / "a.png")
    shoot(charging("en"), (800, 480), tmp_path / "b.png")
    one, other = QImage(str(tmp_path / "a.png")), QImage(str(tmp_path / "b.png"))
    assert (one.width(), one.height()) == (800, 480)
    assert one == other
    assert one.pixelColor(400, 60).name().upper() == "#DCEFE3"


def test_a_tour_gets_a_picture_of_every_page_however_short(stage: Stage, tmp_path: Path) -> None:
    shots = Shots(stage, tmp_path)
    for snapshot in (idle("en"), charging("en"), charging("de")):
        shots.before(snapshot)
        stage.show(snapshot)
    shots.flush()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["01-idle-en.png", "02-charging-en.png", "03-charging-de.png"]


def test_the_process_draws_what_core_says_and_ends_when_told(tmp_path: Path, qtbot: QtBot) -> None:
    server = QLocalServer()
    assert server.listen(str(tmp_path / "core.sock"))
    lines = []
    server.newConnection.connect(lambda: lines.append(server.nextPendingConnection()))
    program = "import sys; from kiosk.screen.app import run; sys.exit(run(sys.argv[1:]))"
    asked = ["--socket", str(tmp_path / "core.sock"), "--size", "800x480", "--offscreen", "--shots", str(tmp_path / "shots")]
    with subprocess.Popen([sys.executable, "-c", program, *asked], env={**os.environ}) as process:
        qtbot.waitUntil(lambda: bool(lines), timeout=8000)
        lines[0].write(encode(idle("de")))
        heard = bytearray()
        lines[0].readyRead.connect(lambda: heard.extend(lines[0].readAll().data()))
        qtbot.waitUntil(lambda: b'"Ack"' in heard, timeout=5000)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert [f.name for f in (tmp_path / "shots").iterdir()] == ["01-idle-de.png"]
    server.close()


def test_all_qml_agrees_with_the_types_python_gives_it() -> None:
    assert lint.main() == 0
