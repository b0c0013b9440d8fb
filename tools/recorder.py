"""The recorder: what a bot knows about its orders, kept in a spool until the ledger takes it in.

One file, standard library only (Python 3.9 or newer, POSIX): import it, or copy it beside the bot.

    recorder = Recorder("book/spool", venue="kalshi")
    recorder.record("bot.order_posted", {"order_id": …, "strategy": …, "instrument": …, …})

`record` returns True once the line is on the disk. It never raises, unless asked to: what goes
wrong is counted, logged once for each reason, and False is returned.

Every process writes files of its own: `TIME-PID-RANDOM.jsonl`, locked as long as the writer lives,
so no writer ever waits for another. The ledger moves a file away only when its lock is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import numbers
import os
import re
import threading
import weakref
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable, Final  # noqa: UP035 - for Python 3.9

KINDS: Final = {
    "bot.order_posted": (
        "strategy! instrument! posted_at! order_id client_order_id side quantity price decision_id"
    ),
    "bot.decision": (
        "decision_id! strategy! instrument! side! outcome! decided_at! reason probability features "
        "model_version price quantity stop_price target_price order_id client_order_id"
    ),
    "bot.exit": (
        "instrument! exited_at! reason! exit_id order_id client_order_id decision_id quantity "
        "price last"
    ),
    "market.quote": "instrument! quoted_at! bid ask mid underlying",
    "market.forecast": "subject! source! forecast_at! target_at value spread unit features",
    "market.observation": "subject! source! observed_at! value unit features",
}
"""The members of each kind; those with a mark must be there. More may be there."""
ONE_OF: Final = {
    "bot.order_posted": ("order_id", "client_order_id"),
    "market.quote": ("bid", "ask", "mid", "underlying"),
}
"""Members of which one must be there."""
CHOICES: Final = {
    "side": ("yes", "no", "buy", "sell"),
    "outcome": ("posted", "shadow", "skipped"),
}
PLACES: Final = {
    **dict.fromkeys(("quantity",), (10, 8)),
    **dict.fromkeys(("price", "stop_price", "target_price"), (9, 9)),
    **dict.fromkeys(("bid", "ask", "mid", "underlying"), (9, 9)),
    **dict.fromkeys(("probability", "value", "spread"), (12, 26)),
}
"""Digits that a number may have before the point and behind it."""
MODES: Final = ("live", "paper")
TEXT_LENGTH_MAX: Final = 1000
DEPTH_MAX: Final = 64
"""Levels of objects and lists in a payload, with the payload's own."""
KEY_LENGTH_MAX: Final = 500
LINE_BYTES_MAX: Final = 1_000_000
SUFFIX: Final = ".jsonl"

_VENUE: Final = re.compile(r"[a-z][a-z0-9]{0,31}")
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,6}0*)?"
    r"(?:Z|([+-])(0[0-9]|1[0-3]|14(?=:00)):([0-5][0-9]))"
)
_NAMES_TRIED: Final = 10
_REASONS_TOLD_MAX: Final = 1000
_TOLD: Final = logging.getLogger("brokertruth.recorder")
_UTC: Final = timezone.utc  # noqa: UP017 - for Python 3.9


class RecorderError(Exception):
    """A record that is not acknowledged; raised only where it was asked for."""


class Recorder:
    """Records into a folder, in a file of this process's own. For any number of threads.

    A child of a fork gets a file of its own. `account` and `mode` are the book's where they are not
    told. Raise ValueError for names that no ledger takes; nothing else, unless `strict`.
    """

    def __init__(
        self,
        spool: str | os.PathLike[str],
        venue: str = "kalshi",
        *,
        account: str | None = None,
        mode: str | None = None,
        fsync: bool = True,
        strict: bool = False,
        size_max: int = 16 * 1024 * 1024,
    ) -> None:
        """Remember where to write; the folder is made by the first record."""
        self._begin()
        if not _VENUE.fullmatch(venue):
            raise ValueError(f"venue {venue!r}: name the broker, such as kalshi or ibkr")
        if account is not None and not _ACCOUNT.fullmatch(account):
            raise ValueError(f"account {account!r}: use letters, digits, '.', '_' and '-'")
        if mode is not None and mode not in MODES:
            raise ValueError(f"mode {mode!r}: use one of {', '.join(MODES)}")
        self.spool = Path(spool)
        with contextlib.suppress(OSError):
            # a bot that changes its folder goes on in the same spool
            self.spool = self.spool.absolute()
        self.venue, self.account, self.mode = venue, account, mode
        self.fsync, self.strict, self.size_max = fsync, strict, size_max
        self.recorded = 0
        self.failed = 0
        self.last_error: str | None = None
        self._told: set[str] = set()
        self._started_at = datetime.min.replace(tzinfo=_UTC)
        self._unsynced: list[Path] = []
        _RECORDERS.add(self)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._file: int | None = None
        self._path = Path()
        self._size = 0

    def __enter__(self) -> Recorder:  # noqa: PYI034 - for Python 3.9
        """Return the recorder itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def __del__(self) -> None:
        """Close the file of a recorder that nobody holds any more."""
        with contextlib.suppress(Exception):
            self.close()

    def record(self, kind: str, payload: Mapping[str, Any], key: str | None = None) -> bool:
        """Append one record; tell whether it is on the disk.

        `key` is what makes it one of a kind, where the payload's own ids do not: the same key again
        is the same thing, told anew.
        """
        try:
            with self._lock:
                now = datetime.now(_UTC)
                self._write(self._line(kind, payload, key, now), now)
                self.recorded += 1
        except Exception as error:
            self._fail(kind, error)
            if self.strict:
                raise RecorderError(self.last_error) from error
            return False
        return True

    def close(self) -> None:
        """Let go of the file; the next record begins another."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                with contextlib.suppress(OSError):
                    if not self._size:
                        # still locked, so nobody has moved it
                        self._path.unlink()
                with contextlib.suppress(OSError):
                    os.close(file)

    def _fail(self, kind: object, error: Exception) -> None:
        self.failed += 1
        wrong = error.strerror if isinstance(error, OSError) else None
        reason = wrong or _said(error) or type(error).__name__
        where = f"{self.spool}: " if wrong else ""
        self.last_error = f"{where}{_said(kind)[:40]} was not recorded: {reason}"
        if self.last_error not in self._told and len(self._told) < _REASONS_TOLD_MAX:
            self._told.add(self.last_error)
            # whatever listens to the log must not stop a trade
            with contextlib.suppress(Exception):
                _TOLD.error("%s (told once)", self.last_error)

    def _line(self, kind: str, payload: Mapping[str, Any], key: str | None, now: datetime) -> bytes:
        if key is not None and not (isinstance(key, str) and 0 < len(key) <= KEY_LENGTH_MAX):
            raise ValueError(f"a key is a text of 1 to {KEY_LENGTH_MAX} characters")
        said = {"account": self.account, "mode": self.mode, "key": key}
        envelope = {
            "v": 1,
            "kind": kind,
            "venue": self.venue,
            **{name: value for name, value in said.items() if value is not None},
            "recorded_at": _spoken(now),
            "payload": encoded(kind, payload),
        }
        line = _as_json(envelope).encode() + b"\n"
        if len(line) > LINE_BYTES_MAX:
            raise ValueError(f"longer than {LINE_BYTES_MAX:,} bytes")
        return line

    def _write(self, line: bytes, now: datetime) -> None:
        """Append a line in one piece. After a failure the next one begins another file."""
        if self._file is not None and not self._fits(self._file, line, now):
            self.close()
        file = self._open(now) if self._file is None else self._file
        whole = False
        try:
            written = os.write(file, line)
            self._size += written
            whole = written == len(line)
            if whole and self.fsync:
                os.fsync(file)
        except BaseException:
            self.close()
            raise
        if not whole:
            self.close()
            raise RecorderError("the disk took a part of the line only; is it full?")

    def _fits(self, file: int, line: bytes, now: datetime) -> bool:
        full = self._size > 0 and self._size + len(line) > self.size_max
        is_gone = os.fstat(file).st_nlink == 0
        return not (full or is_gone or now.date() > self._started_at.date())

    def _open(self, now: datetime) -> int:
        self._make_folder()
        # names sort in the order of their making although the clock may be set back
        self._started_at = max(now, self._started_at + timedelta(microseconds=1))
        stamp = self._started_at.strftime("%Y%m%dT%H%M%S.%fZ")
        for _ in range(_NAMES_TRIED):
            path = self.spool / f"{stamp}-{os.getpid():07}-{os.urandom(4).hex()}{SUFFIX}"
            file = _made(path)
            if file is not None:
                self._file, self._path, self._size = file, path, 0
                try:
                    if self.fsync:
                        _sync(self.spool)
                except BaseException:
                    # the next record must not rest on a name that may not last
                    self.close()
                    raise
                return file
        raise RecorderError(f"no new file could be made in {self.spool}")

    def _make_folder(self) -> None:
        missing = [path for path in (self.spool, *self.spool.parents) if not path.is_dir()]
        if missing:
            self._unsynced += [path.parent for path in missing]
            self.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        while self.fsync and self._unsynced:
            _sync(self._unsynced[-1])
            self._unsynced.pop()

    def _after_fork(self) -> None:
        # closing does not unlock: the parent has the same file open
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
        self._begin()


def _made(path: Path) -> int | None:
    """Return a new, locked file; None where the name is taken, or the ledger was faster."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None
    try:
        _lock(file)
        if os.stat(path).st_ino == os.fstat(file).st_ino:  # noqa: PTH116
            return file
    except (BlockingIOError, FileNotFoundError):
        # it was taken for one whose writer has died, and moved
        pass
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(file)
        raise
    os.close(file)
    return None


def _lock(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        raise RecorderError(
            f"files cannot be locked here ({error.strerror}); keep the spool on a local disk"
        ) from error


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _said(thing: object) -> str:
    """Return a thing as text; nothing of one that cannot even say what it is."""
    try:
        return str(thing)
    except Exception:  # noqa: BLE001 - it is not ours
        return ""


_RECORDERS: Final[weakref.WeakSet[Recorder]] = weakref.WeakSet()


def _forked() -> None:
    for recorder in list(_RECORDERS):
        recorder._after_fork()  # noqa: SLF001


os.register_at_fork(after_in_child=_forked)


# --- payloads ------------------------------------------------------------------------------------


def encoded(kind: str, payload: Mapping[str, Any]) -> dict[str, object]:
    """Return a payload as it is written. Raise ValueError or TypeError for what no ledger takes.

    At the top, numbers become texts, so that no digit is lost; times become UTC. A float is no
    exact number: it is written to the places that its member has. What is nested stays.
    """
    if kind not in KINDS:
        raise ValueError(f"no such kind; there are {', '.join(KINDS)}")
    if not isinstance(payload, Mapping):
        raise TypeError("the payload is no mapping of names to values")
    told = {}
    for name, value in payload.items():
        if not isinstance(name, str):
            raise TypeError(f"the name {name!r} is no text")
        told[name] = _plain(name, value)
    for word in KINDS[kind].split():
        name = word.rstrip("!")
        if told.get(name) is not None:
            _check(name, told[name])
        if word != name and told.get(name) in (None, ""):
            raise ValueError(f"{name} is missing")
    one_of = ONE_OF.get(kind, ())
    if one_of and all(told.get(name) in (None, "") for name in one_of):
        raise ValueError(f"{', '.join(one_of)}: all are missing")
    return told


def _plain(name: str, value: object) -> object:
    if isinstance(value, (Mapping, list, tuple)):
        return _nested(value, 1)
    if isinstance(value, datetime):
        return _spoken(value, name)
    if isinstance(value, Decimal):
        return _digits(value, name)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return _rounded(Decimal(repr(float(value))), name)  # tidy: allow float - it came as one
    return value


def _rounded(number: Decimal, name: str) -> str:
    text = _digits(number, name)
    _, behind = PLACES.get(name, (0, len(text)))
    if len(text.partition(".")[2]) > behind:
        return format(number, f".{behind}f").rstrip("0").rstrip(".")
    return text


def _digits(number: Decimal, name: str) -> str:
    if not number.is_finite():
        raise ValueError(f"{name} is {number}, no number")
    return format(number, "f")


def _spoken(moment: datetime, name: str = "time") -> str:
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{name} has no time zone; use datetime.now(timezone.utc)")
    return moment.astimezone(_UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _check(name: str, value: object) -> None:
    """Refuse what the ledger would. Values are not told: they may be anything."""
    if name == "features":
        wrong = None if isinstance(value, Mapping) else "is no object"
    elif name == "last":
        wrong = None if isinstance(value, bool) else "is neither true nor false"
    elif not isinstance(value, str):
        wrong = "is no text"
    elif name in PLACES:
        wrong = _wrong_number(value, *PLACES[name])
    elif name in CHOICES:
        wrong = None if value in CHOICES[name] else f"is none of {', '.join(CHOICES[name])}"
    elif name.endswith("_at"):
        wrong = None if _is_moment(value) else "is no time such as 2026-05-11T14:30:00Z"
    elif "\0" in value:
        wrong = "holds a NUL character"
    else:
        wrong = f"is longer than {TEXT_LENGTH_MAX}" if len(value) > TEXT_LENGTH_MAX else None
    if wrong:
        raise ValueError(f"{name} {wrong}")


def _wrong_number(text: str, before: int, behind: int) -> str | None:
    if re.fullmatch(rf"-?[0-9]{{1,{before}}}(\.[0-9]{{1,{behind}}}0*)?", text):
        return None
    return f"is no plain number of at most {before} digits before the point and {behind} behind it"


def _is_moment(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if found is None:
        return False
    *parts, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        local = datetime(*map(int, parts), tzinfo=_UTC)  # type: ignore[arg-type, misc]
        return bool(local + offset if sign == "-" else local - offset)
    except (ValueError, OverflowError):
        return False


def _nested(value: object, depth: int) -> object:
    """Return a value that lies below `depth` levels as JSON can hold it."""
    if not isinstance(value, (Mapping, list, tuple)):
        return value
    if depth >= DEPTH_MAX:
        raise ValueError(f"nested deeper than {DEPTH_MAX} levels")
    if not isinstance(value, Mapping):
        return [_nested(inner, depth + 1) for inner in value]
    told: dict[str, object] = {}
    for name, inner in value.items():
        if not isinstance(name, str):
            raise TypeError(f"the nested name {name!r} is no text")
        if name in told:
            raise ValueError(f"the nested name {name!r} comes twice")
        told[name] = _nested(inner, depth + 1)
    return told


def _scalar(value: object) -> object:
    if isinstance(value, Decimal):
        return _digits(value, "a nested number")
    if isinstance(value, datetime):
        return _spoken(value, "a nested time")
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)  # tidy: allow float - a feature, never money
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


_as_json: Final[Callable[[object], str]] = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_scalar
).encode
