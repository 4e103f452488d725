"""Inventory and directory -> the comparison of both: for a plan, or for findings."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from delegation import names
from delegation.errors import AccountsError, DirectoryError, UsageError
from delegation.inventory import Inventory, OwnValues
from delegation.mesh import (
    by_target_list,
    checks,
    compare,
    file_servers,
    known_accounts,
    retirement,
    snapshot,
)
from delegation.mesh.acting_list import lets_act
from delegation.mesh.desired import expand
from delegation.mesh.identities import KnownAccounts
from delegation.mesh.operator_names import OperatorName
from delegation.mesh.seams import Inspector, Reader
from delegation.mesh.snapshot import Computer
from delegation.mesh.spn_mappings import SpnMappings


def limited(
    expressions: str | None, inventory: Inventory, *, retired: bool = True
) -> frozenset[str] | None:
    """The labels that ``--limit`` means; None without it. Raises UsageError for unknown ones.

    ``retired``: it may name retired hosts too, where their accounts are looked at.
    """
    if expressions is None:
        return None
    former = [gone.name for gone in retirement.taken_back(inventory, None)] if retired else []
    try:
        limits, unknown = names.chosen(expressions, [*inventory.hosts, *former])
    except ValueError as exc:
        raise UsageError(f"--limit: {exc}", "write hosts as in hv[01-08],hv12") from exc
    if unknown or not limits:
        guess = names.did_you_mean(unknown, [*inventory.hosts, *former])
        hosts = f"its hosts are {names.fold(inventory.hosts)}{_also_retired(former)}"
        raise UsageError(
            f"--limit names no host of the inventory: {names.fold(unknown) or expressions!r}",
            f"{guess} {hosts}".lstrip(),
        )
    return limits


def _also_retired(former: Collection[str]) -> str:
    return f"; retired are {names.fold(former)}" if former else ""


def for_plan(
    inventory: Inventory,
    reader: Reader,
    today: date,
    limit: Collection[str] | None = None,
    known: KnownAccounts | None = None,
) -> compare.Comparison:
    """Read the directory once and judge it, for a plan; ``today`` is when keep rules expire.

    ``known`` are the accounts as they were before, None where nothing is known of that.
    Raises AccountsError where a host in scope, or a host it reaches, has not exactly one
    account in the domain.
    """
    comparison = _compared(inventory, reader, today, limit, known)
    problems = checks.problems(comparison, limit)
    if problems:
        raise AccountsError(
            f"{len(problems)} of the inventory's accounts can't be used",
            "correct the inventory, or join the hosts to the domain; nothing was written",
            [what for _, what in problems],
        )
    return comparison


def for_findings(  # noqa: PLR0913, PLR0917 - what findings rest on
    inventory: Inventory,
    inspector: Inspector,
    today: date,
    limit: Collection[str] | None = None,
    operators: Sequence[str] = (),
    known: KnownAccounts | None = None,
) -> compare.Comparison:
    """Read the directory and judge it, for findings: with evidence, hosts without account left out.

    Still one search where nothing but the inventory's own values is found: who else holds a name
    that they use comes with the hosts. Of other values, whoever may answer to their names is
    looked up: by the name itself, by what stands for it, and by the name of a computer.
    """
    comparison = _compared(inventory, inspector, today, limit, known)
    accounts = comparison.snapshot.accounts
    # A resource-based list holds SIDs. Whoever reads the finding knows accounts by their names.
    sids = {ace.sid for host in comparison.hosts for ace in host.computer.acting}
    others = _answering_to_others(comparison, inspector)
    judged_operators = tuple(operator(inspector, name) for name in operators)
    account_names: Mapping[str, str] = {}
    tokens: dict[UUID, frozenset[str]] = {}
    if sids:
        account_names = inspector.account_names(sorted(sids))
        tokens |= _tokens_of_retired(comparison, inspector)
    tokens |= _tokens_of_sources(comparison, inspector)
    evidence = replace(
        comparison.snapshot,
        accounts=(*accounts, *others),
        operators=judged_operators,
        account_names=account_names,
        tokens=tokens,
    )
    return replace(comparison, snapshot=evidence)


def _answering_to_others(comparison: compare.Comparison, inspector: Inspector) -> list[Computer]:
    """Accounts, not read yet, that may answer to values which are not desired."""
    others = {verdict.value for host in comparison.hosts for verdict in host.extra}
    if comparison.retired:
        others |= set(_astray_from_retired(comparison))
    if not others:
        return []
    parsed = [names.ServicePrincipalName.parse(value) for value in others]
    hosts = {spn.host for spn in parsed if spn}
    # Without a registered name there may still be a computer of that name, which registers it
    # when it starts: then the value is nobody's to take.
    short_names = {host.partition(".")[0] for host in hosts}
    computers = sorted(name for name in short_names if names.is_computer_name(name))
    standing = names_standing_for(comparison.snapshot.mappings, others)
    spns = [*sorted(others), *sorted({*standing, *(f"HOST/{host}" for host in hosts)})]
    # What is no service's name is an account's, of a computer or of a user.
    accounts = sorted({names.account_named(value) for value in others} - {""})
    computers += [name for name in accounts if not name.endswith("$")]
    read_already = {account.guid for account in comparison.snapshot.accounts}
    answering = inspector.find(computers, spns, accounts)
    return [account for account in answering if account.guid not in read_already]


def _astray_from_retired(comparison: compare.Comparison) -> Iterator[str]:
    """Values of retired hosts' accounts, but for those of machines that have been read already."""
    ours = retirement.MeshNames.of(comparison.inventory)
    for host in comparison.retired:
        for verdict in host.extra:
            spn = names.ServicePrincipalName.parse(verdict.value)
            target = spn.host.casefold() if spn else ""
            if target not in ours.hosts and target not in ours.file_servers:
                yield verdict.value


def _tokens_of_retired(
    comparison: compare.Comparison, inspector: Inspector
) -> dict[UUID, frozenset[str]]:
    """The SIDs of retired accounts where some host's own list may mean a group of theirs."""
    tokens: dict[UUID, frozenset[str]] = {}
    for former in comparison.inventory.retired:
        account = retirement.own_account(comparison.snapshot, former)
        if account is None or former.own is OwnValues.KEEP:
            continue
        lists = (host.computer.acting for host in comparison.hosts)
        if any(lets_act(acting, account.sid, None) is None for acting in lists):
            token = inspector.token(account)
            tokens |= {account.guid: token} if token is not None else {}
    return tokens


def _tokens_of_sources(
    comparison: compare.Comparison, inspector: Inspector
) -> dict[UUID, frozenset[str]]:
    """The SIDs of hosts that lack values, where a target's own list may mean a group of theirs."""
    tokens: dict[UUID, frozenset[str]] = {}
    for host, _, target in by_target_list.judged_by_target(comparison):
        source = host.computer
        is_open = lets_act(target.acting, source.sid, None) is None
        if is_open and source.guid not in tokens:
            token = inspector.token(source)
            tokens |= {source.guid: token} if token is not None else {}
    return tokens


def names_standing_for(mappings: SpnMappings, values: Iterable[str]) -> list[str]:
    """What to look for besides ``values``: HOST/hv02 for cifs/hv02, each once."""
    aliases = (mappings.alias(value) for value in values)
    return list(dict.fromkeys(alias for alias in aliases if alias))


def operator(inspector: Inspector, name: str) -> snapshot.Operator:
    """Who ``name`` is. Raises DirectoryError where several accounts answer to it.

    Somebody of another domain is not looked for: his namesake here is somebody else.
    """
    asked, here = OperatorName.parse(name), inspector.directory.domain
    domains = inspector.domains() if asked.domain and not asked.is_principal else {}
    if elsewhere := asked.domain_elsewhere(here, domains):
        return snapshot.Operator(name, None, elsewhere=elsewhere)
    accounts = inspector.people(name)
    if len(accounts) > 1:
        raise DirectoryError(
            f"{name} means several accounts: {' and '.join(account.dn for account in accounts)}",
            "name the operator as DOMAIN\\user or user@domain",
        )
    if not accounts:
        # A principal that nobody has here may well be somebody's of another domain.
        is_here = asked.domain.casefold() in {"", here.casefold()} or not asked.is_principal
        return snapshot.Operator(name, None, elsewhere="" if is_here else asked.domain)
    [account] = accounts
    return snapshot.Operator(name, account, inspector.token(account))


def _compared(
    inventory: Inventory,
    reader: Reader,
    today: date,
    limit: Collection[str] | None,
    known: KnownAccounts | None,
) -> compare.Comparison:
    """One search for all accounts that the inventory names, and the comparison with it.

    With them comes whoever else holds HOST/… of a host, and so has the tickets for its cifs: it
    leads a plan astray as an explicit cifs/… on another account would, which the search always has.
    """
    desired = expand(inventory)
    account_names = desired.account_names()
    # Many an account is moved to another OU when its host retires: no search base bounds those.
    former = [gone.name for gone in retirement.taken_back(inventory, None)]
    endpoints = desired.endpoints_of(list(desired.delegates))
    mappings = reader.spn_mappings()
    values = [value for endpoint in endpoints for value in endpoint.values]
    standing = names_standing_for(mappings, values)
    users = desired.user_names()
    accounts = reader.find([*account_names, *former], standing, users)
    bases = inventory.directory.search_base
    resolved = snapshot.resolve(
        reader.directory, account_names, accounts, bases, mappings, anywhere=former, users=users
    )
    wanted = file_servers.answered(desired, resolved)
    comparison = compare.compare(inventory, wanted, resolved, today, limit)
    identities = known_accounts.identified(comparison, known or KnownAccounts(), reader)
    return replace(comparison, identities=identities)
