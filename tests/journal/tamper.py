"""For the sceptic: a demo's journal, one byte of it edited, and what `pilepay journal verify` says.

`make tamper` plays a demo sale first; `make tamper ARGS=FOLDER` takes the journal of a demo or tour that left its files there. Nothing of
the folder is changed: the copy is.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _a_tour(Path(scratch) / "tour")
        copy = Path(scratch) / "copy"
        copy.mkdir()
        for file in folder.glob("journal.*"):
            shutil.copy(file, copy)
        journal = copy / "journal.db"
        if _verify(journal, "as it is") != 0:
            return 1
        seq, kind = _edit(journal)
        print(f"\n--- one byte of entry {seq} ({kind}) is edited, behind the database's back\n", flush=True)
        return 0 if _verify(journal, "edited") == 1 else 1


def _a_tour(folder: Path) -> Path:
    print("--- a demo sale is played (pilepay demo --tour DIR --fast)\n", flush=True)
    subprocess.run([sys.executable, "-m", "kiosk", "demo", "--tour", str(folder), "--fast"], check=True, stdout=subprocess.DEVNULL)
    return folder


def _verify(journal: Path, state: str) -> int:
    print(f"$ pilepay journal verify   # {state}", flush=True)
    code = subprocess.run([sys.executable, "-m", "kiosk", "journal", "verify", str(journal)], check=False).returncode
    print(f"exit code {code}", flush=True)
    return code


def _edit(journal: Path) -> tuple[int, str]:
    """Change one digit of an amount of money, in the file itself."""
    with sqlite3.connect(journal) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        seq, kind, body = db.execute("SELECT seq, kind, body FROM entries WHERE kind = 'CaptureRequested' ORDER BY seq LIMIT 1").fetchone()
    db.close()
    content = bytearray(journal.read_bytes())
    amount = bytes(body).index(b'"minor":') + len(b'"minor":')
    place = content.index(bytes(body)) + amount
    content[place] = ord("9") if content[place] != ord("9") else ord("1")
    journal.write_bytes(content)
    return seq, kind


if __name__ == "__main__":
    sys.exit(main())
