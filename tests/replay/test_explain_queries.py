"""Every hop of an explanation is a SELECT on published tables that can be run as it stands."""

from collections.abc import Iterator
from datetime import UTC, date
from decimal import Decimal
from typing import Any, cast

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UsageError
from replay.explain import explain
from replay.explain.nodes import Figures, Node, decimal_text
from replay.explain.sources import Sources, bound, literal
from tests.books import BookMaker, ledger
from tests.projections.bot_events import decided, left
from tests.projections.ibkr import account_rows, random_accounts
from tests.replay.asked import Book, book
from tests.replay.test_explain import told

LEDGER = """
    KXA-1 10:00 yes 10 @ 0.62 fee 0.17 as bot-1 order o1
    KXA-1 10:30 yes 5 @ 0.60 fee 0.10 as bot-1 order o1
    KXA-1 11:00 no 4 @ 0.35 fee 0.10
    KXA-1 12:00 settles yes
    KXB-1 09:00 no 5 @ 0.40
    KXB-1 09:30 yes 5 @ 0.30
    KXC-1 06-02T09:00 no 3 @ 0.55 fee 0.06
    KXC-1 06-02T09:01 no 2 @ 0.54 fee 0.06
    KXA-2 06-02T10:00 yes 1 @ 0.50 fee 0.01
    KXA-2 06-02T11:00 no 1 @ 0.50 fee 0.01
"""
TARGETS = (
    "2026-06-01", "2026-06-02", "2026-06-01/KXA", "strategy:unattributed", "family:KXA", "KXA-1",
    "holding:KXC-1", "trade:f1", "f3", "o1", "1", "cash:2026-06-01", "cash:fee", "d1",
    "cash:2026-06-01/redemption", "restatement:fill/kalshi|main|live|f1/11",
    "restatement:attribution/kalshi|main|live|f1/12",
)  # fmt: skip
QUOTED = "KXA-1 10:00 yes 1 @ 0.5 fee 0.01 id it's?$1 order o'1"
WITHOUT = {"payload", "revision", "position"}
"""What is of the log alone, at the position that the node above names."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    # An explanation changes nothing, so one book is enough for all.
    books = BookMaker(tmp_path_factory.mktemp("book"))
    again = ledger("KXA-1 10:00 yes 10 @ 0.62 fee 0.18 as bot-1 order o1")
    bot = (decided("d1", "KXA-1", "09:59", order_id="o1"), left("KXA-1", "11:00", "TP"))
    with book(books, *ledger(LEDGER), *again, *bot) as one:
        yield one
    books.close()


def answer(asked: Book, node: Node) -> list[tuple[Any, ...]]:
    """Run the query of a node as it stands."""
    return asked.built.connection.execute(node.query).fetchall()


def holds(asked: Book, node: Node) -> None:
    """Assert that a node has the SELECT that finds it, and that its sums are what it answers."""
    if node.kind in WITHOUT or node.title.endswith("shown above"):
        return
    assert node.query.startswith(("SELECT", "WITH")), node
    rows = answer(asked, node)
    assert rows, node
    if node.query.startswith("SELECT\n    count(*) AS lots") or "AS unknown" in node.query:
        (row,) = rows
        facts = Figures(*row).facts()
        assert facts == node.facts[: len(facts)], node
    elif "AS entries" in node.query and node.kind in {"book", "cause", "more"}:
        (row,) = rows
        assert isinstance(row[-1], Decimal)
        assert told(node) == {"entries": str(row[-2]), "amount": decimal_text(row[-1])}


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("target", TARGETS)
def test_every_node_has_the_select_that_finds_it(made: Book, target: str, limit: int) -> None:
    for node in made.explain(target, limit=limit).walk():
        holds(made, node)


def test_the_rest_of_a_cell_is_what_its_select_counts(made: Book) -> None:
    tree = made.explain("2026-06-01", limit=1)
    (rest,) = (node for node in tree.walk() if node.title == "1 more cells")
    rows = made.built.rows(rest.query)
    assert sum(row["lots"] for row in rows) == int(told(rest)["lots"])
    assert sum(row["realized_gross"] for row in rows) == Decimal(told(rest)["gross"])


def test_every_node_of_made_statements_has_the_select_that_finds_it(books: BookMaker) -> None:
    rows = [
        one
        for seed in range(6)
        for one in account_rows.events(f"U{seed}", random_accounts.account(seed))
    ]
    with book(books, *rows) as asked:
        found = asked.built.connection.execute(
            "SELECT concat_ws('/', venue, account, mode, fill_id) FROM fill ORDER BY ALL LIMIT 40"
        ).fetchall()
        assert found
        for (name,) in found:
            for node in asked.explain(f"fill:{name}", limit=2).walk():
                holds(asked, node)


def test_what_a_broker_calls_a_thing_is_quoted(books: BookMaker) -> None:
    with book(books, *ledger(QUOTED)) as asked:
        tree = asked.explain("fill:it's?$1")
        assert "'it''s?$1'" in tree.query
        for node in tree.walk():
            holds(asked, node)
        with pytest.raises(UsageError, match="not found"):
            asked.explain("fill:' OR 1=1 --")


def test_what_was_read_ahead_is_what_a_question_alone_answers(made: Book) -> None:
    connection, log = made.built.connection, made.log
    alone, ahead = (Sources(connection, log, 10, 12) for _ in range(2))
    positions = range(1, 12)
    ahead.fetch(["cash_ledger", "fill"], "position", positions)
    for position in positions:
        for table in ("cash_ledger", "fill"):
            where = {"position": position, "venue": "kalshi"}
            answers = alone.find(table, where), ahead.find(table, where)
            assert answers[0] == answers[1]
            assert [row.query for row in answers[0]] == [row.query for row in answers[1]]
    assert any(len(ahead.find("cash_ledger", {"position": n})) > 1 for n in positions)
    assert ahead.find("fill", {"position": 1, "order_id": None}) == []


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Count for a connection."""
        self.connection, self.asked = connection, 0

    def execute(self, *arguments: Any) -> duckdb.DuckDBPyConnection:  # noqa: ANN401 - as given
        """Count, and ask."""
        self.asked += 1
        return self.connection.execute(*arguments)


def test_more_lots_are_not_more_questions(books: BookMaker) -> None:
    lines = [f"KXA-1 10:{n:02} yes {n + 1} @ 0.{40 + n} fee 0.01" for n in range(30)]
    text = "\n".join([*lines, "KXA-1 12:00 settles yes"])
    counts = []
    with book(books, *ledger(text)) as asked:
        for limit in (3, 30):
            counting = Counting(asked.built.connection)
            connection = cast("duckdb.DuckDBPyConnection", counting)
            tree = explain(connection, asked.log, "2026-06-01", limit=limit)
            assert len([node for node in tree.walk() if node.kind == "lot"]) == limit
            counts.append(counting.asked)
    assert counts[0] == counts[1]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.dates(min_value=date(1, 1, 1)),
    st.datetimes(timezones=st.just(UTC)),
)


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_literal_means_exactly_its_value(values: list[object]) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        query = f"SELECT {', '.join(f'? AS c{number}' for number in range(len(values)))}, '?$1'"
        (row,) = connection.execute(bound(query, values)).fetchall()
        assert list(row) == [*values, "?$1"]
        texts = [value for value in values if isinstance(value, str)]
        (held,) = connection.execute(f"SELECT {literal(texts)}::VARCHAR[]").fetchall()
        assert list(held[0]) == texts


def test_what_has_no_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="no literal of bytes"):
        literal(b"")
