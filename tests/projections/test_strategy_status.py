"""Whether a strategy's decisions, orders and fills go together; what is not known is unknown."""

from typing import Any, Final

import pytest

from domain.event import NewEvent, Owner
from domain.rules import Rules, Strategy
from replay import query
from tests.books import BookMaker, Built, Row, dec, ledger
from tests.projections.account_events import fetch
from tests.projections.bot_records import at, decision, decisions, posted

PREFIXES: Final = {"a-": "alpha"}
STATUS: Final = "SELECT state, fills, realized_net, currency FROM strategy_status"
STATES: Final = "SELECT strategy, state FROM strategy_status"


def states(built: Built) -> dict[str, str]:
    return {row["strategy"]: row["state"] for row in built.rows(STATES)}


def known(start: float, end: float, **said: Any) -> NewEvent:  # noqa: ANN401 - those of fetch
    """Return a fetch of fills that covers hours of the day."""
    return fetch("fills", (at(start), at(end)), at=at(end), **said)


def test_a_row_says_what_is_known_of_a_strategy(books: BookMaker) -> None:
    built = books.build(
        ledger("""
            A 10:00 yes 2 @ 0.40 fee 0.05 as a-1
            A 11:00 no 2 @ 0.50 fee 0.05 as a-2
            B 11:30 no 1 @ 0.50 fee 0 as a-3
        """),
        decisions(9, 12, 13),
        decisions(14, prefix="s", outcome="shadow"),
        [posted(at(10), "o-1"), posted(at(11), "o-2"), known(0, 14)],
        strategies=PREFIXES,
    )
    assert built.one("strategy_status") == {
        "venue": "kalshi",
        "account": "main",
        "mode": "live",
        "strategy": "alpha",
        "state": "flowing",
        "decisions": 4,
        "posted_decisions": 3,
        "posted_orders": 2,
        "fills": 3,
        "posted_since_fill": 2,
        "last_decision_at": at(13),
        "last_fill_at": at(11.5),
        "known_until": at(14),
        "currency": "USD",
        "realized_net": dec("0.10"),
    }


# --- S1-16: attribution that died ----------------------------------------------------------------


def test_s1_16_a_strategy_whose_attribution_died_is_unknown_and_made_no_zero(
    books: BookMaker,
) -> None:
    """All of its fills came without an id: none is known to be its own, and some may be."""
    fills = ledger("""
        A 10:00 yes 10 @ 0.40 fee 0
        A 20:00 settles yes
    """)
    built = books.build([*fills, *decisions(9, 11, 12, 13, 14, 15), known(0, 23)])
    row = built.one(f"{STATUS} WHERE strategy = 'alpha'")
    assert row == {"state": "unknown", "fills": 0, "realized_net": None, "currency": None}
    assert built.one(f"{STATUS} WHERE strategy = 'unattributed'") == {
        "state": "flowing",
        "fills": 1,
        "realized_net": dec("6"),
        "currency": "USD",
    }


@pytest.mark.parametrize(
    ("until", "state"),
    [(23, "fills_stopped"), (15, "flowing")],
    ids=["asked since", "not asked since"],
)
def test_s1_16_a_strategy_whose_attribution_dies_on_the_way_has_stopped(
    books: BookMaker, until: float, state: str
) -> None:
    fills = ledger("""
        A 08:00 yes 10 @ 0.40 fee 0 as a-1
        A 08:30 no 10 @ 0.40 fee 0 as a-2
        A 18:00 yes 10 @ 0.40 fee 0
    """)
    built = books.build(
        [*fills, *decisions(11, 12, 13, 14, 15), known(0, until)], strategies=PREFIXES
    )
    row = built.one(f"{STATUS} WHERE strategy = 'alpha'")
    # what it made while it was known, and no zero for the rest
    assert row == {"state": state, "fills": 2, "realized_net": dec("2"), "currency": "USD"}


# --- no fill, and what is unknown ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fetches", "state"),
    [
        ([known(0, 12)], "no_fills"),
        ([known(10, 12)], "no_fills"),
        # nobody asked since the last decision, or for the time of the first
        ([known(0, 11)], "unknown"),
        ([known(10.5, 12)], "unknown"),
        ([known(0, 10.2), known(10.5, 12)], "unknown"),
        ([known(0, 12, owner=Owner("other", "live"))], "unknown"),
        ([fetch("orders", (at(0), at(12)), at=at(12))], "unknown"),
        ([fetch("fills", None, at=at(12))], "unknown"),
        ([], "unknown"),
    ],
)
def test_no_fills_is_said_only_where_the_broker_was_asked_for_all_the_time(
    books: BookMaker, fetches: list[NewEvent], state: str
) -> None:
    built = books.build([*decisions(10, 11), *fetches])
    assert states(built) == {"alpha": state}
    assert built.value("SELECT realized_net FROM strategy_status") is None


@pytest.mark.parametrize(
    ("fill", "state"),
    [
        ("A 15:00 yes 1 @ 0.40 fee 0", "unknown"),
        ("A 15:00 yes 1 @ 0.40 fee 0 as stranger", "unknown"),
        # before the first decision, on the other side, on another market
        ("A 09:00 yes 1 @ 0.40 fee 0", "no_fills"),
        ("A 15:00 no 1 @ 0.40 fee 0", "no_fills"),
        ("B 15:00 yes 1 @ 0.40 fee 0", "no_fills"),
    ],
)
def test_a_strategy_is_not_without_fills_while_one_that_may_be_its_own_is_unattributed(
    books: BookMaker, fill: str, state: str
) -> None:
    built = books.build([*ledger(fill), *decisions(10, 11), known(0, 16)])
    assert states(built) == {"alpha": state, "unattributed": "flowing"}


def test_shadow_decisions_and_recorded_orders_alone_tell_nothing_of_fills(
    books: BookMaker,
) -> None:
    events = [
        decision(at(10), outcome="shadow"),
        posted(at(10), "o-1", strategy="beta"),
        known(0, 12),
    ]
    built = books.build(events)
    assert states(built) == {"alpha": "unknown", "beta": "unknown"}
    assert built.value("SELECT last_decision_at FROM strategy_status LIMIT 1") is None


def test_a_strategy_of_the_rules_without_any_data_is_unknown_in_each_account(
    books: BookMaker,
) -> None:
    rules = Rules(
        strategies={
            "alpha": Strategy(prefixes=("a-",)),
            "alpha_exit": Strategy(prefixes=("x-",), exit_of="alpha"),
            "silent": Strategy(),
        }
    )
    assert books.build(rules=rules).rows("strategy_status") == []
    others = [decision(at(10), decision_id="d9", owner=Owner("second", "live"))]
    built = books.build([*ledger("A 10:00 yes 1 @ 0.40 fee 0 as x-1"), *others], rules=rules)
    found = built.rows("SELECT account, strategy, state FROM strategy_status")
    assert [tuple(row.values()) for row in found] == [
        ("main", "alpha", "flowing"),
        ("main", "silent", "unknown"),
        ("second", "alpha", "unknown"),
        ("second", "silent", "unknown"),
    ]


@pytest.mark.parametrize("exits", ["parent", "own"])
def test_exits_count_for_their_parent_as_the_rules_say(books: BookMaker, exits: str) -> None:
    rules = Rules.model_validate(
        {
            "strategies": {
                "alpha": {"prefixes": ["a-"]},
                "alpha_exit": {"prefixes": ["x-"], "exit_of": "alpha"},
            },
            "profit": {"exits": exits},
        }
    )
    fills = ledger("""
        A 10:00 yes 1 @ 0.40 fee 0 as a-1
        A 11:00 no 1 @ 0.40 fee 0 as x-1
    """)
    built = books.build(
        [*fills, decision(at(9)), decision(at(10.5), decision_id="x", strategy="alpha_exit")],
        rules=rules,
    )
    found = built.rows("SELECT strategy, fills, decisions FROM strategy_status")
    counts = {row["strategy"]: (row["fills"], row["decisions"]) for row in found}
    assert counts == (
        {"alpha": (2, 2)} if exits == "parent" else dict.fromkeys(("alpha", "alpha_exit"), (1, 1))
    )


@pytest.mark.parametrize(
    ("text", "net", "currency"),
    [
        # still open
        ("A 10:00 yes 1 @ 0.40 fee 0 as a-1", None, None),
        ("A 10:00 yes 1 @ 0.40 fee 0 as a-1\nA 11:00 no 1 @ 0.60 fee 0", dec("0"), "USD"),
        # a fee that nobody has stated yet
        ("A 10:00 yes 1 @ 0.40 as a-1\nA 11:00 no 1 @ 0.60 fee 0", None, "USD"),
    ],
)
def test_what_a_strategy_made_is_empty_where_it_is_not_known(
    books: BookMaker, text: str, net: object, currency: str | None
) -> None:
    built = books.build([*ledger(text), *decisions(9)], strategies=PREFIXES)
    row = built.one(f"{STATUS} WHERE strategy = 'alpha'")
    assert (row["realized_net"], row["currency"]) == (net, currency)


def test_statements_and_the_socket_together_say_how_far_fills_are_known(books: BookMaker) -> None:
    def asked(stream: str, start: float, end: float) -> NewEvent:
        said = (at(start), at(end))
        return fetch(stream, said, at=at(end), broker="ibkr", adapter="ibkr/1")

    events = [
        decision(at(9), instrument="756733", venue="ibkr"),
        asked("flex", -48, 4),
        asked("executions", 4, 12),
        asked("positions", 4, 20),
    ]
    built = books.build(events)
    found = built.one("SELECT venue, state, known_until FROM strategy_status")
    assert found == {"venue": "ibkr", "state": "no_fills", "known_until": at(12)}


def test_fills_of_strategies_add_up_to_the_executions(books: BookMaker) -> None:
    built = books.ledger(
        """
        A 10:00 yes 1 @ 0.40 fee 0 as a-1
        A 11:00 yes 1 @ 0.40 fee 0
        B 11:00 yes 1 @ 0.40 fee 0 as stranger
        """,
        strategies=PREFIXES,
    )
    assert built.value("SELECT sum(fills) FROM strategy_status") == 3


def test_the_saved_query_shows_every_strategy(books: BookMaker) -> None:
    built = books.build([*ledger("A 10:00 yes 1 @ 0.40 fee 0"), *decisions(9)], strategies=PREFIXES)
    rows: list[Row] = query.run(built.connection, query.saved_query("strategies").sql).to_pylist()
    assert [(row["strategy"], row["state"], row["net"]) for row in rows] == [
        ("alpha", "unknown", None),
        ("unattributed", "flowing", None),
    ]
