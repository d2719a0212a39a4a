"""How a kiosk comes up: the state its journal adds up to, in seconds whatever the journal's length, and how far it can be believed.

What was folded before is kept beside the journal (`kiosk.journal.fold`); a start folds only what lies behind it, and where nothing was kept
only what the state depends on. The slow proof, every entry read again, follows in the background (`kiosk.core.audit`). What that proof
finds wrong must outlive the process, so it stands in a small file of doubts, which only a later proof takes away.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from kiosk.core.audit import Audit
from kiosk.core.engine import replay
from kiosk.core.image import ImageError, fingerprint, restore
from kiosk.journal import files
from kiosk.journal.entry import Stored
from kiosk.journal.journal import Journal
from kiosk.session.behind import COUNTED, TURNS, needed
from kiosk.session.codec import KIOSK_STREAM, known
from kiosk.session.setup import Setup
from kiosk.session.state import Kiosk

log = logging.getLogger(__name__)

_LONG = 20_000  # entries, beyond which it pays to ask first what must be read


@dataclass(frozen=True, slots=True)
class Doubt:
    """`journal`: what a full proof found wrong with it. `fold`: the fingerprint under which a kept state was not what the entries add up
    to, so that none is used until the program or the connectors change. Empty: nothing."""

    journal: str = ""
    fold: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """The kiosk after entry `seq`, for which `folded` entries behind the state kept at `kept` were read, 0 when none was. `sound`: nothing
    speaks against the journal, so it may sell.

    `keeps`: a state may be kept for the next start, under `fingerprint`.
    """

    kiosk: Kiosk
    seq: int
    kept: int
    folded: int
    sound: bool
    keeps: bool
    fingerprint: str
    doubt: Doubt


@dataclass(frozen=True, slots=True)
class Judgement:
    """`doubt` is what the next start must know; `words` say what was found, empty when all is well; `ends`: this process must end, so that
    the next one starts from what is true."""

    doubt: Doubt
    words: str
    ends: bool


def start(journal: Journal, setup: Setup) -> Start:
    """The kiosk as its journal tells, checked as far as can be done at once.

    A journal that does not verify, or has entries that cannot be read, gives a kiosk that sells nothing new and settles what is open.
    """
    doubts = Doubts(journal.layout.doubt)
    doubt = doubts.read()
    verdict = journal.verify(from_checkpoint=True)
    if not verdict.sound:
        log.error("the journal does not verify: %s. Nothing new is sold; what is open is settled.", verdict.bad)
    if doubt.journal:
        log.error("the journal did not verify: %s. Nothing new is sold until it does; what is open is settled.", doubt.journal)
    mark = fingerprint(setup)
    doubted = doubt.fold == mark
    kiosk, after = _kept(journal, setup, mark) if not doubted else (Kiosk(setup), 0)
    read = count()
    entries = journal.read(after) if after or doubted else _needed(journal)
    kiosk, unread = replay(kiosk, (entry for entry, _ in zip(entries, read, strict=False)))
    for entry in unread:
        log.error("passed over %s", entry)
    sound = verdict.sound and not unread and not doubt.journal
    return Start(kiosk, journal.head, after, next(read), sound, not unread and not doubted, mark, doubt)


def _needed(journal: Journal) -> Iterator[Stored]:
    """Every entry that the state depends on. The proof in the background folds them all, and says so if that is not the same."""
    if journal.head < _LONG or not all(known(kind, version) for kind, version in journal.versions().items()):
        return journal.read()
    must = needed(journal.outline(sorted(TURNS)))
    return chain(journal.part(must.quiet, KIOSK_STREAM, sorted(COUNTED), must.alone), journal.read(must.quiet))


def _kept(journal: Journal, setup: Setup, mark: str) -> tuple[Kiosk, int]:
    fold = journal.find_fold(mark)
    if fold is not None:
        try:
            return restore(fold.state, setup), fold.seq
        except ImageError as error:
            log.error("The kept state is not used, and every entry is read again: %s", error)
    return Kiosk(setup), 0


def judge(found: Audit, begun: Start, *, first: bool) -> Judgement:
    """What follows from an audit: `first` since the start `begun`, or one of a later day."""
    doubt = Doubt(found.bad, begun.doubt.fold if found.agrees else begun.fingerprint)
    words = []
    if found.bad:
        words.append(f"the journal does not verify: {found.bad}")
    if not found.agrees:
        words.append("the entries do not add up to the state the kiosk runs on")
    if found.bad and begun.sound:
        return Judgement(doubt, "; ".join(words), ends=True)
    if not found.agrees:
        folded_all = first and begun.folded == begun.seq
        return Judgement(doubt, "; ".join(words), ends=not folded_all)  # nothing would be different after another such start
    if not found.bad and begun.doubt.journal:
        return Judgement(doubt, "the journal verifies again", ends=True)
    return Judgement(doubt, "; ".join(words), ends=False)


class Doubts:
    """The file of doubts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Doubt:
        """A file that cannot be read counts as a doubt about the journal: somebody wrote it for a reason."""
        try:
            told = json.loads(self._path.read_bytes())
            return Doubt(str(told["journal"]), str(told["fold"]))
        except FileNotFoundError:
            return Doubt()
        except (OSError, ValueError, KeyError, TypeError) as error:
            return Doubt(journal=f"{self._path} cannot be read ({error})")

    def write(self, doubt: Doubt) -> None:
        """Durable on return; no doubt leaves no file. Raises OSError."""
        if doubt == Doubt():
            self._path.unlink(missing_ok=True)
            return
        files.write_new(self._path, json.dumps({"journal": doubt.journal, "fold": doubt.fold}).encode(), files.SECRET_MODE)
