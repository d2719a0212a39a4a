"""What systemd is told about the core: killed it is back at once, ended with an error it is not started in a hot loop."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from tree import texts

KILLED = ("signal", "core-dump", "watchdog", "oom-kill", "timeout")


def setting(name: str) -> str:
    (value,) = (
        line.partition("=")[2] for line in texts()["packaging/systemd/pilepay-core.service"].splitlines() if line.startswith(f"{name}=")
    )
    return value


def waits(result: str, folder: Path) -> float:
    """For how many seconds the command that systemd runs after such an end of the core (`$SERVICE_RESULT`, systemd.exec(5)) sleeps."""
    told = folder / "told"
    (folder / "sleep").write_text(f'#!/bin/sh\necho "$1" > {shlex.quote(str(told))}\n', encoding="ascii")
    (folder / "sleep").chmod(0o755)
    command = [word.replace("$$", "$") for word in shlex.split(setting("ExecStopPost"))]
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "SERVICE_RESULT": result}
    subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL, timeout=60)
    return float(told.read_text()) if told.exists() else 0


@pytest.mark.parametrize("result", [*KILLED, "success"])
def test_a_core_that_was_killed_or_hung_is_back_at_once(result: str, tmp_path: Path) -> None:
    assert setting("Restart") == "always"
    assert setting("RestartSec") == "200ms"
    assert waits(result, tmp_path) == 0


def test_a_core_that_ended_with_an_error_waits_before_the_next_try(tmp_path: Path) -> None:
    assert 3 <= waits("exit-code", tmp_path) <= int(setting("TimeoutStopSec")) / 2


def test_no_number_of_tries_is_the_last() -> None:
    assert setting("StartLimitIntervalSec") == "0"
