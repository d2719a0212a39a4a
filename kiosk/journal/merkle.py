"""The tree over all entries (RFC 9162 section 2.1), held as its right edge only.

A leaf is SHA-256(0x00 || entry hash), a node SHA-256(0x01 || left || right). The edge of a tree of n leaves is one
hash per set bit of n, so a new leaf and the root cost O(log n) whatever lies to the left.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Self

from kiosk.journal.entry import JournalError

_HASH_BYTES = 32


class Frontier:
    """The right edge of a tree: roots of its complete subtrees, the largest first."""

    def __init__(self, size: int = 0, nodes: tuple[bytes, ...] = ()) -> None:
        if len(nodes) != size.bit_count():
            raise JournalError(f"A tree of {size} entries cannot have an edge of {len(nodes)} hashes: the stored state was altered")
        self.size = size
        self._nodes = list(nodes)

    @classmethod
    def parse(cls, size: int, raw: bytes) -> Self:
        """From `bytes(frontier)`. Raises `JournalError` if it cannot be the edge of a tree of that size."""
        return cls(size, tuple(raw[i : i + _HASH_BYTES] for i in range(0, len(raw), _HASH_BYTES)))

    def append(self, entry_hash: bytes) -> None:
        node = sha256(b"\x00" + entry_hash).digest()
        merges = self.size
        while merges & 1:
            node = _node(self._nodes.pop(), node)
            merges >>= 1
        self._nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root of the whole tree."""
        if not self._nodes:
            return sha256(b"").digest()
        root = self._nodes[-1]
        for node in reversed(self._nodes[:-1]):
            root = _node(node, root)
        return root

    def __bytes__(self) -> bytes:
        return b"".join(self._nodes)


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
