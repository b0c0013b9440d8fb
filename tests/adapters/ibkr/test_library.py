"""Either client library will do, and no other is asked for."""

import asyncio
import importlib
from types import ModuleType

import pytest

from adapters.ibkr import library
from domain.errors import UsageError


async def load() -> ModuleType:
    return library.load()


def test_the_library_that_is_installed_is_taken() -> None:
    loaded = asyncio.run(load())
    assert loaded.__name__ in library.NAMES
    assert all(hasattr(loaded, name) for name in ("IB", "ExecutionFilter"))


def test_where_none_is_installed_the_user_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(library, "NAMES", ("ib_of_another_world",))
    with pytest.raises(UsageError, match=r"pip install 'brokertruth\[ibkr\]'"):
        asyncio.run(load())


def test_a_library_that_lacks_a_dependency_is_not_taken_for_a_missing_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_name: str) -> ModuleType:
        raise ModuleNotFoundError("No module named 'eventkit'", name="eventkit")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="eventkit"):
        asyncio.run(load())
