import errno
import io
import logging
import os
import traceback
from collections.abc import Iterator

import httpx
import pytest

from adapters.flex import addresses
from adapters.flex.service import Limits, Service
from adapters.flex.service_answers import Document, Statement
from adapters.flex.service_errors import (
    ABOUT_TOKEN,
    PASSING,
    FlexError,
    RefusedError,
    TokenRefusedError,
    UnreachableError,
)
from adapters.flex.tokens import Token
from domain.errors import UsageError
from tests.adapters.kalshi.exchange import SimulatedClock
from tests.fakes.flex_service import (
    TOKEN,
    FlexService,
    Reply,
    cut,
    echo,
    echo_in,
    error,
    hang_up,
    html,
    never,
    page,
    reset,
    reset_within,
    running,
    statement,
    ticket,
    trade,
)

QUERY = "123456"
FATAL = ["1003", *map(str, range(1010, 1018)), "1020", "1025", "9999"]
SEND, GET = "SendRequest", "GetStatement"


@pytest.fixture
def simulated() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def fake(simulated: SimulatedClock) -> Iterator[FlexService]:
    with running(lambda: simulated.seconds) as fake:
        fake.statements[QUERY] = statement(*map(trade, range(200)))
        yield fake


def service_of(
    fake: FlexService, simulated: SimulatedClock, limits: Limits | None = None
) -> Service:
    base = addresses.base(fake.base)
    return Service(base, Token(TOKEN), simulated.clock, limits or Limits())


def taken(
    fake: FlexService,
    simulated: SimulatedClock,
    limits: Limits | None = None,
    told: list[str] | None = None,
) -> tuple[Document, bytes]:
    file = io.BytesIO()
    lines = [] if told is None else told
    with service_of(fake, simulated, limits) as service:
        document = service.take(QUERY, file, lambda line, _: lines.append(line))
    return document, file.getvalue()


def failing(
    fake: FlexService, simulated: SimulatedClock, limits: Limits | None = None
) -> FlexError:
    try:
        taken(fake, simulated, limits)
    except FlexError as error:
        return error
    pytest.fail("the statement was had")


# --- what is asked -------------------------------------------------------------------------------


def test_a_statement_is_ordered_and_then_had_byte_for_byte(
    fake: FlexService, simulated: SimulatedClock
) -> None:
    document, had = taken(fake, simulated)
    assert had == fake.statements[QUERY]
    assert document.size_bytes == len(had)
    assert document.statements == (
        Statement("U1234567", "20250101", "20251231", "20260221;133136", "AF"),
    )
    send, get = fake.asked
    assert (send.call, send.params) == (SEND, {"t": TOKEN, "q": QUERY, "v": "3"})
    assert (get.call, get.params) == (GET, {"t": TOKEN, "q": "4000000000", "v": "3"})
    assert send.headers["User-Agent"].startswith("brokertruth/")


def test_a_packed_statement_is_unpacked(fake: FlexService, simulated: SimulatedClock) -> None:
    fake.packed = True
    assert taken(fake, simulated)[1] == fake.statements[QUERY]


def test_without_an_address_the_statement_is_where_the_order_went(
    fake: FlexService, simulated: SimulatedClock
) -> None:
    fake.slow = 0
    taken(fake, simulated)
    reference = fake.asked[-1].params["q"]
    fake.on_send = [ticket(reference, "")]
    assert taken(fake, simulated)[1] == fake.statements[QUERY]


def test_the_environment_sends_no_request_elsewhere(
    fake: FlexService, simulated: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert taken(fake, simulated)[1] == fake.statements[QUERY]


# --- waiting -------------------------------------------------------------------------------------


def test_it_waits_longer_and_longer_while_the_statement_is_made(
    fake: FlexService, simulated: SimulatedClock
) -> None:
    fake.slow = 7
    told: list[str] = []
    taken(fake, simulated, told=told)
    assert [seconds for seconds in simulated.slept if seconds] == [2, 4, 8, 16, 20, 20, 20, 20]
    assert len(told) == 7
    assert told[0] == (
        "query 123456: error 1019: Statement generation in progress. Please try again shortly; "
        "asking again in 4 s"
    )


@pytest.mark.parametrize("code", sorted(PASSING))
def test_a_code_that_passes_is_tried_again_at_either_call(
    fake: FlexService, simulated: SimulatedClock, code: str
) -> None:
    fake.on_send = [error(code), error(code)]
    fake.on_get = [error(code)]
    assert taken(fake, simulated)[1] == fake.statements[QUERY]
    assert fake.calls == [SEND, SEND, SEND, GET, GET]


@pytest.mark.parametrize("call", [SEND, GET])
@pytest.mark.parametrize("code", FATAL)
def test_any_other_code_ends_it_with_the_words_of_the_service(
    fake: FlexService, simulated: SimulatedClock, code: str, call: str
) -> None:
    faults = fake.on_send if call == SEND else fake.on_get
    faults.append(error(code, "Some words."))
    refused = failing(fake, simulated)
    assert isinstance(refused, RefusedError)
    assert isinstance(refused, TokenRefusedError) == (code in ABOUT_TOKEN)
    assert refused.code == code
    assert str(refused).startswith(f"query 123456: {call}: error {code}: Some words")
    assert fake.calls[-1] == call
    assert fake.calls.count(call) == 1


@pytest.mark.parametrize("call", [SEND, GET])
@pytest.mark.parametrize(
    "fault", [reset, hang_up, html(500), html(503), page("", 429), page("", 502)]
)
def test_what_passes_on_the_wire_is_tried_again(
    fake: FlexService, simulated: SimulatedClock, fault: Reply, call: str
) -> None:
    faults = fake.on_send if call == SEND else fake.on_get
    faults += [fault, fault]
    assert taken(fake, simulated)[1] == fake.statements[QUERY]
    assert fake.calls.count(call) == 3


def test_a_connection_that_is_reset_within_the_statement_leaves_nothing_of_it(
    fake: FlexService, simulated: SimulatedClock
) -> None:
    fake.on_get = [reset_within(0.7), reset_within(0.1)]
    told: list[str] = []
    _, had = taken(fake, simulated, told=told)
    assert had == fake.statements[QUERY]
    assert len(told) == 2


def test_a_service_that_says_nothing_is_given_up_after_its_time(
    fake: FlexService, simulated: SimulatedClock
) -> None:
    fake.on_send = [never, never, never]
    limits = Limits(read_seconds=0.05, total_seconds=10)
    assert "nothing came for 0.05 s" in str(failing(fake, simulated, limits))


def test_a_service_that_says_nothing_is_not_waited_for_beyond_the_limit(
    fake: FlexService, simulated: SimulatedClock
) -> None:
    fake.on_send = [never]
    # a minute for the socket alone, and a tenth of a second for all of it
    given_up = failing(fake, simulated, Limits(read_seconds=60, total_seconds=0.1))
    assert "after 1 attempt over 0 s; the last answer: nothing came for 0.1 s" in str(given_up)


def test_it_does_not_wait_for_its_turn_beyond_the_limit(
    fake: FlexService, simulated: SimulatedClock
) -> None:
    with service_of(fake, simulated, Limits(total_seconds=4)) as service:
        service.take(QUERY, io.BytesIO())
        service.take(QUERY, io.BytesIO())
        asked, before = len(fake.asked), simulated.seconds
        with pytest.raises(UnreachableError, match="the time was up before it could be asked"):
            service.take(QUERY, io.BytesIO())
    assert len(fake.asked) == asked
    assert simulated.seconds == before


def test_it_never_waits_past_the_limit(fake: FlexService, simulated: SimulatedClock) -> None:
    fake.slow = 1000
    given_up = failing(fake, simulated, Limits(total_seconds=100))
    assert isinstance(given_up, UnreachableError)
    assert simulated.seconds <= 100
    assert given_up.code == "1019"
    assert "the last answer: error 1019" in str(given_up)


def test_nobody_listens_there(simulated: SimulatedClock) -> None:
    with running() as gone:
        pass
    assert "ConnectError" in str(failing(gone, simulated, Limits(total_seconds=5)))


def test_ten_requests_a_minute_and_one_a_second_are_never_exceeded(
    fake: FlexService, simulated: SimulatedClock
) -> None:
    with service_of(fake, simulated) as service:
        for _ in range(12):
            service.take(QUERY, io.BytesIO())
    assert len(fake.asked) == 24
    moments = [asked.at_seconds for asked in fake.asked]
    for at in moments:
        assert sum(at <= other < at + 60 for other in moments) <= 10
        assert sum(at <= other < at + 1 for other in moments) == 1


# --- answers that are none -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (cut(0.5), "cut off or broken"),
        (cut(0.99), "cut off or broken"),
        (cut(0), "an empty answer"),
        (html(), "an HTML page instead of an answer"),
        (page("<other/>"), "an answer of an unknown sort: <other>"),
        (page("<!DOCTYPE a [<!ENTITY b 'c'>]><FlexQueryResponse/>"), "an HTML page"),
        (page("<?xml version='1.0'?><!DOCTYPE a><FlexQueryResponse/>"), "document type"),
        (page("<FlexQueryResponse><FlexStatements/></FlexQueryResponse>"), "single statement"),
        (page("<FlexStatementResponse/>"), "neither a reference nor an error code (status none)"),
    ],
)
def test_an_answer_that_makes_no_sense_is_borne_three_times(
    fake: FlexService, simulated: SimulatedClock, fault: Reply, words: str
) -> None:
    fake.on_get = [fault, fault]
    assert taken(fake, simulated)[1] == fake.statements[QUERY]
    fake.on_get = [fault] * 4
    given_up = failing(fake, simulated)
    assert isinstance(given_up, UnreachableError)
    assert words in str(given_up)
    assert "after 3 attempts over 14 s" in str(given_up)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (html(404), "HTTP status 404"),
        (html(403), "HTTP status 403"),
        (page("", 302, {"Location": "https://evil.example/x"}), "a redirect to evil.example"),
        (page('"ClientAccountID","Symbol"\n'), "choose XML as the format"),
    ],
)
def test_some_answers_are_not_asked_for_twice(
    fake: FlexService, simulated: SimulatedClock, fault: Reply, words: str
) -> None:
    fake.on_get = [fault]
    assert words in str(failing(fake, simulated))
    assert fake.calls == [SEND, GET]


def test_a_statement_longer_than_the_limit_is_not_taken(
    fake: FlexService, simulated: SimulatedClock
) -> None:
    fake.packed = True
    limits = Limits(bytes_max=len(fake.statements[QUERY]) - 1)
    assert "the answer is longer than" in str(failing(fake, simulated, limits))


def test_an_order_that_is_answered_with_a_statement_and_a_reference_that_is_none_are_told(
    fake: FlexService, simulated: SimulatedClock
) -> None:
    fake.on_send = [page(statement(trade()))]
    assert "a statement instead of a reference" in str(failing(fake, simulated))
    fake.on_send = [ticket("../x", "")]
    assert "'../x' is no reference" in str(failing(fake, simulated))


def test_a_disk_that_is_full_is_told(fake: FlexService, simulated: SimulatedClock) -> None:
    with (
        service_of(fake, simulated) as service,
        pytest.raises(FlexError, match="cannot be written: No space left") as caught,
    ):
        service.take(QUERY, FullDisk())
    assert caught.value.__context__ is None


class FullDisk(io.BytesIO):
    """A file to which nothing can be added."""

    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# --- strangers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/GetStatement",
        "http://127.0.0.1:1/GetStatement",
        "https://127.0.0.1/GetStatement",
        "https://ndcdyn.interactivebrokers.com/AccountManagement/FlexWebService/GetStatement",
        "no address",
    ],
)
def test_the_token_is_not_sent_to_a_stranger(
    fake: FlexService, simulated: SimulatedClock, address: str
) -> None:
    fake.address = address
    assert "the token is not sent there" in str(failing(fake, simulated))
    assert fake.calls == [SEND]


BROKER = "https://ndcdyn.interactivebrokers.com/AccountManagement/FlexWebService"


@pytest.mark.parametrize(
    ("told", "service", "is_trusted"),
    [
        ("https://gdcdyn.interactivebrokers.com/Universal/GetStatement", BROKER, True),
        ("https://ndcdyn.interactivebrokers.com/x?t=1#y", BROKER, True),
        ("http://gdcdyn.interactivebrokers.com/x", BROKER, False),
        ("https://gdcdyn.interactivebrokers.com:8443/x", BROKER, False),
        ("https://interactivebrokers.com.evil.example/x", BROKER, False),
        ("https://evilinteractivebrokers.com/x", BROKER, False),
        ("https://gdcdyn.interactivebrokers.com@evil.example/x", BROKER, False),
        ("https://a:b@gdcdyn.interactivebrokers.com/x", BROKER, False),
        ("//gdcdyn.interactivebrokers.com/x", BROKER, False),
        ("https://flex.example/x", "https://flex.example/base", True),
        ("https://gdcdyn.interactivebrokers.com/x", "https://flex.example/base", False),
        ("http://127.0.0.1:81/x", "http://127.0.0.1:80/base", False),
    ],
)
def test_who_is_no_stranger(told: str, service: str, *, is_trusted: bool) -> None:
    found = addresses.trusted(told, httpx.URL(service))
    assert (found is not None) == is_trusted
    assert found is None or not found.query


@pytest.mark.parametrize(
    "named",
    [
        "http://ndcdyn.interactivebrokers.com/x",
        "ftp://ndcdyn.interactivebrokers.com/x",
        "https://user:secretword@ndcdyn.interactivebrokers.com/x",
        "https://ndcdyn.interactivebrokers.com/x?t=secretword",
        "https://ndcdyn.interactivebrokers.com",
        "nothing",
        "",
    ],
)
def test_a_base_that_is_none_is_refused_without_what_it_holds(named: str) -> None:
    with pytest.raises(UsageError) as caught:
        addresses.base(named)
    assert "secretword" not in str(caught.value)
    assert addresses.USUAL in str(caught.value) or "unencrypted" in str(caught.value)


def test_the_usual_base_is_the_brokers() -> None:
    assert str(addresses.within(addresses.base(None), "SendRequest")) == f"{BROKER}/SendRequest"
    assert str(addresses.base("http://127.0.0.1:5/a/")) == "http://127.0.0.1:5/a"


# --- the token -----------------------------------------------------------------------------------

FAILING: dict[str, tuple[list[Reply], list[Reply]]] = {
    "refused": ([error("1012")], []),
    "unknown code": ([error(TOKEN, TOKEN)], []),
    "reset": ([reset] * 99, []),
    "hung up": ([hang_up] * 99, []),
    "echoed page": ([echo()] * 99, []),
    "echoed page while busy": ([echo(503)] * 99, []),
    "echoed page, refused": ([echo(403)], []),
    "echoed in an error": ([echo_in(f"<FlexStatementResponse><ErrorCode>1</ErrorCode>"
        f"<ErrorMessage>{'x' * 180} ADDRESS</ErrorMessage></FlexStatementResponse>")], []),
    "echoed in a status": ([echo_in(
        "<FlexStatementResponse><Status>ADDRESS</Status></FlexStatementResponse>")] * 3, []),
    "echoed as a redirect": ([echo_in("", 302, {"Location": "https://evil.example/ADDRESS"})], []),
    "echoed as an odd redirect": ([echo_in("", 302, {"Location": "https://[ADDRESS"})] * 99, []),
    "echoed as a host": ([ticket("1", f"https://{TOKEN}.evil.example/")], []),
    "echoed in an address": ([ticket("1", f"https://evil.example/?t={TOKEN}")], []),
    "echoed as a reference": ([ticket(f"-{TOKEN}", "")], []),
    "echoed as a header": ([], [echo_in("", 404, {"X-Asked": "ADDRESS"})]),
    "echoed as a root": ([page(f"<t{TOKEN}/>")] * 3, []),
    "cut": ([], [cut(0.5)] * 3),
    "reset within": ([], [reset_within(0.5)] * 99),
    "own address, told with the token": ([echo_in("<FlexStatementResponse><Status>Success</Status>"
        "<ReferenceCode>1</ReferenceCode><Url>http://127.0.0.1:1ADDRESS</Url>"
        "</FlexStatementResponse>")], []),
}  # fmt: skip


@pytest.mark.parametrize(("on_send", "on_get"), FAILING.values(), ids=FAILING.keys())
def test_no_token_gets_into_errors_logs_and_reprs(
    fake: FlexService,
    simulated: SimulatedClock,
    caplog: pytest.LogCaptureFixture,
    on_send: list[Reply],
    on_get: list[Reply],
) -> None:
    fake.on_send, fake.on_get = on_send, on_get
    told: list[str] = []
    with caplog.at_level(logging.DEBUG), service_of(fake, simulated) as service:
        logging.getLogger("httpx").setLevel(logging.DEBUG)
        caught = refusal(service, told)
        shown = [repr(service), str(service), repr(Token(TOKEN)), f"{Token(TOKEN)}"]
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    assert caught.__cause__ is None
    assert caught.__context__ is None
    # With the variables of all frames of ours and of the libraries, as some reporters show them.
    below = caught.__traceback__.tb_next if caught.__traceback__ else None
    everything = "".join(
        traceback.TracebackException(type(caught), caught, below, capture_locals=True).format()
    )
    records = [str(vars(record)) for record in caplog.records]
    assert records
    everything = "\n".join([everything, repr(caught), *told, *shown, caplog.text, *records])
    # not even the better part of it
    assert TOKEN[:12] not in everything
    assert TOKEN[12:] not in everything


def refusal(service: Service, told: list[str]) -> FlexError:
    try:
        service.take(QUERY, io.BytesIO(), lambda line, _: told.append(line))
    except FlexError as error:
        return error
    pytest.fail("the statement was had")


def test_the_libraries_may_speak_again_when_the_service_is_closed(
    fake: FlexService, simulated: SimulatedClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        taken(fake, simulated)
        assert "[token]" in caplog.text
        logging.getLogger("httpx").info("HTTP Request: %s", TOKEN)
    assert caplog.text.count(TOKEN) == 1
