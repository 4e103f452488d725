"""Findings on a terminal: what is alike told once, hosts folded, values counted."""

from collections.abc import Iterable

import click

from delegation.mesh.checks import Finding
from delegation.mesh.findings_view import groups_of


def _distinct(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    parameter: click.Parameter,  # noqa: ARG001
    names_given: tuple[str, ...],
) -> tuple[str, ...]:
    if not all(name.strip() for name in names_given):
        raise click.BadParameter("it is empty; name a user, as in vmadmin or vmadmin@corp.example")
    return tuple(dict.fromkeys(names_given))


operators = click.option(
    "--as",
    "operators",
    metavar="USER",
    multiple=True,
    callback=_distinct,
    help="Look whether USER, who runs migrations, can be delegated; may be repeated.",
)


def lines(findings: Iterable[Finding]) -> list[str]:
    """Each group of findings in three lines: where, what, what to do."""
    groups = groups_of(findings)
    if not groups:
        return ["  no findings"]
    written = []
    for group in groups:
        written += [
            f"  {group.severity:<8}  {group.rule}  {group.where}",
            f"            {group.message}",
            f"            fix: {group.fix}",
        ]
    return written


def resolved(gone: Iterable[Finding]) -> list[str]:
    """Findings of an earlier audit that are no more, for whoever waited for that."""
    written = []
    for group in groups_of(gone):
        written += [
            f"  resolved  {group.rule}  {group.where}",
            f"            was: {group.message}",
        ]
    return written
