"""Findings as people read them: what is alike told once, hosts folded, values counted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import click

from delegation import names
from delegation.mesh.checks import Finding

FEW = 6
"""Values that are spelled out in a finding; more are counted, and listed in the JSON."""


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


def grouped(found: Sequence[Finding]) -> list[dict[str, str]]:
    """Findings that say the same of several hosts or values, once, hosts folded."""
    alike: dict[tuple[str, str, str, str], list[Finding]] = defaultdict(list)
    for finding in found:
        alike[finding.rule, str(finding.severity), finding.message, finding.fix].append(finding)
    return [
        {
            "rule": rule,
            "severity": severity,
            "hosts": names.fold({finding.computer for finding in group if finding.computer}),
            "value": _values([finding.value for finding in group if finding.value]),
            "message": message,
            "fix": fix,
        }
        for (rule, severity, message, fix), group in alike.items()
    ]


def _where(group: Mapping[str, str]) -> str:
    return ": ".join(filter(None, (group["hosts"], group["value"])))


def _values(values: Sequence[str]) -> str:
    """The values where they are few, else how many they are."""
    distinct = sorted(set(values))
    return ", ".join(distinct) if len(distinct) <= FEW else f"{len(values):,} values"


def lines(found: Sequence[Finding]) -> list[str]:
    if not found:
        return ["  no findings"]
    told = []
    for group in grouped(found):
        told += [
            f"  {group['severity']:<8}  {group['rule']}  {_where(group)}",
            f"            {group['message']}",
            f"            fix: {group['fix']}",
        ]
    return told


def resolved(gone: Sequence[Finding]) -> list[str]:
    """Findings of an earlier audit that are no more, for whoever waited for that."""
    return [
        line
        for group in grouped(gone)
        for line in (
            f"  resolved  {group['rule']}  {_where(group)}",
            f"            was: {group['message']}",
        )
    ]
