"""PilePay: the payment kiosk of an EV charging pile."""

from pathlib import Path

__version__ = "0.1.0"

_HERE = Path(__file__).parent
# A wheel carries the assets inside the package; a checkout has them beside it.
ASSETS = _HERE / "assets" if (_HERE / "assets").is_dir() else _HERE.parent / "assets"
