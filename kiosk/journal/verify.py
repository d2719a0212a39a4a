"""Prove that a journal is what it was, or name the first record that is not, and say what cannot be seen.

The chain finds an edited, removed, inserted or reordered entry unless every later hash was made anew; a signed
checkpoint finds that too, up to its size. What lies behind the last checkpoint that an outsider holds can be cut off
or replaced by whoever has the key and the files: the verdict says so.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

from kiosk.journal.checkpoint import PublicKey, Stated, parse
from kiosk.journal.entry import GENESIS, JournalError, Stored, entry_hash
from kiosk.journal.merkle import Frontier
from kiosk.journal.reader import CHUNK, Reader, SignedState

_PROGRESS = 4096


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong. `seq` is the entry it concerns.

    `code`: structure | unreadable | missing | unexpected | edited | broken_link | checkpoint_altered |
    foreign_signature | rewritten | cut_off
    """

    code: str
    seq: int
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`first` to `last` were read and their chain holds up to `bad`. `blind` lists, in sentences, what this check could not see."""

    bad: Finding | None
    first: int
    last: int
    checkpoints: int
    blind: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return self.bad is None


def verify(
    reader: Reader, *, from_checkpoint: bool = False, keys: tuple[PublicKey, ...] | None = None, stated: Stated | None = None
) -> Verdict:
    """Check the chain and every signed checkpoint in one go; see `verify_steps`."""
    steps = verify_steps(reader, from_checkpoint=from_checkpoint, keys=keys, stated=stated)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict


def verify_steps(
    reader: Reader, *, from_checkpoint: bool = False, keys: tuple[PublicKey, ...] | None = None, stated: Stated | None = None
) -> Generator[int, None, Verdict]:
    """Check piece by piece: yields the seq reached now and then, returns the verdict.

    `from_checkpoint` starts at the last but one checkpoint, so that the last one vouches for what is read; a kiosk
    does this at every start. `keys` are known from outside, otherwise those beside the journal are used. `stated` is
    a checkpoint from outside; with it all is read.
    """
    check = _Check(reader, keys, stated, from_checkpoint and stated is None)
    try:
        yield from check.run()
        bad = None
    except _Bad as found:
        bad = found.finding
    return Verdict(bad, check.first, check.frontier.size, check.confirmed, tuple(check.blind()))


class _Bad(Exception):
    def __init__(self, code: str, seq: int, detail: str) -> None:
        super().__init__(detail)
        self.finding = Finding(code, seq, detail)


class _Check:
    def __init__(self, reader: Reader, keys: tuple[PublicKey, ...] | None, stated: Stated | None, partial: bool) -> None:
        self._reader = reader
        self._given = keys is not None
        self._keys = keys or ()
        self._stated = stated
        self._partial = partial
        self._tip = GENESIS
        self.frontier = Frontier()
        self.first = 1
        self.confirmed = 0
        self._signed_to = 0

    def run(self) -> Generator[int, None, None]:
        if not self._given:
            self._keys = self._reader.keys()
        if not self._partial and (damage := self._reader.damage()):
            raise _Bad("structure", 0, f"SQLite finds the file damaged: {damage}")
        states = self._states()
        if self._partial:
            states = self._begin_at_last_but_one(states[-2:])
        waiting: Mapping[int, SignedState] = {state.size: state for state in states}
        asked = self._stated.size if self._stated is not None else 0
        self._at_size(waiting)
        for chunk in (CHUNK, 1):  # what a chunk cannot read is read again one by one, to name the record
            try:
                for stored in self._reader.read(self.frontier.size if self.frontier.size else -(1 << 63), chunk=chunk):
                    self._take(stored)
                    size = stored.seq
                    if size in waiting or size == asked:
                        self._at_size(waiting)
                    if size % _PROGRESS == 0:
                        yield size
                break
            except JournalError as error:
                if chunk == 1:
                    raise _Bad("unreadable", self.frontier.size + 1, str(error)) from error
        self._end(states)

    def _states(self) -> tuple[SignedState, ...]:
        try:
            return self._reader.checkpoints()
        except JournalError as error:
            raise _Bad("unreadable", 0, str(error)) from error

    def _begin_at_last_but_one(self, states: tuple[SignedState, ...]) -> tuple[SignedState, ...]:
        if len(states) < 2:
            return states
        start, last = states
        self.frontier = self._edge(start)
        self._signature(start, self.frontier.root())
        tip = self._reader.hash_at(start.size) if start.size else GENESIS
        if tip is None:
            raise _Bad("missing", start.size, f"entry {start.size} is missing, though it was signed: entries were removed or cut off")
        self._tip = tip
        self.first = start.size + 1
        return (last,)

    def _edge(self, state: SignedState) -> Frontier:
        try:
            return Frontier.parse(state.size, state.frontier)
        except JournalError as error:
            raise _Bad("checkpoint_altered", state.size, str(error)) from error

    def _take(self, stored: Stored) -> None:
        expected = self.frontier.size + 1
        if stored.seq > expected:
            raise _Bad("missing", expected, f"entry {expected} is missing: after {expected - 1} comes {stored.seq}")
        if stored.seq < expected:
            raise _Bad("unexpected", stored.seq, f"entry {stored.seq} stands before the first: it was put in by another program")
        if entry_hash(stored.seq, stored, stored.prev) != stored.hash:
            raise _Bad("edited", expected, f"entry {expected} was edited: its content does not have the hash stored with it")
        if stored.prev != self._tip:
            raise _Bad("broken_link", expected, f"entry {expected} does not follow entry {expected - 1}: one of them was replaced")
        self._tip = stored.hash
        self.frontier.append(stored.hash)

    def _at_size(self, waiting: Mapping[int, SignedState]) -> None:
        size = self.frontier.size
        if state := waiting.get(size):
            root = self.frontier.root()
            self._signature(state, root)
            if bytes(self.frontier) != state.frontier:
                raise _Bad("checkpoint_altered", size, f"the tree's edge stored with the checkpoint at {size} was altered")
        if self._stated is not None and self._stated.size == size:
            self._compare_stated(self._stated)

    def _signature(self, state: SignedState, root: bytes) -> None:
        try:
            checkpoint = parse(state.note)
        except JournalError as error:
            raise _Bad("checkpoint_altered", state.size, f"the checkpoint at {state.size} cannot be read: {error}") from error
        if not any(key.vouches_for(checkpoint) for key in self._keys):
            raise _Bad(
                "foreign_signature",
                state.size,
                f"the checkpoint at {state.size} was altered, or is signed by a key other than the one used here",
            )
        if checkpoint.size != state.size:
            raise _Bad("checkpoint_altered", state.size, f"the checkpoint kept for size {state.size} speaks of size {checkpoint.size}")
        if checkpoint.root != root:
            after = self._signed_to + 1
            raise _Bad(
                "rewritten", after, f"entries {after} to {state.size} were rewritten after the checkpoint at {state.size} was signed"
            )
        self._signed_to = state.size
        self.confirmed += 1

    def _compare_stated(self, stated: Stated) -> None:
        if stated.signed is not None and not any(key.vouches_for(stated.signed) for key in self._keys):
            raise _Bad(
                "foreign_signature",
                stated.size,
                "the given checkpoint is not signed by the key used here: it is another journal's, or forged",
            )
        if self.frontier.root()[: len(stated.root)] != stated.root:
            detail = f"the first {stated.size} entries do not have the given root: they were rewritten, or it is another journal's"
            raise _Bad("rewritten", min(self._signed_to + 1, stated.size), detail)

    def _end(self, states: tuple[SignedState, ...]) -> None:
        size = self.frontier.size
        beyond = [state.size for state in states if state.size > size]
        if beyond:
            raise _Bad("cut_off", size + 1, f"the journal ends at {size}, but {beyond[-1]} entries were signed: the rest was cut off")
        if self._stated is not None and self._stated.size > size:
            detail = (
                f"the journal ends at {size}, the given checkpoint has {self._stated.size} entries: cut off, or put back to an older copy"
            )
            raise _Bad("cut_off", size + 1, detail)

    def blind(self) -> Generator[str, None, None]:
        size = self.frontier.size
        if self.first > 1:
            yield f"Entries 1 to {self.first - 1} were not read."
        if not self._given:
            yield "No key was given, so the one beside the journal was used: whoever can write these files can sign them anew."
        if self._stated is None:
            yield (
                "No checkpoint was given: entries cut off at the end, an older copy put back, or rows forged with the journal's key"
                " look the same."
            )
        elif self._stated.size < size:
            yield (
                f"Behind the given checkpoint, from entry {self._stated.size + 1} on, entries cut off or forged with the journal's key"
                " look the same."
            )
        if self._signed_to < size:
            first = max(self._signed_to + 1, self.first)
            yield f"From entry {first} to {size} nothing is signed yet: entries made anew with fresh hashes look the same."
