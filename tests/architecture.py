"""A package as its modules and what they import; ``test_architecture`` holds its rules to it."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "delegation"
ROOT = "__init__"
"""What the package itself is called here: it holds the version, and is no room."""

_OPENING = {"open", "exec", "eval", "compile", "__import__"}
_READING = {"read_file", "read_text", "read_bytes", "write_text", "write_bytes"}


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts) or ROOT


PATHS = {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
"""Every module: its dotted name below ``delegation``, and its file."""


@dataclass(frozen=True)
class Module:
    """A module by its dotted name below ``delegation``, and its syntax tree."""

    name: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def imports(self) -> set[str]:
        """What it imports, wherever in it: ``a.b``, and ``a.b.c`` for ``from a.b import c``."""
        return {name for node in self.nodes for name in _imported(node)}

    @cached_property
    def libraries(self) -> set[str]:
        found = {name.partition(".")[0] for name in self.imports}
        return found - {"delegation"}

    @cached_property
    def own(self) -> set[str]:
        """Modules of the package that it imports, within functions and for types too."""
        return {name for node in self.nodes for name in _own(node)}

    @cached_property
    def own_at_once(self) -> set[str]:
        """Those that run when it is imported itself, with the packages that they lie in."""
        named = {name for node in _run_at_once(self.tree) for name in _own(node)}
        packages = {package for name in named for package in _packages(name)}
        around = {self.name, *_packages(self.name)}
        return named | (packages - around)

    @cached_property
    def words(self) -> set[str]:
        """Names and attributes that its code mentions, or imports from elsewhere."""
        names = {node.id for node in self.nodes if isinstance(node, ast.Name)}
        attributes = {node.attr for node in self.nodes if isinstance(node, ast.Attribute)}
        return names | attributes | {name.rpartition(".")[2] for name in self.imports}

    @cached_property
    def takes_the_clock(self) -> bool:
        """Whether it asks ``datetime`` or ``date`` for now; a clock that it is given is another."""
        clocks = {"datetime", "date"}
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom) and node.module == "datetime":
                clocks |= {alias.asname or alias.name for alias in node.names}
        asked = [node for node in self.nodes if isinstance(node, ast.Attribute)]
        return any(
            node.attr in {"now", "today", "utcnow"}
            and ast.unparse(node.value).rpartition(".")[2] in clocks
            for node in asked
        )

    @cached_property
    def opens(self) -> bool:
        """Whether it opens or reads a file, or runs a text as code."""
        called = [node.func for node in self.nodes if isinstance(node, ast.Call)]
        names = {call.id for call in called if isinstance(call, ast.Name)}
        return bool(names & _OPENING) or bool(self.words & _READING)

    @cached_property
    def functions(self) -> list[tuple[str, int]]:
        """Its functions, and how many lines each has."""
        functions = ast.FunctionDef | ast.AsyncFunctionDef
        found = [node for node in self.nodes if isinstance(node, functions)]
        return [(node.name, (node.end_lineno or 0) - node.lineno + 1) for node in found]

    @cached_property
    def classes(self) -> list[str]:
        return [node.name for node in self.nodes if isinstance(node, ast.ClassDef)]


def module(name: str, source: str) -> Module:
    return Module(name, ast.parse(source))


def within(name: str, place: str) -> bool:
    """Whether a module is the place ``a.b``, or lies in the folder ``a.b/``."""
    folder = place.removesuffix("/")
    return name == folder or (place != folder and name.startswith(f"{folder}."))


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """One way that ends where it began, if there is one."""
    done: set[str] = set()

    def search(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph[name]):
            if found := search(other, [*path, name]):
                return found
        done.add(name)
        return []

    return next((found for name in graph if (found := search(name, []))), [])


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports are banned"
        assert node.module
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _own(node: ast.AST) -> Iterator[str]:
    """``from delegation.cli import options`` means the module options, not its package."""
    found = [_below(name) for name in _imported(node)]
    known = [name for name in found if name in PATHS]
    if isinstance(node, ast.ImportFrom) and found[1:] == known[1:]:
        known = known[1:]
    yield from known


def _below(name: str) -> str:
    package, _, rest = name.partition(".")
    return (rest or ROOT) if package == "delegation" else f"not ours: {name}"


def _packages(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts))}


def _run_at_once(tree: ast.AST) -> Iterator[ast.AST]:
    """What an import runs: nothing within functions, nothing that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _run_at_once(node)


MODULES = {name: module(name, path.read_text(encoding="utf-8")) for name, path in PATHS.items()}
