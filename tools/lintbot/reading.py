"""From Python's syntax tree to functions: the calls that matter, and what runs behind each.

Statements become steps, and bodies become lists of steps; what can never run is left out.
"""

import ast
import re
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, Literal

from tools.lintbot.names import CONSTANT, ID_NAMES, KIND, UNKNOWN, is_address, is_verb, words

_ADDRESS_WORDS: Final = frozenset({"url", "uri", "path", "join", "urljoin", "endpoint", "str"})
_PERCENT: Final = re.compile(r"%(\([^)]*\))?[-+ #0-9.]*[a-zA-Z]")
_BRACES: Final = re.compile(r"\{[^}]*\}")
_LAST: Final = re.compile(rf"{CONSTANT}(\w+){CONSTANT}\Z")
_CONSTANTS_MAX: Final = 8
_NO_CLASSES: Final = frozenset({"Any", "Optional", "Union", "Callable", "Awaitable", "Self"})

Label = Literal["body", "loop", "try", "except", "else", "finally"]


@dataclass(slots=True, eq=False)
class Use:
    """A call, or a function that is handed on to be called.

    name      its last name: `create_order` of `self.client.create_order`
    receiver  the names before it; "Class()" where that is made on the spot
    how       called, handed to a call, or only named
    texts     addresses, verbs and kinds of records that the call is given
    order_id  how the order's id begins, and whether that is all of it
    on_error  it stands below an `except`
    """

    function: "Function"
    name: str
    receiver: tuple[str, ...]
    how: Literal["called", "handed", "named"]
    line: int
    column: int
    texts: tuple[str, ...] = ()
    order_id: tuple[str, bool] | None = None
    on_error: bool = False


@dataclass(slots=True, eq=False)
class Step:
    """One statement: what it evaluates itself, the steps in it, and whether it leaves."""

    uses: list[Use] = field(default_factory=list)
    parts: list[tuple[Label, list["Step"]]] = field(default_factory=list)
    leaves: Literal["", "function", "loop"] = ""


@dataclass(slots=True, eq=False)
class Function:
    """A function, a method (of `owner`), or the code of a file itself.

    owner  the class in which it stands, however deep
    outer  the function around it
    texts  what its variables stand for
    """

    file: "File"
    name: str
    shown: str
    owner: str = ""
    is_method: bool = False
    outer: "Function | None" = None
    steps: list[Step] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    local: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class File:
    """One file.

    imports    for each name the module, and the name in it where it has one
    classes    their bases
    types      for each variable the classes of which it may be
    constants  for each name in capitals, and each attribute, what it stands for
    addresses  whether it has the address of orders in it
    """

    path: str
    functions: list[Function] = field(default_factory=list)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    types: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    constants: dict[str, str] = field(default_factory=dict)
    addresses: bool = False


def read_file(path: str, content: bytes, names: set[str]) -> File:
    """Read the functions of a file, and those of their calls that use one of the names."""
    with warnings.catch_warnings():
        # what Python has to say about somebody else's code
        warnings.simplefilter("ignore")
        tree = ast.parse(content)
    reader = _Reader(File(path), names)
    reader.read(tree)
    return reader.file


def resolved(text: str, constants: dict[str, str]) -> str:
    """Return a text that ends with a constant as it then ends."""
    for _ in range(_CONSTANTS_MAX):
        last = _LAST.search(text)
        if not last:
            break
        text = text[: last.start()] + constants.get(last[1], UNKNOWN)
    return text


class _Reader:
    def __init__(self, file: File, names: set[str]) -> None:
        self.file = file
        self._names = names
        self._function = Function(file, "", "<module>")
        self._uses: list[Use] = []
        self._class = ""
        self._on_error = False

    def read(self, tree: ast.Module) -> None:
        self.file.functions.append(self._function)
        self._function.steps = self._block(tree.body)

    def _block(self, body: list[ast.stmt]) -> list[Step]:
        steps = []
        for statement in body:
            step = Step()
            around, self._uses = self._uses, step.uses
            self._statement(statement, step)
            self._uses = around
            if step.uses or step.parts or step.leaves:
                steps.append(step)
            if step.leaves:
                break
        return steps

    def _part(self, step: Step, label: Label, body: list[ast.stmt]) -> None:
        before = self._on_error
        self._on_error = before or label == "except"
        if steps := self._block(body):
            step.parts.append((label, steps))
        self._on_error = before

    # one case a kind of statement
    def _statement(self, node: ast.stmt, step: Step) -> None:  # noqa: C901, PLR0912
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(node)
            case ast.ClassDef():
                self._define_class(node, step)
            case ast.If():
                self._if(node, step)
            case ast.While(test=test):
                self._evaluate(test)
                self._part(step, "loop", [] if _constant(test) is False else node.body)
                self._part(step, "else", node.orelse)
            case ast.For() | ast.AsyncFor():
                self._evaluate(node.iter)
                self._part(step, "loop", node.body)
                self._part(step, "else", node.orelse)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._evaluate(item.context_expr)
                    if item.optional_vars:
                        self._assign(item.optional_vars, item.context_expr)
                self._part(step, "body", node.body)
            case ast.Try() | ast.TryStar():
                self._part(step, "try", node.body)
                for handler in node.handlers:
                    self._part(step, "except", handler.body)
                self._part(step, "else", node.orelse)
                self._part(step, "finally", node.finalbody)
            case ast.Match():
                self._evaluate(node.subject)
                for case in node.cases:
                    self._evaluate(case.guard)
                    self._part(step, "body", case.body)
            case ast.Import():
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.partition(".")[0]
                    self.file.imports[alias.asname or name] = (name, "")
            case ast.ImportFrom():
                module = "." * node.level + (node.module or "")
                for alias in node.names:
                    self.file.imports[alias.asname or alias.name] = (module, alias.name)
            case _:
                self._simple(node, step)

    def _if(self, node: ast.If, step: Step) -> None:
        # a long chain of elif is flat to people, and deep to Python
        while True:
            self._evaluate(node.test)
            told = _constant(node.test)
            self._part(step, "body", [] if told is False else node.body)
            rest = [] if told is True else node.orelse
            if len(rest) != 1 or not isinstance(rest[0], ast.If):
                self._part(step, "body", rest)
                return
            node = rest[0]

    def _simple(self, node: ast.stmt, step: Step) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self._evaluate(value)
                for target in targets:
                    self._assign(target, value)
            case ast.AnnAssign(target=target, value=value, annotation=annotation):
                self._evaluate(value)
                self._type(target, annotation)
                if value:
                    self._assign(target, value)
            case ast.Return() | ast.Raise():
                step.leaves = "function"
                self._children(node)
            case ast.Break() | ast.Continue():
                step.leaves = "loop"
            case _:
                self._children(node)

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        told = node.args
        for part in (*node.decorator_list, *told.defaults, *told.kw_defaults):
            self._evaluate(part)
        around, class_ = self._function, self._class
        around.local.add(node.name)
        shown = ".".join(filter(None, (around.shown if around.outer else "", class_, node.name)))
        made = Function(self.file, node.name, shown, class_ or around.owner, bool(class_), around)
        made.texts = dict(around.texts)
        self._function, self._class, on_error, self._on_error = made, "", self._on_error, False
        for argument in (*told.posonlyargs, *told.args, *told.kwonlyargs):
            made.local.add(argument.arg)
            self._type(ast.Name(argument.arg), argument.annotation)
        self.file.functions.append(made)
        made.steps = self._block(node.body)
        self._function, self._class, self._on_error = around, class_, on_error

    def _define_class(self, node: ast.ClassDef, step: Step) -> None:
        self._children(*node.decorator_list, *node.bases)
        bases = (_dotted(base) for base in node.bases)
        self.file.classes[node.name] = tuple(base[-1] for base in bases)
        around, self._class = self._class, node.name
        self._part(step, "body", node.body)
        self._class = around

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        self._children(target)
        text = self._text(value)
        name = ""
        match target:
            case ast.Name(id=name):
                self._function.local.add(name)
                if self._matters(text):
                    self._function.texts[name] = text
            case ast.Attribute(attr=name):
                pass
        if self._matters(text) and (name.isupper() or isinstance(target, ast.Attribute)):
            self.file.constants.setdefault(name, text)
        made = value.value if isinstance(value, ast.Await) else value
        if isinstance(made, ast.Call):
            self._type(target, made.func)

    def _type(self, target: ast.expr, told: ast.expr | None) -> None:
        """Note which classes a variable may be of, as its annotation or its maker tells."""
        if told is None or not isinstance(target, ast.Name | ast.Attribute):
            return
        for node in ast.walk(told):
            name = node.value if isinstance(node, ast.Constant) else ""
            if isinstance(node, ast.Name | ast.Attribute):
                name = _dotted(node)[-1]
            if isinstance(name, str) and name[:1].isupper() and name not in _NO_CLASSES:
                self.file.types[_dotted(target)[-1]].add(name.rsplit(".", 1)[-1])

    def _children(self, *nodes: ast.AST) -> None:
        for node in nodes:
            for child in ast.iter_child_nodes(node):
                self._evaluate(child)

    # one case a kind of expression
    def _evaluate(self, node: ast.AST | None) -> None:  # noqa: C901
        """Note the uses in an expression, in the order in which Python evaluates it."""
        match node:
            case None:
                pass
            case ast.Call():
                self._call(node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                for part in reversed([*ast.iter_child_nodes(node)]):
                    self._evaluate(part)
            case ast.NamedExpr(target=target, value=value):
                self._evaluate(value)
                self._assign(target, value)
            case ast.Name(ctx=ast.Load()):
                self._note(node, "named")
            case ast.Attribute():
                self._evaluate(node.value)
                self._note(node, "named")
            case ast.Constant(value=str()) | ast.JoinedStr():
                text = self._text(node)
                self.file.addresses |= "/" in text and is_address(text)
                for part in ast.walk(node):
                    if isinstance(part, ast.FormattedValue):
                        self._evaluate(part.value)
            case _:
                self._children(node)

    def _call(self, node: ast.Call) -> None:
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        for part in (node.func, *arguments):
            if isinstance(part, ast.Name | ast.Attribute):
                self._children(part)
            else:
                self._evaluate(part)
        texts = [self._text(argument) for argument in arguments]
        if any(self._matters(text) for text in texts):
            texts = [text for text in texts if self._matters(text) or is_verb(text)]
        else:
            texts = []
        for argument in arguments:
            if isinstance(argument, ast.Name | ast.Attribute):
                self._note(argument, "handed", node, tuple(texts))
        if isinstance(node.func, ast.Name | ast.Attribute):
            self._note(node.func, "called", node, tuple(texts))

    def _note(
        self,
        node: ast.Name | ast.Attribute,
        how: Literal["called", "handed", "named"],
        call: ast.Call | None = None,
        texts: tuple[str, ...] = (),
    ) -> None:
        *receiver, name = _dotted(node)
        if name not in self._names and not texts:
            return
        line, column = node.end_lineno or node.lineno, node.end_col_offset or 0
        told = _order_id(call) if call else None
        use = Use(
            self._function, name, tuple(receiver), how, line, column, texts, told, self._on_error
        )
        self._uses.append(use)
        self._function.uses.append(use)

    def _matters(self, text: str) -> bool:
        last = _LAST.search(text)
        return text == KIND or is_address(text) or bool(last and last[1] in self._names)

    # one case a kind of expression
    def _text(self, node: ast.expr) -> str:  # noqa: C901, PLR0911
        """Return the text that an expression is, or at least how it ends."""
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr(values=parts):
                return "".join(self._text(part) for part in parts)
            case ast.FormattedValue(value=value) | ast.NamedExpr(value=value):
                return self._text(value)
            case ast.BinOp(op=ast.Add() | ast.Div(), right=right):
                return UNKNOWN + self._text(right)
            case ast.BinOp(left=left, op=ast.Mod()):
                return _PERCENT.sub(UNKNOWN, self._text(left))
            case ast.Call(func=ast.Attribute(value=value, attr="format")):
                return _BRACES.sub(UNKNOWN, self._text(value))
            case ast.Call(func=made, args=[*_, value]) if _ADDRESS_WORDS & {
                *words(_dotted(made)[-1])
            }:
                return UNKNOWN + self._text(value)
            case ast.List(elts=[*_, value]):
                return self._text(value)
            case ast.Name(id=name) if name in self._function.texts:
                return self._function.texts[name]
            case ast.Attribute(attr=name) if name in self.file.constants:
                return self.file.constants[name]
            case ast.Name(id=name) | ast.Attribute(attr=name) if name.isupper():
                return CONSTANT + name + CONSTANT
        return UNKNOWN


def _dotted(node: ast.expr) -> tuple[str, ...]:
    """Return the names of `a.b.c`; "b()" where something is called, "?" where it is no name."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        names.append(node.id)
    elif isinstance(node, ast.Call):
        names.append(_dotted(node.func)[-1] + "()")
    else:
        names.append("?")
    return tuple(reversed(names))


def _order_id(call: ast.Call) -> tuple[str, bool] | None:
    """Return how the id begins that a call states itself, or a dict that is written in it."""
    pairs = [(keyword.arg, keyword.value) for keyword in call.keywords]
    for given in (*call.args, *(value for _, value in pairs)):
        if isinstance(given, ast.Dict):
            keys = (key.value if isinstance(key, ast.Constant) else "" for key in given.keys)
            pairs += zip(map(str, keys), given.values, strict=True)
    for name, value in pairs:
        match value:
            case ast.Constant(value=str(text)) if name in ID_NAMES:
                return text, True
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if name in ID_NAMES:
                return text, False
    return None


def _constant(node: ast.expr) -> bool | None:
    """Return what a condition always is; None where it depends."""
    if isinstance(node, ast.Constant):
        return bool(node.value)
    return False if _dotted(node)[-1] == "TYPE_CHECKING" else None
