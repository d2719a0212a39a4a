"""Coming up: from what was kept or from the first entry, the kiosk is the same; and what the slow proof finds outlives the process."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from time import process_time

import pytest

sys.path.append(str(Path(__file__).parent.parent / "journal"))

from many_sales import grow
from world import SETUP

from kiosk.core.audit import Audit, AuditFailed, audit
from kiosk.core.engine import replay
from kiosk.core.image import digest, image
from kiosk.core.start import Doubt, Doubts, Start, judge, start
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.session.requests import open_requests
from kiosk.session.state import Kiosk
from kiosk.values import Moment


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "journal.db"
    with Journal.open(path, reserve_bytes=0) as journal:
        grow(journal, 20_000, checkpoint_every=50)
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    for file in made.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "journal.key").chmod(0o600)
    return tmp_path / "journal.db"


def begin(path: Path, *, keep: bool = False) -> Start:
    with Journal.open(path, reserve_bytes=0) as journal:
        begun = start(journal, SETUP)
        if keep:
            journal.keep_fold(begun.seq, begun.fingerprint, image(begun.kiosk))
        return begun


def more(path: Path, count: int) -> None:
    with Journal.open(path, reserve_bytes=0) as journal:
        body = b'{"connector":"DE*LND*E0417*2","error":"","status":"available"}'
        journal.append([Entry("kiosk", "ConnectorReported", 1, Moment(n, "later", n), body) for n in range(count)])


def harm(path: Path, sql: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(sql)
    db.close()


def children_of(pid: int) -> list[str]:
    return [child for thread in Path(f"/proc/{pid}/task").iterdir() for child in (thread / "children").read_text().split()]


def runs(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


# --- the kept state -----------------------------------------------------------------------------------------------------------


def test_from_what_was_kept_only_the_rest_is_folded_and_the_kiosk_is_the_same(path: Path) -> None:
    first = begin(path, keep=True)
    assert first.folded < first.seq / 2
    assert first.kept == 0
    assert first.seq > 20_000
    with Journal.open(path, reserve_bytes=0) as journal:
        whole, unread = replay(Kiosk(SETUP), journal.read())
    assert not unread
    assert image(first.kiosk) == image(whole)
    more(path, 30)
    quick = begin(path)
    assert quick.folded == 30
    path.with_suffix(".fold").unlink()
    assert image(begin(path).kiosk) == image(quick.kiosk)
    assert [r.kind for r in open_requests(quick.kiosk)] == ["Modify"]
    assert quick.sound
    assert quick.keeps


def test_a_start_takes_a_fraction_of_the_time_that_reading_everything_takes(path: Path) -> None:
    with Journal.open(path, reserve_bytes=0) as journal:
        began = process_time()
        replay(Kiosk(SETUP), journal.read())
        whole = process_time() - began
    began = process_time()
    begin(path, keep=True)
    assert process_time() - began < whole / 2
    began = process_time()
    begin(path)
    assert process_time() - began < whole / 4


def test_other_connectors_fold_anew(path: Path) -> None:
    begin(path, keep=True)
    with Journal.open(path, reserve_bytes=0) as journal:
        begun = start(journal, replace(SETUP, connectors=SETUP.connectors[:1]))
    assert begun.kept == 0


def test_entries_that_cannot_be_read_are_not_folded_into_a_kept_state(path: Path) -> None:
    with Journal.open(path, reserve_bytes=0) as journal:
        journal.append([Entry("kiosk", "TeleportRequested", 1, Moment(0, "", 0), b"{}")])
    begun = begin(path)
    assert not begun.sound
    assert not begun.keeps


# --- the proof ----------------------------------------------------------------------------------------------------------------


async def test_a_process_of_its_own_proves_the_journal_and_the_state(path: Path) -> None:
    begun = begin(path, keep=True)
    more(path, 5)  # the kiosk went on meanwhile
    found = await audit(path, SETUP, begun.seq, digest(begun.kiosk))
    assert found == Audit(begun.seq + 5, "", agrees=True)
    assert not (await audit(path, SETUP, begun.seq - 1_000, digest(begun.kiosk))).agrees


async def test_it_finds_what_a_quick_start_does_not_look_at(path: Path) -> None:
    begun = begin(path, keep=True)
    harm(
        path,
        "UPDATE entries SET body = CAST(replace(body, '5000', '9000') AS BLOB) WHERE kind = 'PreauthorizationRequested' AND seq < 2000",
    )
    quick = begin(path)
    assert quick.sound
    assert image(quick.kiosk) == image(begun.kiosk)
    found = await audit(path, SETUP, quick.seq, digest(quick.kiosk))
    assert "was edited" in found.bad


async def test_without_a_journal_it_says_nothing_about_one(tmp_path: Path) -> None:
    with pytest.raises(AuditFailed):
        await audit(tmp_path / "none.db", SETUP, 1, "")


async def test_it_ends_with_the_kiosk(path: Path) -> None:
    program = (
        "import asyncio, sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path; from world import SETUP; from kiosk.core import audit\n"
        "async def main():\n"
        "    await audit.audit(Path(sys.argv[1]), SETUP, 1, '')\n"
        "asyncio.run(main())"
    )
    session = str(Path(__file__).parent.parent / "session")
    kiosk = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(path), session, start_new_session=True)
    async with asyncio.timeout(30):
        while not (children := children_of(kiosk.pid)):  # noqa: ASYNC110 - nobody tells of a process that is not ours
            await asyncio.sleep(0.002)
    kiosk.send_signal(signal.SIGKILL)
    await kiosk.wait()
    async with asyncio.timeout(30):
        while any(map(runs, children)):  # noqa: ASYNC110 - nobody tells of a process that is not ours
            await asyncio.sleep(0.02)


# --- what follows from it -----------------------------------------------------------------------------------------------------

MARK = "mark"
QUICK = Start(Kiosk(SETUP), 100, 97, 3, sound=True, keeps=True, fingerprint=MARK, doubt=Doubt())
WHOLE = Start(Kiosk(SETUP), 100, 0, 100, sound=True, keeps=True, fingerprint=MARK, doubt=Doubt())
DOUBTED = Start(Kiosk(SETUP), 100, 97, 3, sound=False, keeps=True, fingerprint=MARK, doubt=Doubt("entry 3 was edited"))


def test_a_whole_journal_leaves_no_doubt() -> None:
    judgement = judge(Audit(100, "", agrees=True), QUICK, first=True)
    assert (judgement.doubt, judgement.words, judgement.ends) == (Doubt(), "", False)


def test_a_journal_that_does_not_verify_ends_the_process_once() -> None:
    bad = Audit(100, "entry 3 was edited", agrees=True)
    judgement = judge(bad, QUICK, first=True)
    assert judgement.ends
    assert judgement.doubt == Doubt("entry 3 was edited")
    assert not judge(bad, DOUBTED, first=True).ends


def test_a_state_that_does_not_agree_is_never_started_from_again() -> None:
    judgement = judge(Audit(100, "", agrees=False), QUICK, first=True)
    assert judgement.ends
    assert judgement.doubt == Doubt(fold=MARK)
    part = replace(QUICK, kept=0)  # not all was read, so the next one comes up otherwise
    assert judge(Audit(100, "", agrees=False), part, first=True).ends
    assert not judge(Audit(100, "", agrees=False), WHOLE, first=True).ends  # it would come up just the same
    assert judge(Audit(100, "", agrees=False), WHOLE, first=False).ends


def test_a_journal_that_was_restored_sells_again() -> None:
    judgement = judge(Audit(100, "", agrees=True), DOUBTED, first=True)
    assert judgement.ends
    assert judgement.doubt == Doubt()


def test_a_doubt_outlives_the_process_and_stops_sales(path: Path) -> None:
    begin(path, keep=True)
    doubts = Doubts(path.with_suffix(".doubt"))
    doubts.write(Doubt(journal="entry 3 was edited"))
    assert not begin(path).sound
    begun = begin(path)
    doubts.write(Doubt(fold=begun.fingerprint))
    begun = begin(path)
    assert begun.sound
    assert begun.folded == begun.seq
    assert not begun.keeps
    doubts.write(Doubt())
    assert not path.with_suffix(".doubt").exists()
    assert begin(path).folded == 0
    path.with_suffix(".doubt").write_bytes(b"\x00")
    assert not begin(path).sound


def test_the_kept_state_and_all_entries_fold_alike(path: Path) -> None:
    begun = begin(path, keep=True)
    with Journal.open(path, reserve_bytes=0) as journal:
        whole, unread = replay(Kiosk(SETUP), journal.read())
    assert unread == ()
    assert digest(whole) == digest(begun.kiosk)
