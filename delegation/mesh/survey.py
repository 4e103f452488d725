"""Inventory and directory -> the comparison of both: for a plan, or for findings."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from delegation import names
from delegation.errors import AccountsError, DirectoryError, UsageError
from delegation.inventory import Inventory
from delegation.mesh import checks, compare, snapshot
from delegation.mesh.desired import expand
from delegation.mesh.seams import Inspector, Reader
from delegation.mesh.snapshot import Computer


def limited(expressions: str | None, inventory: Inventory) -> frozenset[str] | None:
    """The labels that ``--limit`` means; None without it. Raises UsageError for unknown ones."""
    if expressions is None:
        return None
    known = {label.casefold(): label for label in inventory.hosts}
    try:
        wanted = [name for part in names.split_list(expressions) for name in names.expand(part)]
    except ValueError as exc:
        raise UsageError(f"--limit: {exc}", "write hosts as in hv[01-08],hv12") from exc
    unknown = [name for name in wanted if name.casefold() not in known]
    if unknown or not wanted:
        raise UsageError(
            f"--limit names no host of the inventory: {names.fold(unknown) or expressions!r}",
            f"its hosts are {names.fold(inventory.hosts)}",
        )
    return frozenset(known[name.casefold()] for name in wanted)


def for_plan(
    inventory: Inventory, reader: Reader, today: date, limit: Collection[str] | None = None
) -> compare.Comparison:
    """Read the directory once and judge it, for a plan; ``today`` is when keep rules expire.

    Raises AccountsError where a host in scope, or a host it reaches, has not exactly one
    account in the domain.
    """
    comparison = _compared(inventory, reader, today, limit)
    problems = checks.problems(comparison, limit)
    if problems:
        raise AccountsError(
            f"{len(problems)} of the inventory's accounts can't be used",
            "correct the inventory, or join the hosts to the domain; nothing was written",
            [what for _, what in problems],
        )
    return comparison


def for_findings(
    inventory: Inventory,
    inspector: Inspector,
    today: date,
    limit: Collection[str] | None = None,
    operators: Sequence[str] = (),
) -> compare.Comparison:
    """Read the directory and judge it, for findings: with evidence, hosts without account left out.

    Still one search where nothing but the inventory's own values is found: who else holds a name
    that they use comes with the hosts. Of other values, whoever may answer to their names is
    looked up: by the name itself, by HOST/… of its host, and by the name of a computer.
    """
    comparison = _compared(inventory, inspector, today, limit, hosts_too=True)
    found = comparison.snapshot
    sids = {ace.sid for host in comparison.hosts for ace in host.computer.acting}
    evidence = replace(
        found,
        accounts=(*found.accounts, *_answering_to_others(comparison, inspector)),
        operators=tuple(operator(inspector, name) for name in operators),
        account_names=inspector.account_names(sorted(sids)) if sids else {},
    )
    return replace(comparison, snapshot=evidence)


def _answering_to_others(comparison: compare.Comparison, inspector: Inspector) -> list[Computer]:
    """Accounts, not read yet, that may answer to values which are not desired."""
    others = {verdict.value for host in comparison.hosts for verdict in host.extra}
    if not others:
        return []
    parsed = [names.ServicePrincipalName.parse(value) for value in others]
    hosts = {spn.host for spn in parsed if spn}
    # Without a registered name there may still be a computer of that name, which registers it
    # when it starts: then the value is nobody's to take.
    short = {host.partition(".")[0] for host in hosts}
    computers = sorted(name for name in short if names.is_computer_name(name))
    spns = [*sorted(others), *(f"HOST/{host}" for host in sorted(hosts))]
    known = {account.guid for account in comparison.snapshot.accounts}
    return [found for found in inspector.find(computers, spns) if found.guid not in known]


def operator(inspector: Inspector, name: str) -> snapshot.Operator:
    """Who ``name`` is. Raises DirectoryError where several accounts answer to it."""
    found = inspector.people(name)
    if len(found) > 1:
        raise DirectoryError(
            f"{name} means several accounts: {' and '.join(a.dn for a in found)}",
            "name the operator as DOMAIN\\user or user@domain",
        )
    if not found:
        return snapshot.Operator(name, None)
    return snapshot.Operator(name, found[0], inspector.token(found[0]))


def _compared(
    inventory: Inventory,
    reader: Reader,
    today: date,
    limit: Collection[str] | None,
    *,
    hosts_too: bool = False,
) -> compare.Comparison:
    """``hosts_too``: with whoever else holds HOST/… of a host, for which a plan has no use."""
    desired = expand(inventory)
    wanted = desired.account_names()
    endpoints = desired.endpoints_of(list(desired.delegates)) if hosts_too else ()
    spns = [f"HOST/{name}" for e in endpoints for name in (e.computer, e.fqdn)]
    accounts = reader.find(wanted, spns)
    bases = inventory.directory.search_base
    found = snapshot.resolve(reader.directory, wanted, accounts, bases)
    return compare.compare(inventory, desired, found, today, limit)
