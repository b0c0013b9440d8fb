"""Made payloads of a weather bot on Kalshi in May 2026, and the rules of its book.

Fills are of generation 3b, which had lost client_order_id; revenue of settlements is always 0, as
it was on 12 May.
"""

import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from domain.event import NewEvent
from domain.rules import Rules
from tests.books import FILL, SETTLEMENT, event
from tools.fake_kalshi.payloads import fill_json, page, settlement_json
from tools.fake_kalshi.truths import Ending, Execution, Result

GENERATION: Final = "3b"
MAY_11: Final = datetime(2026, 5, 11, 14, tzinfo=UTC)
SETTLED: Final = datetime(2026, 5, 12, 6, tzinfo=UTC)

RULES_TEXT: Final = """\
version = "1"

[strategies.legacy]
prefixes = ["mm_"]

[strategies.cross_bracket]
prefixes = ["mm_xb_"]

[strategies.cross_bracket_exit]
prefixes = ["mm_xb_exit_", "mm_xbexit_"]
exit_of = "cross_bracket"
"""
WITHOUT_HEURISTICS: Final = f"""\
{RULES_TEXT}
[heuristics]
decisions = false
exits = false
"""


def rules(text: str = RULES_TEXT) -> Rules:
    """Return the rules of a text."""
    return Rules.model_validate(tomllib.loads(text, parse_float=Decimal))


@dataclass(frozen=True, slots=True)
class Traded:
    """One fill as the bot knows it: `price` is that of the side."""

    fill_id: str
    ticker: str
    side: Literal["yes", "no"]
    price: str
    at: datetime
    quantity: str = "10"
    fee: str = "0.07"
    order_id: str = ""
    client_order_id: str | None = None

    @property
    def execution(self) -> Execution:
        """The fill as the exchange knows it."""
        own = Decimal(self.price)
        return Execution(
            fill_id=self.fill_id,
            order_id=self.order_id or f"order-of-{self.fill_id}",
            client_order_id=self.client_order_id,
            ticker=self.ticker,
            acquired=self.side,
            action="buy",
            quantity=Decimal(self.quantity),
            yes_price=own if self.side == "yes" else 1 - own,
            taker=True,
            fee=Decimal(self.fee),
            at=self.at,
        )

    def payload(self, generation: str = GENERATION) -> str:
        """Return the fill as the API told it."""
        return fill_json(self.execution, generation)


def fills(traded: Iterable[Traded], generation: str = GENERATION) -> list[NewEvent]:
    """Return fills as events."""
    return [event(FILL, one.payload(generation)) for one in traded]


def fills_page(traded: Iterable[Traded]) -> str:
    """Return fills as a page of the API."""
    return page("fills", [one.payload() for one in traded])


def settlement(
    ticker: str,
    result: Result,
    traded: Sequence[Traded],
    *,
    revenue: int | None = 0,
    **changes: object,
) -> str:
    """Return the settlement of a market; revenue is None for what is right, in cents."""
    ending = Ending(ticker, result, None, SETTLED)
    told = json.loads(settlement_json(ending, [one.execution for one in traded], GENERATION))
    if revenue is not None:
        told["revenue"] = revenue
    return json.dumps(told | changes)


def settlement_rows(
    traded: Sequence[Traded], result: Result = "no", *, revenue: int | None = 0
) -> list[str]:
    """Return the settlements of all markets of these fills."""
    tickers = dict.fromkeys(one.ticker for one in traded)
    return [settlement(ticker, result, traded, revenue=revenue) for ticker in tickers]


def settlements(traded: Sequence[Traded], result: Result = "no") -> list[NewEvent]:
    """Return the same as events, with revenue 0."""
    return [event(SETTLEMENT, text) for text in settlement_rows(traded, result)]


# --- what the bot recorded -----------------------------------------------------------------------


def decision(traded: Traded, *, seconds_before: int = 3, **changes: object) -> dict[str, Any]:
    """Return the posted decision behind a fill."""
    told = {
        "decision_id": f"decision-of-{traded.fill_id}",
        "strategy": "cross_bracket",
        "instrument": traded.ticker,
        "side": traded.side,
        "outcome": "posted",
        "decided_at": (traded.at - timedelta(seconds=seconds_before)).isoformat(),
    }
    return told | changes


def posted_order(traded: Traded, **changes: object) -> dict[str, Any]:
    """Return the order behind a fill, as it was recorded right after the post."""
    told = {
        "strategy": "cross_bracket",
        "instrument": traded.ticker,
        "posted_at": (traded.at - timedelta(seconds=2)).isoformat(),
        "order_id": traded.execution.order_id,
        "client_order_id": f"mm_xb_{traded.execution.order_id}",
        "side": traded.side,
    }
    return {name: value for name, value in (told | changes).items() if value is not None}


def decisions(told: Iterable[dict[str, Any]]) -> list[NewEvent]:
    """Return decisions as events."""
    return [event("bot.decision", json.dumps(one)) for one in told]


def posted_orders(told: Iterable[dict[str, Any]]) -> list[NewEvent]:
    """Return posted orders as events."""
    return [event("bot.order_posted", json.dumps(one)) for one in told]


# --- 11 May: nine orders, twelve fills -----------------------------------------------------------

ORDERS: Final = tuple(
    Traded(
        fill_id=f"may11-{number}a",
        ticker=f"KXHIGHNY-26MAY11-B{60 + number}.5",
        side="no",
        price="0.88",
        at=MAY_11 + timedelta(minutes=10 * number),
        order_id=f"may11-order-{number}",
    )
    for number in range(9)
)
SECOND_PARTS: Final = tuple(
    replace(
        ORDERS[number],
        fill_id=f"may11-{number}b",
        quantity="5",
        at=ORDERS[number].at + timedelta(seconds=30),
    )
    for number in (0, 4, 8)
)
TWELVE: Final = (*ORDERS, *SECOND_PARTS)
EXTERNAL: Final = (
    replace(ORDERS[0], fill_id="external-0", order_id="web-0", at=MAY_11 + timedelta(hours=2)),
    Traded("external-1", "KXHIGHCHI-26MAY11-T80", "yes", "0.40", MAY_11 + timedelta(hours=2)),
)
"""Traded by hand: one on the side of the bot in a market of the bot, one elsewhere."""


# --- the backlog: 34 fills without an id, of which decisions and prices explain 31 ---------------

ENTRIES: Final = tuple(
    Traded(
        fill_id=f"entry-{number}",
        ticker=f"KXHIGHDEN-26MAY10-B{50 + number}.5",
        side="no",
        price="0.70",
        at=MAY_11 - timedelta(days=1) + timedelta(minutes=number),
    )
    for number in range(26)
)
WITHIN_A_MINUTE: Final = (-60, -20, -1, 0, 3, 25, 60)
"""Seconds from the decision to the fill, negative where the bot's clock was ahead."""


def backlog_decisions() -> list[dict[str, Any]]:
    """Return a decision for each entry, up to a minute away either way."""
    return [
        decision(entry, seconds_before=WITHIN_A_MINUTE[number % len(WITHIN_A_MINUTE)])
        for number, entry in enumerate(ENTRIES)
    ]


def leaving(number: int, price: str, later: timedelta) -> Traded:
    """Return YES bought after an entry, which no decision tells of."""
    entry = ENTRIES[number]
    return Traded(f"leaving-{number}", entry.ticker, "yes", price, entry.at + later)


EXITS: Final = (
    leaving(0, "0.15", timedelta(hours=1)),
    leaving(1, "0.03", timedelta(seconds=1)),
    leaving(2, "0.10", timedelta(hours=12)),
    leaving(3, "0.01", timedelta(hours=6)),
    leaving(4, "0.12", timedelta(hours=11)),
)
LEFT_MANUAL: Final = (
    leaving(5, "0.16", timedelta(hours=1)),
    leaving(6, "0.10", timedelta(hours=12, seconds=1)),
    Traded("stranger", "KXHIGHMIA-26MAY10-B90.5", "no", "0.70", ENTRIES[0].at),
)
"""A cent too dear, a second too late, and a market that nobody decided about."""
BACKLOG: Final = (*ENTRIES, *EXITS, *LEFT_MANUAL)


# --- fourteen hedges -----------------------------------------------------------------------------


def hedge(number: int) -> tuple[Traded, Traded]:
    """Return one YES and one NO of a market, for 0.88 and 0.02 of fees together."""
    ticker = f"KXHIGHLAX-26MAY12-B{60 + number}.5"
    at = MAY_11 + timedelta(minutes=number)
    yes = Decimal("0.30") + Decimal("0.01") * number
    return (
        Traded(f"hedge-{number}y", ticker, "yes", f"{yes}", at, "1", "0.01"),
        Traded(f"hedge-{number}n", ticker, "no", f"{Decimal('0.88') - yes}", at, "1", "0.01"),
    )


HEDGES: Final = tuple(one for number in range(13) for one in hedge(number))
ASYMMETRIC: Final = (
    Traded("asymmetric-y", "KXHIGHLAX-26MAY12-T75", "yes", "0.25", MAY_11, "2", "0.02"),
    Traded("asymmetric-n", "KXHIGHLAX-26MAY12-T75", "no", "0.68", MAY_11, "1", "0.01"),
)
"""Two YES and one NO for 1.18 and 0.03 of fees; the YES that is left over loses."""
