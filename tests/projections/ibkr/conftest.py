"""Tables for the tests of single steps."""

from collections.abc import Iterator

import pytest

from tests.projections.ibkr.tables import Tables


@pytest.fixture
def tables() -> Iterator[Tables]:
    """Give empty tables."""
    made = Tables()
    yield made
    made.connection.close()
