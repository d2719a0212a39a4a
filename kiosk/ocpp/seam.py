"""What core lends the OCPP room and what it gets back: the piles it serves, one call per thing that happened, answers to commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from kiosk.session.inputs import Input
from kiosk.values import Digest, Moment


class OcppError(Exception):
    """The OCPP room cannot do what it was asked: wrong configuration, or a request that breaks the standard."""


@dataclass(frozen=True, slots=True)
class PileSettings:
    """One controller, as the installer described it. `identity` is the last segment of the URL it connects to.

    `password` is the Basic password as text, or as hex of its bytes: a pile may send either form. `certificate_name` is the CN its client
    certificate must have, `identity` when empty; it counts only where client certificates are asked for. A pile that answers no pings has
    `ping_interval_s` None. `plug_in_s` is how long it waits for a plug after a start, `sample_s` how often it reports its meter. With
    `signed` the signed values of its meter are kept and told.
    """

    identity: str
    connectors: int = 1
    password: str | None = field(default=None, repr=False)
    certificate_name: str = ""
    ping_interval_s: float | None = 20.0
    ping_timeout_s: float | None = 20.0
    heartbeat_s: int = 300
    sample_s: int = 5
    plug_in_s: int = 120
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pile said to a command. `code` is `accepted`, `rejected`, `not_supported`, `failed` or `error`; `detail` its own words."""

    accepted: bool
    code: str = "accepted"
    detail: str = ""

    def __bool__(self) -> bool:
        return self.accepted


class Wanted(Enum):
    """What a pile can be asked to report again."""

    STATUS = "status"
    METER = "meter"
    BOOT = "boot"


@dataclass(frozen=True, slots=True)
class Reply:
    """Core's answer to one input. `transaction` is the id of a `TxStarted`, orphans included; empty otherwise."""

    transaction: int | None = None


Tell = Callable[[Input], Awaitable[Reply]]
"""Journals the input and returns after the commit. Raising means that nothing was kept: the pile is not answered and sends it again."""

Evidence = Callable[[bytes], Awaitable[Digest]]
"""Keeps the raw frame of a transaction message, or a signed meter value in it. Raising means the same as for `Tell`."""

KnownTag = Callable[[str], bool]
"""Whether an idTag belongs to a sale of ours that may charge."""


class Clock(Protocol):
    """Time for waits; the product's clock has this shape."""

    def now(self) -> Moment: ...

    async def sleep(self, seconds: float) -> None: ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Like `asyncio.timeout`: raises `TimeoutError` when the block takes longer."""
        ...
