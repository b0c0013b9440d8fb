"""Everything that has a name can be explained, and the arithmetic that is shown is true."""

import ast
import re
from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Final

import pytest

from replay.explain.nodes import Node
from tests.books import BookMaker
from tests.projections.ibkr import account_rows, random_accounts
from tests.projections.ibkr.flex_rows import IBKR, events
from tests.replay.asked import Book, book, named
from tests.replay.test_explain import of_kind, told
from tests.shared_data import needs_shared_data

_WHOSE: Final = "concat_ws('/', venue, account, mode, {})"
_NAMES: Final = {
    "fill": f"SELECT {_WHOSE.format('fill_id')} FROM fill",
    "trade": f"SELECT {_WHOSE.format('trade_id')} FROM trade",
    "instrument": "SELECT instrument_id FROM instrument",
    "action": f"SELECT {_WHOSE.format('row_id')} FROM corporate_action",
    "cash": f"SELECT {_WHOSE.format('movement_id')} FROM cash_movement",
    "order": f"SELECT DISTINCT {_WHOSE.format('statement_order_id')} FROM fill"
    " WHERE statement_order_id IS NOT NULL",
    "day": "SELECT DISTINCT day::VARCHAR FROM daily_pnl",
}


def everything(made: Book) -> Iterator[Node]:
    """Explain everything that has a name."""
    for kind, query in _NAMES.items():
        for (name,) in made.built.connection.execute(query).fetchall():
            yield made.explain(f"{kind}:{name}", limit=1000)


def value(text: str) -> Decimal:
    """Return the value of arithmetic as it is shown, words left out."""
    text = re.sub(r"\(opened as [^)]*\)|, opened as .*| premium .*| in cash|that came .*", "", text)
    with localcontext(prec=80):
        return _value(ast.parse(text.strip(), mode="eval").body, text.strip())


def _value(node: ast.expr, text: str) -> Decimal:
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand, text)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, text), _value(node.right, text)
        if isinstance(node.op, ast.Mult):
            return left * right
        return left + right if isinstance(node.op, ast.Add) else left - right
    return Decimal(ast.get_source_segment(text, node) or "")


def arithmetic_holds(tree: Node) -> int:
    """Assert that the arithmetic of every lot below is true; return how many lots there were."""
    lots = of_kind(tree, "lot")
    for lot in lots:
        gross, is_known, how = told(lot)["gross"].partition(" = ")
        if not is_known:
            assert gross.startswith("basis missing: ")
            assert told(lot)["net"] == "basis missing"
            continue
        assert value(how) == Decimal(gross), told(lot)["gross"]
        for opened in re.findall(r"(\S+) \(opened as ([^)]*)\)", how):
            assert value(opened[1]) == Decimal(opened[0]), told(lot)["gross"]
    return len(lots)


@pytest.mark.parametrize("first", [0, 40])
def test_everything_of_made_accounts_can_be_explained_and_its_arithmetic_is_true(
    books: BookMaker, first: int
) -> None:
    rows = [
        one
        for seed in range(first, first + 12)
        for one in account_rows.events(f"U{seed}", random_accounts.account(seed))
    ]
    with book(books, *rows) as made:
        lots = sum(arithmetic_holds(tree) for tree in everything(made))
    assert lots > 0


@needs_shared_data
@pytest.mark.parametrize(
    "name",
    [
        "goforce64_activity_cancel_correct_exercise",
        "uabean_beancount",
        "tradetally_ibkr-flex-report",
        "portfolio_performance_IBFlexStatementFile23",
    ],
)
def test_everything_of_a_real_statement_can_be_explained(books: BookMaker, name: str) -> None:
    with book(books, *events(IBKR / f"{name}.xml")) as made:
        assert sum(arithmetic_holds(tree) for tree in everything(made)) > 0


@needs_shared_data
def test_a_real_assignment_hands_its_premium_over_in_full_sight(books: BookMaker) -> None:
    path = IBKR / "opensteuerauszug_eTax_report_anonymised_2025.xml"
    with book(books, *events(path)) as made:
        stock = made.explain("transaction-35691010795", limit=100)
    assert stock.title == "assignment transaction-35691010795: sell 3400 MSTR at 290"
    assert arithmetic_holds(stock) > 50
    taken = named(stock, "premium", "premium 8519 came from transaction-35691010785")
    assert len(of_kind(taken, "lot")) == len(taken.children)
    closed = named(stock, "lots", "lots that it closed")
    whole = told(closed)["gross"]
    assert whole == "-33875.601082352941 (of 48 lots; of 1 the basis is missing)"
