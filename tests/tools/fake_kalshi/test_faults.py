"""Each fault as a client sees it."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.tools.fake_kalshi.serving import Client, clock_at, minutes
from tools.fake_kalshi import faults
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.faults import FAULTS, PASSING, Fault, FaultPlan
from tools.fake_kalshi.seen import Seen

FILLS = "/portfolio/fills"


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of an exchange with ten fills, three to a page."""
    with (
        Exchange(minutes(10), clock=clock_at(1), page_cap=3, rate_limits=False) as exchange,
        Client(exchange) as it,
    ):
        yield it


def spoil(client: Client, fault: Fault) -> None:
    """Let the next request fail, and no other."""
    client.exchange.faults = FaultPlan({len(client.exchange.requests) + 1: fault})


@pytest.mark.parametrize("fault", faults.STATUSES, ids=lambda fault: fault.name)
def test_an_error_status_comes_with_an_error_body(client: Client, fault: Fault) -> None:
    spoil(client, fault)
    response = client.ask(FILLS)
    assert response.status_code == fault.status
    assert response.json()
    assert (response.json() == {"error": "too many requests"}) is (fault.status == 429)
    assert "retry-after" not in response.headers


def test_a_slow_body_arrives_whole_while_time_goes_by(client: Client) -> None:
    right, before = client.ask(FILLS).content, client.exchange.clock.now()
    spoil(client, Fault("slow", parts=4, pause_seconds=30))
    assert client.ask(FILLS).content == right
    assert (client.exchange.clock.now() - before).total_seconds() == 120


def test_cut_json_looks_whole_to_http(client: Client) -> None:
    right = client.ask(FILLS).content
    spoil(client, faults.CUT_JSON)
    cut = client.ask(FILLS).content
    assert cut == right[: len(right) // 2]
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut)


def test_a_cut_body_is_shorter_than_it_says(client: Client) -> None:
    spoil(client, faults.CUT_BODY)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.ask(FILLS)


@pytest.mark.parametrize(("fault", "status"), [(faults.HTML_200, 200), (faults.HTML_502, 502)])
def test_an_html_page_comes_instead(client: Client, fault: Fault, status: int) -> None:
    spoil(client, fault)
    response = client.ask(FILLS)
    assert response.status_code == client.exchange.requests[-1].status == status
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("fault", [faults.RESET, faults.RESET_MIDWAY], ids=lambda it: it.name)
def test_a_reset_breaks_the_connection(client: Client, fault: Fault) -> None:
    spoil(client, fault)
    with pytest.raises(httpx.ReadError, match="reset"):
        client.ask(FILLS)


def test_an_empty_body_has_no_json(client: Client) -> None:
    spoil(client, faults.EMPTY_BODY)
    response = client.ask(FILLS)
    assert (response.status_code, response.content) == (200, b"")


def test_a_repeated_cursor_leads_to_the_same_page_again(client: Client) -> None:
    first = client.told(FILLS)
    spoil(client, faults.REPEATED_CURSOR)
    second = client.told(FILLS, cursor=first["cursor"])
    assert second["cursor"] == first["cursor"]
    assert second["fills"] != first["fills"]
    again = client.told(FILLS, cursor=second["cursor"])
    assert again["fills"] == second["fills"]
    assert again["cursor"] != second["cursor"]
    spoil(client, faults.REPEATED_CURSOR)
    begun = client.told(FILLS)
    assert client.told(FILLS, cursor=begun["cursor"])["fills"] == begun["fills"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_after_every_fault_the_next_request_is_answered(client: Client, fault: Fault) -> None:
    right = client.told(FILLS)
    spoil(client, fault)
    try:
        client.ask(FILLS)
    except httpx.TransportError:
        assert client.exchange.requests[-1].number == 2
    assert client.told(FILLS) == right
    assert client.exchange.failures == []


def test_a_script_may_choose_by_the_request(client: Client) -> None:
    orders = "/portfolio/orders"
    client.exchange.faults = FaultPlan(
        lambda seen: faults.EMPTY_BODY if seen.path == orders else None
    )
    assert client.ask(FILLS).content
    assert not client.ask(orders).content


def drawn(seed: int) -> list[str | None]:
    plan = FaultPlan(rate=0.8, seed=seed, at_most_in_a_row=2)
    found = (plan.fault(Seen(number, "GET", FILLS)) for number in range(1, 400))
    return [None if fault is None else fault.name for fault in found]


def test_drawn_faults_are_the_same_for_the_same_seed() -> None:
    assert drawn(1) == drawn(1) != drawn(2)
    assert set(drawn(1)) == {None, *(fault.name for fault in PASSING)}


def test_drawn_faults_never_come_too_often_in_a_row() -> None:
    names = drawn(3)
    assert all(None in names[at : at + 3] for at in range(len(names) - 2))
    assert any(None not in names[at : at + 2] for at in range(len(names) - 1))


def test_without_a_plan_nothing_fails() -> None:
    plan = FaultPlan()
    assert not any(plan.fault(Seen(number, "GET", FILLS)) for number in range(50))
