"""Every command of the program, those of groups included."""

import contextlib
from collections.abc import Iterator, Sequence

import click

from delegation import cli


def command(name: str) -> click.Command:
    """A command by its name, as in ``plan`` or ``export ldif``."""
    found: click.Command | None = cli.cli
    for word in name.split():
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), word)
    assert found is not None, name
    return found


def _every() -> Iterator[str]:
    for name in cli.SUMMARIES:
        yield name
        top = command(name)
        if isinstance(top, click.Group):
            yield from (f"{name} {inner}" for inner in top.list_commands(click.Context(top)))


EVERY = tuple(_every())
"""Their names, groups themselves included."""


def parse(arguments: Sequence[str]) -> None:
    """As the program parses a command line. Raises click.UsageError for what it does not know."""
    with contextlib.suppress(click.exceptions.Exit):  # --help, --version
        context = cli.cli.make_context("delegation", list(arguments))
        group: click.Command = cli.cli
        while isinstance(group, click.Group):
            words = [*context._protected_args, *context.args]
            if not words and group.invoke_without_command:
                return
            name, found, rest = group.resolve_command(context, words)
            assert found is not None
            context = found.make_context(name, rest, parent=context)
            group = found
