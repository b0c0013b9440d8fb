"""The house rules as checkers: source text in, findings out.

A checker never opens a file and never raises on what it dislikes: it returns a list of
"path:line: message". `test_tidy.py` runs them over the repository and shows that each can fail.

An exception from a rule is written on the line that needs it, with the reason:

    share = won / total  # tidy: allow float - a statistic, no money comes from it
    won / total          -- tidy: allow / - a statistic, no money comes from it
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

# Each package may import itself and those to its right.
PACKAGES = ("tools", "adapters", "replay", "projections", "domain")
DETERMINISTIC = ("domain", "projections", "replay")
ENTRY_POINTS = ("tools.cli", "tools.recorder")

MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 50
COLUMNS_MAX = 100

WAIVABLE = ("/", "float", "order", "set", "try_cast")
WAIVER = re.compile(r"(?:#|--) tidy: allow (\S+) - \S.*")

Findings: TypeAlias = list[str]


# --- files ---------------------------------------------------------------------------------------


def list_files(root: Path) -> list[str]:
    """Name the files of the repository that git tracks or would track, relative to root."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "-z", "--exclude-standard"],
            cwd=root,
            capture_output=True,
            check=True,
        )
        names = set(listed.stdout.decode().split("\0")) - {""}
    except (OSError, subprocess.CalledProcessError):
        # An unpacked source archive has no git: take the packages and the tests as they lie there.
        names = {
            path.relative_to(root).as_posix()
            for folder in (*PACKAGES, "tests")
            for path in (root / folder).rglob("*")
        }
    # git still lists a tracked file that somebody has just deleted.
    return sorted(name for name in names if (root / name).is_file())


def in_packages(name: str, packages: tuple[str, ...] = PACKAGES) -> bool:
    """Say whether the file belongs to one of the packages."""
    return name.partition("/")[0] in packages


def module_name(path: str) -> str:
    """Turn `replay/diff.py` into `replay.diff`, and `replay/__init__.py` into `replay`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


# --- waivers -------------------------------------------------------------------------------------


def is_waived(line: str, rule: str) -> bool:
    """Say whether the line carries a waiver, with a reason, for the rule."""
    found = WAIVER.search(line)
    return found is not None and found[1].lower() == rule and rule in WAIVABLE


def check_waivers(path: str, source: str) -> Findings:
    """A waiver names a rule that can be waived, and gives a reason."""
    findings = []
    for number, line in enumerate(source.splitlines(), 1):
        if "tidy: allow" not in line:
            continue
        found = WAIVER.search(line)
        if found is None:
            findings.append(f"{path}:{number}: a waiver reads 'tidy: allow RULE - reason'")
        elif found[1].lower() not in WAIVABLE:
            findings.append(f"{path}:{number}: {found[1]} cannot be waived")
    return findings


# --- lengths and words ---------------------------------------------------------------------------


def check_columns(path: str, source: str) -> Findings:
    """No line is longer than 100 columns."""
    return [
        f"{path}:{number}: {len(line)} columns, at most {COLUMNS_MAX}"
        for number, line in enumerate(source.splitlines(), 1)
        if len(line) > COLUMNS_MAX
    ]


def check_module_length(path: str, source: str) -> Findings:
    """No module is longer than 500 lines."""
    lines = len(source.splitlines())
    if lines <= MODULE_LINES_MAX:
        return []
    return [f"{path}:1: {lines} lines, at most {MODULE_LINES_MAX}"]


def check_function_lengths(path: str, source: str) -> Findings:
    """No function is longer than 50 lines, from its def line to its last line."""
    findings = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            message = f"{node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"
            findings.append(f"{path}:{node.lineno}: {message}")
    return findings


def _find_words(path: str, source: str, pattern: re.Pattern[str], message: str) -> Findings:
    return [
        f"{path}:{number}: {found[0]}: {message}"
        for number, line in enumerate(source.splitlines(), 1)
        for found in pattern.finditer(line)
    ]


# The look-behind leaves addresses (https://example.org/home/) alone.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")


def check_machine_paths(path: str, source: str) -> Findings:
    """No file names a folder that exists on one machine only."""
    return _find_words(path, source, MACHINE_PATH, "a path of one machine")


def check_unfinished(path: str, source: str) -> Findings:
    """Nothing is left as a note to oneself."""
    return _find_words(path, source, UNFINISHED, "finish it, or write it down as an issue")


# --- imports -------------------------------------------------------------------------------------


def imports_of(path: str, source: str) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of all that a module imports, relative imports resolved."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def check_layers(path: str, source: str) -> Findings:
    """Imports run one way: tools -> adapters -> replay -> projections -> domain."""
    own = path.partition("/")[0]
    findings = []
    for line, top in sorted(
        {(line, name.split(".")[0]) for line, name in imports_of(path, source)}
    ):
        standard = top in sys.stdlib_module_names
        if path == "tools/recorder.py":
            wrong = not standard
        elif own == "domain":
            wrong = not (standard or top in ("domain", "pydantic"))
        else:
            to_the_left = PACKAGES[: PACKAGES.index(own)]
            wrong = top in to_the_left or top == "tests"
        if wrong:
            findings.append(f"{path}:{line}: {module_name(path)} must not import {top}")
    return findings


# --- Python that would make two replays differ ---------------------------------------------------

BANNED_MODULES = ("locale", "marshal", "pickle", "random", "secrets", "shelve")
BANNED_BUILTINS = {
    "eval": "code out of data",
    "exec": "code out of data",
    "hash": "differs between processes",
    "id": "differs between processes",
}
BANNED_NAMES = {
    **dict.fromkeys(
        (
            *(f"time.{clock}" for clock in ("time", "monotonic", "perf_counter", "process_time")),
            *(f"time.{clock}_ns" for clock in ("time", "monotonic", "perf_counter")),
            *("time.localtime", "time.gmtime", "time.ctime", "time.strftime"),
            *(f"datetime.datetime.{call}" for call in ("now", "utcnow", "today")),
            *("datetime.date.today", "pandas.Timestamp.now", "pandas.Timestamp.today"),
        ),
        "reads the clock",
    ),
    **dict.fromkeys(("uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getrandom"), "is random"),
    **dict.fromkeys(("os.environ", "os.environb", "os.getenv"), "reads the environment"),
}


def _origins(tree: ast.Module) -> dict[str, str]:
    """Map each imported local name to what it stands for: dt -> datetime.datetime."""
    origins = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.split(".")[0]
                origins[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                origins[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return origins


def _dotted(node: ast.expr, origins: dict[str, str]) -> str:
    """Give the full name of an expression such as dt.now, or "" if it does not come by import."""
    if isinstance(node, ast.Name):
        return origins.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, origins)
        return f"{base}.{node.attr}" if base else ""
    return ""


def check_nondeterminism(path: str, source: str) -> Findings:
    """No clock, random, environment, locale, pickle, eval or exec."""
    tree = ast.parse(source)
    origins = _origins(tree)
    findings = []
    for line, name in imports_of(path, source):
        if name in BANNED_MODULES:
            findings.append(f"{path}:{line}: imports {name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = _dotted(node, origins)
            if name in BANNED_NAMES:
                findings.append(f"{path}:{node.lineno}: {name} {BANNED_NAMES[name]}")
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in BANNED_BUILTINS
        ):
            reason = BANNED_BUILTINS[node.func.id]
            findings.append(f"{path}:{node.lineno}: {node.func.id}(): {reason}")
    return findings


def check_floats(path: str, source: str) -> Findings:
    """No float() and no float literal on the way to money."""
    lines = source.splitlines()
    findings = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            what = f"float literal {node.value}"
        elif isinstance(node, ast.Call) and _called(node) == "float":
            what = "float()"
        else:
            continue
        if not is_waived(lines[node.lineno - 1], "float"):
            findings.append(f"{path}:{node.lineno}: {what}; use Decimal or int")
    return findings


def _called(node: ast.Call) -> str:
    """Give the last part of the name that is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _is_set(node: ast.expr) -> bool:
    """Say whether the expression is, on its face, a set."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.BinOp):
        return _is_set(node.left) or _is_set(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "frozenset")
    return False


def check_set_order(path: str, source: str) -> Findings:
    """Nothing takes its order from a set: it differs between processes."""
    lines = source.splitlines()
    findings = []
    for node in ast.walk(ast.parse(source)):
        ordered: list[ast.expr] = []
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            ordered = [node.iter]
        elif isinstance(node, ast.Call) and _called(node) in ("enumerate", "join", "list", "tuple"):
            ordered = node.args
        for expression in ordered:
            number = expression.lineno
            if _is_set(expression) and not is_waived(lines[number - 1], "set"):
                findings.append(f"{path}:{number}: order taken from a set; sort it")
    return findings


# --- SQL -----------------------------------------------------------------------------------------

# Comments, strings, dollar-quoted strings and quoted names: nothing in them is executed.
SQL_INERT = re.compile(
    r"--[^\n]*|/\*.*?\*/|\$\$.*?\$\$|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", re.DOTALL
)

# Pattern, rule that may be waived ("" for none), message.
SQL_BANS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), rule, message)
    for pattern, rule, message in (
        (r"\b(now|today|get_current_timestamp|transaction_timestamp)\s*\(", "", "reads the clock"),
        (r"\b(current_(timestamp|date|time)|localtime(stamp)?)\b", "", "reads the clock"),
        (r"\b(random|setseed|uuid|uuidv4|uuidv7|gen_random_uuid)\s*\(", "", "is random"),
        (r"\b(tablesample|using\s+sample)\b", "", "is random"),
        (r"\bany_value\s*\(", "", "picks any row; name the row by an order"),
        (r"(::\s*|\bas\s+)(double|float[48]?|real)\b", "float", "is not exact; use DECIMAL"),
        (r"(?<!/)/(?!/)", "/", "division makes a DOUBLE; multiply, or use // on integers"),
    )
)

ORDERED_AGGREGATE = re.compile(
    r"\b(first|last|arbitrary|list|array_agg|string_agg|group_concat|listagg)\s*\(", re.IGNORECASE
)
TRY_CAST = re.compile(r"\btry_cast\s*\(", re.IGNORECASE)
AS_DECIMAL = re.compile(r"\bas\s+(decimal|numeric|dec)\b", re.IGNORECASE)
ORDER_BY = re.compile(r"\border\s+by\b", re.IGNORECASE)
# What may stand between an aggregate and its window; a named window is declared elsewhere.
WINDOW = re.compile(
    r"\s*(filter\s*\([^()]*\)\s*)?over\s*(\w|\([^()]*\border\s+by\b)", re.IGNORECASE
)


def blank_inert_sql(source: str) -> str:
    """Blank out comments, strings and quoted names; every line keeps its number."""
    return SQL_INERT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)


def _closing(code: str, opening: int) -> int:
    """Find the parenthesis that closes the one at `opening`."""
    depth = 0
    for index in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[index], 0)
        if depth == 0:
            return index
    return len(code)


def _sql_hits(code: str) -> Iterator[tuple[int, str, str]]:
    """Yield offset, rule and message of all that is not allowed."""
    for pattern, rule, message in SQL_BANS:
        for found in pattern.finditer(code):
            yield found.start(), rule, f"{found[0].strip()} {message}"
    for found in ORDERED_AGGREGATE.finditer(code):
        end = _closing(code, found.end() - 1)
        if not ORDER_BY.search(code[found.end() : end]) and not WINDOW.match(code, end + 1):
            yield found.start(), "order", f"{found[0]} without ORDER BY depends on the row order"
    for found in TRY_CAST.finditer(code):
        if AS_DECIMAL.search(code[found.end() : _closing(code, found.end() - 1)]):
            yield found.start(), "try_cast", "TRY_CAST to DECIMAL rounds silently"


def check_sql(path: str, source: str, first_line: int = 1) -> Findings:
    """No clock, no random, no order by accident, no float, no silent rounding."""
    code, lines = blank_inert_sql(source), source.split("\n")
    findings = []
    for offset, rule, message in sorted(_sql_hits(code)):
        index = code.count("\n", 0, offset)
        if not is_waived(lines[index], rule):
            findings.append(f"{path}:{first_line + index}: {message}")
    return findings


SQL_STATEMENT = re.compile(r"\s*(SELECT|WITH|INSERT|CREATE|UPDATE|DELETE|MERGE|COPY)\s")


def _strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of every string; what an f-string fills in becomes one word."""
    pieces = set()
    for node in ast.walk(tree):
        # ast.walk comes to an f-string before its pieces, which say nothing by themselves.
        if isinstance(node, ast.JoinedStr):
            pieces |= {part for part in node.values if isinstance(part, ast.Constant)}
            texts = [
                str(part.value) if isinstance(part, ast.Constant) else "filled_in"
                for part in node.values
            ]
            yield node.lineno, "".join(texts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in pieces:
            yield node.lineno, node.value


def check_sql_in_python(path: str, source: str) -> Findings:
    """SQL inside Python keeps the rules of the .sql files; a waiver is a comment in the SQL."""
    findings = []
    for line, text in _strings(ast.parse(source)):
        if SQL_STATEMENT.match(text):
            findings += check_sql(path, text, line)
    return findings


def check_sql_heading(path: str, source: str) -> Findings:
    """A .sql file begins with a comment that says what it makes."""
    first = source.lstrip().split("\n")[0]
    if re.match(r"--\s*\w\S*(\s+\S+){2,}", first):
        return []
    return [f"{path}:1: begin with a comment that says what the file makes"]


# --- dead files ----------------------------------------------------------------------------------


def _strings_that_name(source: str) -> set[str]:
    """Collect the strings of a module, docstrings apart, without a folder before the name."""
    tree = ast.parse(source)
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value.split("/")[-1]
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings
    }


def _folders_listed(source: str) -> set[str]:
    """Collect FOLDER of each names("FOLDER"): all of its .sql files are run."""
    return {
        argument.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and _called(node) == "names"
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def check_dead_files(sources: dict[str, str]) -> Findings:
    """Every module is imported, and every .sql file is named, by a module of the packages."""
    modules = {path: source for path, source in sources.items() if path.endswith(".py")}
    used = set(ENTRY_POINTS)
    folders: set[str] = set()
    for path, source in modules.items():
        imported = {name for _, name in imports_of(path, source)}
        used |= (imported | _strings_that_name(source)) - {module_name(path)}
        folders |= _folders_listed(source)
    # The kind kalshi.fill is read by kalshi_fill.sql.
    stems = {name.removesuffix(".sql").replace(".", "_") for name in used}
    findings = []
    for path in sources:
        *_, folder, name = path.split("/")
        if path in modules:
            alive = module_name(path) in used or name in ("__init__.py", "__main__.py")
            message = "nothing imports this module"
        else:
            alive = name.removesuffix(".sql").replace(".", "_") in stems or folder in folders
            message = "no module names this file"
        if not alive:
            findings.append(f"{path}:1: {message}")
    return findings


# --- which rule holds where ----------------------------------------------------------------------

Checker: TypeAlias = Callable[[str, str], Findings]

PYTHON_CHECKERS: tuple[Checker, ...] = (
    check_columns,
    check_function_lengths,
    check_layers,
    check_module_length,
    check_unfinished,
    check_waivers,
)
DETERMINISM_CHECKERS: tuple[Checker, ...] = (
    check_floats,
    check_nondeterminism,
    check_set_order,
    check_sql_in_python,
)
SQL_CHECKERS: tuple[Checker, ...] = (
    check_columns,
    check_sql,
    check_sql_heading,
    check_unfinished,
    check_waivers,
)


def checkers_for(path: str) -> tuple[Checker, ...]:
    """Choose the checkers of a file of the packages by its kind and package."""
    if path.endswith(".sql"):
        return SQL_CHECKERS
    if path.endswith(".py"):
        strict = DETERMINISM_CHECKERS if in_packages(path, DETERMINISTIC) else ()
        return PYTHON_CHECKERS + strict
    return ()
