"""Elements become rows: whose they are, of which statement, and what is not a statement at all."""

import pytest

from domain.event import Owner, header
from tests.adapters.flex.made import (
    BOOK,
    element,
    events,
    looked_at,
    payload,
    refusal,
    response,
    source,
    statement,
    trade,
    trades,
)


def position(**attributes: str) -> str:
    row = element("OpenPosition", accountId="U1", conid="7", currency="USD", **attributes)
    return element("OpenPositions", row)


def test_rows_keep_all_attributes_as_text_in_their_order() -> None:
    row = trade(zeta='1,000.50 "net"', alpha="é😀\t<&>", empty="")
    found = payload(events(trades(row))[0])
    assert list(found.items()) == [
        ("accountId", "U1"),
        ("ibExecID", "0000.0001.01.01"),
        ("quantity", "1"),
        ("zeta", '1,000.50 "net"'),
        ("alpha", "é😀\t<&>"),
        ("empty", ""),
    ]


def test_the_statement_itself_is_a_row_behind_its_rows_with_its_sections() -> None:
    text = response(
        statement(
            element("AccountInformation", accountId="U1", currency="CHF"),
            element("CashReport"),
            element("Trades", trade(1)),
            element("Trades", trade(2)),
            period="LastMonth",
        )
    )
    found = events(text)
    assert [event.kind.removeprefix("ibkr.flex.") for event in found] == [
        "account_information",
        "trade",
        "trade",
        "statement",
    ]
    assert payload(found[-1]) == {
        "accountId": "U1",
        "fromDate": "20250101",
        "toDate": "20250131",
        "whenGenerated": "20250201;080000",
        "period": "LastMonth",
        "queryName": "made",
        "type": "AF",
        "sections": ";AccountInformation;CashReport;Trades;",
    }
    assert list(payload(found[-1]))[-3:] == ["queryName", "type", "sections"]


def test_a_statement_without_sections_and_one_without_rows_are_statements() -> None:
    for inner, sections in ((), ";"), ((element("Trades"),), ";Trades;"):
        (event,) = events(response(statement(*inner)))
        assert payload(event)["sections"] == sections


def test_every_row_says_where_in_the_file_it_stood() -> None:
    one, last = events(trades(trade()))
    told = "U1 20250101..20250131 made 20250201;080000"
    assert (source(one)["element"], source(one)["statement"]) == ("Trades/Trade", told)
    assert (source(last)["element"], source(last)["statement"]) == ("FlexStatement", told)
    assert source(one)["adapter"] == "flex/1"
    assert source(one)["document"] == looked_at(trades(trade())).document


def test_a_row_inside_a_row_is_a_row_and_both_keep_their_attributes() -> None:
    order = element("Order", trade(1), trade(2), accountId="U1", levelOfDetail="ORDER")
    found = events(response(statement(element("Trades", order, kind="all"))))
    assert [(event.kind, source(event)["element"]) for event in found] == [
        ("ibkr.flex.other", "Trades"),
        ("ibkr.flex.trade_summary", "Trades/Order"),
        ("ibkr.flex.trade", "Trades/Order/Trade"),
        ("ibkr.flex.trade", "Trades/Order/Trade"),
        ("ibkr.flex.statement", "FlexStatement"),
    ]


def test_a_section_of_the_name_of_its_rows_is_no_row_unless_it_has_attributes() -> None:
    row = element("OptionEAE", accountId="U1", tradeID="5", transactionType="Expiration")
    for section in (element("OptionEAE", row), row):
        kinds = [event.kind for event in events(response(statement(section)))]
        assert kinds == ["ibkr.flex.option_event", "ibkr.flex.statement"]


def test_accounts_of_one_file_have_keys_of_their_own() -> None:
    text = response(
        statement(element("Trades", trade(1)), accountId="U1"),
        statement(
            element("Trades", trade(1, accountId="U2"), trade(2, accountId="")), accountId="U2"
        ),
        count="7",
    )
    assert [event.key.split("|")[1] for event in events(text)] == ["U1", "U1", "U2", "U2", "U2"]


def test_a_row_without_account_takes_that_of_its_statement_and_one_with_its_own_keeps_it() -> None:
    lacking = element("Trade", ibExecID="1")
    dash, other = trade(2, accountId="-"), trade(3, accountId="U3")
    found = events(trades(lacking, dash, other))
    assert [event.key.split("|")[1] for event in found] == ["U1", "U1", "U3", "U1"]
    assert [header(event.state)["account"] for event in found] == ["U1", "U1", "U3", "U1"]


def test_what_stands_outside_of_any_statement_is_kept_for_the_book() -> None:
    text = element(
        "FlexQueryResponse",
        element("FlexStatements", statement(), element("Remark", text="late"), count="2"),
        element("Footer", accountId="U9", text="end"),
    )
    first, remark, footer = events(text)
    assert first.kind == "ibkr.flex.statement"
    assert (remark.kind, remark.key.split("|")[1]) == ("ibkr.flex.other", "main")
    assert (footer.kind, footer.key.split("|")[1]) == ("ibkr.flex.other", "U9")
    assert source(remark)["element"] == "FlexStatements/Remark"
    assert "statement" not in source(footer)


@pytest.mark.parametrize("account", ["DU1234567", "DF123"])
def test_paper_accounts_do_not_go_into_live_books_nor_live_ones_into_paper_books(
    account: str,
) -> None:
    paper = response(statement(accountId=account))
    told = refusal(paper)
    assert account in told
    assert "--mode paper" in told
    assert [one.key.split("|")[2] for one in events(paper, Owner("main", "paper"))] == ["paper"]
    assert "--mode live" in refusal(response(statement()), Owner("main", "paper"))
    assert account in refusal(trades(trade(accountId=account)))


@pytest.mark.parametrize("account", ["U|1", "U 1", "Ü1", "U" * 65])
def test_an_account_that_cannot_stand_in_a_key_refuses_the_file(account: str) -> None:
    assert "account" in refusal(response(statement(accountId=account)))
    assert "account" in refusal(trades(trade(accountId=account)))


@pytest.mark.parametrize("account", ["", "-"])
def test_a_statement_without_account_refuses_the_file(account: str) -> None:
    assert "without accountId" in refusal(response(statement(accountId=account)))


@pytest.mark.parametrize(
    ("attributes", "day", "moment"),
    [
        ({"reportDate": "20250115"}, "20250131", "2025-01-16T05:00:00.000000Z"),
        ({"reportDate": "2025-07-15"}, "20250131", "2025-07-16T04:00:00.000000Z"),
        ({"reportDate": ""}, "20250131", "2025-02-01T05:00:00.000000Z"),
        ({}, "2025-01-31", "2025-02-01T05:00:00.000000Z"),
        ({}, "20250131;235959", "2025-02-01T05:00:00.000000Z"),
        # the days on which the clock moves have 23 and 25 hours
        ({"reportDate": "20250309"}, "", "2025-03-10T04:00:00.000000Z"),
        ({"reportDate": "20251102"}, "", "2025-11-03T05:00:00.000000Z"),
    ],
)
def test_positions_are_those_of_the_end_of_their_day_in_new_york(
    attributes: dict[str, str], day: str, moment: str
) -> None:
    for level in ("SUMMARY", "LOT"):
        row = position(levelOfDetail=level, **attributes)
        event = events(response(statement(row, toDate=day)))[0]
        assert header(event.state)["as_of"] == moment
        assert event.key.split("|")[4] == moment


def test_a_cash_report_is_of_the_end_of_its_own_period() -> None:
    for given, moment in (("20250114", "2025-01-15"), ("", "2025-02-01")):
        row = element("CashReportCurrency", currency="USD", fromDate="20250101", toDate=given)
        event = events(response(statement(element("CashReport", row))))[0]
        assert header(event.state)["as_of"] == f"{moment}T05:00:00.000000Z"


@pytest.mark.parametrize(
    "day", ["", "01/31/2025", "31-JAN-25", "20250230", "99991231", "2025-0131"]
)
def test_a_day_that_cannot_be_read_refuses_positions_and_nothing_else(day: str) -> None:
    told = refusal(response(statement(position(), toDate=day)))
    assert "ibkr.flex.open_position" in told
    assert "yyyyMMdd" in told
    assert len(events(response(statement(element("Trades", trade()), toDate=day)))) == 2


def test_the_web_service_s_refusal_is_told_in_its_own_words() -> None:
    answer = (
        '<FlexStatementResponse timestamp="21 November, 2026"><Status>Fail</Status>'
        "<ErrorCode>1012</ErrorCode><ErrorMessage>Token has expired.</ErrorMessage>"
        "</FlexStatementResponse>"
    )
    told = refusal(answer)
    assert "Token has expired. (error 1012)" in told
    assert told.startswith("made.xml: ")


def test_the_web_service_s_promise_of_a_statement_is_no_statement() -> None:
    told = refusal(
        "<FlexStatementResponse><Status>Success</Status><ReferenceCode>123</ReferenceCode>"
        "<Url>https://example.org/GetStatement?t=secret</Url></FlexStatementResponse>"
    )
    assert "Success" in told
    assert "secret" not in told


@pytest.mark.parametrize("root", ["html", "Statement", "{urn:x}FlexQueryResponse"])
def test_xml_of_another_kind_is_refused_by_its_root(root: str) -> None:
    name = root.rpartition("}")[2]
    space = f' xmlns="{root[1 : -len(name) - 1]}"' if root.startswith("{") else ""
    assert root in refusal(f"<{name}{space}/>")


def test_text_between_the_elements_is_remarked_on() -> None:
    text = response(statement(element("Trades", trade(), "stray")))
    assert looked_at(text).notes == ["1 text(s) between the elements were not taken in"]
    assert looked_at(response(statement("\n  ", element("Trades")))).notes == []


def test_the_book_s_own_account_is_that_of_the_fetch_event_alone() -> None:
    keys = [event.key for event in events(trades(trade()), BOOK)]
    assert all(key.startswith("ibkr|U1|live|") for key in keys)
