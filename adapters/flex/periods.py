"""For which time a statement tells everything.

Flex names days and times of New York, without saying so. Activity data change once a day, after the
close, and confirmations minutes after a trade.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from adapters.flex.service_answers import Statement
from domain.errors import CannotDoError

_NEW_YORK: Final = ZoneInfo("America/New_York")
_NAMED: Final[dict[str, tzinfo]] = {
    "EST": timezone(timedelta(hours=-5)),
    "EDT": timezone(timedelta(hours=-4)),
}
_DAY: Final = re.compile(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})")
_TIME: Final = re.compile(
    rf"{_DAY.pattern}[;, ]+([0-9]{{2}})(:?)([0-9]{{2}})\6([0-9]{{2}})(?: (EST|EDT))?"
)
# Far from where the calendar of the machine ends.
_YEARS: Final = range(1970, 3000)
_CONFIRMATIONS: Final = "TCF"
# An execution is among the confirmations five to ten minutes after it happened.
_REPORTING: Final = timedelta(minutes=10)


def of_confirmations(statement: Statement) -> bool:
    """Tell whether a statement confirms trades, and is not of the whole activity."""
    return statement.type == _CONFIRMATIONS


def covered(statement: Statement) -> tuple[datetime, datetime]:
    """Return from when until when nothing is missing, in UTC.

    That is from the beginning of its first day to the end of its last. Of the day on which it was
    made, an activity statement tells nothing for certain, and confirmations are complete up to
    shortly before. Raise CannotDoError for days or times that cannot be read.
    """
    start = _midnight(statement.from_date)
    last = _midnight(statement.to_date)
    made = _moment(statement.made)
    if start is None or last is None or made is None:
        message = (
            f"the statement of {statement.account} was taken in, but for which time is unknown: "
            f"from {statement.from_date!r} to {statement.to_date!r}, made {statement.made!r}; set "
            "the query's date format to yyyyMMdd and its time format to HHmmss"
        )
        raise CannotDoError(message)
    end = (last + timedelta(days=1)).astimezone(UTC)
    if made < end:
        end = made - _REPORTING if of_confirmations(statement) else _day_of(made)
    return start.astimezone(UTC), max(end, start.astimezone(UTC))


def _day_of(moment: datetime) -> datetime:
    """Return when the day of a moment began."""
    local = moment.astimezone(_NEW_YORK)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def _midnight(text: str) -> datetime | None:
    found = _DAY.fullmatch(text)
    return None if found is None else _at(found[1], found[3], found[4])


def _moment(text: str) -> datetime | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    zone = _NAMED.get(found[9] or "", _NEW_YORK)
    # of the hour that comes twice in autumn, the first one: nothing is claimed too much
    moment = _at(found[1], found[3], found[4], found[5], found[7], found[8], zone=zone)
    return None if moment is None else moment.astimezone(UTC)


def _at(*numbers: str, zone: tzinfo = _NEW_YORK) -> datetime | None:
    year, month, day, hour, minute, second = (*map(int, numbers), 0, 0, 0)[:6]
    if year not in _YEARS:
        return None
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
