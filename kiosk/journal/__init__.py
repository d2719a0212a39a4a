"""The journal keeps what happened, for ever, so that no promise to a driver is lost and every cent can be proved afterwards.

Entries go in with one fsync per commit, each carries the hash of the one before, and what identifies a person lies
apart in evidence that can be erased. The room does not know what the entries mean. Front door: `journal.Journal`
(synchronous), `thread.JournalThread` (for asyncio), `reader.Reader` (read-only, any process), `verify.verify`, `cli`.
"""
