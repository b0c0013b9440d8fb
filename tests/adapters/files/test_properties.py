"""What must hold for any input: nothing is changed, nothing is half taken, nothing crashes."""

import csv
import io
import json
from collections.abc import Callable
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.log.envelope import EnvelopeCheck
from domain.errors import BrokertruthError
from domain.jsontext import canonical, parse
from domain.kinds import BY_CONTAINER, BY_NAME, column_types
from tests.adapters.files.taking import (
    ACTIVITY_HEADER,
    FILL,
    NOON,
    OTHER,
    fetch,
    payloads,
    rows,
    source,
    take,
    texts,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
KNOWN = frozenset(column_types(BY_NAME["kalshi.fill"]))
FREE_KEYS = st.text(max_size=6).filter(lambda key: key not in KNOWN | {"status", "type"})
ROWS = st.lists(
    st.builds(
        lambda own, more: {**more, **own},
        st.fixed_dictionaries(
            {"trade_id": SCALARS, "order_id": SCALARS, "ticker": SCALARS},
            optional={"count": SCALARS, "created_time": SCALARS},
        ),
        st.dictionaries(FREE_KEYS.filter(lambda key: key not in BY_CONTAINER), VALUES, max_size=3),
    ),
    min_size=1,
    max_size=4,
)
Row = dict[str, object]
RENDERINGS: dict[str, Callable[[list[Row]], str]] = {
    "page": lambda found: json.dumps({"fills": found, "cursor": ""}),
    "compact": lambda found: json.dumps(
        {"cursor": "", "fills": found}, separators=(",", ":"), ensure_ascii=True
    ),
    "pretty": lambda found: json.dumps({"fills": found}, indent=2),
    "array": json.dumps,
    "pretty array": lambda found: json.dumps(found, indent="\t"),
    "pages": lambda found: json.dumps([{"fills": [row]} for row in found]),
    "lines": lambda found: "\n".join(map(json.dumps, found)) + "\n",
    "lines of pages": lambda found: "\r\n".join(json.dumps({"fills": [row]}) for row in found),
    "recorded": lambda found: json.dumps({"_metadata": {}, "response": {"fills": found}}),
}


@given(ROWS)
def test_every_rendering_gives_the_same_rows_and_they_are_cut_out_of_it(found: list[Row]) -> None:
    wanted = [canonical(parse(json.dumps(row))) for row in found]
    keys = set()
    for render in RENDERINGS.values():
        text = render(found)
        taken = take(text)
        assert [canonical(parse(payload)) for payload in texts(taken)] == wanted
        position = 0
        for payload in texts(taken):
            position = text.index(payload, position) + len(payload)
        keys.add(tuple(event.key for event in rows(taken)))
        assert fetch(taken)["rows"] == len(found)
    assert len(keys) == 1


def survives(data: bytes) -> None:
    """Take the bytes in or refuse them; any other exception fails the test."""
    try:
        taken = take(data, as_of=NOON)
    except BrokertruthError as error:
        str(error).encode()
        return
    assert sum(taken.rows.values()) == len(rows(taken))
    for event in taken.events:
        json.loads(event.state)
        assert EnvelopeCheck().fault(*event) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    survives(data)


@given(st.text(max_size=200))
def test_any_text_is_taken_or_refused(text: str) -> None:
    survives(text.encode())


NAMES = st.sampled_from(
    [*BY_CONTAINER, "order", "market", "response", "cursor", "balance", "portfolio_value", "x"]
)
PAGES = st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=3), max_size=4)


@given(PAGES | st.lists(PAGES, max_size=3) | VALUES)
def test_any_json_is_taken_or_refused(value: object) -> None:
    survives(json.dumps(value).encode())


@given(
    st.sampled_from([ACTIVITY_HEADER, "trade_id,order_id,ticker,count,is_taker", FILL]),
    st.lists(st.sampled_from([*',"\n\r\\{}[]:', "0", "\u2028", "é", "\ufeff", "true", "\v"])),
)
def test_any_noise_behind_a_good_first_line_is_taken_or_refused(
    first: str, noise: list[str]
) -> None:
    survives(f"{first}\n{''.join(noise)}".encode())


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
TYPED = st.integers().map(str) | st.sampled_from(["True", "false", "0.50", "1e5", "x"]) | CELLS
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "trade_id": CELLS,
            "order_id": CELLS,
            "ticker": CELLS,
            "count": TYPED,
            "price": TYPED,
            "is_taker": TYPED,
            'new, "column"': CELLS,
        }
    ),
    max_size=4,
)


def as_csv(lines: list[dict[str, str]], quoting: int, end: str) -> str:
    buffer = io.StringIO(newline="")
    columns = list(lines[0]) if lines else ["trade_id", "order_id", "ticker"]
    writer = csv.DictWriter(buffer, columns, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()


def restored(column: str, cell: str) -> object:
    """Say what the value of a cell must be, found by json itself."""
    wanted = {"count": (int,), "price": (int, float), "is_taker": (bool,)}.get(column, ())
    text = cell.lower() if cell in ("True", "False") else cell
    try:
        value = json.loads(text, parse_constant=str) if text == text.strip() else cell
    except ValueError:
        return cell
    return value if type(value) in wanted else cell


# Python's own writer leaves a bare \r unquoted where lines end in \n (a table that we refuse).
STYLES = st.sampled_from(
    [(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n")]
)


@given(LINES, STYLES)
def test_rows_come_back_from_csv(lines: list[dict[str, str]], style: tuple[int, str]) -> None:
    text = as_csv(lines, *style)
    taken = take(text)
    assert payloads(taken) == [
        {column: restored(column, cell) for column, cell in line.items() if cell} for line in lines
    ]
    position = 0
    for event in rows(taken):
        row = str(source(event)["row"])
        position = text.index(row, position) + len(row)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"fills":[{FILL},{OTHER}],"cursor":""}}',
        json.dumps({"cursor": "", "fills": [json.loads(FILL), json.loads(OTHER)]}, indent=1),
        f'{{"response":{{"fills":[{FILL}]}},"_metadata":{{"a":[1]}}}}',
        f"[{FILL},{OTHER}]",
        '{"balance":100,"portfolio_value":200,"updated_ts":1768231443}',
    ],
)
def test_a_json_text_cut_anywhere_is_refused(text: str) -> None:
    take(text)
    for end in range(len(text)):
        with pytest.raises(BrokertruthError):
            take(text[:end])


@pytest.mark.parametrize(
    "lines",
    [
        [FILL, OTHER, FILL],
        ["trade_id,order_id,ticker,count", "t1,o1,KX,12", "t2,o2,KX,345"],
        ["trade_id,order_id,ticker,title", 't1,o1,KX,"a\nb"', 't2,"o,2",KX,"c"'],
        [
            ACTIVITY_HEADER,
            "Trade,,KX-A,0.10,2026-05-05T07:33:01-04:00",
            "Order,,,,2026-05-05T07:33:01Z",
        ],
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_cut_anywhere_give_whole_rows_or_nothing(lines: list[str], end: str) -> None:
    text = "".join(line + end for line in lines)
    whole = texts(take(text))
    header = len(lines) - len(whole)
    ends = list(accumulate(len(line + end) for line in lines))
    for cut in range(len(text)):
        try:
            taken = texts(take(text[:cut]))
        except BrokertruthError:
            continue
        complete = sum(cut >= stop - len(end) for stop in ends)
        assert taken == whole[: complete - header]
    for stop in ends[:-1]:
        assert len(texts(take(text[:stop]))) == ends.index(stop) + 1 - header
