"""Every kind of event: how to recognise its payload, what identifies it, and who reads it."""

from collections.abc import Mapping
from typing import Final

from domain import bot, ledger
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
from domain.ibkr import flex
from domain.ibkr import messages as socket
from domain.kalshi import account, fills, markets, messages, orders, reports, series, settlements
from domain.kind import Kind, column_types, identity_of, signatures
from domain.recorded import (
    AttributionClaim,
    BotExit,
    Decision,
    Forecast,
    Observation,
    PostedOrder,
    Quote,
    RejectedLine,
)
from domain.statements import AccountValue, Commission

__all__ = [
    "BY_CONTAINER",
    "BY_NAME",
    "BY_SINGLE",
    "KINDS",
    "PAGE",
    "Kind",
    "column_types",
    "identity_of",
    "recognise",
]

PAGE: Final = "kalshi.page"
"""What stood on a page of the API where no importer knows a place for it."""

_KALSHI: Final = (
    Kind(
        name=fills.KIND,
        readers=fills.READERS,
        fact=Fill,
        identity=("fill_id", "trade_id"),
        day=("created_time",),
        container="fills",
        signature=signatures("trade_id order_id ticker", "fill_id order_id ticker"),
    ),
    Kind(
        name=messages.FILL_MESSAGE,
        readers=messages.FILL_MESSAGE_READERS,
        fact=Fill,
        identity=("trade_id",),
        signature=signatures("trade_id market_ticker yes_price_dollars ts_ms"),
        authority=-1,
    ),
    Kind(
        name=settlements.KIND,
        readers=settlements.READERS,
        fact=Settlement,
        identity=("ticker",),
        container="settlements",
        signature=signatures("ticker market_result revenue", "ticker market_result settled_time"),
    ),
    Kind(
        name=orders.KIND,
        readers=orders.READERS,
        fact=OrderState,
        identity=("order_id",),
        day=("created_time",),
        container="orders",
        single="order",
        signature=signatures("order_id ticker status type"),
    ),
    Kind(
        name=markets.KIND,
        readers=markets.READERS,
        fact=Market,
        identity=("ticker",),
        container="markets",
        single="market",
        signature=signatures("ticker event_ticker status market_type"),
    ),
    Kind(
        name=series.KIND,
        readers=series.READERS,
        fact=Series,
        identity=("ticker",),
        single="series",
        signature=signatures("ticker fee_type fee_multiplier"),
    ),
    Kind(
        name=account.POSITION,
        readers=account.POSITION_READERS,
        fact=PositionSnapshot,
        identity=("ticker",),
        container="market_positions",
        signature=signatures("ticker position total_traded", "ticker position_fp"),
        snapshot=True,
    ),
    Kind(
        name=account.EVENT_POSITION,
        readers=(),
        fact=None,
        identity=("event_ticker",),
        container="event_positions",
        signature=signatures("event_ticker event_exposure", "event_ticker event_exposure_dollars"),
        snapshot=True,
    ),
    Kind(
        name=account.BALANCE,
        readers=account.BALANCE_READERS,
        fact=BalanceSnapshot,
        signature=signatures("balance portfolio_value", "balance balance_dollars"),
        whole=frozenset({"balance"}),
        snapshot=True,
    ),
    Kind(
        name=account.SUBACCOUNT_BALANCE,
        readers=account.SUBACCOUNT_BALANCE_READERS,
        fact=BalanceSnapshot,
        container="subaccount_balances",
        signature=signatures("subaccount_number balance"),
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
        signature=signatures("type market_ticker realized_pnl_with_fees_cents close_timestamp"),
    ),
    Kind(
        name=reports.ACTIVITY,
        readers=reports.ACTIVITY_READERS,
        fact=ReportActivity,
        signature=signatures("type Original_Date Market_Ticker Profit_In_Dollars"),
    ),
    Kind(
        name=PAGE,
        readers=(),
        fact=None,
        expected=False,
    ),
)

_BY_ORDER: Final = ("order", ("clientId", "orderId"))

_SOCKET: Final = (
    Kind(
        name=socket.EXECUTION,
        readers=socket.EXECUTION_READERS,
        fact=Fill,
        identity=("execId",),
        authority=-2,
    ),
    Kind(
        name=socket.COMMISSION_REPORT,
        readers=socket.COMMISSION_REPORT_READERS,
        fact=Commission,
        identity=("execId",),
    ),
    Kind(
        name=socket.POSITION,
        readers=socket.POSITION_READERS,
        fact=PositionSnapshot,
        identity=("conId",),
        snapshot=True,
    ),
    Kind(
        name=socket.OPEN_ORDER,
        readers=socket.OPEN_ORDER_READERS,
        fact=OrderState,
        identity=("permId",),
        otherwise=(_BY_ORDER,),
    ),
    Kind(
        name=socket.ORDER_STATUS,
        readers=socket.ORDER_STATUS_READERS,
        fact=OrderState,
        identity=("permId",),
        otherwise=(_BY_ORDER,),
    ),
    Kind(
        name=socket.ACCOUNT_VALUE,
        readers=socket.ACCOUNT_VALUE_READERS,
        fact=AccountValue,
        identity=("key",),
        also=("currency",),
        snapshot=True,
    ),
    Kind(
        name=socket.ACCOUNT_SUMMARY,
        readers=socket.ACCOUNT_SUMMARY_READERS,
        fact=AccountValue,
        identity=("tag",),
        also=("currency",),
        snapshot=True,
    ),
    Kind(
        name=socket.PORTFOLIO_VALUE,
        readers=(),
        fact=None,
        identity=("conId",),
        snapshot=True,
    ),
)

_RECORDED: Final = (
    Kind(
        name=bot.OrderPosted.kind,
        readers=bot.readers_of(bot.OrderPosted),
        fact=PostedOrder,
        identity=("order_id", "client_order_id"),
    ),
    Kind(
        name=bot.Decided.kind,
        readers=bot.readers_of(bot.Decided),
        fact=Decision,
        identity=("decision_id",),
    ),
    Kind(
        name=bot.Exited.kind,
        readers=bot.readers_of(bot.Exited),
        fact=BotExit,
        identity=("exit_id",),
        otherwise=(
            ("left_order", ("instrument", "exited_at", "order_id")),
            ("left_client_order", ("instrument", "exited_at", "client_order_id")),
            ("left", ("instrument", "exited_at")),
        ),
    ),
    Kind(
        name=bot.Quoted.kind,
        readers=bot.readers_of(bot.Quoted),
        fact=Quote,
        otherwise=(("quoted", ("instrument", "quoted_at")),),
    ),
    Kind(
        name=bot.Foretold.kind,
        readers=bot.readers_of(bot.Foretold),
        fact=Forecast,
        otherwise=(("foretold", ("subject", "source", "forecast_at")),),
    ),
    Kind(
        name=bot.Observed.kind,
        readers=bot.readers_of(bot.Observed),
        fact=Observation,
        otherwise=(("observed", ("subject", "source", "observed_at")),),
    ),
    Kind(
        name=bot.REJECTED,
        readers=bot.REJECTED_READERS,
        fact=RejectedLine,
        otherwise=(("line", ("file", "sha256")),),
    ),
    Kind(
        name=bot.CLAIMED,
        readers=bot.CLAIMED_READERS,
        fact=AttributionClaim,
        identity=("fill_id",),
    ),
)

KINDS: Final[tuple[Kind, ...]] = (
    *_KALSHI,
    *flex.KINDS,
    *_SOCKET,
    *_RECORDED,
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
    fitting = [kind for kind in KINDS if kind.fits(payload)]
    return fitting[0] if len(fitting) == 1 else None
