"""From Python's syntax tree to a program: what each statement evaluates, in which order."""

import ast
from typing import Final, Literal

from tools.lintbot.names import ID_NAMES
from tools.lintbot.program import MODULE, Block, File, Function, Step, Use
from tools.lintbot.texts import Scope


def read_file(path: str, tree: ast.Module, constants: dict[str, list[ast.expr]]) -> File:
    """Turn a parsed file into functions. `constants` are those of the whole tree, and grow."""
    module = path.rsplit(".", 1)[0].replace("/", ".").removesuffix(".__init__")
    file = File(path, module)
    scope = Scope(constants=constants)
    _Reader(file).read(tree, scope)
    for told in (scope.local, scope.attributes):
        for name, values in told.items():
            if name.isupper():
                constants[name] += values
    return file


class _Reader:
    """Walks one file."""

    def __init__(self, file: File) -> None:
        self._file = file

    def read(self, tree: ast.Module, scope: Scope) -> None:
        """Read the file's own code, and with it everything else."""
        function = Function(self._file, MODULE, MODULE, 1, "module", scope=scope)
        self._file.functions.append(function)
        self._block(tree.body, function.body, function)

    def _block(self, body: list[ast.stmt], block: Block, function: Function) -> None:
        for statement in body:
            if isinstance(statement, ast.ClassDef):
                self._class(statement, block, function)
                continue
            step = Step(block)
            block.steps.append(step)
            self._statement(statement, step, function)

    def _class(self, node: ast.ClassDef, block: Block, function: Function) -> None:
        step = Step(block)
        block.steps.append(step)
        for part in (*node.decorator_list, *node.bases):
            self._evaluate(part, step, function)
        self._file.classes[node.name] = tuple(
            base.id if isinstance(base, ast.Name) else base.attr
            for base in node.bases
            if isinstance(base, ast.Name | ast.Attribute)
        )
        # the body of a class runs where it stands; what it sets are attributes
        own = Function(self._file, node.name, node.name, node.lineno, "class", node.name, function)
        own.scope = Scope(function.scope.attributes, function.scope.attributes)
        own.scope.outer = function.scope
        own.scope.constants = function.scope.constants
        own.uses = function.uses
        inner = Block(step)
        step.parts.append(inner)
        self._block(node.body, inner, own)

    # one case a kind of statement
    def _statement(  # noqa: C901, PLR0912
        self, node: ast.stmt, step: Step, function: Function
    ) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, step, function)
            case ast.If():
                self._if(node, step, function)
            case ast.For() | ast.AsyncFor() | ast.While():
                header = [node.test] if isinstance(node, ast.While) else [node.iter, node.target]
                for part in header:
                    self._evaluate(part, step, function)
                never = isinstance(node, ast.While) and _constant(node.test) is False
                self._part(node.body, step, function, "loop", dead=never)
                self._part(node.orelse, step, function, "else")
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._evaluate(item.context_expr, step, function)
                    if item.optional_vars:
                        self._assign(item.optional_vars, item.context_expr, function)
                self._part(node.body, step, function)
            case ast.Try() | ast.TryStar():
                self._part(node.body, step, function, "try")
                for handler in node.handlers:
                    self._part(handler.body, step, function, "except")
                self._part(node.orelse, step, function, "else")
                self._part(node.finalbody, step, function, "finally")
            case ast.Match():
                self._evaluate(node.subject, step, function)
                for case in node.cases:
                    if case.guard:
                        self._evaluate(case.guard, step, function)
                    self._part(case.body, step, function)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case _:
                self._simple(node, step, function)

    def _part(
        self,
        body: list[ast.stmt],
        step: Step,
        function: Function,
        label: str = "body",
        *,
        dead: bool = False,
    ) -> None:
        if body:
            block = Block(step, label, dead)
            step.parts.append(block)
            self._block(body, block, function)

    def _if(self, node: ast.If, step: Step, function: Function) -> None:
        # a long chain of elif is flat to people, and deep to Python
        while True:
            self._evaluate(node.test, step, function)
            told = _constant(node.test)
            self._part(node.body, step, function, dead=told is False)
            rest = node.orelse
            if len(rest) != 1 or not isinstance(rest[0], ast.If):
                self._part(rest, step, function, dead=told is True)
                return
            node = rest[0]

    # one case a kind of statement
    def _simple(  # noqa: C901
        self, node: ast.stmt, step: Step, function: Function
    ) -> None:
        scope = function.scope
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value, function)
            case ast.AnnAssign(target=target, value=value, annotation=annotation):
                if value is not None:
                    self._assign(target, value, function)
                self._type(target, annotation)
            case ast.Expr(value=ast.Constant()):
                return
            case ast.Return() | ast.Raise():
                step.exit = "return"
            case ast.Break() | ast.Continue():
                step.exit = "loop"
            case ast.AugAssign(target=ast.Name(id=name), value=value, op=ast.Add()):
                scope.local[name] = [
                    ast.BinOp(left, ast.Add(), value) for left in scope.local.get(name, [])
                ]
        for name_, child in ast.iter_fields(node):
            for part in child if isinstance(child, list) else [child]:
                if isinstance(part, ast.expr) and name_ != "annotation":
                    self._evaluate(part, step, function)

    def _assign(self, target: ast.expr, value: ast.expr, function: Function) -> None:
        scope = function.scope
        match target:
            case ast.Name(id=name):
                scope.local[name].append(value)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                scope.attributes[name].append(value)
                if name in ID_NAMES:
                    scope.members[owner].append(value)
            case ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant(value=str(name))):
                if name in ID_NAMES:
                    scope.members[owner].append(value)
        made = value.value if isinstance(value, ast.Await) else value
        if isinstance(made, ast.Call):
            self._type(target, made.func)

    def _type(self, target: ast.expr, told: ast.expr | None) -> None:
        """Note which classes a variable may be of, as its annotation or its maker tells."""
        if told is None or not isinstance(target, ast.Name | ast.Attribute):
            return
        known = target.id if isinstance(target, ast.Name) else target.attr
        for node in ast.walk(told):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    pass
                case ast.Constant(value=str(name)):
                    name = name.rsplit(".", 1)[-1]
                case _:
                    continue
            if name[:1].isupper() and name not in _NO_CLASSES:
                self._file.types[known].add(name)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                self._file.imports[alias.asname or alias.name] = (module, alias.name)
            else:
                name = alias.asname or alias.name.partition(".")[0]
                self._file.imports[name] = (alias.name, None)

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, step: Step, function: Function
    ) -> None:
        arguments = node.args
        defaults = [*arguments.defaults, *(one for one in arguments.kw_defaults if one)]
        for decorator in node.decorator_list:
            # a decorator that is called gets the function; it is none of the function's calls
            parts = decorator.args if isinstance(decorator, ast.Call) else [decorator]
            for part in parts:
                self._evaluate(part, step, function)
        for default in defaults:
            self._evaluate(default, step, function)
        in_class = function.sort == "class"
        shown = node.name if function.sort == "module" else f"{function.shown}.{node.name}"
        sort: Literal["method", "function"] = "method" if in_class else "function"
        made = Function(self._file, node.name, shown, node.lineno, sort, function.owner)
        # a method is found through its class, a nested function through the one around it
        made.outer = function.outer if in_class else function
        made.scope.outer = function.scope.outer if in_class else function.scope
        made.scope.attributes = function.scope.attributes
        made.scope.constants = function.scope.constants
        made.defaults = defaults
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            made.scope.local[argument.arg] = []
            self._type(ast.Name(argument.arg), argument.annotation)
        _default(made.scope, arguments)
        self._file.functions.append(made)
        self._block(node.body, made.body, made)

    # one case a kind of expression
    def _evaluate(  # noqa: C901, PLR0912
        self, node: ast.AST, step: Step, function: Function
    ) -> None:
        """Note the uses in an expression, in the order in which Python evaluates it."""
        match node:
            case ast.Call():
                self._call(node, step, function)
            case ast.Lambda(args=arguments, body=body):
                # counted as run where it stands
                for default in arguments.defaults:
                    self._evaluate(default, step, function)
                self._evaluate(body, step, function)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                for generator in node.generators:
                    self._evaluate(generator, step, function)
                made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
                for part in made:
                    self._evaluate(part, step, function)
            case ast.NamedExpr(target=target, value=value):
                self._assign(target, value, function)
                self._evaluate(value, step, function)
            case ast.Name(ctx=ast.Load()):
                self._note(node, None, step, function)
            case ast.Attribute(value=value):
                self._evaluate(value, step, function)
                if isinstance(value, ast.Name) and value.id in {"self", "cls"}:
                    self._note(node, None, step, function)
            case ast.Constant(value=str(text)):
                self._file.texts.append(text)
            case _:
                for child in ast.iter_child_nodes(node):
                    self._evaluate(child, step, function)

    def _call(self, node: ast.Call, step: Step, function: Function) -> None:
        handed: list[ast.Name | ast.Attribute] = []
        if isinstance(node.func, ast.Attribute):
            self._evaluate(node.func.value, step, function)
        elif not isinstance(node.func, ast.Name):
            self._evaluate(node.func, step, function)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            if isinstance(argument, ast.Name | ast.Attribute):
                handed.append(argument)
                if isinstance(argument, ast.Attribute):
                    self._evaluate(argument.value, step, function)
            else:
                self._evaluate(argument, step, function)
        for argument in handed:
            self._note(argument, node, step, function)
        if isinstance(node.func, ast.Name | ast.Attribute):
            self._note(node.func, node, step, function, called=True)

    @staticmethod
    def _note(
        node: ast.Name | ast.Attribute,
        call: ast.Call | None,
        step: Step,
        function: Function,
        *,
        called: bool = False,
    ) -> None:
        name = node.id if isinstance(node, ast.Name) else node.attr
        place = call.func if call and called else node
        line, column = place.end_lineno or place.lineno, place.end_col_offset or 0
        user = function
        while user.sort == "class" and user.outer is not None:
            user = user.outer  # the body of a class is run by what it stands in
        use = Use(name, _receiver(node), call, called, line, column, user, step)
        step.uses.append(use)
        user.uses.append(use)


_NO_CLASSES: Final = frozenset({"Any", "Optional", "Union", "Callable", "Awaitable", "Self"})


def _receiver(node: ast.Name | ast.Attribute) -> tuple[str, ...]:
    names: list[str] = []
    at: ast.expr = node
    while isinstance(at, ast.Attribute):
        names.append(at.attr)
        at = at.value
    names.append(at.id if isinstance(at, ast.Name) else "()")
    return tuple(reversed(names))[:-1]


def _default(scope: Scope, arguments: ast.arguments) -> None:
    positional = [*arguments.posonlyargs, *arguments.args]
    told = positional[len(positional) - len(arguments.defaults) :]
    pairs = [*zip(told, arguments.defaults, strict=True)]
    pairs += [
        (argument, default)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is not None
    ]
    for argument, default in pairs:
        if isinstance(default, ast.Constant) and isinstance(default.value, str):
            scope.local[argument.arg].append(default)


def _constant(node: ast.expr) -> bool | None:
    """Return what a condition always is; None where it depends."""
    if isinstance(node, ast.Constant):
        return bool(node.value)
    if isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        return False if name == "TYPE_CHECKING" else None
    return None
