"""Which functions of the tree a call may mean: by name, and by class where the source tells it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from tools.lintbot.program import File, Function, Use

_OPEN: Final = frozenset({"Protocol", "ABC"})
"""Bases of classes whose methods are written elsewhere, perhaps in no subclass."""


class Tree:
    """All files of a bot."""

    def __init__(self, files: Sequence[File]) -> None:
        """Index the functions by name and class."""
        self.files = files
        self.functions = [function for file in files for function in file.functions]
        self.uses = [use for function in self.functions for use in function.uses]
        self._plain: dict[str, list[Function]] = defaultdict(list)
        self._methods: dict[str, list[Function]] = defaultdict(list)
        self._of_class: dict[tuple[str, str], list[Function]] = defaultdict(list)
        self._is_known: dict[str, bool] = {}
        self._nested: dict[tuple[Function, str], list[Function]] = defaultdict(list)
        self._bases: dict[str, set[str]] = defaultdict(set)
        self._derived: dict[str, set[str]] = defaultdict(set)
        for file in files:
            for name, bases in file.classes.items():
                self._bases[name].update(bases)
                for base in bases:
                    self._derived[base].add(name)
        for function in self.functions:
            if function.sort == "method" and function.owner:
                self._methods[function.name].append(function)
                self._of_class[function.owner, function.name].append(function)
            elif function.outer is not None:
                self._nested[function.outer, function.name].append(function)
                if function.outer.sort == "module":
                    self._plain[function.name].append(function)
        self._meant: dict[Use, list[Function]] = {use: self._find(use) for use in self.uses}
        self._users: dict[Function, list[Use]] = defaultdict(list)
        for use, functions in self._meant.items():
            for function in functions:
                self._users[function].append(use)

    def meant(self, use: Use) -> list[Function]:
        """Return the functions that a use may mean; none where they are not of the tree."""
        return self._meant[use]

    def users(self, function: Function) -> list[Use]:
        """Return where a function is called or handed on."""
        return self._users.get(function, [])

    def is_imported(self, use: Use) -> bool:
        """Whether a plain name is imported."""
        return not use.receiver and use.name in use.function.file.imports

    # one answer a kind of receiver
    def _find(self, use: Use) -> list[Function]:  # noqa: PLR0911
        if not use.receiver:
            return self._find_plain(use)
        root, last = use.receiver[0], use.receiver[-1]
        file, name = use.function.file, use.name
        if use.receiver in {("self",), ("cls",)}:
            return self._of_own_class(use.function.owner, name)
        if not use.called and use.call is None:
            return []
        imported = file.imports.get(root)
        if imported and len(use.receiver) == 1 and not root[:1].isupper():
            return self._imported(imported, name)
        if imported and imported[1] is None and not self._is_module(imported[0]):
            return []
        classes = {last} if last in self._bases else file.types.get(last, set())
        known = {one for one in classes if one in self._bases}
        if known and not any(_OPEN & self._bases[one] for one in known):
            return _unique(one for known_ in sorted(known) for one in self._family(known_, name))
        if classes and not known:
            return []
        return [one for one in self._methods[name] if one is not use.function]

    def _find_plain(self, use: Use) -> list[Function]:
        file, name = use.function.file, use.name
        around: Function | None = use.function
        while around is not None:
            if nested := self._nested.get((around, name)):
                return nested
            if name in around.scope.local and around.sort != "module":
                return []
            around = around.outer
        if name in file.imports:
            module, told = file.imports[name]
            if told is None or not self._is_module(module):
                return []
            return self._constructor(told) or self._functions_of(module, told)
        own = [one for one in self._plain[name] if one.file is file]
        if own or name in file.classes:
            return own or self._constructor(name)
        starred = [one[0] for one in file.imports.values() if one[1] == "*"]
        return [one for module in starred for one in self._functions_of(module, name)]

    def _imported(self, imported: tuple[str, str | None], name: str) -> list[Function]:
        module, told = imported
        if told is not None:
            inner = f"{module.rstrip('.')}.{told}" if module.strip(".") else told
            if not self._is_module(inner):
                # an object made elsewhere in the tree, or one that is not of the tree at all
                return self._methods[name] if self._is_module(module) else []
            return self._functions_of(inner, name)
        return self._functions_of(module, name)

    def _functions_of(self, module: str, name: str) -> list[Function]:
        named = [one for one in self._plain[name] if _fits(one.file.module, module)]
        # a package may hand on what another of its files declares
        return named or (self._plain[name] if self._is_module(module) else [])

    def _is_module(self, module: str) -> bool:
        bare = module.lstrip(".")
        if not bare or module.startswith("."):
            return True
        if bare not in self._is_known:
            self._is_known[bare] = any(
                _fits(file.module, bare) or _holds(file.module, bare) for file in self.files
            )
        return self._is_known[bare]

    def _constructor(self, name: str) -> list[Function]:
        return self._inherited(name, "__init__") if name in self._bases else []

    def _of_own_class(self, owner: str | None, name: str) -> list[Function]:
        return self._family(owner, name) if owner else []

    def _family(self, owner: str, name: str) -> list[Function]:
        """Return a method as a class has it, and as the classes that derive from it have it."""
        below, todo = {owner}, [owner]
        while todo:
            more = self._derived.get(todo.pop(), set()) - below
            below |= more
            todo += sorted(more)
        derived = (one for class_ in sorted(below) for one in self._of_class[class_, name])
        return _unique([*self._inherited(owner, name), *derived])

    def _inherited(self, owner: str, name: str) -> list[Function]:
        seen, todo = {owner}, [owner]
        while todo:
            class_ = todo.pop(0)
            if found := self._of_class.get((class_, name)):
                return found
            more = self._bases.get(class_, set()) - seen
            seen |= more
            todo += sorted(more)
        return []


def _fits(file: str, module: str) -> bool:
    bare = module.lstrip(".")
    return f".{file}".endswith(f".{bare}") or f".{bare}".endswith(f".{file}")


def _holds(file: str, package: str) -> bool:
    return f".{file}.".find(f".{package}.") >= 0


def _unique(functions: Iterable[Function]) -> list[Function]:
    return list(dict.fromkeys(functions))
