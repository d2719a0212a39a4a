"""Before a proof that failed is believed: whether all that is wrong is what somebody typed or handed in.

The short form of a checkpoint, as a receipt has it, carries no checksum, and a key may be another kiosk's. Both look like fraud, so whoever
verifies is told where to look first. That is no verdict: what does not match does not match.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kiosk.journal.bundle import BundleVerdict, verify_bundle
from kiosk.journal.checkpoint import Checkpoint, PublicKey, Stated, parse, short
from kiosk.journal.entry import JournalError
from kiosk.journal.files import Layout
from kiosk.journal.reader import Reader
from kiosk.journal.verify import Verdict, verify

_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")  # base32 (RFC 4648, section 6)
_LENGTH = 16
_COMPARED = ("rewritten", "cut_off", "foreign_signature")  # what a checkpoint or a key from outside can bring to light
_FEW = 4  # letters that a hand gets wrong; those of a journal that was rewritten agree once in 32


@dataclass(frozen=True, slots=True)
class Look:
    """Sentences: `first` to be read before the finding, `also` behind it."""

    first: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.first or self.also)


def misspelt(text: str) -> str:
    """Why what was meant as the short form of a checkpoint cannot be one; empty where it was meant as something else."""
    size, _, rest = text.strip().partition("-")
    letters = rest.replace("-", "").replace(" ", "").upper()
    if not size.isdigit() or not letters or "\n" in letters:
        return ""
    if strange := sorted(set(letters) - _ALPHABET):
        return f". No checkpoint has {', '.join(map(repr, strange))}: look at the paper again, its letters are A to Z and 2 to 7"
    return f". It has {len(letters)} letters behind the number, a checkpoint has {_LENGTH}: look at the paper again"


def look_at_journal(
    reader: Reader, verdict: Verdict, keys: tuple[PublicKey, ...] | None, stated: Stated | None, say: Callable[[str], object]
) -> Look:
    """What to look at where `verdict` of a journal is bad; `keys` and `stated` are what was handed in. May read the journal again, up to
    twice, which takes as long as the verdict did: `say` is told so each time."""
    if verdict.bad is None or verdict.bad.code not in _COMPARED:
        return Look()
    beside = _beside(reader)
    if stated is not None and _by_hand(stated, keys or beside):
        say(_once_more(reader, "all else holds without the given checkpoint"))
        if verify(reader, keys=keys).sound:
            return Look((_no_match(stated), *_slips(stated, reader)))
    if keys and beside and verdict.bad.code == "foreign_signature":
        say(_once_more(reader, "all holds by the key beside the journal"))
        if verify(reader, keys=beside, stated=stated).sound:
            return Look(also=_other_key(beside))
    return Look()


def _once_more(reader: Reader, whether: str) -> str:
    return f"Something does not agree. All {reader.head()} entries are read once more, to see whether {whether}.\n"


def look_at_bundle(path: Path, verdict: BundleVerdict, keys: tuple[PublicKey, ...] | None, stated: Stated | None) -> Look:
    """The same for the bundle of one sale."""
    if verdict.bad is None:
        return Look()
    if stated is not None and _by_hand(stated, verdict.keys) and verify_bundle(path, keys=keys).sound:
        return Look((_no_match(stated),))
    if keys and verdict.bad.code == "foreign_signature" and (own := verify_bundle(path, stated=stated)).sound:
        return Look(also=_other_key(own.keys))
    return Look()


def look_at_own_key(journal: Path, verdict: BundleVerdict) -> Look:
    """The same for a bundle that was just made from `journal`, with the key beside it."""
    if verdict.bad is None or verdict.bad.code != "foreign_signature":
        return Look()
    public = Layout(journal).public
    return Look(also=(f"The key used is the one in {public}: either that is another kiosk's, or somebody signed the journal anew.",))


def _beside(reader: Reader) -> tuple[PublicKey, ...]:
    try:
        return reader.keys()
    except JournalError:  # a copy without its key, verified with one that was handed in
        return ()


def _by_hand(stated: Stated, keys: tuple[PublicKey, ...]) -> bool:
    """Whether a slip of a hand can be all that is wrong: not in a signed note whose signature holds."""
    return stated.signed is None or not any(key.vouches_for(stated.signed) for key in keys)


def _no_match(stated: Stated) -> str:
    where = "the paper" if stated.signed is None else "where it comes from"
    return f"The given checkpoint does not match. First compare it with {where}, character by character: all else holds."


def _slips(stated: Stated, reader: Reader) -> tuple[str, ...]:
    """What this journal did sign that comes near, so that whoever holds the paper knows where to look."""
    signed = {state.size: parse(state.note) for state in reader.checkpoints()}
    for size, checkpoint in signed.items():
        if size != stated.size and checkpoint.root.startswith(stated.root):
            return (f"Its letters are those that this journal signed for {size} entries: look at the number {stated.size}.",)
    if stated.size not in signed:
        return (f"This journal keeps no signed state of {stated.size} entries: look at the number.",)
    if stated.signed is not None:
        return ()
    pairs = zip(_letters(stated.root), _letters(signed[stated.size].root), strict=True)
    wrong = [str(place) for place, (given, right) in enumerate(pairs, 1) if given != right]
    if len(wrong) > _FEW:
        return ()
    return (f"Of its {_LENGTH} letters all but number {', '.join(wrong)} are those that this journal signed for {stated.size} entries.",)


def _letters(root: bytes) -> str:
    return short(Checkpoint("", 0, root, "")).replace("-", "")[1:]


def _other_key(own: tuple[PublicKey, ...]) -> tuple[str, ...]:
    keys = ", ".join(map(str, own))
    return (f"Its own key signed all of it ({keys}): either the given key is another kiosk's, or somebody signed all of it anew.",)
