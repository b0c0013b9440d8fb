"""JSON to rows: pages of the API, single rows, arrays and lines of either.

Rows are cut out of the text, never written anew. What stands beside the rows is named in the
notes; an object in which nothing is known is refused.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from adapters.files.rows import Found, Row
from domain import jsontext
from domain.errors import NotUnderstoodError
from domain.jsontext import JsonTextError, Slice
from domain.kinds import BY_CONTAINER, BY_SINGLE, recognise

# Recorders of API traffic put the answer under this name, with their own words beside it.
_WRAPPER: Final = "response"
_NAMES_SHOWN: Final = 12
_EXPECTED: Final = (
    f"Expected is a page with one of {', '.join(BY_CONTAINER)}, a single "
    f"{' or '.join(BY_SINGLE)}, a balance, or rows of these"
)

_Members: TypeAlias = dict[str, Slice | list[Slice]]


def find_rows(text: str) -> Found:
    """Return what a JSON text holds. Raise NotUnderstoodError with the place that is wrong."""
    found = Found()
    start = jsontext.skip_space(text, 0)
    try:
        if text[start] == "[":
            _array(found, text, start)
        else:
            _object_or_lines(found, text, start)
    except JsonTextError as error:
        message = f"{error}. {_cut_hint(text)}"
        raise NotUnderstoodError(message) from None
    return found


def _cut_hint(text: str) -> str:
    if text.rstrip()[-1:] in ("}", "]"):
        return "Nothing was taken in; fetch the file again or repair it there"
    return "The text breaks off: it was cut or not written to its end. Fetch it again"


def _array(found: Found, text: str, start: int) -> None:
    items, end = jsontext.elements(text, start)
    _refuse_more(text, end)
    if not items:
        message = 'an empty array: it does not say of what. An empty page reads {"fills":[]}'
        raise NotUnderstoodError(message)
    for number, item in enumerate(items, 1):
        _take(found, item, f"element {number}: ")
    found.form = "json pages" if found.pages else "json rows"


def _object_or_lines(found: Found, text: str, start: int) -> None:
    members: _Members | None = None
    try:
        members, end = jsontext.members(text, start)
        value: object = {key: _value(member) for key, member in members.items()}
    except JsonTextError:
        if _second_line_is_object(text, start):
            _lines(found, text)
            return
        # Either the text is broken, and this says where; or a key came twice, and a row with
        # such a key is still a row.
        value, end = jsontext.parse_at(text, start)
    after = jsontext.skip_space(text, end)
    if after < len(text) and text.find("\n", end, after) >= 0:
        _lines(found, text)
        return
    _refuse_more(text, end)
    _take(found, Slice(value, text[start:end]), "", members)
    found.form = "json page" if found.pages else "json row"


def _value(member: Slice | list[Slice]) -> object:
    return [item.value for item in member] if isinstance(member, list) else member.value


def _refuse_more(text: str, end: int) -> None:
    after = jsontext.skip_space(text, end)
    if after < len(text):
        line = text.count("\n", 0, after) + 1
        message = f"more text after the JSON value, in line {line} (character {after})"
        raise JsonTextError(message)


def _second_line_is_object(text: str, start: int) -> bool:
    newline = text.find("\n", start)
    if newline < 0 or text[newline + 1 : newline + 2] != "{":
        return False
    end = text.find("\n", newline + 1)
    try:
        jsontext.parse(text[newline + 1 : end if end >= 0 else len(text)])
    except JsonTextError:
        return False
    return True


def _lines(found: Found, text: str) -> None:
    number, at = 0, 0
    while at < len(text):
        number += 1
        newline = text.find("\n", at)
        end = newline if newline >= 0 else len(text)
        # Not splitlines(): U+2028 and its like may stand inside a JSON string.
        line = text[at:end].strip(" \t\r")
        at = end + 1
        if not line:
            continue
        try:
            value = jsontext.parse(line)
        except JsonTextError as error:
            torn = jsontext.skip_space(text, end) == len(text)
            what = f"the last line ({number}) breaks off or is broken" if torn else f"line {number}"
            message = f"{what}: {error}. Nothing was taken in; repair or remove that line"
            raise NotUnderstoodError(message) from None
        _take(found, Slice(value, line), f"line {number}: ")
    found.form = "json lines"


def _take(found: Found, item: Slice, place: str, members: _Members | None = None) -> None:
    """Take one object: a page, a row, a single, or one of these in the wrapper of a recorder."""
    value = item.value
    if not isinstance(value, dict):
        message = f"{place}{_sort(value)}, where a page or a row (an object) is expected"
        raise NotUnderstoodError(message)
    containers = tuple(sorted(value.keys() & BY_CONTAINER.keys()))
    kind = recognise(value)
    if containers and kind is not None:
        message = (
            f"{place}the object could be a {kind.name} row and a page with "
            f"{', '.join(containers)}; separate the two"
        )
        raise NotUnderstoodError(message)
    if kind is not None:
        found.add(Row(kind, value, item.text))
        # What the API returns whole, without a list around it, is an answer of its own.
        found.pages += kind.container is None
        return
    singles = [key for key in BY_SINGLE if isinstance(value.get(key), dict)]
    if containers or singles:
        _page(found, members or _members(item, place), containers, place)
    elif isinstance(value.get(_WRAPPER), dict):
        _unwrap(found, members or _members(item, place), place)
    else:
        raise NotUnderstoodError(_about_unknown(value, place))


def _members(item: Slice, place: str) -> _Members:
    try:
        return jsontext.members(item.text)[0]
    except JsonTextError as error:
        message = f"{place}{error}"
        raise NotUnderstoodError(message) from None


def _unwrap(found: Found, members: _Members, place: str) -> None:
    answer = members[_WRAPPER]
    place = f"{place}below {_WRAPPER!r}: "
    assert isinstance(answer, Slice), "the caller has seen an object"
    assert isinstance(answer.value, dict), "the caller has seen an object"
    if _WRAPPER in answer.value:
        raise NotUnderstoodError(_about_unknown(answer.value, place))
    _take(found, answer, place)
    _leave_others(found, members, {_WRAPPER})


def _page(found: Found, members: _Members, containers: tuple[str, ...], place: str) -> None:
    found.pages += 1
    taken: set[str] = set()
    for name, member in members.items():
        if name in BY_CONTAINER:
            taken.add(name)
            _container(found, name, member, place)
        elif name in BY_SINGLE and isinstance(member, Slice) and isinstance(member.value, dict):
            taken.add(name)
            found.add(Row(BY_SINGLE[name], member.value, member.text))
        elif name == "cursor":
            taken.add(name)
    if containers:
        cursor = members.get("cursor")
        ended = isinstance(cursor, Slice) and cursor.value in ("", None)
        found.cursors[containers] = None if cursor is None else ended
    _leave_others(found, members, taken)


def _container(found: Found, name: str, member: Slice | list[Slice], place: str) -> None:
    kind = BY_CONTAINER[name]
    found.counts.setdefault(kind.name, 0)
    if isinstance(member, list):
        for value, text in member:
            found.add(Row(kind, value, text))
    elif member.value is not None:
        message = f"{place}{name!r} holds {_sort(member.value)}, where an array of rows is expected"
        raise NotUnderstoodError(message)


def _leave_others(found: Found, members: _Members, taken: set[str]) -> None:
    for name, member in members.items():
        if name not in taken:
            rows = member if isinstance(member, list) else []
            found.leave(name, sum(isinstance(row.value, dict) for row in rows))


def _about_unknown(value: Mapping[str, object], place: str) -> str:
    if not value:
        return f"{place}an empty object. {_EXPECTED}"
    names = [repr(name[:40]) for name in list(value)[:_NAMES_SHOWN]]
    more = f" and {len(value) - _NAMES_SHOWN} more" if len(value) > _NAMES_SHOWN else ""
    hint = " This looks like an error answer of the API; fetch again." if "error" in value else ""
    return f"{place}an object with {', '.join(names)}{more}: nothing known.{hint} {_EXPECTED}"


def _sort(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, jsontext.Number):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"
