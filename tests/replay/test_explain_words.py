"""The words of `explain` beside ids: what an account holds, cash, strategies, what looks wrong."""

from dataclasses import replace

import pytest

from domain.errors import UsageError
from domain.event import Owner, payload_bytes
from replay.explain.nodes import Node, exact_sum
from tests.books import BookMaker, dec, event, ledger
from tests.replay.asked import book, named
from tests.replay.test_explain import kinds, of_kind, told

LEDGER = """
    KXA-1 06-01T10:00 yes 10 @ 0.60 fee 0.10 as bot-1
    KXA-1 06-01T11:00 no 4 @ 0.35 fee 0.10
    KXA-1 06-02T12:00 settles yes
    KXB-1 06-02T09:00 no 5 @ 0.40 fee 0.05
    KXB-2 06-02T09:00 no 5 @ 0.40 fee 0.05
    KXB-2 06-02T10:00 yes 2 @ 0.50 fee 0.05
"""


def alike(one: Node, other: Node) -> bool:
    """Tell whether two explanations differ in nothing but how the thing was called."""
    return replace(one, query="") == replace(other, query="")


def test_a_holding_shows_what_is_open_down_to_the_bytes(books: BookMaker) -> None:
    with book(books, *ledger(LEDGER)) as made:
        tree = made.explain("holding:KXB-2")
        assert alike(tree, made.explain("holding:kalshi/main/live/0/KXB-2"))
        assert alike(tree, made.explain("holding:kalshi/main/live/KXB-2"))
    assert (told(tree)["quantity"], told(tree)["lots"]) == ("-3", "1")
    held = named(tree, "open_lot", "still open: 3")
    assert [child.kind for child in held.children] == ["fill"]
    assert "payload" in kinds(held)


def test_a_holding_of_two_accounts_is_refused_with_both(books: BookMaker) -> None:
    paper = [
        event(one.kind, payload_bytes(one.state).decode(), owner=Owner("main", "paper"))
        for one in ledger(LEDGER)
    ]
    with (
        book(books, *ledger(LEDGER), *paper) as made,
        pytest.raises(UsageError, match="holding:kalshi/main/paper/0/KXB-2"),
    ):
        made.explain("holding:KXB-2")


def test_a_cell_may_be_named_by_its_strategy_or_by_its_family_alone(books: BookMaker) -> None:
    with book(books, *ledger(LEDGER)) as made:
        by_family = made.explain("2026-06-01/KXA")
        by_strategy = made.explain("2026-06-01/unattributed")
        both = made.explain("2026-06-01/unattributed/KXA")
    cells = [of_kind(tree, "cell")[0] for tree in (by_family, by_strategy, both)]
    assert cells[0] == cells[1] == cells[2]
    assert "payload" in kinds(by_family)


def test_a_strategy_and_a_family_are_their_days(books: BookMaker) -> None:
    with book(books, *ledger(LEDGER)) as made:
        whole, family = made.explain("strategy:unattributed"), made.explain("family:KXA")
        one, rest = (made.explain("family:KXA", limit=1) for _ in range(2))
        both = made.explain("strategy:unattributed/KXA")
    assert told(whole)["lots"] == "3"
    assert [cell.title for cell in of_kind(family, "cell")] == [
        "day 2026-06-02/KXA",
        "day 2026-06-01/KXA",
    ]
    assert told(both) == told(family)
    assert one == rest
    shown = [*of_kind(one, "cell"), *of_kind(one, "more")]
    assert exact_sum(dec(told(node)["net"]) for node in shown) == dec(told(family)["net"])


def test_the_cash_of_a_day_is_its_causes_and_their_lines(books: BookMaker) -> None:
    with book(books, *ledger(LEDGER)) as made:
        tree = made.explain("cash:2026-06-01")
        fees = made.explain("cash:2026-06-01/fee", limit=1)
        total = made.built.value(
            "SELECT sum(amount) FROM cash_ledger WHERE \"at\" < TIMESTAMPTZ '2026-06-02'"
        )
    assert told(tree) == {"entries": "5", "amount": "-3.6"}
    assert dec(told(tree)["amount"]) == total
    assert [node.title for node in of_kind(tree, "cause")] == ["fee", "fill", "redemption"]
    lines = [*of_kind(fees, "cash_line"), *of_kind(fees, "more")]
    assert [node.title for node in lines] == ["fee -0.1 USD for KXA-1", "1 more entries"]
    assert told(lines[1]) == {"entries": "1", "amount": "-0.1"}
    assert "payload" in kinds(lines[0])


def test_a_line_of_cash_leads_to_what_caused_it(books: BookMaker) -> None:
    with book(books, *ledger(LEDGER)) as made:
        with pytest.raises(UsageError, match="say which") as caught:
            made.explain("cash:f1")
        assert "cash:kalshi/main/live/f1/fee/USD" in str(caught.value)
        line = made.explain("cash:kalshi/main/live/f1/fee/USD")
        payout = made.explain("cash:KXA-1")
    assert line.title == "fee -0.1 USD for KXA-1"
    assert named(line, "fill", "fill f1").children[0].title == "log position 1: kalshi.fill"
    assert payout.title == "settlement 6 USD for KXA-1"
    assert told(named(payout, "fact", "settlement"))["result"] == "yes"


@pytest.mark.parametrize(
    "target", ["cash:2026-07-01", "cash:dividend", "cash:a/b/c/d/e/f", "cash:"]
)
def test_cash_that_is_not_there_is_refused(books: BookMaker, target: str) -> None:
    with book(books, *ledger(LEDGER)) as made, pytest.raises(UsageError, match="not found as"):
        made.explain(target)


def test_a_canary_shows_what_it_is_about_and_what_was_stated(books: BookMaker) -> None:
    text = "KXA-1 10:00 yes 4 @ 0.45 fee 0.07\nKXA-1 12:00 settles yes revenue 0.00"
    with book(books, *ledger(text)) as made:
        tree = made.explain("canary:revenue_missing/KXA-1")
        assert alike(tree, made.explain("canary:kalshi/main/live/revenue_missing/KXA-1"))
    assert tree.title == "revenue_missing KXA-1 of kalshi/main/live"
    assert (told(tree)["found"], told(tree)["expected"]) == ("0", "4")
    assert [child.kind for child in tree.children] == ["holding", "fact", "event"]
    assert told(tree.children[1])["revenue_state"] == "missing"


def strategies_of(names: str) -> tuple[str, dict[str, str]]:
    """Return a ledger with a round trip for each `strategy family`, and prefixes of the bots."""
    lines, prefixes = [], {}
    for number, (strategy, family) in enumerate(line.split() for line in names.split(",")):
        bot = f"bot{number}-"
        prefixes[bot] = strategy
        lines.append(f"{family}-{number} 06-01T10:00 yes 10 @ 0.60 fee 0.10 as {bot}x")
        lines.append(f"{family}-{number} 06-01T12:00 settles yes")
    return "\n".join(lines), prefixes


def test_a_strategy_and_a_family_of_one_name_are_not_merged(books: BookMaker) -> None:
    text, prefixes = strategies_of("KXA KXB, mm KXA, other KXC")
    with book(books, *ledger(text), strategies=prefixes) as made:
        with pytest.raises(UsageError, match="say which") as caught:
            made.explain("2026-06-01/KXA")
        exact = {
            "day:2026-06-01/strategy:KXA": ["KXA/KXB"],
            "day:2026-06-01/family:KXA": ["mm/KXA"],
        }
        for name, cells in exact.items():
            assert f"{name}  (" in str(caught.value)
            found = made.explain(name)
            assert [cell.title for cell in of_kind(found, "cell")] == cells
            assert "payload" in kinds(found)
        assert made.explain("2026-06-01/strategy:mm/family:KXA").kind == "day"
        # where both mean the same cell there is nothing to choose
        assert of_kind(made.explain("2026-06-01/KXB"), "cell")[0].title == "KXA/KXB"


def test_names_with_slashes_are_told_apart(books: BookMaker) -> None:
    text, prefixes = strategies_of("a/b c, a b/c, a/b/c d")
    with book(books, *ledger(text), strategies=prefixes) as made:
        families = {row["family"] for row in made.built.rows("daily_pnl", ["family"])}
        assert families == {"c", "b/c", "d"}
        for target, exact in (
            ("2026-06-01/a/b/c", "day:2026-06-01/{}"),
            ("strategy:a/b/c", "{}"),
        ):
            with pytest.raises(UsageError, match="say which") as caught:
                made.explain(target)
            for name, cell in (
                ("strategy:a%2Fb%2Fc", "a/b/c/d"),
                ("strategy:a%2Fb/family:c", "a/b/c"),
                ("strategy:a/family:b%2Fc", "a/b/c"),
            ):
                assert f"{exact.format(name)}  (" in str(caught.value)
                (found,) = of_kind(made.explain(exact.format(name)), "cell")
                assert found.title in (cell, f"day 2026-06-01/{cell}", "day 2026-06-01/a/b/c")
        assert made.explain("strategy:a").kind == "run"


def test_all_canaries_of_a_rule_are_shown(books: BookMaker) -> None:
    lines = [
        f"KX{n}-1 10:00 yes 4 @ 0.45 fee 0.07\nKX{n}-1 12:00 settles yes revenue 0.00"
        for n in range(3)
    ]
    with book(books, *ledger("\n".join(lines))) as made:
        tree = made.explain("canary:revenue_missing", limit=2)
        (rest,) = made.built.rows(tree.children[2].query)
    assert (tree.title, told(tree)) == ("canaries of revenue_missing", {"canaries": "3"})
    assert [child.title for child in tree.children] == [
        "revenue_missing KX0-1 of kalshi/main/live",
        "revenue_missing KX1-1 of kalshi/main/live",
        "1 more canaries",
    ]
    assert rest["subject"] == "KX2-1"


def test_a_restatement_shows_before_after_and_both_bytes(books: BookMaker) -> None:
    first, second = (
        ledger(f"KXA-1 10:00 yes 10 @ 0.62 fee {fee} id one") for fee in ("0.17", "0.20")
    )
    with book(books, *first, *second) as made:
        tree = made.explain("restatement:one")
        assert alike(tree, made.explain("restatement:2"))
        assert alike(tree, made.explain("restatement:fill/kalshi|main|live|one/2"))
    assert (told(tree)["cash_difference"], told(tree)["new_position"]) == ("-0.03", "2")
    assert told(named(tree, "fill", "fill one"))["fee"] == "0.2"
    assert [told(node)["position"] for node in of_kind(tree, "event")] == ["1", "2"]


def test_an_unreadable_event_says_why_and_shows_its_bytes(books: BookMaker) -> None:
    odd = event("kalshi.fill", '{"fill_id": "odd"}')
    with book(books, odd) as made:
        tree = made.explain("unreadable:1")
        assert alike(tree, made.explain(f"unreadable:{odd.key}"))
        with pytest.raises(UsageError, match="unreadable event"):
            made.explain("unreadable:2")
    assert told(tree)["reason"] == "unknown_shape"
    assert told(of_kind(tree, "payload")[0])["text"] == '{"fill_id": "odd"}'


def test_what_looks_like_a_day_is_one(books: BookMaker) -> None:
    text = "KXA-1 06-01T10:00 yes 10 @ 0.60 fee 0.10 id 2026-06-01"
    with book(books, *ledger(text)) as made:
        with pytest.raises(UsageError, match="not found as: UTC day"):
            made.explain("2026-06-01")
        assert made.explain("fill:2026-06-01").kind == "fill"
