"""The files of a bot's source tree: what is read, what is left out, what cannot be read."""

import ast
import os
import stat
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Final

from domain.errors import CannotDoError, UsageError
from tools.lintbot.names import mentions_orders

SIZE_MAX_BYTES: Final = 5_000_000
"""A source that is larger was written by no one; it is reported, not read."""

# fmt: off
_SKIPPED: Final = frozenset({
    ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", "site-packages", ".tox",
    ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache",
})
_PYTHON: Final = frozenset({".py", ".pyw"})
_OTHER: Final = frozenset({
    ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".go", ".rs", ".java", ".kt",
    ".scala", ".cs", ".rb", ".php", ".swift", ".c", ".cc", ".cpp", ".h", ".hpp", ".jl", ".r",
    ".lua", ".ex", ".exs", ".sh", ".ipynb", ".pyx",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file, parsed. `path` is relative to the tree."""

    path: str
    tree: ast.Module


@dataclass(slots=True)
class Sources:
    """What a tree holds.

    unreadable   Python files that could not be read or parsed, with the reason
    not_checked  files in other languages that seem to post orders, and links out of the tree
    skipped      folders and files that were left out
    constants    what names in capitals stand for, anywhere in the tree
    """

    read: list[Source] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    not_checked: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    constants: dict[str, list[ast.expr]] = field(default_factory=lambda: defaultdict(list))


def gather(root: Path, exclude: tuple[str, ...] = ()) -> Sources:
    """Read all files below a folder, or one file. Nothing is imported and nothing is run.

    Raise UsageError where there is nothing at that path.
    """
    if not root.exists():
        message = f"{root}: there is no such file or folder"
        raise UsageError(message)
    found = Sources()
    if not root.is_dir():
        _take(root, root.name, found, python=True)
        return found
    for name in _names(root, exclude, found):
        path = root / name
        suffix = path.suffix.lower()
        if suffix in _PYTHON or (not suffix and _is_script(path)):
            _take(path, name, found, python=True)
        elif suffix in _OTHER:
            _take(path, name, found, python=False)
    return found


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
            elif path.is_symlink():
                # what lies in the tree is read where it lies
                if not path.resolve().is_relative_to(real):
                    found.not_checked.append((relative, "a link that leads out of the tree"))
            else:
                kept.append(name)
        folders[:] = kept
        for name in sorted(files):
            relative = (at / name).relative_to(root).as_posix()
            if _left_out(relative, exclude):
                found.skipped.append(relative)
            else:
                yield relative


def _left_out(relative: str, exclude: tuple[str, ...]) -> bool:
    name = PurePosixPath(relative).name
    return any(
        fnmatch(relative, pattern.rstrip("/")) or fnmatch(name, pattern.rstrip("/"))
        for pattern in exclude
    )


def _is_script(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            first = file.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first


def _take(path: Path, name: str, found: Sources, *, python: bool) -> None:
    try:
        content = _content(path)
        if python:
            found.read.append(Source(name, _parsed(content)))
        elif mentions_orders(content.decode("utf-8", "replace")):
            found.not_checked.append((name, "seems to post orders; only Python is checked"))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
        (found.unreadable if python else found.not_checked).append((name, _reason(error)))


def _content(path: Path) -> bytes:
    told = path.stat()
    if not stat.S_ISREG(told.st_mode):
        message = "no regular file"
        raise ValueError(message)
    if told.st_size > SIZE_MAX_BYTES:
        message = f"{told.st_size:,} bytes; at most {SIZE_MAX_BYTES:,} are read"
        raise ValueError(message)
    return path.read_bytes()


def _parsed(content: bytes) -> ast.Module:
    with warnings.catch_warnings():
        # what Python has to say about somebody else's code
        warnings.simplefilter("ignore")
        return ast.parse(content)


def _reason(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno}: " if error.lineno else ""
        return f"{where}{error.msg}"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, ValueError):
        return str(error)
    return "nested too deeply"
