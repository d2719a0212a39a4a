"""`make live-million`: a million sales at random, each priced live as it goes on and again afterwards, run once without a difference.

First meters that are wrong on purpose are played until each is caught, so that silence means something. How far the series came is kept in
a file; a run that was broken off goes on there. Exit code 1 when a sale differed; the first such is cut down to the least that still does.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from live_play import MUTANTS, Player, told
from live_world import case_of

import kiosk

_CHUNK = 500
_CAUGHT_WITHIN = 2_000
_TOLD_EVERY_S = 10
_ROOMS = ("pricing", "metering", "session")


@dataclass
class Series:
    """What came of the first `done` cases of a seed. `differ` are the numbers of those that came out differently."""

    seed: int
    done: int = 0
    differ: list[int] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass(frozen=True)
class Chunk:
    seed: int
    first: int
    end: int


def played(chunk: Chunk) -> tuple[Chunk, list[int], Counter[str]]:
    """The numbers of the cases in a chunk that differ, and what was seen."""
    player = Player()
    differ = [number for number in range(chunk.first, chunk.end) if player.play(case_of(chunk.seed, number), number) is not None]
    return chunk, differ, player.seen


def caught(mutant: str, seed: int, within: int = _CAUGHT_WITHIN) -> int | None:
    """The number of the first case in which a wrong meter shows itself."""
    player = Player(MUTANTS[mutant])
    return next((number for number in range(within) if player.play(case_of(seed, number), number) is not None), None)


def least(seed: int, number: int, mutant: str | None = None) -> str:
    """A differing case cut down, in lines."""
    player = Player(MUTANTS[mutant]) if mutant else Player()
    return told(*player.least(case_of(seed, number)))


# --- keeping -------------------------------------------------------------------------------------------------------------------


def load(path: Path, seed: int) -> Series:
    """The series as far as it came. Raises `ValueError` when the file is another seed's, or another program's."""
    if not path.exists():
        return Series(seed)
    body = json.loads(path.read_text())
    if (body["program"], body["seed"]) != (_program(), seed):
        raise ValueError(f"{path} was kept for another seed or another state of the program: name another file, or delete it")
    return Series(seed, body["done"], body["differ"], Counter(body["seen"]), body["seconds"])


def save(path: Path, series: Series) -> None:
    body = {"program": _program(), **vars(series)}
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(body))
    new.replace(path)


def _program() -> str:
    """SHA-256 of all that decides how a case is drawn and priced."""
    root = Path(kiosk.__path__[0])
    paths = [path for room in _ROOMS for path in sorted((root / room).rglob("*.py"))]
    digest = sha256()
    for path in (*paths, root / "values.py", *sorted(Path(__file__).parent.glob("live_*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


# --- running -------------------------------------------------------------------------------------------------------------------


def run(series: Series, count: int, jobs: int, keep: Path | None) -> None:
    """Play the series on to `count` cases."""
    bounds = [*range(series.done, count, _CHUNK), count]
    began, before, last = time.monotonic(), series.seconds, 0.0
    start = series.done
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for chunk, differ, seen in pool.imap(played, [Chunk(series.seed, a, b) for a, b in pairwise(bounds)]):
            series.done = chunk.end
            series.differ += differ
            series.seen += seen
            passed = time.monotonic() - began
            series.seconds = before + passed
            if keep is not None:
                save(keep, series)
            if differ and len(series.differ) == len(differ):
                print(f"case {differ[0]} {least(series.seed, differ[0])}", flush=True)
            if passed - last >= _TOLD_EVERY_S or series.done == count:
                last = passed
                rate = (series.done - start) / passed
                print(
                    f"{series.done:>9} of {count} sales, {rate:.0f}/s, {series.done / count:.0%}, {len(series.differ)} differ", flush=True
                )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make live-million", description="The live price against the final one, sale after sale.")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="where the series keeps its place")
    parser.add_argument("--case", type=int, metavar="NUMBER", help="play this one only, and tell it whole")
    args = parser.parse_args(arguments)
    if args.case is not None:
        return _one(args.seed, args.case)
    try:
        series = load(args.keep, args.seed) if args.keep else Series(args.seed)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for mutant in MUTANTS:
        number = caught(mutant, args.seed)
        if number is None:
            print(f"a meter that is wrong on purpose ({mutant}) was not caught in {_CAUGHT_WITHIN} sales: this would prove nothing")
            return 1
        print(f"wrong on purpose: {mutant} caught at case {number}", flush=True)
    if series.done:
        print(f"goes on after {series.done} sales", flush=True)
    run(series, args.count, args.jobs, args.keep)
    for what, count in series.seen.most_common():
        print(f"{count:>9} {what}")
    verdict = f"{len(series.differ)} differ: {series.differ[:20]}" if series.differ else "no difference"
    print(f"{series.done} sales of seed {series.seed} in {series.seconds:.0f} s: {verdict}")
    return 1 if series.differ else 0


def _one(seed: int, number: int) -> int:
    case = case_of(seed, number)
    found = Player().play(case, number)
    print(told(case, found) if found else f"case {number} of seed {seed}: no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
