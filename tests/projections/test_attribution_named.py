"""What a bot recorded tells the order of a fill by id: whose it is, and by which decision."""

from typing import Final

import pytest

from domain.rules import Rules, Strategy
from tests.books import BookMaker, Built, ledger
from tests.projections.bot_events import decision, posted

RULES: Final = Rules(
    strategies={"one": Strategy(prefixes=("one-",)), "two": Strategy(prefixes=("two-",))}
)
FILLS: Final = """
    A 10:00 yes 1 @ 0.40 fee 0 order far
    B 10:00 yes 1 @ 0.40 fee 0 order known as stranger
    C 10:00 yes 1 @ 0.40 fee 0 order c as foreign
    D 10:00 yes 1 @ 0.40 fee 0 order d as one-1
    E 10:00 yes 1 @ 0.40 fee 0 order e
    F 10:00 yes 1 @ 0.40 fee 0 order f
    G 10:00 yes 1 @ 0.40 fee 0 order g
    H 10:00 yes 1 @ 0.40 fee 0 order h
    I 10:00 yes 1 @ 0.40 fee 0 order i
    J 10:00 yes 1 @ 0.40 fee 0 order j
    K 10:00 yes 1 @ 0.40 fee 0 order k as again
    L 10:00 yes 1 @ 0.40 fee 0 order l
    M 10:00 yes 1 @ 0.40 fee 0 order m
    N 10:00 yes 1 @ 0.40 fee 0 order n
"""
RECORDS: Final = (
    decision("d-A", "one", "A", "yes", "07:00", order="far"),
    decision("d-B", "one", "B", "yes", "07:00", order="known"),
    decision("d-C", "two", "C", "yes", "07:00", client="foreign"),
    decision("d-D", "two", "D", "yes", "09:59", order="d"),
    # a nearer one tells another order
    decision("d-E", "one", "E", "yes", "09:59:10", order="e"),
    decision("near-E", "two", "E", "yes", "10:00", order="of-somebody-else"),
    decision("near-F", "two", "F", "yes", "10:00", order="of-somebody-else"),
    decision("further-F", "one", "F", "yes", "09:59:10"),
    decision("only-G", "two", "G", "yes", "10:00", order="of-somebody-else"),
    # several tell the order: the nearest of them
    decision("d-H", "one", "H", "yes", "10:00:10", order="h"),
    decision("e-H", "two", "H", "yes", "09:59:40", order="h"),
    # the posted order is stronger, and leads to a decision of its own
    posted("one", "I", "09:59", order="i", decision="p-I"),
    decision("d-I", "two", "I", "yes", "09:59", order="i"),
    # it tells a decision that was never recorded
    posted("one", "J", "09:59", order="j", decision="p-J"),
    # the bot's id is that of another order
    decision("d-K", "one", "K", "yes", "10:00", order="another", client="again"),
    # nothing that names a strategy
    decision("d-L", " Unattributed ", "L", "yes", "09:00", order="l"),
    decision("near-L", "one", "L", "yes", "10:00"),
    decision("d-M", "one", "M", "yes", "09:00", order="m", outcome="shadow"),
    decision("d-N", "one", "M", "yes", "09:00", order="n"),
)


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    return shelf.build(ledger(FILLS), RECORDS, rules=RULES)


@pytest.mark.parametrize(
    ("market", "strategy", "rule", "evidence", "decision_id", "linked_by"),
    [
        pytest.param("A", "one", "recorded", "decision", "d-A", "order", id="hours before"),
        pytest.param("B", "one", "recorded", "decision", "d-B", "order", id="over an unknown id"),
        pytest.param("C", "two", "recorded", "decision", "d-C", "client_order_id", id="by client"),
        pytest.param("D", "one", "prefix", "fill", "d-D", "order", id="a prefix is stronger"),
        pytest.param("E", "one", "recorded", "decision", "d-E", "order", id="before a nearer one"),
        pytest.param("F", "one", "decision", "decision", "further-F", "attribution", id="no id"),
        pytest.param("G", "unattributed", "manual", "none", None, None, id="of another order"),
        pytest.param("H", "one", "decision", "decision", "d-H", "attribution", id="two name it"),
        pytest.param("I", "one", "recorded", "posted_order", "d-I", "order", id="posted, too"),
        pytest.param("J", "one", "recorded", "posted_order", None, None, id="posted alone"),
        pytest.param("K", "unattributed", "unknown_prefix", "fill", None, None, id="id reused"),
        pytest.param("L", "unattributed", "manual", "none", "d-L", "order", id="of no strategy"),
        pytest.param("M", "unattributed", "manual", "none", None, None, id="never posted"),
        pytest.param("N", "unattributed", "manual", "none", None, None, id="another market"),
    ],
)
def test_the_decision_that_names_the_order_says_whose_the_fill_is(
    book: Built,
    market: str,
    strategy: str,
    rule: str,
    evidence: str,
    decision_id: str | None,
    linked_by: str | None,
) -> None:
    row = book.one(
        "SELECT a.* FROM attribution AS a INNER JOIN fill AS f USING (position)"
        f" WHERE f.instrument_id = '{market}'"
    )
    assert (row["strategy"], row["rule"], row["evidence"]) == (strategy, rule, evidence)
    assert row["decision_id"] == decision_id
    if evidence == "decision" and rule == "recorded":
        assert row["confidence"] == "strong"
        named = f"SELECT position FROM decision WHERE decision_id = '{decision_id}'"
        assert row["evidence_positions"] == [book.value(named)]
    if linked_by is not None:
        link = f"SELECT linked_by FROM decision_outcome WHERE decision_id = '{decision_id}'"
        assert book.value(link) == linked_by


def test_the_decision_behind_a_fill_is_the_one_that_has_the_fill(book: Built) -> None:
    behind = """
        SELECT decision_id, count(*) AS fills FROM attribution
        WHERE decision_id IN (SELECT decision_id FROM decision) GROUP BY ALL ORDER BY ALL
    """
    having = "SELECT decision_id, fills FROM decision_outcome WHERE fills > 0 ORDER BY ALL"
    assert book.rows(behind) == book.rows(having)


# --- an id of the bot's that is used again -------------------------------------------------------

REUSED: Final = """
    A 10:00 yes 1 @ 0.40 fee 0 order a as label
    B 10:00 yes 1 @ 0.40 fee 0 order b as label
    C 10:00 yes 1 @ 0.40 fee 0 order c as label
    D 10:00 yes 1 @ 0.40 fee 0 order d as one-1
"""


@pytest.mark.parametrize(
    ("market", "strategy", "rule", "evidence"),
    [
        pytest.param("A", "unattributed", "unknown_prefix", "fill", id="of several strategies"),
        pytest.param("B", "unattributed", "unknown_prefix", "fill", id="of another order"),
        pytest.param("C", "three", "recorded", "posted_order", id="of one strategy"),
        pytest.param("D", "one", "prefix", "fill", id="a prefix says it all the same"),
    ],
)
def test_an_id_that_several_orders_have_is_never_guessed_from(
    books: BookMaker, market: str, strategy: str, rule: str, evidence: str
) -> None:
    records = [
        posted("three", "A", "09:59", client="label"),
        posted("four", "A", "11-01T09:59", order="later", client="label"),
        posted("three", "B", "09:59", order="of-another", client="label"),
        posted("three", "D", "09:59", order="x", client="one-1"),
    ]
    if market == "C":
        records = [
            posted("three", "C", "09:59", client="label"),
            posted("three", "C", "09:58", order="earlier", client="label"),
        ]
    built = books.build(ledger(REUSED), records, rules=RULES)
    row = built.one(
        "SELECT a.* FROM attribution AS a INNER JOIN fill AS f USING (position)"
        f" WHERE f.instrument_id = '{market}'"
    )
    assert (row["strategy"], row["rule"], row["evidence"]) == (strategy, rule, evidence)


@pytest.mark.parametrize("strategy", ["unattributed", "Unattributed", " UNATTRIBUTED\t", " "])
def test_what_bots_record_as_no_strategy_names_none(books: BookMaker, strategy: str) -> None:
    records = [
        posted(strategy, "A", "09:59", order="a"),
        decision("d-B", strategy, "B", "yes", "10:00", order="b"),
        decision("d-C", strategy, "C", "yes", "10:00"),
    ]
    fills = "\n".join(f"{one} 10:00 yes 1 @ 0.40 fee 0 order {one.lower()}" for one in "ABC")
    built = books.build(ledger(fills), records, rules=RULES)
    assert [row["rule"] for row in built.rows("SELECT rule FROM attribution")] == ["manual"] * 3


def test_of_equally_near_decisions_of_one_strategy_none_is_behind_the_fill(
    books: BookMaker,
) -> None:
    near = [decision(f"d{n}", "one", "A", "yes", at) for n, at in ((1, "09:59"), (2, "10:01"))]
    near.append(decision("d3", "one", "B", "yes", "10:00"))
    fills = ledger("A 10:00 yes 1 @ 0.40 fee 0\nB 10:00 yes 1 @ 0.40 fee 0")
    rows = books.build(fills, near).rows(
        "SELECT fill_id, strategy, rule, decision_id, evidence_positions FROM attribution"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("f1", "one", "decision", None, [3, 4]),
        ("f2", "one", "decision", "d3", [5]),
    ]
