"""`make bench`: measure, compare, print the table that docs/performance.md publishes."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tests.benchmarks.corpus import write_log

FOLDER = Path("build", "benchmarks")
APPENDED = 100_000
FETCHED = 100_000
STATEMENT = 1_300_000
LARGE_STATEMENT = 200_000_000
RECORDED = 2_000


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians over the runs of one task."""

    seconds: float
    events: int
    peak_mb: int
    busy_seconds: float

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds


def main() -> None:
    """Run all comparisons and print them."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--fills", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(_machine())
    log = FOLDER / f"log-{chosen.fills}.sqlite"
    if not log.exists():
        print(f"writing {chosen.fills:,} fills into {log} …", flush=True)
        part = log.with_suffix(".part")
        for left_over in FOLDER.glob(f"{part.name}*"):
            left_over.unlink()
        write_log(part, chosen.fills)
        part.rename(log)
    for batch in (1, 100, 1000):
        fills = APPENDED if batch > 1 else APPENDED // 20
        ours, raw = in_turns(
            [("append", str(fills), str(batch)), ("append-raw", str(fills), str(batch))],
            chosen.runs,
        )
        line(f"append, batches of {batch:,}, durable and sealed", ours)
        line("  raw sqlite3 inserts of the same bytes", raw)
        against(f"{ours.rate / raw.rate:.2f} of raw", ours.rate / raw.rate, 0.5)
    rebuilt, alone, read, plain = in_turns(
        [
            ("rebuild", str(log), "0"),
            ("rebuild", str(log), "1"),
            ("read-raw", str(log)),
            ("per-event", str(log)),
        ],
        chosen.runs,
    )
    line("full rebuild, all cores", rebuilt)
    line("full rebuild, one thread", alone)
    line("reading the same log raw", read)
    line("per-event Python replay of the same tables", plain)
    against(f"rebuild: {rebuilt.rate:,.0f} events/s", rebuilt.rate, 150_000)
    times = rebuilt.rate / plain.rate
    against(f"rebuild: {times:.1f} x the per-event replay", times, 4)
    against(f"rebuild: peak memory {rebuilt.peak_mb:,} MB", -rebuilt.peak_mb, -2048)
    print(f"  rebuild: {rebuilt.seconds / read.seconds:.1f} x the time of a raw read")
    _fetching(chosen.runs)
    _flex(chosen.runs)
    _recording(chosen.runs)


def _recording(runs: int) -> None:
    """Record as a bot does, against the bare write and fsync, and take the spool in."""
    synced, bare, unsynced, taken = in_turns(
        [
            ("record", str(RECORDED), "1"),
            ("record-bare", str(RECORDED)),
            ("record", str(RECORDED * 50), "0"),
            ("spool", str(RECORDED * 50)),
        ],
        runs,
    )
    line("record, each line synced", synced)
    line("  lines of that length written and synced, no more", bare)
    line("record, without fsync", unsynced)
    line("take the spool in, appended", taken)
    # in work of ours: how long a disk takes differs more from run to run
    beyond = (synced.busy_seconds - bare.busy_seconds) / synced.events * 1_000_000
    against(f"record: {beyond:.0f} microseconds a line beyond the fsync", -beyond, -1000)


def _flex(runs: int) -> None:
    """Take Flex statements in: an ordinary one against the parser alone, and a very large one."""
    read, parsed, taken = in_turns(
        [(name, str(STATEMENT)) for name in ("flex-read", "flex-parse", "flex-ingest")], runs
    )
    line(f"make the events of a statement of {STATEMENT / 1e6:.1f} MB", read)
    line("  lxml parsing it into a tree once", parsed)
    line("  ingest it, appended", taken)
    times = read.seconds / parsed.seconds
    against(f"flex: {times:.1f} x the time of parsing alone", -times, -5)
    (large,) = in_turns([("flex-ingest", str(LARGE_STATEMENT))], 1)
    line(f"ingest a statement of {LARGE_STATEMENT / 1e6:.0f} MB, appended", large)
    against(f"flex: peak memory {large.peak_mb:,} MB", -large.peak_mb, -500)


def _fetching(runs: int) -> None:
    """Fetch from a made exchange at the lowest tier's rate limit."""
    fetched, bare, small = in_turns(
        [
            ("fetch", str(FETCHED)),
            ("fetch-bare", str(FETCHED)),
            ("fetch", str(FETCHED // 10)),
        ],
        runs,
    )
    line(f"fetch an account of {FETCHED:,} fills, appended", fetched)
    line("  the same pages asked for, nothing done with them", bare)
    line(f"fetch an account of {FETCHED // 10:,} fills", small)
    times = fetched.seconds / bare.seconds
    against(f"fetch: {times:.2f} x the time of asking alone", -times, -1.25)
    share = fetched.busy_seconds / fetched.seconds
    print(f"  fetch: our own work is {share:.0%} of the wall time")
    growth = fetched.peak_mb / small.peak_mb
    against(f"fetch: {growth:.2f} x the memory for 10 x the fills", -growth, -1.25)


def in_turns(tasks: list[tuple[str, ...]], runs: int) -> list[Measured]:
    """Run the tasks A B C A B C …, each in a process of its own; return their medians."""
    seen: list[list[dict[str, float]]] = [[] for _ in tasks]
    for _ in range(runs):
        for number, task in enumerate(tasks):
            seen[number].append(_run(task))
    return [
        Measured(
            seconds=statistics.median(one["seconds"] for one in runs_of_task),
            events=int(runs_of_task[0]["events"]),
            peak_mb=int(max(one["peak_mb"] for one in runs_of_task)),
            busy_seconds=statistics.median(one["busy_seconds"] for one in runs_of_task),
        )
        for runs_of_task in seen
    ]


def _run(task: tuple[str, ...]) -> dict[str, float]:
    arguments = [sys.executable, "-m", "tests.benchmarks.tasks", *task]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def line(what: str, measured: Measured) -> None:
    """Print one figure."""
    print(
        f"{what:<52} {measured.seconds:>8.2f} s {measured.rate:>10,.0f} events/s "
        f"{measured.peak_mb:>6,} MB",
        flush=True,
    )


def against(told: str, figure: float, aim: float) -> None:
    """Print a figure and whether it reaches what was aimed at; a negative aim is an upper limit."""
    reached = "reached" if figure >= aim else "NOT reached"
    print(f"  {told} (aim {abs(aim):,}: {reached})", flush=True)


def _machine() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("duckdb", "eventsourcing"))
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {versions}"


main()
