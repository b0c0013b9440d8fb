"""Measure what goes into the log: appends, fetches, statements, what bots record."""

from tests.benchmarks.measuring import against, in_turns, line, note, once
from tests.benchmarks.replays import Run

APPENDED = 100_000
FETCHED = 100_000
STATEMENT = 1_300_000
LARGE_STATEMENT = 200_000_000
RECORDED = 2_000


def appending(run: Run) -> None:
    """Append in batches of several sizes, against bare inserts."""
    for batch in (1, 100, 1000):
        count = str(APPENDED if batch > 1 else APPENDED // 20)
        ours, raw = in_turns(
            [("append", count, str(batch)), ("append-raw", count, str(batch))], run.runs
        )
        line(f"append, batches of {batch:,}, durable and sealed", ours)
        line("  raw sqlite3 inserts of the same bytes", raw)
        against(f"{ours.rate / raw.rate:.2f} of raw", ours.rate / raw.rate, 0.5)


def recording(run: Run) -> None:
    """Record as a bot does, against the bare write and fsync, and take the spool in."""
    synced, bare, unsynced, taken = in_turns(
        [
            ("record", str(RECORDED), "1"),
            ("record-bare", str(RECORDED)),
            ("record", str(RECORDED * 50), "0"),
            ("spool", str(RECORDED * 50)),
        ],
        run.runs,
    )
    line("record, each line synced", synced)
    line("  lines of that length written and synced, no more", bare)
    line("record, without fsync", unsynced)
    line("take the spool in, appended", taken)
    # in work of ours: how long a disk takes differs more from run to run
    beyond = (synced.busy_seconds - bare.busy_seconds) / synced.events * 1_000_000
    against(f"record: {beyond:.0f} microseconds a line beyond the fsync", -beyond, -1000)


def flex(run: Run) -> None:
    """Take Flex statements in: an ordinary one against the parser alone, and a very large one."""
    read, parsed, taken = in_turns(
        [(name, str(STATEMENT)) for name in ("flex-read", "flex-parse", "flex-ingest")], run.runs
    )
    line(f"make the events of a statement of {STATEMENT / 1e6:.1f} MB", read)
    line("  lxml parsing it into a tree once", parsed)
    line("  ingest it, appended", taken)
    times = read.seconds / parsed.seconds
    against(f"flex: {times:.1f} x the time of parsing alone", -times, -5)
    large = once("flex-ingest", str(LARGE_STATEMENT))
    line(f"ingest a statement of {LARGE_STATEMENT / 1e6:.0f} MB, appended", large)
    against(f"flex: peak memory {large.peak_mb:,} MB", -large.peak_mb, -500)


def fetching(run: Run) -> None:
    """Fetch from a made exchange at the lowest tier's rate limit."""
    fetched, bare, small = in_turns(
        [
            ("fetch", str(FETCHED)),
            ("fetch-bare", str(FETCHED)),
            ("fetch", str(FETCHED // 10)),
        ],
        run.runs,
    )
    line(f"fetch an account of {FETCHED:,} fills, appended", fetched)
    line("  the same pages asked for, nothing done with them", bare)
    line(f"fetch an account of {FETCHED // 10:,} fills", small)
    times = fetched.seconds / bare.seconds
    against(f"fetch: {times:.2f} x the time of asking alone", -times, -1.25)
    share = fetched.busy_seconds / fetched.seconds
    note(f"fetch: our own work is {share:.0%} of the wall time")
    growth = fetched.peak_mb / small.peak_mb
    against(f"fetch: {growth:.2f} x the memory for 10 x the fills", -growth, -1.25)
