"""The journal's files on disk: who may read them, who may write, and how a crash leaves them.

Never open `journal.db` or `evidence.db` with plain `open` while SQLite has them open in this process: closing that
descriptor would drop SQLite's POSIX locks (sqlite.org/howtocorrupt, "Separate processes"). The lock of ours is
therefore a file of its own.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path

from kiosk.journal.entry import JournalBusy, JournalError

log = logging.getLogger(__name__)

JOURNAL_MODE = 0o640
SECRET_MODE = 0o600
DIRECTORY_MODE = 0o750

_NO_ROOM = 1 << 16

_CAUSES = {
    "SQLITE_FULL": "the disk is full. Free some space, then open the journal again",
    "SQLITE_READONLY": "the file or its file system is read-only. Check `mount` and the kernel log, then open the journal again",
    "SQLITE_IOERR": "the disk did not do as told. Check the kernel log and the medium, then open the journal again",
    "SQLITE_BUSY": "another process holds it. Only one core may run on a journal; end the other program",
    "SQLITE_CORRUPT": "its pages are damaged. Keep the file, and restore the journal from the ledger's copy",
    "SQLITE_NOTADB": "it is no SQLite file. Check the path, or restore the journal from the ledger's copy",
    "SQLITE_CANTOPEN": "it cannot be opened. Check that it exists, and the rights on it and on its directory",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a journal's files lie: all beside the database."""

    database: Path

    @property
    def wal(self) -> Path:
        return self.database.with_name(self.database.name + "-wal")

    @property
    def shm(self) -> Path:
        return self.database.with_name(self.database.name + "-shm")

    @property
    def evidence(self) -> Path:
        return self.database.with_name("evidence.db")

    @property
    def key(self) -> Path:
        return self.database.with_suffix(".key")

    @property
    def public(self) -> Path:
        return self.database.with_suffix(".pub")

    @property
    def fold(self) -> Path:
        return self.database.with_suffix(".fold")

    @property
    def doubt(self) -> Path:
        return self.database.with_suffix(".doubt")

    @property
    def views(self) -> Path:
        return self.database.with_name("views.db")

    @property
    def lock(self) -> Path:
        return self.database.with_suffix(".lock")

    @property
    def reserve(self) -> Path:
        return self.database.with_suffix(".reserve")


def explain(error: sqlite3.Error | OSError, path: Path, doing: str) -> str:
    """A sentence for an operator: what failed, on which file, what to do."""
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        cause = next((text for code, text in _CAUSES.items() if name.startswith(code)), f"{error}. Look at the log above")
        return f"{doing} failed on {path}: {cause} ({name or type(error).__name__})"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    cause = "the disk is full. Free some space" if full else f"{error.strerror}. Check the rights, the mount and the medium"
    return f"{doing} failed on {path}: {cause}, then open the journal again"


def out_of_room(error: sqlite3.Error | OSError, path: Path) -> bool:
    """Whether something failed only because the disk is full. SQLite says so of its files; of its shared memory and under a quota it speaks
    of an error of the disk, which is believed to be this one only where no room is left.
    """
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    name = getattr(error, "sqlite_errorname", "")
    if name in ("SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_SHMOPEN", "SQLITE_IOERR_TRUNCATE"):
        disk = os.statvfs(path.parent)
        return disk.f_bavail * disk.f_frsize < _NO_ROOM
    return bool(name == "SQLITE_FULL")


def make_directory(directory: Path) -> None:
    """The journal's own directory, closed to strangers."""
    try:
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(explain(error, directory, "Making the journal's directory")) from error


def make_file(path: Path, mode: int) -> bool:
    """Create `path` empty with `mode` and make its name durable, or narrow an existing file to it; says whether it is new.

    SQLite's own files copy the mode.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
        sync_directory(path.parent)
    except FileExistsError:
        narrow(path, mode)
        return False
    except OSError as error:
        raise JournalError(explain(error, path, "Creating the file")) from error
    return True


def narrow(path: Path, mode: int) -> None:
    """Take away rights that `mode` does not grant."""
    try:
        found = stat.S_IMODE(path.stat().st_mode)
        if found & ~mode:
            path.chmod(found & mode)
    except OSError as error:
        raise JournalError(explain(error, path, "Taking rights away from others")) from error


def sync_directory(directory: Path) -> None:
    _sync(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def sync_file(path: Path) -> None:
    """For a write-ahead log, never for a database: see above."""
    _sync(path, os.O_RDONLY | os.O_CLOEXEC)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a small file so that after a power cut it is there whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def settle(wal: Path) -> None:
    """Make what SQLite will read from a write-ahead log really lie on the disk, before SQLite builds on it.

    After an fsync failed, or a process died before its own, the kernel may show pages that never reached the medium
    and call them clean; a later fsync then says "done" about nothing. Writing the same bytes again makes the pages
    dirty, so that this fsync means what it says.
    """
    try:
        descriptor = os.open(wal, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(explain(error, wal, "Opening the write-ahead log")) from error
    try:
        offset = 0
        while chunk := os.pread(descriptor, 1 << 20, offset):
            offset += os.pwrite(descriptor, chunk, offset)
        os.fsync(descriptor)
    except OSError as error:
        raise JournalError(explain(error, wal, "Writing the write-ahead log anew")) from error
    finally:
        os.close(descriptor)


class WriterLock:
    """The right to write to a journal: one process at a time, given back by the kernel when the process dies."""

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, JOURNAL_MODE)
        except OSError as error:
            raise JournalError(explain(error, path, "Taking the writer's lock")) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise JournalBusy(
                f"{path} is held by process {owner}, which has the journal open for writing: end it, then try again"
            ) from None
        except OSError as error:
            os.close(self._descriptor)
            raise JournalError(explain(error, path, "Taking the writer's lock")) from error

        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            log.warning(
                "Whoever else opens the journal cannot be told by whom it is held: %s", explain(error, path, "Signing the writer's lock")
            )

    def release(self) -> None:
        os.close(self._descriptor)
