"""What all tests stand on: Qt without a display, a machine that looks the same everywhere, and no way out of it.

The environment is set here, before anything imports Qt, and is inherited by the processes that end-to-end tests start.
"""

from __future__ import annotations

import atexit
import ipaddress
import os
import shutil
import sys
import tempfile
from typing import Any

import pytest
from hypothesis import settings

_SCRATCH = tempfile.mkdtemp(prefix="pilepay-tests-")  # 0700, as Qt demands of a run-time directory
atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)

os.environ |= {
    "LC_ALL": "C.UTF-8",
    "QML_DISK_CACHE_PATH": f"{_SCRATCH}/qml",
    "QT_QPA_PLATFORM": "offscreen",
    "QT_QUICK_BACKEND": "software",
    "QT_QUICK_CONTROLS_STYLE": "Basic",
    "QT_SCALE_FACTOR": "1",
    "XDG_RUNTIME_DIR": _SCRATCH,
}
for _name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_LOGGING_RULES", "LANGUAGE"):
    os.environ.pop(_name, None)

# A slow machine is no failure; a failure prints what replays it.
settings.register_profile("pilepay", deadline=None, print_blob=True)
settings.load_profile("pilepay")


def _stay_on_this_machine(event: str, args: tuple[Any, ...]) -> None:
    if event not in {"socket.connect", "socket.sendto"}:
        return
    address = args[1]
    if not isinstance(address, tuple) or not isinstance(address[0], str) or address[0] in {"", "localhost"}:
        return
    try:
        ip = ipaddress.ip_address(address[0].partition("%")[0])
        if ip.is_loopback or ip.is_unspecified:
            return
    except ValueError:
        pass
    raise RuntimeError(f"a test tried to reach {address[0]!r}: tests talk to this machine only")


sys.addaudithook(_stay_on_this_machine)


@pytest.fixture(scope="session")
def qapp_cls() -> type:
    """The product uses no widgets, so neither do its tests."""
    from PySide6.QtGui import QGuiApplication  # noqa: PLC0415

    return QGuiApplication
