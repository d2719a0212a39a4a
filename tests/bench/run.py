"""Measure every promise that has a number, and print them side by side: `make bench`.

Each `bench_*.py` beside this file runs in a process of its own, so that none pays for the memory or the imports of another. A module
has `bars() -> Iterable[Bar]`; one that measures something else has a `main()` that prints. Names on the command line choose modules.
Exit code 1 when a promise is broken or a module fails.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from bar import Bar

_HERE = Path(__file__).parent
_MARK = "\x1ebar "  # no line that a module prints begins so
_HEADINGS = ("promise", "measured", "bound", "share", "")


def _measure(name: str) -> None:
    module = importlib.import_module(name)
    if not hasattr(module, "bars"):
        module.main()
        return
    for bar in module.bars():
        print(_MARK + json.dumps(asdict(bar)), flush=True)


def _run(name: str) -> tuple[list[Bar], bool]:
    """The bars of one module, and whether it came to its end. What it prints besides is passed on."""
    bars = []
    with subprocess.Popen([sys.executable, __file__, "--one", name], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith(_MARK):
                bars.append(Bar(**json.loads(line.removeprefix(_MARK))))
            else:
                print(line, end="", flush=True)
    return bars, child.returncode == 0


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--one"]:
        _measure(arguments[1])
        return 0
    known = sorted(path.stem for path in _HERE.glob("bench_*.py"))
    chosen = [name for name in known if not arguments or name.removeprefix("bench_") in arguments or name in arguments]
    if not chosen:
        print(f"no such bench; there are: {', '.join(name.removeprefix('bench_') for name in known)}", file=sys.stderr)
        return 2
    bars: list[Bar] = []
    failed: list[str] = []
    for name in chosen:
        print(f"measuring {name.removeprefix('bench_')} ...", file=sys.stderr, flush=True)
        found, ended = _run(name)
        bars += found
        if not ended:
            failed.append(name)
    if bars:
        print(_table([_HEADINGS, *(bar.row() for bar in bars)]))
    for name in failed:
        print(f"{name} failed: its promises were not measured", file=sys.stderr)
    return 0 if not failed and all(bar.held for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
