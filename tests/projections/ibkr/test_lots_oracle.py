"""The set-based lots of IBKR against the row-by-row oracle: accounts by the hundred."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.event import NewEvent
from tests.books import BookMaker, Built
from tests.made.profile import thorough
from tests.oracle.ibkr_lots import Account
from tests.oracle.ibkr_tables import Row, tables
from tests.projections.ibkr.account_rows import events
from tests.projections.ibkr.random_accounts import account

COMPARED = {
    "lot_match": "instrument_id open_fill_id close_id close_kind trade_id direction quantity "
    "open_price close_price premium basis_state realized_gross fee_state fees realized_net",
    "open_lot": "instrument_id open_fill_id trade_id direction quantity open_price basis_state "
    "cost fee_state fees",
    "position": "instrument_id quantity cost",
    "trade": "trade_id quantity closed_at basis_state realized_gross fee_state fees realized_net",
    "opening": "instrument_id quantity",
    "carried_premium": "fill_id into_fill_id premium fees",
}


def normal(row: Row) -> tuple[object, ...]:
    """Return a row's values in the order of its columns' names, decimals without their scale."""
    return tuple(
        (name, f"{value.normalize() + 0:f}" if isinstance(value, Decimal) else value)
        for name, value in sorted(row.items())
    )


def differences(built: Built, told: Mapping[str, Account]) -> list[str]:
    """Return what the projections and the oracle do not say alike."""
    expected = {name: tables(one) for name, one in told.items()}
    found: list[str] = []
    for table, columns in COMPARED.items():
        rows = built.rows(f"SELECT account, {columns.replace(' ', ', ')} FROM {table}")
        for row in rows:
            if "closed_at" in row:
                row["open"] = row.pop("closed_at") is None
        seen = Counter((row.pop("account"), normal(row)) for row in rows)
        oracle = Counter((name, normal(row)) for name in told for row in expected[name][table])
        found += [f"{table} only SQL: {row}" for row in sorted(seen - oracle, key=str)]
        found += [f"{table} only oracle: {row}" for row in sorted(oracle - seen, key=str)]
    return found


def accounts(seed: int, count: int) -> dict[str, Account]:
    """Return accounts with names."""
    return {f"U{seed + number}": account(seed + number) for number in range(count)}


def all_events(told: Mapping[str, Account]) -> list[NewEvent]:
    """Return everything that is told of all accounts."""
    return [one for name, rows in told.items() for one in events(name, rows)]


@settings(max_examples=thorough(3, 60), deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_hundreds_of_random_accounts_have_the_oracles_rows(seed: int) -> None:
    told = accounts(seed, 300)
    with TemporaryDirectory() as folder:
        books = BookMaker(Path(folder))
        try:
            built = books.build(all_events(told))
            assert built.rows("unreadable") == []
            assert differences(built, told)[:6] == []
            assert unbalanced(built, told) == []
        finally:
            books.close()


def unbalanced(built: Built, told: Mapping[str, Account]) -> list[object]:
    """Return the accounts whose cash is not profit less cost, where everything is known."""
    unknown = "basis_state = 'missing' OR fee_state = 'pending'"
    doubtful = {
        row["account"]
        for table in ("lot_match", "open_lot")
        for row in built.rows(f"SELECT DISTINCT account FROM {table} WHERE {unknown}")
    }
    lots = built.rows(
        "SELECT account, sum(net) AS net FROM ("
        "SELECT account, realized_net AS net FROM lot_match UNION ALL "
        "SELECT account, -cost - fees FROM open_lot) GROUP BY account"
    )
    known = {row["account"]: row["net"] for row in lots if row["account"] not in doubtful}
    assert len(known) > len(told) // 4
    return [(name, net, cash(told[name])) for name, net in known.items() if net != cash(told[name])]


def cash(account: Account) -> Decimal:
    """Return what all rows of an account did to cash."""
    trades = (-row.quantity * row.price * row.multiplier - (row.fee or 0) for row in account.trades)
    return sum(trades, Decimal(0)) + sum((row.proceeds for row in account.actions), Decimal(0))


def test_neither_the_order_of_arrival_nor_telling_twice_changes_anything(books: BookMaker) -> None:
    listed = all_events(accounts(7, 150))
    shuffled = listed[:]
    Random(7).shuffle(shuffled)
    first = books.build(listed).content()
    assert books.build(shuffled[:900], shuffled[900:]).content() == first
    assert books.build(shuffled, listed).content() == first
