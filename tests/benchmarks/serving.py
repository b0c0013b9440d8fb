"""A made exchange in a process of its own: `python -m tests.benchmarks.serving FILLS`.

Says where it is as one line of JSON and serves until its standard input ends.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from subprocess import PIPE, Popen

from adapters.kalshi import signing
from adapters.kalshi.sites import site
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.world import World
from tools.fetch import Access

ALWAYS = timedelta(days=10_000)


def serve(fills: int) -> None:
    """Serve a world of so many fills at the lowest tier: 20 requests a second."""
    with Exchange(World.of_size(fills), tier="basic", live_window=ALWAYS) as exchange:
        told = [exchange.url, exchange.stream_url, exchange.key_id, exchange.key_pem]
        print(json.dumps(told), flush=True)
        sys.stdin.read()


@contextmanager
def serving(fills: int) -> Iterator[Access]:
    """Start the exchange and give access to it."""
    command = [sys.executable, "-m", "tests.benchmarks.serving", str(fills)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as server:
        assert server.stdout is not None, "asked for"
        rest, stream, key_id, pem = json.loads(server.stdout.readline())
        yield Access(site(rest, stream), signing.load(key_id, pem=pem, file=None))
        assert server.stdin is not None, "asked for"
        server.stdin.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
