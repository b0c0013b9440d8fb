"""A rehearsal: keys, variables and a truth for somebody who connects from outside."""

import json
import socket
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import CannotDoError
from tests.tools.fake_kalshi.serving import Client
from tools.fake_kalshi.rehearsal import Ready, rehearse


def test_a_rehearsal_serves_what_its_truth_says_until_it_is_stopped(tmp_path: Path) -> None:
    held: list[Ready] = []
    counts: list[int] = []

    def use() -> None:
        with Client(held[0].exchange) as client:
            live = client.rows("/portfolio/fills", "fills", limit=1000)
            counts.append(len(live))
        moment = held[0].write_truth(tmp_path / "truth.json")
        assert datetime.now(UTC) - moment < timedelta(minutes=10)

    rehearse(tmp_path, seed=4, days=5, on_ready=held.append, until_stopped=use)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert truth["fills"] == counts[0] > 50
    (ready,) = held
    assert list(ready.environment.items()) == [
        ("BROKERTRUTH_KALSHI_SITE", ready.site),
        ("BROKERTRUTH_KALSHI_STREAM", ready.stream),
        ("BROKERTRUTH_KALSHI_KEY_ID", ready.key_id),
        ("BROKERTRUTH_KALSHI_KEY_FILE", str(tmp_path / "fake-kalshi-key.pem")),
    ]
    assert ready.site.startswith("http://127.0.0.1:")
    port = int(ready.site.split(":")[2].partition("/")[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_the_key_is_for_its_owner_only_and_new_each_time(tmp_path: Path) -> None:
    pems = []
    for _ in range(2):
        rehearse(tmp_path, days=1, on_ready=lambda _: None, until_stopped=lambda: None)
        path = tmp_path / "fake-kalshi-key.pem"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        pems.append(path.read_text(encoding="ascii"))
    assert pems[0] != pems[1]
    assert all(pem.startswith("-----BEGIN PRIVATE KEY-----") for pem in pems)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotDoError, match=f"port {port}: .*in use"):
            rehearse(
                tmp_path, days=1, port=port, on_ready=lambda _: None, until_stopped=lambda: None
            )


def test_an_old_generation_gets_a_world_that_it_can_say(tmp_path: Path) -> None:
    held: list[Ready] = []

    def use() -> None:
        with Client(held[0].exchange) as client:
            assert "yes_price_fixed" in client.told("/portfolio/fills")["fills"][0]

    rehearse(tmp_path, days=2, generation="1", on_ready=held.append, until_stopped=use)
    assert held


def test_a_rehearsal_ends_however_it_is_stopped(tmp_path: Path) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rehearse(tmp_path, days=1, on_ready=lambda _: None, until_stopped=interrupted)
