"""Which module may know which: arrows point inwards, and one module owns each library."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "delegation"

CORE = {
    "names",
    "news",
    "errors",
    "inventory",
    "matrix",
    "mesh",
    "snapshot",
    "compare",
    "plan",
    "planning",
    "checks",
    "checks.accounts",
    "checks.registry",
    "checks.rule",
    "checks.services",
    "checks.values",
    "explain",
    "explain.accounts",
    "explain.chain",
    "explain.links",
    "kdc",
    "rights",
    "discovery",
    "discovery.draft",
    "discovery.leftovers",
    "discovery.units",
    "explain.hosts",
    "explain.networks",
    "hyperv.changing",
    "hyperv.failures",
    "hyperv.machines",
    "hyperv.output",
    "hyperv.places",
    "hyperv.planning",
    "hyperv.reading",
    "hyperv.settings",
    "inventory.yaml_writing",
    "migrate.lifecycle",
    "migrate.moves.affinity",
    "migrate.moves.asked",
    "migrate.moves.drain",
    "migrate.moves.packing",
    "migrate.moves.placement",
    "migrate.moves.places",
    "migrate.moves.preview",
    "migrate.moves.surveyed",
    "migrate.moves.terms",
    "migrate.result",
    "migrate.runner.judging",
    "migrate.runner.patience",
    "migrate.runner.room",
    "migrate.runner.whereabouts",
    "migrate.schedule",
    "migrate.schedule.bounds",
    "migrate.schedule.bypass",
    "migrate.schedule.estimate",
    "migrate.schedule.ledger",
    "migrate.schedule.obstacles",
    "migrate.schedule.simulate",
    "migrate.schedule.urgency",
    "migrate.shares.traffic",
    "migrate.words",
    "undo",
}
"""Pure: no input or output, no clock. ``undo`` speaks of results, which ``edges`` declares."""
DRIVERS = {
    "edges",
    "apply",
    "hyperv.seams",
    "migrate.runner",
    "migrate.runner.board",
    "migrate.runner.errands",
    "migrate.runner.learning",
    "migrate.runner.lookout",
    "migrate.runner.seams",
}
"""Given edges as arguments; ``edges`` declares what those must be able to do."""
OWNERS = {
    "ldap3": {
        "directory.inspection",
        "directory.ldap",
        "directory.sealing",
        "directory.session",
        "directory.tls",
    },
    "cryptography": {"directory.tickets"},
    "dns": {"directory.locate"},
    "gssapi": {"directory.tickets", "migrate.shares.tickets"},
    "impacket": {
        "directory.descriptors",
        "migrate.shares",
        "migrate.shares.smb",
        "migrate.shares.verified",
    },
    "krb5": {"directory.principals", "directory.tickets", "migrate.shares.tickets"},
    "pypsrp": {"hyperv.answers", "hyperv.link", "hyperv.remoting", "hyperv.running"},
    "requests": {"hyperv.answers", "hyperv.wire"},
    "rich": {"cli"},
    "spnego": {
        "directory.sealed_socket",
        "directory.sealing",
        "directory.tickets",
        "hyperv.logon",
        "hyperv.wallet",
    },
    "urllib3": {"hyperv.answers", "hyperv.wire"},
    "yaml": {"inventory.yaml_tree", "inventory.yaml_text"},
    "jinja2": {"report"},
    "click": {"cli"},
    "sqlite3": {"store", "journal"},
}
"""The modules, or whole packages, that may import a library."""
POSIX_ONLY = {
    "crypt",
    "curses",
    "fcntl",
    "grp",
    "nis",
    "posix",
    "pty",
    "pwd",
    "readline",
    "resource",
    "spwd",
    "syslog",
    "termios",
    "tty",
}
WORLD = {
    "asyncio",
    "getpass",
    "io",
    "os",
    "pathlib",
    "platform",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
}
"""What a module that does no input or output and takes no clock has no use for."""


@dataclass(frozen=True)
class Module:
    """A module by its dotted name below ``delegation``, and its syntax tree."""

    name: str
    tree: ast.Module

    @property
    def imports(self) -> set[str]:
        """Every absolute name that it imports, wherever in it: ``a.b``, and ``a.b.c`` of a from."""
        return {name for node in ast.walk(self.tree) for name in _imported(node)}

    @property
    def own(self) -> set[str]:
        """Modules of this package that it imports, below ``delegation``."""
        return {name for node in ast.walk(self.tree) for name in _own(node)}

    @property
    def own_at_once(self) -> set[str]:
        """Those that it imports when it is imported itself, not first within a function."""
        return {name for node in self.tree.body for name in _own(node)}

    @property
    def libraries(self) -> set[str]:
        return {name.partition(".")[0] for name in self.imports if not _ours(name)}

    def within(self, parts: set[str]) -> bool:
        return any(self.name == part or self.name.startswith(f"{part}.") for part in parts)


def _ours(name: str) -> bool:
    return name.partition(".")[0] == "delegation"


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
    found = {full.removeprefix("delegation.") for full in _imported(node) if _ours(full)} & NAMES
    packages = (
        {name.rpartition(".")[0] for name in found} if isinstance(node, ast.ImportFrom) else set()
    )
    yield from found - packages


def _modules() -> Iterator[Module]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield Module(name, ast.parse(path.read_text(encoding="utf-8")))


MODULES = {module.name: module for module in _modules()}
NAMES = set(MODULES) - {""}

every_module = pytest.mark.parametrize(
    "module", MODULES.values(), ids=lambda m: m.name or "delegation"
)


def test_the_modules_of_the_design_are_there() -> None:
    assert (
        CORE
        | DRIVERS
        | {
            "cli",
            "directory.ldap",
            "directory.offline",
            "store",
            "journal",
        }
        <= NAMES
    )


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_imports_nothing_but_itself_and_the_standard_library(name: str) -> None:
    module = MODULES[name]
    assert module.own <= CORE | ({"edges"} if name == "undo" else set())
    assert module.libraries <= sys.stdlib_module_names


@pytest.mark.parametrize("name", sorted(CORE | DRIVERS))
def test_the_core_and_the_drivers_do_no_input_or_output_and_take_no_clock(name: str) -> None:
    module = MODULES[name]
    assert not module.libraries & WORLD
    calls = [node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    called = {call.id for call in calls if isinstance(call, ast.Name)}
    methods = {call.attr for call in calls if isinstance(call, ast.Attribute)}
    assert not called & {"open", "input", "print", "exec", "eval", "__import__"}
    assert not methods & {"today", "now", "utcnow"}


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_drivers_import_the_core_and_their_seams_alone(name: str) -> None:
    assert MODULES[name].own <= CORE | DRIVERS
    assert MODULES[name].libraries <= sys.stdlib_module_names


@every_module
def test_only_the_command_line_imports_the_command_line(module: Module) -> None:
    allowed = module.within({"cli", "__main__"})
    assert allowed or not any(name == "cli" or name.startswith("cli.") for name in module.own)


@every_module
def test_a_directory_knows_no_journal_and_a_journal_no_directory(module: Module) -> None:
    journal = {"audits", "store", "journal", "report", "run"}
    if module.within({"directory"}):
        assert not module.own & journal
    if module.name in journal:
        assert not any(name.startswith("directory") for name in module.own)


@every_module
def test_one_module_owns_each_library(module: Module) -> None:
    for library in module.libraries & OWNERS.keys():
        assert module.within(OWNERS[library]), f"{module.name} imports {library}"


@every_module
def test_every_library_has_an_owner(module: Module) -> None:
    assert module.libraries - sys.stdlib_module_names <= OWNERS.keys()


@every_module
def test_only_the_command_line_prints(module: Module) -> None:
    if module.within({"cli"}):
        return
    printing = [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert printing == []
    writes = [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"stdout", "stderr"}
    ]
    assert writes == []


@every_module
def test_nothing_needs_posix(module: Module) -> None:
    assert not module.libraries & POSIX_ONLY


def test_there_is_no_circle() -> None:
    """Imports at the top of modules; those within functions may close one."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in done:
            for other in MODULES[name].own_at_once:
                visit(other, (*path, name))
            done.add(name)

    for name in MODULES:
        visit(name, ())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["-h"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from delegation.cli import run\n"
        f"code = run({arguments!r})\n"
        "print(*sorted(sys.modules), sep='\\n', file=sys.stderr)\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    assert "delegation" in done.stdout
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "click" in loaded
    assert not loaded & {
        "ldap3",
        "impacket",
        "pypsrp",
        "spnego",
        "dns",
        "jinja2",
        "yaml",
        "rich",
        "sqlite3",
    }
