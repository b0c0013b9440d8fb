"""Which markets and series are asked for, where, and when again."""

import json

import pytest

from tests.adapters.kalshi.account import WRONG, Account, Said, fill, rows


def market(ticker: object, status: str = "active") -> str:
    return json.dumps({"ticker": ticker, "status": status})


def traded(account: Account, *tickers: str) -> None:
    """Let the account have a fill in each of these markets."""
    texts = [fill(number, ticker=ticker) for number, ticker in enumerate(tickers)]
    account.says("/portfolio/fills", rows("fills", *texts))


def wanted(account: Account, path: str = "/markets") -> list[list[str]]:
    """Fetch once and return the markets that each request named."""
    account.fetch(full=True)
    return [one["tickers"].split(",") for one in account.asked(path)]


def test_a_market_that_is_known_and_not_final_is_asked_for_again_only_when_it_has_settled(
    account: Account,
) -> None:
    traded(account, "KXA-1", "KXB-1")
    account.says("/markets", rows("markets", market("KXA-1"), market("KXB-1")))
    assert wanted(account) == [["KXA-1", "KXB-1"]]
    assert wanted(account) == []
    account.says("/portfolio/settlements", rows("settlements", '{"ticker":"KXA-1"}'))
    account.says("/markets", rows("markets", market("KXA-1", "determined")))
    assert wanted(account) == [["KXA-1"]]
    account.says("/markets", rows("markets", market("KXA-1", "finalized")))
    assert wanted(account) == [["KXA-1"]]
    assert wanted(account) == []


@pytest.mark.parametrize("status", ["finalized", "settled"])
def test_a_market_that_is_final_is_never_asked_for_again(account: Account, status: str) -> None:
    traded(account, "KXA-1")
    account.says("/portfolio/settlements", rows("settlements", '{"ticker":"KXA-1"}'))
    account.says("/markets", rows("markets", market("KXA-1", status)))
    assert wanted(account) == [["KXA-1"]]
    assert wanted(account) == []


def test_markets_that_are_archived_are_asked_for_where_they_are(account: Account) -> None:
    traded(account, "KXA-1", "KXB-1", "KXC-1")
    account.says("/markets", rows("markets", market("KXB-1")))
    account.says("/historical/markets", rows("markets", market("KXA-1", "finalized")))
    assert wanted(account, "/historical/markets") == [["KXA-1", "KXC-1"]]
    told = account.told("markets", full=True)
    assert (told.complete, told.notes) == (True, ["the exchange does not describe KXC-1"])
    assert account.asked("/markets")[0]["tickers"] == "KXC-1"


@pytest.mark.parametrize("path", ["/markets", "/historical/markets"])
def test_a_path_that_is_not_there_describes_nothing(account: Account, path: str) -> None:
    traded(account, "KXA-1", "KXB-1", "KXC-1")
    account.says(path, None)
    told = account.told("markets")
    assert told.complete
    assert told.notes == ["the exchange does not describe KXA-1 and 2 more"]


def test_markets_are_asked_for_a_hundred_at_a_time(account: Account) -> None:
    names = [f"KXA-{number:03}" for number in range(250)]
    traded(account, *names)
    asked = wanted(account)
    assert [len(one) for one in asked] == [100, 100, 50]
    assert [name for one in asked for name in one] == names


def test_a_market_without_a_name_is_not_asked_for_because_that_would_be_all_of_them(
    account: Account,
) -> None:
    traded(account, "")
    assert wanted(account) == []
    assert account.told("markets").complete


def test_a_name_with_characters_of_an_address_stays_one_parameter(account: Account) -> None:
    traded(account, "KXA&limit=1#?/..", "KXÄ 1")
    assert wanted(account) == [["KXA&limit=1#?/..", "KXÄ 1"]]
    assert [path for path in account.paths if path.startswith("/series/")] == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [('{"cursor":""}', "GET /markets has no 'markets'"), (WRONG, "status 400")],
)
def test_an_answer_without_its_markets_is_incomplete(
    account: Account, said: Said, reason: str
) -> None:
    traded(account, "KXA-1")
    account.says("/markets", said)
    told = account.told("markets")
    assert told.complete is False
    assert reason in str(told.reason)


def test_all_pages_of_markets_are_taken_and_odd_rows_kept(account: Account) -> None:
    traded(account, "KXA-1", "KXB-1")
    account.says(
        "/markets",
        rows("markets", market("KXA-1"), "5", market(7), cursor="c"),
        rows("markets", market("KXB-1"), beside='"more":1,'),
    )
    told = account.told("markets")
    assert (told.complete, told.new, told.notes) == (True, 4, [])
    assert account.payloads("kalshi.page") == ['{"endpoint":"GET /markets","members":{"more":1}}']


def test_a_series_is_named_by_the_first_part_of_its_markets(account: Account) -> None:
    traded(account, "KXA-26NOV20-B1", "KXA-26NOV20-B2", "KXB", "KX.C_1-1")
    account.says("/series/KXA", '{"series": {"ticker":"KXA", "fee_multiplier":1.0}}')
    told = account.told("series")
    assert [path for path in account.paths if path.startswith("/series/")] == [
        "/series/KX.C_1",
        "/series/KXA",
        "/series/KXB",
    ]
    assert (told.complete, told.new, len(told.notes)) == (True, 1, 2)
    assert account.payloads("kalshi.series") == ['{"ticker":"KXA", "fee_multiplier":1.0}']


@pytest.mark.parametrize("ticker", ["..", ".", "../markets", "a/b-1", "a?b-1", "-1", "%2e%2e-1"])
def test_a_name_that_would_be_another_address_is_no_series(account: Account, ticker: str) -> None:
    traded(account, ticker)
    assert account.told("series").complete
    assert [path for path in account.paths if path.startswith("/series")] == []


@pytest.mark.parametrize("said", ["{}", '{"series":[]}'])
def test_a_series_that_is_none_is_incomplete(account: Account, said: str) -> None:
    traded(account, "KXA-1")
    account.says("/series/KXA", said)
    told = account.told("series")
    assert (told.complete, told.reason) == (False, "GET /series/KXA has no 'series'")


def test_a_series_that_is_met_for_the_first_time_is_asked_for_on_any_day(account: Account) -> None:
    account.says("/series/KXA", '{"series":{"ticker":"KXA"}}')
    account.says("/series/KXB", '{"series":{"ticker":"KXB"}}')
    asked = []
    for tickers in (["KXA-1"], ["KXA-1", "KXB-1"]):
        traded(account, *tickers)
        account.fetch()
        asked.append([path for path in account.paths if path.startswith("/series/")])
    assert asked == [["/series/KXA"], ["/series/KXB"]]
