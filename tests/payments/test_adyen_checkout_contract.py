"""Adyen's Checkout keeps the contract of an acquirer, in the clear on this machine and over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acquirer_contract import AcquirerContract
from payments_bed import Bed, adyen_bed, certificate


class TestAdyenCheckoutOnLoopback(AcquirerContract):
    @pytest.fixture
    async def bed(self) -> AsyncIterator[Bed]:
        async with adyen_bed() as bed:
            yield bed


class TestAdyenCheckoutOverTls(AcquirerContract):
    @pytest.fixture
    async def bed(self, tmp_path: Path) -> AsyncIterator[Bed]:
        async with adyen_bed(certificate(tmp_path)) as bed:
            yield bed
