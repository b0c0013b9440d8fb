"""Balances and positions of every subaccount and shard, each of the moment that is vouched for."""

import json

import pytest

from domain.event import header
from tests.adapters.kalshi.account import (
    BROKEN,
    FORBIDDEN,
    UNTIL,
    WRONG,
    Account,
    Said,
    stream_of,
)

MOMENT = UNTIL.replace("Z", ".000000Z")


def subaccounts(*numbers: object) -> str:
    """Return the balances of subaccounts, each with 100 dollars."""
    return json.dumps(
        {"subaccount_balances": [{"subaccount_number": n, "balance": "100.00"} for n in numbers]}
    )


def shards(*indexes: object) -> str:
    """Return a balance that is spread over shards."""
    parts = [{"exchange_index": index, "balance": "1.00"} for index in indexes]
    return json.dumps({"balance": 100, "balance_breakdown": parts})


def identities(account: Account, kind: str) -> list[str]:
    """Return what identifies the events of a kind."""
    return [event.key.partition(f"{kind}|")[2] for event in account.events(kind)]


def test_a_balance_is_kept_byte_for_byte_and_dated_by_the_exchange(account: Account) -> None:
    account.says("/portfolio/balance", ' {"balance" : 1.10,\n"portfolio_value":0 } \n')
    assert account.told("balance").complete
    assert account.payloads("kalshi.balance") == ['{"balance" : 1.10,\n"portfolio_value":0 }']
    (event,) = account.events("kalshi.balance")
    assert event.key == f"kalshi|main|live|kalshi.balance|{MOMENT}"
    assert header(event.state)["as_of"] == MOMENT
    assert "asked" not in header(event.state)


def test_where_the_exchange_vouches_for_no_moment_it_is_that_of_the_answer(
    account: Account,
) -> None:
    account.says("/exchange/user_data_timestamp", None)
    account.fetch()
    assert identities(account, "kalshi.balance") == ["2026-11-21T12:00:00.000000Z"]


def test_every_subaccount_but_the_primary_one_is_asked_for_by_its_number(account: Account) -> None:
    account.says("/portfolio/subaccounts/balances", subaccounts(0, 7, 2))
    fetched = account.fetch()
    assert account.asked("/portfolio/balance") == [{}, {"subaccount": "2"}, {"subaccount": "7"}]
    assert [one.get("subaccount") for one in account.asked("/portfolio/positions")] == [
        None,
        "2",
        "7",
    ]
    assert identities(account, "kalshi.balance") == [
        MOMENT,
        f"{MOMENT}|subaccount-2",
        f"{MOMENT}|subaccount-7",
    ]
    assert [header(event.state).get("asked") for event in account.events("kalshi.balance")] == [
        None,
        {"subaccount": 2},
        {"subaccount": 7},
    ]
    assert identities(account, "kalshi.subaccount_balance") == [
        f"{MOMENT}|subaccount_number-{number}" for number in (0, 7, 2)
    ]
    asked = account.ledger("balance")["asked"]
    assert asked == (
        "/portfolio/balance; /portfolio/balance?subaccount=2; /portfolio/balance?subaccount=7"
    )
    assert stream_of(fetched, "balance").rows == 3


def test_shards_are_asked_for_where_there_are_several(account: Account) -> None:
    account.says("/portfolio/balance", shards(0))
    account.fetch()
    assert account.asked("/portfolio/balance") == [{}]
    account.says("/portfolio/balance", shards(1, 0))
    account.fetch()
    assert account.asked("/portfolio/balance") == [
        {},
        {"exchange_index": "0"},
        {"exchange_index": "1"},
    ]
    assert identities(account, "kalshi.balance")[-1] == f"{MOMENT}|exchange_index-1"


@pytest.mark.parametrize("number", ["1", -1, 1000, 1.5, None, True, [1], 10**30])
def test_what_is_no_number_of_a_subaccount_or_shard_is_not_asked_for(
    account: Account, number: object
) -> None:
    account.says("/portfolio/subaccounts/balances", subaccounts(0, number, 3))
    account.says("/portfolio/balance", shards(number, 3))
    account.fetch()
    assert account.asked("/portfolio/balance") == [{}, {"subaccount": "3"}]


def test_a_key_of_one_subaccount_asks_for_that_one_alone(account: Account) -> None:
    account.says("/portfolio/subaccounts/balances", subaccounts(3))
    account.fetch()
    assert account.asked("/portfolio/balance") == [{"subaccount": "3"}]
    assert [one["subaccount"] for one in account.asked("/portfolio/positions")] == ["3"]


@pytest.mark.parametrize(
    "said",
    [
        '{"balance":1,"balance_breakdown":{}}',
        '{"balance":1,"balance_breakdown":[5,"x",null]}',
        "{}",
    ],
)
def test_a_balance_of_another_form_is_kept_all_the_same(account: Account, said: str) -> None:
    account.says("/portfolio/balance", said)
    assert account.told("balance").complete
    assert account.payloads("kalshi.balance") == [said]


@pytest.mark.parametrize(
    ("said", "status"),
    [(None, "status 404"), (WRONG, "status 400"), (FORBIDDEN, "status 403")],
)
def test_a_key_that_may_not_see_the_list_of_subaccounts_has_the_primary_one(
    account: Account, said: Said, status: str
) -> None:
    account.says("/portfolio/subaccounts/balances", said)
    told = account.told("subaccount_balances")
    assert (told.complete, told.pages) == (True, 0)
    (note,) = told.notes
    assert note.startswith("the exchange lists no subaccounts to this key: ")
    assert status in note
    assert account.asked("/portfolio/balance") == [{}]


@pytest.mark.parametrize(
    ("path", "stream", "said", "reason"),
    [
        ("/portfolio/subaccounts/balances", "subaccount_balances", "{}", "has no 'subaccount_"),
        ("/portfolio/subaccounts/balances", "subaccount_balances", BROKEN, "status 503"),
        ("/portfolio/balance", "balance", None, "status 404"),
        ("/portfolio/balance", "balance", BROKEN, "status 503"),
        ("/portfolio/positions", "positions", '{"event_positions":[]}', "no 'market_positions'"),
        ("/portfolio/positions", "positions", '{"market_positions":[]}', "no 'event_positions'"),
        (
            "/portfolio/positions",
            "positions",
            '{"market_positions":[],"event_positions":[],"next":"x"}',
            "the last page of positions has no cursor",
        ),
        (
            "/portfolio/positions",
            "positions",
            json.dumps({"market_positions": [{"ticker": "A"}] * 1000, "event_positions": []}),
            "the last page of positions has no cursor",
        ),
    ],
)
def test_a_snapshot_that_did_not_come_whole_is_incomplete(
    account: Account, path: str, stream: str, said: Said, reason: str
) -> None:
    account.says(path, said)
    told = account.told(stream)
    assert told.complete is False
    assert reason in str(told.reason)
    assert account.ledger(stream)["reason"] == told.reason


def test_positions_without_a_cursor_that_do_not_fill_their_page_are_whole(account: Account) -> None:
    account.says("/portfolio/positions", '{"market_positions":[],"event_positions":[]}')
    assert account.told("positions").complete


def test_positions_of_all_pages_are_of_one_moment_and_their_markets_are_met(
    account: Account,
) -> None:
    def page(ticker: str, cursor: str) -> str:
        return (
            f'{{"market_positions":[{{"ticker":"{ticker}"}},5],'
            f'"event_positions":[{{"event_ticker":"{ticker}"}}],"cursor":"{cursor}"}}'
        )

    account.says("/portfolio/positions", page("KXA-1", "c"), page("KXA-2", ""))
    told = account.told("positions")
    assert (told.complete, told.pages, told.new) == (True, 2, 5)
    assert identities(account, "kalshi.position")[0] == f"{MOMENT}|KXA-1"
    assert identities(account, "kalshi.event_position") == [f"{MOMENT}|KXA-1", f"{MOMENT}|KXA-2"]
    assert account.asked("/markets")[0]["tickers"] == "KXA-1,KXA-2"


def test_a_snapshot_of_the_same_moment_that_says_something_else_is_a_revision(
    account: Account,
) -> None:
    account.fetch()
    assert account.told("balance").duplicates == 1
    account.says("/portfolio/balance", '{"balance":1}')
    told = account.told("balance")
    assert (told.new, told.revisions) == (0, 1)


def test_a_snapshot_covers_no_time(account: Account) -> None:
    account.fetch()
    for stream in ("subaccount_balances", "balance", "positions"):
        assert account.ledger(stream)["state"] == "complete"
        assert account.ledger(stream).keys().isdisjoint({"covered_from", "covered_until"})
