"""What the endpoints of the account tell."""

from collections.abc import Sequence

from tools.fake_kalshi.payloads import (
    balance_json,
    deposit_json,
    fill_json,
    order_json,
    position_json,
    settlement_json,
    withdrawal_json,
)
from tools.fake_kalshi.payloads.spelling import before
from tools.fake_kalshi.payloads.venue import subaccount_balance_json
from tools.fake_kalshi.queries import Query, between, names_of, one_of, whole
from tools.fake_kalshi.scenes import Scene, Told, dated, paged, parted
from tools.fake_kalshi.truths import Cash, Ending, Execution, event_of

SUBACCOUNTS_MOST = 63
MOVEMENTS_MOST = 500


def fills(scene: Scene, query: Query, *, archived: bool = False) -> Told:
    """Tell the fills of the live window, or those before it."""
    rows: Sequence[Execution] = parted(
        scene.view.executions, lambda row: row.at, scene.cutoff, archived=archived
    )
    rows = between(rows, lambda row: row.at, query)
    tickers, subaccount = names_of(query, "ticker"), subaccount_of(query)
    order_id = None if archived else query.get("order_id") or None
    shard = None if archived else whole(query, "exchange_index")
    if any(wish is not None for wish in (tickers, order_id, subaccount, shard)):
        rows = [
            row
            for row in rows
            if (tickers is None or row.ticker in tickers)
            and order_id in {None, row.order_id}
            and subaccount in {None, row.subaccount}
            and shard in {None, row.exchange_index}
        ]
    return paged(
        scene,
        query,
        "fills",
        rows,
        lambda row: dated(row.at, row.fill_id),
        lambda row: fill_json(row, scene.generation),
    )


def historical_fills(scene: Scene, query: Query) -> Told:
    """Tell the fills before the live window."""
    return fills(scene, query, archived=True)


def orders(scene: Scene, query: Query, *, archived: bool = False) -> Told:
    """Tell the orders that rest or were finished in the live window, or those finished before."""
    view = scene.view
    rows = view.begun(view.world.orders_parted(view.bound(scene.cutoff), archived=archived))
    rows = between(rows, lambda row: row.created_at, query)
    status = None if archived else one_of(query, "status", ("resting", "canceled", "executed"))
    events = None if archived else names_of(query, "event_ticker")
    shard = None if archived else whole(query, "exchange_index")
    ticker, subaccount = query.get("ticker") or None, subaccount_of(query)
    if any(wish is not None for wish in (status, events, shard, ticker, subaccount)):
        rows = [
            row
            for row in rows
            if ticker in {None, row.ticker}
            and subaccount in {None, row.subaccount}
            and shard in {None, row.exchange_index}
            and (events is None or event_of(row.ticker) in events)
            and status in {None, view.status(row)}
        ]
    return paged(
        scene,
        query,
        "orders",
        rows,
        lambda row: dated(row.created_at, row.order_id),
        lambda row: order_json(view.order(row), scene.generation),
    )


def historical_orders(scene: Scene, query: Query) -> Told:
    """Tell the orders that were finished before the live window."""
    return orders(scene, query, archived=True)


def settlements(scene: Scene, query: Query) -> Told:
    """Tell the settlements of the live window; older ones are told nowhere."""
    world = scene.view.world
    ticker, event = query.get("ticker") or None, query.get("event_ticker") or None
    subaccount = subaccount_of(query)
    rows: Sequence[Ending] = parted(
        scene.view.endings, lambda row: row.settled_at, scene.cutoff, archived=False
    )
    rows = between(rows, lambda row: row.settled_at, query)
    if any(wish is not None for wish in (ticker, event, subaccount)):
        rows = [
            row
            for row in rows
            if ticker in {None, row.ticker}
            and event in {None, event_of(row.ticker)}
            and subaccount in {None, world.place_of(row.ticker)[0]}
        ]
    return paged(
        scene,
        query,
        "settlements",
        rows,
        lambda row: dated(row.settled_at, row.ticker),
        lambda row: settlement_json(
            row, world.fills_of_market.get(row.ticker, ()), scene.generation
        ),
    )


def positions(scene: Scene, query: Query, *, archived: bool = False) -> Told:
    """Tell the positions that are open; those settled in the live window only if asked for."""
    view = scene.view
    states = ("unsettled", "settled", "all")
    state = "settled" if archived else one_of(query, "settlement_status", states) or "unsettled"
    tickers: list[str] = []
    if state != "settled":
        tickers += view.traded(settled=False)
    if state != "unsettled":
        tickers += [
            ticker
            for ticker in view.traded(settled=True)
            if (view.world.ending_of[ticker].settled_at < scene.cutoff) is archived
        ]
    ticker, event = query.get("ticker") or None, query.get("event_ticker") or None
    subaccount = subaccount_of(query) or 0
    shard = None if archived else whole(query, "exchange_index")
    counted = names_of(query, "count_filter") or frozenset()
    rows = [
        view.holding(name)
        for name in sorted(tickers)
        if ticker in {None, name}
        and event in {None, event_of(name)}
        and view.world.place_of(name)[0] == subaccount
        and shard in {None, view.world.place_of(name)[1]}
    ]
    if counted:
        rows = [
            row
            for row in rows
            if ("position" in counted and row.quantity)
            or ("total_traded" in counted and row.total_traded)
        ]
    return paged(
        scene,
        query,
        "market_positions",
        rows,
        lambda row: ("", row.ticker),
        lambda row: position_json(row, scene.generation),
        extra={"event_positions": "[]"},
    )


def historical_positions(scene: Scene, query: Query) -> Told:
    """Tell the positions that were settled before the live window."""
    return positions(scene, query, archived=True)


def balance(scene: Scene, query: Query) -> Told:
    """Tell the balance of one subaccount, the primary one unless another is named."""
    told = scene.view.balance(subaccount_of(query) or 0, whole(query, "exchange_index"))
    return Told([balance_json(told, scene.generation)])


def subaccount_balances(scene: Scene, query: Query) -> Told:
    """Tell the balances of all subaccounts; by shard since the API knows shards."""
    del query
    view = scene.view
    places = view.places
    if before(scene.generation, "5"):
        accounts = sorted({place[0] for place in places})
        sums = [(account, 0, view.cash(account)) for account in accounts]
    else:
        sums = [(*place, view.cash(*place)) for place in places]
    rows = [subaccount_balance_json(*each, view.moment, scene.generation) for each in sums]
    return Told(rows, "subaccount_balances")


def deposits(scene: Scene, query: Query) -> Told:
    """Tell the deposits; the words of generation 4 are the oldest for them."""
    words = "4" if before(scene.generation, "4") else scene.generation
    return _movements(scene, query, "deposits", scene.view.deposits, words)


def withdrawals(scene: Scene, query: Query) -> Told:
    """Tell the withdrawals; the words of generation 4 are the oldest for them."""
    words = "4" if before(scene.generation, "4") else scene.generation
    return _movements(scene, query, "withdrawals", scene.view.withdrawals, words)


def _movements(
    scene: Scene, query: Query, container: str, rows: Sequence[Cash], words: str
) -> Told:
    spell = deposit_json if container == "deposits" else withdrawal_json
    return paged(
        scene,
        query,
        container,
        rows,
        lambda row: dated(row.created_at, row.movement_id),
        lambda row: spell(row, words),
        most=MOVEMENTS_MOST,
    )


def subaccount_of(query: Query) -> int | None:
    """Return the subaccount that a request names."""
    return whole(query, "subaccount", most=SUBACCOUNTS_MOST)
