"""Plays the pile's side of a recording against a running kiosk.

    for connection in recording("microocpp-1.6-remote-start.jsonl"):
        async with RecordedPile(url, connection) as pile:
            await pile.play(sales=1)

What the pile said is said again, in order, each message after the answer to the one before. Remote starts and stops are cues: the player
waits until the kiosk sends its own, and answers as recorded. idTags and transaction ids are replaced by those of this kiosk. Whatever
else the kiosk asks is answered as this pile answered that action, or `NotSupported`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import connect

VECTORS = Path(__file__).parent.parent / "vectors" / "ocpp"

_CUES = ("RemoteStartTransaction", "RemoteStopTransaction")


@dataclass(frozen=True)
class Exchange:
    """One message of the pile, as sent, and the frame that answered it."""

    action: str
    payload: dict[str, Any]
    answer: list[Any]


def recording(name: str) -> list[list[dict[str, Any]]]:
    """The connections of a recording, each a list of its lines."""
    connections: list[list[dict[str, Any]]] = []
    for line in (VECTORS / name).read_text().splitlines():
        entry = json.loads(line)
        if entry["dir"] == "meta":
            if "path" in entry["info"]:
                connections.append([])
            continue
        connections[-1].append(entry)
    return connections


class RecordedPile:
    """One connection of a recording. `url` is complete, with the identity. `begins` moves every timestamp so that the first is then."""

    def __init__(
        self,
        url: str,
        lines: list[dict[str, Any]],
        *,
        begins: datetime | None = None,
        headers: Mapping[str, str] | None = None,
        ids: Mapping[str, str] | None = None,
        transactions: Mapping[int, int] | None = None,
    ) -> None:
        self.said: list[Exchange] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.tags: dict[str, str] = dict(ids or {})  # recorded idTag -> ours
        self.transactions: dict[int, int] = dict(transactions or {})  # recorded transactionId -> ours
        self._url, self._lines, self._headers = url, lines, dict(headers or {})
        self._shift = _shift(lines, begins)
        self._results = {e["frame"][1]: e["frame"][2] for e in lines if e["frame"][0] == 3}
        self._usual = {
            e["frame"][2]: self._results[e["frame"][1]]
            for e in lines
            if e["dir"] == "CSMS->CP" and e["frame"][0] == 2 and e["frame"][1] in self._results
        }
        self._ids = itertools.count(1)
        self._answers: dict[str, asyncio.Future[list[Any]]] = {}
        self._cues: dict[str, asyncio.Queue[list[Any]]] = {action: asyncio.Queue() for action in _CUES}

    async def __aenter__(self) -> Self:
        self._socket = await connect(self._url, subprotocols=["ocpp1.6"], additional_headers=self._headers, compression=None, proxy=None)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._socket.close()
        await self._reader

    async def play(self, *, sales: int | None = None) -> list[Exchange]:
        """Say everything, or everything before the remote start after the first `sales`."""
        starts = 0
        for entry in self._lines:
            kind, name, *rest = entry["frame"]
            if kind != 2:
                continue
            if entry["dir"] == "CP->CSMS":
                await self._say(name, rest[0], rest[1])
            elif rest[0] in _CUES:
                starts += rest[0] == "RemoteStartTransaction"
                if sales is not None and starts > sales:
                    break
                await self._await_cue(name, rest[0], rest[1])
        return self.said

    async def _say(self, recorded_id: str, action: str, payload: dict[str, Any]) -> None:
        payload = self._mapped(payload)
        name = f"r{next(self._ids)}.{recorded_id}"[:36]
        self._answers[name] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps([2, name, action, payload]))
        answer = await self._answers[name]
        self.said.append(Exchange(action, payload, answer))
        if action == "StartTransaction" and answer[0] == 3:
            self.transactions[self._results[recorded_id]["transactionId"]] = answer[2]["transactionId"]

    async def _await_cue(self, recorded_id: str, action: str, recorded: dict[str, Any]) -> None:
        call = await self._cues[action].get()
        if action == "RemoteStartTransaction":
            assert call[3]["connectorId"] == recorded["connectorId"], "the kiosk starts another connector than the recording"
            self.tags[recorded["idTag"]] = call[3]["idTag"]
        await self._socket.send(json.dumps([3, call[1], self._results[recorded_id]]))

    def _mapped(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: self._mapped(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self._mapped(v) for v in value]
        if key == "idTag":
            return self.tags.get(value, value)
        if key == "transactionId":
            return self.transactions.get(value, value)
        if key == "timestamp" and self._shift:
            return (datetime.fromisoformat(value) + self._shift).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return value

    async def _read(self) -> None:
        with contextlib.suppress(Exception):
            async for raw in self._socket:
                await self._take(json.loads(raw))
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the kiosk closed the connection"))

    async def _take(self, frame: list[Any]) -> None:
        if frame[0] in (3, 4):
            self._answers[frame[1]].set_result(frame)
            return
        self.asked.append((frame[2], frame[3]))
        if frame[2] in _CUES:
            self._cues[frame[2]].put_nowait(frame)
        elif frame[2] in self._usual:
            await self._socket.send(json.dumps([3, frame[1], self._usual[frame[2]]]))
        else:
            await self._socket.send(json.dumps([4, frame[1], "NotSupported", "", {}]))


def _shift(lines: list[dict[str, Any]], begins: datetime | None) -> timedelta:
    if begins is None:
        return timedelta(0)
    stamps = (e["frame"][3].get("timestamp") for e in lines if e["dir"] == "CP->CSMS" and e["frame"][0] == 2)
    return begins - datetime.fromisoformat(next(stamp for stamp in stamps if stamp))
