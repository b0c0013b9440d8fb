import logging
import traceback

import pytest

from adapters.kalshi.client import Client
from adapters.kalshi.errors import FetchError, RefusedError
from adapters.kalshi.signing import Credentials
from tests.adapters.kalshi.exchange import (
    KEY_ID,
    Handler,
    Reply,
    Server,
    SimulatedClock,
    client_of,
    cut,
    echo,
    garbage,
    hang_up,
    page,
    pem_of,
    reset,
    rsa_key,
)

PATH = "/portfolio/fills"
FAILING: dict[str, list[Reply | str]] = {
    "refused": [page('{"error":"no"}', 401)],
    "out of scope": [page('{"error":"no"}', 403)],
    "not there": [page("", 404)],
    "bad": [page("", 400)],
    "busy": [page("", 429)],
    "redirected": [page("", 301, Location="/x")],
    "reset": [reset],
    "hung up": [hang_up],
    "garbage": [garbage],
    "cut": [cut("{}", 1000)],
    "html": ["<html></html>"],
    "echoed": [echo(401, '{"error":"the signature SIGNATURE is wrong"}')],
    "echoed as text": [echo(400, "KALSHI-ACCESS-SIGNATURE: SIGNATURE")],
    "echoed while busy": [echo(503, '{"error":{"message":"SIGNATURE"}}')],
    "echoed instead of an answer": [echo(200, "SIGNATURE")],
}


def failing(client: Client) -> FetchError:
    try:
        client.get(PATH, {})
    except FetchError as error:
        return error
    pytest.fail("the request was answered")


@pytest.mark.parametrize("replies", FAILING.values(), ids=FAILING.keys())
def test_no_secret_gets_into_errors_logs_and_reprs(
    server: Server,
    simulated: SimulatedClock,
    caplog: pytest.LogCaptureFixture,
    replies: list[Reply | str],
) -> None:
    credentials = Credentials(KEY_ID, rsa_key())
    told: list[str] = []
    server.says(*replies)
    with (
        caplog.at_level(logging.DEBUG),
        client_of(server, simulated, credentials, None, told) as client,
    ):
        error = failing(client)
        shown = [repr(client), str(client), repr(credentials)]
    assert error.__cause__ is None
    assert error.__context__ is None
    # With the variables of all frames of ours and of the libraries, as some reporters show them.
    below = error.__traceback__.tb_next if error.__traceback__ else None
    told_all = traceback.TracebackException(type(error), error, below, capture_locals=True)
    everything = "\n".join([*told, *shown, caplog.text, *told_all.format()])
    secrets = [asked.headers["KALSHI-ACCESS-SIGNATURE"] for asked in server.asked]
    secrets += [line for line in pem_of(rsa_key()).splitlines() if not line.startswith("--")]
    secrets += [KEY_ID]
    assert len(server.asked) in (1, 6)
    for secret in secrets:
        assert secret not in everything
        assert secret.replace("/", r"\/") not in everything


def test_a_signature_that_is_echoed_escaped_is_blotted_out_too(
    server: Server, simulated: SimulatedClock, credentials: Credentials
) -> None:
    def escaped(handler: Handler) -> None:
        signature = handler.headers["KALSHI-ACCESS-SIGNATURE"].replace("/", r"\/")
        page(f'{{"error":"{signature} is wrong"}}', 401)(handler)

    server.says(escaped)
    with (
        client_of(server, simulated, credentials) as client,
        pytest.raises(RefusedError, match=r"status 401: \[signature\] is wrong"),
    ):
        client.get(PATH, {})
