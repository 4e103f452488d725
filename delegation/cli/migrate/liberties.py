"""What somebody may say of what can't be told, or is not known: for plan, drain, run, explain."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from delegation.migrations.moves.terms import Liberties

F = TypeVar("F", bound=Callable[..., Any])


def liberties(command: F) -> F:
    """Give a command ``--with-checkpoints`` and ``--assume-full``."""
    assume_full = click.option(
        "--assume-full",
        is_flag=True,
        expose_value=False,
        callback=_keep,
        help="Take hosts that do not tell their free space for full; else that is no bound.",
    )
    return with_checkpoints("Move")(assume_full(command))


def with_checkpoints(verb: str) -> Callable[[F], F]:
    """``--with-checkpoints`` alone, for a command that does this to machines."""
    return click.option(
        "--with-checkpoints",
        is_flag=True,
        expose_value=False,
        callback=_keep,
        help=f"{verb} machines with checkpoints or differencing disks, too: unverified on Windows.",
    )


def _keep(ctx: click.Context, option: click.Parameter, said: bool) -> None:  # noqa: FBT001
    ctx.meta[f"delegation.liberties.{option.name}"] = said


def given_liberties(ctx: click.Context) -> Liberties:
    """What was said."""
    return Liberties(
        assume_full=ctx.meta.get("delegation.liberties.assume_full", False),
        with_checkpoints=ctx.meta.get("delegation.liberties.with_checkpoints", False),
    )
