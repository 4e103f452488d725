"""Options that every command shares, before or after its name, and those that several have."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from delegation.cli import terminal
from delegation.errors import Advice, Command, UsageError

if TYPE_CHECKING:
    from delegation.wiring import MakeWorld, Places

F = TypeVar("F", bound=Callable[..., Any])

KNOWN_DOMAINS = "DELEGATION_KNOWN_DOMAINS"
"""The variable that stands for --known-domains."""

_ASKING_NO_HOST = {"status", "abort"}
"""Commands among those of hosts and migrations that have no password for hosts."""


@dataclass
class Options:
    """The shared options as given; None where they are not."""

    inventory: Path = Path("inventory.yaml")
    directory: str | None = None
    state: Path | None = None
    known_domains: Path | None = None
    password_file: Path | None = None
    hosts_password_file: Path | None = None
    verbose: bool = False
    no_color: bool = False
    elsewhere: str | None = None
    """Which domain controller a run of another one is undone on."""
    repeated: tuple[str, ...] = ()
    """What else an apply was told, or is to be: its file, digest, limit and overrides, as typed."""
    make_world: "MakeWorld | None" = None
    """Whoever runs the program from Python may bring a world of his own."""

    @property
    def places(self) -> "Places":
        """Where everything is, as the command line says it."""
        from delegation.wiring import Places

        return Places(
            self.inventory, self.directory, self.state, self.elsewhere, self.known_domains
        )

    def typed(self, command: Command) -> str:
        """A command for somebody to type, with the same places."""
        return self.command(*command.words)

    def said(self, words: str) -> str:
        """A sentence with its commands as they are to be typed."""
        return words.typed(self.typed) if isinstance(words, Advice) else words

    def command(self, *words: str) -> str:
        """``delegation`` and ``words`` with the same places: to type."""
        line = ["delegation", *self._places_for(words), *words, *self._of_hosts(words)]
        # Each in the quotes of the shell that it is pasted into.
        if sys.platform == "win32":
            from subprocess import list2cmdline

            return list2cmdline(line)
        return shlex.join(line)

    def _places_for(self, words: Sequence[str]) -> Iterator[str]:
        """The options that say them; a variable of the environment that says one holds on."""
        names = ["inventory", "directory", "state", "known_domains", "password_file"]
        for name in ["known_domains"] if words[:1] == ("trust",) else names:
            option, place = f"--{name.replace('_', '-')}", getattr(self, name)
            is_said = place == getattr(Options, name) or option in words
            if name == "known_domains" and str(place) == os.environ.get(KNOWN_DOMAINS):
                is_said = True
            if not is_said:
                yield from (option, str(place))

    def _of_hosts(self, words: Sequence[str]) -> tuple[str, ...]:
        """Where the password for hosts comes from, which stands behind a command that asks some."""
        group, name = (*words, "", "")[:2]
        asks = group in {"hosts", "migrate"} and name not in _ASKING_NO_HOST
        if not asks or self.hosts_password_file is None:
            return ()
        return ("--hosts-password-file", str(self.hosts_password_file))


class Decorator(Protocol):
    """Declares something of any command."""

    def __call__(self, command: F, /) -> F: ...


def together(*declarations: Callable[[Any], Any]) -> Decorator:
    """Several options as one decorator, which several commands share; help keeps their order."""

    def decorate(command: F) -> F:
        for declare in reversed(declarations):
            command = declare(command)
        return command

    return decorate


def common(*, with_environment: bool = False) -> Decorator:
    """Add the shared options to a command; the environment counts once, at the top.

    They may stand before the command's name or after it. Were the environment read at both places,
    a variable would undo what the command line says before the name.
    """
    return _remembered(_COMMON, with_environment=with_environment)


def reaching_hosts() -> Decorator:
    """Add the options of commands that log on to the hosts themselves."""
    return _remembered(_HOSTS, with_environment=True)


def _remembered(declarations: "_Declarations", *, with_environment: bool) -> Decorator:
    remembering = []
    for names, settings in declarations:
        long_name = next(name for name in names if name.startswith("--"))
        variable = "DELEGATION_" + long_name[2:].upper().replace("-", "_")
        declared = click.option(
            *names,
            **settings,
            envvar=variable if with_environment else None,
            show_envvar=with_environment,
            expose_value=False,
            callback=_remember,
        )
        remembering.append(declared)
    return together(*remembering)


def given(ctx: click.Context) -> Options:
    """The shared options of this invocation."""
    return remembered(ctx.find_root().ensure_object(dict))


def remembered(known: Mapping[str, Any]) -> Options:
    """The shared options out of what an invocation's context holds."""
    names = [field.name for field in fields(Options)]
    return Options(**{name: known[name] for name in names if name in known})


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:  # noqa: ANN401
    if value is None or value is False:
        return
    ctx.find_root().ensure_object(dict)[parameter.name] = value
    if parameter.name == "no_color":
        terminal.drop_colours()


def limit(of: str) -> Callable[[F], F]:
    """Add ``--limit``; ``of`` says what of the hosts it chooses."""
    return click.option("--limit", metavar="HOSTS", help=f"Only these {of}, as in hv[01-08],hv12.")


def allow(*refusals: str) -> Callable[[F], F]:
    """Add ``--allow`` for the refusals that may be overridden."""
    repeated = "; may be repeated" if len(refusals) > 1 else ""
    return click.option(
        "--allow",
        multiple=True,
        type=_RefusalName(refusals),
        help=f"Accept a refusal by its name{repeated}.",
    )


class _RefusalName(click.Choice[str]):
    """The name of a refusal; of one that is each host's own (``new-account=HOST``), with it."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        name, _, host = value.partition("=")
        if host and f"{name}={_HOST}" in self.choices:
            return value
        return super().convert(value, param, ctx)


_HOST = "HOST"


def again(
    limit: str | None = None,
    allow: Sequence[str] = (),
    file: Path | None = None,
    expect: str | None = None,
) -> list[str]:
    """What a command was told and the next one has to be told as well, as it is typed."""
    words = [] if file is None else [str(file)]
    words += [] if limit is None else ["--limit", limit]
    words += [] if expect is None else ["--expect", expect]
    return words + [word for name in allow for word in ("--allow", name)]


def save_plan(reader: str) -> Decorator:
    """Add ``-o`` to a command that plans; ``reader`` is the command that takes the file."""

    return together(
        output(f"Save the plan for its reviewer, and for: {reader}"),
        click.option("--force", is_flag=True, help="Replace the file of -o."),
    )


def output(purpose: str, **settings: Any) -> Callable[[F], F]:  # noqa: ANN401 - click's
    """Add ``-o FILE``; ``purpose`` is its help, ``settings`` are what is special about it."""
    declared = {"type": FILE, "metavar": "FILE", "help": purpose, **settings}
    return click.option("-o", "--output", **declared)


FILE = click.Path(path_type=Path, dir_okay=False)
"""A file to read or to write; whether it is there is told by whoever opens it."""


optional_file = click.argument("file", required=False, type=FILE, metavar="[FILE]")


def forms(*known: str, purpose: str | None = None) -> Callable[[F], F]:
    """Add ``--format``, which is text unless it is told."""
    choice = click.Choice(known)
    return click.option(
        "--format", "form", type=choice, default="text", show_default=True, help=purpose
    )


text_or_json = forms("text", "json")
expect = click.option("--expect", metavar="DIGEST", help="Refuse unless the plan has this digest.")
ticket = click.option("--ticket", metavar="TEXT", help="A change number, recorded with the run.")
elsewhere = click.option(
    "--on",
    "elsewhere",
    metavar="DC",
    help="Another domain controller than the run's, by name or URL; what has not replicated to it "
    "looks undone, or not made.",
)
back_to = click.option(
    "--to",
    "back_to",
    type=click.IntRange(1, 2**63 - 1),
    metavar="RUN",
    help="Undo all runs after that one, which stays, as one.",
)
skip_conflicts = click.option(
    "--skip-conflicts", is_flag=True, help="Leave what is in conflict, and undo the rest."
)
yes = click.option("--yes", is_flag=True, help="Don't ask.")


def refuse_two_runs(run: int | None, back_to: int | None) -> None:
    """Raise UsageError where one run is named, and another one that all later ones go back to."""
    if run is not None and back_to is not None:
        raise UsageError(
            f"RUN {run} and --to {back_to} can't be meant both",
            "RUN undoes that run alone, --to all that came after one",
        )


RUN = click.IntRange(1, 2**63 - 1)
"""The number of a run; SQLite counts no further."""

_Declarations = list[tuple[tuple[str, ...], dict[str, Any]]]


def _path(purpose: str, metavar: str = "FILE") -> dict[str, Any]:
    readable_or_not = click.Path(path_type=Path, readable=False)
    return {"type": readable_or_not, "metavar": metavar, "help": purpose}


_COMMON: _Declarations = [
    (("-i", "--inventory"), _path("The inventory.  [default: inventory.yaml]")),
    (
        ("--directory",),
        {"metavar": "URL", "help": "ldaps://DC, ldap://DC or ldif:FILE, instead of directory.url."},
    ),
    (("--state",), _path("Where runs are recorded, instead of state.", "DIR")),
    (
        ("--known-domains",),
        _path("The domains that a password may go to, instead of your own and root's list."),
    ),
    (
        ("--password-file",),
        _path("Read the password here; else from DELEGATION_PASSWORD, else it is asked for."),
    ),
    (("-v", "--verbose"), {"is_flag": True, "default": None, "help": "Show every value."}),
    (("--no-color",), {"is_flag": True, "default": None, "help": "No colours."}),
]

_HOSTS: _Declarations = [
    (
        ("--hosts-password-file",),
        _path("Password of remoting.user; else DELEGATION_HOSTS_PASSWORD, else it is asked."),
    ),
]
