"""A disk that fails: makes chosen system calls of the calling thread return an error, for the rest of that thread's life.

A seccomp filter, so that the real SQLite and the real kernel interface are tested, without root and without a
compiler. Other threads are not touched.
"""

from __future__ import annotations

import ctypes
import platform
import threading
from collections.abc import Callable

_NUMBERS = {
    "x86_64": {"pwrite64": 18, "fsync": 74, "fdatasync": 75},
    "aarch64": {"pwrite64": 68, "fsync": 82, "fdatasync": 83},
}
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction))]


def break_calls(error: int, *names: str) -> None:
    """From now on the calls `names` of this thread fail with `error`."""
    numbers = [_NUMBERS[platform.machine()][name] for name in names]
    steps = [_Instruction(_LOAD, 0, 0, 0)]
    for number in numbers:
        steps += [_Instruction(_JUMP_IF_EQUAL, 0, 1, number), _Instruction(_RETURN, 0, 0, _ERRNO | error)]
    steps.append(_Instruction(_RETURN, 0, 0, _ALLOW))
    program = _Program(len(steps), (_Instruction * len(steps))(*steps))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "this system allows no seccomp filter")


def on_broken_disk(error: int, names: tuple[str, ...], work: Callable[[], object]) -> BaseException | None:
    """Run `work` in a thread whose calls `names` fail; gives what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        break_calls(error, *names)
        try:
            work()
        except Exception as caught:
            raised.append(caught)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None
