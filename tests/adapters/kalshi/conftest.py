"""The server, the account and the clock that the tests of the client share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.kalshi.signing import Credentials
from tests.adapters.kalshi.account import Account
from tests.adapters.kalshi.account import account as serving
from tests.adapters.kalshi.exchange import KEY_ID, Server, SimulatedClock, ed25519_key, running


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def simulated() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(KEY_ID, ed25519_key())


@pytest.fixture
def account(tmp_path: Path, simulated: SimulatedClock) -> Iterator[Account]:
    with serving(tmp_path, simulated) as account:
        yield account
