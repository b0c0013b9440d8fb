import base64
import gzip
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from adapters.kalshi.client import Client, Limits
from adapters.kalshi.errors import (
    BadRequestError,
    FetchError,
    ForbiddenError,
    NotThereError,
    RefusedError,
    UnreachableError,
)
from adapters.kalshi.signing import Credentials
from adapters.kalshi.sites import site
from tests.adapters.kalshi.exchange import (
    KEY_ID,
    START,
    Asked,
    Handler,
    Reply,
    Server,
    SimulatedClock,
    client_of,
    cut,
    drip,
    ed25519_key,
    garbage,
    hang_up,
    never,
    page,
    reset,
    rsa_key,
)

PATH = "/portfolio/fills"
EMPTY = '{"fills":[],"cursor":""}'
PASSING = [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def client(
    server: Server, simulated: SimulatedClock, credentials: Credentials, told: list[str]
) -> Iterator[Client]:
    with client_of(server, simulated, credentials, told=told) as client:
        yield client


def unreachable(client: Client) -> str:
    with pytest.raises(UnreachableError) as caught:
        client.get(PATH, {})
    return str(caught.value)


# --- what is asked -------------------------------------------------------------------------------


def test_an_answer_comes_with_what_was_asked_and_when(
    server: Server, client: Client, simulated: SimulatedClock
) -> None:
    server.says(EMPTY)
    simulated.seconds = 7
    answer = client.get(PATH, {"min_ts": 1767225600, "cursor": "abc", "limit": 1000})
    assert answer.request == "GET /portfolio/fills?limit=1000&min_ts=1767225600"
    assert answer.text == EMPTY
    assert answer.received_at == START + timedelta(seconds=7)
    assert answer.attempts == 1
    [asked] = server.asked
    assert asked.path == "/trade-api/v2/portfolio/fills"
    assert asked.params == {"min_ts": ["1767225600"], "cursor": ["abc"], "limit": ["1000"]}


def test_a_path_is_escaped_and_signed_as_it_is_sent(server: Server, client: Client) -> None:
    server.says("{}")
    answer = client.get("/series/KX A?b#ü%", {"x": "a&b=c d,e"})
    assert answer.request == "GET /series/KX%20A%3Fb%23%C3%BC%25?x=a%26b%3Dc%20d,e"
    [asked] = server.asked
    assert asked.path == "/trade-api/v2/series/KX%20A%3Fb%23%C3%BC%25"
    assert asked.params == {"x": ["a&b=c d,e"]}
    verify(asked)


def test_half_a_character_in_a_cursor_is_sent_all_the_same(server: Server, client: Client) -> None:
    server.says(EMPTY)
    client.get(PATH, {"cursor": "a\ud83d"})
    assert len(server.asked) == 1


def test_a_cursor_that_no_address_can_hold_is_refused_before_it_is_sent(
    server: Server, client: Client
) -> None:
    with pytest.raises(BadRequestError, match="no address can be as long"):
        client.get(PATH, {"cursor": "a" * 100_000})
    assert server.asked == []


def verify(asked: Asked) -> None:
    signed = f"{asked.headers['KALSHI-ACCESS-TIMESTAMP']}GET{asked.path}".encode()
    signature = base64.b64decode(asked.headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    ed25519_key().public_key().verify(signature, signed)


def test_every_attempt_is_signed_anew_at_its_own_time(server: Server, client: Client) -> None:
    server.says(page("", 503), page("", 503), EMPTY)
    assert client.get(PATH, {"limit": 5}).attempts == 3
    for asked in server.asked:
        verify(asked)
    times = [int(asked.headers["KALSHI-ACCESS-TIMESTAMP"]) for asked in server.asked]
    start = int(START.timestamp()) * 1000
    assert times == [start, start + 1000, start + 3000]


def test_an_rsa_signature_is_good_on_the_other_side(
    server: Server, simulated: SimulatedClock
) -> None:
    server.says(EMPTY)
    with client_of(server, simulated, Credentials(KEY_ID, rsa_key())) as client:
        client.get(PATH, {"limit": 5})
    [asked] = server.asked
    assert asked.headers["KALSHI-ACCESS-KEY"] == KEY_ID
    rsa_key().public_key().verify(
        base64.b64decode(asked.headers["KALSHI-ACCESS-SIGNATURE"]),
        f"{asked.headers['KALSHI-ACCESS-TIMESTAMP']}GET/trade-api/v2/portfolio/fills".encode(),
        padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size),
        hashes.SHA256(),
    )


def test_nothing_is_signed_without_a_key(server: Server, simulated: SimulatedClock) -> None:
    server.says("{}")
    with client_of(server, simulated) as client:
        client.get("/historical/cutoff", {})
    assert not [name for name in server.asked[0].headers if name.upper().startswith("KALSHI")]


def test_one_connection_serves_all_requests(server: Server, client: Client) -> None:
    server.says(EMPTY)
    for _ in range(3):
        client.get(PATH, {})
    assert len({asked.connection for asked in server.asked}) == 1


def test_a_connection_that_the_exchange_closed_meanwhile_is_made_anew(
    server: Server, client: Client
) -> None:
    def last(handler: Handler) -> None:
        page(EMPTY)(handler)
        handler.close_connection = True

    server.says(last, EMPTY)
    client.get(PATH, {})
    assert client.get(PATH, {}).text == EMPTY
    assert len({asked.connection for asked in server.asked}) == 2


def test_the_environment_sends_no_request_elsewhere(
    server: Server, simulated: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.says(EMPTY)
    with client_of(server, simulated) as client:
        assert client.get(PATH, {}).text == EMPTY


def test_a_packed_answer_is_unpacked(server: Server, client: Client) -> None:
    server.says(page(gzip.compress(EMPTY.encode()), Content_Encoding="gzip"))
    assert client.get(PATH, {}).text == EMPTY


# --- what passes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", PASSING)
def test_a_passing_status_is_tried_again(
    server: Server, client: Client, told: list[str], status: int
) -> None:
    server.says(page('{"error":"busy"}', status), EMPTY)
    assert client.get(PATH, {"limit": 5}).attempts == 2
    assert told == [
        f"GET /portfolio/fills?limit=5: status {status}: busy; attempt 2 of 6 follows in 1.0 s"
    ]


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (reset, "ReadError"),
        (hang_up, "RemoteProtocolError: Server disconnected"),
        (garbage, "RemoteProtocolError"),
        (cut(EMPTY, 1000), "the answer broke off: RemoteProtocolError"),
        (page("<html>Bad gateway</html>", Content_Type="text/html"), "(text/html) that are not"),
        (page('{"fills":[{"count":1'), "not one JSON object: not JSON at character"),
        (page(""), "status 200 with 0 bytes"),
        (page('{"fills":[],"fills":[]}'), "the key 'fills' comes twice"),
        (page(b'{"x":"\xff"}'), "not UTF-8"),
        (page(b"no gzip", Content_Encoding="gzip"), "the answer broke off: DecodingError"),
        (page(gzip.compress(EMPTY.encode())[:30], Content_Encoding="gzip"), "not one JSON object"),
        (page("", 204), "status 204"),
    ],
    ids=[
        "reset",
        "hung up",
        "no http",
        "cut",
        "html",
        "cut json",
        "empty",
        "repeated key",
        "no text",
        "not packed",
        "packed and cut",
        "no content",
    ],
)
def test_an_answer_that_is_not_what_was_promised_is_tried_again(
    server: Server, client: Client, told: list[str], reply: Reply, cause: str
) -> None:
    server.says(reply, EMPTY)
    answer = client.get(PATH, {})
    assert (answer.text, answer.attempts) == (EMPTY, 2)
    assert cause in told[0]


def test_a_body_that_trickles_ends_at_the_total_limit(
    server: Server, client: Client, simulated: SimulatedClock, told: list[str]
) -> None:
    body = json.dumps({"fills": [], "cursor": "x" * 4000})
    server.says(drip(body, simulated, seconds_a_piece=29), EMPTY)
    assert client.get(PATH, {}).attempts == 2
    assert "the answer was not complete after 120 s" in told[0]


def test_a_body_that_takes_its_time_within_the_limit_is_taken(
    server: Server, client: Client, simulated: SimulatedClock
) -> None:
    server.says(drip(EMPTY, simulated, seconds_a_piece=29))
    answer = client.get(PATH, {})
    assert (answer.text, answer.attempts) == (EMPTY, 1)
    assert answer.received_at == START + timedelta(seconds=simulated.seconds)
    assert client.transfer_seconds == pytest.approx(29 * 3)


def test_an_exchange_that_says_nothing_is_not_waited_for(
    server: Server, simulated: SimulatedClock, told: list[str]
) -> None:
    server.says(never, EMPTY)
    with client_of(server, simulated, None, Limits(read_seconds=0.05), told) as client:
        assert client.get(PATH, {}).attempts == 2
    assert "nothing came for 0.05 s" in told[0]


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_over_the_limit_is_not_taken_in(
    server: Server, simulated: SimulatedClock, told: list[str], *, packed: bool
) -> None:
    large = json.dumps({"x": "y" * 5000}).encode()
    server.says(
        page(gzip.compress(large), Content_Encoding="gzip") if packed else page(large), EMPTY
    )
    with client_of(server, simulated, None, Limits(body_bytes_max=1000), told) as client:
        assert client.get(PATH, {}).attempts == 2
    assert "the answer is longer than 1000 bytes" in told[0]


def test_an_answer_as_large_as_the_limit_is_taken(
    server: Server, simulated: SimulatedClock
) -> None:
    server.says(EMPTY)
    with client_of(server, simulated, None, Limits(body_bytes_max=len(EMPTY))) as client:
        assert client.get(PATH, {}).attempts == 1


def test_nobody_at_home_is_told_after_all_attempts(simulated: SimulatedClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    here = site(f"http://127.0.0.1:{port}/trade-api/v2")
    with Client(here, None, simulated.clock, jitter=lambda: 1.0) as client:
        message = unreachable(client)
    assert message.startswith(
        f"GET /portfolio/fills: no usable answer from http://127.0.0.1:{port}/trade-api/v2 after "
        "6 attempts over 31 s; the last cause: ConnectError: "
    )


# --- backoff -------------------------------------------------------------------------------------


def test_the_pauses_double_up_to_the_longest_and_then_it_is_given_up(
    server: Server, simulated: SimulatedClock, told: list[str]
) -> None:
    server.says(page('{"error":"too many requests"}', 429))
    limits = Limits(attempts=7, first_backoff_seconds=2, longest_backoff_seconds=20)
    with client_of(server, simulated, None, limits, told) as client:
        message = unreachable(client)
        assert simulated.slept == [2, 4, 8, 16, 20, 20]
        assert (client.requests, client.retries) == (7, 6)
        assert client.waiting_seconds == 70
    assert len(told) == 6
    assert message.endswith(
        "after 7 attempts over 70 s; the last cause: status 429: too many requests"
    )


def test_the_pauses_are_shortened_by_chance(server: Server, simulated: SimulatedClock) -> None:
    server.says(page("", 503), page("", 503), EMPTY)
    chances = iter([0.5, 0.0])
    with Client(server.site, None, simulated.clock, jitter=lambda: next(chances)) as client:
        client.get(PATH, {})
    assert simulated.slept == [0.5, 0.0]


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("17", 17),
        ("3600", 30),
        ("0", 1),
        (format_datetime(START + timedelta(seconds=12), usegmt=True), 12),
    ],
)
def test_what_the_exchange_says_of_when_to_come_again_counts_within_reason(
    server: Server, client: Client, simulated: SimulatedClock, after: str, seconds: int
) -> None:
    server.says(page("", 429, Retry_After=after), EMPTY)
    client.get(PATH, {})
    assert simulated.slept == [seconds]


def test_one_attempt_is_one_attempt(server: Server, simulated: SimulatedClock) -> None:
    server.says(page("", 503))
    with client_of(server, simulated, None, Limits(attempts=1)) as client:
        assert "after 1 attempt over 0 s; the last cause: status 503" in unreachable(client)
    assert simulated.slept == []


# --- what does not pass --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, RefusedError),
        (403, ForbiddenError),
        (404, NotThereError),
        (405, BadRequestError),
        (410, BadRequestError),
        (422, BadRequestError),
        (451, BadRequestError),
        (301, UnreachableError),
        (308, UnreachableError),
        (501, UnreachableError),
        (505, UnreachableError),
    ],
)
def test_a_final_status_is_not_tried_again(
    server: Server, client: Client, simulated: SimulatedClock, status: int, kind: type[FetchError]
) -> None:
    server.says(page('{"error":"the words of the API"}', status, Location="/elsewhere"))
    with pytest.raises(kind, match="the words of the API"):
        client.get(PATH, {})
    assert len(server.asked) == 1
    assert simulated.slept == []


def test_a_redirect_is_not_followed(server: Server, client: Client) -> None:
    server.says(page("", 302, Location=f"{server.site.rest}/elsewhere"), EMPTY)
    message = unreachable(client)
    assert "after 1 attempt over 0 s; the last cause: status 302, a redirect to http://" in message
    assert [asked.path for asked in server.asked] == ["/trade-api/v2/portfolio/fills"]


def test_a_refusal_is_still_a_refusal_if_its_body_breaks_off(
    server: Server, client: Client
) -> None:
    def broken(handler: Handler) -> None:
        handler.send_response_only(401)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"error":')
        handler.close_connection = True

    server.says(broken)
    with pytest.raises(RefusedError, match="status 401"):
        client.get(PATH, {})


def test_a_clock_that_is_wrong_is_told_by_how_much(server: Server, client: Client) -> None:
    theirs = format_datetime(START - timedelta(seconds=93), usegmt=True)
    server.says(page('{"error":"unauthorized"}', 401, Date=theirs))
    with pytest.raises(RefusedError, match="it is 93 s ahead of the server's; set it"):
        client.get(PATH, {})


def test_the_next_request_after_a_refusal_is_as_good_as_any(server: Server, client: Client) -> None:
    server.says(page("{}", 404), EMPTY)
    with pytest.raises(NotThereError):
        client.get(PATH, {})
    assert client.get(PATH, {}).attempts == 1
    assert (client.requests, client.retries) == (2, 0)


def test_an_interrupt_is_not_taken_for_a_failure(server: Server, credentials: Credentials) -> None:
    simulated = SimulatedClock()

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    server.says(page("", 503))
    with (
        Client(server.site, credentials, simulated.clock, on_retry=interrupt) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        client.get(PATH, {})
    assert len(server.asked) == 1


# --- pacing --------------------------------------------------------------------------------------


def test_requests_keep_to_the_rate_of_the_lowest_tier(
    server: Server, client: Client, simulated: SimulatedClock
) -> None:
    server.says(EMPTY)
    for _ in range(30):
        client.get(PATH, {})
    # four fifths of a second at once, the rest at the rate
    assert simulated.seconds == pytest.approx((30 - 16) * 10 / 200)
    assert client.waiting_seconds == pytest.approx(0.7)


def test_a_higher_tier_goes_faster_once_it_is_known(
    server: Server, client: Client, simulated: SimulatedClock
) -> None:
    server.says(EMPTY)
    for _ in range(16):
        client.get(PATH, {})
    client.pace(1000)
    for _ in range(10):
        client.get(PATH, {})
    assert simulated.seconds == pytest.approx(10 * 10 / 1000)


def test_a_rate_below_one_request_a_second_still_lets_one_through(
    server: Server, simulated: SimulatedClock
) -> None:
    server.says(EMPTY)
    with client_of(server, simulated, None, Limits(read_tokens_per_second=5)) as client:
        client.get(PATH, {})
        client.get(PATH, {})
    assert simulated.slept == [2]


def test_the_balance_has_a_bucket_of_its_own(
    server: Server, client: Client, simulated: SimulatedClock
) -> None:
    server.says('{"balance":1}')
    for _ in range(3):
        client.get("/portfolio/balance", {})
    # a little slower than the one a second that is allowed
    assert simulated.slept == pytest.approx([1 / 0.9, 1 / 0.9])
    for _ in range(16):
        client.get(PATH, {})
    assert client.waiting_seconds == pytest.approx(2 / 0.9)


def test_a_repeated_request_is_paced_as_well(server: Server, simulated: SimulatedClock) -> None:
    server.says(page("", 503), page("", 503), EMPTY)
    limits = Limits(read_tokens_per_second=10)
    with Client(server.site, None, simulated.clock, limits, jitter=lambda: 0.0) as client:
        client.get(PATH, {})
    assert simulated.slept == [0, 1, 0, 1]
