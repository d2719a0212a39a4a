"""Check all QML against the types that Python gives it: `python -m kiosk.screen.lint`. Any warning fails.

qmllint knows Qt's types and ours in QML; those made in Python it learns from a description written from the living classes, so a
misspelt field of a snapshot is found before a driver finds it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import PySide6
from PySide6.QtCore import QMetaMethod, QMetaObject, QObject

from kiosk.screen.stage import MODULE, QML
from kiosk.screen.viewmodels import PARTS, Rows, Shown, View
from kiosk.screen.wishes import Wish


def describe() -> str:
    """The `.qmltypes` of the module `PilePay.Shown`."""
    singletons = {Shown: "Shown", Wish: "Wish"}
    classes: dict[type[QObject], str] = {part: part.__name__ for part in PARTS}
    for part in (Shown, *PARTS):
        for view in part.VIEWS.values():
            classes.setdefault(view, view.__name__)
    blocks = [_component(kind, exported, singleton=False) for kind, exported in classes.items()]
    blocks += [_component(kind, exported, singleton=True) for kind, exported in singletons.items()]
    blocks.append(_component(Rows, "", singleton=False))
    return "import QtQuick.tooling 1.2\nModule {\n" + "".join(blocks) + "}\n"


def _component(kind: type[QObject], exported: str, *, singleton: bool) -> str:
    meta: QMetaObject = kind.staticMetaObject  # type: ignore[attr-defined]  # missing in PySide6's stubs
    base = "QAbstractListModel" if kind is Rows else "QObject"
    lines = [f'name: "{meta.className()}"', 'accessSemantics: "reference"', f'prototype: "{base}"']
    if exported:
        lines += [f'exports: ["{MODULE}/{exported} 1.0"]', "exportMetaObjectRevisions: [256]", "isCreatable: false"]
        lines += ["isSingleton: true"] if singleton else []
    inner = kind.inner() if issubclass(kind, View) else {}
    for i in range(meta.propertyOffset(), meta.propertyCount()):
        prop = meta.property(i)
        name = str(prop.name())
        raw = f"{inner[name].__name__}*" if name in inner else str(prop.typeName())
        pointer = "; isPointer: true" if raw.endswith("*") else ""
        notify = prop.notifySignal()
        told = f'; notify: "{_text(notify.name())}"' if notify.isValid() else "; isPropertyConstant: true"
        lines.append(f'Property {{ name: "{name}"; type: "{raw.rstrip("*")}"; isReadonly: true{pointer}{told} }}')
    for i in range(meta.methodOffset(), meta.methodCount()):
        lines.append(_method(meta.method(i)))
    return "    Component {\n" + "".join(f"        {line}\n" for line in lines) + "    }\n"


def _method(method: QMetaMethod) -> str:
    word = "Signal" if method.methodType() == QMetaMethod.MethodType.Signal else "Method"
    taken = "".join(f' Parameter {{ name: "a{n}"; type: "{_text(t)}" }}' for n, t in enumerate(method.parameterTypes()))
    return f'{word} {{ name: "{_text(method.name())}";{taken} }}'


def _text(raw: object) -> str:
    return bytes(raw.data()).decode() if hasattr(raw, "data") else str(raw)


def main() -> int:
    """Run qmllint over every file; its exit code, or 1 for any warning."""
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder, *MODULE.split("."))
        module.mkdir(parents=True)
        (module / "shown.qmltypes").write_text(describe(), "utf-8")
        (module / "qmldir").write_text(f"module {MODULE}\ntypeinfo shown.qmltypes\ndepends QtQml\n", "utf-8")
        tool = Path(PySide6.__file__).parent / "qmllint"
        files = sorted(str(f) for f in QML.rglob("*.qml"))
        found = subprocess.run([tool, "-W", "0", "-I", folder, "-I", str(QML), *files], check=False)  # noqa: S603
    return min(1, abs(found.returncode))


if __name__ == "__main__":
    sys.exit(main())
