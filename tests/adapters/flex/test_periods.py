"""For which time a statement tells everything."""

from datetime import UTC, datetime

import pytest

from adapters.flex import periods
from adapters.flex.service_answers import Statement
from domain.errors import CannotDoError


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("days", "made", "expected"),
    [
        # a year
        (
            ("20250101", "20251231"),
            "20260221;133136",
            (utc(2025, 1, 1, 5), utc(2026, 1, 1, 5)),
        ),
        # a summer's day
        (
            ("2026-07-01", "2026-07-01"),
            "2026-07-02;03:00:00 EDT",
            (utc(2026, 7, 1, 4), utc(2026, 7, 2, 4)),
        ),
        # the day on which the clocks go forward has 23 hours
        (
            ("2026-03-08", "2026-03-08"),
            "2026-03-09, 03:00:00",
            (utc(2026, 3, 8, 5), utc(2026, 3, 9, 4)),
        ),
    ],
)
@pytest.mark.parametrize("sort", ["AF", "TCF"])
def test_a_statement_covers_its_days_in_new_york(
    days: tuple[str, str], made: str, expected: tuple[datetime, datetime], sort: str
) -> None:
    assert periods.covered(Statement("U1", *days, made, sort)) == expected


@pytest.mark.parametrize(
    ("days", "made", "expected"),
    [
        # a trade is told up to ten minutes late
        (
            ("20260701", "20260702"),
            "20260702;120000",
            (utc(2026, 7, 1, 4), utc(2026, 7, 2, 15, 50)),
        ),
        (
            ("20260702", "20260702"),
            "20260702;000500",
            (utc(2026, 7, 2, 4), utc(2026, 7, 2, 4)),
        ),
        # the hour that comes twice, its first and, where that is said, its second time
        (
            ("20261101", "20261101"),
            "20261101;013000",
            (utc(2026, 11, 1, 4), utc(2026, 11, 1, 5, 20)),
        ),
        (
            ("20261101", "20261101"),
            "20261101;013000 EST",
            (utc(2026, 11, 1, 4), utc(2026, 11, 1, 6, 20)),
        ),
    ],
)
def test_confirmations_of_a_day_that_is_not_over_are_complete_up_to_shortly_before(
    days: tuple[str, str], made: str, expected: tuple[datetime, datetime]
) -> None:
    assert periods.covered(Statement("U1", *days, made, "TCF")) == expected


@pytest.mark.parametrize("sort", ["AF", ""])
@pytest.mark.parametrize(
    ("days", "made", "until"),
    [
        (("20260701", "20260702"), "20260702;120000", utc(2026, 7, 2, 4)),
        (("20260701", "20260702"), "20260702;235959", utc(2026, 7, 2, 4)),
        # already the next day in London, not in New York
        (("20260701", "20260702"), "20260702;213000 EDT", utc(2026, 7, 2, 4)),
        # days that have not come yet
        (("20260701", "20260731"), "20260702;120000", utc(2026, 7, 2, 4)),
        (("20260701", "20260701"), "20260701;120000", utc(2026, 7, 1, 4)),
        # in the second of the hours that come twice, the day has lasted for longer
        (("20261101", "20261101"), "20261101;013000 EST", utc(2026, 11, 1, 4)),
        (("20261031", "20261101"), "20261101;120000", utc(2026, 11, 1, 4)),
    ],
)
def test_activity_of_the_day_on_which_it_was_made_is_not_claimed(
    days: tuple[str, str], made: str, until: datetime, sort: str
) -> None:
    assert periods.covered(Statement("U1", *days, made, sort))[1] == until


@pytest.mark.parametrize(
    ("days", "made"),
    [
        (("01/02/2025", "20251231"), "20260221;133136"),
        (("20250101", ""), "20260221;133136"),
        (("20250101", "20250231"), "20260221;133136"),
        (("20250101", "99991231"), "20260221;133136"),
        (("20250101", "20251231"), ""),
        (("20250101", "20251231"), "20260221;250000"),
    ],
)
def test_days_that_cannot_be_read_are_told_and_nothing_is_claimed(
    days: tuple[str, str], made: str
) -> None:
    with pytest.raises(CannotDoError, match="for which time is unknown"):
        periods.covered(Statement("U1", *days, made, "AF"))
