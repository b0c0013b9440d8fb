"""What a text in a source is, as far as the source tells, and how an order's id begins."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tools.lintbot.names import ID_NAMES, PAYLOAD_NAMES, UNKNOWN, words

_POSSIBILITIES_MAX: Final = 16
_DEPTH_MAX: Final = 8
_LOOKED_UP_MAX: Final = 500
_PERCENT: Final = re.compile(r"%(\([^)]*\))?[-+ #0-9.]*[a-zA-Z]")
_BRACES: Final = re.compile(r"\{[^}]*\}")
_ADDRESS_WORDS: Final = frozenset({"url", "uri", "path", "join", "urljoin", "endpoint", "str"})
_WRITING_WORDS: Final = frozenset({"dumps", "encode", "dict", "list", "dump", "json", "copy"})

Values = dict[str, list[ast.expr]]


@dataclass(frozen=True, slots=True)
class OrderId:
    """What a call tells about the id of its order.

    prefixes  how it may begin, each with whether that is all of it
    absent    nothing in the call carries one
    """

    prefixes: tuple[tuple[str, bool], ...] = ()
    absent: bool = False


@dataclass(slots=True)
class Scope:
    """What names stand for: in a function, in its file, in the tree.

    members    what is set by name or key of a variable: `order.orderRef = …`, `body["x"] = …`
    looked_up  expressions looked at for one text; code can name itself without end
    """

    local: Values = field(default_factory=lambda: defaultdict(list))
    attributes: Values = field(default_factory=lambda: defaultdict(list))
    constants: Values = field(default_factory=lambda: defaultdict(list))
    members: Values = field(default_factory=lambda: defaultdict(list))
    outer: "Scope | None" = None
    looked_up: int = 0

    def values(self, name: str) -> list[ast.expr]:
        """Return what a name may stand for."""
        here = self.local.get(name)
        if here is not None:
            return here
        return self.outer.values(name) if self.outer else self.constants.get(name, [])

    def members_of(self, name: str) -> list[ast.expr]:
        """Return the ids that are put into what a name stands for."""
        here = self.members.get(name, [])
        return here or (self.outer.members_of(name) if self.outer else [])

    def texts(self, node: ast.expr, depth: int = 0) -> list[str]:
        """Return the texts that an expression may be; UNKNOWN stands for what is not told."""
        self.looked_up = self.looked_up + 1 if depth else 0
        if depth > _DEPTH_MAX or self.looked_up > _LOOKED_UP_MAX:
            return [UNKNOWN]
        return (self._texts(node, depth + 1) or [UNKNOWN])[:_POSSIBILITIES_MAX]

    # one case a kind of expression
    def _texts(self, node: ast.expr, depth: int) -> list[str]:  # noqa: C901, PLR0911
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return self._joined(parts, depth)
            case ast.FormattedValue(value=value) | ast.NamedExpr(value=value):
                return self.texts(value, depth)
            case ast.BinOp(left=left, op=ast.Add() | ast.Div(), right=right):
                return self._joined([left, right], depth)
            case ast.BinOp(left=left, op=ast.Mod()):
                return [_PERCENT.sub(UNKNOWN, text) for text in self.texts(left, depth)]
            case ast.IfExp(body=body, orelse=orelse):
                return self._any([body, orelse], depth)
            case ast.BoolOp(values=values):
                return self._any(values, depth)
            case ast.Name(id=name):
                return self._any(self.values(name), depth)
            case ast.Attribute(attr=name):
                return self._any(self.attributes.get(name) or self.constants.get(name, []), depth)
            case ast.Subscript(value=value, slice=ast.Constant(value=key)):
                return self._any(self._members(value, key), depth)
            case ast.Call():
                return self._called(node, depth)
        return []

    def _called(self, node: ast.Call, depth: int) -> list[str]:
        match node.func:
            case ast.Attribute(value=value, attr="format"):
                return [_BRACES.sub(UNKNOWN, text) for text in self.texts(value, depth)]
            case ast.Attribute(attr=name) | ast.Name(id=name):
                if node.args and _ADDRESS_WORDS & set(words(name)):
                    return [UNKNOWN + text for text in self.texts(node.args[-1], depth)]
        return []

    def _joined(self, parts: Iterable[ast.expr], depth: int) -> list[str]:
        made = [""]
        for part in parts:
            tails = self.texts(part, depth)
            made = [head + tail for head in made for tail in tails][:_POSSIBILITIES_MAX]
        return made

    def _any(self, nodes: Iterable[ast.expr], depth: int) -> list[str]:
        return [text for node in nodes for text in self.texts(node, depth)]

    def _members(self, node: ast.expr, key: object) -> Iterator[ast.expr]:
        match node:
            case ast.Name(id=name):
                values = self.values(name)
            case ast.Attribute(attr=name):
                values = self.attributes.get(name) or self.constants.get(name, [])
            case _:
                values = [node]
        for value in values:
            if isinstance(value, ast.Dict):
                for name_, member in zip(value.keys, value.values, strict=True):
                    if isinstance(name_, ast.Constant) and name_.value == key:
                        yield member

    def order_id(self, call: ast.Call, *, by_name: bool) -> OrderId:
        """Return what a call tells about the id of its order.

        by_name  the call is known by its name: what it is given by position is the order, too
        """
        search = _Search(self)
        for keyword in call.keywords:
            if keyword.arg in ID_NAMES:
                search.found.append(keyword.value)
            elif keyword.arg is None or keyword.arg in PAYLOAD_NAMES or "request" in keyword.arg:
                search.look(keyword.value)
        # an address carries no order; what else is handed to an HTTP client by position may
        for argument in call.args if by_name else call.args[1:]:
            if not isinstance(argument, ast.Constant):
                search.look(argument)
        if not search.found:
            return OrderId(absent=not search.hidden)
        told = (self._beginning(text) for node in search.found for text in self.texts(node))
        return OrderId(tuple(dict.fromkeys(told)))

    @staticmethod
    def _beginning(text: str) -> tuple[str, bool]:
        head, cut, _ = text.partition(UNKNOWN)
        return head, not cut


class _Search:
    """Looks for the id in what a call is given; `hidden` where something could not be seen."""

    def __init__(self, scope: Scope) -> None:
        self.found: list[ast.expr] = []
        self.hidden = False
        self._scope = scope
        self._seen: set[str] = set()

    def look(self, node: ast.expr) -> None:  # noqa: C901 - one case a kind of expression
        """Look into one argument."""
        match node:
            case ast.Constant() | ast.JoinedStr() | ast.BinOp():
                # an address or a price
                return
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if key is None:
                        self.look(value)
                    elif isinstance(key, ast.Constant) and key.value in ID_NAMES:
                        self.found.append(value)
                    elif isinstance(value, ast.Dict | ast.List | ast.ListComp):
                        self.look(value)
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                for part in parts:
                    self.look(part)
            case ast.ListComp(elt=value) | ast.Starred(value=value) | ast.Await(value=value):
                self.look(value)
            case ast.Name(id=name):
                self._look_up(name)
            case ast.Call():
                self._look_into(node)
            case _:
                self.hidden = True

    def _look_up(self, name: str) -> None:
        if name in self._seen:
            return
        self._seen.add(name)
        self.found += self._scope.members_of(name)
        values = self._scope.values(name)
        self.hidden |= not values
        for value in values:
            self.look(value)

    def _look_into(self, call: ast.Call) -> None:
        match call.func:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                pass
            case _:
                name = ""
        for keyword in call.keywords:
            if keyword.arg in ID_NAMES:
                self.found.append(keyword.value)
            elif keyword.arg is None or keyword.arg in PAYLOAD_NAMES:
                self.look(keyword.value)
        if _WRITING_WORDS & set(words(name)):
            for argument in call.args:
                self.look(argument)
            if isinstance(call.func, ast.Attribute) and not call.args:
                self.look(call.func.value)
        elif not name[:1].isupper():
            self.hidden = True
