"""The rules of the house: which room may know which, and where the world is touched.

A room is a top-level entry of ``delegation/``; a place is a module ``a.b`` or a folder ``a.b/``.
The rules stand first, as data.
"""

import ast
import statistics
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.architecture import MODULES, PACKAGE, ROOT, Module, circle, module, within

FLOORS = (
    "errors names",
    "events",
    "changes inventory kerberos",
    "mesh",
    "directory hosts",
    "explain",
    "migrations",
    "report wiring",
    "cli",
    "__main__",
)
"""A room may import those on the floors below it, and none beside it."""
OPENED_BY = {"directory": "wiring"}
"""Who alone may import a room, whatever stands below it."""
MOST_ARROWS = 65

IO = {
    "changes.files": "open os pathlib secrets sys",
    "changes.journal": "getpass pathlib platform secrets sqlite3",
    "changes.posix_owners": "os pathlib sys",
    "changes.records": "pathlib",
    "changes.run_record": "clock pathlib",
    "changes.state_folder": "os pathlib sys",
    "changes.store": "pathlib sqlite3",
    "changes.windows_owners": "pathlib sys",
    "cli/": "everything",
    "directory/": "open os pathlib random socket ssl sys time urllib",
    "hosts.cim.cim_link": "time",
    "hosts.crew": "threading time",
    "hosts.thread_inbox": "queue threading time",
    "hosts.winrm/": "clock logging socket ssl sys threading time",
    "inventory.yaml_text": "pathlib",
    "kerberos/": "concurrent pathlib ssl sys threading",
    "migrations.record/": "clock",
    "migrations.runner.threads": "threading time",
    "migrations.smb/": "socket sys time",
    "report.templates": "open pathlib traceback",
    "report.sheet": "io",
    "wiring/": "everything",
}
"""The places of input and output, and what of the world each may touch; all others are pure."""
PURE_BESIDE_IO = (
    "directory.descriptors directory.editing directory.known_domains directory.known_domains_form"
    " directory.ldif directory.modify directory.requests"
    " kerberos.refusals migrations.record.noted migrations.smb.target_view migrations.smb.traffic"
)
"""Rules and formats that lie in a folder of input and output, and do none."""
_OF_RUNS = (
    "migrations.record/ migrations.migration_plan migrations.start_run migrations.resume_run"
    " migrations.perform migrations.give_up migrations.run_status migrations.run_view"
    " migrations.probed_move migrations.trial"
)
"""Use cases of migrations that are about a run on record."""
HANDED = {
    "changes.files": "changes.state_folder directory/",
    "changes.journal": "changes.carry changes.doubt changes.history changes.opening"
    " changes.objects_meant changes.past_settlements changes.records changes.rewrites"
    " changes.rolling_back changes.settlement changes.undoing changes.verbs"
    " hosts.settings_changes mesh.account_records mesh.audit_watch mesh.audits"
    " mesh.mesh_changes mesh.mesh_undo"
    " mesh.past_runs"
    f" {_OF_RUNS} migrations.past_migrations",
    "changes.posix_owners": "changes.state_folder",
    "changes.records": "changes.rolling_back changes.settlement changes.verbs"
    " hosts.settings_survey mesh.account_records mesh.audit_watch"
    " mesh.auditing mesh.audits mesh.mesh_verbs mesh.plan_mesh"
    " migrations.past_migrations report.run_report",
    "changes.run_record": "changes.carry changes.journal migrations.record/",
    "changes.store": "changes.journal changes.records changes.run_record changes.settlement"
    " mesh.account_records"
    " mesh.audits"
    " migrations.record/"
    " migrations.give_up",
    "changes.state_folder": "changes.records changes.store directory.known_domains_file",
    "changes.windows_owners": "changes.state_folder",
    "hosts.crew": "hosts.fleet hosts.probe.probing migrations.dry_runs",
    "hosts.thread_inbox": "hosts.crew migrations.runner.threads",
    "hosts.winrm/": "hosts.cim.cim_link migrations.smb.smb_ticket",
    "inventory.yaml_text": "inventory/ mesh.discovery.search migrations.moves.move_list"
    " migrations.moves.csv_tree",
    "kerberos/": "directory/ hosts.winrm/ migrations.smb/",
    "migrations.record/": f"{_OF_RUNS} migrations.tries migrations.past_migrations"
    " report.run_report",
    "migrations.runner.threads": "migrations.perform",
    "report.templates": "report report/",
}
"""Who may import a place of input and output, besides itself, ``wiring`` and ``cli``."""
WORLD = (
    "asyncio concurrent ctypes fileinput ftplib getpass glob http importlib io logging mmap"
    " multiprocessing os pathlib platform poplib queue random sched secrets select selectors"
    " shelve shutil signal smtplib socket socketserver sqlite3 ssl subprocess sys tempfile"
    " threading time traceback urllib warnings webbrowser winreg"
)
"""Libraries that only input and output have a use for."""
POSIX_ONLY = "crypt curses fcntl grp nis posix pty pwd readline resource spwd syslog termios tty"
STARTING = (
    "subprocess multiprocessing pty webbrowser Popen check_call check_output echo_via_pager execl"
    " execle execlp execv execve execvp execvpe fork forkpty popen posix_spawn posix_spawnp"
    " spawnl spawnle spawnv spawnve startfile create_subprocess_exec create_subprocess_shell"
)
PRINTING = "print input breakpoint stdout stderr __stdout__ __stderr__"

OWNERS = {
    "click": "cli/",
    "cryptography": "kerberos.tickets",
    "dns": "directory.locate",
    "gssapi": "kerberos.tickets migrations.smb.smb_ticket",
    "impacket": "directory.descriptors"
    " migrations.smb.smb_session migrations.smb.smb_watch migrations.smb.verified",
    "jinja2": "report.templates",
    "krb5": "kerberos.principals kerberos.tickets migrations.smb.smb_ticket",
    "ldap3": "directory.bounded directory.ldap directory.ldap_answers directory.sealing"
    " directory.session directory.tls directory.trouble",
    "pypsrp": "hosts.cim.cim_link hosts.winrm.answers hosts.winrm.link",
    "pywintypes": "changes.windows_owners",
    "requests": "hosts.winrm.answers hosts.winrm.wire",
    "rich": "cli/",
    "spnego": "directory.sealed_socket directory.sealing"
    " hosts.winrm.logon kerberos.tickets kerberos.wallet",
    "sqlite3": "changes.journal changes.store",
    "urllib3": "hosts.winrm.answers hosts.winrm.wire",
    "win32api": "changes.windows_owners",
    "win32file": "changes.windows_owners",
    "win32security": "changes.windows_owners",
    "yaml": "inventory.yaml_text inventory.yaml_tree",
}
"""The places that may import a library."""

FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}


def rooms_look_down(it: Module) -> Iterator[str]:
    """Arrows between rooms point downwards, those within functions and for types too."""
    for other in it.own:
        room = MODULES[other].room
        if room in {it.room, ROOT}:
            continue
        below = FLOOR.get(room, len(FLOORS)) < FLOOR.get(it.room, -1)
        if not below or OPENED_BY.get(room, it.room) != it.room:
            yield f"{it.name} imports {other}"


def only_io_touches_the_world(it: Module) -> Iterator[str]:
    """Input and output, threads and the clock are where they are said to be."""
    touched = it.libraries & set(WORLD.split())
    touched |= {"open"} if it.opens else set()
    touched |= {"clock"} if it.takes_the_clock else set()
    allowed = IO.get(place_of_io(it.name) or "", "").split()
    if "everything" not in allowed:
        yield from (f"{it.name} touches {what}" for what in touched - set(allowed))


def io_is_handed(it: Module) -> Iterator[str]:
    """The pure know only the pure, but for those of whom ``HANDED`` says otherwise."""
    place = place_of_io(it.name)
    if place in {"cli/", "wiring/"} or it.name == "__main__":
        return
    for other in it.own:
        where = place_of_io(other)
        if where in {None, place}:
            continue
        handed = it.name not in PURE_BESIDE_IO.split() and is_in(it, HANDED.get(str(where), ""))
        if not handed:
            yield f"{it.name} knows {other}"


def libraries_have_owners(it: Module) -> Iterator[str]:
    for library in it.libraries:
        owned = is_in(it, OWNERS.get(library, ""))
        standard = library in sys.stdlib_module_names and library not in OWNERS
        if not owned and not standard:
            yield f"{it.name} imports {library}"


def nothing_needs_posix(it: Module) -> Iterator[str]:
    yield from (
        f"{it.name} imports {library}" for library in it.libraries & set(POSIX_ONLY.split())
    )


def only_cli_prints(it: Module) -> Iterator[str]:
    if it.room != "cli":
        yield from (f"{it.name} says {word}" for word in it.words & set(PRINTING.split()))


def nothing_starts_a_program(it: Module) -> Iterator[str]:
    """It would be handed our environment, and with it DELEGATION_PASSWORD."""
    starting = set(STARTING.split())
    quoting = {"subprocess", "subprocess.list2cmdline"}
    for name in it.imports - quoting:
        if starting.intersection(name.split(".")):
            yield f"{it.name} imports {name}"
    for node in it.nodes:
        word = getattr(node, "id", getattr(node, "attr", ""))
        if word in starting or (
            isinstance(node, ast.Attribute) and ast.unparse(node) == "os.system"
        ):
            yield f"{it.name} says {word}"


def functions_fit_on_a_screen(it: Module) -> Iterator[str]:
    yield from (f"{it.name}: {name} is long" for name, lines in it.functions if lines > 60)


RULES: list[Callable[[Module], Iterator[str]]] = [
    rooms_look_down,
    only_io_touches_the_world,
    io_is_handed,
    libraries_have_owners,
    nothing_needs_posix,
    only_cli_prints,
    nothing_starts_a_program,
    functions_fit_on_a_screen,
]


def names_stand_alone() -> Iterator[str]:
    """No two modules share a name, but in ``cli/``, where it is a command's; no two classes."""
    outside = [it.name.rpartition(".")[2] for it in MODULES.values() if it.room != "cli"]
    classes = [name for it in MODULES.values() for name in it.classes]
    yield from (f"two modules are {name}" for name, times in Counter(outside).items() if times > 1)
    yield from (f"two classes are {name}" for name, times in Counter(classes).items() if times > 1)


def is_in(it: Module, places: str) -> bool:
    return any(within(it.name, place) for place in places.split())


def place_of_io(name: str) -> str | None:
    """The place of input and output that a module is in."""
    if name in PURE_BESIDE_IO.split():
        return None
    return next((place for place in IO if within(name, place)), None)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps(rule: Callable[[Module], Iterator[str]]) -> None:
    assert {line for it in MODULES.values() for line in rule(it)} == set()


def test_names_stand_alone() -> None:
    assert set(names_stand_alone()) == set()


def test_the_rooms_and_places_are_there() -> None:
    assert {it.room for it in MODULES.values()} - {ROOT} <= FLOOR.keys()
    named = " ".join([PURE_BESIDE_IO, *HANDED.values(), *OWNERS.values()])
    places = {*IO, *HANDED, *named.split()}
    assert [place for place in places if place.removesuffix("/") not in MODULES] == []


def test_neither_rooms_nor_modules_form_a_circle() -> None:
    rooms: dict[str, set[str]] = {it.room: set() for it in MODULES.values()}
    for it in MODULES.values():
        rooms[it.room] |= {MODULES[other].room for other in it.own} - {it.room}
    assert circle(rooms) == []
    assert sum(len(others - {ROOT}) for others in rooms.values()) <= MOST_ARROWS
    assert circle({it.name: it.own - {it.name} for it in MODULES.values()}) == []
    # What loads a module loads the faces of the packages around it as well.
    assert circle({it.name: it.own_at_once for it in MODULES.values()}) == []


def test_modules_are_short_and_functions_shorter() -> None:
    files = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    assert [path for path, text in files.items() if text.count("\n") > 300] == []
    assert statistics.median(lines for it in MODULES.values() for _, lines in it.functions) <= 8


def test_ruff_names_the_same_owners() -> None:
    pyproject = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    banned = pyproject["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    assert banned.keys() == OWNERS.keys()
    for library, owners in OWNERS.items():
        parts = {
            part for owner in owners.split() for part in owner.removesuffix("/").split(".")[:2]
        }
        assert [part for part in parts if part not in banned[library]["msg"]] == []


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from delegation.cli import run\n"
        "codes = [run([option]) for option in ('--help', '-h', '--version')]\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)\n"
        "sys.exit(max(codes))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    assert done.stdout.count("delegation") >= 3
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert loaded & OWNERS.keys() == {"click"}


PLANTS = {
    "import socket": "cli/ directory/ hosts.winrm/ migrations.smb/ wiring/",
    "def late():\n    import threading": "cli/ hosts.crew hosts.thread_inbox hosts.winrm/ kerberos/"
    " migrations.runner.threads wiring/",
    "from datetime import datetime as time\nseen = time.now()": "changes.run_record cli/"
    " hosts.winrm/ migrations.record/ wiring/",
    "text = read_file('inventory.yaml')": "changes.files cli/ directory/ report.templates wiring/",
    "import ldap3": OWNERS["ldap3"],
    "def late():\n    import click": "cli/",
    "def late():\n    import fcntl": "",
    "print('done')": "cli/",
    "def late():\n    import subprocess\n    subprocess.run('klist')": "",
    "from subprocess import run": "",
    "import os\nos.system('klist')": "",
    "from os import execvp": "",
    "from delegation.changes.journal import Journal": "__main__ changes.journal cli/ wiring/ "
    + HANDED["changes.journal"],
    "def late():\n    from delegation.directory import locate": "directory/ wiring/",
}
"""What breaks a rule wherever it is written, but in the places where it is at home."""


@pytest.mark.parametrize("plant", PLANTS)
def test_a_breach_is_seen_in_every_module(plant: str) -> None:
    planted = [module(name, plant) for name in MODULES]
    missed = {it.name for it in planted if not any(line for rule in RULES for line in rule(it))}
    home = {it.name for it in planted if is_in(it, PLANTS[plant])}
    assert missed == home - set(PURE_BESIDE_IO.split())


def test_an_import_upwards_is_seen_in_every_module() -> None:
    for it in MODULES.values():
        above = [room for room in FLOOR if FLOOR[room] >= FLOOR.get(it.room, 0)]
        for room in set(above) & MODULES.keys() - {it.room}:
            planted = module(it.name, f"def late():\n    import delegation.{room}")
            assert list(rooms_look_down(planted)), f"{it.name} may import {room}"
