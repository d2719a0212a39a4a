"""Runs a program under the recorder and checks that the recorder saw everything that reached the disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from crash_disk import Disk, Image, Step, read_steps
from crash_marks import states_of

_HERE = Path(__file__).parent
_PATHS = (_HERE, _HERE.parent / "session", _HERE.parent.parent)


@dataclass(frozen=True)
class Recording:
    """One run: the disk it began with, its steps, and the fingerprints of the states it went through."""

    name: str
    root: Path
    before: Image
    steps: list[Step]
    states: Mapping[int, str]
    last: Image  # the disk it ended with


@cache
def recorder(directory: Path) -> Path:
    """The recorder, built in `directory`."""
    library = directory / "recorder.so"
    source = _HERE / "recorder.c"
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    built = subprocess.run(["gcc", *flags, "-o", library, source, "-ldl", "-pthread"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, f"the recorder needs gcc and the C library's headers: {built.stderr}"
    return library


def record(program: str, directory: Path, *arguments: str, before: Image | None = None) -> Recording:
    """Run `program` (a file beside this one) on a new journal, or on the disk `before`, with `arguments`, and write down what it does."""
    root, log = directory / "disk", directory / "log"
    root.mkdir(parents=True)
    for name, content in (before or {}).items():
        (root / name).write_bytes(content)
    environment = {
        **os.environ,
        "LD_PRELOAD": str(recorder(directory.parent)),
        "RECORDER_ROOT": str(root),
        "RECORDER_LOG": str(log),
        "PYTHONPATH": os.pathsep.join(map(str, _PATHS)),
        "PYTHONHASHSEED": "0",
    }
    command = [sys.executable, str(_HERE / program), str(root / "journal.db"), *arguments]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=110)
    assert run.returncode == 0, f"{program} {arguments}: {run.stderr}"
    steps = read_steps(log)
    disk = Disk(root, before)
    for step in steps:
        disk.do(step)
    found = {path.name: path.read_bytes() for path in root.iterdir() if not path.name.endswith("-shm")}
    written = {name: content for name, content in disk.written.items() if not name.endswith("-shm")}
    missed = sorted(name for name in written | found if written.get(name) != found.get(name))
    assert not missed, f"the recorder did not see all that was written to {missed}"
    return Recording(" ".join((program.removesuffix(".py"), *arguments)), root, before or {}, steps, states_of(steps), found)
