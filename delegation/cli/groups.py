"""A group of commands, each in a module of its own that is imported when the command is wanted."""

import importlib
from collections.abc import Mapping

import click
from click.exceptions import NoSuchCommand


class LazyGroup(click.Group):
    """``package`` has a module for each command of ``summaries``, with the command in it.

    The summaries are the first lines of the commands' help, kept apart from them: the help of the
    group must not load them.
    """

    def __init__(
        self,
        *arguments: object,
        package: str,
        summaries: Mapping[str, str],
        **settings: object,
    ) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        self.package = package
        self.summaries = summaries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self.summaries:
            return None
        module = importlib.import_module(f"{self.package}.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raises NoSuchCommand, which suggests one of all commands, loaded or not."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as exc:
            known = self.list_commands(ctx)
            raise NoSuchCommand(exc.command_name, possibilities=known, ctx=ctx) from exc

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))
