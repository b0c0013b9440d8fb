"""The client library that is installed: both speak the same protocol and have the same names."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

import pytest

from tests.fakes.gateway.gateway import HOST, PATIENCE_SECONDS, Gateway
from tests.fakes.gateway.wire import Fields

# One environment holds one of them: each brings a package named eventkit.
LIBRARIES: Final = ("ib_insync", "ib_async")


def client_library() -> ModuleType:
    """Import the library that is installed, or skip the tests that need one."""
    for name in LIBRARIES:
        if find_spec(name) is not None:
            return _imported(name)
    pytest.skip(f"none of {', '.join(LIBRARIES)} is installed", allow_module_level=True)


def _imported(name: str) -> ModuleType:
    """Import with an event loop at hand: eventkit asks for one when it is imported."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return import_module(name)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@asynccontextmanager
async def connected(
    library: ModuleType, gateway: Gateway, client_id: int = 1, *taps: int
) -> AsyncIterator[tuple[Any, list[Fields]]]:
    """Connect a client; give it with the raw messages of the kinds that it is sent."""
    client = library.IB()
    told: list[Fields] = []
    for kind in taps:
        tap(client, kind, told)
    try:
        await client.connectAsync(HOST, gateway.port, client_id, timeout=PATIENCE_SECONDS)
        yield client, told
    finally:
        await close(client)


def tap(client: Any, kind: int, told: list[Fields]) -> None:  # noqa: ANN401 - of either library
    """Note all messages of a kind before the library reads them."""
    handle = client.client.decoder.handlers[kind]

    def note(fields: list[str]) -> None:
        told.append(tuple(fields))
        handle(fields)

    client.client.decoder.handlers[kind] = note


async def close(client: Any) -> None:  # noqa: ANN401 - of either library
    """Disconnect, and wait until the socket is closed."""
    closed = asyncio.Event()
    connection = client.client.conn
    connection.disconnected += lambda *_: closed.set()
    if connection.transport is not None:
        client.disconnect()
        await asyncio.wait_for(closed.wait(), PATIENCE_SECONDS)


async def stopped(task: asyncio.Future[Any]) -> None:
    """Give up a task that may or may not have failed by now."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test's conversation; none may hang."""
    asyncio.run(asyncio.wait_for(test(), 20))
