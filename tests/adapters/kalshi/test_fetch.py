"""What is asked in which order, and what is told of each stream afterwards."""

import json
from datetime import datetime, timedelta
from itertools import groupby

import pytest

from adapters.kalshi.errors import RefusedError
from adapters.kalshi.fetch import Fetched, Fetching, Plan
from adapters.kalshi.streams import LISTS
from adapters.kalshi.taking import Taker
from adapters.telling import THE_BEGINNING
from domain.event import time_text
from tests.adapters.kalshi.account import (
    BROKEN,
    CUTOFF,
    FORBIDDEN,
    OWNER,
    REFUSED,
    UNTIL,
    WRONG,
    Account,
    Said,
    fill,
    order,
    rows,
    seconds,
    stream_of,
)
from tests.adapters.kalshi.exchange import Handler, Reply, page

SNAPSHOTS = ("subaccount_balances", "balance", "positions")
NAMES = (*SNAPSHOTS, *(stream.name for stream in LISTS), "markets", "series")
OVERLAP = timedelta(days=3)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def incomplete(fetched: Fetched) -> list[str]:
    return [one.stream for one in fetched.streams if not one.complete]


# --- the order of requests -----------------------------------------------------------------------


def test_snapshots_come_first_then_lists_and_every_archive_behind_its_list(
    account: Account,
) -> None:
    account.says("/portfolio/fills", rows("fills", fill(1)))
    fetched = account.fetch()
    assert [path for path, _ in groupby(account.paths)] == [
        "/account/limits",
        "/exchange/user_data_timestamp",
        "/portfolio/subaccounts/balances",
        "/portfolio/balance",
        "/portfolio/positions",
        "/exchange/user_data_timestamp",
        "/historical/cutoff",
        "/portfolio/settlements",
        "/historical/cutoff",
        "/portfolio/fills",
        "/historical/cutoff",
        "/historical/fills",
        "/portfolio/orders",
        "/historical/cutoff",
        "/historical/orders",
        "/portfolio/deposits",
        "/portfolio/withdrawals",
        "/markets",
        "/historical/markets",
        "/series/KXMADE",
    ]
    assert [one.stream for one in fetched.streams] == list(NAMES)
    assert (fetched.complete, fetched.data_until) == (True, at(UNTIL))


def test_an_account_in_which_nothing_happened_is_complete_and_says_so(account: Account) -> None:
    fetched = account.fetch()
    assert [(one.rows, one.new, one.reason) for one in fetched.streams] == [
        (int(name == "balance"), int(name == "balance"), None) for name in NAMES
    ]
    assert account.log.head() == 1 + len(NAMES)


def test_every_page_repeats_the_filters_and_the_limit(account: Account) -> None:
    account.says("/portfolio/fills", rows("fills", fill(1), cursor="c1"), rows("fills", fill(2)))
    account.says("/historical/fills", rows("fills", cursor="h1"), rows("fills"))
    since = at("2026-08-01T00:00:00.5Z")
    told = account.told("fills", since=since)
    filters = {"limit": "1000", "min_ts": str(int(since.timestamp()) - 1)}
    assert account.asked("/portfolio/fills") == [filters, filters | {"cursor": "c1"}]
    assert account.asked("/historical/fills") == [filters, filters | {"cursor": "h1"}]
    assert (told.pages, told.rows, told.complete) == (4, 2, True)
    assert account.ledger("fills")["asked"] == "; ".join(
        f"{path}?min_ts={filters['min_ts']}" for path in ("/portfolio/fills", "/historical/fills")
    )


def test_what_cannot_be_asked_from_a_moment_on_is_asked_whole_every_time(account: Account) -> None:
    account.fetch()
    account.fetch(since=at("2026-11-20T00:00:00Z"))
    for path in ("/portfolio/deposits", "/portfolio/withdrawals"):
        assert account.asked(path) == [{"limit": "500"}]
    assert account.ledger("deposits")["covered_from"] == time_text(THE_BEGINNING)


# --- from when on --------------------------------------------------------------------------------


def test_the_first_fetch_begins_at_the_beginning_and_the_next_one_an_overlap_before_its_end(
    account: Account,
) -> None:
    first = account.told("fills")
    assert account.asked("/portfolio/fills") == [{"limit": "1000"}]
    assert (first.covered_from, first.covered_until) == (THE_BEGINNING, at(UNTIL))
    assert account.told("fills").covered_from == at(UNTIL) - OVERLAP
    (asked,) = account.asked("/portfolio/fills")
    assert asked["min_ts"] == str(int(seconds(at(UNTIL) - OVERLAP)) - 1)


@pytest.mark.parametrize("overlap", [timedelta(), timedelta(hours=5), timedelta(days=30)])
def test_the_overlap_is_what_the_plan_says(account: Account, overlap: timedelta) -> None:
    account.fetch()
    assert account.told("fills", overlap=overlap).covered_from == at(UNTIL) - overlap


def test_an_overlap_beyond_the_beginning_begins_there(account: Account) -> None:
    account.fetch()
    assert account.told("fills", overlap=timedelta(days=999_999)).covered_from == THE_BEGINNING
    assert account.asked("/portfolio/fills") == [{"limit": "1000"}]


def test_full_is_everything_whatever_was_fetched_before(account: Account) -> None:
    account.fetch()
    assert account.told("fills", full=True).covered_from == THE_BEGINNING
    assert account.asked("/portfolio/fills") == [{"limit": "1000"}]
    assert account.asked("/historical/fills") == [{"limit": "1000"}]


def test_since_is_where_the_fetch_begins_without_any_overlap(account: Account) -> None:
    since = at("2026-11-01T00:00:00Z")
    told = account.told("fills", since=since)
    assert (told.covered_from, told.resume_from) == (since, at(UNTIL))
    assert account.asked("/portfolio/fills")[0]["min_ts"] == str(int(seconds(since)) - 1)


def test_a_start_behind_the_end_of_the_data_covers_nothing_and_moves_nothing(
    account: Account,
) -> None:
    told = account.told("fills", since=at(UNTIL) + timedelta(seconds=1))
    assert (told.complete, told.covered_from, told.resume_from) == (True, None, None)
    assert "covers nothing" in told.notes[0]
    # as where the exchange, asked again, vouches for less than it did
    account.fetch()
    account.says("/exchange/user_data_timestamp", '{"as_of_time":"2026-11-01T00:00:00Z"}')
    back = account.told("fills")
    assert (back.complete, back.covered_from, back.resume_from) == (True, None, at(UNTIL))


@pytest.mark.parametrize("said", [None, "{}", '{"as_of_time":5}', '{"as_of_time":"soon"}', WRONG])
def test_without_a_moment_to_vouch_for_a_list_is_complete_and_covers_nothing(
    account: Account, said: Said
) -> None:
    account.says("/exchange/user_data_timestamp", said)
    fetched = account.fetch()
    told = stream_of(fetched, "fills")
    assert (fetched.complete, fetched.data_until) == (True, None)
    assert (told.covered_from, told.covered_until, told.resume_from) == (None, None, None)
    assert told.notes == ["the exchange does not say up to when its data are: covers nothing"]
    assert "covered_until" not in account.ledger("fills")


@pytest.mark.parametrize(
    ("told", "until"),
    [
        # the clock of the exchange may be a little ahead of ours: it is the one that counts
        ("2026-11-21T12:00:03Z", "2026-11-21T12:00:03Z"),
        ("2027-01-01T00:00:00Z", "2026-11-21T12:01:00Z"),
    ],
)
def test_the_exchange_vouches_for_no_moment_that_lies_far_ahead(
    account: Account, told: str, until: str
) -> None:
    account.says("/exchange/user_data_timestamp", f'{{"as_of_time":"{told}"}}')
    assert account.fetch().data_until == at(until)


def vouched(*moments: str | None) -> list[Said]:
    """Return answers that vouch for these moments in turn; None is a failure."""
    return [WRONG if one is None else f'{{"as_of_time":"{one}"}}' for one in moments]


@pytest.mark.parametrize(
    ("moments", "until", "looks"),
    [
        (["2026-11-21T12:00:00Z"], "2026-11-21T12:00:00Z", 1),
        ([UNTIL, "2026-11-21T12:00:00Z"], "2026-11-21T12:00:00Z", 2),
        ([UNTIL, UNTIL, "2026-11-21T12:00:00Z"], "2026-11-21T12:00:00Z", 3),
        ([UNTIL, None, "2026-11-21T12:00:00Z"], "2026-11-21T12:00:00Z", 3),
    ],
)
def test_the_lists_wait_a_little_for_the_exchange_to_vouch_for_the_snapshots(
    account: Account, moments: list[str | None], until: str, looks: int
) -> None:
    account.says("/exchange/user_data_timestamp", *vouched(*moments))
    fetched = account.fetch()
    assert account.paths.count("/exchange/user_data_timestamp") == looks
    assert stream_of(fetched, "fills").covered_until == at(until)
    (balance,) = account.events("kalshi.balance")
    assert balance.key.endswith(time_text(at(moments[0] or "")))


@pytest.mark.parametrize("later", [UNTIL, None], ids=["no later", "lost"])
def test_the_patience_with_an_exchange_that_is_behind_has_an_end(
    account: Account, later: str | None
) -> None:
    account.says("/exchange/user_data_timestamp", *vouched(UNTIL, later))
    fetched = account.fetch()
    assert (fetched.complete, fetched.data_until) == (True, at(UNTIL))
    assert account.paths.count("/exchange/user_data_timestamp") < 10
    assert account.simulated.seconds < 180


# --- orders that may still change ----------------------------------------------------------------

RESTING_AT = "2026-10-05T10:00:00Z"


@pytest.mark.parametrize(
    ("row", "resume_from"),
    [
        (order(1, "executed", RESTING_AT), UNTIL),
        (order(1, "canceled", RESTING_AT), UNTIL),
        (order(1, "resting", RESTING_AT), RESTING_AT),
        (order(1, "brand_new_status", RESTING_AT), RESTING_AT),
        (order(1, None, RESTING_AT), RESTING_AT),
        (order(1, ["executed"], RESTING_AT), RESTING_AT),
        (order(1, "resting", None), "1970-01-01T00:00:00Z"),
        (order(1, "resting", "some day"), "1970-01-01T00:00:00Z"),
        (order(1, "resting", "2026-10-05T10:00:00"), "1970-01-01T00:00:00Z"),
        (order(1, "resting", 1), "1970-01-01T00:00:00Z"),
        (order(1, "resting", "2027-10-05T10:00:00Z"), UNTIL),
    ],
)
def test_orders_resume_at_the_oldest_one_that_is_not_final(
    account: Account, row: str, resume_from: str
) -> None:
    account.says(
        "/portfolio/orders",
        rows("orders", order(8, "resting", UNTIL), row, order(9, "executed", "2026-01-01")),
    )
    told = account.told("orders")
    assert (told.covered_until, told.resume_from) == (at(UNTIL), at(resume_from))
    assert account.ledger("orders")["resume_from"] == time_text(at(resume_from))


def test_a_row_without_a_time_keeps_the_start_of_its_fetch(account: Account) -> None:
    account.fetch()
    account.says("/portfolio/orders", rows("orders", order(1, "resting", None)))
    assert account.told("orders").resume_from == at(UNTIL) - OVERLAP


def test_an_open_order_of_the_first_day_there_is_does_not_stop_the_next_fetch(
    account: Account,
) -> None:
    zero = order(1, "resting", "0001-01-01T00:00:00Z")
    account.says("/portfolio/orders", rows("orders", zero))
    account.fetch()
    assert account.told("orders").covered_from == THE_BEGINNING


def test_an_open_fill_keeps_nothing_because_fills_do_not_change(account: Account) -> None:
    account.says("/portfolio/fills", rows("fills", fill(1, status="resting")))
    assert account.told("fills").resume_from == at(UNTIL)


# --- what the exchange has archived, and what it has given up ------------------------------------


@pytest.mark.parametrize(
    ("since", "asks"),
    [
        (at(CUTOFF) - timedelta(seconds=1), True),
        (at(CUTOFF), False),
        (at(CUTOFF) + timedelta(1), False),
    ],
)
def test_the_archive_is_asked_only_for_what_is_before_the_cutoff(
    account: Account,
    since: datetime,
    asks: bool,  # noqa: FBT001
) -> None:
    told = account.told("fills", since=since)
    assert ("/historical/fills" in account.paths) is asks
    assert ("/historical/orders" in account.paths) is asks
    assert (told.complete, told.covered_from) == (True, since)


def test_without_a_cutoff_there_is_no_archive(account: Account) -> None:
    account.says("/historical/cutoff", None)
    fetched = account.fetch()
    assert (fetched.complete, "/historical/fills" in account.paths) == (True, False)
    assert stream_of(fetched, "settlements").covered_from == THE_BEGINNING


def test_a_cutoff_that_cannot_be_learnt_leaves_the_list_incomplete(account: Account) -> None:
    account.says("/historical/cutoff", WRONG)
    fetched = account.fetch()
    assert incomplete(fetched) == ["settlements", "fills", "orders"]
    assert "/historical/cutoff" in str(stream_of(fetched, "fills").reason)


def test_an_archive_that_is_not_there_is_noted(account: Account) -> None:
    account.says("/historical/fills", None)
    fetched = account.fetch()
    assert fetched.complete
    (note,) = stream_of(fetched, "fills").notes
    assert note.startswith("no archive: GET /historical/fills")


@pytest.mark.parametrize(
    "told", [{}, {"trades_created_ts": None}, {"trades_created_ts": 1767225600}]
)
def test_a_cutoff_that_says_no_time_leaves_the_list_incomplete(
    account: Account, told: dict[str, object]
) -> None:
    others = dict.fromkeys(("market_settled_ts", "orders_updated_ts"), CUTOFF)
    account.says("/historical/cutoff", json.dumps(others | told))
    fetched = account.fetch()
    assert incomplete(fetched) == ["fills"]
    assert stream_of(fetched, "fills").reason == "/historical/cutoff does not say trades_created_ts"


def test_settlements_are_whole_from_the_later_of_two_cutoffs_on(account: Account) -> None:
    later = "2026-09-09T00:00:00Z"
    told = {"market_settled_ts": CUTOFF, "market_positions_last_updated_ts": later}
    others = dict.fromkeys(("trades_created_ts", "orders_updated_ts"), CUTOFF)
    account.says("/historical/cutoff", json.dumps(told | others))
    assert account.told("settlements").covered_from == at(later)


def test_the_first_fetch_of_an_account_with_a_past_says_that_settlements_are_gone(
    account: Account,
) -> None:
    account.says("/historical/fills", rows("fills", fill(1)))
    assert account.told("settlements").gap == (THE_BEGINNING, at(CUTOFF))


def test_a_fetch_that_began_late_leaves_the_hole_to_the_next_one(account: Account) -> None:
    account.fetch()
    account.says("/exchange/user_data_timestamp", '{"as_of_time":"2026-11-25T11:59:00Z"}')
    account.simulated.sleep(4 * 86_400)
    late = account.told("fills", since=at("2026-11-24T00:00:00Z"))
    assert (late.gap, late.resume_from) == ((at(UNTIL), at("2026-11-24T00:00:00Z")), at(UNTIL))
    again = account.told("fills")
    assert (again.covered_from, again.gap) == (at(UNTIL) - timedelta(days=3), None)


@pytest.mark.parametrize("path", ["/markets", "/series/KXMADE"])
def test_markets_that_could_not_be_described_are_asked_for_by_the_next_fetch(
    account: Account, path: str
) -> None:
    account.says("/portfolio/fills", rows("fills", fill(1)))
    account.says(path, BROKEN)
    assert not account.fetch().complete
    account.says("/portfolio/fills", rows("fills"))
    account.says(path, '{"markets":[],"cursor":""}' if path == "/markets" else '{"series":{}}')
    account.fetch()
    assert any(one.partition("?")[0] == path for one in account.paths)


def test_settlements_of_before_the_cutoff_are_noted_at_first_and_a_gap_later(
    account: Account,
) -> None:
    first = account.told("settlements")
    assert (first.complete, first.covered_from, first.gap) == (True, at(CUTOFF), None)
    assert first.notes == ["older than 2026-08-23 00:00Z is not served any more"]
    later = "2026-11-21T11:59:30Z"
    account.says("/historical/cutoff", json.dumps({"market_settled_ts": later}))
    account.says("/exchange/user_data_timestamp", f'{{"as_of_time":"{"2026-11-21T12:00:30Z"}"}}')
    second = account.told("settlements")
    assert (second.complete, second.covered_from) == (True, at(later))
    assert second.gap == (at(UNTIL), at(later))
    third = account.told("settlements")
    assert (third.gap, third.notes, third.covered_from) == (None, [], at(later))


# --- pages that do not end as they should --------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "said", "reason"),
    [
        (
            "fills",
            rows("fills", fill(1), cursor=None),
            "page 1 does not say whether it is the last",
        ),
        ("orders", rows("orders", cursor=None), "page 1 does not say whether it is the last"),
        ("settlements", rows("settlements", '{"ticker":"A"}', cursor=None), None),
        (
            "settlements",
            rows("settlements", cursor=None, beside='"next":"x",'),
            "page 1 may not be the last",
        ),
        ("deposits", rows("deposits", *['{"id":"1"}'] * 500, cursor=None), "may not be the last"),
        ("deposits", rows("deposits", *['{"id":"1"}'] * 499, cursor=None), None),
        ("fills", '{"cursor":""}', "page 1 of GET /portfolio/fills has no 'fills'"),
        ("fills", '{"fills":{},"cursor":""}', "has no 'fills'"),
        ("deposits", '{"cursor":""}', "has no 'deposits'"),
        ("fills", '{"fills":null,"cursor":null}', None),
        ("fills", '{"fills":[],"cursor":7}', "it has no cursor"),
    ],
)
def test_a_list_is_complete_only_if_its_last_page_says_so(
    account: Account, stream: str, said: str, reason: str | None
) -> None:
    account.says(f"/portfolio/{stream}", said)
    told = account.told(stream)
    assert told.complete is (reason is None)
    assert (reason or "") in (told.reason or "")
    ledger = account.ledger(stream)
    assert ledger["state"] == told.state
    assert ("covered_until" in ledger) is told.complete
    assert ledger.get("reason") == told.reason


def test_pages_in_a_circle_are_kept_and_the_list_is_incomplete(account: Account) -> None:
    account.says(
        "/portfolio/fills",
        rows("fills", fill(1), cursor="c1"),
        rows("fills", fill(2), cursor="c1"),
    )
    told = account.told("fills")
    assert (told.complete, told.new, told.pages) == (False, 2, 2)
    assert "circle" in str(told.reason)


def test_the_first_reason_is_told_although_more_pages_follow(account: Account) -> None:
    account.says("/portfolio/fills", '{"cursor":"c1"}', rows("fills", fill(1), cursor=None))
    told = account.told("fills")
    assert (told.new, told.reason) == (1, "page 1 of GET /portfolio/fills has no 'fills'")


def test_members_of_a_page_that_nobody_knows_are_kept_as_they_are_written(
    account: Account,
) -> None:
    account.says("/portfolio/fills", rows("fills", beside='"more": {"b" : 1.10, "a":[2]},'))
    told = account.told("fills")
    assert (told.complete, told.rows) == (True, 0)
    (payload,) = account.payloads("kalshi.page")
    assert payload == '{"endpoint":"GET /portfolio/fills","members":{"more":{"b" : 1.10, "a":[2]}}}'


def test_rows_under_another_name_are_kept_and_the_list_is_incomplete(account: Account) -> None:
    account.says("/portfolio/fills", rows("user_fills", fill(1)))
    told = account.told("fills")
    assert (told.complete, told.rows) == (False, 0)
    (payload,) = account.payloads("kalshi.page")
    assert fill(1) in payload


# --- rows ----------------------------------------------------------------------------------------


def test_rows_that_are_no_objects_are_kept(account: Account) -> None:
    odd = ('"text"', "null", "[1, 2]", "5", "1.50")
    account.says("/portfolio/fills", rows("fills", *odd))
    told = account.told("fills")
    assert (told.complete, told.new) == (True, 5)
    assert account.payloads("kalshi.fill") == list(odd)
    assert account.told("fills", full=True).duplicates == 5


def test_equal_rows_without_an_id_are_counted_apart_and_met_again(account: Account) -> None:
    anonymous = fill(1, fill_id=None)
    account.says("/portfolio/fills", rows("fills", anonymous, fill(2), anonymous))
    assert account.told("fills").new == 3
    again = account.told("fills", full=True)
    assert (again.new, again.duplicates) == (0, 3)


def test_rows_that_repeat_within_an_answer_or_on_the_next_page_are_known(account: Account) -> None:
    account.says(
        "/portfolio/fills",
        rows("fills", fill(1), fill(2), fill(1), cursor="c1"),
        rows("fills", fill(2), fill(3)),
    )
    told = account.told("fills")
    assert (told.rows, told.new, told.revisions, told.duplicates) == (5, 3, 0, 2)


def test_a_row_that_says_something_else_later_is_a_revision(account: Account) -> None:
    account.says("/portfolio/fills", rows("fills", fill(1, fee="0.01")))
    account.fetch()
    account.says("/portfolio/fills", rows("fills", fill(1, fee="0.02")))
    told = account.told("fills")
    assert (told.new, told.revisions) == (0, 1)


def test_the_markets_of_all_lists_and_positions_are_asked_for(account: Account) -> None:
    account.says("/portfolio/fills", rows("fills", fill(1), '{"ticker":7}', '{"ticker":null}'))
    account.says("/historical/fills", rows("fills", fill(2)))
    account.says("/portfolio/orders", rows("orders", order(3, "executed", RESTING_AT)))
    account.says("/portfolio/settlements", rows("settlements", '{"ticker":"KXMADE-4"}'))
    account.says(
        "/portfolio/positions",
        '{"market_positions":[{"ticker":"KXMADE-5"}],"event_positions":[],"cursor":""}',
    )
    account.fetch()
    (asked,) = account.asked("/markets")
    assert asked["tickers"].split(",") == [
        "7", "KXMADE-1", "KXMADE-2", "KXMADE-3", "KXMADE-4", "KXMADE-5"
    ]  # fmt: skip


# --- failures ------------------------------------------------------------------------------------


def test_a_key_that_is_refused_ends_the_fetch_before_anything_is_told(account: Account) -> None:
    for path in tuple(account.answers):
        account.says(path, REFUSED)
    with pytest.raises(RefusedError):
        account.fetch()
    assert account.log.head() == 0
    assert account.paths[-1] == "/portfolio/subaccounts/balances"


def test_what_a_key_may_not_see_is_incomplete_and_the_rest_is_fetched(account: Account) -> None:
    account.says("/portfolio/orders", FORBIDDEN)
    account.says("/portfolio/balance", FORBIDDEN)
    fetched = account.fetch()
    assert incomplete(fetched) == ["balance", "orders"]
    assert "status 403" in str(stream_of(fetched, "orders").reason)


@pytest.mark.parametrize("reply", [FORBIDDEN, WRONG, BROKEN, None])
def test_what_a_fetch_can_do_without_may_fail(account: Account, reply: Said) -> None:
    account.says("/account/limits", reply)
    assert account.fetch().complete


def test_a_key_that_is_refused_later_leaves_what_was_read(account: Account) -> None:
    account.says("/portfolio/fills", rows("fills", fill(1), cursor="c1"), REFUSED)
    fetched = account.fetch()
    told = stream_of(fetched, "fills")
    assert incomplete(fetched) == ["fills"]
    assert (told.new, told.pages) == (1, 1)
    assert "status 401" in str(account.ledger("fills")["reason"])


def test_a_stream_that_fails_leaves_the_others_alone_and_is_begun_again(account: Account) -> None:
    account.fetch()
    account.says("/portfolio/fills", rows("fills", fill(1), cursor="c1"), BROKEN)
    failed = account.fetch()
    assert incomplete(failed) == ["fills"]
    told = stream_of(failed, "fills")
    assert (told.covered_until, told.resume_from, told.rows) == (None, at(UNTIL), 1)
    account.says("/exchange/user_data_timestamp", '{"as_of_time":"2026-11-21T12:30:00Z"}')
    account.simulated.sleep(3600)
    account.says("/portfolio/fills", rows("fills", fill(1)))
    again = account.told("fills")
    assert (again.covered_from, again.duplicates) == (at(UNTIL) - OVERLAP, 1)
    assert again.resume_from == at("2026-11-21T12:30:00Z")


def test_an_incomplete_first_fetch_leaves_no_place_to_resume_from(account: Account) -> None:
    account.says("/portfolio/fills", BROKEN)
    told = account.told("fills")
    assert (told.resume_from, "resume_from" in account.ledger("fills")) == (None, False)
    account.says("/portfolio/fills", rows("fills"))
    assert account.told("fills").covered_from == THE_BEGINNING


def test_after_two_streams_in_a_row_that_cannot_be_reached_the_rest_is_not_asked(
    account: Account,
) -> None:
    for path in tuple(account.answers):
        account.says(path, BROKEN)
    fetched = account.fetch()
    assert incomplete(fetched) == list(NAMES)
    reasons = [str(one.reason) for one in fetched.streams]
    assert all("after 2 attempts" in reason for reason in reasons[:2])
    assert set(reasons[2:]) == {
        "not asked: the exchange could not be reached for the streams before"
    }
    assert account.paths.count("/portfolio/balance") == 2
    assert "/portfolio/positions" not in account.paths
    assert account.ledger("series")["reason"] == reasons[-1]


@pytest.mark.parametrize("between", [rows("fills"), WRONG, REFUSED], ids=["good", "400", "401"])
def test_streams_that_cannot_be_reached_count_only_in_a_row(
    account: Account, between: Said
) -> None:
    account.says("/portfolio/settlements", BROKEN)
    account.says("/portfolio/fills", between)
    account.says("/portfolio/orders", BROKEN)
    fetched = account.fetch()
    assert (
        {"settlements", "orders"} <= set(incomplete(fetched)) <= {"settlements", "orders", "fills"}
    )
    assert account.paths.count("/portfolio/deposits") == 1


# --- pace, dry runs, reports ---------------------------------------------------------------------


def waited_seconds(account: Account, limits: Said) -> float:
    """Return how long a fetch of sixty pages waits for its turn."""
    account.says("/account/limits", limits)
    account.says("/exchange/user_data_timestamp", '{"as_of_time":"2027-01-01T00:00:00Z"}')
    pages = [rows("fills", cursor=f"c{number}") for number in range(60)]
    account.says("/portfolio/fills", *pages, rows("fills"))
    with account.client() as client:
        plan = Plan(account.simulated.now(), dry_run=True)
        taker = Taker(account.log, OWNER, dry_run=True)
        Fetching(client, account.log, taker, plan, lambda *_: None).run()
        return client.waiting_seconds


def test_the_pace_is_that_of_the_tier(account: Account) -> None:
    assert waited_seconds(account, '{"read":{"refill_rate":2000}}') < 1
    assert waited_seconds(account, '{"read":{"refill_rate":200}}') > 2


@pytest.mark.parametrize(
    "said",
    [
        None,
        "{}",
        '{"read":5}',
        '{"read":[]}',
        '{"read":{"refill_rate":"2000"}}',
        '{"read":{"refill_rate":-5}}',
        '{"read":{"refill_rate":0}}',
        '{"read":{"refill_rate":2000.5}}',
        '{"read":{"refill_rate":99999999}}',
        '{"read":{"refill_rate":null}}',
    ],
)
def test_the_pace_is_the_slowest_where_the_exchange_does_not_tell(
    account: Account, said: Said
) -> None:
    assert waited_seconds(account, said) > 2


def test_a_dry_run_asks_for_everything_and_appends_nothing(account: Account) -> None:
    account.says("/portfolio/fills", rows("fills", fill(1), fill(2)))
    told = account.told("fills", dry_run=True)
    assert (told.complete, told.new) == (True, 2)
    assert account.log.head() == 0
    assert account.told("fills").new == 2


def test_every_page_is_in_the_log_before_the_next_but_one_is_asked_for(account: Account) -> None:
    known: list[int] = []

    def noting(text: str) -> Reply:
        def reply(handler: Handler) -> None:
            known.append(len(account.events("kalshi.fill")))
            page(text)(handler)

        return reply

    texts = [rows("fills", fill(number), cursor=f"c{number}") for number in range(5)]
    account.says("/portfolio/fills", *map(noting, texts), noting(rows("fills")))
    account.fetch()
    assert len(known) == 6
    assert all(number - 1 <= known[number] <= number for number in range(1, 6)), known


def test_progress_is_reported_page_by_page(account: Account) -> None:
    account.says("/portfolio/fills", rows("fills", fill(1), cursor="c1"), rows("fills", fill(2)))
    reported: list[tuple[str, int, int]] = []
    with account.client() as client:
        taker = Taker(account.log, OWNER)
        Fetching(
            client,
            account.log,
            taker,
            Plan(account.simulated.now()),
            lambda *told: reported.append(told),
        ).run()
    assert [one for one in reported if one[0] == "fills"] == [
        ("fills", 1, 1),
        ("fills", 2, 2),
        ("fills", 3, 2),
    ]


def test_series_are_asked_for_once_a_day_and_again_if_that_failed(account: Account) -> None:
    account.says("/portfolio/fills", rows("fills", fill(1)))
    account.says("/series/KXMADE", '{"series":{"ticker":"KXMADE"}}')

    def asked(**plan: bool) -> int:
        account.fetch(**plan)
        return account.paths.count("/series/KXMADE")

    assert [asked(), asked(), asked(full=True), asked()] == [1, 0, 1, 0]
    account.simulated.sleep(timedelta(days=1).total_seconds())
    account.says("/series/KXMADE", WRONG)
    assert asked() == 1
    account.says("/series/KXMADE", '{"series":{"ticker":"KXMADE"}}')
    assert [asked(), asked()] == [1, 0]
