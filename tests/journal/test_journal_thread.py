"""The journal on its own thread: durable answers, one commit for all that queued, in order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kiosk.journal.entry import Entry, JournalRefused
from kiosk.journal.journal import Journal
from kiosk.journal.state import Retry
from kiosk.journal.thread import JournalThread
from kiosk.values import Moment

AT = Moment(1_790_000_000_000, "boot-1", 5_000_000)


def entry(n: int, stream: str = "kiosk") -> Entry:
    return Entry(stream, "Tested", 1, AT, b'{"n":%d}' % n)


async def test_queued_batches_share_commits_and_keep_their_order(tmp_path: Path) -> None:
    thread = JournalThread(Journal.open(tmp_path / "journal.db"))
    seqs = await asyncio.gather(*(thread.append([entry(n), entry(n)]) for n in range(200)))
    assert seqs == list(range(2, 402, 2))
    assert thread.batches == 200
    assert thread.groups < 100
    with thread.reader() as reader:
        assert [s.body for s in reader.read()][::2] == [b'{"n":%d}' % n for n in range(200)]
    await thread.close()


async def test_a_refused_batch_does_not_harm_its_neighbours(tmp_path: Path) -> None:
    thread = JournalThread(Journal.open(tmp_path / "journal.db"))
    results = await asyncio.gather(
        thread.append([entry(1)]), thread.append([Entry("", "Tested", 1, AT, b"")]), thread.append([entry(2)]), return_exceptions=True
    )
    assert results[0] == 1
    assert isinstance(results[1], JournalRefused)
    assert results[2] == 2
    await thread.close()


async def test_a_cancelled_caller_does_not_take_its_entries_back(tmp_path: Path) -> None:
    thread = JournalThread(Journal.open(tmp_path / "journal.db"))
    waiting = asyncio.ensure_future(thread.append([entry(1)]))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await thread.append([entry(2)]) == 2
    await thread.close()


async def test_close_commits_what_is_queued_and_refuses_what_comes_after(tmp_path: Path) -> None:
    thread = JournalThread(Journal.open(tmp_path / "journal.db"))
    appends = []
    for n in range(20):
        appends.append(asyncio.ensure_future(thread.append([entry(n)])))
        asyncio.ensure_future(thread.position("printer"))  # noqa: RUF006 - keeps the appends from sharing one commit
    await asyncio.sleep(0)
    await thread.close()
    assert await asyncio.gather(*appends) == list(range(1, 21))
    with pytest.raises(JournalRefused, match="closed"):
        await thread.append([entry(1)])
    with Journal.open(tmp_path / "journal.db") as journal:
        assert journal.head == 20


async def test_evidence_effects_and_cursors_through_the_thread(tmp_path: Path) -> None:
    thread = JournalThread(Journal.open(tmp_path / "journal.db"))
    sealed = thread.seal(b"frame", until=10)
    await thread.append([entry(1)], evidence=[sealed], retries=[Retry("r", 1, 2, "", 3)])
    assert await thread.evidence(sealed.digest) == b"frame"
    await thread.append([entry(2)], retries=[Retry("s", 2, 4, "late", 5)], settled=["r"])
    await thread.advance("printer", 1)
    assert await thread.position("printer") == 1
    with pytest.raises(JournalRefused):
        await thread.advance("printer", 9)
    assert await thread.erase_expired(10) == 1
    assert await thread.evidence(sealed.digest) is None
    await thread.close()
    with Journal.open(tmp_path / "journal.db") as journal:
        assert journal.effects.all() == (Retry("s", 2, 4, "late", 5),)


async def test_serials_come_from_stock_and_are_never_repeated(tmp_path: Path) -> None:
    seen: list[int] = []
    for _ in range(2):
        thread = JournalThread(Journal.open(tmp_path / "journal.db"), serials=["transaction"])
        seen += [thread.serial("transaction") for _ in range(300)]
        assert thread.serial("service") % 128 == 1
        await thread.close()
    assert seen[:300] == list(range(1, 301))
    assert seen == sorted(set(seen))
