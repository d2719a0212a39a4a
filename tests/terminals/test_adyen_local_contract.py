"""The Adyen local driver keeps the terminal contract, against the simulated terminal over real TLS and nexo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from terminal_bench import AdyenBench
from terminal_contract import TerminalContract


class TestAdyenLocal(TerminalContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[AdyenBench]:
        async with AdyenBench(tmp_path, card_wait_ms=20_000) as bench:
            yield bench
