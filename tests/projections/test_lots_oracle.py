"""The set-based lots against the per-event oracle: thousands of markets, row for row."""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.event import NewEvent, payload_bytes
from domain.rules import Heuristics, Rules
from tests.books import FILL, SETTLEMENT, BookMaker, Built, event
from tests.made import histories
from tests.oracle.payloads import replay_payloads
from tests.oracle.tables import Row
from tests.projections.random_markets import STRATEGIES, markets
from tools.fake_kalshi.payloads import fill_json, settlement_json

# the oracle knows prefixes; tests/oracle/attribution.py knows the guesses
RULES = Rules.of_prefixes(STRATEGIES).model_copy(
    update={"heuristics": Heuristics(decisions=False, exits=False)}
)
COMPARED = ("lot_match", "open_lot", "position", "trade", "cash_ledger", "settlement", "daily_pnl")


def normal(row: Row) -> tuple[object, ...]:
    """Return a row's values in the order of its columns' names, decimals without their scale."""
    return tuple(
        (name, str(value.normalize() + 0) if isinstance(value, Decimal) else value)
        for name, value in sorted(row.items())
    )


def differences(built: Built, events: list[NewEvent]) -> list[str]:
    """Return what the projections and the oracle do not say alike."""
    payloads = [(new.kind, payload_bytes(new.state)) for new in events]
    expected = replay_payloads(payloads, STRATEGIES)
    found: list[str] = []
    for table in COMPARED:
        wanted = expected[table]
        columns = list(wanted[0]) if wanted else None
        seen = {normal(row) for row in built.rows(table, columns)}
        oracle = {normal(row) for row in wanted}
        assert len(oracle) == len(wanted), f"{table}: the oracle says a row twice"
        count = built.value(f"SELECT count(*) FROM {table}")
        if count != len(wanted):
            found.append(f"{table}: {count} rows for {len(wanted)}")
        found += [f"{table} only SQL: {row}" for row in sorted(seen - oracle, key=str)]
        found += [f"{table} only oracle: {row}" for row in sorted(oracle - seen, key=str)]
    return found


def compare(events: list[NewEvent], *, threads: int = 0) -> None:
    with TemporaryDirectory() as folder:
        books = BookMaker(Path(folder))
        try:
            built = books.build(events, rules=RULES, threads=threads)
            assert built.rows("unreadable") == []
            assert differences(built, events)[:6] == []
        finally:
            books.close()


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 60).map(lambda n: 260 - n))
def test_thousands_of_random_markets_have_the_oracles_rows(seed: int, count: int) -> None:
    made = markets(seed, count)
    compare([event(kind, text) for payloads in made.values() for kind, text in payloads])


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(history=histories.histories(style=histories.Style(fractional=True, subcent=True)))
def test_a_small_history_that_can_be_shrunk_has_the_oracles_rows(
    history: histories.History,
) -> None:
    events = [event(FILL, fill_json(row, "5")) for row in history.executions]
    events += [
        event(SETTLEMENT, settlement_json(ending, history.executions, "5"))
        for ending in history.endings
    ]
    compare(events)


@pytest.mark.parametrize("seed", [11, 12])
def test_one_market_with_thousands_of_fills_has_the_oracles_rows(seed: int) -> None:
    (payloads,) = markets(seed, 1).values()
    ticker = "KXLONG-26JUN01-T1"
    pool = [text for made in markets(seed, 900).values() for kind, text in made if kind == FILL]
    assert payloads
    rewritten = [_moved(text, ticker) for text in pool]
    compare([event(FILL, text) for text in rewritten])


def _moved(text: str, ticker: str) -> str:
    """Return the fill as one of another market."""
    start = text.index('"ticker":"') + len('"ticker":"')
    return text[:start] + ticker + text[text.index('"', start) :]
