"""The tree over all entries (RFC 9162 section 2.1): its right edge, which signing needs, and proofs about one of its leaves.

A leaf is SHA-256(0x00 || entry hash), a node SHA-256(0x01 || left || right). The edge of a tree of n leaves is one
hash per set bit of n, so a new leaf and the root cost O(log n) whatever lies to the left. A proof is O(log n) hashes,
made from the whole tree and checked without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        node = _leaf(entry_hash)
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


class Tree:
    """The whole tree, 64 bytes an entry. For making proofs."""

    def __init__(self, entry_hashes: Iterable[bytes]) -> None:
        leaves = bytearray()
        for entry_hash in entry_hashes:
            leaves += _leaf(entry_hash)
        self.size = len(leaves) // _HASH_BYTES
        self._levels = [leaves]
        while len(self._levels[-1]) > _HASH_BYTES:
            self._levels.append(_level_above(self._levels[-1]))

    def root(self) -> bytes:
        return bytes(self._levels[-1]) or sha256(b"").digest()

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """The proof that the leaf `index`, counted from 0, is in the tree (RFC 9162 section 2.1.3.1)."""
        if not 0 <= index < self.size:
            raise JournalError(f"A tree of {self.size} entries has no entry {index + 1}: nothing can be proved about it")
        proof = []
        for level in self._levels[:-1]:
            if (sibling := _at(level, index ^ 1)) is not None:
                proof.append(sibling)
            index >>= 1
        return tuple(proof)

    def consistency(self, size: int) -> tuple[bytes, ...]:
        """The proof that the tree's first `size` leaves were a tree of their own before (RFC 9162 section 2.1.4.1)."""
        if not 0 < size <= self.size:
            raise JournalError(f"A tree of {self.size} entries did not grow from one of {size}: nothing can be proved about that")
        index, level = size - 1, 0
        while index & 1:  # up to the largest complete subtree that ends the smaller tree
            index, level = index >> 1, level + 1
        proof = [] if index == 0 else [self._node(level, index)]
        if size == self.size:
            return ()
        for above in range(level, len(self._levels) - 1):
            if (sibling := _at(self._levels[above], index ^ 1)) is not None:
                proof.append(sibling)
            index >>= 1
        return tuple(proof)

    def _node(self, level: int, index: int) -> bytes:
        node = _at(self._levels[level], index)
        assert node is not None
        return node


def included(entry_hash: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the entry is leaf `index` of the tree with that size and root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    last, node = size - 1, _leaf(entry_hash)
    for sibling in proof:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = _node(sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = _node(node, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and node == root


def consistent(before: int, root_before: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `size` entries begins with that of `before` entries (RFC 9162 section 2.1.4.2)."""
    if before == size:
        return not proof and root_before == root
    if not 0 < before < size:
        return False
    path = [root_before, *proof] if before.bit_count() == 1 else list(proof)
    if not path:
        return False
    index, last = before - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            old, new = _node(node, old), _node(node, new)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            new = _node(new, node)
        index, last = index >> 1, last >> 1
    return last == 0 and old == root_before and new == root


def _level_above(level: bytearray) -> bytearray:
    above = bytearray()
    for at in range(0, len(level), 2 * _HASH_BYTES):
        pair = level[at : at + 2 * _HASH_BYTES]
        above += _node(bytes(pair[:_HASH_BYTES]), bytes(pair[_HASH_BYTES:])) if len(pair) > _HASH_BYTES else pair
    return above


def _at(level: bytearray, index: int) -> bytes | None:
    return bytes(level[index * _HASH_BYTES : (index + 1) * _HASH_BYTES]) or None


def _leaf(entry_hash: bytes) -> bytes:
    return sha256(b"\x00" + entry_hash).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
