"""A stream of pages: the rows cut out as the broker wrote them, and how the stream ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

from adapters.kalshi.answers import Answer
from adapters.kalshi.client import Client, Parameters
from adapters.kalshi.errors import CursorLoopError
from domain import jsontext
from domain.jsontext import Number, Slice

PAGES_MAX: Final = 100_000
_CURSOR: Final = "cursor"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a stream.

    number       1 for the first page
    answer       what it was cut out of
    containers   rows under each name that was asked for; None where the name is absent
    cursor       where the next page begins; None if none does, or none is named
    cursor_told  whether the page says anything about a next one
    beside       everything else at the top of the answer, as text
    """

    number: int
    answer: Answer
    containers: dict[str, list[Slice] | None]
    cursor: str | None
    cursor_told: bool
    beside: dict[str, str]

    @property
    def ended(self) -> bool | None:
        """Whether this page says that it is the last; None if it does not say."""
        return self.cursor is None if self.cursor_told else None


def one_page(answer: Answer, containers: Sequence[str], number: int = 1) -> Page:
    """Return the answer as a page of the rows under these names."""
    rows: dict[str, list[Slice] | None] = dict.fromkeys(containers)
    cursor, cursor_told = None, False
    beside: set[str] = set()
    for name, member in answer.members.items():
        if isinstance(member, list):
            if name in rows:
                rows[name] = member
            else:
                beside.add(name)
        elif name in rows and member.value is None:
            rows[name] = []
        elif name == _CURSOR and _is_cursor(member.value):
            cursor, cursor_told = member.value or None, True
        else:
            beside.add(name)
    return Page(number, answer, rows, cursor, cursor_told, _texts(answer.text, beside))


def pages(
    client: Client,
    path: str,
    params: Parameters,
    containers: Sequence[str],
    *,
    limit: int,
    pages_max: int = PAGES_MAX,
) -> Iterator[Page]:
    """Yield all pages of a stream, `limit` rows each, until none is named any more.

    Every request repeats the parameters: a cursor does not remember them. Raise CursorLoopError
    behind a page whose cursor was there before, or that is one page too many.
    """
    asked = {**params, "limit": limit}
    # With the cursor that the caller begins at, if there is one.
    seen = {str(params[_CURSOR])} if _CURSOR in params else set()
    for number in range(1, pages_max + 1):
        page = one_page(client.get(path, asked), containers, number)
        yield page
        if page.cursor is None:
            return
        if page.cursor in seen:
            raise CursorLoopError(
                f"{page.answer.request}: page {number} names a cursor that an earlier page named: "
                "the pages lead in a circle. What came is kept; fetch again later"
            )
        seen.add(page.cursor)
        asked[_CURSOR] = page.cursor
    raise CursorLoopError(
        f"{page.answer.request}: no end after {pages_max} pages. What came is kept; ask for a "
        "shorter time"
    )


def _is_cursor(value: object) -> TypeGuard[str | None]:
    # A number is a string here: the text that the broker wrote.
    return value is None or (isinstance(value, str) and not isinstance(value, Number))


def _texts(text: str, names: set[str]) -> dict[str, str]:
    """Return these members of an object that has been found sound, each as it is written."""
    found: dict[str, str] = {}
    at = text.index("{") + 1
    while len(found) < len(names):
        key, at = jsontext.parse_at(text, jsontext.skip_space(text, at))
        colon = jsontext.skip_space(text, at)
        start = jsontext.skip_space(text, colon + 1)
        _, end = jsontext.parse_at(text, start)
        if key in names:
            found[str(key)] = text[start:end]
        at = jsontext.skip_space(text, end) + 1
    return found
