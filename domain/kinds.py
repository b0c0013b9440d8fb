"""Every kind of event: how to recognise its payload, what identifies it, and who reads it.

A key is natural: the broker's own id, behind the day of an immutable time of the broker's where
there is one (neighbours in time are then neighbours in the store). A payload that lacks its id is
still kept, under a digest of its content, and found unreadable later: nothing is dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain import ledger
from domain.columns import Fact
from domain.event import EVERYTHING, Asked, escape
from domain.facts import (
    BalanceSnapshot,
    CashMovement,
    Fetch,
    Fill,
    Market,
    OrderState,
    PositionSnapshot,
    ReportActivity,
    ReportTransaction,
    Series,
    Settlement,
)
from domain.jsontext import digest
from domain.kalshi import account, fills, markets, messages, orders, reports, series, settlements
from domain.shapes import Reader


@dataclass(frozen=True, slots=True)
class Kind:
    """What there is to know about one kind of payload.

    identity   keys that identify it, the first one present counts; empty for content-addressed
    day        keys of a broker's time that never changes, the first one present counts
    container  key under which an API page lists such rows
    single     key under which the API returns one such row
    signature  keys that, together, only this kind has: to recognise a bare row
    whole      keys that, where there is no other, are a row of this kind
    snapshot   whether it describes a moment, which then is part of its key
    also       keys that tell rows of one identity apart, all that are present count
    fact       what its readers make of it; None for a kind that is kept and not read
    expected   whether such a payload is nothing unusual; if not, each is drift
    provisional  whether any rendering of the same fact by another kind outranks it
    """

    name: str
    readers: tuple[Reader, ...]
    fact: type[Fact] | None
    identity: tuple[str, ...] = ()
    day: tuple[str, ...] = ()
    container: str | None = None
    single: str | None = None
    signature: tuple[frozenset[str], ...] = ()
    whole: frozenset[str] = frozenset()
    snapshot: bool = False
    also: tuple[str, ...] = ()
    expected: bool = True
    provisional: bool = False

    @property
    def venue(self) -> str:
        """The broker or exchange; `ledger` for the ledger's own events."""
        return self.name.partition(".")[0]


PAGE: Final = "kalshi.page"
"""What stood on a page of the API where no importer knows a place for it."""


def _signatures(*alternatives: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(keys.split()) for keys in alternatives)


KINDS: Final[tuple[Kind, ...]] = (
    Kind(
        name=fills.KIND,
        readers=fills.READERS,
        fact=Fill,
        identity=("fill_id", "trade_id"),
        day=("created_time",),
        container="fills",
        signature=_signatures("trade_id order_id ticker", "fill_id order_id ticker"),
    ),
    Kind(
        name=messages.FILL_MESSAGE,
        readers=messages.FILL_MESSAGE_READERS,
        fact=Fill,
        identity=("trade_id",),
        signature=_signatures("trade_id market_ticker yes_price_dollars ts_ms"),
        provisional=True,
    ),
    Kind(
        name=settlements.KIND,
        readers=settlements.READERS,
        fact=Settlement,
        identity=("ticker",),
        container="settlements",
        signature=_signatures("ticker market_result revenue", "ticker market_result settled_time"),
    ),
    Kind(
        name=orders.KIND,
        readers=orders.READERS,
        fact=OrderState,
        identity=("order_id",),
        day=("created_time",),
        container="orders",
        single="order",
        signature=_signatures("order_id ticker status type"),
    ),
    Kind(
        name=markets.KIND,
        readers=markets.READERS,
        fact=Market,
        identity=("ticker",),
        container="markets",
        single="market",
        signature=_signatures("ticker event_ticker status market_type"),
    ),
    Kind(
        name=series.KIND,
        readers=series.READERS,
        fact=Series,
        identity=("ticker",),
        single="series",
        signature=_signatures("ticker fee_type fee_multiplier"),
    ),
    Kind(
        name=account.POSITION,
        readers=account.POSITION_READERS,
        fact=PositionSnapshot,
        identity=("ticker",),
        container="market_positions",
        signature=_signatures("ticker position total_traded", "ticker position_fp"),
        snapshot=True,
    ),
    Kind(
        name=account.EVENT_POSITION,
        readers=(),
        fact=None,
        identity=("event_ticker",),
        container="event_positions",
        signature=_signatures("event_ticker event_exposure", "event_ticker event_exposure_dollars"),
        snapshot=True,
    ),
    Kind(
        name=account.BALANCE,
        readers=account.BALANCE_READERS,
        fact=BalanceSnapshot,
        signature=_signatures("balance portfolio_value", "balance balance_dollars"),
        whole=frozenset({"balance"}),
        snapshot=True,
    ),
    Kind(
        name=account.SUBACCOUNT_BALANCE,
        readers=account.SUBACCOUNT_BALANCE_READERS,
        fact=BalanceSnapshot,
        container="subaccount_balances",
        signature=_signatures("subaccount_number balance"),
        snapshot=True,
        also=("subaccount_number", "exchange_index"),
    ),
    Kind(
        name=account.DEPOSIT,
        readers=account.DEPOSIT_READERS,
        fact=CashMovement,
        identity=("id",),
        container="deposits",
    ),
    Kind(
        name=account.WITHDRAWAL,
        readers=account.WITHDRAWAL_READERS,
        fact=CashMovement,
        identity=("id",),
        container="withdrawals",
    ),
    Kind(
        name=reports.TRANSACTION,
        readers=reports.TRANSACTION_READERS,
        fact=ReportTransaction,
        signature=_signatures("type market_ticker realized_pnl_with_fees_cents close_timestamp"),
    ),
    Kind(
        name=reports.ACTIVITY,
        readers=reports.ACTIVITY_READERS,
        fact=ReportActivity,
        signature=_signatures("type Original_Date Market_Ticker Profit_In_Dollars"),
    ),
    Kind(
        name=PAGE,
        readers=(),
        fact=None,
        expected=False,
    ),
    Kind(
        name=ledger.FETCH,
        readers=ledger.FETCH_READERS,
        fact=Fetch,
        identity=("document",),
    ),
)

BY_NAME: Final[Mapping[str, Kind]] = {kind.name: kind for kind in KINDS}
BY_CONTAINER: Final[Mapping[str, Kind]] = {
    kind.container: kind for kind in KINDS if kind.container is not None
}
BY_SINGLE: Final[Mapping[str, Kind]] = {
    kind.single: kind for kind in KINDS if kind.single is not None
}


def recognise(payload: Mapping[str, object]) -> Kind | None:
    """Return the kind of a bare row, or None where no kind, or more than one, fits its keys."""
    fitting = [
        kind
        for kind in KINDS
        if any(keys <= payload.keys() for keys in kind.signature)
        or (payload and kind.whole == payload.keys())
    ]
    return fitting[0] if len(fitting) == 1 else None


def identity_of(
    kind: Kind,
    payload: object,
    *,
    as_of_text: str | None = None,
    asked: Asked = EVERYTHING,
    nth: int = 1,
) -> str:
    """Return what identifies the payload within its kind, account and mode, parts escaped.

    `as_of_text` is the moment that a snapshot describes, `asked` the part of the account; `nth`
    counts equal rows of one file, for kinds that have no id of their own and for rows that lack it.
    """
    parts: list[str] = []
    if kind.snapshot and as_of_text is not None:
        parts.append(as_of_text)
    parts += [f"{name}-{number}" for name, number in asked.named().items()]
    if not isinstance(payload, dict):
        return "|".join([*parts, _content(payload), str(nth)])
    day = _first(kind.day, payload)
    if day is not None:
        parts.append(escape(day[:10].replace("-", "")))
    own = _first(kind.identity, payload)
    if own is not None:
        parts.append(escape(own))
    elif kind.identity or not kind.snapshot:
        parts += [_content(payload), str(nth)]
    parts += [f"{key}-{escape(str(payload[key]))}" for key in kind.also if _is_plain(payload, key)]
    return "|".join(parts)


def _is_plain(payload: Mapping[str, object], key: str) -> bool:
    value = payload.get(key)
    return isinstance(value, str) and 0 < len(value) <= _PART_LENGTH


_PART_LENGTH: Final = 64


def _first(keys: tuple[str, ...], payload: Mapping[str, object]) -> str | None:
    for key in keys:
        value = payload.get(key)
        if isinstance(value, str) and value:
            return str(value)
    return None


def _content(payload: object) -> str:
    return f"content-{digest(payload)[:32]}"


def column_types(kind: Kind) -> Mapping[str, str]:
    """Return the JSON type that each top-level key of a kind has in any generation.

    Used to restore types where a row comes as text (a CSV dump of API rows). Of a key that changed
    its type under one name it is the newest.
    """
    types: dict[str, str] = {}
    for reader in kind.readers:
        for declared in (reader.ignored, reader.optional, reader.required):
            types.update({key: _widest(alternatives) for key, alternatives in declared.items()})
    return types


def _widest(alternatives: str) -> str:
    """Return the type to restore a text as; a number may be written like an integer."""
    names = alternatives.split("|")
    return "number" if "number" in names else names[0]
