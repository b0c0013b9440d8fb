"""Run tasks in turns, each in a process of its own, and print what they took."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

FOLDER = Path("build", "benchmarks")
Task = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians over the runs of one task; other figures are those of the last run."""

    seconds: float
    events: int
    peak_mb: int
    busy_seconds: float
    figures: dict[str, str | int | float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    def seconds_of(self, name: str) -> float:
        """Return a figure that is a number of seconds."""
        return float(self.figures[name])


def in_turns(tasks: Sequence[Task], runs: int) -> list[Measured]:
    """Run the tasks A B C A B C …, each in a process of its own; return their medians."""
    seen: list[list[Measured]] = [[] for _ in tasks]
    for _ in range(runs):
        for number, task in enumerate(tasks):
            seen[number].append(_run(task))
    return [_median(runs_of_task) for runs_of_task in seen]


def _median(seen: list[Measured]) -> Measured:
    return replace(
        seen[-1],
        seconds=statistics.median(one.seconds for one in seen),
        peak_mb=max(one.peak_mb for one in seen),
        busy_seconds=statistics.median(one.busy_seconds for one in seen),
    )


def once(*task: str) -> Measured:
    """Run one task, once."""
    (measured,) = in_turns([task], 1)
    return measured


def _run(task: Task) -> Measured:
    arguments = [sys.executable, "-m", "tests.benchmarks.tasks", *task]
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    return Measured(**json.loads(done.stdout))


def line(what: str, measured: Measured, unit: str = "events") -> None:
    """Print one figure."""
    print(
        f"{what:<52} {measured.seconds:>8.2f} s {measured.rate:>10,.0f} {unit}/s "
        f"{measured.peak_mb:>6,} MB",
        flush=True,
    )


def note(text: str) -> None:
    """Print something that belongs to the line above."""
    print(f"  {text}", flush=True)


def against(told: str, figure: float, aim: float) -> None:
    """Print a figure and whether it reaches what was aimed at; a negative aim is an upper limit."""
    reached = "reached" if figure >= aim else "NOT reached"
    note(f"{told} (aim {abs(aim):,}: {reached})")


def machine() -> str:
    """Say what it ran on."""
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("duckdb", "pydantic", "eventsourcing")
    )
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {versions}"
