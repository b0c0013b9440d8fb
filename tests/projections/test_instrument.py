"""What a ticker says of series, event and strike."""

import pytest

from tests.books import NOW, BookMaker, Built, dec, event, ledger
from tools.fake_kalshi.payloads import Listing, market_json

PARSED = [
    # ticker, series, event, strike text, kind, strike
    ("KXHIGHNY-26JAN12-B43.5", "KXHIGHNY", "KXHIGHNY-26JAN12", "B43.5", "bracket", "43.5"),
    ("KXHIGHNY-26JAN12-T47", "KXHIGHNY", "KXHIGHNY-26JAN12", "T47", "threshold", "47"),
    ("KXLOWCHI-26JAN12-T-5", "KXLOWCHI", "KXLOWCHI-26JAN12", "T-5", "threshold", "-5"),
    ("KXLOWCHI-26JAN12-B-5.5", "KXLOWCHI", "KXLOWCHI-26JAN12", "B-5.5", "bracket", "-5.5"),
    ("KXBTC15M-26JAN131530-30", "KXBTC15M", "KXBTC15M-26JAN131530", "30", "other", None),
    ("KXWTAMATCH-26AUG30-POD", "KXWTAMATCH", "KXWTAMATCH-26AUG30", "POD", "other", None),
    ("KXBIG-26JAN12-T1234567890", "KXBIG", "KXBIG-26JAN12", "T1234567890", "threshold", None),
    ("PLAIN", "PLAIN", "PLAIN", "", "other", None),
]


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    fills = "\n".join(f"{ticker} 10:00 yes 1 @ 0.5 fee 0" for ticker, *_ in PARSED)
    listing = Listing("KXSAID-X-Y", "active", NOW, NOW, NOW)
    said = market_json(listing, "5").replace('"KXSAID-X"', '"KXSAID-REAL"')
    settled = ledger("KXTOLD-A-B 12:00 settles yes")
    return shelf.build(ledger(fills), [event("kalshi.market", said)], settled)


@pytest.mark.parametrize("expected", PARSED, ids=lambda row: row[0])
def test_a_ticker_is_series_event_and_strike(
    book: Built, expected: tuple[str, str, str, str, str, str | None]
) -> None:
    ticker, series, happening, text, kind, strike = expected
    row = book.one(f"SELECT * FROM instrument WHERE instrument_id = '{ticker}'")
    assert (row["series"], row["family"], row["event"]) == (series, series, happening)
    assert (row["strike_text"], row["strike_kind"]) == (text, kind)
    assert row["strike"] == (None if strike is None else dec(strike))


def test_what_the_exchange_says_of_the_event_outranks_the_ticker(book: Built) -> None:
    event_of = "SELECT event FROM instrument WHERE instrument_id = 'KXSAID-X-Y'"
    assert book.value(event_of) == "KXSAID-REAL"


def test_a_market_that_was_only_settled_is_an_instrument_too(book: Built) -> None:
    row = book.one("SELECT * FROM instrument WHERE instrument_id = 'KXTOLD-A-B'")
    assert row["event"] == "KXTOLD-A"
    assert book.value("SELECT count(*) FROM instrument") == len(PARSED) + 2
