"""Whoever reads a command's output may have seen enough: the command then ends without a word, and says so in its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tree import ROOT

from kiosk import __main__ as command_line
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.values import Moment


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kiosk") / "journal.db"
    at = Moment(1_790_000_000_123, "boot-1", 5_000_000)
    with Journal.open(path, reserve_bytes=0) as journal:
        journal.append([Entry("kiosk", "Started", 1, at, b'{"sound":true}')] * 2_000)  # more than a pipe's buffer holds
    return path


@pytest.mark.parametrize(
    ("command", "unbuffered"),
    [("--help", ""), ("journal show {journal}", ""), ("journal show {journal}", "1"), ("journal verify {journal}", "")],
)
def test_a_command_whose_reader_has_left_ends_without_a_word(command: str, unbuffered: str, journal: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    asked = [sys.executable, "-m", "kiosk", *command.format(journal=journal).split()]
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with os.fdopen(write) as nobody:
        ended = subprocess.run(asked, cwd=ROOT, env=env, stdout=nobody, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert ended.stderr == ""
    assert ended.returncode == 141


def test_what_broke_elsewhere_is_not_taken_for_a_reader_who_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def peer_gone(_: list[str]) -> int:
        raise BrokenPipeError("the far end of a connection")

    monkeypatch.setattr(command_line, "_run", peer_gone)
    with pytest.raises(BrokenPipeError):
        command_line.main([])
