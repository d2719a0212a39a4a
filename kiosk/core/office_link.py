"""The operator's way into a running core: a Unix socket (mode 0600), one JSON order a line, one JSON answer a line.

Whoever may open it is root or the kiosk's own user. A console for people with passwords comes on top of it, never beside it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from kiosk.core.office import OfficeError

log = logging.getLogger(__name__)

SOCKET = "office"  # beside the journal
_LARGEST = 64 * 1024
_PATIENCE_S = 60

Answer = Callable[[Mapping[str, object]], Awaitable[dict[str, Any]]]


class OfficeLink:
    """Listens at `path` and passes each order to `answer`."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self._path = path
        self._answer = answer
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._path))
        self._path.chmod(0o600)  # before anybody can connect
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=_LARGEST)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._obey(line), default=str).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError) as error:
            log.info("an operator's connection ended: %s", error)
        finally:
            writer.close()

    async def _obey(self, line: bytes) -> dict[str, Any]:
        try:
            order = json.loads(line)
        except (ValueError, RecursionError):
            order = None
        if not isinstance(order, dict):
            return {"error": "an order is one JSON object on one line"}
        try:
            answer = await self._answer(order)
        except OfficeError as error:
            return {"error": str(error)}
        log.info("an operator ordered %s", order.get("do"))
        return answer


def ask(path: Path, order: Mapping[str, object]) -> dict[str, Any]:
    """Send one order to the core that listens at `path`. Raises `OfficeError` when it is refused, or nobody listens or answers."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_PATIENCE_S)
        try:
            link.connect(str(path))
        except OSError as error:
            raise OfficeError(
                f"no running kiosk listens at {path} ({error}): is `pilepay core` up, and are you its user or root?"
            ) from error
        try:
            link.sendall(json.dumps(order).encode() + b"\n")
            with link.makefile("rb") as answers:
                answer = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            again = f"; repeat it with --command {order['command']}, and it is carried out once" if "command" in order else ""
            raise OfficeError(f"the kiosk at {path} took the order and did not answer ({error}): see its log{again}") from error
    if "error" in answer:
        raise OfficeError(str(answer["error"]))
    return dict(answer)
