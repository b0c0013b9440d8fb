"""Whose a fill is, from lists: one fill after the other, one sort of evidence after the other.

Ids come first, each tried until one explains the fill: its own, that of the broker's order, the
order as the bot recorded it, the one decision that names it, that of its message. A fill without
any id is that of the nearest posted decision that names no other order; where there is none near
enough, a cheap YES leaves the last NO of a strategy; what is then left is whose an operator says it
is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

UNATTRIBUTED = "unattributed"
Verdict = tuple[str, str, str]
"""Strategy, rule, evidence."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill as the broker tells it; `side` is that of the signed contract."""

    fill_id: str
    order_id: str
    instrument: str
    side: str
    yes_price: Decimal
    at: datetime
    client: str | None = None
    client_of_message: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """An order as the bot recorded it."""

    strategy: str
    instrument: str
    at: datetime
    order_id: str | None
    client: str | None
    side: str | None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of the bot."""

    decision_id: str
    strategy: str
    instrument: str
    side: str
    at: datetime
    outcome: str
    order_id: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """All that is known."""

    fills: Sequence[Fill]
    orders: Mapping[str, str]
    posted: Sequence[Posted]
    decisions: Sequence[Decided]
    claims: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Settings:
    """The rules."""

    prefixes: Mapping[str, str]
    exits: Mapping[str, str]
    window: timedelta = timedelta(seconds=60)
    exit_price_max: Decimal = Decimal("0.15")
    exit_window: timedelta = timedelta(hours=12)


def attribute(told: Told, settings: Settings) -> dict[str, Verdict]:
    """Return the verdict on every fill."""
    verdicts: dict[str, Verdict] = {}
    # the entries first: what leaves one is guessed from what is known of it
    for fill in sorted(told.fills, key=lambda fill: fill.side != "sell"):
        verdicts[fill.fill_id] = _verdict(fill, told, settings, verdicts)
    return verdicts


def _verdict(fill: Fill, told: Told, settings: Settings, known: Mapping[str, Verdict]) -> Verdict:
    by_ids = _by_ids(fill, told, settings)
    if by_ids[0] != UNATTRIBUTED:
        return by_ids
    unexplained = by_ids
    if by_ids[1] == "manual":
        near = _nearest(fill, told, settings)
        if len(near) == 1:
            return near.pop(), "decision", "decision"
        if near:
            unexplained = UNATTRIBUTED, "ambiguous", "decision"
        else:
            left = _left(fill, told, settings, known)
            if left is not None:
                return left, "exit", "exit"
    claimed = told.claims.get(fill.fill_id)
    return unexplained if claimed is None else (claimed, "claim", "claim")


def _fit(client: str | None, settings: Settings) -> str | None:
    fitting = [prefix for prefix in settings.prefixes if client and client.startswith(prefix)]
    return settings.prefixes[max(fitting, key=len)] if fitting else None


def _by_ids(fill: Fill, told: Told, settings: Settings) -> Verdict:
    unknown: Verdict | None = None
    for evidence, client, recorded in _ids(fill, told):
        strategy = _fit(client, settings)
        if strategy is not None:
            return strategy, "prefix", evidence
        if recorded is not None:
            return recorded, "recorded", evidence
        if client is not None and unknown is None:
            unknown = UNATTRIBUTED, "unknown_prefix", evidence
    return unknown or (UNATTRIBUTED, "manual", "none")


def _ids(fill: Fill, told: Told) -> Iterator[tuple[str, str | None, str | None]]:
    of_order = told.orders.get(fill.order_id) or None
    yield "fill", fill.client, None
    yield "order", of_order, None
    client = fill.client or fill.client_of_message or of_order
    posted = _posted(fill, client, told)
    if posted is not None:
        yield "posted_order", *posted
    named = _named(fill, client or (None if posted is None else posted[0]), told)
    if named is not None:
        yield "decision", None, named.strategy
    if fill.client is None:
        yield "message", fill.client_of_message, None


def _posted(fill: Fill, client: str | None, told: Told) -> tuple[str | None, str | None] | None:
    # of one order id the last one that was told counts, whatever it is about
    newest = {one.order_id or f"client:{one.client}": one for one in told.posted}
    fitting = [
        one
        for one in newest.values()
        if one.instrument == fill.instrument and one.side in (None, fill.side)
    ]
    for one in fitting:
        if one.order_id == fill.order_id:
            return one.client, one.strategy
    by_client = [one for one in fitting if client is not None and one.client == client]
    if all(one.order_id is not None for one in by_client):
        return None
    strategies = {one.strategy for one in by_client}
    return client, strategies.pop() if len(strategies) == 1 else None


def _posted_decisions(fill: Fill, told: Told) -> list[Decided]:
    newest = {one.decision_id: one for one in told.decisions}
    return [
        one
        for one in newest.values()
        if (one.instrument, one.side, one.outcome) == (fill.instrument, fill.side, "posted")
    ]


def _named(fill: Fill, client: str | None, told: Told) -> Decided | None:
    decisions = _posted_decisions(fill, told)
    by_order = [one for one in decisions if one.order_id == fill.order_id]
    by_client = [one for one in decisions if client is not None and one.client == client]
    if len(by_order) == 1:
        return by_order[0]
    if len(by_client) == 1 and by_client[0].order_id in (None, fill.order_id):
        return by_client[0]
    return None


def _nearest(fill: Fill, told: Told, settings: Settings) -> set[str]:
    gaps = [
        (abs(one.at - fill.at), one.strategy)
        for one in _posted_decisions(fill, told)
        if one.order_id in (None, fill.order_id)
    ]
    smallest = min((gap for gap, _ in gaps if gap <= settings.window), default=None)
    return {strategy for gap, strategy in gaps if gap == smallest}


def _left(fill: Fill, told: Told, settings: Settings, known: Mapping[str, Verdict]) -> str | None:
    if fill.side != "buy" or fill.yes_price > settings.exit_price_max:
        return None
    entries = [
        (one.at, one.fill_id)
        for one in told.fills
        if one.instrument == fill.instrument
        and one.side == "sell"
        and timedelta() < fill.at - one.at <= settings.exit_window
        and known[one.fill_id][0] != UNATTRIBUTED
    ]
    if not entries:
        return None
    strategy = known[max(entries)[1]][0]
    return min(
        (own for own, parent in settings.exits.items() if parent == strategy), default=strategy
    )
