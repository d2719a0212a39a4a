"""Draw every sample on every panel: `python tests/screen/gallery.py DIR [--only NAME…] [--size WxH…] [--night] [--sheet]`.

The pictures are for eyes: alignment, rhythm, whether German fits. The rule tests look for the same faults without them.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from PySide6.QtGui import QGuiApplication, QImage, QPainter
from samples import LANGUAGES, SIZES, every

from kiosk.screen.stage import Panel, Stage, pin


def draw(into: Path, only: list[str], sizes: list[tuple[int, int]], codes: list[str], *, night: bool) -> list[Path]:
    """Save the pictures and name them."""
    files = []
    for size in sizes:
        stage = Stage(Panel(size, night=night, still=True))
        for name, code, snapshot in every():
            if (only and name not in only) or code not in codes:
                continue
            stage.show(snapshot)
            file = into / f"{name}_{size[0]}x{size[1]}_{'night' if night else 'day'}_{code}.png"
            stage.grab(file)
            files.append(file)
        stage.close()
    return files


def sheet(files: list[Path], into: Path, columns: int) -> None:
    """Lay pictures of one size side by side."""
    images = [QImage(str(f)) for f in files]
    w, h, gap = images[0].width(), images[0].height(), 12
    rows = -(-len(images) // columns)
    whole = QImage(columns * (w + gap), rows * (h + gap), QImage.Format.Format_RGB32)
    whole.fill(0xFF888888)
    painter = QPainter(whole)
    for i, image in enumerate(images):
        painter.drawImage(i % columns * (w + gap), i // columns * (h + gap), image)
    painter.end()
    whole.save(str(into))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("into", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--size", nargs="*", default=[f"{w}x{h}" for w, h in SIZES])
    parser.add_argument("--language", nargs="*", default=list(LANGUAGES))
    parser.add_argument("--night", action="store_true")
    parser.add_argument("--sheet", type=int, default=0, metavar="COLUMNS", help="one picture of all, per size")
    asked = parser.parse_args()
    asked.into.mkdir(parents=True, exist_ok=True)
    pin()
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    app = QGuiApplication([])
    for text in asked.size:
        width, height = (int(n) for n in text.split("x"))
        files = draw(asked.into, asked.only, [(width, height)], asked.language, night=asked.night)
        if asked.sheet and files:
            sheet(files, asked.into / f"sheet_{text}.png", asked.sheet)
    del app


if __name__ == "__main__":
    main()
