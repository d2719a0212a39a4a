"""The slow proof of a journal, in a process of its own that only uses time nobody else wants.

Every entry is read, its hash and every signed state are checked, and all facts are folded again from the first; the outcome is compared
with the state the kiosk runs on. At a million entries that takes the better part of a minute, which the loop must not feel: a thread would
share its interpreter. The process reads through a connection of its own, and ends when the kiosk does: its standard input is then at its
end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import select
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from kiosk.core.engine import replay
from kiosk.core.image import digest, restore_setup, setup_image
from kiosk.journal.entry import JournalError, Stored
from kiosk.journal.reader import Reader
from kiosk.journal.verify import Verdict, verify_steps
from kiosk.session.setup import Setup
from kiosk.session.state import Kiosk

log = logging.getLogger(__name__)

_LEAST_URGENT = 19
_PAUSE_EVERY = 4_096
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Audit:
    """`bad`: what is wrong with the journal, empty when it is whole. `agrees`: the entries add up to the state that was named."""

    entries: int
    bad: str
    agrees: bool


class AuditFailed(Exception):
    """The process came to no result: it was killed, or could not read. That says nothing about the journal."""


async def audit(journal: Path, setup: Setup, seq: int, state: str) -> Audit:
    """Prove the journal, and that its first `seq` entries fold to the state with the digest `state`. Raises `AuditFailed`."""
    # -P: only the installed program, whatever lies in the working directory
    command = (sys.executable, "-P", "-m", "kiosk.core.audit")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=_LONGEST_LINE)
    assert process.stdin is not None
    assert process.stdout is not None
    order = {"journal": str(journal), "setup": setup_image(setup).decode(), "seq": seq, "state": state}
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        told = json.loads(await process.stdout.readline() or b"null")
        if not isinstance(told, dict):
            raise AuditFailed(f"the audit ended without a result (exit code {await process.wait()})")
        return Audit(**told)
    except (OSError, ValueError, TypeError) as error:
        raise AuditFailed(f"the audit's result cannot be read: {error}") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


# --- the process ------------------------------------------------------------------------------------------------------------------


def prove(journal: Path, setup: Setup, seq: int, state: str, pause: Callable[[], None]) -> Audit:
    """What `audit` tells, here and now; `pause` is called every few thousand entries. Raises `JournalError`."""
    with Reader.open(journal) as reader:
        verdict = _verdict(reader, pause)
        kiosk, unread = replay(Kiosk(setup), _up_to(reader, seq, pause))
    bad = f"{verdict.bad.code} at entry {verdict.bad.seq}: {verdict.bad.detail}" if verdict.bad else ""
    return Audit(verdict.last, bad or (unread[0] if unread else ""), digest(kiosk) == state)


def _verdict(reader: Reader, pause: Callable[[], None]) -> Verdict:
    steps = verify_steps(reader)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict
        pause()


def _up_to(reader: Reader, seq: int, pause: Callable[[], None]) -> Iterator[Stored]:
    for stored in reader.read():
        if stored.seq > seq:
            return
        if stored.seq % _PAUSE_EVERY == 0:
            pause()
        yield stored


def _end_with_the_kiosk() -> None:
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    if readable and not sys.stdin.buffer.read(1):
        sys.exit(1)


def main() -> int:
    """Take one order from standard input, write one result to standard output."""
    os.nice(_LEAST_URGENT)
    order = json.loads(sys.stdin.buffer.readline())
    try:
        found = prove(Path(order["journal"]), restore_setup(order["setup"].encode()), order["seq"], order["state"], _end_with_the_kiosk)
    except JournalError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a program
        return 1
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
