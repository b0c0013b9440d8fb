"""What tests of several packages share, and the same examples of hypothesis on every run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.books import BookMaker
from tests.made import profile

profile.load()


@pytest.fixture
def books(tmp_path: Path) -> Iterator[BookMaker]:
    """Make books that are closed when the test ends."""
    maker = BookMaker(tmp_path)
    yield maker
    maker.close()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BookMaker]:
    """Make books that a whole module looks at."""
    maker = BookMaker(tmp_path_factory.mktemp("shelf"))
    yield maker
    maker.close()
