import pytest

from adapters.kalshi.sites import DEMO, PRODUCTION, Site, site
from domain.errors import UsageError


def test_production_and_demo_are_known_by_name() -> None:
    assert site("production") is PRODUCTION
    assert site("demo") is DEMO
    assert not PRODUCTION.paper
    assert DEMO.paper


def test_the_address_of_a_known_site_is_that_site() -> None:
    assert site(PRODUCTION.rest + "/") == PRODUCTION
    assert site(DEMO.rest) == DEMO


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (
            "https://api.elections.kalshi.com/trade-api/v2",
            Site(
                "https://api.elections.kalshi.com/trade-api/v2",
                "wss://api.elections.kalshi.com/trade-api/ws/v2",
                paper=False,
            ),
        ),
        (
            "https://demo-api.kalshi.co/trade-api/v2/",
            Site(
                "https://demo-api.kalshi.co/trade-api/v2",
                "wss://demo-api.kalshi.co/trade-api/ws/v2",
                paper=True,
            ),
        ),
        (
            "http://127.0.0.1:8123/trade-api/v2",
            Site(
                "http://127.0.0.1:8123/trade-api/v2",
                "ws://127.0.0.1:8123/trade-api/ws/v2",
                paper=False,
            ),
        ),
        (
            "http://[::1]:8123/trade-api/v2",
            Site(
                "http://[::1]:8123/trade-api/v2",
                "ws://[::1]:8123/trade-api/ws/v2",
                paper=False,
            ),
        ),
    ],
)
def test_a_site_of_ones_own_is_its_base(base: str, expected: Site) -> None:
    assert site(base) == expected


def test_the_address_of_the_stream_can_be_given() -> None:
    mine = site("http://localhost:1/trade-api/v2", "ws://localhost:2/trade-api/ws/v2/")
    assert mine.stream == "ws://localhost:2/trade-api/ws/v2"
    assert site("demo", "wss://demo-api.kalshi.co/trade-api/ws/v2") == Site(
        DEMO.rest, "wss://demo-api.kalshi.co/trade-api/ws/v2", paper=True
    )


@pytest.mark.parametrize(
    "named",
    [
        "",
        "Production",
        "kalshi.com",
        "ftp://kalshi.com/trade-api/v2",
        "https://kalshi.com",
        "https://kalshi.com/",
        "https:///trade-api/v2",
        "https://a..b/trade-api/v2",
        "https://kalshi.com\n/trade-api/v2",
        "wss://kalshi.com/trade-api/v2",
    ],
)
def test_what_is_no_address_is_refused_with_what_is_expected(named: str) -> None:
    with pytest.raises(UsageError, match='expected is "production", "demo" or a URL such as https'):
        site(named)


@pytest.mark.parametrize("host", ["kalshi.com", "10.0.0.1", "localhost.example.org", "0.0.0.0"])
def test_nothing_is_sent_unencrypted_over_a_network(host: str) -> None:
    with pytest.raises(UsageError, match="unencrypted; use https://"):
        site(f"http://{host}/trade-api/v2")
    with pytest.raises(UsageError, match="unencrypted; use wss://"):
        site("demo", f"ws://{host}/trade-api/ws/v2")


@pytest.mark.parametrize("more", ["?x=1", "#x", "?"])
def test_an_address_is_a_host_and_a_path_only(more: str) -> None:
    with pytest.raises(UsageError, match="leave out user, password"):
        site(f"https://kalshi.com/trade-api/v2{more}")


@pytest.mark.parametrize(
    "address", ["https://me:secret@kalshi.com/x", "https://me:secret@", "@secret"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        site(address)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("port", [0, 65536])
def test_a_port_that_cannot_be_is_refused(port: int) -> None:
    with pytest.raises(UsageError, match="a port is a number from 1 to 65535"):
        site(f"https://kalshi.com:{port}/trade-api/v2")
