"""The core's tests play their sales by hand, as those of the sales do."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "session"))
