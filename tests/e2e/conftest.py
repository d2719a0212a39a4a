"""A kiosk that the tests of one module share, one sale after the other. A test that left it in disorder costs it its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from stand import Stand, stand


class Ground:
    """Where the module's kiosk stands."""

    def __init__(self, folder: Path, settings: dict[str, object], policies: dict[str, object]) -> None:
        self._folder = folder
        self._settings = settings
        self._policies = policies
        self._stack = AsyncExitStack()
        self._stand: Stand | None = None

    async def ready(self) -> Stand:
        """The kiosk, calm; a new one when it cannot be calmed."""
        if self._stand is not None:
            try:
                await self._stand.calm()
            except (AssertionError, OSError):
                await self.close()
        if self._stand is None:
            self._stand = await self._stack.enter_async_context(stand(self._folder, settings=self._settings, **self._policies))
        return self._stand

    async def close(self) -> None:
        self._stand = None
        await self._stack.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    """`POLICIES` of the test module are its kiosk's, and so are other `SETTINGS`."""
    settings, policies = (getattr(request.module, name, {}) for name in ("SETTINGS", "POLICIES"))
    one = Ground(tmp_path_factory.mktemp("home"), settings, policies)
    yield one
    await one.close()


@pytest_asyncio.fixture(loop_scope="module")
async def site(ground: Ground, request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    one = await ground.ready()
    yield one
    if _failed(request.node):
        print((one.house.folder / "core.log").read_text()[-6_000:])


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short path: Unix sockets allow 107 bytes."""
    return tmp_path_factory.mktemp("home")


_OUTCOME = pytest.StashKey[bool]()


def _failed(node: pytest.Item) -> bool:
    return node.stash.get(_OUTCOME, False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Callable[..., object]:
    report = yield
    if call.when == "call":
        item.stash[_OUTCOME] = report.failed
    return report
