"""A whole file: read twice, made into events, and never half."""

import io
import json
from collections import Counter

import pytest

from adapters.flex import batches, survey
from domain.errors import CannotDoError, NotUnderstoodError
from domain.event import NewEvent, Owner, header, payload_bytes
from domain.ibkr.accounts import mode_of
from domain.jsontext import parse
from domain.kinds import BY_NAME
from domain.ledger import FETCH_READERS
from domain.shapes import choose, shape_entries, shape_of
from tests.adapters.flex.made import (
    BOOK,
    RECEIVED,
    element,
    events,
    looked_at,
    payload,
    refusal,
    response,
    source,
    statement,
    taken,
    trade,
    trades,
)
from tests.shared_data import SHARED, needs_shared_data

REAL = SHARED / "ibkr"
ROWS: dict[str, dict[str, int]] = {
    "goforce64_activity_cancel_correct_exercise.xml": {
        "option_event": 5,
        "statement": 1,
        "trade": 24,
    },
    "goforce64_today_tradeconfirms.xml": {
        "statement": 1,
        "trade_confirm": 7,
    },
    "ibflexreader_TestForCoding.xml": {
        "cash_report": 5,
        "statement": 1,
        "trade": 15,
    },
    "ibkr_conduit_cash-transactions.xml": {
        "cash_transaction": 3,
        "statement": 128,
    },
    "ibkr_conduit_trade-confirmations.xml": {
        "statement": 1,
        "trade_confirm": 39,
        "trade_summary": 41,
    },
    "opensteuerauszug_corporate_action_2025.xml": {
        "cash_transaction": 4,
        "cash_transaction_summary": 4,
        "corporate_action": 2,
        "corporate_action_summary": 2,
        "open_position": 1,
        "open_position_lot": 1,
        "statement": 1,
        "trade": 1,
        "trade_summary": 2,
    },
    "opensteuerauszug_eTax_report_anonymised_2025.xml": {
        "account_information": 1,
        "cash_report": 4,
        "cash_transaction": 60,
        "cash_transaction_summary": 59,
        "open_position": 2,
        "open_position_lot": 72,
        "security_info": 43,
        "statement": 1,
        "trade": 671,
    },
    "opensteuerauszug_vtandchill_2025.xml": {
        "account_information": 1,
        "cash_report": 3,
        "cash_transaction": 10,
        "open_position": 1,
        "other": 14,
        "statement": 1,
        "trade": 7,
        "trade_summary": 3,
    },
    "portfolio_performance_IBFlexStatementFile09.xml": {
        "statement": 1,
        "trade": 2,
    },
    "portfolio_performance_IBFlexStatementFile14.xml": {
        "cash_report": 3,
        "cash_transaction": 2,
        "conversion_rate": 720,
        "statement": 1,
        "trade": 8,
    },
    "portfolio_performance_IBFlexStatementFile20.xml": {
        "account_information": 1,
        "cash_report": 5,
        "cash_transaction": 2,
        "conversion_rate": 2,
        "other": 4,
        "statement": 1,
        "trade": 1,
        "trade_summary": 3,
    },
    "portfolio_performance_IBFlexStatementFile23.xml": {
        "account_information": 1,
        "cash_transaction": 2,
        "corporate_action": 1,
        "statement": 1,
    },
    "portfolio_performance_IBFlexStatementFile24.xml": {
        "cash_report": 1,
        "cash_transaction": 10,
        "statement": 1,
    },
    "portfolio_performance_IBFlexStatementFile26.xml": {
        "account_information": 2,
        "cash_transaction": 3,
        "statement": 2,
        "trade": 1,
    },
    "portfolio_performance_IBFlexStatementFile29.xml": {
        "account_information": 3,
        "cash_transaction": 5,
        "conversion_rate": 3,
        "statement": 3,
    },
    "tradetally_ibkr-flex-report.xml": {
        "open_position": 1,
        "statement": 1,
        "trade": 4,
    },
    "uabean_beancount.xml": {
        "cash_report": 1,
        "cash_transaction": 5,
        "closed_lot": 3,
        "corporate_action": 7,
        "statement": 1,
        "trade": 8,
    },
}


def book_of(name: str) -> Owner:
    """Return a book of the mode of the first account that a real file names."""
    account = (REAL / name).read_text("utf-8").partition('<FlexStatement accountId="')[2]
    return Owner("main", mode_of(account.partition('"')[0]))


def real(name: str) -> list[NewEvent]:
    return events((REAL / name).read_bytes(), book_of(name))


@needs_shared_data
@pytest.mark.parametrize("name", sorted(ROWS))
def test_real_statements_are_taken_in_row_for_row(name: str) -> None:
    found = real(name)
    told = Counter(event.kind.removeprefix("ibkr.flex.") for event in found)
    assert told == ROWS[name]
    seen = looked_at((REAL / name).read_bytes(), book_of(name))
    assert seen.counts == Counter(event.kind for event in found)
    for event in found:
        assert header(event.state)["shape"] == shape_of(parse(payload_bytes(event.state).decode()))
        assert all(isinstance(value, str) for value in payload(event).values())


@needs_shared_data
def test_no_real_file_is_left_out_of_the_table() -> None:
    assert {path.name for path in REAL.glob("*.xml")} == set(ROWS)


@needs_shared_data
@pytest.mark.parametrize("name", sorted(ROWS))
def test_rows_of_real_statements_are_known_or_kept(name: str) -> None:
    for event in real(name):
        readers = BY_NAME[event.kind].readers
        if readers:
            entries = shape_entries(parse(payload_bytes(event.state).decode()))
            assert choose(readers, entries).status == "known", (name, event.key)


@needs_shared_data
def test_trades_of_real_statements_have_keys_of_their_own() -> None:
    for name in ROWS:
        keys = [event.key for event in real(name) if event.kind == "ibkr.flex.trade"]
        assert len(set(keys)) == len(keys), name


@needs_shared_data
def test_two_accounts_of_a_real_file_stay_apart() -> None:
    found = real("portfolio_performance_IBFlexStatementFile26.xml")
    assert {event.key.split("|")[1] for event in found} == {"U1234567", "U1234568"}


def test_the_fetch_event_says_what_was_taken_in_and_its_reader_understands_it() -> None:
    *rows, fetch = taken(trades(trade(1), trade(2)))
    text = payload_bytes(fetch.state).decode()
    told = json.loads(text)
    assert told == {
        "document": source(rows[0])["document"],
        "adapter": "flex/1",
        "pages": 0,
        "rows": 3,
    }
    assert fetch.key == f"ledger|main|live|ledger.fetch|{told['document']}"
    assert source(fetch)["name"] == "made.xml"
    assert choose(FETCH_READERS, shape_entries(parse(text))).status == "known"


def test_batches_hold_the_rows_in_order_and_the_last_one_the_fetch_event() -> None:
    file = io.BytesIO(trades(*map(trade, range(24))).encode())
    seen = survey(file, name="made.xml", book=BOOK)
    made = list(batches(file, seen, received_at=RECEIVED, batch_rows=10))
    assert [len(batch) for batch in made] == [10, 10, 6]
    assert [event for batch in made for event in batch] == taken(file.getvalue())


def test_a_batch_that_is_just_full_takes_the_fetch_event_too() -> None:
    file = io.BytesIO(trades(*map(trade, range(9))).encode())
    seen = survey(file, name="m", book=BOOK)
    made = list(batches(file, seen, received_at=RECEIVED, batch_rows=10))
    assert [len(batch) for batch in made] == [11]


def test_equal_rows_without_an_id_are_several_in_one_statement_and_told_again_in_the_next() -> None:
    row = element("FxPosition", accountId="U1", quantity="5")
    section = element("FxPositions", row, row)
    found = events(response(statement(section), statement(section, toDate="20250201")))
    keys = [event.key for event in found if event.kind == "ibkr.flex.other"]
    assert [key.rsplit("|", 1)[1] for key in keys] == ["1", "2", "1", "2"]
    assert len(set(keys)) == 2


def test_the_same_trade_in_overlapping_files_has_the_same_key() -> None:
    one = trades(trade(1), trade(2))
    other = response(statement(element("Trades", trade(2), trade(3)), toDate="20250228"))
    both = [{event.key for event in events(text) if "trade" in event.kind} for text in (one, other)]
    assert len(both[0] & both[1]) == 1
    assert len(both[0] | both[1]) == 3


def test_a_file_that_changes_between_the_two_readings_is_given_up_before_a_changed_row() -> None:
    text = trades(*map(trade, range(30_000))).encode()
    seen = survey(io.BytesIO(text), name="m", book=BOOK)
    changed = text[:-2000] + text[-2000:].replace(b'quantity="1"', b'quantity="2"', 1)
    made: list[NewEvent] = []
    told = batches(io.BytesIO(changed), seen, received_at=RECEIVED, batch_rows=1000)
    with pytest.raises(CannotDoError, match="m: the file was changed while it was read"):
        made.extend(event for batch in told for event in batch)
    assert len(made) > 1000
    assert {payload(event)["quantity"] for event in made} == {"1"}


@pytest.mark.parametrize("change", [b"", b" "])
def test_a_file_that_was_cut_or_grew_between_the_two_readings_is_given_up(change: bytes) -> None:
    text = trades(trade()).encode()
    seen = survey(io.BytesIO(text), name="m", book=BOOK)
    other = text + change if change else text[:0]
    with pytest.raises(CannotDoError, match="changed"):
        list(batches(io.BytesIO(other), seen, received_at=RECEIVED))


def test_more_bytes_than_the_limit_are_refused() -> None:
    text = trades(trade()).encode()
    survey(io.BytesIO(text), name="m", book=BOOK, bytes_max=len(text))
    with pytest.raises(NotUnderstoodError, match="shorter period"):
        survey(io.BytesIO(text), name="m", book=BOOK, bytes_max=len(text) - 1)


def test_a_disk_that_fails_while_it_is_read_is_no_fault_of_the_file() -> None:
    class Failing(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(CannotDoError, match="m: cannot be read any further: Input/output error"):
        survey(Failing(b"<a/>"), name="m", book=BOOK)


def test_progress_is_told_in_bytes_of_each_reading() -> None:
    file = io.BytesIO(trades(*map(trade, range(5000))).encode())
    read: list[int] = []
    seen = survey(file, name="m", book=BOOK, progress=read.append)
    assert sum(read) == len(file.getvalue())
    list(batches(file, seen, received_at=RECEIVED, progress=read.append))
    assert sum(read) == 2 * len(file.getvalue())
    assert len(read) > 2


def test_an_empty_file_and_one_that_breaks_off_are_refused_by_name() -> None:
    assert refusal("").startswith("made.xml: the text breaks off")
    assert refusal(trades(trade())[:-5]).startswith("made.xml: the text breaks off")


def test_a_file_name_that_is_no_text_breaks_nothing() -> None:
    file = io.BytesIO(trades(trade()).encode())
    seen = survey(file, name="made\udcff.xml", book=BOOK)
    (batch,) = batches(file, seen, received_at=RECEIVED)
    assert source(batch[-1])["name"] == "made\\udcff.xml"


def test_an_id_of_any_characters_stays_one_part_of_the_key() -> None:
    event = events(trades(trade(ibExecID="a|b %\n")))[0]
    assert event.key == "ibkr|U1|live|ibkr.flex.trade|a%7Cb%20%25%0A"
