import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kalshi.answers import Answer
from adapters.kalshi.client import Client, Parameters
from adapters.kalshi.errors import CursorLoopError, FetchError, NotThereError
from adapters.kalshi.paging import Page, one_page, pages
from domain.jsontext import Integer, Slice
from tests.adapters.kalshi.exchange import START, Server, SimulatedClock, client_of, page

PATH = "/portfolio/fills"
ROW = '{ "count":1.10,\n "fill_id":"a" }'


def cut(text: str, *containers: str) -> Page:
    return one_page(Answer("GET /x", text, START, 1), containers)


# --- one page ------------------------------------------------------------------------------------


def test_rows_are_cut_out_as_they_were_written() -> None:
    found = cut(f'{{"fills" : [ {ROW} , 7,[]],"cursor":"next"}}', "fills")
    rows = found.containers["fills"]
    assert rows is not None
    assert [row.text for row in rows] == [ROW, "7", "[]"]
    assert rows[0].value == {"count": "1.10", "fill_id": "a"}
    assert rows[1] == Slice(Integer("7"), "7")
    assert found.beside == {}


def test_an_empty_container_a_null_and_none_at_all_are_told_apart() -> None:
    found = cut('{"a":[],"b":null}', "a", "b", "c")
    assert found.containers == {"a": [], "b": [], "c": None}
    assert found.beside == {}


@pytest.mark.parametrize("text", ['{"x":1}', '"none"', "0", "false"])
def test_a_container_that_is_no_array_stands_beside(text: str) -> None:
    found = cut(f'{{"fills":{text}}}', "fills")
    assert found.containers == {"fills": None}
    assert found.beside == {"fills": text}


def test_everything_else_stands_beside_as_it_was_written() -> None:
    found = cut(
        ' { "new" : { "a" : 1.0 }, "fills":[1], "more":[ 1 , {"b":2} ],"last":null , "cursor":""} ',
        "fills",
    )
    assert found.beside == {
        "new": '{ "a" : 1.0 }',
        "more": '[ 1 , {"b":2} ]',
        "last": "null",
    }
    assert found.containers == {"fills": [Slice(Integer("1"), "1")]}


@pytest.mark.parametrize(
    ("member", "cursor", "told", "ended"),
    [
        (',"cursor":"abc"', "abc", True, False),
        (',"cursor":""', None, True, True),
        (',"cursor":null', None, True, True),
        ("", None, False, None),
        (',"cursor":17', None, False, None),
        (',"cursor":{"next":"abc"}', None, False, None),
        (',"cursor":["abc"]', None, False, None),
        (',"cursor":true', None, False, None),
    ],
)
def test_a_page_tells_whether_it_is_the_last_or_does_not_tell(
    member: str, cursor: str | None, *, told: bool, ended: bool | None
) -> None:
    found = cut(f'{{"fills":[]{member}}}', "fills")
    assert (found.cursor, found.cursor_told, found.ended) == (cursor, told, ended)


@pytest.mark.parametrize("text", ["17", '{"next":"abc"}', '[ "abc" ]', "true", "1.0"])
def test_a_cursor_that_is_no_string_stands_beside(text: str) -> None:
    assert cut(f'{{"cursor":{text}}}').beside == {"cursor": text}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    members=st.dictionaries(st.sampled_from(["fills", "cursor", "b", "c", '"', "é"]), JSON),
    indent=st.sampled_from([None, 0, 2]),
)
def test_nothing_of_an_answer_is_lost_on_a_page(
    members: dict[str, object], indent: int | None
) -> None:
    found = cut(json.dumps(members, indent=indent), "fills")
    again = {name: json.loads(text) for name, text in found.beside.items()}
    if (rows := found.containers["fills"]) is not None:
        again["fills"] = [json.loads(row.text) for row in rows] if rows else members["fills"]
    if found.cursor_told:
        again["cursor"] = found.cursor or members["cursor"]
    assert again == members


# --- a stream of pages ---------------------------------------------------------------------------


@pytest.fixture
def client(server: Server, simulated: SimulatedClock) -> Iterator[Client]:
    with client_of(server, simulated) as client:
        yield client


def fills_of(
    client: Client, params: Parameters, *, limit: int = 2, pages_max: int = 100
) -> list[Page]:
    return list(pages(client, PATH, params, ["fills"], limit=limit, pages_max=pages_max))


def fills(cursor: str | None, *rows: int) -> str:
    return json.dumps({"fills": rows, "cursor": cursor})


def test_all_pages_come_until_the_cursor_is_empty(server: Server, client: Client) -> None:
    server.says(fills("a", 1, 2), fills("b"), fills("", 3))
    found = fills_of(client, {})
    assert [one.number for one in found] == [1, 2, 3]
    rows = [row.text for one in found for row in one.containers["fills"] or []]
    assert rows == ["1", "2", "3"]
    assert [one.ended for one in found] == [False, False, True]


@pytest.mark.parametrize("last", ['{"fills":[]}', '{"fills":[],"cursor":9}'])
def test_a_page_that_does_not_tell_is_the_last_one(
    server: Server, client: Client, last: str
) -> None:
    server.says(fills("a", 1), last, fills("", 9))
    found = fills_of(client, {})
    assert len(found) == 2
    assert found[-1].ended is None


def test_a_null_cursor_is_the_end(server: Server, client: Client) -> None:
    server.says(fills(None, 1), fills("", 9))
    found = fills_of(client, {})
    assert [one.ended for one in found] == [True]


def test_every_page_is_asked_with_all_parameters(server: Server, client: Client) -> None:
    server.says(fills("a b&c=d"), fills("é+/="), fills(""))
    found = fills_of(client, {"min_ts": 1767225600, "ticker": "KX-A,KX-B"}, limit=1000)
    same = {"limit": ["1000"], "min_ts": ["1767225600"], "ticker": ["KX-A,KX-B"]}
    assert [one.params for one in server.asked] == [
        same,
        {**same, "cursor": ["a b&c=d"]},
        {**same, "cursor": ["é+/="]},
    ]
    assert {one.answer.request for one in found} == {
        "GET /portfolio/fills?limit=1000&min_ts=1767225600&ticker=KX-A,KX-B"
    }


def test_a_stream_can_be_taken_up_at_a_cursor(server: Server, client: Client) -> None:
    server.says(fills("b"), fills(""))
    fills_of(client, {"cursor": "a"})
    assert [one.params["cursor"] for one in server.asked] == [["a"], ["b"]]


@pytest.mark.parametrize("script", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"]])
def test_a_cursor_that_comes_again_ends_the_stream_behind_its_page(
    server: Server, client: Client, script: list[str]
) -> None:
    server.says(*(fills(cursor, number) for number, cursor in enumerate(script)))
    found: list[Page] = []
    with pytest.raises(CursorLoopError, match="an earlier page named") as caught:
        found.extend(pages(client, PATH, {}, ["fills"], limit=1))
    assert isinstance(caught.value, FetchError)
    assert len(server.asked) == len(script)
    assert [one.number for one in found] == list(range(1, len(script) + 1))


def test_the_cursor_that_a_stream_began_with_counts_as_seen(server: Server, client: Client) -> None:
    server.says(fills("a"))
    with pytest.raises(CursorLoopError):
        fills_of(client, {"cursor": "a"})
    assert len(server.asked) == 1


def test_a_stream_that_goes_on_and_on_is_ended(server: Server, client: Client) -> None:
    server.says(*(fills(str(number)) for number in range(10)))
    with pytest.raises(CursorLoopError, match="no end after 5 pages"):
        fills_of(client, {}, pages_max=5)
    assert len(server.asked) == 5


def test_a_stream_may_have_as_many_pages_as_are_allowed(server: Server, client: Client) -> None:
    server.says(fills("a"), fills("b"), fills(""))
    assert len(fills_of(client, {}, pages_max=3)) == 3


def test_pages_that_came_before_an_error_are_kept(server: Server, client: Client) -> None:
    server.says(fills("a", 1), page("{}", 404))
    found: list[Page] = []
    with pytest.raises(NotThereError):
        found.extend(pages(client, PATH, {}, ["fills"], limit=1))
    assert [one.number for one in found] == [1]
