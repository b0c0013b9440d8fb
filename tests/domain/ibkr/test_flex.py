"""Keys of rows of statements tell what their ids are ids of; new attributes are drift."""

import pytest

from domain.ibkr.flex import KEPT, READ
from domain.jsontext import digest
from domain.kinds import BY_NAME, Kind, identity_of
from domain.shapes import choose, shape_entries

NOON = "2026-01-01T05:00:00.000000Z"


def identity(kind: str, attributes: dict[str, str], nth: int = 1) -> str:
    known = BY_NAME[f"ibkr.flex.{kind}"]
    return identity_of(known, attributes, as_of_text=NOON if known.snapshot else None, nth=nth)


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        ("trade", "ibExecID=0001.01 transactionID=5 tradeID=7", "0001.01"),
        ("trade", "ibExecID= transactionID=5 tradeID=7", "transaction-5"),
        ("trade", "ibExecID=- transactionID=N/A tradeID=7 transactionType=BookTrade",
         "trade-7-BookTrade"),
        ("trade_confirm", "execID=0001.01 tradeID=7", "0001.01"),
        ("trade_confirm", "execID= tradeID=7 transactionType=ExchTrade", "trade-7-ExchTrade"),
        ("option_event", "tradeID=7 transactionType=Buy", "7|transactionType-Buy"),
        ("cash_transaction", "transactionID=5", "5"),
        ("corporate_action", "transactionID=5 actionID=9", "5"),
        ("open_position", "conid=8 currency=USD", f"{NOON}|8|currency-USD"),
        ("cash_report", "fromDate=20250101 toDate=20251231 currency=CHF",
         f"{NOON}|20250101|currency-CHF"),
        ("conversion_rate", "reportDate=20250101 fromCurrency=EUR toCurrency=CHF",
         "20250101|fromCurrency-EUR|toCurrency-CHF"),
        ("transfer", "transactionID=5", "5"),
        ("security_info", "conid=8", "8"),
        ("account_information", "currency=CHF", "account"),
        ("statement", "fromDate=20250101 toDate=20251231 whenGenerated=20260221;133136 queryName=",
         "20250101|toDate-20251231|whenGenerated-20260221;133136"),
    ],
)  # fmt: skip
def test_the_identity_of_a_row(kind: str, attributes: str, expected: str) -> None:
    pairs = (word.partition("=")[::2] for word in attributes.split())
    assert identity(kind, dict(pairs)) == expected


@pytest.mark.parametrize("kind", ["trade", "trade_confirm", "cash_transaction", "transfer"])
@pytest.mark.parametrize("nothing", ["", "-", "--", "N/A", "0"])
def test_an_id_that_is_not_stated_is_none(kind: str, nothing: str) -> None:
    names = ("ibExecID", "execID", "transactionID", "tradeID")
    row = dict.fromkeys(names, nothing) | {"transactionType": "ExchTrade"}
    content = f"content-{digest(row)[:32]}"
    assert identity(kind, row) == f"{content}|1"
    assert identity(kind, row, 2) == f"{content}|2"


def test_lots_of_a_position_are_several_at_one_moment() -> None:
    one, other = (identity("open_position_lot", {"conid": "8", "position": it}) for it in "12")
    assert one != other
    assert one.startswith(f"{NOON}|content-")


@pytest.mark.parametrize("kind", READ, ids=lambda it: it.name)
def test_a_new_attribute_is_drift_and_the_row_is_still_read(kind: Kind) -> None:
    (reader,) = kind.readers
    known = dict.fromkeys([*reader.required, *reader.optional, *reader.ignored], "x")
    choice = choose(kind.readers, shape_entries({**known, "quite_new": "x"}))
    assert (choice.status, choice.keys_added) == ("additive", ("quite_new:string",))
    assert choose(kind.readers, shape_entries(known)).status == "known"


@pytest.mark.parametrize("kind", READ, ids=lambda it: it.name)
def test_a_row_without_what_no_fact_can_do_without_is_unknown(kind: Kind) -> None:
    (reader,) = kind.readers
    for name in reader.required:
        rest = dict.fromkeys([key for key in reader.required if key != name], "x")
        choice = choose(kind.readers, shape_entries(rest))
        assert (choice.status, choice.keys_missing) == ("unknown", (name,))


def test_what_is_only_kept_has_no_reader_and_is_nothing_unusual() -> None:
    assert all(kind.fact is None and not kind.readers and kind.expected for kind in KEPT)


def test_statements_outrank_confirmations_and_those_the_socket() -> None:
    ranks = [BY_NAME[f"ibkr.{name}"].authority for name in ("flex.trade", "flex.trade_confirm")]
    assert [*ranks, BY_NAME["ibkr.execution"].authority] == [0, -1, -2]
    assert BY_NAME["ibkr.execution"].provisional
    assert not BY_NAME["ibkr.flex.trade"].provisional
