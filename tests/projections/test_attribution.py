"""Which strategy a fill belongs to, by which rule, on which evidence."""

import itertools
import random
from decimal import Decimal
from typing import Final

import pytest

from domain.event import NewEvent
from domain.rules import Heuristics, Profit, Rules, Strategy
from tests.books import NOW, BookMaker, Built, Row, dec, event, ledger
from tests.made.samples import message_json
from tests.projections.bot_events import claim, decision, posted
from tools.fake_kalshi.payloads import Order, order_json
from tools.fake_kalshi.truths import Execution

LEDGER: Final = """
    A 10:00 yes 10 @ 0.40 fee 0 as alpha-1
    A 10:01 no 4 @ 0.50 fee 0 as beta-1
    B 10:00 yes 1 @ 0.40 fee 0 as alpha-long-7
    C 10:00 yes 1 @ 0.40 fee 0 order known
    D 10:00 yes 1 @ 0.40 fee 0
    E 10:00 yes 1 @ 0.40 fee 0 as stranger
    F 10:00 yes 1 @ 0.40 fee 0 as beta-2 order known
"""
PREFIXES: Final = {"alpha": "one", "alpha-long": "two", "beta": "three"}
RULES: Final = Rules(
    version="2026-05",
    strategies={
        "cross_bracket": Strategy(prefixes=("mm_xb_",)),
        "cross_bracket_exit": Strategy(
            prefixes=("mm_xb_exit_", "mm_xbexit_"), exit_of="cross_bracket"
        ),
        "hedge": Strategy(prefixes=("hedge-",)),
    },
)
OPEN: Final = "10:00 yes 1 @ 0.40 fee 0"


def broker_order(order_id: str, client: str, ticker: str) -> NewEvent:
    order = Order(
        order_id=order_id,
        client_order_id=client,
        ticker=ticker,
        acquires="yes",
        action="buy",
        status="executed",
        yes_price=dec("0.40"),
        initial=dec("1"),
        filled=dec("1"),
        remaining=dec("0"),
        created_at=NOW,
        updated_at=NOW,
    )
    return event("kalshi.order", order_json(order, "5"))


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    orders = [broker_order("known", "alpha-9", "C")]
    return shelf.build(ledger(LEDGER), orders, strategies=PREFIXES)


def told(book: Built, fill_id: str) -> Row:
    columns = "strategy, rule, prefix, evidence, confidence, decision_id"
    return book.one(f"SELECT {columns} FROM attribution WHERE fill_id = '{fill_id}'")


def whose(book: Built, fill_id: str) -> tuple[str, str]:
    row = told(book, fill_id)
    return row["strategy"], row["rule"]


def positions(book: Built, fill_id: str) -> list[int]:
    found: list[int] = book.value(
        f"SELECT evidence_positions FROM attribution WHERE fill_id = '{fill_id}'"
    )
    return found


def test_the_fills_own_id_is_the_first_evidence(book: Built) -> None:
    assert told(book, "f1") == {
        "strategy": "one",
        "rule": "prefix",
        "prefix": "alpha",
        "evidence": "fill",
        "confidence": "certain",
        "decision_id": None,
    }
    assert positions(book, "f1") == [1]
    assert whose(book, "f7") == ("three", "prefix")


def test_the_longest_prefix_wins(book: Built) -> None:
    row = told(book, "f3")
    assert (row["prefix"], row["strategy"]) == ("alpha-long", "two")


def test_the_order_gives_the_id_that_the_fill_has_lost(book: Built) -> None:
    assert told(book, "f4") == {
        "strategy": "one",
        "rule": "prefix",
        "prefix": "alpha",
        "evidence": "order",
        "confidence": "strong",
        "decision_id": None,
    }
    assert positions(book, "f4") == [8]
    client = "SELECT client_order_id FROM attribution WHERE fill_id = 'f4'"
    assert book.value(client) == "alpha-9"


def test_a_fill_that_nothing_explains_is_unattributed_and_never_guessed(book: Built) -> None:
    nothing = {
        "strategy": "unattributed",
        "prefix": None,
        "confidence": "none",
        "decision_id": None,
    }
    assert told(book, "f5") == {**nothing, "rule": "manual", "evidence": "none"}
    assert positions(book, "f5") == []
    assert told(book, "f6") == {**nothing, "rule": "unknown_prefix", "evidence": "fill"}
    assert positions(book, "f6") == [6]


def test_a_lot_belongs_to_the_strategy_that_opened_it(book: Built) -> None:
    row = book.one("SELECT strategy, close_id, realized_gross FROM lot_match")
    assert row == {"strategy": "one", "close_id": "f2", "realized_gross": dec("0.40")}


def test_strategies_and_the_unattributed_add_up_to_the_account(book: Built) -> None:
    parts = book.rows("SELECT strategy, sum(cost) AS cost FROM open_lot GROUP BY strategy")
    assert {row["strategy"]: row["cost"] for row in parts} == {
        "one": dec("2.80"),
        "three": dec("0.40"),
        "two": dec("0.40"),
        "unattributed": dec("0.80"),
    }
    assert sum(row["cost"] for row in parts) == book.value("SELECT sum(cost) FROM position")


# --- posted orders -------------------------------------------------------------------------------

POSTED: Final = f"""
    A {OPEN} order by-id
    B {OPEN} as foreign-7
    C {OPEN} order lost-client
    D {OPEN} order recorded
    E {OPEN} order elsewhere
    F {OPEN} order other-side
    G {OPEN} order twice
    H {OPEN} order by-broker
    I {OPEN} as mm_xb_exit_1 order own-id
    J {OPEN} as reused
    K {OPEN} order nameless
"""
POSTED_ORDERS: Final = (
    posted("cross_bracket", "A", "09:59", order="by-id", client="mm_xb_1", decision="d1"),
    posted("cross_bracket", "B", "09:59", client="foreign-7", side="yes", decision="d2"),
    posted("hedge", "C", "09:59", client="from-the-order"),
    posted("new_one", "D", "09:59", order="recorded"),
    posted("hedge", "X", "09:59", order="elsewhere"),
    posted("hedge", "F", "09:59", order="other-side", side="no"),
    posted("older", "G", "09:59", order="twice"),
    posted("newer", "G", "09:59", order="twice"),
    posted("hedge", "H", "09:59", order="by-broker", decision="d3"),
    posted("hedge", "I", "09:59", order="own-id", decision="d4"),
    posted("older", "J", "09:58", order="x", client="reused", decision="d5"),
    posted("newer", "J", "09:59", order="y", client="reused", decision="d6"),
    posted("unattributed", "K", "09:59", order="nameless"),
)
FOR_POSTED: Final = [
    decision(f"d{number}", "hedge", market, "yes", "08:00")
    for number, market in ((1, "A"), (2, "B"), (3, "H"), (4, "I"), (5, "J"), (6, "J"))
]


@pytest.fixture(scope="module")
def with_posted(shelf: BookMaker) -> Built:
    orders = [
        broker_order("lost-client", "from-the-order", "C"),
        broker_order("by-broker", "mm_xbexit_3", "H"),
    ]
    return shelf.build(ledger(POSTED), orders, POSTED_ORDERS, FOR_POSTED, rules=RULES)


@pytest.mark.parametrize(
    ("fill_id", "strategy", "rule", "evidence", "decision_id"),
    [
        pytest.param("f1", "cross_bracket", "prefix", "posted_order", "d1", id="its prefix"),
        pytest.param("f2", "cross_bracket", "recorded", "posted_order", "d2", id="by client"),
        pytest.param("f3", "hedge", "recorded", "posted_order", None, id="by the order's client"),
        pytest.param("f4", "new_one", "recorded", "posted_order", None, id="no rule knows it"),
        pytest.param("f5", "unattributed", "manual", "none", None, id="of another instrument"),
        pytest.param("f6", "unattributed", "manual", "none", None, id="of the other side"),
        pytest.param("f7", "newer", "recorded", "posted_order", None, id="the newest of one id"),
        pytest.param("f8", "cross_bracket_exit", "prefix", "order", "d3", id="broker's order"),
        pytest.param("f9", "cross_bracket_exit", "prefix", "fill", "d4", id="own id"),
        pytest.param("f10", "unattributed", "unknown_prefix", "fill", None, id="of other orders"),
        pytest.param("f11", "unattributed", "manual", "none", None, id="of no strategy"),
    ],
)
def test_a_posted_order_explains_what_the_broker_does_not(
    with_posted: Built, fill_id: str, strategy: str, rule: str, evidence: str, decision_id: str
) -> None:
    row = told(with_posted, fill_id)
    assert (row["strategy"], row["rule"], row["evidence"]) == (strategy, rule, evidence)
    assert row["decision_id"] == decision_id


def test_two_posted_orders_of_one_id_are_a_restatement(with_posted: Built) -> None:
    row = with_posted.one("SELECT * FROM restatement WHERE fact = 'posted_order'")
    assert (row["columns"], row["old_values"]) == ("strategy", '{"strategy":"older"}')


def test_a_posted_order_without_any_id_is_unreadable(books: BookMaker) -> None:
    built = books.build(ledger(f"A {OPEN}"), [posted("hedge", "A", "09:59")])
    row = built.one("unreadable")
    assert (row["reason"], row["column_name"]) == ("missing_value", "posted_id")
    assert whose(built, "f1") == ("unattributed", "manual")


# --- decisions -----------------------------------------------------------------------------------

DECIDED: Final = """
    A 10:00 yes 1 @ 0.40 fee 0
    B 10:00 yes 1 @ 0.40 fee 0
    C 10:00 yes 1 @ 0.40 fee 0
    D 10:00 yes 1 @ 0.40 fee 0
    E 10:00 yes 1 @ 0.40 fee 0
    F 10:00 yes 1 @ 0.40 fee 0
    G 10:00 yes 1 @ 0.40 fee 0
    H 10:00 yes 1 @ 0.40 fee 0
    H 10:00:30 yes 1 @ 0.40 fee 0
    I 10:00 yes 1 @ 0.40 fee 0
    J 10:00 yes 1 @ 0.40 fee 0
    K 10:00 yes 1 @ 0.40 fee 0
    L 10:00 yes 1 @ 0.40 fee 0 as stranger
    M 10:00 yes 1 @ 0.40 fee 0 order told
    N 10:00 no 1 @ 0.40 fee 0
"""
DECISIONS: Final = (
    decision("before", "hedge", "A", "yes", "09:59:00"),
    decision("behind", "hedge", "B", "buy", "10:01:00"),
    decision("too-early", "hedge", "C", "yes", "09:58:59.999999"),
    decision("too-late", "hedge", "D", "yes", "10:01:00.000001"),
    decision("far", "one", "E", "yes", "09:59:10"),
    decision("near", "two", "E", "yes", "10:00:20"),
    decision("left-F", "one", "F", "yes", "09:59:50"),
    decision("right-F", "two", "F", "yes", "10:00:10"),
    decision("right", "hedge", "G", "yes", "10:00:10"),
    decision("left", "hedge", "G", "yes", "09:59:50"),
    decision("both", "hedge", "H", "yes", "10:00"),
    decision("shadow", "hedge", "I", "yes", "10:00", outcome="shadow"),
    decision("opposite", "hedge", "J", "no", "10:00"),
    decision("one", "one", "K", "yes", "09:59:59"),
    decision("two", "two", "K", "yes", "09:59:59"),
    decision("with-id", "hedge", "L", "yes", "10:00", client="stranger"),
    decision("hours-ago", "hedge", "M", "yes", "07:00", order="told"),
    decision("no-is-sold", "hedge", "N", "no", "10:00:01"),
)


@pytest.fixture(scope="module")
def with_decisions(shelf: BookMaker) -> Built:
    return shelf.build(ledger(DECIDED), DECISIONS, rules=RULES)


@pytest.mark.parametrize(
    ("fill_id", "strategy", "rule", "decision_id"),
    [
        pytest.param("f1", "hedge", "decision", "before", id="60 s before"),
        pytest.param("f2", "hedge", "decision", "behind", id="60 s behind"),
        pytest.param("f3", "unattributed", "manual", None, id="60.000001 s before"),
        pytest.param("f4", "unattributed", "manual", None, id="60.000001 s behind"),
        pytest.param("f5", "two", "decision", "near", id="the nearest"),
        pytest.param("f6", "unattributed", "ambiguous", None, id="equally near, two strategies"),
        pytest.param("f7", "hedge", "decision", None, id="equally near, one strategy"),
        pytest.param("f8", "hedge", "decision", "both", id="first fill of a decision"),
        pytest.param("f9", "hedge", "decision", "both", id="second fill of a decision"),
        pytest.param("f10", "unattributed", "manual", None, id="a shadow decision"),
        pytest.param("f11", "unattributed", "manual", None, id="the opposite side"),
        pytest.param("f12", "unattributed", "ambiguous", None, id="two at one moment"),
        pytest.param("f13", "hedge", "recorded", "with-id", id="it names the fill's own id"),
        pytest.param("f14", "hedge", "recorded", "hours-ago", id="it names the order, and is far"),
        pytest.param("f15", "hedge", "decision", "no-is-sold", id="NO is a sell"),
    ],
)
def test_a_fill_is_that_of_the_decision_that_names_it_else_of_the_nearest(
    with_decisions: Built, fill_id: str, strategy: str, rule: str, decision_id: str | None
) -> None:
    row = told(with_decisions, fill_id)
    assert (row["strategy"], row["rule"], row["decision_id"]) == (strategy, rule, decision_id)
    likely = {"decision": ("decision", "likely"), "ambiguous": ("decision", "none")}
    if rule in likely:
        assert (row["evidence"], row["confidence"]) == likely[rule]


def test_what_is_ambiguous_shows_both_decisions(with_decisions: Built) -> None:
    names = "SELECT decision_id FROM decision WHERE position IN {}"
    for fill_id, both in (("f6", ["left-F", "right-F"]), ("f12", ["one", "two"])):
        found = with_decisions.rows(names.format(tuple(positions(with_decisions, fill_id))))
        assert [row["decision_id"] for row in found] == both


def test_decisions_are_not_matched_where_the_rules_say_so(books: BookMaker) -> None:
    off = RULES.model_copy(update={"heuristics": Heuristics(decisions=False)})
    built = books.build(ledger(DECIDED), DECISIONS, rules=off)
    assert built.rows("SELECT 1 FROM attribution WHERE rule IN ('decision', 'ambiguous')") == []


# --- exits ---------------------------------------------------------------------------------------

EXITS: Final = """
    A 10:00 no 1 @ 0.60 fee 0 as mm_xb_1
    A 11:00 yes 1 @ 0.15 fee 0
    B 10:00 no 1 @ 0.60 fee 0 as mm_xb_2
    B 11:00 yes 1 @ 0.1501 fee 0
    C 10:00 no 1 @ 0.60 fee 0 as mm_xb_3
    C 22:00 yes 1 @ 0.05 fee 0
    D 10:00 no 1 @ 0.60 fee 0 as mm_xb_4
    D 22:00:00.000001 yes 1 @ 0.05 fee 0
    E 10:00 no 1 @ 0.60 fee 0 as mm_xb_5
    E 10:00 yes 1 @ 0.05 fee 0
    F 10:00 no 1 @ 0.60 fee 0
    F 11:00 yes 1 @ 0.05 fee 0
    G 10:00 no 1 @ 0.60 fee 0
    G 11:00 yes 1 @ 0.05 fee 0
    H 10:00 no 1 @ 0.60 fee 0
    H 11:00 yes 1 @ 0.05 fee 0
    I 10:00 no 1 @ 0.60 fee 0 as mm_xb_6
    I 10:30 no 1 @ 0.60 fee 0 as hedge-1
    I 10:40 no 1 @ 0.60 fee 0
    I 11:00 yes 1 @ 0.05 fee 0
    J 10:00 yes 1 @ 0.60 fee 0 as mm_xb_7
    J 11:00 yes 1 @ 0.05 fee 0
    K 10:00 no 1 @ 0.60 fee 0 as mm_xb_8
    K 11:00 yes 1 @ 0.05 fee 0 as stranger
    L 10:00 no 1 @ 0.60 fee 0 as mm_xb_9
    L 11:00 yes 1 @ 0.05 fee 0
    L 11:30 yes 1 @ 0.05 fee 0
"""
BESIDE: Final = (
    decision("entry", "cross_bracket", "G", "no", "10:00:05"),
    claim("f13", "cross_bracket"),
    decision("left", "hedge", "L", "yes", "10:59:30"),
    decision("right", "cross_bracket", "L", "yes", "11:00:30"),
)


@pytest.fixture(scope="module")
def with_exits(shelf: BookMaker) -> Built:
    return shelf.build(ledger(EXITS), BESIDE, rules=RULES)


@pytest.mark.parametrize(
    ("fill_id", "strategy", "rule"),
    [
        pytest.param("f2", "cross_bracket_exit", "exit", id="at 15 cents"),
        pytest.param("f4", "unattributed", "manual", id="above 15 cents"),
        pytest.param("f6", "cross_bracket_exit", "exit", id="after 12 hours"),
        pytest.param("f8", "unattributed", "manual", id="after more than 12 hours"),
        pytest.param("f10", "unattributed", "manual", id="at the moment of the entry"),
        pytest.param("f12", "unattributed", "manual", id="entry unattributed"),
        pytest.param("f14", "cross_bracket_exit", "exit", id="entry claimed"),
        pytest.param("f16", "unattributed", "manual", id="entry of another market"),
        pytest.param("f20", "hedge", "exit", id="the latest entry of a strategy without exits"),
        pytest.param("f22", "unattributed", "manual", id="entry was YES"),
        pytest.param("f24", "unattributed", "unknown_prefix", id="a fill with an id"),
        pytest.param("f26", "unattributed", "ambiguous", id="ambiguous before"),
        pytest.param("f27", "cross_bracket_exit", "exit", id="an exit does not use the entry up"),
    ],
)
def test_a_cheap_yes_after_a_no_of_a_strategy_leaves_it(
    with_exits: Built, fill_id: str, strategy: str, rule: str
) -> None:
    assert whose(with_exits, fill_id) == (strategy, rule)
    if rule == "exit":
        row = told(with_exits, fill_id)
        assert (row["evidence"], row["confidence"]) == ("exit", "guessed")


def test_an_exit_whose_entry_is_a_decisions_shows_the_chain_of_evidence(books: BookMaker) -> None:
    events = ledger("G 10:00 no 1 @ 0.60 fee 0\nG 11:00 yes 1 @ 0.05 fee 0")
    built = books.build(events, BESIDE[:1], rules=RULES)
    assert whose(built, "f1") == ("cross_bracket", "decision")
    assert whose(built, "f2") == ("cross_bracket_exit", "exit")
    assert positions(built, "f2") == [1, 3]


def test_what_an_exit_rests_on_is_named_once(with_exits: Built) -> None:
    assert positions(with_exits, "f2") == [1]


def test_an_exit_leaves_an_entry_of_its_own_subaccount(books: BookMaker) -> None:
    rows = ledger(
        """
        A 10:00 no 1 @ 0.60 fee 0 as mm_xb_1 sub 1
        A 10:30 no 1 @ 0.60 fee 0 as hedge-1 sub 2
        A 11:00 yes 1 @ 0.05 fee 0 sub 1
        A 11:00 yes 1 @ 0.05 fee 0 sub 3
        """
    )
    built = books.build(rows, rules=RULES)
    assert whose(built, "f3") == ("cross_bracket_exit", "exit")
    assert whose(built, "f4") == ("unattributed", "manual")


def test_exits_are_not_guessed_where_the_rules_say_so(books: BookMaker) -> None:
    off = RULES.model_copy(update={"heuristics": Heuristics(exits=False)})
    built = books.build(ledger(EXITS), BESIDE, rules=off)
    assert built.rows("SELECT 1 FROM attribution WHERE rule = 'exit'") == []


def test_the_price_and_the_hours_of_an_exit_are_those_of_the_rules(books: BookMaker) -> None:
    guess = Heuristics(exit_price_max=Decimal("0.2"), exit_window_seconds=12 * 3600 + 1)
    built = books.build(ledger(EXITS), BESIDE, rules=RULES.model_copy(update={"heuristics": guess}))
    assert [whose(built, fill)[1] for fill in ("f4", "f8")] == ["exit", "exit"]


# --- claims --------------------------------------------------------------------------------------


def test_a_claim_explains_what_nothing_else_does(books: BookMaker) -> None:
    fills = ledger(f"A {OPEN}\nB {OPEN} as stranger\nC {OPEN}\nD {OPEN} as hedge-1")
    claims = [
        claim("f1", "hedge"),
        claim("f2", "hedge"),
        claim("f3", "hedge"),
        claim("f4", "cross_bracket"),
        claim("f9", "hedge"),
    ]
    withdrawn = [claim("f3", None, reason="it was another account's")]
    built = books.build(fills, claims, withdrawn, rules=RULES)
    assert whose(built, "f1") == ("hedge", "claim")
    assert told(built, "f1")["confidence"] == "claimed"
    assert positions(built, "f1") == [5]
    assert whose(built, "f2") == ("hedge", "claim")
    assert whose(built, "f3") == ("unattributed", "manual")
    assert whose(built, "f4") == ("hedge", "prefix")
    assert built.value("SELECT count(*) FROM attribution") == 4


def test_a_claim_that_is_revised_counts_as_revised_and_is_a_restatement(books: BookMaker) -> None:
    fills = ledger(f"A {OPEN}")
    built = books.build(fills, [claim("f1", "one")], [claim("f1", "two")], rules=RULES)
    assert whose(built, "f1") == ("two", "claim")
    row = built.one("SELECT * FROM restatement WHERE fact = 'attribution_claim'")
    assert (row["columns"], row["new_values"]) == ("strategy", '{"strategy":"two"}')


def test_a_claim_of_unattributed_is_unreadable(books: BookMaker) -> None:
    built = books.build(ledger(f"A {OPEN}"), [claim("f1", "unattributed")], rules=RULES)
    assert "withdraw the claim" in built.one("unreadable")["offending"]
    assert whose(built, "f1") == ("unattributed", "manual")


# --- the order of evidence -----------------------------------------------------------------------

STRONGEST_FIRST: Final = (
    "fill", "order", "posted_order", "named", "message", "decision", "exit", "claim",
)  # fmt: skip
PAIRS: Final = [*itertools.combinations(STRONGEST_FIRST, 2)]
ORDERED: Final = Rules(
    strategies={
        "by-fill": Strategy(prefixes=("by-fill",)),
        "by-order": Strategy(prefixes=("by-order",)),
        "by-message": Strategy(prefixes=("by-message",)),
        "cross_bracket": Strategy(prefixes=("mm_xb_",)),
        "by-exit": Strategy(exit_of="cross_bracket"),
    }
)


def message_of(market: str) -> NewEvent:
    """Return the live message of the fill of a market, which alone tells an id."""
    execution = Execution(
        fill_id=f"f-{market}",
        order_id=f"o-{market}",
        client_order_id="by-message",
        ticker=market,
        acquired="yes",
        action="buy",
        quantity=dec("1"),
        yes_price=dec("0.10"),
        taker=True,
        fee=dec("0"),
        at=NOW.replace(month=6, day=1, hour=10),
    )
    return event("kalshi.fill_message", message_json(execution, "5"))


def evidence(name: str, market: str) -> list[NewEvent]:
    """Return one sort of evidence for the fill of a market, each for a strategy of its own."""
    entry = f"{market} 09:30 no 1 @ 0.60 fee 0 as mm_xb_1 id entry-{market}"
    told: dict[str, list[NewEvent]] = {
        "fill": [],
        "order": [broker_order(f"o-{market}", "by-order", market)],
        "posted_order": [posted("by-posted_order", market, "09:59", order=f"o-{market}")],
        "named": [decision(f"n-{market}", "by-named", market, "yes", "07:00", order=f"o-{market}")],
        "message": [message_of(market)],
        "decision": [decision(f"d-{market}", "by-decision", market, "yes", "10:00")],
        "exit": ledger(entry),
        "claim": [claim(f"f-{market}", "by-claim")],
    }
    return told[name]


@pytest.fixture(scope="module", params=["the stronger comes first", "the weaker comes first"])
def of_pairs(shelf: BookMaker, request: pytest.FixtureRequest) -> Built:
    pages = []
    for stronger, weaker in PAIRS:
        market = f"{stronger}-{weaker}"
        own = " as by-fill-1" if stronger == "fill" else ""
        fill = f"{market} 10:00 yes 1 @ 0.10 fee 0 id f-{market} order o-{market}{own}"
        pages.append(ledger(fill))
        pair = [evidence(stronger, market), evidence(weaker, market)]
        pages += pair if request.param == "the stronger comes first" else reversed(pair)
    return shelf.build(*pages, rules=ORDERED)


@pytest.mark.parametrize(("stronger", "weaker"), PAIRS)
def test_a_weaker_rule_never_overrides_a_stronger_one(
    of_pairs: Built, stronger: str, weaker: str
) -> None:
    row = told(of_pairs, f"f-{stronger}-{weaker}")
    evidence = "decision" if stronger == "named" else stronger
    assert (row["strategy"], row["evidence"]) == (f"by-{stronger}", evidence)


# --- time, arrival, the past ---------------------------------------------------------------------


def test_late_evidence_changes_the_past_and_says_so(books: BookMaker) -> None:
    fills = ledger(
        f"""
        A {OPEN} order late
        B {OPEN} order early
        C {OPEN}
        D {OPEN}
        E {OPEN} order known
        F 11:00 yes 1 @ 0.05 fee 0
        """
    )
    entry = ledger("F 10:00 no 1 @ 0.60 fee 0 as hedge-1 id entry")
    before = [posted("hedge", "B", "09:59", order="early")]
    behind = [
        posted('one "quoted"', "A", "09:59", order="late"),
        decision("d", "hedge", "C", "yes", "10:00"),
        claim("f4", "hedge"),
        broker_order("known", "hedge-2", "E"),
    ]
    built = books.build(before, fills, behind, entry, rules=RULES)
    rows = built.rows("SELECT * FROM restatement WHERE fact = 'attribution'")
    assert [row["fact_id"].rpartition("|")[2] for row in rows] == ["f1", "f3", "f4", "f6"]
    assert rows[0] == {
        "fact": "attribution",
        "fact_id": "kalshi|main|live|f1",
        "change": "changed",
        "columns": "strategy",
        "old_values": '{"strategy":"unattributed"}',
        "new_values": '{"strategy":"one \\"quoted\\""}',
        "cash_difference": 0,
        "old_position": 2,
        "new_position": 8,
    }


def test_a_decision_in_the_future_is_matched_by_its_own_time(books: BookMaker) -> None:
    events = [decision("never", "hedge", "A", "yes", "12-31T10:00")]
    built = books.build(ledger(f"A {OPEN}"), events, rules=RULES)
    assert whose(built, "f1") == ("unattributed", "manual")


def test_in_whatever_order_events_arrive_the_content_is_the_same(books: BookMaker) -> None:
    events = [*ledger(EXITS), *BESIDE]
    contents = []
    for seed in range(4):
        random.Random(seed).shuffle(events)
        content = books.build(events, rules=RULES).content()
        content.pop("restatement")
        contents.append(content)
    assert all(content == contents[0] for content in contents)


# --- accounts and P&L ----------------------------------------------------------------------------

ROUND_TRIP: Final = """
    A 10:00 no 10 @ 0.60 fee 0 as mm_xb_1
    A 11:00 yes 14 @ 0.10 fee 0 as mm_xbexit_1
    A 12:00 no 4 @ 0.95 fee 0
    B 10:00 yes 1 @ 0.50 fee 0 as mm_xb_exit_2
"""
BY_STRATEGY: Final = """
    SELECT strategy, sum(realized_gross) AS gross FROM daily_pnl GROUP BY strategy ORDER BY strategy
"""


def test_what_an_exit_opens_counts_for_its_parent(books: BookMaker) -> None:
    built = books.ledger(ROUND_TRIP, rules=RULES)
    columns = "strategy, open_strategy, close_strategy, realized_gross"
    assert built.rows(f"SELECT {columns} FROM lot_match ORDER BY closed_at") == [
        {
            "strategy": "cross_bracket",
            "open_strategy": "cross_bracket",
            "close_strategy": "cross_bracket_exit",
            "realized_gross": dec("3.00"),
        },
        {
            "strategy": "cross_bracket",
            "open_strategy": "cross_bracket_exit",
            "close_strategy": "unattributed",
            "realized_gross": dec("-0.20"),
        },
    ]
    assert built.rows("SELECT DISTINCT strategy FROM trade") == [{"strategy": "cross_bracket"}]
    assert built.rows("SELECT strategy FROM open_lot") == [{"strategy": "cross_bracket"}]
    assert built.rows(BY_STRATEGY) == [{"strategy": "cross_bracket", "gross": dec("2.80")}]


def test_an_exit_counts_for_itself_where_the_rules_say_so(books: BookMaker) -> None:
    own = RULES.model_copy(update={"profit": Profit(exits="own")})
    built = books.ledger(ROUND_TRIP, rules=own)
    pairs = built.rows("SELECT strategy, open_strategy, close_strategy FROM lot_match")
    assert pairs == [
        {"strategy": "cross_bracket", "open_strategy": "cross_bracket",
         "close_strategy": "cross_bracket_exit"},
        {"strategy": "cross_bracket_exit", "open_strategy": "cross_bracket_exit",
         "close_strategy": "unattributed"},
    ]  # fmt: skip
    assert built.rows(BY_STRATEGY) == [
        {"strategy": "cross_bracket", "gross": dec("3.00")},
        {"strategy": "cross_bracket_exit", "gross": dec("-0.20")},
    ]
    trades = "SELECT strategy FROM trade WHERE instrument_id = 'A' ORDER BY opened_at"
    assert [row["strategy"] for row in built.rows(trades)] == [
        "cross_bracket",
        "cross_bracket_exit",
    ]
    assert built.rows("SELECT strategy FROM open_lot") == [{"strategy": "cross_bracket_exit"}]
