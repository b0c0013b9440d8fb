"""Measure what replay promises, and what a user would pick instead, on the mixed log."""

import math
import statistics
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.benchmarks.measuring import (
    FOLDER,
    Measured,
    Task,
    against,
    in_turns,
    line,
    note,
    once,
)
from tests.benchmarks.mixed import BEHIND, LATE, write_log

REBUILT_RATE = 10_000_000 / 60
REBUILT_MB = 6 * 1024
SMALL_MEMORY = "3GB"
EXPLAINED = 5
LARGE = 2_000_000
"""From here on a task runs once, and baselines that would take hours are not run."""
BOOKED = (
    ("0", "in one account", (2_500, 7_500)),
    ("1", "in an account each", (10_000, 40_000)),
)
BENCH_PYTHON = Path(".venv-bench", "bin", "python")


@dataclass(slots=True)
class Run:
    """One run of the benchmark: sizes of logs, ascending, and what was built of them."""

    sizes: tuple[int, ...]
    runs: int
    rebuilt: dict[int, Measured] = field(default_factory=dict)

    @property
    def largest(self) -> int:
        """The size at which everything is measured."""
        return self.sizes[-1]

    @property
    def affordable(self) -> int:
        """The largest size that slow baselines are asked to do."""
        return max(size for size in self.sizes if size <= LARGE or size == self.sizes[0])

    def runs_of(self, size: int) -> int:
        """Say how often a task of that size runs."""
        return self.runs if size <= LARGE else 1

    def log(self, size: int) -> str:
        """Return the log of a size; it is written once and kept."""
        path = FOLDER / f"mixed-{size}.sqlite"
        if not path.exists():
            note(f"writing {size:,} events into {path} …")
            part = path.with_suffix(".part")
            for left_over in FOLDER.glob(f"{part.name}*"):
                left_over.unlink()
            write_log(part, size)
            part.rename(path)
        return str(path)

    def current(self, size: int) -> str:
        """Return a projection of all events of a log, built once in a run."""
        path = projection("current", size)
        if size not in self.rebuilt:
            self.rebuilt[size] = once("rebuild", self.log(size), path)
        return path


def projection(name: str, size: int) -> str:
    """Return where a projection of a log is put."""
    return str(FOLDER / f"{name}-{size}.duckdb")


def rebuilding(run: Run) -> None:
    """Rebuild every size; at the largest one also with little memory, and beside the floor."""
    for size in run.sizes:
        log = run.log(size)
        tasks: list[Task] = [("rebuild", log, projection("current", size))]
        if size == run.largest:
            tasks += [
                ("rebuild", log, projection("small", size), "own", "0", SMALL_MEMORY),
                ("rebuild", log, projection("alone", size), "own", "0", "", "1"),
                ("floor", log),
                ("read-raw", log),
            ]
        measured = in_turns(tasks, run.runs_of(size))
        run.rebuilt[size] = measured[0]
        line(f"full rebuild of {size:,} events", measured[0])
    _beside(*measured)
    if len(run.sizes) > 1:
        seconds = [run.rebuilt[size].seconds for size in run.sizes]
        note(f"cost grows with events to the power of {exponent(run.sizes, seconds):.2f}")
    for name in ("small", "alone"):
        Path(projection(name, run.largest)).unlink()


def _beside(
    full: Measured, small: Measured, alone: Measured, floor: Measured, read: Measured
) -> None:
    line(f"  with a memory limit of {SMALL_MEMORY}", small)
    line("  with one thread", alone)
    line("  floor: read, parse JSON once, sort once", floor)
    line("  read alone", read)
    for other in (small, alone):
        assert other.figures["fingerprint"] == full.figures["fingerprint"], "another result"
    note(f"the three have one fingerprint: {full.figures['fingerprint']}")
    against(f"rebuild: {full.rate:,.0f} events/s", full.rate, round(REBUILT_RATE))
    against(f"rebuild: peak memory {full.peak_mb:,} MB", -full.peak_mb, -REBUILT_MB)
    note(f"rebuild: {full.seconds / floor.seconds:.1f} x the floor")
    share = full.seconds_of("fingerprints_seconds") / full.seconds
    against(f"fingerprints: {share:.1%} of the rebuild", -share, -0.15)
    note(f"the projection's file: {full.figures['file_mb']:,} MB")


def exponent(sizes: tuple[int, ...], seconds: list[float]) -> float:
    """Return the slope of seconds over sizes, both as logarithms."""
    xs, ys = [list(map(math.log, values)) for values in (sizes, seconds)]
    return statistics.linear_regression(xs, ys).slope


def segmenting(run: Run) -> None:
    """Keep the largest log in segments, and rebuild from them."""
    size = run.largest
    log, folder = run.log(size), str(FOLDER / f"segments-{size}")
    target = projection("kept", size)
    made = once("segments", log, folder)
    run.current(size)
    from_segments = ("rebuild", log, target, "own", "0", "", "0", folder)
    rebuilt = in_turns([from_segments], run.runs_of(size))[0]
    line("making segments", made)
    line("full rebuild from segments", rebuilt)
    log_mb = Path(log).stat().st_size // 10**6
    note(f"the segments: {made.figures['mb']:,} MB, the log {log_mb:,} MB")
    same = run.rebuilt[size].figures["fingerprint"]
    assert rebuilt.figures["fingerprint"] == same, "another result"
    Path(target).unlink()


def advancing(run: Run) -> None:
    """Bring a projection up to the events behind it: in order, then late ones."""
    size = run.largest
    before, after = projection("before", size), projection("advanced", size)
    once("rebuild", run.log(size), before, "own", str(size - BEHIND))
    (advanced,) = in_turns([("advance", run.log(size), before, after)], run.runs)
    line(f"project {advanced.events:,} events in order on {size:,}", advanced)
    late = advanced.seconds_of("late_seconds")
    against(f"in order: {advanced.seconds:.2f} s", -advanced.seconds, -0.5)
    against(f"{LATE} late ones: {late:.2f} s", -late, -2)
    note(f"copying the file first: {advanced.seconds_of('copy_seconds'):.2f} s")
    run.current(size)
    full = run.rebuilt[size].figures["fingerprint"]
    same = advanced.figures["fingerprint"] == full
    note(f"its fingerprint is {'that' if same else 'NOT that'} of a full rebuild")
    for path in (before, after):
        Path(path).unlink()


def explaining(run: Run) -> None:
    """Explain days, trades, instruments, fills and cash, drawn at random."""
    size = run.largest
    explained = once("explain", run.log(size), run.current(size), str(EXPLAINED))
    line(f"explain {explained.events} figures of {size:,} events", explained, "figures")
    worst = explained.seconds_of("worst_seconds")
    against(f"the slowest, {explained.figures['worst']}: {worst:.2f} s", -worst, -1)


def comparing(run: Run) -> None:
    """Compare two projections of one log that other rules made."""
    size = run.largest
    other = projection("other", size)
    once("rebuild", run.log(size), other, "other")
    (compared,) = in_turns([("diff", run.current(size), other)], run.runs_of(size))
    line(f"diff of two projections of {size:,} events", compared)
    aim = 60 * max(size / 10_000_000, 0.1)
    against(f"diff: {compared.seconds:.1f} s", -compared.seconds, -aim)
    Path(other).unlink()


def baselines(run: Run) -> None:
    """Replay the same events as a user would otherwise, to the same closed lots.

    Each does less than a rebuild: closed lots in memory, against all tables in a file.
    """
    size = run.affordable
    current = run.current(size)
    log = run.log(size)
    ours, plain, wide, library = in_turns(
        [
            ("rebuild", log, current),
            ("per-event", log),
            ("per-event-wide", log),
            ("aggregates", log),
        ],
        run.runs_of(size),
    )
    run.rebuilt[size] = ours
    lots = once("closed-lots", current)
    line(f"full rebuild of {size:,} events", ours)
    line("  event by event: pydantic, Decimal, deques", plain)
    line("  event by event, more tables (Kalshi only)", wide)
    line("  aggregates of eventsourcing, events decoded before", library, "fills")
    for other in (plain, library):
        assert other.figures["digest"] == lots.figures["digest"], "other closed lots"
    note(f"{lots.figures['closed_lots']:,} closed lots, the same in all, by instrument")
    fills = int(lots.figures["fills"]) / ours.seconds
    against(f"rebuild: {ours.rate / plain.rate:.1f} x event by event", ours.rate / plain.rate, 5)
    note(f"rebuild: {ours.rate / wide.rate:.1f} x event by event with more tables")
    note(f"rebuild: {fills / library.rate:.1f} x the aggregates, in fills")
    if run.largest > size:
        _per_event_at_large(run)
    _beancount(run, fills)


def _per_event_at_large(run: Run) -> None:
    current = run.current(run.largest)
    ours, plain = run.rebuilt[run.largest], once("per-event", run.log(run.largest))
    lots = once("closed-lots", current)
    assert plain.figures["digest"] == lots.figures["digest"], "other closed lots"
    line(f"  event by event, {run.largest:,} events", plain)
    against(f"rebuild: {ours.rate / plain.rate:.1f} x event by event", ours.rate / plain.rate, 5)


def _beancount(run: Run, fills: float) -> None:
    if not BENCH_PYTHON.exists():
        note("beancount is left out: `make bench-baselines` makes an environment for it")
        return
    log = run.log(run.sizes[0])
    for apart, how, sizes in BOOKED:
        booked = in_turns(
            [("double-entry", log, str(most), apart, str(BENCH_PYTHON)) for most in sizes],
            run.runs,
        )
        for most, measured in zip(sizes, booked, strict=True):
            its_own = replace(measured, peak_mb=int(measured.figures["peak_of_it_mb"]))
            line(f"  beancount, {most:,} fills, holdings {how}", its_own, "fills")
        last = booked[-1]
        against(f"rebuild: {fills / last.rate:.0f} x beancount, in fills", fills / last.rate, 50)
        power = exponent(sizes, [measured.seconds for measured in booked])
        hours = last.seconds * (run.largest / last.events) ** power / 3600
        note(f"extrapolated to {run.largest:,} fills by its power of {power:.2f}: {hours:,.2f} h")
