"""The files of a bot's source tree, and which of them matter.

Every file is compiled, never run: Python then tells whether it can be read at all, and the names in
each function. Only files with a name that leads to a post or to a record are read closely.
"""

import dis
import os
import stat
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from inspect import CO_OPTIMIZED
from pathlib import Path, PurePosixPath
from types import CodeType
from typing import Final

from domain.errors import CannotDoError, UsageError
from tools.lintbot.names import KIND, Vocabulary, is_address, may_be_given

SIZE_MAX_BYTES: Final = 5_000_000
"""A source that is larger was written by no one; it is reported, not read."""

UNREADABLE: Final = (OSError, ValueError, SyntaxError, RecursionError, MemoryError)

# fmt: off
_SKIPPED: Final = frozenset({
    ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", "site-packages", ".tox",
    ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache",
})
# fmt: on
_ADDRESS: Final = "/orders"


@dataclass(frozen=True, slots=True)
class Unit:
    """A function, or the code of a file itself (without a name), and the names in it."""

    file: str
    name: str
    names: tuple[str, ...]


@dataclass(slots=True)
class Sources:
    """What a tree holds.

    files       Python files that Python can read, relative to the root
    unreadable  those that it cannot, with the reason
    skipped     folders and files that were left out
    links       those that lead out of the tree
    constants   names that stand for an address of orders or for the kind of a record
    """

    root: Path
    files: list[str] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    constants: set[str] = field(default_factory=set)

    def content(self, name: str) -> bytes:
        """Return what is in a file. Raise ValueError if it is none, or too large."""
        path = self.root / name if self.root.is_dir() else self.root
        told = path.stat()
        if not stat.S_ISREG(told.st_mode):
            raise ValueError("no regular file")
        if told.st_size > SIZE_MAX_BYTES:
            message = f"{told.st_size:,} bytes; at most {SIZE_MAX_BYTES:,} are read"
            raise ValueError(message)
        return path.read_bytes()

    def refuse(self, name: str, error: BaseException) -> None:
        """Note that a file cannot be read."""
        reason = "nested too deeply"
        if isinstance(error, SyntaxError):
            reason = f"line {error.lineno}: {error.msg}" if error.lineno else error.msg
        elif isinstance(error, OSError):
            reason = error.strerror or type(error).__name__
        elif isinstance(error, ValueError):
            reason = str(error)
        self.unreadable.append((name, reason))


def gather(root: Path, exclude: tuple[str, ...] = ()) -> Sources:
    """Find and compile all files below a folder, or one file. Nothing of it is run.

    Raise UsageError where there is nothing at that path.
    """
    if not root.exists():
        message = f"{root}: there is no such file or folder"
        raise UsageError(message)
    found = Sources(root)
    for name in _names(root, exclude, found) if root.is_dir() else [root.name]:
        try:
            with warnings.catch_warnings():
                # what Python has to say about somebody else's code
                warnings.simplefilter("ignore")
                code = compile(found.content(name), name, "exec", dont_inherit=True)
        except UNREADABLE as error:
            found.refuse(name, error)
        else:
            found.files.append(name)
            found.units.append(Unit(name, "", _read(code, name, found)))
    return found


def leading(sources: Sources, vocabulary: Vocabulary) -> tuple[set[str], set[str]]:
    """Return the names by which an order may be posted or recorded, and the files with such."""
    marks = {_ADDRESS, KIND} | sources.constants
    names = set(marks)
    users: dict[str, list[str]] = defaultdict(list)
    todo = []
    for unit in sources.units:
        direct = {name for name in unit.names if vocabulary.is_direct(name)}
        names |= direct
        given = not {"POST", "post"}.isdisjoint(unit.names) or any(
            may_be_given(name) for name in unit.names
        )
        if direct or (given and not marks.isdisjoint(unit.names)):
            todo.append(unit.name)
        for name in unit.names:
            users[name].append(unit.name)
    while todo:
        name = todo.pop()
        if name and name not in names:
            names.add(name)
            todo += users.get(name, ())
    return names, {unit.file for unit in sources.units if not names.isdisjoint(unit.names)}


def _read(code: CodeType, file: str, found: Sources) -> tuple[str, ...]:
    """Return the names in a piece of code, and note the functions in it."""
    names = {*code.co_names, *code.co_varnames, *code.co_cellvars, *code.co_freevars}
    for constant in _flat(code.co_consts):
        if isinstance(constant, CodeType):
            inner = _read(constant, file, found)
            if constant.co_name.startswith("<") or not constant.co_flags & CO_OPTIMIZED:
                # a lambda, a comprehension or the body of a class
                names.update(inner)
            else:
                *_, owner, name = ("", *constant.co_qualname.split("."))
                found.units.append(Unit(file, owner if name == "__init__" else name, inner))
        elif constant in {KIND, "POST", "post"}:
            names.add(str(constant))
        elif isinstance(constant, str) and is_address(constant):
            names.add(_ADDRESS)
    if not code.co_flags & CO_OPTIMIZED and not {_ADDRESS, KIND}.isdisjoint(names):
        found.constants |= _declared(code)
    return tuple(names)


def _declared(code: CodeType) -> set[str]:
    """Return the names that a file or a class gives to addresses and kinds of records."""
    found = set()
    text = ""
    for told in dis.get_instructions(code):
        if told.opname == "LOAD_CONST":
            text = told.argval if isinstance(told.argval, str) else text
        elif told.opname.startswith("STORE_"):
            if text == KIND or is_address(text):
                found.add(told.argval)
            text = ""
    return found


def _flat(told: tuple[object, ...]) -> Iterator[object]:
    for one in told:
        if isinstance(one, tuple):
            yield from _flat(one)
        else:
            yield one


def _names(root: Path, exclude: tuple[str, ...], found: Sources) -> Iterator[str]:
    real = root.resolve()

    def refuse(error: OSError) -> None:
        message = f"cannot read {error.filename}: {error.strerror}"
        raise CannotDoError(message)

    for folder, folders, files in os.walk(root, onerror=refuse):
        at = Path(folder)
        kept = []
        for name in sorted(folders):
            path = at / name
            relative = path.relative_to(root).as_posix()
            if _left_out(relative, exclude) or name in _SKIPPED or (path / "pyvenv.cfg").exists():
                found.skipped.append(relative)
            elif not path.is_symlink():
                kept.append(name)
            elif not path.resolve().is_relative_to(real):
                # what lies in the tree is read where it lies
                found.links.append(relative)
        folders[:] = kept
        for name in sorted(files):
            path = at / name
            relative = path.relative_to(root).as_posix()
            if _left_out(relative, exclude):
                found.skipped.append(relative)
            elif path.suffix.lower() in {".py", ".pyw"} or (not path.suffix and _is_script(path)):
                yield relative


def _left_out(relative: str, exclude: tuple[str, ...]) -> bool:
    name = PurePosixPath(relative).name
    patterns = [pattern.rstrip("/") for pattern in exclude]
    return any(fnmatch(relative, pattern) or fnmatch(name, pattern) for pattern in patterns)


def _is_script(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            first = file.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first
