"""Options that say on what terms one run moves: for plan, drain and run of migrations."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from delegation.migrations.moves.terms import RunTerms

F = TypeVar("F", bound=Callable[..., Any])


def run_terms(command: F) -> F:
    """Give a command ``--with-checkpoints`` and ``--assume-full``; ``given_terms`` reads them."""
    with_checkpoints = click.option(
        "--with-checkpoints",
        is_flag=True,
        expose_value=False,
        callback=_keep,
        help="Move machines with checkpoints or differencing disks, too: unverified on Windows.",
    )
    assume_full = click.option(
        "--assume-full",
        is_flag=True,
        expose_value=False,
        callback=_keep,
        help="Take hosts that do not tell their free space for full; else that is no bound.",
    )
    return with_checkpoints(assume_full(command))


def _keep(ctx: click.Context, option: click.Parameter, said: bool) -> None:  # noqa: FBT001
    ctx.meta[f"delegation.terms.{option.name}"] = said


def given_terms(ctx: click.Context) -> RunTerms:
    """What was said."""
    return RunTerms(
        ctx.meta.get("delegation.terms.with_checkpoints", False),
        ctx.meta.get("delegation.terms.assume_full", False),
    )
