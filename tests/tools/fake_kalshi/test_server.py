"""The REST server over real sockets: signatures, pages, filters, the archive, limits."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.tools.fake_kalshi.serving import START, TICKER, Client, clock_at, fill, minutes
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.keys import Key, KeyKind, new_key, process_key
from tools.fake_kalshi.payloads import PHASES
from tools.fake_kalshi.queries import Cursors
from tools.fake_kalshi.seen import Seen
from tools.fake_kalshi.server import BASE
from tools.fake_kalshi.truths import Ending
from tools.fake_kalshi.world import RICH, World

FILLS = "/portfolio/fills"
MADE = World.made(3, start=START, days=12)
RICH_WORLD = World.made(3, start=START, days=12, style=RICH)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> SimulatedClock:
    return clock_at(10)


@pytest.fixture
def client(clock: SimulatedClock) -> Iterator[Client]:
    """A client of an exchange that serves a made world in small pages, without limits."""
    with (
        Exchange(MADE, clock=clock, page_cap=7, rate_limits=False) as exchange,
        Client(exchange) as it,
    ):
        yield it


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_right_signature_is_accepted(kind: KeyKind) -> None:
    with Exchange(MADE, clock=clock_at(10), key_kind=kind) as exchange, Client(exchange) as client:
        assert client.ask(FILLS, limit=3).status_code == 200
        assert exchange.key_pem.startswith("-----BEGIN PRIVATE KEY-----")


def test_a_key_shows_its_secret_nowhere() -> None:
    assert "PrivateKey" not in repr(process_key("rsa"))


@pytest.mark.parametrize("spoiled", ["key", "signature", "garbage", "path", "method", "none"])
def test_a_wrong_signature_is_refused(client: Client, spoiled: str) -> None:
    now, key = client.exchange.clock.now(), client.exchange.key
    right = key.headers("GET", BASE + FILLS, now)
    stranger = Key(key.key_id, new_key("ed25519", "stranger").private)
    wrong = {
        "key": right | {"KALSHI-ACCESS-KEY": "nobody"},
        "signature": stranger.headers("GET", BASE + FILLS, now),
        "garbage": right | {"KALSHI-ACCESS-SIGNATURE": "not base 64"},
        "path": key.headers("GET", BASE + "/portfolio/orders", now),
        "method": key.headers("POST", BASE + FILLS, now),
        "none": {},
    }
    response = client.send(FILLS, wrong[spoiled])
    assert response.status_code == 401
    assert response.json()["code"] == "unauthorized"


@pytest.mark.parametrize(("seconds", "status"), [(-6, 401), (-5, 200), (5, 200), (6, 401)])
def test_a_clock_may_be_five_seconds_off(client: Client, seconds: int, status: int) -> None:
    at = client.exchange.clock.now() + timedelta(seconds=seconds)
    headers = client.exchange.key.headers("GET", BASE + FILLS, at)
    assert client.send(FILLS, headers).status_code == status


def test_the_query_is_no_part_of_what_is_signed(client: Client) -> None:
    headers = client.exchange.key.headers("GET", BASE + FILLS, client.exchange.clock.now())
    assert client.send(FILLS, headers, limit=2, ticker=TICKER).status_code == 200


def test_a_key_without_the_scope_is_refused() -> None:
    known = process_key("ed25519")
    blind = Key(known.key_id, known.private, scopes=frozenset({"write"}))
    with Exchange(MADE, clock=clock_at(1), key=blind) as exchange, Client(exchange) as client:
        assert client.ask(FILLS).status_code == 403
        assert client.send("/markets", {}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/exchange/user_data_timestamp",
        "/historical/cutoff",
        "/historical/markets",
        "/markets",
        "/series/KXHIGHNY",
    ],
)
def test_public_paths_need_no_signature(client: Client, path: str) -> None:
    assert client.send(path, {}).status_code == 200


@pytest.mark.parametrize("path", ["/nothing", "/series/KXNOTHING", "/portfolio"])
def test_an_unknown_path_is_not_found(client: Client, path: str) -> None:
    response = client.ask(path)
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_an_endpoint_can_be_closed_as_in_an_older_api(client: Client) -> None:
    path = "/portfolio/subaccounts/balances"
    assert client.ask(path).status_code == 200
    client.exchange.closed = frozenset({path})
    assert client.ask(path).status_code == 404


def test_writing_is_refused_and_seen(client: Client) -> None:
    assert client.ask("/portfolio/orders", "POST").status_code == 405
    assert [(it.method, it.status) for it in client.exchange.requests] == [("POST", 405)]


@pytest.mark.parametrize("cursors", ["offset", "key"])
@pytest.mark.parametrize(
    ("path", "container", "name"),
    [
        (FILLS, "fills", "fill_id"),
        ("/portfolio/orders", "orders", "order_id"),
        ("/portfolio/settlements", "settlements", "ticker"),
        ("/markets", "markets", "ticker"),
    ],
)
def test_pages_join_to_the_whole_newest_first(
    client: Client, cursors: Cursors, path: str, container: str, name: str
) -> None:
    client.exchange.cursors = cursors
    pages = list(client.pages(path, container, limit=5))
    assert {len(page) for page in pages[:-1]} == {5}
    rows = [row for page in pages for row in page]
    assert len({row[name] for row in rows}) == len(rows) > 20
    when = {"orders": "created_time", "settlements": "settled_time", "markets": "open_time"}
    moments = [row[when.get(container, "created_time")].rstrip("Z") for row in rows]
    seconds = [moment[:19] for moment in moments]
    assert seconds == sorted(seconds, reverse=True)


def test_all_that_happened_is_told(client: Client) -> None:
    view = MADE.at(client.exchange.clock.now())
    told = client.rows(FILLS, "fills")
    assert {row["fill_id"] for row in told} == {row.fill_id for row in view.executions}
    orders = client.rows("/portfolio/orders", "orders")
    assert {row["order_id"] for row in orders} == {row.order_id for row in view.begun(MADE.orders)}
    settled = client.rows("/portfolio/settlements", "settlements")
    assert {row["ticker"] for row in settled} == {row.ticker for row in view.endings}


def _ids_with_rows_arriving(cursors: Cursors) -> list[str]:
    """Page through ten fills, three to a page, while a new one comes after each page."""
    clock = SimulatedClock(START + timedelta(minutes=10))
    with (
        Exchange(minutes(20), clock=clock, page_cap=3, cursors=cursors) as exchange,
        Client(exchange) as client,
    ):
        ids = []
        for page in client.pages(FILLS, "fills"):
            ids += [row["fill_id"] for row in page]
            clock.advance(timedelta(minutes=1))
    return ids


def test_rows_that_arrive_shift_the_pages_of_an_offset_and_repeat_rows() -> None:
    ids = _ids_with_rows_arriving("offset")
    assert set(ids) == {f"fill-{number:04}" for number in range(1, 11)}
    assert {count for _, count in Counter(ids).items()} == {1, 2}


def test_rows_that_arrive_do_not_disturb_the_pages_of_a_key() -> None:
    ids = _ids_with_rows_arriving("key")
    assert ids == [f"fill-{number:04}" for number in range(10, 0, -1)]


def test_a_page_holds_at_most_the_cap_whatever_is_asked_for(client: Client) -> None:
    assert len(client.told(FILLS, limit=500)["fills"]) == 7
    assert len(client.told(FILLS, limit=2)["fills"]) == 2
    client.exchange.page_cap = None
    assert len(client.told(FILLS)["fills"]) == 100


def test_a_filter_that_is_not_repeated_is_forgotten(client: Client) -> None:
    ticker = max(MADE.fills_of_market, key=lambda name: len(MADE.fills_of_market[name]))
    client.exchange.page_cap = 1
    first = client.told(FILLS, ticker=ticker)
    assert {row["ticker"] for row in first["fills"]} == {ticker}
    client.exchange.page_cap = None
    careless = client.told(FILLS, cursor=first["cursor"])["fills"]
    assert {row["ticker"] for row in careless} - {ticker}
    careful = client.told(FILLS, cursor=first["cursor"], ticker=ticker)["fills"]
    assert {row["ticker"] for row in careful} == {ticker}
    assert len(careful) == len(MADE.fills_of_market[ticker]) - 1


def test_fills_are_filtered_by_markets_order_and_times(client: Client) -> None:
    rows = MADE.at(client.exchange.clock.now()).executions
    tickers = {rows[0].ticker, rows[-1].ticker}
    told = client.rows(FILLS, "fills", ticker=",".join(sorted(tickers)))
    assert {row["ticker"] for row in told} == tickers
    told = client.rows(FILLS, "fills", order_id=rows[5].order_id)
    assert {row["order_id"] for row in told} == {rows[5].order_id}
    after, until = (int((START + days * DAY).timestamp()) for days in (2, 4))
    told = client.rows(FILLS, "fills", min_ts=after, max_ts=until)
    expected = {row.fill_id for row in rows if START + 2 * DAY < row.at < START + 4 * DAY}
    assert {row["fill_id"] for row in told} == expected != set()


def test_times_are_exclusive_on_both_sides() -> None:
    with Exchange(minutes(3), clock=clock_at(1)) as exchange, Client(exchange) as client:
        second = int((START + timedelta(minutes=2)).timestamp())
        after = client.rows(FILLS, "fills", min_ts=second)
        before = client.rows(FILLS, "fills", max_ts=second)
    assert [row["fill_id"] for row in after + before] == ["fill-0003", "fill-0001"]


def test_orders_are_filtered_by_status_market_and_event(client: Client) -> None:
    for status in ("resting", "canceled", "executed"):
        told = client.rows("/portfolio/orders", "orders", status=status)
        assert {row["status"] for row in told} == {status}
    event = MADE.listings[0].event_ticker
    told = client.rows("/portfolio/orders", "orders", event_ticker=event)
    assert {row["ticker"].rpartition("-")[0] for row in told} == {event}
    assert client.ask("/portfolio/orders", status="filled").status_code == 400


def test_subaccounts_are_all_told_or_only_the_first_one_by_endpoint() -> None:
    clock = clock_at(6)
    with (
        Exchange(RICH_WORLD, clock=clock, rate_limits=False) as exchange,
        Client(exchange) as client,
    ):
        fills = client.rows(FILLS, "fills")
        assert {row["subaccount_number"] for row in fills} == {0, 1, 2}
        one = client.rows(FILLS, "fills", subaccount=1)
        assert {row["subaccount_number"] for row in one} == {1}
        shard = client.rows(FILLS, "fills", exchange_index=1)
        assert {row["exchange_index"] for row in shard} == {1}
        view = RICH_WORLD.at(clock.now())
        for query, subaccount in (({}, 0), ({"subaccount": 2}, 2)):
            told = client.rows("/portfolio/positions", "market_positions", **query)
            assert {row["ticker"] for row in told} == {
                name
                for name in view.traded(settled=False)
                if RICH_WORLD.place_of(name)[0] == subaccount
            }
            balance = client.told("/portfolio/balance", **query)
            assert Decimal(balance["balance_dollars"]) == view.cash(subaccount)
        rows = client.told("/portfolio/subaccounts/balances")["subaccount_balances"]
        assert sum(Decimal(row["balance"]) for row in rows) == view.cash()
        breakdown = client.told("/portfolio/balance")["balance_breakdown"]
        assert {row["exchange_index"] for row in breakdown} == {0, 1}


@pytest.mark.parametrize(
    ("path", "most"),
    [(FILLS, 1000), ("/portfolio/deposits", 500), ("/portfolio/withdrawals", 500)],
)
def test_a_limit_out_of_range_is_refused(client: Client, path: str, most: int) -> None:
    assert client.ask(path, limit=most).status_code == 200
    for limit in (0, most + 1, -1, "many"):
        assert client.ask(path, limit=limit).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "not ours"},
        {"cursor": "b2Zmc2V0"},
        {"min_ts": "yesterday"},
        {"subaccount": 64},
        {"ticker": ",".join("x" * 101)},
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(client: Client, query: dict[str, Any]) -> None:
    assert client.ask(FILLS, **query).status_code == 400


def test_a_parameter_that_nobody_knows_is_ignored(client: Client) -> None:
    assert client.told(FILLS, colour="blue") == client.told(FILLS)


def test_live_and_archived_are_everything_but_old_settlements_are_nowhere(
    client: Client,
) -> None:
    client.exchange.live_window = 4 * DAY
    view, cutoff = MADE.at(client.exchange.clock.now()), START + 6 * DAY
    told = client.told("/historical/cutoff")
    assert set(told.values()) == {"2026-01-11T00:00:00Z"}
    for path, container, name, everything in (
        ("fills", "fills", "fill_id", {row.fill_id for row in view.executions}),
        ("orders", "orders", "order_id", {row.order_id for row in view.begun(MADE.orders)}),
    ):
        live = {row[name] for row in client.rows(f"/portfolio/{path}", container)}
        old = {row[name] for row in client.rows(f"/historical/{path}", container)}
        assert live
        assert old
        assert not live & old
        assert live | old == everything
    settled = {row["ticker"] for row in client.rows("/portfolio/settlements", "settlements")}
    assert settled == {row.ticker for row in view.endings if row.settled_at >= cutoff}
    gone = {row.ticker for row in view.endings} - settled
    assert gone
    markets = {row["ticker"] for row in client.rows("/markets", "markets")}
    archived = {row["ticker"] for row in client.rows("/historical/markets", "markets")}
    assert gone <= archived
    assert not markets & archived
    assert markets | archived == {row.ticker for row in view.listings}


def test_a_resting_order_is_never_archived(client: Client) -> None:
    client.exchange.live_window = timedelta(0)
    live = client.rows("/portfolio/orders", "orders")
    resting = [row for row in live if row["status"] == "resting"]
    assert resting
    cutoff = client.told("/historical/cutoff")["orders_updated_ts"]
    assert all(
        row["status"] == "resting" or row["last_update_time"] >= cutoff.rstrip("Z") for row in live
    )


def test_the_cutoff_moves_with_the_days(client: Client, clock: SimulatedClock) -> None:
    client.exchange.live_window = 4 * DAY
    before = len(client.rows("/historical/fills", "fills"))
    clock.advance(DAY)
    assert len(client.rows("/historical/fills", "fills")) > before
    assert client.told("/historical/cutoff")["trades_created_ts"] == "2026-01-12T00:00:00Z"


def test_settled_positions_are_told_only_when_asked_for(client: Client) -> None:
    path, container = "/portfolio/positions", "market_positions"

    def tickers(**query: str) -> set[str]:
        return {row["ticker"] for row in client.rows(path, container, **query)}

    view = MADE.at(client.exchange.clock.now())
    unsettled, settled = tickers(), tickers(settlement_status="settled")
    assert unsettled == set(view.traded(settled=False)) != set()
    assert settled == set(view.traded(settled=True))
    assert tickers(settlement_status="all") == unsettled | settled
    client.exchange.live_window = 4 * DAY
    still = tickers(settlement_status="settled")
    archived = {row["ticker"] for row in client.rows("/historical/positions", container)}
    assert still | archived == settled
    assert not still & archived
    assert archived
    assert client.told(path)["event_positions"] == []
    assert client.ask(path, settlement_status="open").status_code == 400


def test_markets_are_filtered_by_status_names_and_times(client: Client) -> None:
    settled = client.rows("/markets", "markets", status="settled")
    assert {row["status"] for row in settled} == {"finalized"}
    opened = client.rows("/markets", "markets", status="open")
    assert {row["result"] for row in opened} == {""}
    names = ",".join(row["ticker"] for row in settled[:2])
    assert len(client.rows("/markets", "markets", tickers=names)) == 2
    series = client.rows("/markets", "markets", series_ticker="KXFREE")
    assert {row["ticker"].partition("-")[0] for row in series} == {"KXFREE"}
    late = int((START + 8 * DAY).timestamp())
    recent = client.rows("/markets", "markets", min_settled_ts=late)
    assert 0 < len(recent) < len(settled)


def test_a_series_tells_its_fees(client: Client) -> None:
    told = client.told("/series/KXFREE")["series"]
    assert (told["fee_type"], told["fee_multiplier"]) == ("quadratic", 0)
    assert client.told("/series/KXHIGHCHI")["series"]["fee_type"] == "quadratic_with_maker_fees"


def test_stale_data_say_how_stale_they_are() -> None:
    clock = SimulatedClock(START + timedelta(minutes=5))
    with (
        Exchange(minutes(9), clock=clock, staleness=timedelta(minutes=2)) as exchange,
        Client(exchange) as client,
    ):
        assert client.told(FILLS)["fills"][0]["fill_id"] == "fill-0003"
        as_of = client.told("/exchange/user_data_timestamp")["as_of_time"]
    assert as_of == "2026-01-05T00:03:00Z"


def test_too_many_requests_are_refused_without_saying_when_to_come_back() -> None:
    clock = clock_at(1)
    with Exchange(minutes(1), clock=clock) as exchange, Client(exchange) as client:
        assert [client.ask(FILLS).status_code for _ in range(21)] == [200] * 20 + [429]
        refused = client.ask(FILLS)
        assert refused.json() == {"error": "too many requests"}
        assert "retry-after" not in refused.headers
        clock.sleep(0.05)
        assert [client.ask(FILLS).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(("tier", "calls"), [("basic", 1), ("advanced", 1), ("expert", 5)])
def test_the_balance_has_a_bucket_of_its_own(tier: str, calls: int) -> None:
    clock = clock_at(1)
    with Exchange(minutes(1), clock=clock, tier=tier) as exchange, Client(exchange) as client:
        statuses = [client.ask("/portfolio/balance").status_code for _ in range(calls + 1)]
        assert statuses == [200] * calls + [429]
        assert client.ask(FILLS).status_code == 200
        clock.sleep(1)
        assert client.ask("/portfolio/balance").status_code == 200


def test_the_balance_may_share_the_bucket_of_all_reads() -> None:
    with (
        Exchange(minutes(1), clock=clock_at(1), balance_apart=False) as exchange,
        Client(exchange) as client,
    ):
        statuses = [client.ask("/portfolio/balance").status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]


@pytest.mark.parametrize("generation", PHASES)
def test_every_endpoint_answers_in_every_generation(client: Client, generation: str) -> None:
    client.exchange.switch(generation)
    for path in (
        "/account/limits",
        "/exchange/user_data_timestamp",
        "/historical/cutoff",
        "/historical/fills",
        "/historical/markets",
        "/historical/orders",
        "/historical/positions",
        "/markets",
        "/portfolio/balance",
        "/portfolio/deposits",
        "/portfolio/fills",
        "/portfolio/orders",
        "/portfolio/positions",
        "/portfolio/settlements",
        "/portfolio/subaccounts/balances",
        "/portfolio/withdrawals",
        "/series/KXHIGHNY",
    ):
        assert client.told(path)


def test_the_generation_can_change_between_two_pages(client: Client) -> None:
    first = client.told(FILLS)
    client.exchange.switch("1")
    second = client.told(FILLS, cursor=first["cursor"])
    assert "count_fp" in first["fills"][0]
    assert "yes_price_fixed" in second["fills"][0]


def test_an_old_generation_is_refused_for_a_rich_world() -> None:
    with pytest.raises(ValueError, match="no words"):
        Exchange(RICH_WORLD, generation="3b")


def test_requests_are_counted_and_the_hook_sees_them_before_and_after() -> None:
    heard: list[tuple[str, int, str, int | None]] = []

    def hook(phase: str, seen: Seen) -> None:
        heard.append((phase, seen.number, seen.path, seen.status))

    with (
        Exchange(minutes(1), clock=clock_at(1), on_request=hook) as exchange,
        Client(exchange) as client,
    ):
        client.ask(FILLS, limit=3)
        client.ask("/nothing")
        seen = exchange.requests
    assert heard == [
        ("before", 1, FILLS, None),
        ("after", 1, FILLS, 200),
        ("before", 2, "/nothing", None),
        ("after", 2, "/nothing", 404),
    ]
    assert [(it.method, it.path, it.query, it.status) for it in seen] == [
        ("GET", FILLS, {"limit": "3"}, 200),
        ("GET", "/nothing", {}, 404),
    ]


def test_a_mistake_inside_the_exchange_is_raised_when_it_ends() -> None:
    def hook(phase: str, seen: Seen) -> None:
        raise KeyError(phase)

    with (
        pytest.raises(KeyError, match="after"),
        Exchange(
            World.by_hand([fill(1, START)], [Ending(TICKER, "yes", None, START + DAY)]),
            clock=clock_at(2),
            on_request=lambda phase, seen: hook(phase, seen) if phase == "after" else None,
        ) as exchange,
        Client(exchange) as client,
    ):
        assert client.ask(FILLS).status_code == 200
