"""The tables of what became of trades and decisions: labels that are computed, never written.

Win or loss comes of the money alone. A trade without an exit reason is no loss, a decision without
a fill is no zero: what is not known says so, and why.
"""

from datetime import datetime
from typing import ClassVar, Literal

from domain.columns import Table, column
from domain.exits import ExitReason
from domain.units import Money, Price, Volume


class Outcome(Table):
    """What came of one closed trade."""

    table: ClassVar[str] = "outcome"
    purpose: ClassVar[str] = (
        "One row a closed trade: result, exit reason, return, and how far to trust it. A trade "
        "that only the bot holds closed has a row too, graded by what it can be valued from; its "
        "money is an estimate and counts nowhere else."
    )

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    trade_id: str = column("The round trip, as in `trade`.", identity=True)
    subaccount: int = column("Subaccount; 0 is the primary one.")
    instrument_id: str = column("What was held.")
    strategy: str = column("Strategy of the trade, as in `trade`.")
    direction: Literal["long", "short"] = column("long or short of the one signed contract.")
    decision_id: str | None = column("The decision behind its first fill, where one is known.")
    quality: Literal["broker", "healed_from_partials", "healed_from_quote", "lost"] = column(
        "broker: closed by the broker's own rows; healed_from_partials: closed by the bot's word "
        "alone, valued from the exits that it recorded; healed_from_quote: likewise, valued from "
        "the last quote before the exit; lost: likewise, and nothing to value it from."
    )
    result: Literal["win", "loss", "breakeven", "unknown"] = column(
        "By return after fees (of an estimate: before them): beyond the threshold of the rules a "
        "win or a loss, up to it and including it breakeven; unknown where the money is."
    )
    unknown_because: (
        Literal["fee_pending", "basis_missing", "two_currencies", "executions_missing"] | None
    ) = column("Why the result is unknown.")
    exit_reason: ExitReason = column(
        "Of its last exit: as the bot told it; where it told none, or the last one more than 60 "
        "seconds before the broker ended it without a fill, what the broker's rows say "
        "(settlement, expiry, exercise, assignment, corporate_action, transfer); undeclared: told "
        "in a spelling that is in no list; not_told: a fill closed it and nobody said why."
    )
    exit_reason_told: str | None = column(
        "The bot's own word for it; empty where it is the broker's."
    )
    hit_tp: bool | None = column(
        "Whether one of its exits took the profit; empty where nobody told a reason, or none that "
        "is in a list while another one is in none."
    )
    exit_positions: tuple[int, ...] = column(
        "Log positions of the exits that the bot told of it, in the order of their times.",
        provenance=True,
    )
    cost: Money | None = column(
        "What was put in: contracts times the price of the side held (a short option or share: "
        "what it was sold for), in the currency. Empty where the basis is missing.",
        money=True,
    )
    realized_net: Money | None = column(
        "P&L after fees, as in `trade`; empty where the broker's rows do not close it.", money=True
    )
    estimated_gross: Money | None = column(
        "P&L before fees of what the broker's rows leave open, as far as the bot's records tell; "
        "only of trades that are healed."
    )
    return_on_cost: Price | None = column(
        "P&L over cost, cut to 9 places; 0.05 is 5 %. Empty where nothing was put in, where the "
        "result is unknown, and from 1,000,000,000 on. Of what is healed P&L is that of the part "
        "that the broker closed and the estimate, before fees."
    )
    currency: str = column("ISO code of the currency.")
    opened_at: datetime = column("First opening (UTC).")
    closed_at: datetime = column("When it was flat (UTC); by the bot's word where healed or lost.")
    holding_seconds: int = column("From first opening to the end, whole seconds.")
    quotes: int = column(
        "Quotes with a middle while it was held: all that are in the log now, also those behind "
        "known_at_position, and so of mae and mfe."
    )
    mae: Price | None = column(
        "Maximum adverse excursion: the middle at its worst against the average opening price, a "
        "contract, in the currency; 0 or less. Empty without quotes, and from 1,000,000,000 on."
    )
    mfe: Price | None = column("Maximum favourable excursion, likewise; 0 or more.")
    executions: str = column(
        "Ids of the fills, settlements and rows that opened and closed it, joined by ', ' in the "
        "order of the ledger: the first 20, and how many more there are; `lot_match` has all."
    )
    known_at_position: int = column(
        "Log position from which on result, reason and decision could be known: the last of all "
        "that they rest on.",
        provenance=True,
    )


class DecisionOutcome(Table):
    """What became of one decision."""

    table: ClassVar[str] = "decision_outcome"
    purpose: ClassVar[str] = (
        "One row a decision: its fills, trade and outcome, or why there is none."
    )

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    decision_id: str = column("The decision.", identity=True)
    strategy: str = column("The strategy that decided.")
    instrument_id: str = column("What the decision was about.")
    decided_at: datetime = column("When it was decided (UTC).")
    outcome: Literal["posted", "shadow", "skipped"] = column("As decided.")
    state: Literal[
        "resolved",
        "result_unknown",
        "open",
        "working",
        "not_filled",
        "not_seen",
        "unknown",
        "shadow",
        "skipped",
    ] = column(
        "resolved: filled, and its trade has ended with a known result; result_unknown: ended, the "
        "result is not known (see `outcome.unknown_because`); open: filled and still held; "
        "working: its order rests; not_filled: its order ended without a fill; not_seen: the "
        "broker was asked for all orders of that time (Kalshi alone lists them) and has no such "
        "one; unknown: nothing tells whether it became an order, or the broker was not asked "
        "since, or its order was filled and the fills are missing, or several decisions claim it; "
        "shadow, skipped: never meant to become one."
    )
    linked_by: Literal["order", "client_order_id", "posted_order", "attribution", "none"] = column(
        "What led from the decision to its fills."
    )
    order_id: str | None = column("The broker's id of its order, where one is known.")
    fills: int = column("How many fills it has.")
    filled_quantity: Volume = column("Contracts filled.")
    trade_id: str | None = column(
        "The trade that its first opening fill is of; if all of its fills close, the one that the "
        "first of them closes."
    )
    result: Literal["win", "loss", "breakeven", "unknown"] | None = column(
        "As in `outcome`; empty while there is none."
    )
    hit_tp: bool | None = column("As in `outcome`.")
    known_at_position: int = column(
        "Log position from which on the state could be known.", provenance=True
    )


class StrategyStatus(Table):
    """Whether a strategy's decisions, orders and fills go together."""

    table: ClassVar[str] = "strategy_status"
    purpose: ClassVar[str] = (
        "One row a strategy: what is known of it. No data is unknown, never zero and never not yet."
    )

    venue: str = column("Broker or exchange.", identity=True)
    account: str = column("The user's name for the account.", identity=True)
    mode: str = column("live or paper.", identity=True)
    strategy: str = column("The strategy, exits rolled up as in P&L.", identity=True)
    state: Literal["flowing", "fills_stopped", "no_fills", "unknown"] = column(
        "flowing: it has fills, and none is overdue; fills_stopped: it had fills, and posted "
        "decisions go on without any; no_fills: it has posted decisions, the broker was asked "
        "since and knows no fill; unknown: nothing attributes a fill to it, and nobody asked the "
        "broker since its last posted decision, or an unattributed fill may be its own."
    )
    decisions: int = column("Decisions recorded, of every outcome.")
    posted_decisions: int = column("Decisions that were posted.")
    posted_orders: int = column("Orders that it recorded as posted.")
    fills: int = column("Executions that are attributed to it.")
    posted_since_fill: int = column("Posted decisions since its last fill.")
    last_decision_at: datetime | None = column("Last posted decision (UTC).")
    last_fill_at: datetime | None = column("Last of them (UTC).")
    known_until: datetime | None = column(
        "Up to when all fills of the account are known (UTC); empty where nobody asked."
    )
    currency: str | None = column("ISO code of the currency; empty where it has several, or none.")
    realized_net: Money | None = column(
        "P&L after fees, in the currency; empty where it has no lots, several currencies, or a fee "
        "or basis that is not known.",
        money=True,
    )


OUTCOMES: tuple[type[Table], ...] = (Outcome, DecisionOutcome, StrategyStatus)
