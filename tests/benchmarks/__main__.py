"""`make bench`: measure, compare, print the tables that docs/performance.md publishes."""

import argparse
import sys
from collections.abc import Callable
from subprocess import CalledProcessError

from tests.benchmarks import replays, taking_in
from tests.benchmarks.measuring import FOLDER, machine, note

SIZES = (100_000, 1_000_000, 10_000_000)
PARTS: dict[str, Callable[[replays.Run], None]] = {
    "append": taking_in.appending,
    "rebuild": replays.rebuilding,
    "segments": replays.segmenting,
    "advance": replays.advancing,
    "explain": replays.explaining,
    "diff": replays.comparing,
    "baselines": replays.baselines,
    "fetch": taking_in.fetching,
    "flex": taking_in.flex,
    "record": taking_in.recording,
}


def main() -> None:
    """Run the parts that were asked for and print them."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="size of the largest log")
    parser.add_argument("--runs", type=int, default=3, help="of each task, the median counts")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    chosen = parser.parse_args()
    parts = chosen.only.split(",")
    if strange := sorted(set(parts) - set(PARTS)):
        parser.error(f"no such part: {', '.join(strange)}; there are {', '.join(PARTS)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    sizes = [size for size in SIZES if size < chosen.events] + [chosen.events]
    run = replays.Run(sizes=tuple(sizes), runs=chosen.runs)
    print(machine())
    failed = []
    for name in parts:
        print(f"\n{name}", flush=True)
        try:
            PARTS[name](run)
        except (CalledProcessError, AssertionError) as error:
            # the parts behind it have hours of their own
            failed.append(name)
            note(f"FAILED: {error}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
