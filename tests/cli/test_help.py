"""The help: every command is explained, with an example, and to show it costs nothing."""

import json
import shlex
import subprocess
import sys
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click
import pytest

from delegation import __version__, cli
from delegation.cli import hosts, migrate
from tests.cli.commands import EVERY, command, parse
from tests.cli.program import Delegation, Ran, spawned
from tests.cli.world import finished

GROUPS = {"": cli.SUMMARIES, "hosts ": hosts.SUMMARIES, "migrate ": migrate.SUMMARIES}
CODES = ("0", "1", "2", "3", "4", "130")


@pytest.mark.parametrize("name", EVERY)
def test_every_command_has_help_with_an_example(delegation: Delegation, name: str) -> None:
    for option in ("--help", "-h"):
        ran = delegation(*name.split(), option)
        assert ran.code == 0
        assert ran.err == ""
        assert f"Usage: delegation {name}" in ran.out
        _, _, examples = ran.out.partition("Example")
        assert f"  delegation {name}" in examples or f" {name}\n" in examples


@pytest.mark.parametrize("name", EVERY)
def test_every_option_is_explained(name: str) -> None:
    assert [
        parameter.name
        for parameter in command(name).params
        if isinstance(parameter, click.Option)
        and not parameter.help
        and not isinstance(parameter.type, click.Choice)
    ] == []


@pytest.mark.parametrize("name", EVERY)
def test_the_examples_can_be_typed(name: str) -> None:
    """Each parses, with its options; what stands behind four spaces explains it."""
    text = command(name).help or ""
    lines = [line.strip() for line in text.splitlines()]
    examples = [line for line in lines if line.startswith("delegation ")]
    assert examples
    for example in examples:
        words = shlex.split(example.partition("    ")[0].partition(" >")[0])[1:]
        parse(words)


def test_the_summaries_are_the_commands_own() -> None:
    """They are kept in one place, so that the help need not load the commands."""
    first_lines = {
        f"{group}{name}": (command(f"{group}{name}").help or "").strip().splitlines()[0]
        for group, summaries in GROUPS.items()
        for name in summaries
    }
    assert first_lines == {
        f"{group}{name}": text
        for group, summaries in GROUPS.items()
        for name, text in summaries.items()
    }


def test_the_help_lists_commands_options_and_exit_codes(delegation: Delegation) -> None:
    for arguments in (("--help",), ("-h",)):
        ran = delegation(*arguments)
        assert ran.code == 0
        for name in cli.SUMMARIES:
            assert f"\n  {name} " in ran.out
        _, _, epilog = ran.out.partition("Exit codes:")
        assert [line.split()[0] for line in epilog.splitlines() if line.strip()] == list(CODES)
        for option in ("INVENTORY", "DIRECTORY", "STATE", "PASSWORD_FILE", "VERBOSE", "NO_COLOR"):
            assert f"DELEGATION_{option}]" in "".join(ran.out.split())


@pytest.mark.parametrize("name", ["plan", "apply", "audit", "check"])
def test_commands_tell_their_exit_codes(delegation: Delegation, name: str) -> None:
    assert "Exit codes:" in delegation(name, "--help").out


def test_no_command_at_all_shows_the_help(delegation: Delegation) -> None:
    ran = delegation()
    assert ran.code in {0, 2}
    assert "Commands:" in ran.out + ran.err


def test_an_unknown_command_is_2(delegation: Delegation) -> None:
    ran = delegation("plon")
    assert ran.code == 2
    assert "plon" in ran.err
    assert ran.out == ""


def test_the_version(delegation: Delegation) -> None:
    assert delegation("--version").out == f"delegation, version {__version__}\n"


HEAVY = ("ldap3", "jinja2", "yaml", "rich", "impacket", "pypsrp", "sqlite3")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    loaded = _loaded(arguments)
    assert [name for name in HEAVY if name in loaded] == []
    assert "delegation.cli.plan" not in loaded


def test_a_plan_of_an_export_loads_no_ldap_library(delegation: Delegation) -> None:
    loaded = _loaded(["plan"])
    assert [name for name in ("ldap3", "jinja2", "rich", "impacket") if name in loaded] == []


def test_an_audit_loads_nothing_that_it_has_no_use_for(delegation: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(finished())
    loaded = _loaded(["audit"])
    unused = (
        *("_strptime", "cryptography", "dns", "gssapi", "impacket", "jinja2", "krb5", "ldap3"),
        *("pypsrp", "requests", "rich", "shutil", "spnego", "urllib3"),
        *("delegation.explain", "delegation.hosts.winrm", "delegation.migrations.runner"),
    )
    assert [name for name in unused if name in loaded] == []


DATACLASSES = {
    *("Comparison", "Credentials", "MeshCase", "NewRun", "Plan", "Run", "Snapshot", "WindowsFile"),
    *("DeclaredHosts", "DeclaredMeshes", "HostSetting", "Options", "Report", "_Open"),
}
"""Those that change, are derived from, or hold what they have computed."""


@pytest.mark.parametrize("command", ["audit", "plan"])
def test_values_of_every_command_are_named_tuples(delegation: Delegation, command: str) -> None:
    """Decision 0014: a frozen dataclass takes six times as long to make."""
    found = set()
    for name in _loaded([command]):
        if name.startswith("delegation."):
            found |= {one.__name__ for one in _made_in(import_module(name)) if is_dataclass(one)}
    assert found - DATACLASSES == set()


def _made_in(module: ModuleType) -> list[type]:
    own = [one for one in vars(module).values() if isinstance(one, type)]
    return [one for one in own if one.__module__ == module.__name__]


def _loaded(arguments: list[str]) -> list[str]:
    text = (
        "import json, sys, atexit\n"
        "from delegation.cli import run\n"
        f"run({arguments!r})\n"
        "print('LOADED', json.dumps(list(sys.modules)))\n"
    )
    ran: Ran = spawned(program=(sys.executable, "-c", text))
    assert ran.code == 0
    modules: list[str] = json.loads(ran.out.rpartition("LOADED ")[2])
    return modules


@pytest.mark.parametrize(
    ("line", "hours"),
    [
        ("migrate run moves.yaml", True),
        ("-i other.yaml migrate resume 3", True),
        ("migrate drain hv01", True),
        ("migrate watch", True),
        ("migrate plan moves.yaml", False),
        ("plan", False),
        ("audit --new-only", False),
    ],
)
def test_garbage_is_collected_in_what_may_run_all_night(line: str, hours: bool) -> None:  # noqa: FBT001
    script = (
        "import gc, sys\nfrom delegation import cli\n"
        "cli.run = lambda arguments: print(gc.isenabled()) or 0\ncli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *line.split()], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(hours)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("plna",), "plan"),
        (("hosts", "paln"), "plan"),
        (("migrate", "drian"), "drain"),
        (("report", "htlm"), "html"),
        (("schedule", "systmd"), "systemd"),
        (("plan", "shwo"), "show"),
    ],
)
def test_a_command_that_is_mistyped_gets_a_suggestion(
    delegation: Delegation, words: tuple[str, ...], meant: str
) -> None:
    ran = delegation(*words)
    assert ran.code == 2
    assert f"Did you mean '{meant}'?" in ran.err
