"""`drift --spec`: what a published specification says, against what the readers understand."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from domain import kinds
from domain.kinds import Kind
from tools import outcome
from tools.outcome import Outcome, counted
from tools.schemas import Specification, read_specification
from tools.trial import Found, Trial, declared, make_trial

SCHEMAS: Final[Mapping[str, Mapping[str, str]]] = {
    "OpenAPI": {
        "Fill": "kalshi.fill",
        "Settlement": "kalshi.settlement",
        "Order": "kalshi.order",
        "Market": "kalshi.market",
        "MarketPosition": "kalshi.position",
        "GetBalanceResponse": "kalshi.balance",
        "Deposit": "kalshi.deposit",
        "Withdrawal": "kalshi.withdrawal",
        "Series": "kalshi.series",
        "SubaccountBalance": "kalshi.subaccount_balance",
    },
    "AsyncAPI": {"fillPayload.msg": "kalshi.fill_message"},
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of one schema.

    status            known, additive, partly (read, but not all that the specification allows),
                      ambiguous, unknown, missing (not in this specification) or elsewhere (not
                      there, and not to be expected in a specification of this family)
    reader            the generation that reads the whole payload, None where none does
    keys_added        `path:type` that this generation, or the nearest one, has never listed
    keys_missing      keys that it requires and that the specification does not have
    types_differing   `key:type` that the specification allows and no generation reads
    may_be_absent     keys without which no generation reads the payload, and not promised
    differences       the same for people, one a key
    notes             what is different and does no harm
    """

    schema: str
    kind: str
    reader: str | None
    status: str
    keys_added: tuple[str, ...] = ()
    keys_missing: tuple[str, ...] = ()
    types_differing: tuple[str, ...] = ()
    may_be_absent: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def compare(path: Path) -> Outcome:
    """Compare every schema that stands for a kind with the readers of that kind."""
    specification = read_specification(path)
    comparisons = []
    for family, named in SCHEMAS.items():
        for schema, name in named.items():
            kind = kinds.BY_NAME.get(name)
            if kind is None or not kind.readers:
                continue
            if family == specification.family:
                comparisons.append(compare_kind(specification, schema, kind))
            else:
                told = (f"{schema} is not in this specification",)
                comparisons.append(Comparison(schema, name, None, "elsewhere", notes=told))
    return _outcome(specification, comparisons)


def compare_kind(specification: Specification, schema: str, kind: Kind) -> Comparison:
    """Compare one schema with the readers of one kind."""
    node = specification.find(schema)
    if node is None:
        told = (f"{schema} is not in this specification",)
        return Comparison(schema, kind.name, None, "missing", differences=told)
    trial = make_trial(specification, node, kind.readers)
    found = trial.find()
    if trial.choice.reader is None:
        status = "ambiguous" if trial.choice.reason == "ambiguous_shape" else "unknown"
    elif found.types or found.absent or found.promised:
        status = "partly"
    else:
        status = "additive" if found.added else "known"
    return Comparison(
        schema,
        kind.name,
        trial.choice.reader,
        status,
        tuple(sorted(found.added)),
        tuple(sorted(found.missing)),
        tuple(sorted(found.types)),
        tuple(sorted(found.absent)),
        tuple(_differences(schema, trial, found, status)),
        tuple(_notes(schema, trial, found)),
    )


# --- telling -------------------------------------------------------------------------------------


def _differences(schema: str, trial: Trial, found: Found, status: str) -> Iterator[str]:
    generation = f"generation {trial.nearest.name}"
    if status == "ambiguous":
        yield f"{schema} is read by more than one generation"
    elif status == "unknown" and not (found.missing or found.types or found.added):
        yield f"{schema} is read by no generation"
    for key in sorted(found.missing):
        yield f"{schema}.{key} is gone; {generation} requires it"
    for key, types in _grouped(found.types):
        read = declared(trial.nearest).get(key, "nothing").replace("|", " or ")
        yield f"{schema}.{key} may be {types}; {generation} reads {read}"
    for key in sorted(found.absent):
        yield f"{schema}.{key} may be absent; no generation reads the rest then"
    for path, types in _grouped(found.added):
        yield f"{schema}.{path} ({types}) is new to {generation}"
    if found.promised is not None:
        yield f"{schema} with the promised keys only is not read ({found.promised})"


def _notes(schema: str, trial: Trial, found: Found) -> Iterator[str]:
    if trial.choice.reader is None:
        yield f"{schema} is not read as it is; the nearest generation is {trial.nearest.name}"
    for key, name in sorted(found.elsewhere.items()):
        yield f"{schema}.{key} may be absent; generation {name} reads the rest then"


def _grouped(entries: Iterable[str]) -> list[tuple[str, str]]:
    """Return each path once, with all of its types."""
    types: dict[str, list[str]] = {}
    for entry in sorted(entries):
        path, _, name = entry.rpartition(":")
        types.setdefault(path, []).append(name)
    return [(path, " or ".join(names)) for path, names in types.items()]


def _outcome(specification: Specification, comparisons: list[Comparison]) -> Outcome:
    compared = [each for each in comparisons if each.status != "elsewhere"]
    drifted = [each for each in compared if each.differences]
    total = counted(len(compared), "schema")
    body: list[Any] = [_table(comparisons)]
    body += [f"SPEC DRIFT {each.kind}: {line}" for each in drifted for line in each.differences]
    body += [f"note {each.kind}: {line}" for each in compared for line in each.notes]
    verdict = f"{total} compared with {specification.name}: all read as they are"
    if drifted:
        differences = sum(len(each.differences) for each in drifted)
        verdict = f"{counted(differences, 'difference')} in {len(drifted)} of {total}"
    elif not compared:
        verdict = f"nothing compared with {specification.name}: no reader is for what it describes"
    data = {
        "title": specification.title,
        "version": specification.version,
        "schemas": [asdict(each) for each in comparisons],
    }
    code = outcome.FOUND if drifted or not compared else outcome.GOOD
    return Outcome(verdict, data, body, code)


def _table(comparisons: list[Comparison]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("schema", "kind", "status", "reader"):
        table.add_column(name)
    for each in comparisons:
        table.add_row(each.schema, each.kind, each.status, each.reader or "")
    return table
