"""Kiosks with a bug in what is kept, when it is kept, and by which clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kiosk.core.effects import Effects
from kiosk.core.engine import Batch, Engine
from kiosk.core.kernel import Kernel, SealedFor, Taken
from kiosk.core.performers import Performers
from kiosk.journal.entry import JournalFailed
from kiosk.journal.state import Retry, Write
from kiosk.session.facts import Fact
from kiosk.session.inputs import Input
from kiosk.session.recall import Recalled
from kiosk.session.state import Kiosk
from kiosk.simulation.coroutines import Waiting
from kiosk.simulation.life import Disk, Fitting, Life, Performer
from kiosk.simulation.medium import JournalInMemory
from kiosk.simulation.mutant_wrappers import NoPaperYet
from kiosk.values import Moment

_HASTY_MS = 400


class SkipIntent(Fitting):
    """What is decided is done at once, before it is on the disk."""

    def performer(self, performers: Performers) -> Performer:
        return NoPaperYet(performers)

    def kernel(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> Kernel:
        return _EagerKernel(engine, effects, sealed_for)

    def disk(self, life: Life) -> Disk:
        return _EagerDisk(life)


class _EagerKernel(Kernel):
    def acting_on(self) -> Kiosk:
        return self.engine.head


class _EagerDisk(Disk):
    def append(self, taken: Taken) -> Waiting[Batch]:
        self._life.later(0, self._life.look)
        return super().append(taken)


class AcknowledgeBeforeCommit(Fitting):
    """Everybody is answered at once, and the disk follows when it can."""

    def performer(self, performers: Performers) -> Performer:
        return NoPaperYet(performers)

    def disk(self, life: Life) -> Disk:
        return _HastyDisk(life)


class _HastyDisk(Disk):
    def append(self, taken: Taken) -> Waiting[Batch]:
        life, batch = self._life, taken.batch
        promised: Waiting[Batch] = Waiting(life.clockwork)
        if not self._queue:
            life.later(_HASTY_MS, self.flush)
        self._queue.append((taken, promised))
        life.kernel.kept(batch)
        promised.resolve(batch)
        life.later(0, lambda: life.changed(list(batch.facts)))
        return promised


class SynchronousNormal(Fitting):
    """The disk says yes before it has written, and a power cut takes the last seconds with it."""

    def performer(self, performers: Performers) -> Performer:
        return NoPaperYet(performers)

    def disk(self, life: Life) -> Disk:
        return _ForgetfulDisk(life)


class _ForgetfulDisk(Disk):
    _SYNCED_MS = 3_000

    def __init__(self, life: Life) -> None:
        super().__init__(life)
        journal = life.journal
        assert isinstance(journal, JournalInMemory)
        self._medium = journal.medium
        self._synced: bytes | None = None
        self._medium.power_cut = self._forget

    def flush(self) -> None:
        if self._synced is None:
            self._synced = self._medium.journal.serialize()
            self._life.later(self._SYNCED_MS, self._sync)
        super().flush()

    def _sync(self) -> None:
        self._synced = None

    def _forget(self) -> None:
        if self._synced is not None:
            self._medium.lose(self._synced)


class WriteErrorsIgnored(Fitting):
    """A commit that failed is taken for one that did not."""

    def performer(self, performers: Performers) -> Performer:
        return NoPaperYet(performers)

    def disk(self, life: Life) -> Disk:
        return _DeafDisk(life)


class _DeafDisk(Disk):
    def _written(self, writes: list[Write], facts: list[Fact]) -> bool:
        try:
            return super()._written(writes, facts) if not self._full() else True
        except JournalFailed:
            return True

    def _full(self) -> bool:
        journal = self._life.journal
        return isinstance(journal, JournalInMemory) and journal.medium.read_only


class NumbersReused(Fitting):
    """Every third receipt, and every third credit note, gets the number of the one before it."""

    def kernel(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> Kernel:
        return _ForgetfulKernel(engine, effects, sealed_for)


class _ForgetfulKernel(Kernel):
    def take(self, given: Input | Recalled, at: Moment, retries: Sequence[Retry] = (), settled: Sequence[str] = ()) -> Taken:
        head = self.engine.head
        if head.receipts % 3 == 2:
            self.engine.head = replace(head, receipts=head.receipts - 1)
        return super().take(given, at, retries, settled)


class TrustTheWallClock(Fitting):
    """Time is what the wall clock says, whoever sets it."""

    def kernel(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> Kernel:
        return _WallKernel(engine, effects, sealed_for)


class _WallKernel(Kernel):
    def take(self, given: Input | Recalled, at: Moment, retries: Sequence[Retry] = (), settled: Sequence[str] = ()) -> Taken:
        return super().take(given, Moment(at.utc_ms, "wall", at.utc_ms * 1_000_000), retries, settled)
