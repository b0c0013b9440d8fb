"""Load a ledger with beancount: `.venv-bench/bin/python tests/benchmarks/run_beancount.py FILE`.

Runs in an environment of its own, and knows nothing of this project: beancount is no part of it.
Prints seconds, transactions, errors, what they realized, and the peak memory.
"""

import json
import resource
import sys
import time
from decimal import Decimal

from beancount import loader  # type: ignore[import-not-found]
from beancount.core.data import Transaction  # type: ignore[import-not-found]


def main(path: str) -> None:
    """Load the file and sum up the P&L that booking found."""
    start = time.perf_counter()
    entries, errors, _ = loader.load_file(path)
    seconds = time.perf_counter() - start
    booked = [entry for entry in entries if isinstance(entry, Transaction)]
    realized = sum(
        (
            -posting.units.number
            for entry in booked
            for posting in entry.postings
            if posting.account == "Income:PnL"
        ),
        Decimal(0),
    )
    told = {
        "seconds": seconds,
        "events": len(booked),
        "errors": len(errors),
        "gross": f"{realized:.8f}",
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "busy_seconds": time.process_time(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
