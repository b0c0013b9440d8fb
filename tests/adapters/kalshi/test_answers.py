from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from adapters.kalshi.answers import Answer, Failure, Question, Reply, judge
from adapters.kalshi.errors import (
    BadRequestError,
    FetchError,
    ForbiddenError,
    NotThereError,
    RefusedError,
)
from domain.jsontext import JsonTextError
from tests.adapters.kalshi.exchange import START

QUESTION = Question("GET /portfolio/fills?limit=5", "https://example.org/trade-api/v2", "a952bcbe…")
PASSING = [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]


def reply(status: int, body: str = "", broken: str = "", **headers: str) -> Reply:
    told = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Reply(status, told, body.encode(), broken, START)


def failure(status: int, body: str = "", broken: str = "", **headers: str) -> Failure:
    judged = judge(QUESTION, reply(status, body, broken, **headers), 1)
    assert isinstance(judged, Failure)
    return judged


def refusal(status: int, body: str = "", question: Question = QUESTION, **headers: str) -> str:
    with pytest.raises(FetchError) as caught:
        judge(question, reply(status, body, **headers), 1)
    return str(caught.value)


# --- answers -------------------------------------------------------------------------------------


def test_one_json_object_is_an_answer_as_it_was_written() -> None:
    text = ' {"fills": [ {"count":1.10} ],\n"cursor":""}\n'
    assert judge(QUESTION, reply(200, text), 3) == Answer(QUESTION.request, text, START, 3)


def test_an_answer_does_not_show_its_text() -> None:
    assert "private" not in repr(Answer("GET /x", '{"x":"private"}', START, 1))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "no JSON object at character 0"),
        ("<!doctype html><html></html>", "no JSON object at character 0"),
        ("[]", "no JSON object at character 0"),
        ("null", "no JSON object at character 0"),
        ('{"fills":[{"count":1', "not JSON at character"),
        ('{"fills":[],', "not JSON at character"),
        ('{"fills":[]', "the end of the text"),
        ("{", "not JSON at character 1"),
        ('{"fills":[]}{"fills":[]}', "more text after the JSON object, at character 12"),
        ('{"fills":[],"fills":[]}', "the key 'fills' comes twice"),
        ('{"fills":NaN}', "NaN is not JSON"),
        ('{"x":' + "[" * 100 + "]" * 100 + "}", "nested deeper"),
        pytest.param('{"x":' + "[" * 100_000, "nested too deep", id="very deep"),
        ('\ufeff{"fills":[]}', "no JSON object at character 0"),
    ],
)
def test_a_body_that_is_not_one_json_object_is_a_failure_that_may_pass(body: str, why: str) -> None:
    failed = failure(200, body, Content_Type="text/html")
    assert failed.passing
    assert f"status 200 with {len(body.encode())} bytes (text/html)" in failed.cause
    assert why in failed.cause


def test_a_key_that_comes_twice_further_down_is_for_a_reader_to_judge() -> None:
    text = '{"fills":[{"count":1,"count":2}]}'
    assert judge(QUESTION, reply(200, text), 1) == Answer(QUESTION.request, text, START, 1)


def test_bytes_that_are_no_text_are_a_failure_that_may_pass() -> None:
    judged = judge(QUESTION, reply(200)._replace(body=b'{"x":"\xff"}'), 1)
    assert isinstance(judged, Failure)
    assert judged.passing
    assert "not UTF-8, at byte 6" in judged.cause


def test_a_body_that_broke_off_is_a_failure_even_if_it_reads_well() -> None:
    assert failure(200, "{}", "the answer broke off") == Failure("the answer broke off")


def test_an_answer_made_of_anything_else_says_so_when_it_is_looked_into() -> None:
    with pytest.raises(JsonTextError):
        _ = Answer("GET /x", "[]", START, 1).members


# --- failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", PASSING)
def test_a_status_that_may_pass_is_a_failure_that_may_pass(status: int) -> None:
    assert failure(status, '{"error":"busy"}') == Failure(f"status {status}: busy")


@pytest.mark.parametrize("status", [501, 505, 507, 511, 519, 525, 530, 599])
def test_any_other_status_of_a_broken_server_is_final(status: int) -> None:
    assert failure(status) == Failure(f"status {status}", passing=False)


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_success_without_the_answer_is_a_failure_that_may_pass(status: int) -> None:
    assert failure(status, "{}").passing


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_final_and_says_where_it_leads(status: int) -> None:
    failed = failure(status, Location="https://elsewhere.example.org/x")
    assert not failed.passing
    assert "a redirect to https://elsewhere.example.org/x; check the site" in failed.cause


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("999999999", 999_999_999),
        (format_datetime(START + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(START - timedelta(seconds=90), usegmt=True), 0),
        ("Sat, 21 Nov 2026 12:00:30 -0000", 30),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("", 0),
        pytest.param("9" * 5000, 0, id="many digits"),
        ("٣", 0),
        ("Sat, 21 Nov 99999 12:00:30 GMT", 0),
        ("Sat, 21 Nov 2026 12:00:30 +99999999999999", 0),
    ],
)
def test_retry_after_is_read_in_both_its_forms(told: str, seconds: int) -> None:
    headers = httpx.Headers([(b"Retry-After", told.encode())])
    failed = judge(QUESTION, Reply(429, headers, b"", "", START), 1)
    assert isinstance(failed, Failure)
    assert failed.retry_after_seconds == seconds


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, RefusedError),
        (402, BadRequestError),
        (403, ForbiddenError),
        (404, NotThereError),
        (405, BadRequestError),
        (409, BadRequestError),
        (410, BadRequestError),
        (413, BadRequestError),
        (414, BadRequestError),
        (422, BadRequestError),
        (431, BadRequestError),
        (451, BadRequestError),
    ],
)
def test_what_no_repetition_can_help_is_raised(status: int, kind: type[FetchError]) -> None:
    with pytest.raises(FetchError) as caught:
        judge(QUESTION, reply(status, '{"error":"the words of the API"}'), 1)
    assert type(caught.value) is kind
    expected = f"GET /portfolio/fills?limit=5: status {status}: the words of the API. "
    assert str(caught.value).startswith(expected)


def test_a_refusal_names_the_key_and_what_to_check() -> None:
    assert "Check that key id a952bcbe… belongs to this private key" in refusal(401)
    assert "Check the scope of key id a952bcbe…" in refusal(403)


def test_a_refusal_without_a_key_asks_for_one() -> None:
    assert refusal(401, question=QUESTION._replace(key="")).endswith(
        "This needs a key, and none was given"
    )


@pytest.mark.parametrize(
    ("seconds", "body", "note"),
    [
        (93, "", "is right: it is 93 s ahead of the server's; set it"),
        (-3600, "", "is right: it is 3600 s behind the server's; set it"),
        (2, '{"error":"timestamp expired"}', "is right (it differs from the server's by 2 s)"),
        (2, "", "is right"),
    ],
)
def test_a_refusal_tells_how_the_clocks_differ(seconds: int, body: str, note: str) -> None:
    theirs = format_datetime(START - timedelta(seconds=seconds), usegmt=True)
    assert refusal(401, body, Date=theirs).endswith(note)


def test_a_server_without_a_clock_is_said_where_it_would_have_helped() -> None:
    assert refusal(401, '{"error":"bad timestamp"}').endswith("(the server did not tell its time)")
    assert refusal(401, Date="whenever").endswith("is right")
