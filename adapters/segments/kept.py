"""The segments of a folder: a chain from the first position on, checked against the log."""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from adapters.segments import segment as segments
from adapters.segments.segment import BadSegmentError, Segment
from adapters.segments.writing import UNFINISHED, flush, write
from domain.errors import CannotDoError
from replay.ports import EventLog, Run

SEGMENT_EVENTS: Final = 1_000_000
_LOCK: Final = ".lock"

Progress = Callable[[int, int], None]
"""Called with how many events are done, and how many there are to do."""


class Problem(NamedTuple):
    """A segment that is not used, and why."""

    segment: str
    what: str


class Range(NamedTuple):
    """A range of positions, both ends included."""

    first: int
    last: int


@dataclass(slots=True)
class KeptSegments:
    """The segments in a folder, for use in one rebuild; a `Segments` of `replay.ports`.

    used       how many events were read from them
    problems   what was found on the way: the segments from there on were not used
    """

    folder: Path
    log: EventLog
    used: int = 0
    problems: list[Problem] = field(default_factory=list)

    def runs(self, until: int) -> Iterator[Run]:
        """Yield runs that are good; the files of the next are checked while one is worked on."""
        self.used, self.problems = 0, []
        chain = _Chain(self.folder, self.log, self.problems)
        with ThreadPoolExecutor(max_workers=1) as checker:
            ahead = checker.submit(chain.next_good)
            while (found := ahead.result()) is not None and found.first <= until:
                if found.last < until:
                    ahead = checker.submit(chain.next_good)
                yield Run(found.first - 1, found.last, found.paths())
                self.used = min(found.last, until)
                if found.last >= until:
                    return

    def warning(self) -> str:
        """Return what there is to say if some could not be used, '' if all could."""
        if not self.problems:
            return ""
        name, what = self.problems[0]
        return (
            f"segment {name} was not used, nor any behind it ({what}): the log was read instead; "
            "`brokertruth segments make` writes them anew"
        )


class _Chain:
    """A walk along the segments of a folder, from the first position on, while they are good."""

    def __init__(self, folder: Path, log: EventLog, problems: list[Problem]) -> None:
        self.folder = folder
        self.log = log
        self.last = 0
        self.digest = ""
        self.problems = problems

    def next_good(self, *, with_files: bool = True) -> Segment | None:
        """Return the next segment; None at the end, or where no good one follows."""
        for first, last in sorted(ranges(self.folder), reverse=True):
            # the longest: one that was killed may have left a shorter one beside it
            if first != self.last + 1:
                continue
            name = segments.folder_name(first, last)
            try:
                found = self._judged(self.folder / name, with_files=with_files)
            except BadSegmentError as error:
                self.problems.append(Problem(name, str(error)))
                continue
            self.last, self.digest = found.last, found.digest
            return found
        behind = [one for one in ranges(self.folder) if one.first > self.last + 1]
        if behind and not self.problems:
            what = f"the one before it, from {self.last + 1:,} on, is missing"
            self.problems.append(Problem(segments.folder_name(*behind[0]), what))
        return None

    def _judged(self, folder: Path, *, with_files: bool) -> Segment:
        found = segments.read(folder)
        if found.content.previous != self.digest:
            message = "it does not follow the one before it"
            raise BadSegmentError(message)
        refuse_other_log(self.log, found)
        if with_files:
            segments.refuse_changed(found)
        return found


def refuse_other_log(log: EventLog, segment: Segment) -> None:
    """Raise BadSegmentError where the log's seal at the end of a segment is another."""
    seal = log.seal_of(segment.last)
    if seal is None or seal.last != segment.last or seal.digest.hex() != segment.content.seal:
        message = "it is of another log, or of one that was longer: the seals differ"
        raise BadSegmentError(message)


def ranges(folder: Path) -> list[Range]:
    """Return the ranges that the names of the folders say, in order."""
    try:
        names = [path.name for path in folder.iterdir() if path.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        message = f"cannot read {folder}: {error.strerror}"
        raise CannotDoError(message) from error
    found = (segments.range_of(name) for name in names)
    return sorted(Range(*one) for one in found if one is not None)


@dataclass(frozen=True, slots=True)
class Found:
    """The good segments of a folder from the first position on, and what ended them."""

    good: tuple[Segment, ...]
    problems: tuple[Problem, ...]


def look(folder: Path, log: EventLog, *, with_files: bool = True) -> Found:
    """Return what is in a folder; without files, what they hold is not looked at."""
    problems: list[Problem] = []
    walk = _Chain(folder, log, problems)
    good: list[Segment] = []
    while (one := walk.next_good(with_files=with_files)) is not None:
        good.append(one)
    return Found(tuple(good), tuple(problems))


@dataclass(frozen=True, slots=True)
class Making:
    """What there is to do: segments that stay, ranges to write, folders to remove."""

    stay: tuple[Segment, ...]
    write: tuple[Range, ...]
    remove: tuple[str, ...]

    @property
    def events(self) -> int:
        """How many events there are to write."""
        return sum(one.last - one.first + 1 for one in self.write)


def to_make(
    folder: Path, log: EventLog, *, until: int | None = None, size: int = SEGMENT_EVENTS
) -> Making:
    """Return what is missing, up to the last seal, or the last one up to a position.

    All segments but the last one have `size` events, and a few more to the end of a seal; the last
    one is written anew when more has come.
    """
    good = look(folder, log).good
    wanted = _cuts(log, until, size)
    stay = [one for one, cut in zip(good, wanted, strict=False) if (one.first, one.last) == cut]
    if good and wanted and good[-1].last >= wanted[-1].last:
        stay, wanted = list(good), []
    kept = {one.folder.name for one in stay}
    names = [segments.folder_name(*one) for one in ranges(folder)]
    remove = tuple(name for name in names if name not in kept)
    return Making(tuple(stay), tuple(wanted[len(stay) :]), remove)


def _cuts(log: EventLog, until: int | None, size: int) -> list[Range]:
    """Return the ranges of all segments that the log should have."""
    head = log.seal_head()
    end = head.last if head else 0
    if until is not None and until < end:
        seal = log.seal_of(until)
        end = 0 if seal is None else seal.last if seal.last == until else seal.first - 1
    found: list[Range] = []
    last = 0
    while last < end:
        seal = log.seal_of(last + size)
        first, last = last + 1, min(seal.last if seal else end, end)
        found.append(Range(first, last))
    return found


def make(folder: Path, log: EventLog, making: Making, progress: Progress) -> list[Segment]:
    """Write what is missing, and remove what is not good; return what was written."""
    made: list[Segment] = []
    digest = making.stay[-1].digest if making.stay else ""
    done = 0
    for first, last in making.write:
        progress(done, making.events)
        made.append(write(log, folder, first, last, digest))
        digest = made[-1].digest
        done += last - first + 1
    written = {one.folder.name for one in made}
    for name in making.remove:
        if name not in written:
            remove(folder / name)
    return made


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Be the one process that changes segments; remove what one that was killed had begun.

    Raise CannotDoError where another one is.
    """
    try:
        folder.mkdir(exist_ok=True)
        file = (folder / _LOCK).open("w")
    except OSError as error:
        message = f"cannot write in {folder}: {error.strerror}"
        raise CannotDoError(message) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"{folder}: another brokertruth is changing the segments; wait for it"
            raise CannotDoError(message) from error
        for left_over in folder.glob(f"{UNFINISHED}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        yield


def drop(folder: Path) -> None:
    """Remove all segments."""
    # the last one first: what is left is always a chain
    for one in reversed(ranges(folder)):
        remove(folder / segments.folder_name(*one))


def remove(path: Path) -> None:
    """Remove a segment: first its name, so that nobody begins to read what goes."""
    going = path.with_name(f"{UNFINISHED}{path.name}")
    try:
        shutil.rmtree(going, ignore_errors=True)
        path.replace(going)
        shutil.rmtree(going)
        flush(path.parent)
    except OSError as error:
        message = f"cannot remove {path}: {error.strerror}"
        raise CannotDoError(message) from error
