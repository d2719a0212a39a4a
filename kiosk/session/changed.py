"""Setting a few fields of a wide value anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import replace as changed  # so that mypy knows the fields
else:

    def changed(before: object, /, **changes: object) -> object:
        """`replace` for the wide values, those without slots, which would spend most of a decision on setting again what did not change."""
        after = object.__new__(type(before))
        after.__dict__.update(before.__dict__, **changes)
        return after


__all__ = ["changed"]
