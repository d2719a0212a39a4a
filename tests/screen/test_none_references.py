"""PySide6 6.12.0 on Python 3.11 gives away one reference of None per call, until the interpreter dies. This version must not."""

import sys

from PySide6.QtCore import QObject


def test_calls_into_qt_keep_the_references_of_none() -> None:
    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(200):
        thing.setObjectName("x")
    assert abs(sys.getrefcount(None) - before) < 20
