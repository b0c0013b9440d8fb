"""The set-based attribution against the oracle that goes fill by fill, over hundreds of markets."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.columns import columns_of
from domain.event import NewEvent
from domain.results import Attribution
from domain.rules import Rules, Strategy
from tests.books import FILL, BookMaker, Built, event
from tests.made.samples import message_json
from tests.oracle import attribution as oracle
from tests.oracle.attribution import Decided, Fill, Posted, Settings, Told
from tools.fake_kalshi.payloads import Order, fill_json, order_json
from tools.fake_kalshi.truths import Execution

START: Final = datetime(2026, 6, 1, 10, tzinfo=UTC)
PREFIXES: Final = {"a": "alpha", "a-out": "alpha_exit", "b": "beta"}
EXITS: Final = {"alpha_exit": "alpha", "alpha_late": "alpha"}
SETTINGS: Final = Settings(PREFIXES, EXITS)
RULES: Final = Rules(
    strategies={
        "alpha": Strategy(prefixes=("a",)),
        "alpha_exit": Strategy(prefixes=("a-out",), exit_of="alpha"),
        "alpha_late": Strategy(exit_of="alpha"),
        "beta": Strategy(prefixes=("b",)),
    }
)
CLIENTS: Final = (None, None, None, "a-1", "a-out-2", "b-3", "zz-4")
RECORDED: Final = ("alpha", "beta", "gamma", "delta")
# Around the windows of 60 s and 12 h, to the microsecond, and all of it close together.
STEPS: Final = tuple(
    timedelta(seconds=seconds, microseconds=more)
    for seconds, more in (
        (0, 0), (0, 1), (10, 0), (30, 0), (59, 999_999), (60, 0), (60, 1), (3600, 0),
        (43_199, 999_999), (43_200, 0), (43_200, 1),
    )
)  # fmt: skip


@dataclass(slots=True)
class Made:
    """A made history: what the oracle is told, and the events that say the same."""

    random: Random
    fills: list[Fill] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    posted: list[Posted] = field(default_factory=list)
    decisions: list[Decided] = field(default_factory=list)
    claims: dict[str, str | None] = field(default_factory=dict)
    events: list[NewEvent] = field(default_factory=list)

    def market(self, name: str) -> None:
        """Make a few fills of a market, and some evidence for them."""
        at = START
        for number in range(self.random.randint(1, 5)):
            at += self.random.choice(STEPS)
            self._fill(name, number, at)
        fills = [fill for fill in self.fills if fill.instrument == name]
        for number in range(self.random.choice((0, 0, 1, 2, 3, 4))):
            self._decision(name, number, self.random.choice(fills))

    def _fill(self, market: str, number: int, at: datetime) -> None:
        choice = self.random.choice
        acquired: Literal["yes", "no"] = choice(("yes", "no"))
        own, of_message = choice(CLIENTS), choice(CLIENTS)
        fill = Fill(
            fill_id=f"f{number}-{market}",
            order_id=f"{market}-{choice((number, number, 0))}",
            instrument=market,
            side="buy" if acquired == "yes" else "sell",
            yes_price=choice((Decimal("0.1"), Decimal("0.15"), Decimal("0.1501"), Decimal("0.6"))),
            at=at,
            client=own,
            client_of_message=choice((None, of_message)),
        )
        self.fills.append(fill)
        self.events += _fill_events(fill, acquired)
        if self.random.random() < 0.3 and fill.order_id not in self.orders:
            self.orders[fill.order_id] = choice(CLIENTS) or ""
            self.events.append(_order_event(fill, self.orders[fill.order_id]))
        for _ in range(choice((0, 0, 0, 1, 2))):
            self._posted(fill)
        if self.random.random() < 0.2:
            strategy = choice((*RECORDED, None))
            self.claims[fill.fill_id] = strategy
            reason = f"claim {len(self.events)}"
            self._record(
                "ledger.attribution_claimed", fill_id=fill.fill_id, strategy=strategy,
                reason=reason, claimed_by="operator", claimed_at=START.isoformat(),
            )  # fmt: skip

    def _posted(self, fill: Fill) -> None:
        choice = self.random.choice
        order_id = choice((fill.order_id, None, f"other-{fill.fill_id}"))
        client = choice((fill.client, choice(CLIENTS), None)) or (None if order_id else "zz-4")
        one = Posted(
            strategy=choice(RECORDED),
            instrument=choice((fill.instrument, fill.instrument, fill.instrument, "ELSEWHERE")),
            at=fill.at - choice(STEPS),
            order_id=order_id,
            client=client,
            side=choice((None, fill.side, "buy", "sell")),
        )
        self.posted.append(one)
        self._record(
            "bot.order_posted", strategy=one.strategy, instrument=one.instrument,
            posted_at=one.at.isoformat(), order_id=one.order_id, client_order_id=one.client,
            side=one.side, decision_id=f"d{len(self.events)}",
        )  # fmt: skip

    def _decision(self, market: str, number: int, around: Fill) -> None:
        choice = self.random.choice
        one = Decided(
            decision_id=f"d{number}-{market}",
            strategy=choice(RECORDED),
            instrument=market,
            side=choice(("buy", "sell")),
            at=around.at + choice(STEPS[:7]) * choice((1, -1)),
            outcome=choice(("posted", "posted", "posted", "shadow", "skipped")),
            order_id=choice((*[None] * 6, around.order_id, f"other-{market}")),
            client=choice((*[None] * 6, around.client, choice(CLIENTS))),
        )
        self.decisions.append(one)
        self._record(
            "bot.decision", decision_id=one.decision_id, strategy=one.strategy,
            instrument=market, side=one.side, outcome=one.outcome, decided_at=one.at.isoformat(),
            order_id=one.order_id, client_order_id=one.client,
        )  # fmt: skip

    def _record(self, kind: str, **payload: str | None) -> None:
        told = {name: value for name, value in payload.items() if value is not None}
        self.events.append(event(kind, json.dumps(told)))

    def told(self) -> Told:
        """Return what the oracle is told."""
        return Told(self.fills, self.orders, self.posted, self.decisions, self.claims)


def _fill_events(fill: Fill, acquired: Literal["yes", "no"]) -> list[NewEvent]:
    execution = Execution(
        fill_id=fill.fill_id,
        order_id=fill.order_id,
        client_order_id=None,
        ticker=fill.instrument,
        acquired=acquired,
        action="buy",
        quantity=Decimal(1),
        yes_price=fill.yes_price,
        taker=True,
        fee=Decimal(0),
        at=fill.at,
    )
    page = json.loads(fill_json(execution, "5"))
    if fill.client is not None:
        page["client_order_id"] = fill.client
    events = [event(FILL, json.dumps(page))]
    if fill.client_of_message is not None:
        message = json.loads(message_json(execution, "5"))
        message["client_order_id"] = fill.client_of_message
        events.append(event("kalshi.fill_message", json.dumps(message)))
    return events


def _order_event(fill: Fill, client: str) -> NewEvent:
    order = Order(
        order_id=fill.order_id,
        client_order_id=client,
        ticker=fill.instrument,
        acquires="yes",
        action="buy",
        status="executed",
        yes_price=fill.yes_price,
        initial=Decimal(1),
        filled=Decimal(1),
        remaining=Decimal(0),
        created_at=fill.at,
        updated_at=fill.at,
    )
    return event("kalshi.order", order_json(order, "5"))


def differences(built: Built, told: Told) -> list[str]:
    """Return what the projection and the oracle do not say alike."""
    expected = oracle.attribute(told, SETTINGS)
    query = "SELECT fill_id, strategy, rule, evidence FROM attribution"
    found = {
        row["fill_id"]: (row["strategy"], row["rule"], row["evidence"]) for row in built.rows(query)
    }
    assert found.keys() == expected.keys()
    return [
        f"{fill_id}: SQL {found[fill_id]}, oracle {verdict}"
        for fill_id, verdict in expected.items()
        if found[fill_id] != verdict
    ]


def history(seed: int, count: int) -> Made:
    made = Made(Random(seed))
    for number in range(count):
        made.market(f"KXTWO-26JUN01-T{number}")
    return made


def test_such_histories_meet_every_rule_and_every_evidence() -> None:
    verdicts = oracle.attribute(history(1, 1000).told(), SETTINGS).values()
    for column in columns_of(Attribution):
        if column.name in ("rule", "evidence"):
            place = 1 if column.name == "rule" else 2
            assert {verdict[place] for verdict in verdicts} == set(column.choices)


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 100).map(lambda less: 300 - less))
def test_hundreds_of_random_markets_are_attributed_as_the_oracle_does(
    seed: int, count: int
) -> None:
    made = history(seed, count)
    with TemporaryDirectory() as folder:
        books = BookMaker(Path(folder))
        try:
            built = books.build(made.events, rules=RULES)
            assert built.rows("unreadable") == []
            assert differences(built, made.told())[:6] == []
        finally:
            books.close()
